-- scissl.scheduler, and what the loops have beside the promises that all make.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local LONG = 30
local scheduler, wait = scissl.scheduler, scissl.wait

describe("scissl.scheduler", function()
  it("refuses an object that is no poller", function()
    for _, poller in ipairs { {}, { arm = print, disarm = print, wait = print }, io.stdout } do
      assert.error_matches(function() scheduler.new { poller = poller } end, "bad option 'poller' to 'scheduler.new'")
    end
  end)

  it("runs coroutines with their arguments until none is left", function()
    local loop <close> = scheduler.new()
    local seen = {}
    loop:spawn(function(a, b) seen[1] = { a, b } end, 1, "two")
    loop:spawn(function()
      loop:spawn(function() seen[2] = scheduler.running() == loop end)
    end)
    assert.equal(2, loop:size())
    assert.is_true(loop:run())
    assert.same({ { 1, "two" }, true }, seen)
    assert.equal(0, loop:size())
    assert.is_nil(scheduler.running())
  end)

  it("runs no more where an error leaves a round", function()
    local loop <close> = scheduler.new { onError = function(raised) error(raised, 0) end }
    loop:spawn(error, "from the coroutine", 0)
    loop:spawn(function() loop:sleep(0) end)
    assert.error_matches(function() loop:step() end, "from the coroutine", nil, true)
    assert.is_nil(scheduler.running())
    assert.is_true(loop:run())
    assert.equal(0, loop:size())
    assert.is_nil(scheduler.running())
  end)

  it("is collected after a round within a round of it", function()
    local kept = setmetatable({}, { __mode = "k" })
    do
      local outer <close>, inner = scheduler.new(), scheduler.new()
      kept[outer], kept[inner] = true, true
      inner:spawn(function() assert(scheduler.running() == inner) end)
      outer:spawn(function() assert(inner:run()) end)
      assert.is_true(outer:run())
      inner:close()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil((next(kept)))
  end)

  it("refuses deadlines that are none, for a coroutine that has waited before", function()
    local loop <close> = scheduler.new()
    local one, other = assert(scissl.SciSocket.pair())
    assert(other:send "x")
    local answers = {}
    loop:spawn(function()
      assert(coroutine.yield(one, "r", scissl.SciSocket.now() + LONG))
      for _, deadline in ipairs { 0 / 0, "1", true } do
        answers[#answers + 1] = { coroutine.yield(one, "r", deadline) }
      end
      answers[#answers + 1] = { coroutine.yield(one, "r", scissl.SciSocket.now() + LONG) }
    end)
    assert.is_true(loop:run())
    assert.same({ { nil, "bad deadline" }, { nil, "bad deadline" }, { nil, "bad deadline" }, { true } }, answers)
    one:close()
    other:close()
  end)

  it("lets coroutines sleep, and wakes them in order", function()
    local loop <close> = scheduler.new()
    local order, woken = {}, 0
    local began = scissl.SciSocket.now()
    for _, seconds in ipairs { 0.05, 0.01, 0, 0.03 } do
      loop:spawn(function()
        loop:sleep(seconds)
        woken = woken + 1
      end)
      loop:spawn(function() -- by deadlines, since any time may pass between two coroutines
        coroutine.yield(nil, nil, began + seconds)
        order[#order + 1] = seconds
      end)
    end
    loop:run()
    assert.equal(4, woken)
    assert.same({ 0, 0.01, 0.03, 0.05 }, order)
  end)

  it("keeps deadlines that come earlier, and later, than those before", function()
    local loop <close> = scheduler.new()
    local near, _, _ <close> = sockets.pair()
    local took = {}
    loop:spawn(function()
      for i, seconds in ipairs { 0.08, 0.02, 0.05, 0.01 } do
        local before = scissl.SciSocket.now()
        assert(not wait.on(near, "r", { timeout = seconds, waiter = "coroutine" }))
        took[i] = scissl.SciSocket.now() - before >= seconds
      end
    end)
    loop:run()
    assert.same({ true, true, true, true }, took)
  end)

  it("hands on what a coroutine raises, and runs the others", function()
    local noted = {}
    local loop <close> = scheduler.new { onError = function(raised, traceback, thread)
      noted[#noted + 1] = { raised, type(traceback), type(thread) }
    end }
    local mine, closed, other = {}, false, false
    loop:spawn(function()
      local _ <close> = setmetatable({}, { __close = function() closed = true end })
      loop:sleep(0)
      error(mine)
    end)
    loop:spawn(function()
      loop:sleep(0.01)
      other = true
    end)
    assert.is_true(loop:run())
    assert.same({ { { mine, "string", "thread" } }, true, true }, { noted, closed, other })
  end)

  it("reports a coroutine that the program has begun, and that runs the loop, and runs the others", function()
    for _, between in ipairs { function(f) return f() end, function(f) return coroutine.wrap(f)() end } do
      local noted, order = {}, {}
      local loop <close> = scheduler.new { onError = function(...) noted[#noted + 1] = { ... } end }
      local thread = loop:spawn(function()
        order[1] = "begun"
        between(function() assert(loop:run()) end)
        order[3] = "goes on"
      end)
      loop:spawn(function() order[2] = "other" end)
      assert.is_true(coroutine.resume(thread))
      assert.same({ "begun", "other", "goes on" }, order)
      assert.equal(1, #noted)
      assert.equal("cannot resume non-suspended coroutine", noted[1][1])
      assert.equal(thread, noted[1][3])
      assert.equal(0, loop:size())
    end
  end)

  it("cancels what a coroutine waits for", function()
    local loop <close> = scheduler.new()
    local near, _, _ <close> = sockets.pair()
    local answers = {}
    local waits = loop:spawn(function()
      local done, failure = wait.on(near, "r", { waiter = "coroutine" })
      answers[1] = { done, failure:condition(), failure:cause() }
    end)
    local sleeps = loop:spawn(function() answers[2] = { loop:sleep(LONG) } end)
    loop:spawn(function()
      loop:sleep(0)
      assert(loop:cancel(waits, "why"))
      assert(loop:cancel(sleeps))
      assert(not loop:cancel(coroutine.running()))
    end)
    loop:run()
    assert.same({ { nil, "cancelled", "why" }, { nil, "cancelled" } }, answers)
    assert.is_false(loop:cancel(waits))
  end)

  it("cancels what ran, or did not exist yet, when something was cancelled first", function()
    local loop <close> = scheduler.new()
    local results = {}
    local function sleep(name) results[name] = table.pack(loop:sleep(LONG)) end
    local first = loop:spawn(sleep, "first")
    local second = loop:spawn(function()
      loop:sleep(0)
      assert(loop:cancel(first))
      sleep "second"
    end)
    loop:spawn(function()
      for _ = 1, 2 do loop:sleep(0) end
      local third = loop:spawn(sleep, "third")
      loop:sleep(0)
      assert(loop:cancel(second))
      assert(loop:cancel(third))
      assert.is_false(loop:cancel(coroutine.create(print)))
    end)
    loop:run()
    local cancelled = { n = 2, nil, "cancelled" }
    assert.same({ first = cancelled, second = cancelled, third = cancelled }, results)
  end)

  it("goes on where the program closes a coroutine that has not begun, or that waits", function()
    local raised = {}
    local loop <close> = scheduler.new { onError = function(failure) raised[#raised + 1] = failure end }
    coroutine.close(loop:spawn(error, "it has begun"))
    local waits = loop:spawn(function()
      loop:sleep(0)
      error "it has gone on"
    end)
    loop:spawn(coroutine.close, waits)
    assert.is_true(loop:run())
    assert.same({ "cannot resume dead coroutine", "cannot resume dead coroutine" }, raised)
    assert.equal(0, loop:size())
  end)

  it("stops when it is told to, and goes on later", function()
    local loop <close> = scheduler.new()
    local count = 0
    loop:spawn(function()
      for _ = 1, 4 do
        count = count + 1
        if count == 2 then loop:stop() end
        loop:sleep(0)
      end
    end)
    loop:run()
    local half = count
    loop:run()
    assert.same({ 2, 4 }, { half, count })
  end)

  it("makes sense of what is no wait", function()
    local loop <close> = scheduler.new()
    local answers = {}
    loop:spawn(function()
      answers[1] = coroutine.yield() -- lets the others run
      answers[2] = { coroutine.yield("rubbish", 1) }
      answers[3] = { coroutine.yield(nil, nil, "never") }
    end)
    assert.is_true(loop:run())
    assert.is_true(answers[1])
    assert.is_nil(answers[2][1])
    assert.is_string(answers[2][2])
    assert.same({ nil, "bad deadline" }, answers[3])
  end)

  it("answers a closed socket's error rather than sleep", function()
    local loop <close> = scheduler.new()
    local near, _, _ <close> = sockets.pair()
    near:close()
    local failure
    loop:spawn(function() failure = select(2, wait.on(near, "r", { waiter = "coroutine" })) end)
    loop:run()
    assert.equal("closed", failure:condition())
  end)

  it("can be waited for by another loop", function()
    local inner <close> = scheduler.new()
    if inner:getfd() < 0 then return pending("this system's poller has no descriptor") end
    local near, far, _ <close> = sockets.pair()
    local got
    inner:spawn(function()
      wait.on(near, "r", { waiter = "coroutine" })
      got = near:recv(1)
    end)
    inner:step(0)
    assert.same({}, scissl.SciSocket.poll({ [inner] = "r" }, 0))
    far:send("x")
    assert.same({ [inner] = "r" }, scissl.SciSocket.poll({ [inner] = "r" }, LONG))
    inner:step(0)
    assert.equal("x", got)
  end)

  it("refuses what is no function, and unknown options", function()
    local loop <close> = scheduler.new()
    assert.error_matches(function() loop:spawn(1) end, "function expected, got number")
    assert.error_matches(function() loop:sleep(-1) end, "0 or more")
    assert.error_matches(function() scheduler.new { pollr = "epoll" } end, "did you mean 'poller'")
  end)
end)

describe("listener:serve", function()
  it("brings its own loop where the waiter is poll, and returns when the listener is closed", function()
    local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
      privateKey = pki.server.key, timeout = LONG })
    local _, port = listener:getSockName()
    local client <close> = ends.lua(([[
      local scissl = require "scissl"
      for i = 1, 3 do
        local stream = assert(scissl.connect { host = "localhost", port = %d, caFile = %q, timeout = 60 })
        assert(stream:write("line ", i, "\n"))
        print(stream:read())
        stream:close()
      end
    ]]):format(port, pki.ca.certificateFile))
    local served = 0
    assert.is_true(listener:serve(function(stream)
      assert(stream:write(assert(stream:read()), "\n"))
      served = served + 1
      if served == 3 then listener:close() end
    end))
    assert.equal("line 1\nline 2\nline 3\n", (client:finish()))
  end)

  it("takes a function that starts coroutines, for loops that are not known here", function()
    local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
      privateKey = pki.server.key, timeout = LONG, waiter = function(...) return coroutine.yield(...) end })
    local _, port = listener:getSockName()
    local loop <close> = scheduler.new()
    local answer
    loop:spawn(function()
      assert(listener:serve(function(stream) stream:write "hello\n" end, { spawn = function(f) loop:spawn(f) end }))
    end)
    loop:spawn(function()
      local stream <close> = assert(scissl.connect { host = "127.0.0.1", port = port, ca = pki.ca.certificate,
        timeout = LONG, waiter = "coroutine" })
      answer = stream:read()
      listener:close()
    end)
    loop:run()
    assert.equal("hello", answer)
  end)

  it("says where it has to run, and refuses unknown options", function()
    local listener <close> = assert(scissl.listen { host = "127.0.0.1", port = 0,
      certificate = pki.server.certificate, privateKey = pki.server.key, waiter = function() end })
    assert.error_matches(function() listener:serve(print) end, "option 'spawn'")
    assert.error_matches(function() listener:serve(1) end, "function expected, got number")
    assert.error_matches(function() listener:serve(print, { onEror = print }) end, "did you mean 'onError'")
  end)
end)

describe("cqueues.poll", function()
  local found, cqueues = pcall(require, "cqueues")
  local it = found and it or function(name) pending(name .. " (cqueues is not installed)") end

  it("waits for a SciSslSocket itself, and not where bytes have been decrypted already", function()
    local client, server = ends.connected()
    local loop = cqueues.new()
    local words = {}
    loop:wrap(function()
      while #table.concat(words) < 10 do
        cqueues.poll(client)
        local answer = client:sslRead(5)
        if type(answer) == "string" then words[#words + 1] = answer end
      end
    end)
    loop:wrap(function() assert(server:sslWrite "helloworld") end)
    assert(loop:loop(LONG))
    client:close()
    server:close()
    assert.equal("helloworld", table.concat(words))
  end)

  it("is told when a socket is closed, whose number comes back", function()
    local loop = cqueues.new()
    local got = {}
    loop:wrap(function()
      for i = 1, 3 do
        local near, far, _ <close> = sockets.pair()
        far:send(tostring(i))
        cqueues.poll(near)
        got[i] = near:recv(1)
        near:close()
      end
    end)
    assert(loop:loop(LONG))
    assert.equal("123", table.concat(got))
  end)
end)
