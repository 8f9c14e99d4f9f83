-- listener:stop: connections end by themselves, or are cut; endIdle; in every loop.
local scissl = require "scissl"
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

for _, loop in ipairs(loops.all) do
  describe(loop.name .. ":", function()
    local it = loops.it(loop)
    for _, one in ipairs(promises) do
      it(one[1], function() one[2](loop) end)
    end
  end)
end
