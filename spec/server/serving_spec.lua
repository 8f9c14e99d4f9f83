-- listener:serve under many clients: limits, refusals, what it tells and counts; in every loop.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local serving = require "spec.support.serving"

local listen, connect, silent, ask, await = serving.listen, serving.connect, serving.silent, serving.ask, serving.await
local echo, conditions, LONG = serving.echo, serving.conditions, serving.LONG

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

-- Clients whose last flights are sent in one go: the server finds all of them in one round of its loop.
local function connect_together(loop, port, count)
  local context, clients = ends.clientContext(), {}
  for i = 1, count do
    local plain = silent(port)
    assert(plain:setBlocking(false))
    clients[i] = assert(assert(scissl.SciSslSocket.on(plain, context)):sslInitialize())
    assert.is_true(clients[i]:sslConnect() < 1)
  end
  for _, client in ipairs(clients) do assert(scissl.wait.on(client, "r", { waiter = loop.waiter, timeout = LONG })) end
  for _, client in ipairs(clients) do assert.equal(1, client:sslConnect()) end
  return clients
end

for _, way in ipairs { "wait", "refuse" } do
  promise(("clients that are ready at the same time do not exceed maxConnections (%s)"):format(way), function(loop)
    local listener, port = listen(loop)
    local now, most, noted = 0, 0, {}
    loop.run(function()
      return listener:serve(function(stream)
        now = now + 1
        most = math.max(most, now)
        stream:read()
        now = now - 1
      end, { maxConnections = 1, whenFull = way, onError = function(failure) noted[#noted + 1] = failure end })
    end, function()
      local clients = connect_together(loop, port, 3)
      await(loop, function() return listener:statistics().handshakes == 3 and now > 0 end)
      if way == "refuse" then await(loop, function() return #noted + now >= 3 end) end
      for _, client in ipairs(clients) do client:close() end
      listener:close()
    end)
    assert.equal(1, most)
    if way == "refuse" then assert.same({ "too_many_connections", "too_many_connections" }, conditions(noted)) end
  end)
end

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

-- ---- the rest

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

promise("a stream that a failed startTls has closed is open no more", function(loop)
  local listener = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, waiter = loop.waiter, timeout = LONG })
  local _, port = listener:getSockName()
  local closed, failures, open = {}, {}, nil
  loop.run(function()
    return listener:serve(function(stream)
      local done, failure = stream:startTls {
        role = "server", certificate = pki.server.certificate, privateKey = pki.server.key,
      }
      failures[1], open = failure, listener:statistics().open
      listener:close()
      assert(not done)
    end, { onClose = function(stream, counts) closed[#closed + 1] = { stream, counts.bytesReceived } end })
  end, function()
    local client <close> = assert(scissl.plain.connect {
      host = "127.0.0.1", port = port, waiter = loop.waiter, timeout = LONG,
    })
    client:write "no TLS at all\n"
    client:read "a"
  end)
  assert.equal("accept", failures[1]:phase())
  assert.equal(0, open)
  assert.equal(1, #closed)
  assert.equal("SciSslStream: closed", tostring(closed[1][1]))
  assert.is_true(closed[1][2] > 0)
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
