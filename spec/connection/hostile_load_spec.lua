local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local SciSocket = scissl.SciSocket

-- A loop that counts its rounds, by a coroutine that gets a turn in each.
local function counting_loop()
  local loop = assert(scissl.scheduler.new())
  local work = { rounds = 0, over = false }
  loop:spawn(function()
    while not work.over do
      work.rounds = work.rounds + 1
      loop:sleep(0)
    end
  end)
  return loop, work
end

-- Both ends of TLS 1.3, with what belongs to the handshake read.
local function settled(transport)
  local client, server = ends.connected { version = "TLSv1.3", transport = transport }
  for _, way in ipairs { { client, server }, { server, client } } do
    assert.equal(5, way[1]:sslWrite("hello"))
    assert.equal("hello", ends.read(way[2], way[1]))
  end
  return client, server
end

describe("A client that sends KeyUpdates and nothing else", function()
  for _, waiter in ipairs { "poll", "coroutine" } do
    it("ends its own connection, and a read ends at once, waiter " .. waiter, function()
      local client, server = settled("tcp")
      local loop, work = counting_loop()
      for _ = 1, 1000 do client:sslKeyUpdate(false) end
      local failure
      loop:spawn(function()
        failure = select(2, scissl.stream(server, { waiter = waiter, timeout = 60 }):read("l"))
        work.over = true
      end)
      assert(loop:run())
      assert.equal("too_many_key_updates", failure:condition())
      assert.is_true(work.rounds <= 4, work.rounds .. " rounds")
    end)
  end

  it("does not hold up another client", function()
    local near, far = settled("tcp")
    local listener, port = streams.listen { timeout = 60 }
    local loop, work = counting_loop()
    local lines = 0
    loop:spawn(function() listener:serve(function(stream) stream:write(stream:read("L")) end) end)
    loop:spawn(function()
      repeat until not (near:sslKeyUpdate(true) == 1 and loop:sleep(0) and not work.over)
    end)
    loop:spawn(function()
      local stream = scissl.stream(far, { waiter = "coroutine", timeout = 60 })
      repeat until not stream:read("l")
    end)
    loop:spawn(function()
      for _ = 1, 5 do
        local stream <close> = assert(scissl.connect {
          host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile, waiter = "coroutine", timeout = 60,
        })
        stream:write("a line\n")
        if stream:read("l") == "a line" then lines = lines + 1 end
      end
      work.over = true
      listener:close()
    end)
    assert(loop:run())
    assert.equal(5, lines)
  end)
end)

describe("A time-out of a blocking socket's own (SO_RCVTIMEO)", function()
  it("holds for the whole call where each KeyUpdate comes within it", function()
    local listener, port = ends.listener()
    local _ <close> = ends.lua(([[
      local scissl = require "scissl"
      local context = scissl.SciSslContext.new "TLSv1.3"
      local raw = assert(scissl.SciSocket.newStreamSocket())
      assert(raw:connect("127.0.0.1", %d))
      local tls = assert(assert(scissl.SciSslSocket.on(raw, context)):sslInitialize())
      assert(tls:sslConnect() == 1)
      tls:sslWrite "hello"
      for _ = 1, 16 do
        scissl.SciSocket.poll({}, 0.05)
        tls:sslKeyUpdate(false)
      end
      tls:sslWrite "over"
    ]]):format(port))
    assert.is_truthy(listener:wait("r", 30))
    local accepted = assert(listener:accept())
    accepted:setBlocking(true)
    local server = assert(assert(scissl.SciSslSocket.on(accepted, ends.serverContext())):sslInitialize())
    assert.equal(1, server:sslAccept())
    assert.equal("hello", server:sslRead())
    server:setSockOpt("SO_RCVTIMEO", 0.2)
    assert.equal(-scissl.SSL_ERROR_WANT_READ, server:sslRead())
    listener:close()
  end)
end)

describe("Records of one byte", function()
  it("are read many at a time", function()
    local client, server = settled("tcp")
    local COUNT = 10000
    local sent, got, calls = 0, 0, 0
    while got < COUNT do
      while sent < COUNT and client:sslWrite("x") == 1 do sent = sent + 1 end
      local bytes = server:sslRead()
      calls = calls + 1
      if type(bytes) == "string" then got = got + #bytes else server:wait("r") end
    end
    assert.is_true(calls < COUNT / 100, calls .. " calls")
  end)

  it("do not keep sslReadSized of a non-blocking socket until it has all", function()
    local client, server = settled("tcp")
    local COUNT = 3000
    for _ = 1, COUNT do assert.equal(1, client:sslWrite("x")) end
    local got, calls = 0, 0
    while got < COUNT do
      assert.is_truthy(server:wait("r", 30)) -- the descriptor announces what is left
      local bytes = server:sslReadSized(65536)
      if type(bytes) == "string" then got = got + #bytes end
      calls = calls + 1
    end
    assert.equal(COUNT, got)
    assert.is_true(calls >= 3, calls .. " calls")
  end)

  it("do not keep a blocking sslReadSized from bringing all", function()
    local client, server = settled("tcp")
    for _ = 1, 2000 do assert.equal(1, client:sslWrite("x")) end
    server:setBlocking(true)
    assert.equal(("x"):rep(2000), server:sslReadSized(2000))
  end)
end)

describe("Session tickets", function()
  it("are kept in a small number, however many come", function()
    local client, server = settled("memory")
    for _ = 1, 32 do
      assert.equal(1, server:sslSendTickets(1))
      client:sslFeed(server:sslDrain())
      assert.equal(-scissl.SSL_ERROR_WANT_READ, client:sslRead())
    end
    assert.is_true(#client:newSessions() <= 8)
  end)
end)

describe("A client that reads nothing", function()
  it("gets as much memory of the server as maxBuffer says, and no more", function()
    local _, server = settled("tcp")
    local LIMIT, PIECE = 1 << 20, ("x"):rep(65536)
    local stream = scissl.stream(server, { timeout = 0, maxBuffer = LIMIT })
    collectgarbage()
    local before, writes, condition = collectgarbage("count"), 0
    repeat
      writes = writes + 1
      local _, failure = stream:write(PIECE .. writes)
      condition = failure and failure:condition()
    until condition == "output_full" or writes > 1000
    assert.equal("output_full", condition)
    for i = 1, 100 do assert.is_nil((stream:write(PIECE .. i))) end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage("count") - before < 2 * LIMIT / 1024)
    server:close()
  end)

  it("is given no more replies to its KeyUpdates than its transport takes", function()
    local client, server = settled("memory")
    repeat local taken = server:sslWrite(("x"):rep(16384)) until taken <= 0
    local waiting = 0
    for _ = 1, 20 do
      assert.equal(1, client:sslKeyUpdate(true))
      server:sslFeed(client:sslDrain())
      local answer = server:sslRead()
      if server:sslGetError(answer) == scissl.SSL_ERROR_WANT_WRITE then waiting = waiting + 1 end
    end
    assert.is_true(waiting >= 18)
    assert.is_true(#server:sslDrain() < 262144 + 2 * 16384)
  end)
end)

describe("Clients that connect and say nothing", function()
  -- Rounds of the loop that one client's conversation takes beside `count` others that say nothing.
  local function rounds_beside(count)
    local listener, port = streams.listen { timeout = 60 }
    local loop, work = counting_loop()
    local silent, rounds = {}, nil
    for i = 1, count do
      silent[i] = assert(SciSocket.newStreamSocket())
      assert(silent[i]:connect("127.0.0.1", port))
    end
    loop:spawn(function() listener:serve(function(stream) stream:write(stream:read("L")) end) end)
    loop:spawn(function()
      for _ = 1, count + 2 do loop:sleep(0) end -- they are accepted
      rounds = work.rounds
      local stream <close> = assert(scissl.connect {
        host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile, waiter = "coroutine", timeout = 60,
      })
      stream:write("a line\n")
      assert.equal("a line", stream:read("l"))
      rounds = work.rounds - rounds
      work.over = true
      for _, socket in ipairs(silent) do socket:close() end
      listener:close()
    end)
    assert(loop:run())
    return rounds
  end

  it("cost another client no rounds of the loop", function()
    local alone, beside = rounds_beside(0), rounds_beside(100)
    assert.is_true(beside <= alone + 20, ("%d rounds alone, %d beside"):format(alone, beside))
  end)
end)

describe("A client that sends its ClientHello byte by byte", function()
  it("costs one call for each byte, and others get their turn after each", function()
    local context = ends.clientContext()
    local client = assert(scissl.SciSslSocket.onMemory(context):sslInitialize())
    client:sslConnect()
    local hello = client:sslDrain()
    local near, far = assert(SciSocket.pair())
    far:setBlocking(false)
    local server = assert(assert(scissl.SciSslSocket.on(far, ends.serverContext())):sslInitialize())
    local loop, work = counting_loop()
    local waits, before, after = 0, nil, nil
    loop:spawn(function()
      scissl.handshake(server, "accept", { timeout = 60, waiter = function(socket, events, deadline)
        waits = waits + 1
        return coroutine.yield(socket, events, deadline)
      end })
      work.over = true
    end)
    loop:spawn(function()
      loop:sleep(0)
      before = work.rounds
      for i = 1, #hello do
        near:send(hello, i, i)
        loop:sleep(0)
      end
      after = work.rounds
      near:close()
    end)
    assert(loop:run())
    assert.is_true(after - before >= #hello)
    assert.is_true(waits <= #hello + 4, waits .. " waits")
  end)
end)
