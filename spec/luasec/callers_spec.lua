-- What programs do around the handshake, with ours and with the real LuaSec: the calls of pgmoon (a proxy of a socket),
-- luamqtt (sockets after a failure) and pegasus (a server with a time-out for all of a connection).
local asking = require "spec.support.luasec_compare"
local luasec = require "spec.support.luasec"

if not luasec.real then return pending "LuaSec is not installed: nothing has been compared with it" end

local field, same, shown = asking.field, asking.same, asking.shown

local OPTIONS = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" }

-- A server of ours, since only the client is compared. Returns two connected sockets of LuaSocket: the far one belongs
-- to a server which the caller lets act by `act()` until the client has what it waits for.
local function with_server(ssl, given)
  local near, far = luasec.sockets()
  far:settimeout(0)
  local server = assert(ssl.wrap(far, luasec.server(given)))
  server:settimeout(0)
  return near, server
end

-- Both sides without blocking. Returns the results of the client's handshake.
local function shake(client, server)
  client:settimeout(0)
  local done, problem
  for _ = 1, 1000 do
    done, problem = client:dohandshake()
    server:dohandshake()
    if done or problem ~= "wantread" and problem ~= "wantwrite" then return done, problem end
    luasec.wait(client, server)
  end
  return done, problem
end

describe("A proxy of a socket that becomes one of a connection, as pgmoon's", function()
  local proxy = { __index = function(self, key)
    local original = self.sock[key]
    if type(original) ~= "function" then return original end
    return function(_, ...) return original(self.sock, ...) end
  end }

  it("calls the methods of both", function()
    same(function(ssl)
      local near, server = with_server(ssl)
      local self = setmetatable({ sock = near }, proxy)
      local plain = type(self:getfd())
      local params = { mode = "client", protocol = "any", verify = "none", options = OPTIONS }
      self.sock = assert(ssl.wrap(self.sock, params))
      local results = { plain, shake(self.sock, server) }
      self:settimeout(5)
      results[#results + 1] = shown { self:send "query" }
      server:settimeout(5)
      results[#results + 1] = shown { server:receive(5) }
      server:send "row\n"
      results[#results + 1] = shown { self:receive(3) }
      results[#results + 1] = shown { self:receive "*l" }
      results[#results + 1] = tostring(self.no_such_method)
      results[#results + 1] = shown { self:close() }
      return results
    end, table.unpack)
  end)
end)

describe("The socket that was wrapped, as luamqtt shuts it down", function()
  it("after wrap has failed", function()
    same(function(ssl)
      local near = luasec.sockets()
      local wrapped, problem = ssl.wrap(near, { mode = "client", protocol = "none" })
      return { wrapped, problem, near:getfd() >= 0, shown { near:shutdown() }, field(near, "send", near, "x") }
    end, function(results) return table.unpack(results, 1, 5) end)
  end)

  it("after the handshake has failed, and after it was done", function()
    for _, verify in ipairs { "peer", "none" } do
      same(function(ssl)
        local near, server = with_server(ssl)
        local params = { mode = "client", protocol = "any", verify = verify, options = OPTIONS }
        assert(ssl.newcontext(params)) -- once more than it is used
        local wrapped = assert(ssl.wrap(near, params))
        local done, problem = shake(wrapped, server)
        local results = { done, problem, near:getfd(), shown { near:shutdown() }, shown { near:close() } }
        results[6], results[7] = shown { wrapped:send "x" }, shown { wrapped:close() }
        return results
      end, function(results) return table.unpack(results, 1, 7) end)
    end
  end)
end)

describe("A server with a time-out for a whole connection, as pegasus's", function()
  -- Returns what the server does with a client that sends `bytes`, or makes a handshake and then sends them.
  local function serve(ssl, bytes, talks)
    local near, far = luasec.sockets()
    far:settimeout(0.2, "b")
    far:settimeout(0.2, "t")
    local results = {}
    local server = assert(ssl.wrap(far, luasec.server()))
    server:sni({ localhost = assert(ssl.newcontext(luasec.server())) }, false)
    if talks then
      local client = assert(luasec.ours.wrap(near, luasec.client()))
      client:sni "localhost"
      server:settimeout(0)
      results[1] = shown { shake(client, server) }
      server:dohandshake()
      client:settimeout(5)
      client:send(bytes)
      near = client
    else
      near:send(bytes)
    end
    server:settimeout(0.2, "b")
    server:settimeout(0.2, "t")
    results[#results + 1] = shown { server:dohandshake() }
    repeat
      local line, problem = server:receive "*l"
      results[#results + 1] = shown { line, problem }
    until not line or line == ""
    results[#results + 1] = shown { server:send "HTTP/1.1 200 OK\r\n\r\n" }
    results[#results + 1] = shown { server:close() }
    near:close()
    return results
  end

  for name, case in pairs {
    ["a request"] = { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", true },
    ["half of a request"] = { "GET / HTTP/1.1\r\nHost: loc", true },
    ["no TLS"] = { "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" },
    ["nothing"] = { "" },
  } do
    it("gets " .. name, function()
      same(function(ssl) return serve(ssl, case[1], case[2]) end, table.unpack)
    end)
  end
end)
