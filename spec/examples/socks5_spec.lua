-- examples/socks5_client.lua, against a small SOCKS5 server.
local ends = require "spec.support.ends"
local examples = require "spec.support.examples"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local texts = require "spec.support.texts"

-- A SOCKS5 server and the TLS server behind it, in a process of their own. The SOCKS5 server takes any host for
-- 127.0.0.1, and serves one client.
local function start_servers(given)
  return ends.lua(([[
    local scissl = require "scissl"
    local loop = scissl.scheduler.new()
    local backend = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q,
      waiter = "coroutine" })
    local proxy = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, waiter = "coroutine" })
    local user, password, reply = %q, %q, %d

    local function pump(from, to)
      while true do
        local bytes = from:read "s"
        if not bytes or not to:write(bytes) then break end
        to:flush()
      end
      to:closeWrite()
    end

    local function sign_in(client)
      local count = client:read(2):byte(2)
      local methods = client:read(count)
      if user == "" then return client:write "\5\0" end
      assert(methods:find("\2", 1, true))
      client:write "\5\2"
      client:read(1)
      local function text() return client:read(client:read(1):byte()) end
      local good = text() == user and text() == password
      client:write("\1", good and "\0" or "\1")
      return good
    end

    loop:spawn(function()
      local client = assert(proxy:accept())
      if sign_in(client) then
        assert(client:read(4) == "\5\1\0\3")
        local host = client:read(client:read(1):byte())
        local port = string.unpack(">I2", client:read(2))
        client:write("\5", string.char(reply), "\0\1\127\0\0\1\0\0")
        print(host, port == select(2, backend:getSockName()))
        if reply == 0 then
          local server = assert(scissl.plain.connect { host = "127.0.0.1", port = port, waiter = "coroutine" })
          loop:spawn(function() pump(server, client) end)
          pump(client, server)
        end
      end
      client:close()
      backend:close()
    end)
    loop:spawn(function()
      local stream = backend:accept()
      if stream then
        stream:write("you said: ", stream:read "L" or "")
        stream:close()
      end
    end)
    print(("ports %%d %%d"):format(select(2, proxy:getSockName()), select(2, backend:getSockName())))
    io.stdout:flush()
    loop:run()
  ]]):format(pki.server.certificateFile, pki.server.keyFile, given.user or "", given.password or "", given.reply or 0),
    "^ports (%d+) (%d+)")
end

describe("examples/socks5_client.lua", function()
  local function run(given, ...)
    local peer <close> = start_servers(given)
    local output, code = examples.run("socks5_client.lua", "127.0.0.1", peer.captures[1], "localhost", peer.captures[2],
      given.caFile or pki.ca.certificateFile, ...)
    return output, code
  end

  it("reaches a server that it verifies", function()
    local output, code = run {}
    assert.are.equal("you said: hello through SOCKS5\n", output)
    assert.are.equal(0, code)
  end)

  it("signs in with user and password", function()
    local output = run({ user = "ann", password = "secret" }, "ann", "secret")
    assert.are.equal("you said: hello through SOCKS5\n", output)
    texts.has(run({ user = "ann", password = "secret" }, "ann", "wrong"), "the proxy rejected user and password")
  end)

  it("says why the proxy did not connect, and trusts no other server", function()
    texts.has(run { reply = 5 }, "connection refused")
    texts.has(run { caFile = pki.otherCa.certificateFile }, "no trusted CA signed the peer's certificate")
  end)

  it("says that it has met no proxy", function()
    local listener <close> = assert(scissl.plain.listen { host = "127.0.0.1", port = 0 })
    local peer <close> = ends.lua(([[
      arg = { "127.0.0.1", "%d", "localhost", "1" }
      dofile "examples/socks5_client.lua"
    ]]):format(select(2, listener:getSockName())))
    local stream = assert(listener:accept(30))
    stream:write "HTTP/1.1 400 Bad Request\r\n\r\n"
    stream:close()
    texts.has((peer:finish()), "this is no SOCKS5 proxy")
  end)
end)
