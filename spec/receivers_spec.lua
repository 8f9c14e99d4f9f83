-- Methods that are written in Lua, called with a dot for a colon, or on an object of another class.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local has_socket = pcall(require, "socket")

-- An object of each class that has methods written in Lua.
local function make_objects()
  local objects = {}
  local near = scissl.SciSocket.pair()
  objects.SciSslStream = assert(scissl.plain.on(near))
  objects.SciSslListener = assert(scissl.listen {
    port = 0, host = "127.0.0.1", certificate = pki.server.certificate, privateKey = pki.server.key,
  })
  objects.SciSignals = assert(scissl.SciSignals.new "SIGUSR2")
  objects.SciScheduler = assert(scissl.scheduler.new())
  objects.SciSslSocketConfiguration = scissl.SciSslSocketConfiguration.new()
  objects.SciSslSessionMemory = scissl.sessions.memory.new()
  objects.SciSslSessionFile = scissl.sessions.file.new { path = "/nonexistent/sessions" }
  objects.SciSslSessionRedis = scissl.sessions.redis.new { secret = false, connect = function() return nil end }
  objects.SciSslSni = scissl.sni.new { ["*"] = ends.serverContext() }
  local client, server = ends.pair { transport = "memory" }
  client:sslConnect()
  server:sslFeed(client:sslDrain())
  server:sslSuspendAt "clientHello"
  server:sslAccept()
  objects.SciSslClientHello, objects.SciSslSocket = server:clientHello(), server
  objects.SciSslError = scissl.SciSslError.new { condition = "timeout" }
  objects.SciSslTrySocket = scissl.try()
  local listener <close>, port = sockets.listening()
  objects.SciSslRedisClient = assert(require "scissl.sessions.redis.resp_client".connect { port = port })
  objects.SciSslRedisClient:close()
  listener:close()
  if has_socket then objects.SciSelectPoller = require "scissl.loop.select_poller".new() end
  return objects
end

local objects = make_objects()

-- What makes objects, or has nothing to do with one.
local no_methods = {
  SciSslClientHello = { fromRecords = true },
  SciSslSocketConfiguration = { new = true, forgetContexts = true },
  SciSslSni = { new = true },
}

local function is_written_in_lua(value)
  return type(value) == "function" and debug.getinfo(value, "S").what == "Lua"
end

-- The methods and metamethods of a class that are written in Lua, by name.
local function methods_of(class, object)
  local methods, others = {}, no_methods[class] or {}
  local meta = getmetatable(object)
  local index = type(meta.__index) == "table" and meta.__index or {}
  for _, functions in ipairs { meta, index } do
    for name, value in pairs(functions) do
      if is_written_in_lua(value) and name ~= "__index" and not others[name] then methods[name] = value end
    end
  end
  return methods
end

-- Receivers that are wrong for `class`.
local function wrong_for(class)
  local wrong = { 17, {}, "text", true, print, setmetatable({}, { __index = function() error "asked" end }) }
  for name, object in pairs(objects) do
    if name ~= class then wrong[#wrong + 1] = object end
  end
  return wrong
end

local function refuses(class, name, method, value, got)
  local good, message = pcall(method, value)
  local expected = ("bad argument #1 to '%s' (%s expected, got %s)"):format(name, class, got)
  assert.is_false(good, expected)
  assert.is_truthy(tostring(message):find(expected, 1, true), ("%s, and not: %s"):format(expected, tostring(message)))
end

describe("A wrong receiver is a bad argument", function()
  for class, object in pairs(objects) do
    it("to the methods of " .. class, function()
      local count = 0
      for name, method in pairs(methods_of(class, object)) do
        count = count + 1
        refuses(class, name, method, nil, "nil")
        for _, value in ipairs(wrong_for(class)) do
          local meta = getmetatable(value)
          refuses(class, name, method, value, type(meta) == "table" and meta.__name or type(value))
        end
      end
      assert.is_true(count > 0 or class == "SciSslTrySocket")
    end)
  end

  it("to the methods of a SciSslTrySocket, its own and those of the SciSslSocket within", function()
    local try = objects.SciSslTrySocket
    for _, name in ipairs { "trace", "traceText", "said", "socket", "sslRead", "close", "isSecure" } do
      refuses("SciSslTrySocket", name, try[name], nil, "nil")
      refuses("SciSslTrySocket", name, try[name], {}, "table")
      refuses("SciSslTrySocket", name, try[name], objects.SciSslStream, "SciSslStream")
    end
  end)

  it("in LuaSec's words, to the methods of its connections", function()
    local connection = require "scissl.luasec.connection"
    local count = 0
    for name, of_class in pairs(connection.methods) do
      count = count + 1
      -- By its name, as programs call it.
      local method = load(("local methods = ... return function(value) methods.%s(value) end"):format(name))(
        { [name] = of_class })
      refuses("SSL:Connection", name, method, nil, "nil")
      refuses("SSL:Connection", name, method, {}, "table")
      refuses("SSL:Connection", name, method, 17, "number")
      refuses("SSL:Connection", name, method, objects.SciSslSocket, "SciSslSocket")
    end
    assert.is_true(count > 20)
  end)

  it("and names the line of the caller", function()
    local _, message = pcall(function() objects.SciSslStream.read "l" end)
    local here = debug.getinfo(1, "S").short_src:gsub("%p", "%%%0")
    assert.is_truthy(message:find("^" .. here .. ":%d+: bad argument #1 to 'read'"), message)
    _, message = pcall(function() objects.SciSslStream.getfd() end)
    assert.is_truthy(message:find("^" .. here .. ":%d+: bad argument #1 to 'getfd'"), message)
  end)
end)

describe("The text of a SciSslError", function()
  local poisoned = {
    setmetatable({}, { __tostring = function() error "deep" end }),
    setmetatable({}, { __tostring = function() error() end }),
    setmetatable({}, { __tostring = function() return 17 end }),
    setmetatable({}, { __tostring = function() return {} end }),
    setmetatable({}, { __tostring = function() coroutine.yield() end }),
    setmetatable({}, { __tostring = "no function" }),
    setmetatable({}, { __name = 17 }),
    setmetatable({}, { __metatable = "locked", __tostring = function() error "deep" end }),
    coroutine.create(print), print, 0 / 0, false, "", "a\nb\0c",
  }
  local conditions = { "handler_failed", "timeout", "certificate_expired", "closed", "no such condition", "" }

  it("is a line, whatever its cause does", function()
    for _, cause in pairs(poisoned) do
      for _, condition in ipairs(conditions) do
        local err = scissl.SciSslError.new { condition = condition, phase = "accept", cause = cause, message = "words" }
        for _, make in ipairs { err.errorHint, tostring } do
          local text = make(err)
          assert.are.equal("string", type(text))
          assert.is_truthy(#text > 0 and not text:find "%c")
          assert.is_truthy(text:find("words", 1, true), text)
        end
      end
    end
  end)

  it("is a line, however deep the causes lie", function()
    local err = scissl.SciSslError.new { condition = "closed" }
    for i = 1, 500 do
      err = scissl.SciSslError.new { condition = i % 2 == 0 and "timeout" or "closed", cause = err }
    end
    assert.is_true(#err:errorHint() > 0)
    assert.is_true(#tostring(err) > 0)
  end)

  it("is a line where a cause asks for it again", function()
    local err
    local cause = setmetatable({}, { __tostring = function() return tostring(err) end })
    err = scissl.SciSslError.new { condition = "handler_failed", cause = cause }
    assert.is_true(#err:errorHint() > 0)
    assert.is_true(#tostring(err) > 0)
  end)
end)
