-- Encrypted Client Hello through a proxy: each attempt has a connection of its own.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSslContext = scissl.SciSslContext
local PUBLIC = "public.example"

if not scissl.features.ECH then
  return describe("Encrypted Client Hello through a proxy", function() pending "not in this OpenSSL" end)
end

local identity = pki.issue { subject = "CN=both", names = { "localhost", PUBLIC } }
local key, configs = assert(SciSslContext.newEchKey { publicName = PUBLIC })
local newer = assert(SciSslContext.newEchKey { publicName = PUBLIC, earlierKeys = { key } })

local function server_with(keys)
  local context = ends.serverContext { identity = identity }
  assert(context:setEchKeys(keys))
  return context
end

local hidden = { status = "success", innerName = "localhost", outerName = PUBLIC }

describe("Encrypted Client Hello", function()
  it("is tried again through a proxy, over a connection of its own", function()
    local listener <close> = assert(scissl.listen { host = "127.0.0.1", port = 0, context = server_with { newer },
      waiter = "coroutine" })
    local proxy <close> = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, waiter = "coroutine" })
    local _, port = listener:getSockName()
    local _, proxy_port = proxy:getSockName()
    local heads, seen = {}, {}
    local loop <close> = scissl.scheduler.new { onError = function(raised) error(tostring(raised), 0) end }
    local status
    loop:spawn(function()
      local stream <close> = assert(scissl.connect {
        host = "localhost", port = port, caFile = pki.ca.certificateFile, echConfigs = configs, timeout = 30,
        waiter = "coroutine", proxy = "http://127.0.0.1:" .. proxy_port,
      })
      status = stream:echStatus()
    end)
    loop:spawn(function()
      for i = 1, 2 do
        local stream, failure = listener:accept(30)
        seen[i] = stream and { stream:echStatus().status, stream:serverName() } or (failure:alert())
        if stream then
          stream:read "a"
          stream:close()
        end
      end
    end)
    loop:spawn(function()
      for i = 1, 2 do
        local inner = assert(proxy:accept(30))
        heads[i] = inner:readUntil("\r\n\r\n", 16384, true):match "^[^\r]*"
        local outer = assert(scissl.plain.connect { host = "127.0.0.1", port = port, waiter = "coroutine" })
        assert(inner:write "HTTP/1.1 200 Connection established\r\n\r\n")
        for from, to in pairs { [inner] = outer, [outer] = inner } do
          loop:spawn(function()
            for bytes in function() return (from:read "s") end do
              if not to:write(bytes) then break end
            end
            to:closeWrite()
          end)
        end
      end
    end)
    assert(loop:run())
    assert.are.same({ "ech_required", { "success", "localhost" } }, seen)
    assert.are.same(hidden, status)
    local request = ("CONNECT localhost:%d HTTP/1.1"):format(port)
    assert.are.same({ request, request }, heads)
  end)
end)
