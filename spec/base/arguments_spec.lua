-- Wrong arguments of functions that are written in Lua: each is refused by name, with "bad argument" or "bad option".
local scissl = require "scissl"

local context = assert(scissl.SciSslContext.new())
local socket = assert(scissl.SciSslSocket.onMemory(context))
local stream = scissl.stream(assert(scissl.SciSslSocket.onMemory(context)))
local wait, sni, memory = scissl.wait, scissl.sni.new {}, scissl.sessions.memory.new()
local redis = scissl.sessions.redis.new { secret = false, connect = function() return nil end }
local poll = wait.find "poll"
local luasec = require "scissl.luasec"
local parameters = { mode = "client", protocol = "any" }

local function listen(more)
  more.port, more.psk = 0, { somebody = "a secret" }
  return function() return scissl.listen(more) end
end

-- What is refused with which words: a function and its arguments.
local cases = {
  { "#1 to 'scissl.sni.new' (table expected, got nil)", scissl.sni.new },
  { "#1 to 'scissl.sni.new' (table expected, got number)", scissl.sni.new, 5 },
  { "#1 to 'find' (string or nil expected, got table)", sni.find, sni, {} },
  { "#2 to 'SciSslSni' (SciSslClientHello expected, got nil)", sni, socket },
  { "#2 to 'wait.find' (integer or nil expected, got string)", wait.find, "poll", "1" },
  { "#1 to 'wait.deadline' (number or nil expected, got string)", wait.deadline, "1" },
  { "#1 to 'wait.on' (socket, descriptor, or object with getfd expected, got nil)", wait.on },
  { "#2 to 'wait.on' ('r', 'w' or 'rw' expected, got nil)", wait.on, socket },
  { "#2 to 'wait.ready' (socket, descriptor, or object with getfd expected, got boolean)", wait.ready, poll, true },
  { "#3 to 'wait.ready' ('r', 'w' or 'rw' expected, got string)", wait.ready, poll, socket, "x" },
  { "#4 to 'wait.ready' (number or nil expected, got string)", wait.ready, poll, socket, "r", "soon" },
  { "#3 to 'wait.turn' (number or nil expected, got table)", wait.turn, poll, socket, {} },
  { "#1 to 'wait.wanted' (SciSslSocket or SciSslTrySocket expected, got number)", wait.wanted, 5, 1 },
  { "#1 to 'wait.cancel' (socket, descriptor, or object with getfd expected, got nil)", wait.cancel },
  { "#1 to 'put' (string expected, got nil)", memory.put, memory },
  { "#2 to 'put' (OSSslSession expected, got table)", memory.put, memory, "key", {} },
  { "#1 to 'get' (string expected, got nil)", memory.get, memory },
  { "#1 to 'remove' (string expected, got nil)", memory.remove, memory },
  { "#1 to 'find' (string expected, got table)", redis.find, redis, {} },
  { "#1 to 'put' (OSSslSession expected, got string)", redis.put, redis, "a session" },
  { "#1 to 'remove' (OSSslSession or string expected, got table)", redis.remove, redis, {} },
  { "#1 to 'keep' (SciSslSocket expected, got nil)", redis.keep, redis },
  { "#2 to 'serve' (string or nil expected, got table)", redis.serve, redis, context, {} },
  { "#1 to 'onClientHello' (function or nil expected, got table)", redis.onClientHello, redis, {} },
  { "#1 to 'handshake' (SciSslSocket or SciSslTrySocket expected, got table)", scissl.handshake, {}, "connect" },
  { "#1 to 'plain.on' (SciSocket, descriptor or object with getfd expected, got boolean)", scissl.plain.on, true },
  { "#1 to 'newcontext' (table expected, got nil)", luasec.newcontext },
  { "#1 to 'wrap' (socket expected, got number)", luasec.wrap, 5, parameters },
}

local bad_options = {
  { "'sessions' to 'scissl.connect' (object with get and put expected, got table)",
    scissl.connect, { host = "localhost", port = 1, sessions = {} } },
  { "'sessions' to 'scissl.listen' (object with serve, keep and onClientHello expected, got table)",
    listen { sessions = {} } },
  { "'tlsa' to 'startTls' (list of tables expected, got table)",
    stream.startTls, stream, { host = "x", tlsa = { 5 } } },
  { "'poller' to 'scheduler.new' (string or object with arm, disarm, wait and close expected, got table)",
    scissl.scheduler.new, { poller = {} } },
}

describe("A wrong argument is refused by its name:", function()
  for prefix, list in pairs { ["bad argument "] = cases, ["bad option "] = bad_options } do
    for _, case in ipairs(list) do
      it(case[1], function()
        local good, raised = pcall(table.unpack(case, 2, 6))
        assert.is_false(good)
        assert.truthy(tostring(raised):find(prefix .. case[1], 1, true), tostring(raised))
      end)
    end
  end
end)

describe("scissl.listen", function()
  it("refuses a context of a server name that is none", function()
    assert.error_matches(listen { sni = { ["example.org"] = 5 } }, "bad context 'number' of a server name")
  end)
end)

describe("The waiter poll", function()
  it("waits for a descriptor number and for an object of another library", function()
    local near, far = scissl.SciSocket.pair()
    local foreign = { getfd = function() return near:getfd() end }
    for _, target in ipairs { near, near:getfd(), foreign } do
      assert.is_true((wait.on(target, "w", { timeout = 1 })))
      local ready, failure = wait.on(target, "r", { timeout = 0.01 })
      assert.is_nil(ready)
      assert.equal("timeout", failure:condition())
    end
    for _ = 1, 100 do -- after many times it is asked whether that is true
      assert.is_true((wait.on(foreign, "w")))
    end
    near:close()
    far:close()
  end)
end)

describe("scissl.wait.cancel", function()
  it("finds no wait for an object whose getfd is none", function()
    for _, getfd in ipairs { function() error "broken" end, function() return "5" end, function() end } do
      assert.equal(0, wait.cancel({ getfd = getfd }))
    end
    local asked = false
    local changing = setmetatable({}, { __index = function()
      local first = not asked
      asked = true
      return first and function() return -1 end
    end })
    assert.equal(0, wait.cancel(changing))
  end)
end)

describe("scissl.luasec", function()
  it("returns nil and why for identities that are none", function()
    for _, certificates in ipairs { 5, { 5 } } do
      local made, words = luasec.newcontext { mode = "server", protocol = "any", certificates = certificates }
      assert.is_nil(made)
      assert.equal("invalid certificates type", words)
    end
  end)
end)
