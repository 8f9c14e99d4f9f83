-- Whatever closes a descriptor wakes those who wait for it, in every loop.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local LONG = 30

local SciPoller, SciSocket, SciSslSocket = scissl.SciPoller, scissl.SciSocket, scissl.SciSslSocket
local wait = scissl.wait

describe("The classes", function()
  it("are as they were made, whatever waiters have been loaded", function()
    for _, loop in ipairs(loops.all) do
      if not loop.missing() then wait.find(loop.waiter) end
    end
    for _, class in ipairs { SciSocket, SciSslSocket, SciPoller } do
      for name, method in pairs(class) do
        if type(method) == "function" and name ~= "clientHello" then
          assert.are.equal("C", debug.getinfo(method, "S").what, name)
        end
      end
    end
  end)
end)

-- Each answers what is waited for, and a function that closes it.
local ways = {}

local function plain()
  local near, far = SciSocket.pair()
  near:setBlocking(false)
  return near, far
end

local function secured()
  local near, far = plain()
  return assert(SciSslSocket.on(near, ends.clientContext())), near, far
end

ways["a SciSocket, by close()"] = function()
  local near, far = plain()
  return near, function() return near:close(), far end
end

ways["a SciSocket, by a <close> variable"] = function()
  local near, far = plain()
  return near, function()
    local _ <close> = near
    return far
  end
end

ways["a SciSslSocket, by close()"] = function()
  local socket, _, far = secured()
  return socket, function() return socket:close(), far end
end

ways["a SciSslSocket, by a <close> variable"] = function()
  local socket, _, far = secured()
  return socket, function()
    local _ <close> = socket
    return far
  end
end

ways["a SciSslSocket, by the close of the socket below"] = function()
  local socket, near, far = secured()
  return socket, function() return near:close(), far end
end

ways["a SciSocket, by the close of the SciSslSocket above"] = function()
  local socket, near, far = secured()
  return near, function() return socket:close(), far end
end

ways["a SciSocket, by the close of another that has the same owner"] = function()
  local near, far = plain()
  local other = assert(SciSocket.on(near))
  return assert(SciSocket.on(near)), function() return other:close(), far end
end

ways["a descriptor number"] = function()
  local near, far = plain()
  return near:getfd(), function() return near:close(), far end
end

for _, loop in ipairs(loops.all) do
  local it = loops.it(loop)

  describe("Under " .. loop.name, function()
    for name, make in pairs(ways) do
      it("closing wakes those who wait for " .. name, function()
        local target, close = make()
        local silent, other, _ <close> = sockets.pair()
        local results = loop.run(function()
          return wait.on(target, "r", { waiter = loop.waiter, timeout = LONG })
        end, function()
          wait.on(silent, "r", { waiter = loop.waiter, timeout = 0.01 })
          close()
        end)
        other:close()
        assert.is_true(results[1][1])
      end)
    end

    it("the number of a socket that was collected serves the next one", function()
      local results = loop.run(function()
        local numbers = {}
        for _ = 1, 20 do
          do
            local near, far = plain()
            far:send "x"
            assert(wait.on(near, "r", { waiter = loop.waiter, timeout = LONG }))
            numbers[near:getfd()] = true
          end
          collectgarbage()
          collectgarbage()
          local near, far <close> = plain()
          local _ <close> = near
          if numbers[near:getfd()] then numbers.again = true end
          far:send "y"
          assert(wait.on(near, "r", { waiter = loop.waiter, timeout = LONG }))
          assert(near:recv(1) == "y")
        end
        return numbers.again
      end)
      assert.is_true(results[1][1])
    end)
  end)
end

describe("A SciPoller that is closed", function()
  for name, close in pairs {
    ["by close()"] = function(poller) poller:close() end,
    ["by a <close> variable"] = function(poller) local _ <close> = poller end,
  } do
    it("wakes those who wait for it, " .. name, function()
      local inner = SciPoller.new()
      if inner:getfd() < 0 then return pending "this way to wait has no descriptor" end
      local results = loops.all[1].run(function()
        return (coroutine.yield(inner, "r", SciSocket.now() + LONG))
      end, function()
        coroutine.yield()
        close(inner)
      end)
      assert.is_true(results[1][1])
    end)
  end
end)

describe("What is told of closing", function()
  it("cannot keep a socket from being closed by raising an error", function()
    local near, far, _ <close> = sockets.pair()
    local poisoned = setmetatable({}, { __index = function() error "deep" end })
    require "scissl.loop.wait_registry".enter(near, poisoned)
    assert.is_true(near:close())
    assert.are.equal(-1, near:getfd())
    assert.are.equal("", far:recv(1))
  end)
end)
