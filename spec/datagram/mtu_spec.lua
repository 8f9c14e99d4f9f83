-- How long datagrams of DTLS may be: what the system knows of the path, and what it refuses.
local scissl = require "scissl"
local datagrams = require "spec.support.datagrams"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSocket, SciSslContext, SciSslSocket = scissl.SciSocket, scissl.SciSslContext, scissl.SciSslSocket
local fails, listen, connect, run = datagrams.fails, datagrams.listen, datagrams.connect, datagrams.run

-- Whether the system knows paths at all.
local function knows_paths()
  local socket <close> = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", 9))
  return socket:pathMtu() ~= nil
end

local where_known = knows_paths() and it or pending

-- A network of its own, whose loopback interface carries 1,400 bytes, where this user may make one.
local function in_namespace(source)
  local made = ends.has "unshare" and ends.has "ip" and os.execute "unshare -rn true 2>/dev/null"
  if not made then return pending "this user can make no network here" end
  local script = pki.write("ip link set lo up mtu 1400 && exec " .. ends.luaCommand(source))
  local child <close> = ends.start("unshare -rn sh " .. script)
  local output, _, code = child:finish()
  assert.same({ "", 0 }, { output, code })
end

describe("SciSocket:pathMtu", function()
  where_known("is what the path to the peer carries, without the headers", function()
    for family, address in pairs { inet = "127.0.0.1", inet6 = "::1" } do
      local socket = SciSocket.newDatagramSocket(family)
      if socket and socket:connect(address, 9) then
        assert.is_true(socket:pathMtu() > 1000 and socket:pathMtu() < 65536)
        socket:close()
      end
    end
  end)

  it("is nil where there is no path", function()
    local near <close>, far = SciSocket.pair "datagram"
    assert.is_nil(near:pathMtu())
    far:close()
    assert.is_nil(far:pathMtu())
    local bound <close> = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    assert.is_nil(bound:pathMtu())
    local stream <close> = SciSocket.pair()
    assert.is_nil(stream:pathMtu())
  end)
end)

describe("sslSetMtu \"path\"", function()
  it("stays as it is where nothing is known of the path", function()
    local client <close> = ends.pair { transport = "memory", version = "DTLS" }
    assert.equal(client, client:sslSetMtu "path")
    assert.equal(1232, (client:sslMtu()))
    assert.error_matches(function() client:sslSetMtu "way" end, "bad argument #1 to 'sslSetMtu'")
    assert.error_matches(function() client:sslSetMtu(255) end, "bad argument #1 to 'sslSetMtu'")
    local bare = assert(SciSslSocket.onMemory(SciSslContext.new "DTLS"))
    refusals.inPhase("not_initialized", "option", bare:sslSetMtu "path")
  end)

  where_known("takes what the system says, and carries messages of that length", function()
    local listener, port = listen { mtu = 20000 }
    run(function() assert(listener:serve(function(association, message) association:send(message) end)) end, function()
      local _ <close> = listener
      local association <close> = assert(connect(port, { mtu = "path" }))
      local path = association:socket():pathMtu()
      local most = association:longestMessage()
      assert.equal(math.min(path, 16384), (association:socket():sslMtu()))
      assert(association:send(("x"):rep(most)))
      assert.equal(most, #association:receive(20))
    end)
    assert.error_matches(function() connect(port, { mtu = "way" }) end, "bad option 'mtu'")
    assert.error_matches(function() listen { mtu = "path" } end, "bad option 'mtu'")
  end)
end)

describe("Clients and servers of datagrams", function()
  for name, values in pairs { mtu = { 255, 65508, 1 << 40, 1000.5 }, retransmission = { 0, 0.04, 3601, 0 / 0 } } do
    it("refuse a wrong " .. name .. " when they are made, not at the first datagram", function()
      local expected = ("bad option '%s' to 'scissl.datagram.%%s' %%%%(%s"):format(name,
        name == "mtu" and "bytes from 256 to 65507" or "seconds from 0.05 to 3600")
      for _, value in ipairs(values) do
        assert.error_matches(function() listen { [name] = value } end, expected:format "listen")
        assert.error_matches(function() connect(9, { [name] = value }) end, expected:format "connect")
      end
    end)
  end
end)

describe("A datagram that the system refuses as too long", function()
  -- Ends of DTLS over a pair of sockets whose system takes few bytes at a time: more than a flight has, less than a
  -- record may have. How many is up to the system.
  local function short_pair(mtu)
    local client, server = ends.pair { transport = "datagrams", version = "DTLS" }
    for _, socket in ipairs { client, server } do
      assert(socket:setSockOpt("SO_SNDBUF", 4096))
      assert(socket:sslSetMtu(mtu):sslSetRetransmission(0.05))
    end
    return client, server
  end

  it("is refused, and the next ones are shorter", function()
    local client <close>, server = short_pair(1232)
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
    assert(client:sslSetMtu(60000))
    local taken = client:getSockOpt "SO_SNDBUF"
    assert.is_true(taken < 16000, "the least send buffer of this system is too long for this spec: " .. taken)
    local failure = client:sslWrite(("x"):rep(taken + 300))
    assert.is_true(scissl.isSslError(failure))
    assert.equal("message_too_long", failure:condition())
    assert.equal(1232, (client:sslMtu()))
    local _, most = client:sslMtu()
    assert.equal(most, client:sslWrite(("y"):rep(most)))
    assert.equal(("y"):rep(most), ends.read(server, client))
    assert.equal(2, client:sslWritev { "o", "k" })
    assert.equal("ok", ends.read(server, client))
    server:close()
  end)

  it("does not end the connection of a server, and its association goes on", function()
    local listener, port = listen { mtu = 9000 }
    local plain = listener.plain
    listener.peers.attach = nil -- C does not send by itself
    listener.peers.plain = {
      recvFrom = function() return plain:recvFrom() end,
      sendTo = function(_, datagram, ...)
        if #datagram <= 600 then return plain:sendTo(datagram, ...) end
        return nil, scissl.SciSslError.new { phase = "send", condition = "message_too_long" }
      end,
    }
    listener.peers.retransmission = 0.05
    run(function()
      local association = assert(listener:accept(20))
      assert.equal("x", association:receive(20))
      assert.equal(1232, (association:socket():sslMtu()))
      assert(association:send "short")
      association:socket():sslSetMtu(1000)
      fails("message_too_long", association:send(("x"):rep(800)))
      assert.equal(508, (association:socket():sslMtu()))
      assert(association:send "short again")
      listener:close()
    end, function()
      local association <close> = assert(connect(port))
      assert(association:send "x")
      assert.equal("short", association:receive(20))
      assert.equal("short again", association:receive(20))
    end)
  end)

  where_known("on a real path: the system's knowledge of it shortens the datagrams #slow", function()
    in_namespace [[
      local scissl = require "scissl"
      local datagrams = require "spec.support.datagrams"
      local listener, port = datagrams.listen { mtu = 1372 }
      local function serve() listener:serve(function(association, message) association:send(message) end) end
      datagrams.run(serve, function()
        local _ <close> = listener
        local association <close> = assert(datagrams.connect(port, { mtu = "path" }))
        local socket = association:socket()
        assert(socket:pathMtu() == 1372, socket:pathMtu())
        assert(socket:sslMtu() == 1372)
        assert(socket:sslSetMtu(5000)) -- as if the path had become shorter
        local sent, failure = association:send(("x"):rep(3000))
        assert(not sent and failure:condition() == "message_too_long", tostring(failure))
        assert(socket:sslMtu() == 1372, socket:sslMtu())
        local most = association:longestMessage()
        assert(association:send(("x"):rep(most)))
        assert(#association:receive(20) == most)
      end)
    ]]
  end)

  where_known("is sent again in shorter ones where it is a flight of the handshake #slow", function()
    in_namespace [[
      local scissl = require "scissl"
      local datagrams, pki = require "spec.support.datagrams", require "spec.support.pki"
      local chain = { pki.client.certificatePem }
      for i = 1, 8 do chain[i + 1] = pki.issue { subject = "CN=filler" .. i }.certificatePem end
      local context = assert(scissl.SciSslContext.new "DTLS")
      assert(context:useCertificateChainFile(pki.write(table.concat(chain))):usePrivateKey(pki.client.key))
      assert(context:addTrusted(pki.ca.certificate))
      local listener, port = datagrams.listen { ca = pki.ca.certificate }
      local function serve() listener:serve(function(association, message) association:send(message) end) end
      datagrams.run(serve, function()
        local _ <close> = listener
        local plain = assert(scissl.SciSocket.newDatagramSocket():connect("127.0.0.1", port))
        plain:setBlocking(false)
        local client = assert(scissl.SciSslSocket.on(plain, context)):sslInitialize()
        assert(client:sslSetMtu("path"):sslSetMtu(5000):sslSetRetransmission(0.05))
        assert(scissl.handshake(client, "connect", { timeout = 20, waiter = "coroutine" }))
        assert(client:sslMtu() == 1372, client:sslMtu())
        assert(client:sslWrite "x" == 1)
        local answer
        repeat
          coroutine.yield(client, "r", scissl.SciSocket.now() + 20)
          answer = client:sslRead()
        until math.type(answer) ~= "integer"
        assert(answer == "x", tostring(answer))
        client:close()
      end)
    ]]
  end)
end)
