-- listener:serve under many clients: limits, refusals, stopping, what it tells and counts; in every loop.
local scissl = require "scissl"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSocket, wait = scissl.SciSocket, scissl.wait
local LONG = 30

local function listen(loop, options)
  local given = {
    host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
    waiter = loop.waiter, timeout = LONG,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  local listener = assert(scissl.listen(given))
  return listener, select(2, listener:getSockName())
end

local function connect(loop, port, options)
  local given = { host = "127.0.0.1", port = port, ca = pki.ca.certificate, waiter = loop.waiter, timeout = LONG }
  for name, value in pairs(options or {}) do given[name] = value end
  return scissl.connect(given)
end

-- A client that connects and says nothing.
local function silent(port)
  local socket = assert(SciSocket.newStreamSocket())
  assert(socket:connect("127.0.0.1", port))
  return socket
end

local function echo(stream)
  for line in stream:lines "L" do stream:write(line) end
end

local function ask(stream, line)
  assert(stream:write(line, "\n"))
  return stream:read()
end

-- Lets the others run until `is_true()`.
local function await(loop, is_true)
  local near = SciSocket.pair()
  while not is_true() do wait.on(near, "r", { waiter = loop.waiter, timeout = 0.005 }) end
  near:close()
end

local function conditions(noted)
  local names = {}
  for i, failure in ipairs(noted) do names[i] = failure:condition() end
  return names
end

local promises = {}

local function promise(words, body)
  promises[#promises + 1] = { words, body }
end

-- ---- limits

promise("beyond maxHandshakes the oldest unfinished handshake ends, and honest clients are served", function(loop)
  local listener, port = listen(loop, { maxHandshakes = 3 })
  local noted, answers, mute = {}, {}, {}
  loop.run(function()
    return listener:serve(echo, { onError = function(failure) noted[#noted + 1] = failure end })
  end, function()
    for _ = 1, 5 do mute[#mute + 1] = silent(port) end
    await(loop, function() return #noted == 2 end)
    for i = 1, 3 do
      local stream <close> = assert(connect(loop, port))
      answers[i] = ask(stream, i)
    end
    listener:close()
    for _, socket in ipairs(mute) do socket:close() end
  end)
  assert.same({ "1", "2", "3" }, answers)
  assert.same({ "too_many_handshakes", "too_many_handshakes" }, { table.unpack(conditions(noted), 1, 2) })
  refusals.check(noted[1])
  assert.matches("3 clients had not finished", tostring(noted[1]))
  assert.matches("^127%.0%.0%.1:%d+$", noted[1]:peer())
end)

promise("beyond maxHandshakesFromOne the oldest unfinished handshake of that address ends", function(loop)
  local listener, port = listen(loop, { maxHandshakesFromOne = 2 })
  local noted, mute = {}, {}
  loop.run(function()
    return listener:serve(echo, { onError = function(failure) noted[#noted + 1] = failure end })
  end, function()
    for i = 1, 3 do mute[i] = silent(port) end
    await(loop, function() return #noted == 1 end)
    listener:close()
    for _, socket in ipairs(mute) do socket:close() end
  end)
  assert.same("too_many_handshakes", conditions(noted)[1])
  assert.matches("2 clients of this address", tostring(noted[1]))
end)

promise("silent clients do not take the places of maxConnections", function(loop)
  local listener, port = listen(loop)
  local mute, answers = {}, {}
  loop.run(function()
    return listener:serve(echo, { maxConnections = 2, onError = function() end })
  end, function()
    for i = 1, 20 do mute[i] = silent(port) end
    for i = 1, 4 do
      local stream <close> = assert(connect(loop, port))
      answers[i] = ask(stream, i)
    end
    listener:close()
    for _, socket in ipairs(mute) do socket:close() end
  end)
  assert.same({ "1", "2", "3", "4" }, answers)
end)

promise("with whenFull = 'refuse' a client beyond maxConnections is refused at once", function(loop)
  local listener, port = listen(loop)
  local noted, first, second, third = {}, nil, nil, nil
  loop.run(function()
    return listener:serve(echo, {
      maxConnections = 1, whenFull = "refuse", onError = function(failure) noted[#noted + 1] = failure end,
    })
  end, function()
    local stream = assert(connect(loop, port))
    first = ask(stream, "first")
    second = connect(loop, port)
    stream:close()
    await(loop, function() return listener:statistics().open == 0 end)
    local again <close> = assert(connect(loop, port))
    third = ask(again, "third")
    listener:close()
  end)
  assert.same({ "first", "third" }, { first, third })
  assert.is_nil(second)
  assert.same({ "too_many_connections" }, conditions(noted))
  assert.matches("1 connections are open", tostring(refusals.check(noted[1])))
  assert.equal(1, listener:statistics().refused)
end)

-- ---- what it tells and counts

promise("the hooks are called in order, and statistics count", function(loop)
  local listener, port = listen(loop)
  local seen, carried = {}, nil
  loop.run(function()
    return listener:serve(function(stream)
      seen[#seen + 1] = "handler"
      echo(stream)
    end, {
      onAccept = function(socket) seen[#seen + 1] = "accept " .. tostring(socket:isSecure()) end,
      onHandshake = function(stream) seen[#seen + 1] = "handshake " .. tostring(stream:isSecure()) end,
      onClose = function(stream, counts)
        seen[#seen + 1], carried = "close " .. tostring(stream:isSecure()), counts
        listener:close()
      end,
    })
  end, function()
    local stream <close> = assert(connect(loop, port))
    ask(stream, "hello")
  end)
  assert.same({ "accept false", "handshake true", "handler", "close true" }, seen)
  assert.is_true(carried.bytesReceived > 200 and carried.bytesSent > 1000)
  local counts = listener:statistics()
  assert.same({ 1, 0, 1, 0, 0, 0, 0 }, { counts.accepted, counts.handshaking, counts.handshakes, counts.resumed,
    counts.refused, counts.open, counts.timeouts })
  assert.same({ carried.bytesReceived, carried.bytesSent }, { counts.bytesReceived, counts.bytesSent })
end)

promise("onAccept and onHandshake refuse by returning false", function(loop)
  local listener, port = listen(loop)
  local answers = {}
  loop.run(function()
    local accepted, shaken = 0, 0
    return listener:serve(echo, {
      onAccept = function()
        accepted = accepted + 1
        return accepted > 1
      end,
      onHandshake = function()
        shaken = shaken + 1
        return shaken > 1
      end,
    })
  end, function()
    answers[1] = connect(loop, port) == nil
    local second <close> = assert(connect(loop, port))
    answers[2] = ask(second, "second") == nil
    local third <close> = assert(connect(loop, port))
    answers[3] = ask(third, "third")
    listener:close()
  end)
  assert.same({ true, true, "third" }, answers)
end)

promise("statistics count failures by condition, resumed sessions and time-outs", function(loop)
  local listener, port = listen(loop, { handshakeTimeout = 0.05 })
  local session
  loop.run(function()
    return listener:serve(function(stream)
      stream:write "hello\n"
      stream:settimeout(0.02)
      stream:read()
    end, { onError = function() end })
  end, function()
    local mute = silent(port)
    await(loop, function() return listener:statistics().failed.timeout end)
    listener.handshakeTimeout = LONG -- the others finish theirs, on the slowest machine
    mute:close()
    local plain = silent(port)
    plain:send "GET / HTTP/1.0\r\n\r\n"
    await(loop, function() return listener:statistics().failed.plain_http end)
    plain:close()
    local store = { get = function() end, put = function(_, _, given) session = given end }
    local stream <close> = assert(connect(loop, port, { sessions = store }))
    stream:read()
    stream:read() -- until the server has closed
    local again <close> = assert(connect(loop, port, { session = session }))
    again:read()
    again:read()
    await(loop, function() return listener:statistics().timeouts == 3 end)
    listener:close()
  end)
  local counts = listener:statistics()
  assert.same({ timeout = 1, plain_http = 1 }, counts.failed)
  assert.same({ 4, 2, 1 }, { counts.accepted, counts.handshakes, counts.resumed })
end)

-- ---- stopping

promise("stop lets connections end by themselves, and takes no new ones", function(loop)
  local listener, port = listen(loop)
  local results = loop.run(function()
    return listener:serve(echo)
  end, function()
    local stream = assert(connect(loop, port))
    ask(stream, "before")
    assert(listener:stop(LONG))
    local after = ask(stream, "after")
    local refused = select(2, connect(loop, port))
    local stopping = listener:isStopping()
    stream:close()
    return after, refused:condition(), stopping
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.same({ n = 3, "after", "connection_refused", true }, results[2])
end)

promise("stop serves the clients that have connected before", function(loop)
  local listener, port = listen(loop)
  local answers = {}
  local function client(i)
    local plain = silent(port)
    return function()
      local stream <close> = assert(scissl.plain.on(plain, { waiter = loop.waiter, timeout = LONG }))
      assert(stream:startTls { host = "localhost", ca = pki.ca.certificate })
      answers[i] = ask(stream, i)
    end
  end
  local results = loop.run(function()
    return listener:serve(echo, { onAccept = function() listener:stop(LONG) end })
  end, client(1), client(2), client(3))
  assert.same({ n = 2, true, 0 }, results[1])
  assert.same({ "1", "2", "3" }, answers)
end)

promise("stop cuts what is left at the deadline, and serve says how many", function(loop)
  local listener, port = listen(loop)
  local ended
  local results = loop.run(function()
    return listener:serve(function(stream)
      assert(stream:write "hello\n")
      ended = select(2, stream:read())
    end, { onError = function() end })
  end, function()
    local stream = assert(connect(loop, port))
    local mute = silent(port)
    stream:read()
    await(loop, function() return listener:statistics().handshaking == 1 end)
    listener:stop(0.05)
    local rest, failure = stream:read()
    mute:close()
    return rest, failure and failure:condition()
  end)
  assert.same({ n = 2, true, 2 }, results[1])
  assert.equal("closed", ended:condition())
  assert.is_nil(results[2][1])
end)

promise("endIdle ends the streams that wait for a further request, and no others", function(loop)
  local listener, port = listen(loop)
  local noted, kinds, ends = {}, {}, {}
  local results = loop.run(function()
    return listener:serve(function(stream)
      local kind = stream:read()
      kinds[kind] = stream
      if kind == "lines" then
        stream:write "go on\n"
        for line in stream:lines "L" do stream:write(line) end -- raises at the end
      end
      stream:write(kind == "midst" and "first half\n" or "done\n")
      local line, failure = stream:read()
      ends[kind] = line or failure:condition()
      if kind == "dialogue" then ends.dialogue = ends.dialogue .. " " .. tostring(stream:read()) end
      if kind == "midst" then stream:write(line, "\n") end
    end, { endIdle = 0, onError = function(failure) noted[#noted + 1] = tostring(failure) end })
  end, function()
    local clients = {}
    for _, kind in ipairs { "idle", "lines", "dialogue", "midst" } do
      clients[kind] = assert(connect(loop, port))
      ask(clients[kind], kind)
    end
    assert(clients.midst:write "half a ")
    local function received(kind) return kinds[kind]:socket():statistics().bytesReceived end
    await(loop, function() return received "midst" > received "idle" end)
    listener:stop(LONG)
    local idle = clients.idle:read("a") -- "" after close_notify; a cut connection is an error
    local lines = clients.lines:read("a")
    await(loop, function() return ends.dialogue end)
    clients.dialogue:write "again\n"
    local dialogue = clients.dialogue:read("a")
    clients.midst:write "line\n"
    local midst = clients.midst:read("l")
    for _, client in pairs(clients) do client:close() end
    return idle, lines, dialogue, midst
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.same({ n = 4, "", "", "", "half a line" }, results[2])
  assert.same({ idle = "stopping", dialogue = "stopping again", midst = "half a line" }, ends)
  assert.same({}, noted)
end)

promise("endIdle ends a stream that becomes idle after stop, and serves a client that has not asked yet", function(loop)
  local listener, port = listen(loop)
  local failure
  local results = loop.run(function()
    return listener:serve(function(stream)
      while not failure do
        local line, problem = stream:read()
        if line then stream:write(line, "\n") end
        failure = problem
      end
      refusals.condition("stopping", nil, failure)
    end, { endIdle = 0 })
  end, function()
    local stream <close> = assert(connect(loop, port))
    await(loop, function() return listener:statistics().open == 1 end)
    listener:stop(LONG)
    await(loop, function() return listener.closed end)
    return ask(stream, "late"), (stream:read())
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.same({ n = 2, "late" }, results[2])
  assert.matches("the listener stops", tostring(failure))
end)

promise("endIdle leaves clients its seconds", function(loop)
  local listener, port = listen(loop)
  local results = loop.run(function()
    return listener:serve(echo, { endIdle = LONG })
  end, function()
    local stream <close> = assert(connect(loop, port))
    ask(stream, "before")
    listener:stop(2 * LONG)
    await(loop, function() return listener.closed end)
    return ask(stream, "after")
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.equal("after", results[2][1])
end)

promise("stop within a handler", function(loop)
  local listener, port = listen(loop)
  local results = loop.run(function()
    return listener:serve(function(stream)
      listener:stop(LONG)
      echo(stream)
    end)
  end, function()
    local stream <close> = assert(connect(loop, port))
    return ask(stream, "still served")
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.equal("still served", results[2][1])
end)

promise("stop again changes the time", function(loop)
  local listener, port = listen(loop)
  local results = loop.run(function()
    return listener:serve(echo)
  end, function()
    local stream <close> = assert(connect(loop, port))
    ask(stream, "x")
    listener:stop(3600)
    await(loop, function() return listener:isStopping() end)
    listener:stop(0)
    stream:read()
  end)
  assert.same({ n = 2, true, 1 }, results[1])
end)

promise("stop cuts a connection whose coroutine has not begun", function(loop)
  local listener, port = listen(loop)
  local served = 0
  local results = loop.run(function()
    return listener:serve(function(stream)
      served = served + 1
      echo(stream)
    end, { onAccept = function() listener:stop(0) end, onError = function() end })
  end, function()
    local stream = connect(loop, port)
    return stream and stream:write "x\n" and stream:read() -- TLS 1.3: the client's own handshake may be done
  end)
  assert.same({ n = 2, true, 1 }, results[1])
  assert.is_falsy(results[2][1])
  assert.equal(0, served)
end)

promise("stop during a handshake: a client that is quick enough is served", function(loop)
  local listener, port = listen(loop, { onClientHello = function() end })
  local stopped = false
  local results = loop.run(function()
    return listener:serve(echo)
  end, function()
    local plain = silent(port)
    await(loop, function() return listener:statistics().handshaking == 1 end)
    listener:stop(LONG)
    await(loop, function() return stopped end)
    local stream <close> = assert(scissl.plain.on(plain, { waiter = loop.waiter, timeout = LONG }))
    assert(stream:startTls { host = "localhost", ca = pki.ca.certificate })
    return ask(stream, "late")
  end, function()
    await(loop, function() return listener:isStopping() end)
    stopped = true
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.equal("late", results[2][1])
end)

promise("stop cuts a handshake whose handler runs", function(loop)
  local entered, cut = false, false
  local listener, port = listen(loop, {
    onClientHello = function()
      entered = true
      await(loop, function() return cut end)
    end,
  })
  local noted = {}
  local results = loop.run(function()
    return listener:serve(echo, { onError = function(failure) noted[#noted + 1] = failure end })
  end, function()
    await(loop, function() return entered end)
    listener:stop(0)
    await(loop, function() return listener.closed and listener:statistics().handshaking == 1 end)
    cut = true
  end, function()
    return connect(loop, port)
  end)
  assert.same({ n = 2, true, 1 }, results[1])
  assert.is_nil(results[3][1])
  assert.same({ "closed" }, conditions(noted))
end)

promise("a handshake that is done is not ended while its sessions are stored", function(loop)
  local storing, stored = false, false
  local store = {
    serve = function(self) return self end,
    onClientHello = function(_, handler) return handler or function() end end,
    keep = function()
      storing = true
      await(loop, function() return stored end)
    end,
  }
  local listener, port = listen(loop, { maxHandshakes = 1, sessions = store })
  local noted = {}
  local results = loop.run(function()
    return listener:serve(echo, { onError = function(failure) noted[#noted + 1] = failure end })
  end, function()
    local stream <close> = assert(connect(loop, port))
    return ask(stream, "x"), listener:close()
  end, function()
    await(loop, function() return storing end)
    local mute = silent(port)
    await(loop, function() return listener:statistics().accepted == 2 end)
    stored = true
    await(loop, function() return listener.closed end)
    mute:close()
  end)
  assert.same({ n = 2, "x", true }, results[2])
  assert.is_falsy(table.concat(conditions(noted)):find "too_many_handshakes")
end)

promise("a waiting client that has gone makes room for the next one", function(loop)
  local listener, port = listen(loop)
  local order = {}
  loop.run(function()
    return listener:serve(function(stream)
      local line = stream:read()
      order[#order + 1] = line or "gone"
      if line then stream:write(line, "\n") end
      if line == "first" then stream:read() end
    end, { maxConnections = 1 })
  end, function()
    local silents = {}
    for i = 1, 2 do silents[i] = silent(port) end
    await(loop, function() return listener:statistics().handshaking == 2 end)
    local first = assert(connect(loop, port))
    ask(first, "first")
    for i, plain in ipairs(silents) do
      local stream = assert(scissl.plain.on(plain, { waiter = loop.waiter, timeout = LONG }))
      assert(stream:startTls { host = "localhost", ca = pki.ca.certificate })
      silents[i] = stream
    end
    await(loop, function() return listener:statistics().open == 3 end)
    silents[1]:close()
    first:close()
    ask(silents[2], "third")
    silents[2]:close()
    listener:close()
  end)
  assert.same({ "first", "gone", "third" }, order)
end)

promise("one listener is served by one call at a time", function(loop)
  local listener = listen(loop)
  local results = loop.run(function()
    return listener:serve(echo)
  end, function()
    await(loop, function() return listener.bell end)
    local good, raised = pcall(listener.serve, listener, echo)
    listener:close()
    return good, raised
  end)
  assert.same({ n = 2, true, 0 }, results[1])
  assert.is_false(results[2][1])
  assert.matches("'serve' runs already for this listener", results[2][2])
end)

for _, loop in ipairs(loops.all) do
  describe(loop.name .. ":", function()
    local it = loops.it(loop)
    for _, one in ipairs(promises) do
      it(one[1], function() one[2](loop) end)
    end
  end)
end
