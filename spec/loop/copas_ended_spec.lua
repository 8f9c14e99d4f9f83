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
end)
