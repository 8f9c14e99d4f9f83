-- scissl.scheduler where memory runs out: an error may end a step, but no coroutine is forgotten.
local scissl = require "scissl"
local scarce_support = require "spec.support.scarce"

local SciSocket = scissl.SciSocket
local scarce, why = scarce_support.load()

-- Goes on until no coroutine is left; false: some never end.
local function ends_soon(loop)
  for _ = 1, 200 do
    if loop:size() == 0 then return true end
    loop:step(0.01)
  end
  return false
end

describe("A loop whose memory runs out", function()
  it("runs a coroutine, or raises and knows nothing of it", function()
    if not scarce then return pending(why) end
    scarce_support.each(function(n)
      local loop, ran = assert(scissl.scheduler.new()), 0
      local failed, good = scarce.lua(n, false, loop.spawn, loop, function() ran = ran + 1 end)
      assert.is_true(ends_soon(loop), "allocation " .. n)
      if good then assert.are.equal(1, ran) end
      loop:close()
      return failed
    end)
  end)

  it("forgets no coroutine whose time is over", function()
    if not scarce then return pending(why) end
    scarce_support.each(function(n)
      local ended, moment = 0, SciSocket.now() + 0.001
      local loop = assert(scissl.scheduler.new())
      for _ = 1, 20 do
        loop:spawn(function()
          coroutine.yield(nil, nil, moment)
          ended = ended + 1
        end)
      end
      loop:step(0)
      repeat until SciSocket.now() > moment
      local failed = scarce.lua(n, false, loop.step, loop, 0)
      assert.is_true(ends_soon(loop), "allocation " .. n)
      assert.are.equal(20, ended)
      loop:close()
      return failed
    end)
  end)

  for name, share in pairs { ["in a step"] = 1, ["in a step for waits that share descriptors"] = 2 } do
    it("forgets no coroutine that waits, " .. name, function()
      if not scarce then return pending(why) end
      scarce_support.each(function(n)
        local ended, failures, sockets = 0, 0, {}
        local loop = assert(scissl.scheduler.new { onError = function() failures = failures + 1 end })
        local near, far
        for i = 0, 19 do
          if i % share == 0 then near, far = assert(SciSocket.pair()) end
          sockets[#sockets + 1], sockets[#sockets + 2] = near, far
          local mine, now = near, SciSocket.now()
          loop:spawn(function()
            coroutine.yield(mine, "r")
            coroutine.yield(mine, "w", now + 60)
            coroutine.yield(nil, nil, now)
            ended = ended + 1
          end)
        end
        loop:step(0)
        for i = 2, #sockets, 2 do sockets[i]:send "x" end
        local failed = scarce.lua(n, false, loop.step, loop, 0)
        assert.is_true(ends_soon(loop), "allocation " .. n)
        assert.are.equal(20, ended + failures)
        for _, socket in ipairs(sockets) do socket:close() end
        loop:close()
        return failed
      end)
    end)
  end
end)
