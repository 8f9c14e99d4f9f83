-- What coroutines leave behind that have ended long before their time-outs would have rung: nothing, in every loop.
local loops = require "spec.support.loops"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local HOUR, LONG = 3600, 30
local COUNT, LAST = 100, 2 -- coroutines; those that a loop itself may remember for a moment

local wait = scissl.wait

local function collect()
  collectgarbage()
  collectgarbage()
end

local function kibibytes_held()
  collect()
  return collectgarbage "count"
end

for _, loop in ipairs(loops.all) do
  local it = loops.it(loop)

  describe("Coroutines that have ended, under " .. loop.name, function()
    it("can be collected, whatever their time-outs were", function()
      local silent, other, _ <close> = sockets.pair()
      local threads, ended, left = setmetatable({}, { __mode = "k" }), 0, 0
      local function watch()
        local deadline = scissl.SciSocket.now() + LONG
        while ended < COUNT and scissl.SciSocket.now() < deadline do
          wait.on(silent, "r", { timeout = 0.01, waiter = loop.waiter })
        end
        wait.on(silent, "r", { timeout = 0.01, waiter = loop.waiter })
        collect()
        for _ in pairs(threads) do left = left + 1 end
      end
      local function work()
        threads[coroutine.running()] = true
        local near, far, _ <close> = sockets.pair()
        assert(not wait.on(near, "r", { timeout = 0.01, waiter = loop.waiter })) -- so that all are there at once
        far:send "!"
        assert(wait.on(near, "r", { timeout = HOUR, waiter = loop.waiter }))
        ended = ended + 1
      end
      local functions = { watch }
      for i = 1, COUNT do functions[i + 1] = work end
      loop.run(table.unpack(functions))
      other:close()
      assert.are.equal(COUNT, ended)
      assert.is_true(left <= LAST, left)
    end)
  end)
end

describe("A coroutine of scissl.scheduler that goes on", function()
  it("has one alarm, however its time-outs change", function()
    local loop <close> = scissl.scheduler.new()
    local near, far, _ <close> = sockets.pair()
    local before, after
    loop:spawn(function()
      for i = 1, 2000 do
        far:send "!"
        assert(wait.on(near, "r", { timeout = HOUR + i, waiter = "coroutine" }))
        near:recv(1)
        assert(not wait.on(near, "r", { timeout = 0, waiter = "coroutine" }))
        coroutine.yield(near, "r", scissl.SciSocket.now()) -- rings
        if i == 1000 then before = kibibytes_held() end
      end
      after = kibibytes_held()
    end)
    assert(loop:run())
    assert.is_true(after - before < 32, after - before)
  end)

  it("gets its turn by its deadlines, though others have ended before theirs", function()
    local loop <close> = scissl.scheduler.new()
    local order, base = {}, scissl.SciSocket.now()
    for i = 1, 50 do
      local place = 1 + i * 37 % 50
      loop:spawn(function()
        local near, far, _ <close> = sockets.pair()
        if i % 2 == 0 then far:send "!" end
        local ready = coroutine.yield(near, "r", base + 0.01 * place) -- what is ready is, however late it is
        if not ready then order[#order + 1] = place end
      end)
    end
    assert(loop:run())
    assert.are.equal(25, #order)
    local sorted = table.move(order, 1, #order, 1, {})
    table.sort(sorted)
    assert.are.same(sorted, order)
  end)

  it("is told that a deadline is no moment", function()
    local loop <close> = scissl.scheduler.new()
    local answers = {}
    for i, deadline in ipairs { 0 / 0, "soon", {} } do
      loop:spawn(function() answers[i] = { coroutine.yield(nil, nil, deadline) } end)
    end
    assert(loop:run())
    assert.are.same({ { nil, "bad deadline" }, { nil, "bad deadline" }, { nil, "bad deadline" } }, answers)
  end)
end)
