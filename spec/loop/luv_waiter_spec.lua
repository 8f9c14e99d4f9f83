-- The waiter for luv: coroutines that share a descriptor, deadlines, errors; the way without a descriptor for all; and
-- the functions in C under it where memory runs out.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local scarce_support = require "spec.support.scarce"
local scissl = require "scissl"

local LONG = 30 -- seconds

local SciSocket = scissl.SciSocket
local wait = scissl.wait

local luv
for _, loop in ipairs(loops.all) do
  if loop.waiter == "luv" then luv = loop end
end
local luv_it = loops.it(luv)

local function on(socket, events, timeout)
  return wait.on(socket, events, { waiter = "luv", timeout = timeout or LONG })
end

local opened = {}

local function pair()
  local near, far = assert(SciSocket.pair())
  near:setBlocking(false)
  opened[#opened + 1], opened[#opened + 2] = near, far
  return near, far
end

after_each(function()
  for _, socket in ipairs(opened) do socket:close() end
  opened = {}
end)

describe("Coroutines that wait for one socket under luv", function()
  luv_it("are all woken, and none for what it does not wait for", function()
    local near, far = pair()
    local order = {}
    local function waiter_for(events)
      return function()
        local ready = on(near, events)
        order[#order + 1] = { events, ready }
      end
    end
    luv.run(waiter_for "r", waiter_for "r", waiter_for "rw", waiter_for "w", function()
      assert(on(far, "w")) -- a round later, those that wait for writing have been woken
      assert(on(far, "w"))
      assert.equal(2, #order)
      assert(far:send "x")
    end)
    local events = {}
    for i, one in ipairs(order) do
      assert.is_true(one[2])
      events[i] = one[1]
    end
    table.sort(events, function(a, b) return a < b end)
    assert.same({ "r", "r", "rw", "w" }, events)
  end)

  luv_it("each have their time-out", function()
    local near, far = pair()
    local conditions = {}
    local function expire(timeout)
      return function()
        local ready, failure = on(near, "r", timeout)
        conditions[#conditions + 1] = ready == nil and failure:condition() .. " " .. timeout
      end
    end
    luv.run(expire(0.08), expire(0.02), expire(0.05), function()
      assert.is_nil(on(near, "r", 0.1))
      assert(far:send "x")
    end)
    assert.same({ "timeout 0.02", "timeout 0.05", "timeout 0.08" }, conditions)
    luv.run(function() assert(on(near, "r")) end)
  end)
end)

describe("A coroutine under luv", function()
  luv_it("does not keep the socket when its wait has ended: the collector closes one that nothing uses", function()
    local module = require "luv"
    local known = setmetatable({}, { __mode = "k" })
    local function use_and_drop()
      local near, far = assert(SciSocket.pair())
      known[near] = true
      assert(far:send "x")
      local ready
      coroutine.wrap(function() ready = on(near, "r") end)()
      repeat module.run "once" until ready
      far:close()
    end
    use_and_drop()
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(known))
  end)

  luv_it("has the time-out of its last wait, sooner or later than those before", function()
    local near, far = pair()
    luv.run(function()
      for _, timeout in ipairs { 20, 0.02, 10, 0.01 } do
        if timeout > 1 then
          assert(far:send "x")
          assert(on(near, "r", timeout))
          assert(near:recv(1))
        else
          local started = SciSocket.now()
          local ready, failure = on(near, "r", timeout)
          assert.is_nil(ready)
          assert.equal("timeout", failure:condition())
          assert.is_true(SciSocket.now() - started < 10)
        end
      end
    end)
  end)

  luv_it("that raises is reported, and the others go on", function()
    local command = ends.luaCommand([[
      local luv, scissl = require "luv", require "scissl"
      local near, far = scissl.SciSocket.pair()
      local function start(f)
        coroutine.wrap(function()
          assert(scissl.wait.on(near, "r", { waiter = "luv" }))
          f()
        end)()
      end
      local one, other = scissl.SciSocket.pair()
      coroutine.wrap(function()
        assert(scissl.wait.on(one, "r", { waiter = "luv" }))
        error { "a table" }
      end)()
      start(function() error "as asked" end)
      start(function() print "went on" end)
      other:send "x"
      far:send "x"
      luv.run()
      print "end"
    ]], ends.leaking())
    local pipe <close> = assert(io.popen(command .. " 2>&1"))
    local output = pipe:read "a"
    assert.truthy(output:find("as asked\nstack traceback", 1, true), output)
    assert.truthy(output:find("table", 1, true), output)
    assert.truthy(output:find("went on", 1, true), output)
    assert.truthy(output:find("end\n$"), output)
  end)
end)

describe("The waiter for luv in a program that closes all handles of its loop", function()
  luv_it("makes its own again: waits end, and deadlines pass", function()
    local command = ends.luaCommand([[
      local luv, scissl = require "luv", require "scissl"
      local function go()
        local near, far = scissl.SciSocket.pair()
        local order = {}
        coroutine.wrap(function()
          local _, failure = scissl.wait.on(near, "r", { waiter = "luv", timeout = 0.01 })
          order[1] = failure:condition()
          far:send "x"
          order[2] = scissl.wait.on(near, "r", { waiter = "luv", timeout = 30 })
          coroutine.wrap(function() scissl.wait.on(far, "r", { waiter = "luv" }) order[4] = "closed" end)()
          order[3] = "waits"
          far:close()
        end)()
        luv.run()
        near:close()
        print(order[1], order[2], order[3], order[4])
      end
      for i = 1, 3 do
        go()
        luv.walk(function(handle) if not handle:is_closing() then handle:close() end end)
        if i > 1 then luv.run() end
      end
    ]], ends.leaking())
    local pipe <close> = assert(io.popen(command .. " 2>&1"))
    assert.equal(("timeout\ttrue\twaits\tclosed\n"):rep(3), pipe:read "a")
  end)
end)

describe("The waiter for luv on a system whose pollers have no descriptor", function()
  luv_it("keeps all its promises #slow", function()
    local command = ends.luaCommand([[
      local core = require "scissl.core"
      local new = core.SciPoller.new
      core.SciPoller.new = function(way) return new(way or "poll") end
      require "luv"
      local luv_poller = require "scissl.loop.luv_poller"
      local make = luv_poller.new
      function luv_poller.new(tell)
        io.stderr:write "without a descriptor\n"
        return make(tell)
      end
      package.loaded["scissl.loop.luv_waiter"] = nil
      arg = { [0] = "runner.lua", "--output=plainTerminal", "--lang=en", "--filter=luv" }
      for file in ("promises closing luv concurrency"):gmatch "%a+" do
        arg[#arg + 1] = ("spec/loop/%s_spec.lua"):format(file)
      end
      dofile "spec/support/runner.lua"
    ]], ends.leaking())
    local pipe <close> = assert(io.popen(command .. " 2>&1"))
    local output = pipe:read "a"
    assert.truthy(output:find("without a descriptor", 1, true), output)
    local passed = output:match "(%d+) successes / 0 failures / 0 errors"
    assert(passed and tonumber(passed) > 40, output)
  end)
end)

local make_sleepers = getmetatable(require "scissl.core").makeSleepers

describe("The functions in C under the waiter for luv", function()
  it("find what is ready after a finalizer has run the loop within a call of theirs", function()
    local poller <close> = assert(scissl.SciPoller.new())
    local tickets, calls, _, wake = {}, 0, nil, nil
    local function wake_chain()
      calls = calls + 1
      if calls == 1 then wake() end
    end
    local function nothing() end
    _, wake = make_sleepers(poller, tickets, nothing, wake_chain, nothing, nothing, nothing)
    for _ = 1, 2 do
      local near, far = pair()
      assert(far:send "x")
      local descriptor = assert(poller:arm(near, "r"))
      tickets[descriptor] = { false, descriptor, "r", {}, false, 0, false, false } -- another one follows
      local before = calls
      wake()
      assert.is_true(calls > before)
    end
  end)
end)

describe("Coroutines that sleep where memory runs out", function()
  local scarce, why = scarce_support.load()

  it("are all woken", function()
    if not scarce then return pending(why) end
    scarce_support.each(function(n)
      local poller <close> = assert(scissl.SciPoller.new())
      local tickets, ended = {}, 0
      local function unused() error "called" end
      local sleep, wake, note = make_sleepers(poller, tickets, unused, unused, unused, function() end, unused)
      for _ = 1, 20 do
        local near, far = pair()
        assert(far:send "x")
        local descriptor = near:getfd()
        tickets[descriptor] = { false, descriptor, "r", false, false, 0, false, false }
        coroutine.wrap(function()
          assert(sleep(near, "r"))
          ended = ended + 1
        end)()
      end
      local failed = scarce.lua(n, false, wake)
      for _ = 1, 20 do if ended < 20 then wake() end end
      assert.equal(20, ended, "allocation " .. n)
      note(0)
      for _, socket in ipairs(opened) do socket:close() end
      return failed
    end)
  end)
end)
