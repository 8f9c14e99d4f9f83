-- What every loop promises, one list for all of them.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"
local streams = require "spec.support.streams"

local LONG = 30 -- seconds: what must come in time on the slowest machine

local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local wait = scissl.wait

local function connect(loop, port, given)
  given = given or {}
  given.host, given.port, given.waiter, given.ca = "127.0.0.1", port, loop.waiter, pki.ca.certificate
  given.timeout = given.timeout or LONG
  return scissl.connect(given)
end

-- A TCP connection whose other end says nothing.
local function silent(listener_port)
  local socket = SciSocket.newStreamSocket()
  assert(socket:connect("127.0.0.1", listener_port))
  return socket
end

-- A SciSslSocket in front of somebody who never answers; keep what comes second.
local function unanswered()
  local near, far = SciSocket.pair()
  near:setBlocking(false)
  local socket = assert(SciSslSocket.on(near, ends.clientContext()))
  assert(socket:sslInitialize())
  return socket, far
end

local function echo(stream)
  for line in stream:lines "L" do assert(stream:write(line)) end
end

-- A client and a server stream that are connected, in a loop.
local function in_pair(loop, client_part, server_part)
  local listener <close>, port = streams.listen { waiter = loop.waiter }
  return loop.run(function()
    local stream <close> = assert(listener:accept(LONG))
    return server_part(stream)
  end, function()
    local stream <close> = assert(connect(loop, port))
    return client_part(stream)
  end)
end

local promises = {}

local function promise(name, test)
  promises[#promises + 1] = { name = name, test = test }
end

promise("a client and a server talk", function(loop)
  local results = in_pair(loop, function(stream)
    assert(stream:write("ping\n"))
    return stream:read()
  end, function(stream)
    local line = stream:read()
    assert(stream:write("pong\n"))
    return line
  end)
  assert.same({ "ping", "pong" }, { results[1][1], results[2][1] })
end)

promise("more than the network holds at a time goes both ways", function(loop)
  local size = 2 * 1024 * 1024
  local data = ("x"):rep(size)
  local results = in_pair(loop, function(stream)
    assert(stream:write(data))
    return #assert(stream:read(size))
  end, function(stream)
    local got = assert(stream:read(size))
    assert(stream:write(got))
    return #got
  end)
  assert.same({ size, size }, { results[1][1], results[2][1] })
end)

promise("one coroutine reads while another writes on the same stream", function(loop)
  local size = 512 * 1024
  local listener <close>, port = streams.listen { waiter = loop.waiter }
  local client
  local results = loop.run(function()
    local stream <close> = assert(listener:accept(LONG))
    assert(stream:write(("y"):rep(size)))
    return #assert(stream:read(size))
  end, function()
    client = assert(connect(loop, port))
    return #assert(client:read(size))
  end, function()
    while not client do wait.on(listener:socket(), "r", { timeout = 0.01, waiter = loop.waiter }) end
    assert(client:write(("z"):rep(size)))
  end)
  client:close()
  assert.same({ size, size }, { results[1][1], results[2][1] })
end)

promise("who waits to read and who waits to write on the same socket are each woken for their own", function(loop)
  local near, far, _ <close> = sockets.pair()
  near:setBlocking(false)
  far:setBlocking(false)
  local filling = ("x"):rep(65536)
  repeat local sent = near:send(filling) until not sent
  local order = {}
  loop.run(function()
    assert(wait.on(near, "r", { timeout = LONG, waiter = loop.waiter }))
    order[#order + 1] = "r"
    repeat local bytes = far:recv(65536) until not bytes
  end, function()
    assert(wait.on(near, "w", { timeout = LONG, waiter = loop.waiter }))
    order[#order + 1] = "w"
  end, function()
    assert(far:send "x")
  end)
  assert.same({ "r", "w" }, order)
end)

promise("a read has its time-out, and nothing is lost by it", function(loop)
  local results = in_pair(loop, function(stream)
    local partner = stream:read()
    assert(stream:write("late\n"))
    return partner
  end, function(stream)
    stream:settimeout(0.05)
    local line, failure = stream:read()
    stream:settimeout(LONG)
    assert(stream:write("go on\n"))
    return line, failure:condition(), stream:read()
  end)
  assert.same({ n = 3, nil, "timeout", "late" }, results[1])
end)

promise("a write has its time-out #slow", function(loop)
  local over = false
  local results = in_pair(loop, function(stream)
    stream:settimeout(0.05)
    local done, failure = stream:write(("x"):rep(32 * 1024 * 1024))
    over = true
    stream:socket():close()
    return done, failure:condition()
  end, function(stream)
    while not over do wait.on(stream:socket(), "w", { waiter = loop.waiter })
      wait.on(stream:socket(), "r", { timeout = 0.02, waiter = loop.waiter })
    end
  end)
  assert.same({ n = 2, nil, "timeout" }, results[2])
end)

promise("a handshake has its time-out", function(loop)
  local results = loop.run(function()
    local socket, far = unanswered()
    local done, failure = scissl.handshake(socket, "connect", { waiter = loop.waiter, timeout = 0.05 })
    socket:close()
    far:close()
    return done, failure:condition()
  end)
  assert.same({ n = 2, nil, "timeout" }, results[1])
end)

promise("accept has its time-out", function(loop)
  local listener <close> = streams.listen { waiter = loop.waiter }
  local results = loop.run(function()
    local stream, failure = listener:accept(0.05)
    return stream, failure:condition()
  end)
  assert.same({ n = 2, nil, "timeout" }, results[1])
end)

promise("several time-outs come in their order", function(loop)
  local order = {}
  local function sleeper(seconds)
    return function()
      local near, _, keeper <close> = sockets.pair()
      assert(not wait.on(near, "r", { timeout = seconds, waiter = loop.waiter }))
      order[#order + 1] = seconds
      return keeper
    end
  end
  loop.run(sleeper(0.3), sleeper(0.02), sleeper(0.16))
  assert.same({ 0.02, 0.16, 0.3 }, order)
end)

promise("a handshake is cancelled half-way, and says so", function(loop)
  local socket, far = unanswered()
  local results = loop.run(function()
    local done, failure = scissl.handshake(socket, "connect", { waiter = loop.waiter, timeout = LONG })
    return done, failure:condition(), failure:cause()
  end, function()
    assert(wait.on(far, "r", { waiter = loop.waiter, timeout = LONG })) -- the client hello has come
    return wait.cancel(socket, "nobody wants it any more")
  end)
  socket:close()
  far:close()
  assert.same({ n = 3, nil, "cancelled", "nobody wants it any more" }, results[1])
  assert.same({ n = 1, 1 }, results[2])
end)

promise("a cancel ends each wait for a socket, counts them, and counts none that has ended", function(loop)
  local near, far, _ <close> = sockets.pair()
  local LATER = "later"
  local begun
  local function waits(events)
    return function()
      begun = begun + 1
      local _, failure = wait.on(near, events, { waiter = loop.waiter, timeout = LONG })
      return failure:cause()
    end
  end
  local filling = ("x"):rep(65536)
  near:setBlocking(false)
  repeat local sent = near:send(filling) until not sent
  local counts = {}
  for i = 1, 3 do
    begun = 0
    local results = loop.run(waits "r", waits "w", waits "r", function()
      while begun < 3 do assert(wait.on(far, "w", { timeout = LONG, waiter = loop.waiter })) end
      counts[i] = wait.cancel(near, LATER)
    end)
    assert.same({ LATER, LATER, LATER }, { results[1][1], results[2][1], results[3][1] })
    assert.equal(0, wait.cancel(near))
  end
  assert.same({ 3, 3, 3 }, counts)
end)

promise("a socket with TLS that was waited for can be collected while the one below it is in use", function(loop)
  local near, far, _ <close> = sockets.pair()
  near:setBlocking(false)
  local seen = setmetatable({}, { __mode = "v" })
  local results = loop.run(function()
    seen[1] = assert(SciSslSocket.on(near, ends.clientContext()))
    assert(wait.on(seen[1], "w", { waiter = loop.waiter, timeout = LONG }))
    assert(not wait.on(seen[1], "r", { waiter = loop.waiter, timeout = 0.01 }))
  end, function()
    repeat
      assert(wait.on(far, "w", { waiter = loop.waiter, timeout = LONG }))
      collectgarbage()
    until not seen[1]
    return far:send "x", wait.on(near, "r", { waiter = loop.waiter, timeout = LONG })
  end)
  assert.same({ 1, true }, { results[2][1], results[2][2] })
end)

promise("closing the socket ends a handshake that another coroutine waits in", function(loop)
  local socket, far = unanswered()
  local results = loop.run(function()
    local done, failure = scissl.handshake(socket, "connect", { waiter = loop.waiter, timeout = LONG })
    return done, failure:condition()
  end, function()
    assert(wait.on(far, "r", { waiter = loop.waiter, timeout = LONG }))
    socket:close()
  end)
  far:close()
  assert.same({ n = 2, nil, "closed" }, results[1])
end)

promise("a descriptor that comes back as another socket is waited for anew", function(loop)
  local results = loop.run(function()
    local got = {}
    for i = 1, 4 do
      local near, far = SciSocket.pair()
      near:setBlocking(false)
      far:send(tostring(i))
      assert(wait.on(near, "r", { waiter = loop.waiter, timeout = LONG }))
      got[i] = near:recv(1)
      assert(not wait.on(near, "r", { waiter = loop.waiter, timeout = 0.01 }))
      near:close()
      far:close()
    end
    return table.concat(got)
  end)
  assert.equal("1234", results[1][1])
end)

promise("a listener that is closed ends the accept that waits", function(loop)
  local listener = streams.listen { waiter = loop.waiter }
  local results = loop.run(function()
    local stream, failure = listener:accept(LONG)
    return stream, failure:condition()
  end, function()
    local near, _, keeper <close> = sockets.pair()
    wait.on(near, "r", { waiter = loop.waiter, timeout = 0.02 })
    listener:close()
    return keeper
  end)
  assert.same({ n = 2, nil, "closed" }, results[1])
end)

promise("a client that says nothing does not hold up the others' handshakes", function(loop)
  local listener, port = streams.listen { waiter = loop.waiter }
  local mute = silent(port)
  local results = loop.run(function()
    return listener:serve(echo, { onError = function() end })
  end, function()
    local stream = assert(connect(loop, port))
    assert(stream:write("hello\n"))
    local line = stream:read()
    stream:close()
    listener:close()
    mute:close()
    return line
  end)
  assert.same({ true, "hello" }, { results[1][1], results[2][1] })
end)

promise("a peer that drips does not hold up the others", function(loop)
  local listener <close>, port = streams.listen { waiter = loop.waiter }
  local fast, slow = 0, nil
  loop.run(function()
    return listener:serve(echo)
  end, function()
    local stream <close> = assert(connect(loop, port))
    for character in ("slow"):gmatch "." do
      assert(stream:write(character))
      stream:settimeout(0.03)
      assert(not stream:read())
      stream:settimeout(LONG)
    end
    assert(stream:write("\n"))
    slow = stream:read()
    stream:close()
    while fast < 20 do wait.on(listener:socket(), "w", { timeout = 0.01, waiter = loop.waiter }) end
    listener:close()
  end, function()
    local stream <close> = assert(connect(loop, port))
    for i = 1, 20 do
      assert(stream:write(i, "\n"))
      assert(stream:read() == tostring(i))
      if not slow then fast = fast + 1 else fast = 20 end
    end
    fast = 20
  end)
  assert.equal("slow", slow)
end)

promise("a handler that raises ends its own connection only", function(loop)
  local listener, port = streams.listen { waiter = loop.waiter }
  local noted = {}
  local results = loop.run(function()
    return listener:serve(function(stream)
      local line = assert(stream:read())
      if line == "die" then error("as asked") end
      assert(stream:write(line, "\n"))
    end, { onError = function(failure, phase) noted[#noted + 1] = phase .. ": " .. tostring(failure) end })
  end, function()
    local alive <close> = assert(connect(loop, port))
    local dying <close> = assert(connect(loop, port))
    assert(dying:write("die\n"))
    local ended = dying:read() == nil
    assert(alive:write("still here\n"))
    local line = alive:read()
    listener:close()
    return ended, line
  end)
  assert.same({ n = 2, true, "still here" }, results[2])
  assert.equal(1, #noted)
  assert.matches("^handler: .*as asked", noted[1])
end)

promise("a handshake that fails is told of, and the others go on", function(loop)
  local listener, port = streams.listen { waiter = loop.waiter }
  local noted = {}
  local results = loop.run(function()
    return listener:serve(echo, { onError = function(failure, phase, subject)
      noted[#noted + 1] = { phase, failure:phase(), tostring(subject):match("^%w+") }
    end })
  end, function()
    local plain = silent(port)
    plain:send("GET / HTTP/1.0\r\n\r\n")
    plain:setBlocking(false)
    wait.on(plain, "r", { waiter = loop.waiter, timeout = LONG })
    plain:close()
    local stream <close> = assert(connect(loop, port))
    assert(stream:write("x\n"))
    local line = stream:read()
    listener:close()
    return line
  end)
  assert.equal("x", results[2][1])
  assert.same({ { "handshake", "accept", "SciSslSocket" } }, noted)
end)

promise("serve holds no more connections than it is told to", function(loop)
  local listener, port = streams.listen { waiter = loop.waiter }
  local at_once, most = 0, 0
  local function client()
    local stream <close> = assert(connect(loop, port))
    assert(stream:write("x\n"))
    return assert(stream:read())
  end
  local done = 0
  local function counted()
    client()
    done = done + 1
    if done == 5 then listener:close() end
  end
  loop.run(function()
    return listener:serve(function(stream)
      at_once = at_once + 1
      most = math.max(most, at_once)
      assert(stream:write(assert(stream:read()), "\n"))
      at_once = at_once - 1
    end, { maxConnections = 2 })
  end, counted, counted, counted, counted, counted)
  assert.equal(5, done)
  assert.is_true(most <= 2, "at a time: " .. most)
end)

promise("what has been decrypted already is not slept over", function(loop)
  local results = in_pair(loop, function(stream)
    assert(stream:write("first second third"))
    return stream:read() -- the end, when the server has all
  end, function(stream)
    local socket, words = stream:socket(), {}
    assert(wait.on(socket, "r", { waiter = loop.waiter, timeout = LONG }))
    while #table.concat(words) < 18 do
      local answer = socket:sslRead(6)
      if type(answer) == "string" then
        words[#words + 1] = answer
      end
      assert(wait.on(socket, #table.concat(words) < 18 and "r" or "w", { waiter = loop.waiter, timeout = LONG }))
    end
    return table.concat(words)
  end)
  assert.equal("first second third", results[1][1])
end)

promise("what a stream has buffered is not slept over", function(loop)
  local results = in_pair(loop, function(stream)
    assert(stream:write("one\ntwo\n"))
    return stream:read()
  end, function(stream)
    local one = stream:read()
    assert(wait.on(stream, "r", { waiter = loop.waiter, timeout = LONG }))
    return one, stream:read()
  end)
  assert.same({ n = 2, "one", "two" }, results[1])
end)

promise("records that came with the handshake's last message are not slept over", function(loop)
  local results = in_pair(loop, function(stream)
    return stream:read()
  end, function(stream)
    return stream:write("hello before you have asked\n") ~= nil
  end)
  assert.equal("hello before you have asked", results[2][1])
end)

for _, loop in ipairs(loops.all) do
  describe(loop.name .. ":", function()
    local it = loops.it(loop)
    for _, one in ipairs(promises) do
      it(one.name, function() one.test(loop) end)
    end
  end)
end
