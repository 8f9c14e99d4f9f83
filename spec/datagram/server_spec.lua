-- The server of scissl.datagram: cookies, limits, peers that begin again, errors of handlers.
local scissl = require "scissl"
local datagrams = require "spec.support.datagrams"

local SciSocket = scissl.SciSocket
local fails, listen, connect, run = datagrams.fails, datagrams.listen, datagrams.connect, datagrams.run
local with_echo = datagrams.withEcho

describe("A server of DTLS", function()
  local function flood(port, count)
    local context = assert(scissl.SciSslContext.new "DTLS")
    local client = assert(scissl.SciSslSocket.onMemory(context)):sslInitialize()
    client:sslConnect()
    local hello = client:sslDrain()
    local replies = 0
    for _ = 1, count do
      local socket <close> = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
      assert(socket:send(hello))
      coroutine.yield(nil, nil, nil)
      coroutine.yield(socket, "r", SciSocket.now() + 20)
      socket:setBlocking(false)
      local reply = socket:recv(2000)
      if reply then
        replies = replies + 1
        assert.is_true(#reply < #hello)
      end
    end
    return replies
  end

  it("keeps nothing of a hello without a cookie, and replies with less than it got", function()
    with_echo(nil, function(port, listener)
      assert.equal(200, flood(port, 200))
      local counts = listener:statistics()
      assert.same({ 200, 0, 0 }, { counts.hellos, counts.peers, counts.handshaking })
      assert.is_nil(next(listener.peers.list))
    end)
  end)

  it("drops what is no ClientHello, without a reply", function()
    with_echo(nil, function(port, listener)
      local socket <close> = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
      for _, junk in ipairs { "x", ("\0"):rep(500), "\22\254\253" .. ("\0"):rep(100) } do assert(socket:send(junk)) end
      local association <close> = assert(connect(port))
      assert(association:send "x")
      assert.equal("x", association:receive())
      socket:setBlocking(false)
      fails("not_ready", socket:recv(100))
      assert.is_true(listener:statistics().strangers >= 3)
    end)
  end)

  it("replaces the association of a peer that begins again, after the cookie", function()
    local client <const> = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    local _, own = client:getSockName()
    client:close()
    with_echo(nil, function(port, listener)
      local first = assert(connect(port, { localPort = own }))
      assert(first:send "one")
      assert.equal("one", first:receive())
      local old = listener:associations()[1]
      first:socket():setBlocking(false)
      -- The client's program ends without close_notify, and another takes its port.
      local plain = assert(SciSocket.on(first:socket(), true))
      first = nil -- luacheck: ignore 311
      plain:close()
      collectgarbage()
      collectgarbage()
      local second <close> = assert(connect(port, { localPort = own }))
      assert(second:send "two")
      assert.equal("two", second:receive())
      assert.equal(1, listener:statistics().replaced)
      fails("replaced", old:receive())
      fails("closed", old:socket():sslMtu())
      assert.equal(1, #listener:associations())
    end)
  end)

  it("has limits for peers, unfinished handshakes and waiting messages", function()
    with_echo({ maxPeers = 1 }, function(port, listener)
      local association <close> = assert(connect(port))
      fails("timeout", connect(port, { timeout = 0.2 }))
      assert.is_true(listener:statistics().refused >= 1)
      assert(association:send "still there")
      assert.equal("still there", association:receive())
    end)
    local listener, port = listen { maxMessages = 2 }
    run(function()
      local association = assert(listener:accept(20))
      repeat
        fails("timeout", listener:accept(0.02))
      until listener:statistics().received == 4
      assert.equal("1", association:receive(0))
      assert.equal("2", association:receive(0))
      assert.same({ n = 1 }, table.pack(association:receive(0))) -- the peer has closed
      assert.equal(2, listener:statistics().dropped)
      listener:close()
    end, function()
      local association <close> = assert(connect(port))
      for i = 1, 4 do assert(association:send(tostring(i))) end
    end)
  end)

  it("ends associations that are idle, and handshakes that take too long #slow", function()
    local listener, port = listen { idleTimeout = 0.1, handshakeTimeout = 0.2 }
    run(function()
      local association = assert(listener:accept(20))
      fails("idle", association:receive(20))
      assert.equal(1, listener:statistics().idle)
      repeat
        fails("timeout", listener:accept(0.05))
      until listener:statistics().failed.timeout == 1
      assert.equal(0, listener:statistics().peers)
      listener:close()
    end, function()
      local association <close> = assert(connect(port))
      assert.same({ n = 1 }, table.pack(association:receive(20)))
      local context = assert(scissl.SciSslContext.new "DTLS")
      local plain = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
      plain:setBlocking(false)
      local client = assert(scissl.SciSslSocket.on(plain, context)):sslInitialize()
      client:sslConnect()
      coroutine.yield(client, "r", SciSocket.now() + 20)
      client:sslConnect() -- with the cookie; then nothing more
      client:close()
    end)
  end)

  describe("while datagrams never end,", function()
    local MANY = 1000000
    local listener, junk

    before_each(function()
      listener, junk = listen(), 0
      local plain = listener.plain
      listener.peers.plain = {
        recvFrom = function()
          junk = junk + 1
          if junk > MANY then return plain:recvFrom() end
          return "x", "127.0.0.1", 9
        end,
      }
    end)

    it("keeps its deadlines", function()
      run(function()
        fails("timeout", listener:accept(0.001))
        listener:close()
      end)
      assert.is_true(junk < MANY)
    end)

    it("lets others run", function()
      run(function()
        fails("closed", listener:accept())
      end, function()
        for _ = 1, 10 do coroutine.yield(nil, nil, nil) end
        listener:close()
      end)
      assert.is_true(junk < MANY)
    end)
  end)

  it("lets its handlers run while messages never end", function()
    local listener, port = listen()
    local plain, sent, first = listener.plain, 0, nil
    run(function()
      assert(listener:serve(function()
        first = first or sent
        listener:close()
      end))
    end, function()
      local association <close> = assert(connect(port))
      listener.peers.plain = {
        recvFrom = function()
          sent = sent + 1
          if sent <= 2000 and not listener.closed then assert(association:send "x") end
          return plain:recvFrom()
        end,
        sendTo = function(_, ...) return plain:sendTo(...) end,
      }
      assert(association:send "x")
      while not listener.closed do association:receive(0.01) end
    end)
    assert.is_true(first < 1000)
  end)

  it("forgets associations that have ended before the program accepts them", function()
    local listener, port = listen { maxPeers = 2 }
    run(function()
      local first = assert(listener:accept(20))
      assert.equal("over", first:receive(20))
      assert.equal(13, listener:statistics().handshakes)
      assert.is_true(listener.last - listener.first + 1 <= 4)
      listener:close()
    end, function()
      local first <close> = assert(connect(port))
      for _ = 1, 12 do assert(connect(port)):close() end
      assert(first:send "over")
    end)
  end)

  it("lets a handler of failed handshakes receive, while others begin", function()
    local listener, port = listen { handshakeTimeout = 0.2 }
    local context = assert(scissl.SciSslContext.new "DTLS")
    local sockets, failed = {}, 0
    local function begin(count, turn)
      local clients = {}
      for i = 1, count do
        local plain = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
        plain:setBlocking(false)
        clients[i] = assert(scissl.SciSslSocket.on(plain, context)):sslInitialize()
        clients[i]:sslConnect()
      end
      turn()
      for i = 1, count do
        clients[i]:sslConnect() -- with the cookie; then nothing more
        sockets[#sockets + 1] = clients[i]
      end
      turn()
    end
    run(function()
      assert(listener:serve(function() end, {
        onError = function(failure, phase)
          assert.same({ "timeout", "handshake" }, { failure:condition(), phase })
          failed = failed + 1
          if failed > 1 then return failed == 41 and listener:close() end
          local one = listener:associations()[1]
          begin(36, function() fails("timeout", one:receive(0)) end)
        end,
      }))
    end, function()
      local association <close> = assert(connect(port))
      begin(5, function() fails("timeout", association:receive(0.02)) end)
      while not listener.closed do association:receive(0.05) end
    end)
    assert.equal(41, failed)
  end)

  it("begins one handshake with a peer whose ClientHello comes again while onAccept waits", function()
    local listener, port = listen { maxPeers = 1 }
    local asked = 0
    run(function()
      assert(listener:serve(function(association, message) association:send(message) end, {
        onAccept = function()
          asked = asked + 1
          if asked == 1 then assert(listener:accept(20)) end
          return true
        end,
      }))
    end, function()
      local _ <close> = listener
      local association <close> = assert(connect(port, { retransmission = 0.05 }))
      assert(association:send "x")
      assert.equal("x", association:receive(20))
      local counts = listener:statistics()
      assert.same({ 2, 1, 0, 1, 0 }, { asked, counts.peers, counts.handshaking, counts.handshakes, counts.refused })
    end)
  end)

  it("survives an error of a handler, and says so", function()
    local listener, port = listen()
    local told = {}
    run(function()
      assert(listener:serve(function(association, message)
        if message == "raise" then error "a mistake" end
        assert(association:send(message))
      end, {
        onAssociation = function(association) told[#told + 1] = association:peerAddress():match "^[%d.]+" end,
        onError = function(failure, phase) told[#told + 1] = phase .. ": " .. tostring(failure):match "a mistake" end,
      }))
    end, function()
      local _ <close> = listener
      local association <close> = assert(connect(port))
      assert(association:send "raise")
      assert(association:send "go on")
      assert.equal("go on", association:receive())
    end)
    assert.same({ "127.0.0.1", "handler: a mistake" }, told)
  end)
end)
