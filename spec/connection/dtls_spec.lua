-- SciSslSocket over datagrams: DTLS.
local scissl = require "scissl"
local dtls = require "spec.support.dtls"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSocket, SciSslContext, SciSslSocket = scissl.SciSocket, scissl.SciSslContext, scissl.SciSslSocket
local READ, ZERO = scissl.SSL_ERROR_WANT_READ, scissl.SSL_ERROR_ZERO_RETURN

local connected, drain, feed = dtls.connected, dtls.drain, dtls.feed
local fails, refused = refusals.failed, refusals.inPhase

for _, transport in ipairs { "datagrams", "udp", "memory" } do
  describe("DTLS over " .. transport, function()
    it("makes a handshake, and carries messages with their boundaries", function()
      local client <close>, server = connected(transport)
      assert.same({ "DTLSv1.2", "DTLSv1.2" }, { client:version(), server:version() })
      assert.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
      for _, message in ipairs { "one", "two", ("x"):rep(1000) } do assert.equal(#message, client:sslWrite(message)) end
      for _, message in ipairs { "one", "two", ("x"):rep(1000) } do assert.equal(message, ends.read(server, client)) end
      assert.equal(5, server:sslWrite("a reply", 3))
      assert.equal("reply", ends.read(client, server))
      server:close()
    end)

    it("tells an end from nothing", function()
      local client, server = connected(transport)
      local nothing = server:sslRead()
      assert.equal(READ, server:sslGetError(nothing))
      client:close()
      local answer = ends.read(server, client)
      assert.same({ 0, ZERO }, { answer, server:sslGetError(answer) })
      server:close()
    end)

    it("shuts down on both sides", function()
      local client <close>, server = connected(transport)
      assert.equal(0, client:sslShutdown())
      assert.equal(0, ends.read(server, client))
      assert.equal(1, server:sslShutdown())
      if transport == "memory" then ends.shuttle(client, server) end
      assert.equal(1, client:sslShutdown())
      server:close()
    end)

    it("refuses a server that the client does not trust, with an alert", function()
      local client <close>, server = ends.pair {
        transport = transport, version = "DTLS", client = { trust = false },
      }
      local client_answer, server_answer = ends.handshake(client, server)
      fails("certificate_unknown_issuer", "connect", client_answer)
      fails("server_certificate_refused", "accept", server_answer)
      server:close()
    end)

    it("resumes a session", function()
      local contexts = { ends.clientContext { method = "DTLS" }, ends.serverContext { method = "DTLS" } }
      local client <close>, server <const> = connected(transport, { client = contexts[1], server = contexts[2] })
      local session = assert(client:getSession())
      assert.equal("DTLSv1.2", session:protocol())
      local again <close>, other = connected(transport,
        { client = contexts[1], server = contexts[2], session = session })
      assert.is_true(again:isSessionReused())
      server:close()
      other:close()
    end)
  end)
end

describe("A context of DTLS", function()
  it("is made by name", function()
    for method, version in pairs { DTLS = "DTLSv1.2", ["DTLSv1.2"] = "DTLSv1.2" } do
      local client <close>, server = connected("datagrams", { version = method })
      assert.equal(version, client:version())
      assert.equal(method, client:getContext():describe().method)
      server:close()
    end
  end)

  it("speaks DTLS 1.0 at security level 0 alone, and says so", function()
    local function lower(context) assert(context:setSecurityLevel(0)) end
    local client <close>, server = ends.connected {
      transport = "datagrams", client = { method = "DTLSv1", setup = lower },
      server = { method = "DTLSv1", setup = lower },
    }
    assert.equal("DTLSv1", client:version())
    server:close()
    local strict <close>, other = ends.pair { transport = "datagrams", version = "DTLSv1" }
    local results = { ends.handshake(strict, other) }
    local failure = scissl.isSslError(results[2]) and results[2] or results[1]
    assert.equal("security_level", failure:condition())
    other:close()
  end)

  it("keeps versions of TLS and DTLS apart", function()
    local datagrams, tls = SciSslContext.new "DTLS", SciSslContext.new "TLS"
    refused("protocol_version", "option", datagrams:setMinProtocol "TLSv1.2")
    refused("protocol_version", "option", tls:setMaxProtocol "DTLSv1.2")
    assert(datagrams:setMinProtocol "DTLSv1")
    assert(datagrams:setMaxProtocol "DTLSv1")
    refused("protocol_version", "option", datagrams:setMinProtocol "DTLSv1.2")
    refused("unknown_protocol", "option", SciSslContext.new "DTLSv1.3")
    local features = scissl.features
    assert.same({ true, false, false }, { features.DTLS, features["DTLSv1.3"], features.connectionIds })
  end)

  it("needs a socket for datagrams, and one of TLS needs a stream", function()
    local stream <close>, datagrams = SciSocket.pair(), SciSocket.pair "datagram"
    refused("not_datagrams", "adopt", SciSslSocket.on(stream, SciSslContext.new "DTLS"))
    refused("not_a_stream", "adopt", SciSslSocket.on(datagrams, SciSslContext.new "TLS"))
    assert.is_true(SciSslSocket.new(SciSslContext.new "DTLS"):isDatagram())
    datagrams:close()
  end)

  it("is not taken for TLS 1.3, although its version is a greater number", function()
    local function setup(context) assert(context:setCommand("Options", "-ExtendedMasterSecret")) end
    for _, socket in ipairs { connected("memory", { server = { setup = setup } }) } do
      assert.is_false(socket:hasExtendedMasterSecret())
      assert.is_true(socket:hasSecureRenegotiation())
      assert.equal(32, #assert(socket:sslExport(("x"):rep(300), 32)))
    end
  end)

  it("leaves a descriptor that it refuses to the program", function()
    local kept <close> = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    local duplicate = assert(SciSocket.on(kept, true))
    refused("not_a_stream", "adopt", SciSslSocket.on(duplicate:getfd(), SciSslContext.new "TLS"))
    collectgarbage()
    collectgarbage()
    assert.equal("127.0.0.1", (duplicate:getSockName()))
    duplicate:close()
  end)

  it("accepts connections of TLS after an accept of DTLS has failed", function()
    assert.is_nil(SciSslSocket.new(SciSslContext.new "DTLS"):accept())
    local context = ends.serverContext {}
    local listener <close> = assert(SciSslSocket.new(context)):bind("127.0.0.1", 0):listen(1)
    local _, port = listener:getSockName()
    local _ <close> = assert(SciSocket.newStreamSocket():connect("127.0.0.1", port))
    local accepted <close> = assert(listener:accept())
    assert.is_false(accepted:isDatagram())
  end)
end)

describe("A message of DTLS", function()
  it("fits into one datagram, or is refused with the limit", function()
    local client <close>, server = connected "memory"
    local mtu, most = client:sslMtu()
    assert.equal(1232, mtu)
    assert.is_true(most > 1100 and most < mtu)
    local failure = fails("message_too_long", "write", client:sslWrite(("x"):rep(most + 1)))
    assert.equal(("the message has %d bytes; %d fit into one datagram"):format(most + 1, most), failure:message())
    assert.equal(most, client:sslWrite(("x"):rep(most)))
    local list = drain(client)
    assert.equal(1, #list)
    assert.is_true(#list[1] <= mtu)
    feed(server, list)
    assert.equal(("x"):rep(most), server:sslRead())
  end)

  it("may be longer where the program says so", function()
    local client <close>, server = connected "udp"
    assert(client:sslSetMtu(20000))
    local mtu, most = client:sslMtu()
    assert.same({ 20000, 16384 }, { mtu, most })
    assert.equal(16384, client:sslWrite(("x"):rep(16384)))
    assert.equal(("x"):rep(16384), ends.read(server, client))
    server:close()
  end)

  it("has at least one byte", function()
    local client <close>, server = connected "datagrams"
    fails("empty_message", "write", client:sslWrite "")
    server:close()
  end)

  it("is not cut by a read that takes fewer bytes", function()
    local client <close>, server = connected "memory"
    client:sslWrite "a message"
    feed(server, drain(client))
    fails("message_too_long", "read", server:sslRead(8))
    assert.equal("a message", server:sslRead(9))
    assert.equal(READ, server:sslGetError(server:sslRead(9)))
    fails("datagrams", "read", server:sslReadSized(4))
    fails("datagrams", "write", server:sendfile(assert(io.open "/dev/null")))
    assert.error_matches(function() scissl.stream(server) end, "the socket speaks DTLS")
    assert.is_true(server:isDatagram())
  end)

  it("is joined from several strings", function()
    local client <close>, server = connected "memory"
    assert.equal(6, client:sslWritev { "one", "two" })
    assert.equal(3, client:sslWritev({ "one", "two" }, 3))
    fails("message_too_long", "write", client:sslWritev { "one", ("x"):rep(40000), "y" })
    feed(server, drain(client))
    assert.equal("onetwo", server:sslRead())
    assert.equal("two", server:sslRead())
  end)

  it("keeps its boundaries where several came at once", function()
    local client <close>, server = connected "memory"
    client:sslWrite "one"
    client:sslWrite "two"
    local list = drain(client)
    feed(server, { list[1] .. list[2] }) -- two records in one datagram
    assert.equal("one", server:sslRead())
    assert.is_true(server:dirty())
    assert.equal("two", server:sslRead())
    assert.is_false(server:dirty())
  end)
end)

describe("Datagrams of DTLS", function()
  local client, server

  before_each(function() client, server = connected "memory" end)

  local function written(...)
    for _, message in ipairs { ... } do assert.equal(#message, client:sslWrite(message)) end
    return drain(client)
  end

  it("are read once, however often they come", function()
    local list = written("one", "two")
    feed(server, { list[1], list[1], list[2], list[1], list[2] })
    assert.equal("one", server:sslRead())
    assert.equal("two", server:sslRead())
    assert.equal(READ, server:sslGetError(server:sslRead()))
  end)

  it("end the connection where they carry close_notify, also for a read that takes few bytes", function()
    client:sslShutdown()
    feed(server, drain(client))
    local answer = server:sslRead(5)
    assert.same({ 0, ZERO }, { answer, server:sslGetError(answer) })
  end)

  it("may come in another order", function()
    local list = written("one", "two", "three")
    feed(server, { list[3], list[1], list[2] })
    local read = {}
    for i = 1, 3 do read[i] = server:sslRead() end
    assert.same({ "three", "one", "two" }, read)
  end)

  it("may be lost, and are not sent again", function()
    local list = written("one", "two")
    feed(server, { list[2] })
    assert.equal("two", server:sslRead())
    assert.equal(READ, server:sslGetError(server:sslRead()))
    assert.is_nil(client:timeout())
  end)

  it("are dropped where they are cut, changed or no records, and the connection goes on", function()
    local list = written("one", "two")
    local changed = list[1]:sub(1, -2) .. string.char(list[1]:byte(-1) ~ 1)
    feed(server, { list[1]:sub(1, 20), changed, "?", ("x"):rep(2000), list[1]:sub(1, 5), list[2] })
    assert.equal("two", server:sslRead())
    assert.equal(READ, server:sslGetError(server:sslRead()))
  end)

  for _, suite in ipairs {
    "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-CCM",
    "ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA",
  } do
    it("are dropped where they are forged, whatever their length: " .. suite, function()
      local function setup(context) assert(context:setCipherList(suite .. ":@SECLEVEL=0")) end
      local near, far = connected("memory", { client = { setup = setup }, server = { setup = setup } })
      for _, ends_of in ipairs { { near, far }, { far, near } } do
        local from, to = ends_of[1], ends_of[2]
        for kind = 20, 23 do
          for length = 0, 60 do
            local record = (">B c2 I2 I6 s2"):pack(kind, "\254\253", 1, 1000 + length, ("x"):rep(length))
            feed(to, { record })
            assert.equal(READ, to:sslGetError(to:sslRead()), ("type %d, %d bytes"):format(kind, length))
          end
        end
        assert.equal(1, from:sslWrite "x")
        local record = drain(from)[1]
        for i = 14, #record do
          feed(to, { record:sub(1, i - 1) .. string.char(record:byte(i) ~ 1) .. record:sub(i + 1) })
          assert.equal(READ, to:sslGetError(to:sslRead()), ("byte %d changed"):format(i))
        end
        feed(to, { record })
        assert.equal("x", to:sslRead())
      end
    end)
  end

  it("are dropped by sslFeed where too many wait", function()
    local datagram, count = ("x"):rep(60000), 0
    while server:sslFeed(datagram) > 0 do count = count + 1 end
    assert.is_true(count >= 4 and count <= 6)
    assert.equal(0, server:sslFeed(datagram))
    assert.equal(READ, server:sslGetError(server:sslRead()))
    assert.equal(7, server:sslFeed "is room")
  end)
end)

describe("A handshake of DTLS", function()
  -- Makes a handshake over memory. `lose(number, direction)`: whether the datagram of that number, among all, is lost.
  local function shake(lose, rounds)
    local client, server = ends.pair { transport = "memory", version = "DTLS" }
    for _, socket in ipairs { client, server } do assert(socket:sslSetRetransmission(0.05, 0.05)) end
    local count, lost = 0, 0
    local function move(from, to)
      for _, datagram in ipairs(drain(from)) do
        count = count + 1
        if lose(count) then lost = lost + 1 else to:sslFeed(datagram) end
      end
    end
    local client_answer, server_answer
    for _ = 1, rounds or 200 do
      client_answer, server_answer = client:sslConnect(), server:sslAccept()
      move(client, server)
      move(server, client)
      if client_answer == 1 and server_answer == 1 then break end
      local wait = math.min(client:timeout() or 1, server:timeout() or 1)
      if wait > 0 and wait < 1 then SciSocket.poll({}, wait) end
    end
    return client_answer, server_answer, lost
  end

  it("is completed although datagrams are lost #slow", function()
    for number = 1, 4 do
      local client_answer, server_answer, lost = shake(function(count) return count == number end)
      assert.same({ 1, 1, 1 }, { client_answer, server_answer, lost })
    end
    -- Without a period: rounds of as many datagrams would lose the same ones each time.
    local state = 1
    local client_answer, server_answer, lost = shake(function()
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return (state >> 16) % 3 == 0
    end)
    assert.same({ 1, 1 }, { client_answer, server_answer })
    assert.is_true(lost >= 2)
  end)

  it("gives up after twelve retransmissions, with no_reply #slow", function()
    local client_answer = shake(function() return true end)
    fails("no_reply", "connect", client_answer)
  end)

  it("tells when it sends again, and does so", function()
    local client <close> = ends.pair { transport = "memory", version = "DTLS" }
    assert.is_nil(client:timeout())
    client:sslConnect()
    local first = drain(client)
    assert.equal(1, #first)
    local seconds = client:timeout()
    assert.is_true(seconds > 0.5 and seconds <= 1)
    assert.is_false(client:sslHandleTimeout())
    assert.same({}, drain(client))
    assert(client:sslSetRetransmission(0.05))
    local other <close> = ends.pair { transport = "memory", version = "DTLS" }
    assert(other:sslSetRetransmission(0.05))
    other:sslConnect()
    drain(other)
    SciSocket.poll({}, other:timeout())
    assert.is_true(other:sslHandleTimeout())
    assert.equal(1, #drain(other))
  end)

  it("sends no datagram that is longer than the MTU", function()
    local client <close>, server = ends.pair {
      transport = "memory", version = "DTLS", server = { identity = pki.server },
    }
    assert(server:sslSetMtu(256))
    assert(client:sslSetMtu(256))
    local longest = 0
    for _ = 1, 5 do
      client:sslConnect()
      server:sslAccept()
      for from, to in pairs { [client] = server, [server] = client } do
        for _, datagram in ipairs(drain(from)) do
          longest = math.max(longest, #datagram)
          to:sslFeed(datagram)
        end
      end
    end
    assert.is_true(client:isSecure() and server:isSecure())
    assert.is_true(longest <= 256, "a datagram of " .. longest)
  end)

  it("is made by scissl.handshake, with a lost datagram and a deadline #slow", function()
    local client, server = ends.pair { transport = "udp", version = "DTLS" }
    assert(client:sslSetRetransmission(0.05))
    client:sslConnect()
    local _ = SciSocket.recv(server, 2000) -- the ClientHello is lost
    local results = ends.run(
      function() return scissl.handshake(client, "connect", { waiter = "coroutine", timeout = 20 }) end,
      function() return scissl.handshake(server, "accept", { waiter = "coroutine", timeout = 20 }) end)
    assert.equal(client, results[1][1])
    assert.equal(server, results[2][1])
    local late <close> = ends.pair { transport = "udp", version = "DTLS" }
    refused("timeout", "connect", scissl.handshake(late, "connect", { timeout = 0.1 }))
  end)

  it("sends again by itself on a blocking socket #slow", function()
    local client, server = ends.pair { transport = "udp", version = "DTLS" }
    assert(client:sslSetRetransmission(0.05, 0.05))
    assert(client:setBlocking(true))
    fails("no_reply", "connect", client:sslConnect())
    local count = 0
    while server:recv(2000) do count = count + 1 end
    assert.is_true(count >= 12 and count <= 14, count .. " datagrams")
  end)

  it("reports a peer that is not there", function()
    local client <close>, server = ends.pair { transport = "udp", version = "DTLS" }
    server:close()
    local _, failure = scissl.handshake(client, "connect", { timeout = 20 })
    fails("connection_refused", "connect", failure)
  end)

  it("is suspended at the ClientHello, and keeps its context", function()
    local client <close>, server = ends.pair { transport = "memory", version = "DTLS" }
    assert(server:sslSuspendAt "clientHello")
    client:sslConnect()
    feed(server, drain(client))
    assert.equal(scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB, server:sslGetError(server:sslAccept()))
    refused("not_dtls", "option", server:sslSetContext(ends.serverContext()))
    local client_answer, server_answer = ends.handshake(client, server)
    assert.same({ 1, 1 }, { client_answer, server_answer })
  end)

  it("is suspended at the client's certificate, and the client gets the alert", function()
    local client <close>, server = ends.pair {
      transport = "memory", version = "DTLS", client = { identity = pki.client },
      server = { verify = scissl.SSL_VERIFY_PEER },
    }
    assert(server:sslSuspendAt "verify")
    local _, server_answer = ends.handshake(client, server)
    assert.equal(scissl.SSL_ERROR_WANT_RETRY_VERIFY, server:sslGetError(server_answer))
    assert(server:sslRefuse("access_denied"))
    server_answer = server:sslAccept()
    fails("refused", "accept", server_answer)
    feed(client, drain(server))
    assert.equal("access_denied", fails("client_certificate_refused", "connect", client:sslConnect()):alert())
  end)
end)

describe("An association of DTLS", function()
  it("goes on where the system reports that the peer was not there", function()
    local near = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    local far = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    local host, port = far:getSockName()
    assert(far:connect(near:getSockName()))
    assert(near:connect(host, port))
    near:setBlocking(false)
    far:setBlocking(false)
    local client <close> = assert(SciSslSocket.on(near, ends.clientContext { method = "DTLS" })):sslInitialize()
    local server = assert(SciSslSocket.on(far, ends.serverContext { method = "DTLS" })):sslInitialize()
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
    far:close() -- without close_notify
    assert.equal(1, client:sslWrite "x") -- the system reports that nothing is there
    for _ = 1, 3 do assert.equal(READ, client:sslGetError(client:sslRead())) end
    assert.equal(1, client:sslWrite "y")
    local again <close> = SciSocket.newDatagramSocket()
    assert(again:bind(host, port))
    assert.equal(1, client:sslWrite "z")
    assert.is_true(#again:recvFrom() > 20)
  end)

  it("passes over empty datagrams", function()
    local client <close>, server = connected "udp"
    local plain <close> = assert(SciSocket.on(client:getfd(), false))
    assert.equal(0, plain:sendTo("", server:getSockName()))
    assert.equal(READ, server:sslGetError(server:sslRead()))
    server:close()
  end)
end)
