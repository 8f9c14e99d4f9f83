-- What an attacker can do to a server of DTLS: datagrams with forged addresses, recorded ones, floods.
local scissl = require "scissl"
local datagrams = require "spec.support.datagrams"
local new_relay = require "spec.support.relay"
local network_of = require "scissl.base.network"

local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local fails, listen, connect, run = datagrams.fails, datagrams.listen, datagrams.connect, datagrams.run
local with_echo = datagrams.withEcho

local context = assert(scissl.SciSslContext.new "DTLS")

local function new_hello()
  local client = assert(SciSslSocket.onMemory(context)):sslInitialize()
  client:sslConnect()
  return client, client:sslDrain()
end

local function raw_socket(address)
  local socket = assert(SciSocket.newDatagramSocket():bind(address or "127.0.0.1", 0))
  socket:setBlocking(false)
  return socket
end

-- Linux alone has all addresses that begin with 127.
local has_more_addresses = SciSocket.newDatagramSocket():bind("127.0.1.1", 0) ~= nil
local with_addresses = has_more_addresses and it or pending

local function await(socket)
  coroutine.yield(socket, "r", SciSocket.now() + 20)
  return (assert(socket:recvFrom()))
end

-- Begins a handshake: returns the cookie to the server, and sends nothing more.
local function begin(port, socket)
  local client, hello = new_hello()
  assert(socket:sendTo(hello, "127.0.0.1", port))
  client:sslFeed(await(socket))
  client:sslConnect()
  assert(socket:sendTo(client:sslDrain(), "127.0.0.1", port))
  await(socket) -- the server's flight begins
  while socket:recvFrom() do end -- luacheck: ignore 542
  return client
end

describe("A server of DTLS under attack", function()
  it("does not take forged or recorded datagrams for a sign of life #slow", function()
    local listener, port = listen { idleTimeout = 0.3 }
    local relay = new_relay(port)
    local over
    run(function()
      local association = assert(listener:accept(20))
      assert.equal("x", association:receive(20))
      fails("idle", association:receive(20))
      over = true
      listener:close()
    end, function() relay:run() end, function()
      local _ <close> = relay
      local association <close> = assert(connect(relay.port))
      assert(association:send "x")
      fails("timeout", association:receive(0.05))
      local recorded = relay.seen[#relay.seen][1]
      while not over do
        coroutine.yield(nil, nil, SciSocket.now() + 0.02)
        local forged = "\23\254\253\0\1\0\0\0\0\0\9\0\40" .. ("x"):rep(40)
        for _, datagram in ipairs { recorded, "x", forged } do relay:send(datagram, true) end
      end
    end)
    assert.equal(1, listener:statistics().idle)
  end)

  it("counts a message as a sign of life #slow", function()
    with_echo({ idleTimeout = 0.9 }, function(port, listener)
      local association <close> = assert(connect(port))
      local deadline = SciSocket.now() + 2.5
      while SciSocket.now() < deadline do
        assert(association:send "x")
        assert.equal("x", association:receive(20))
        fails("timeout", association:receive(0.05))
      end
      assert.equal(0, listener:statistics().idle)
    end)
  end)

  it("keeps the association of a peer whose cookie another uses, until a new handshake is finished", function()
    with_echo(nil, function(port, listener)
      local association <close> = assert(connect(port))
      local own = assert(SciSocket.on(association:socket(), true)) -- sends from the address of the peer
      own:setBlocking(false)
      local function forge(datagram) assert(own:send(datagram)) end
      local client, hello = new_hello()
      forge(hello)
      coroutine.yield(own, "r", SciSocket.now() + 20)
      client:sslFeed(assert(own:recv(2000)))
      client:sslConnect()
      local second = client:sslDrain()
      for _ = 1, 3 do forge(second) end
      for i = 1, 5 do
        assert(association:send("message " .. i))
        assert.equal("message " .. i, association:receive(20))
      end
      local counts = listener:statistics()
      assert.same({ 1, 1, 0, 1 }, { counts.peers, counts.handshaking, counts.replaced, counts.handshakes })
    end)
  end)

  it("has one unfinished handshake for each address and port, however many cookies come back", function()
    with_echo(nil, function(port, listener)
      local socket <close> = raw_socket()
      for _ = 1, 30 do begin(port, socket) end
      local counts = listener:statistics()
      assert.same({ 1, 1, 60 }, { counts.handshaking, counts.peers, counts.hellos })
      assert.equal(1, listener.peers.unfinished:count())
      assert.equal(1, #listener.peers.unfinished.heap)
    end)
  end)

  with_addresses("limits the unfinished handshakes of one network, and others are not hindered", function()
    with_echo({ maxHandshakesFromOne = 3 }, function(port, listener)
      local sockets, other <close> = {}, raw_socket "127.0.1.1"
      local patient = begin(port, other)
      for i = 1, 8 do
        sockets[i] = raw_socket()
        begin(port, sockets[i])
      end
      local counts = listener:statistics()
      assert.same({ 4, 5 }, { counts.handshaking, counts.failed.too_many_handshakes })
      assert.is_nil(next(listener:associations()))
      local association <close> = assert(connect(port)) -- of the same network
      assert(association:send "x")
      assert.equal("x", association:receive(20))
      local after = listener:statistics()
      assert.same({ 3, 6, 1 }, { after.handshaking, after.failed.too_many_handshakes, after.handshakes })
      assert.is_false(patient:isSecure())
      for _, socket in ipairs(sockets) do socket:close() end
    end)
    assert.error_matches(function() listen { maxHandshakesFromOne = 0 } end, "maxHandshakesFromOne")
  end)

  with_addresses("ends the oldest of all unfinished handshakes above the limit", function()
    with_echo({ maxHandshakes = 5 }, function(port, listener)
      local sockets = {}
      for i = 1, 12 do
        sockets[i] = raw_socket("127.0." .. i .. ".1")
        begin(port, sockets[i])
      end
      local counts, unfinished = listener:statistics(), listener.peers.unfinished
      assert.same({ 5, 5, 7 }, { counts.handshaking, counts.peers, counts.failed.too_many_handshakes })
      assert.same({ 5, 5 }, { unfinished:count(), #unfinished.heap })
      local networks = {}
      for network in pairs(unfinished.networks) do networks[#networks + 1] = network end
      table.sort(networks)
      assert.same({ "127.0.10", "127.0.11", "127.0.12", "127.0.8", "127.0.9" }, networks)
      for _, socket in ipairs(sockets) do socket:close() end
    end)
  end)

  it("goes on with an association under a flood of forged records, and keeps nothing of them", function()
    with_echo(nil, function(port, listener)
      local association <close> = assert(connect(port))
      assert(association:send "x")
      assert.equal("x", association:receive(20))
      local own = assert(SciSocket.on(association:socket(), true))
      own:setBlocking(false)
      local inbox = listener:associations()[1].inbox
      for i = 1, 1000 do
        local record = ("\23\254\253\0\1"):sub(1, 5) .. (">I6"):pack(1000 + i) .. (">s2"):pack(("x"):rep(i))
        own:send(record)
        if i % 50 == 0 then
          assert(association:send("message " .. i))
          assert.equal("message " .. i, association:receive(20))
        end
      end
      assert.same({}, inbox)
      assert.same({ 21, 0 }, { listener:statistics().received, listener:statistics().dropped })
    end)
  end)

  it("sends no more bytes than it got to an address that has not returned a cookie", function()
    -- The shortest ClientHello: version, random, no session, no cookie, one cipher suite, no compression.
    local body = "\254\253" .. ("r"):rep(32) .. "\0\0\0\2\192\43\1\0"
    local message = (">B I3 I2 I3 I3"):pack(1, #body, 0, 0, #body) .. body
    local shortest = "\22\254\253" .. ("\0"):rep(8) .. (">s2"):pack(message)
    local server = assert(SciSslSocket.onMemory(assert(scissl.SciSslContext.new "DTLS"))):sslInitialize()
    local replies = 0
    for _, hello in ipairs { shortest, shortest .. shortest, shortest .. ("x"):rep(100), (select(2, new_hello())) } do
      for length = 1, #hello do
        server:sslFeed(hello:sub(1, length))
        server:sslListen "192.0.2.1:1"
        local reply = server:sslDrain()
        replies = replies + (reply == "" and 0 or 1)
        assert.is_true(#reply <= length, ("%d bytes for %d"):format(#reply, length))
        assert.equal("", server:sslDrain())
      end
    end
    assert.is_true(replies >= 3)
  end)

  it("finds the unfinished handshake that is due next, whatever comes and goes", function()
    local new_unfinished = require "scissl.datagram.unfinished"
    local unfinished, list = new_unfinished(1000000, 1000000), {}
    for i = 1, 2000 do
      list[i] = { host = ("10.%d.%d.1"):format(i // 250, i % 250), dueAt = (i * 7919) % 2003 }
      unfinished:add(list[i])
    end
    for i = 1, 2000, 3 do assert.is_true(unfinished:remove(list[i])) end
    for i = 2, 2000, 3 do unfinished:setDue(list[i], (i * 31) % 1009) end
    assert.is_false(unfinished:remove(list[1]))
    local last, count = -1, 0
    while unfinished:nextDue() do
      local at, association = unfinished:nextDue()
      assert.is_true(at >= last)
      last, count = at, count + 1
      unfinished:remove(association)
    end
    assert.same({ 1333, 0 }, { count, unfinished:count() })
    assert.is_nil(next(unfinished.networks))
  end)
end)

describe("The network of an address", function()
  for address, expected in pairs {
    ["192.0.2.200"] = "192.0.2", ["::ffff:192.0.2.9"] = "192.0.2", ["2001:db8:0:1::1"] = "2001:db8:0:1",
    ["2001:db8::1:0:0:0:1"] = "2001:db8:0:1", ["fe80::1%eth0"] = "fe80:0:0:0", ["::1"] = "0:0:0:0",
  } do
    it("is " .. expected .. " for " .. address, function() assert.equal(expected, network_of(address, true)) end)
  end
end)
