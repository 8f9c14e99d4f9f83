-- Waiters that are not ours, and what becomes of those that lie.
local ends = require "spec.support.ends"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local LONG = 30

local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local wait = scissl.wait

-- What a handshake answers that waits with `waiter` for a peer that says nothing.
local function handshake_with(waiter, options)
  local near, far, keeper <close> = sockets.pair() -- luacheck: ignore 211
  near:setBlocking(false)
  local socket = assert(SciSslSocket.on(near, ends.clientContext()))
  assert(socket:sslInitialize())
  options = options or {}
  options.waiter = waiter
  return scissl.handshake(socket, "connect", options)
end

describe("scissl.wait.turn", function()
  local near, far, keeper = sockets.pair()
  local function turn(waiter, deadline)
    assert.is_truthy(far and keeper)
    return wait.turn(waiter, near, deadline or SciSocket.now() + LONG, "read", LONG)
  end

  it("returns true where the waiter has time for others, and nothing is ready", function()
    assert.is_true(turn(function() return nil, "timeout" end))
    assert.is_true(turn(function() return true end))
  end)

  it("ends with a time-out once the deadline is over, and names the operation", function()
    local done, failure = turn(function() error "not to be called" end, SciSocket.now() - 1)
    assert.is_nil(done)
    assert.same({ "timeout", "read" }, { failure:condition(), failure:phase() })
  end)

  it("tells of a waiter that raises, and of one that gives up", function()
    local _, raised = turn(function() error "deep" end)
    assert.same({ "bad_waiter", "read" }, { raised:condition(), raised:phase() })
    local _, given_up = turn(function() return nil, "enough" end)
    assert.same({ "cancelled", "read", "enough" }, { given_up:condition(), given_up:phase(), given_up:cause() })
  end)
end)

describe("A waiter", function()
  it("that says ready for ever, where nothing is, ends the operation", function()
    local done, failure = handshake_with(function() return true end)
    assert.is_nil(done)
    assert.same({ "bad_waiter", "connect" }, { failure:condition(), failure:phase() })
    assert.matches("again and again", tostring(failure))
  end)

  it("that says ready too early, now and then, is no harm", function()
    local client, server = ends.pair()
    local calls = 0
    local function hasty(socket, events, deadline)
      calls = calls + 1
      if calls % 100 ~= 0 then return true end
      server:sslAccept()
      return socket:wait(events, deadline and LONG)
    end
    assert.equal(client, assert(scissl.handshake(client, "connect", { waiter = hasty })))
    assert.is_true(calls > 99)
  end)

  for name, rubbish in pairs { number = 1, string = "yes", table = {}, ["function"] = print } do
    it("that answers a " .. name .. " ends the operation, and is told so", function()
      local done, failure = handshake_with(function() return rubbish end)
      assert.is_nil(done)
      assert.equal("bad_waiter", failure:condition())
      assert.matches("returned a value of type " .. name, tostring(failure))
    end)
  end

  it("that answers false or nothing has given up", function()
    for _, answer in ipairs { function() return false end, function() end } do
      assert.equal("cancelled", select(2, handshake_with(answer)):condition())
    end
  end)

  it("that gives up long before the deadline has not timed out", function()
    local _, failure = handshake_with(function() return nil end, { timeout = LONG })
    assert.equal("cancelled", failure:condition())
  end)

  it("that raises ends the operation, which names what was raised", function()
    local _, failure = handshake_with(function() error("broken", 0) end)
    assert.same({ "bad_waiter", "broken" }, { failure:condition(), failure:cause() })
    assert.matches("broken", tostring(failure))
  end)

  it("that raises no text, or nothing, ends the operation as well", function()
    local mine = {}
    assert.equal(mine, select(2, handshake_with(function() error(mine) end)):cause())
    assert.equal("bad_waiter", select(2, handshake_with(function() error(nil) end)):condition())
  end)

  it("that closes the socket meanwhile ends the operation", function()
    local _, failure = handshake_with(function(socket)
      socket:close()
      return true
    end)
    assert.equal("closed", failure:condition())
  end)

  it("may yield", function()
    local thread = coroutine.wrap(function()
      return handshake_with(function() return coroutine.yield "asked" end)
    end)
    assert.equal("asked", thread())
    local _, failure = thread(nil, "as the loop says")
    assert.equal("as the loop says", failure:cause())
  end)

  it("lies to one operation only: the stream's next one goes on", function()
    local client, server = ends.connected()
    local liar = true
    local stream = scissl.stream(client, { waiter = function(socket, events)
      return liar or socket:wait(events, LONG)
    end })
    assert.equal("bad_waiter", select(2, stream:read()):condition())
    liar = false
    assert(server:sslWrite "still here\n")
    assert.equal("still here", stream:read())
  end)

  it("is written in ten lines, as the reference shows", function()
    local pending_callbacks = {}
    local function add(entry)
      pending_callbacks[entry] = true
      return function() pending_callbacks[entry] = nil end
    end
    local function on_readable(descriptor, callback)
      return add { descriptor = descriptor, call = callback, events = "r" }
    end
    local function on_writable(descriptor, callback)
      return add { descriptor = descriptor, call = callback, events = "w" }
    end
    local function after(seconds, callback) return add { at = SciSocket.now() + seconds, call = callback } end

    local function waiter(socket, events, deadline)
      local thread, undo, timer = coroutine.running(), nil, nil
      local function finish(ready)
        undo()
        if timer then timer() end
        assert(coroutine.resume(thread, ready))
      end
      undo = (events == "r" and on_readable or on_writable)(socket:getfd(), function() finish(true) end)
      timer = deadline and after(deadline - SciSocket.now(), function() finish(nil) end)
      return coroutine.yield()
    end

    local client, server = ends.pair()
    local results = {}
    coroutine.wrap(function()
      results[1] = assert(scissl.handshake(client, "connect", { waiter = waiter, timeout = LONG }))
    end)()
    coroutine.wrap(function()
      results[2] = assert(scissl.handshake(server, "accept", { waiter = waiter, timeout = LONG }))
    end)()
    while next(pending_callbacks) do
      local asked, due = {}, {}
      for entry in pairs(pending_callbacks) do if entry.descriptor then asked[entry.descriptor] = entry.events end end
      local ready = assert(SciSocket.poll(asked, 1))
      for entry in pairs(pending_callbacks) do
        if entry.descriptor and ready[entry.descriptor] or entry.at and entry.at <= SciSocket.now() then
          due[#due + 1] = entry
        end
      end
      for _, entry in ipairs(due) do entry.call() end
    end
    assert.same({ client, server }, results)
  end)
end)

describe("A waiter of our own that raises in the midst of a read", function()
  -- Stands where the waiter of luv's loop would.
  local name = "scissl.loop.luv_waiter"
  local before = package.loaded[name]
  after_each(function() package.loaded[name] = before end)

  it("passes its error on, before and after it has yielded, and leaves the stream to other coroutines", function()
    for yields = 0, 1 do
      local raises = true
      package.loaded[name] = function(socket, events, deadline)
        if yields == 1 then coroutine.yield() end
        if raises then error("as asked", 0) end
        return socket:wait(events, deadline and LONG)
      end
      local client, server = ends.connected()
      local stream = scissl.stream(client, { waiter = package.loaded[name], timeout = LONG })
      local good, raised, line
      local thread = coroutine.create(function()
        good, raised = pcall(stream.read, stream)
        coroutine.yield() -- it goes on with something else, and does not end
      end)
      for _ = 0, yields do assert(coroutine.resume(thread)) end
      assert.same({ false, "as asked" }, { good, raised })
      raises = false
      assert(server:sslWrite "still here\n")
      local other = coroutine.create(function() line = assert(stream:read()) end)
      while coroutine.status(other) ~= "dead" do assert(coroutine.resume(other)) end
      assert.equal("still here", line)
      assert.equal("suspended", coroutine.status(thread))
    end
  end)
end)

describe("wait.on", function()
  for _, name in ipairs { "poll", "select" } do
    local found = pcall(require, "scissl.wait." .. name)
    local it = found and it or pending

    it("waits with " .. name .. " until there is something, or the time has passed", function()
      local near, far, _ <close> = sockets.pair()
      local nothing, failure = wait.on(near, "r", { timeout = 0.02, waiter = name })
      assert.same({ nil, "timeout" }, { nothing, failure:condition() })
      far:send("x")
      assert.is_true(wait.on(near, "r", { timeout = LONG, waiter = name }))
      assert.is_true(wait.on(near, "w", { timeout = LONG, waiter = name }))
    end)
  end

  it("refuses unknown options", function()
    local near, _, _ <close> = sockets.pair()
    assert.error_matches(function() wait.on(near, "r", { timeuot = 1 }) end, "did you mean 'timeout'")
  end)
end)

describe("wait.cancel", function()
  it("tells how many waited", function()
    local near, _, _ <close> = sockets.pair()
    assert.equal(0, wait.cancel(near))
  end)
end)

describe("Sockets of others are adopted as they are:", function()
  local function talks(make)
    local listener <close>, port = ends.listener()
    local peer = ends.serverContext()
    local theirs, keeper = make(port)
    local accepted = listener:accept()
    accepted:setBlocking(false)
    local server = assert(SciSslSocket.on(accepted, peer))
    assert(server:sslInitialize())
    local client = assert(SciSslSocket.on(theirs, ends.clientContext()))
    client:setBlocking(false)
    assert(client:sslInitialize())
    assert(client:sslSetServerName("localhost"))
    local client_answer, server_answer = ends.handshake(client, server)
    assert.same({ 1, 1 }, { client_answer, server_answer })
    local stream = scissl.stream(client, { timeout = LONG })
    assert(server:sslWrite "hello\n")
    assert.equal("hello", stream:read())
    stream:close()
    server:close()
    return keeper
  end

  local function with(name)
    local found, module = pcall(require, name)
    return found and module, found and it or function(what)
      pending(("%s (%s is not installed)"):format(what, name))
    end
  end

  local socket, it_socket = with "socket"
  it_socket("LuaSocket's", function()
    talks(function(port) return assert(socket.connect("127.0.0.1", port)) end)
  end)

  local cqueues_socket, it_cqueues = with "cqueues.socket"
  it_cqueues("those of cqueues", function()
    talks(function(port)
      local theirs = assert(cqueues_socket.connect("127.0.0.1", port))
      assert(theirs:connect(LONG))
      return theirs
    end)
  end)

  local luv, it_luv = with "luv"
  it_luv("luv's uv_tcp", function()
    talks(function(port)
      local theirs, connected = luv.new_tcp(), false
      theirs:connect("127.0.0.1", port, function(failure) connected = not failure end)
      while not connected do luv.run("once") end
      return theirs
    end)
    luv.run("nowait") -- it has been closed
  end)

  -- Debian has luaposix for Lua 5.3 and before; the numbers are what any other makes, too, as below.
  local posix, it_posix = with "posix.sys.socket"
  it_posix("luaposix's descriptor numbers", function()
    talks(function(port)
      local descriptor = assert(posix.socket(posix.AF_INET, posix.SOCK_STREAM, 0))
      assert(posix.connect(descriptor, { family = posix.AF_INET, addr = "127.0.0.1", port = port }))
      return descriptor
    end)
  end)

  it("any descriptor number", function()
    local near
    talks(function(port)
      near = SciSocket.newStreamSocket()
      assert(near:connect("127.0.0.1", port))
      return require "scissl.core".SciSocket.on(near, true)
    end)
    near:close()
  end)
end)
