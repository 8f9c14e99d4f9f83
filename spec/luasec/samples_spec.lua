-- LuaSec's samples `key` and `dane`, as programs of their own: what they print with ours and with the real LuaSec.
local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

local implementations = { ours = 'require "scissl.luasec".install()', real = luasec.real and 'require "ssl"' or nil }

-- By implementation: what `run(line that loads it)` returns. Ours first.
local function outputs(run)
  local ours = run(implementations.ours)
  return ours, implementations.real and run(implementations.real) or ours
end

describe("LuaSec's sample of encrypted keys", function()
  local program = [[
    local ssl = %s
    local parameters = { protocol = "any", mode = "server", key = %q, certificate = %q }
    for _, password in ipairs { false, "foobar", function() return "foobar" end, "wrong" } do
      parameters.password = password or nil
      local context, problem = ssl.newcontext(parameters)
      print("context", type(context), problem)
    end
  ]]

  -- On a terminal at which a person types `typed`. Returns the lines that the program printed.
  local function at_terminal(implementation, typed)
    local file = pki.write(pki.server.key:toPem "foobar")
    local command = ends.luaCommand(program:format(implementation, file, pki.server.certificateFile), ends.leaking())
    local script = pki.write("#!/bin/sh\nexec " .. command .. "\n")
    local pipe <close> = assert(io.popen(("printf '%s\\n' | script -qec 'sh %s' /dev/null"):format(typed, script)))
    local lines, prompts = {}, 0
    for line in pipe:lines() do
      if line:find "Enter PEM pass phrase:" then prompts = prompts + 1 end
      lines[#lines + 1] = line:match "context.*[^\r]"
    end
    return lines, prompts
  end

  local is_there = ends.has "script" and os.execute "script -qec true /dev/null </dev/null >/dev/null 2>&1"
  local it = is_there and it or function(name) pending(name .. " (there is no `script` to make a terminal)") end

  it("asks on the terminal where no password is given", function()
    local prompts = {}
    local ours, real = outputs(function(implementation)
      local lines
      lines, prompts[#prompts + 1] = at_terminal(implementation, "foobar")
      return lines
    end)
    assert.same(real, ours)
    assert.same({ "context\tuserdata\tnil", "context\tuserdata\tnil", "context\tuserdata\tnil",
      "context\tnil\terror loading private key (bad decrypt)" }, ours)
    assert.equal(1, prompts[1])
  end)

  it("fails where the person types another password", function()
    local ours, real = outputs(function(implementation) return (at_terminal(implementation, "wrong")) end)
    assert.same(real, ours)
    assert.equal("context\tnil\terror loading private key (bad decrypt)", ours[1])
  end)

  it("fails where there is no terminal", function()
    local file = pki.write(pki.server.key:toPem "foobar")
    local source = program:format(implementations.ours, file, pki.server.certificateFile)
    local pipe <close> = assert(io.popen("setsid -w " .. ends.luaCommand(source) .. " </dev/null 2>/dev/null"))
    assert.matches("^context\tnil\terror loading private key", pipe:read())
    assert.equal("context\tuserdata\tnil", pipe:read())
  end)
end)

-- The answer of DNS is made here: the sample asks a resolver that is to verify it by DNSSEC.
describe("LuaSec's sample of DANE", function()
  local program = [[
    local ssl, socket = %s, require "socket"
    local function bytes(text) return (text:gsub("%%x%%x", function(two) return string.char(tonumber(two, 16)) end)) end
    for _, data in ipairs { %s } do
      data = bytes(data)
      local conn = ssl.wrap(socket.connect("127.0.0.1", %d), {
        protocol = "tlsv1_2", mode = "client", ciphers = "DEFAULT", capath = "/etc/ssl/certs", verify = "peer",
        dane = true,
      })
      print("dane", conn:setdane "localhost")
      local usage, selector, kind = data:byte(1, 3)
      local good, added = pcall(function() return conn:settlsa(usage, selector, kind, data:sub(4)) end)
      print("tlsa", good, (tostring(added):gsub("^.-:%%d+: ", "")))
      print("done", conn:dohandshake())
      print("verified", conn:getpeerverification())
      conn:close()
    end
  ]]

  local function record(usage, selector, kind, identity)
    local data = identity.certificate:tlsa(selector, kind)
    return ("%02x%02x%02x%s"):format(usage, selector, kind, (data:gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end)))
  end

  it("accepts the servers that LuaSec accepts", function()
    local records = {}
    for usage = 0, 3 do
      for selector = 0, 1 do
        for kind = 0, 2 do records[#records + 1] = record(usage, selector, kind, pki.selfSigned) end
        records[#records + 1] = record(usage, selector, 1, pki.server)
      end
    end
    for _, odd in ipairs { "030109" .. ("00"):rep(32), "0301", "", "030101" } do records[#records + 1] = odd end
    local server <close> = ends.openssl(("-key %s -cert %s"):format(
      pki.selfSigned.keyFile, pki.selfSigned.certificateFile))
    local list = {}
    for i, data in ipairs(records) do list[i] = ("%q"):format(data) end
    local ours, real = outputs(function(implementation)
      local peer <close> = ends.lua(program:format(implementation, table.concat(list, ", "), server.port))
      return (peer:finish())
    end)
    assert.equal(real, ours)
    local _, accepted = ours:gsub("done\ttrue\nverified\ttrue\n", "")
    assert.is_true(accepted >= 6, ours)
    assert.truthy(ours:find("certificate verify failed", 1, true))
    assert.truthy(ours:find("bad argument #3 to 'settlsa' (number expected, got nil)", 1, true), ours)
  end)
end)
