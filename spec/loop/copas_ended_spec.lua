-- A coroutine of copas that ends while it waits.
local loops = require "spec.support.loops"
local scissl = require "scissl"

local SciSocket = scissl.SciSocket

local copas_loop
for _, loop in ipairs(loops.all) do
  if loop.name == "copas" then copas_loop = loop end
end

describe("The waiter 'copas'", function()
  local it = loops.it(copas_loop)

  local function pause(seconds)
    local near, far = assert(SciSocket.pair())
    local ready, failure = scissl.wait.on(near, "r", { timeout = seconds, waiter = "copas" })
    near:close()
    far:close()
    assert.is_nil(ready)
    assert.equal("timeout", failure:condition())
  end

  it("sleeps where a coroutine was closed that waited until a deadline", function()
    local copas = require "copas"
    local near, far = assert(SciSocket.pair())
    local rounds = 0
    copas_loop.run(function()
      local thread
      copas.addthread(function()
        copas.setErrorHandler(function() end)
        thread = coroutine.running()
        scissl.wait.on(near, "r", { timeout = 0.02, waiter = "copas" })
      end)
      pause(0.001)
      assert(coroutine.close(thread))
      pause(0.04)
      local step = copas.step
      function copas.step(...)
        rounds = rounds + 1
        return step(...)
      end
      pause(0.1)
      copas.step = step
      assert(far:send "!")
      assert.is_true(scissl.wait.on(near, "r", { timeout = 20, waiter = "copas" }))
    end)
    near:close()
    far:close()
    assert.is_true(rounds < 20, rounds)
  end)

  -- Lets a coroutine begin to wait for `near`, and ends it by `stop(thread)`.
  local function begin_and_end(copas, near, timeout, stop)
    local thread
    copas.addthread(function()
      copas.setErrorHandler(function() end)
      thread = coroutine.running()
      scissl.wait.on(near, "r", { timeout = timeout, waiter = "copas" })
    end)
    pause(0.001)
    stop(thread)
  end

  -- The number of the next descriptor.
  local function free_number()
    local socket <close> = assert(SciSocket.newStreamSocket())
    return socket:getfd()
  end

  for _, way in ipairs { "closed", "removed" } do
    local found, copas = pcall(require, "copas")
    local missing = way == "removed" and not (found and copas.removethread)
    local case = missing and function(name) pending(name .. " (this copas cannot)") end or it

    case(("serves a socket whose coroutine was %s, as one that was never waited for"):format(way), function()
      local near, far = assert(SciSocket.pair())
      local function stop(thread)
        if way == "closed" then assert(coroutine.close(thread)) else copas.removethread(thread) end
      end
      copas_loop.run(function()
        for _, timeout in ipairs { false, 60 } do
          begin_and_end(copas, near, timeout or nil, stop)
          assert.equal(0, scissl.wait.cancel(near))
          collectgarbage()
          collectgarbage()
          local free, used = free_number(), nil
          begin_and_end(copas, near, timeout or nil, function(thread)
            used = free_number()
            stop(thread)
          end)
          assert.equal(free, used) -- the wait has made no copy of the descriptor
          assert(far:send "!")
          assert.is_true(scissl.wait.on(near, "r", { timeout = 20, waiter = "copas" }))
          assert.equal("!", near:recv(1))
        end
      end)
      near:close()
      far:close()
    end)
  end
end)
