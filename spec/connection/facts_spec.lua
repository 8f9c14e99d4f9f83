-- What was agreed on, what was said, what can be derived, and how long records are.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local records = payload.records

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  local function connected(options)
    options = options or {}
    options.version, options.transport = version, options.transport or "memory"
    return ends.connected(options)
  end

  describe("Exported keying material, " .. version, function()
    it("is the same at both ends, and another one for another label, context or length", function()
      local client, server = connected()
      local bytes = assert(client:sslExport("EXPORTER-spec", 32))
      assert.are.equal(32, #bytes)
      assert.are.equal(bytes, server:sslExport("EXPORTER-spec", 32))
      assert.are_not.equal(bytes, client:sslExport("EXPORTER-other", 32))
      assert.are_not.equal(bytes, client:sslExport("EXPORTER-spec", 32, "context"))
      assert.are.equal(client:sslExport("EXPORTER-spec", 8160, "a\0b"), server:sslExport("EXPORTER-spec", 8160, "a\0b"))
      local empty = client:sslExport("EXPORTER-spec", 32, "")
      if version == "TLSv1.2" then assert.are_not.equal(bytes, empty) else assert.are.equal(bytes, empty) end
    end)

    it("is another one on another connection", function()
      local client, other = connected(), connected()
      assert.are_not.equal(client:sslExport("EXPORTER-spec", 32), other:sslExport("EXPORTER-spec", 32))
    end)

    it("is not there before the handshake, or after the end", function()
      local client = ends.pair { version = version }
      refusals.condition("handshake_needed", client:sslExport("EXPORTER-spec", 32))
      refusals.condition("handshake_needed", client:channelBinding "tls-exporter")
      refusals.condition("handshake_needed", client:finished())
      client:close()
      refusals.condition("closed", client:sslExport("EXPORTER-spec", 32))
      refusals.condition("closed", client:peerFinished())
    end)

    it("refuses lengths and labels that there are not", function()
      local client = connected()
      for _, length in ipairs { 0, -1, 8161, 2 ^ 40, 1.5, "many" } do
        assert.error_matches(function() client:sslExport("EXPORTER-spec", length) end, "bad argument #2 to 'sslExport'")
      end
      assert.error_matches(function() client:sslExport("", 32) end, "bad argument #1 to 'sslExport'")
      assert.error_matches(function() client:sslExport(("x"):rep(250), 32) end, "bad argument #1 to 'sslExport'")
      assert.error_matches(function() client:sslExport("EXPORTER-spec", 32, ("x"):rep(65536)) end,
        "bad argument #3 to 'sslExport'")
      assert.error_matches(function() client:sslExport("EXPORTER-spec", 32, {}) end, "bad argument #3 to 'sslExport'")
      if version == "TLSv1.2" then refusals.condition("bad_label", client:sslExport("master secret", 32)) end
    end)
  end)

  describe("Channel bindings, " .. version, function()
    local digests = { SHA256 = "SHA256", SHA384 = "SHA384", SHA512 = "SHA512" }

    it("tls-exporter is what RFC 9266 derives, at both ends", function()
      local client, server = connected()
      local binding = assert(client:channelBinding "tls-exporter")
      assert.are.equal(32, #binding)
      assert.are.equal(binding, server:channelBinding "tls-exporter")
      assert.are.equal(binding, client:sslExport("EXPORTER-Channel-Binding", 32, ""))
    end)

    for digest in pairs(digests) do
      it("tls-server-end-point is the certificate's digest at both ends: " .. digest, function()
        local identity = pki.issue { subject = "CN=localhost", names = { "localhost" }, digest = digest }
        local client, server = connected { server = { identity = identity } }
        local expected = scissl.digest(digest, identity.certificate:toDer())
        assert.are.equal(expected, client:channelBinding "tls-server-end-point")
        assert.are.equal(expected, server:channelBinding "tls-server-end-point")
      end)
    end

    it("tls-server-end-point is undefined for a signature without a digest", function()
      local identity = pki.issue {
        subject = "CN=localhost", names = { "localhost" }, issuer = false,
        key = assert(scissl.SciSslPrivateKey.generate "Ed25519"),
      }
      local client = connected { client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = identity } }
      refusals.condition("binding_undefined", client:channelBinding "tls-server-end-point")
    end)

    it("tls-unique is the first Finished message, and nothing in TLS 1.3", function()
      local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
      local client, server = connected { client = context, server = server_context }
      if version == "TLSv1.3" then
        refusals.condition("binding_undefined", client:channelBinding "tls-unique")
        return
      end
      assert.are.equal(client:finished(), client:channelBinding "tls-unique")
      assert.are.equal(client:channelBinding "tls-unique", server:channelBinding "tls-unique")
      local session = client:getSession()
      client, server = ends.pair { client = context, server = server_context, transport = "memory" }
      client:setSession(session)
      ends.handshake(client, server)
      assert.is_true(client:isSessionReused())
      assert.are.equal(server:finished(), server:channelBinding "tls-unique")
      assert.are.equal(client:channelBinding "tls-unique", server:channelBinding "tls-unique")
    end)

    it("that would not be unique are undefined", function()
      if version == "TLSv1.3" then return end
      local client = connected { client = { setup = function(context)
        context:setOptions(scissl.SSL_OP_NO_EXTENDED_MASTER_SECRET)
      end } }
      refusals.condition("binding_undefined", client:channelBinding "tls-unique")
      refusals.condition("binding_undefined", client:channelBinding "tls-exporter")
    end)

    it("refuse names that there are not", function()
      local client = connected()
      assert.error_matches(function() client:channelBinding "tls-other" end, "bad argument #1 to 'channelBinding'")
      assert.error_matches(function() client:channelBinding() end, "bad argument #1 to 'channelBinding'")
    end)
  end)

  describe("Finished messages, " .. version, function()
    it("are each other's", function()
      local client, server = connected()
      assert.are.equal(client:finished(), server:peerFinished())
      assert.are.equal(server:finished(), client:peerFinished())
      assert.are_not.equal(client:finished(), server:finished())
    end)
  end)

  describe("What was agreed on, " .. version, function()
    for group, key in pairs { X25519 = { "X25519", 253 }, ["P-384"] = { "EC", 384 } } do
      it("tells the group and the peer's key: " .. group, function()
        local client, server = connected {
          client = { setup = function(context) assert(context:setGroups(group .. ":P-521:P-256")) end },
          server = { setup = function(context) assert(context:setGroups(group .. ":P-521:P-256")) end },
        }
        local name = ({ X25519 = "x25519", ["P-384"] = "secp384r1" })[group]
        assert.are.equal(name, client:negotiatedGroup())
        assert.are.equal(name, server:negotiatedGroup())
        assert.are.same(key, { client:temporaryKey().type, client:temporaryKey().bits })
      end)
    end

    it("tells the key of the exchange under OpenSSL's own groups, and of a resumed connection as well", function()
      local method = { method = version }
      local contexts = { client = ends.clientContext(method), server = ends.serverContext(method) }
      local session
      for _ = 1, version == "TLSv1.3" and 2 or 1 do
        local client, server = ends.pair { transport = "memory", client = contexts.client, server = contexts.server }
        if session then assert(client:setSession(session)) end
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(session ~= nil, client:isSessionReused())
        local key = client:temporaryKey()
        assert.is_true(#key.type > 0 and key.bits > 200)
        if version == "TLSv1.3" then assert.are.same(key, server:temporaryKey()) end
        session = client:getSession()
      end
    end)

    for scheme, make in pairs {
      ecdsa_secp256r1_sha256 = { "EC", "P-256" }, ed25519 = { "Ed25519" }, rsa_pss_rsae_sha256 = { "RSA", 2048 },
    } do
      it("tells who has signed how: " .. scheme, function()
        local key = assert(scissl.SciSslPrivateKey.generate(table.unpack(make)))
        local identity = pki.issue { subject = "CN=localhost", names = { "localhost" }, key = key }
        local client, server = connected { server = { identity = identity } }
        assert.are.equal(scheme, client:peerSignatureScheme())
        assert.are.equal(scheme, server:signatureScheme())
        assert.is_nil(client:signatureScheme())
      end)
    end

    it("tells the verified chain, where it was verified", function()
      local client, server = connected()
      local chain = client:verifiedChain()
      assert.are.same({ "CN=localhost", pki.ca.certificate:subject() }, { chain[1]:subject(), chain[2]:subject() })
      assert.is_nil(server:verifiedChain())
      client = connected { client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = pki.selfSigned } }
      assert.is_nil(client:verifiedChain())
    end)

    it("tells nothing before the handshake", function()
      local client = ends.pair { version = version }
      for _, method in ipairs {
        "negotiatedGroup", "signatureScheme", "peerSignatureScheme", "temporaryKey", "verifiedChain",
        "maxFragmentLength",
      } do assert.is_nil(client[method](client)) end
      assert.are.equal("before SSL initialization", client:stateString())
      client:close()
      assert.are.equal("closed", client:stateString())
    end)

    it("tells how much has gone over the transport", function()
      local client, server = connected()
      local before = client:statistics()
      assert.is_true(before.bytesReceived > 500 and before.bytesSent > 200)
      client:sslWrite(("x"):rep(10000))
      assert.is_true(client:statistics().bytesSent > before.bytesSent + 10000)
      assert.are.equal(0, before.renegotiations)
      ends.read(server, client)
      assert.is_true(server:statistics().bytesReceived > 10000)
      assert.are.equal("SSL negotiation finished successfully", client:stateString())
    end)
  end)

  describe("Alerts, " .. version, function()
    it("are told at both ends, in order", function()
      local client, server = ends.pair { version = version, transport = "memory", server = { identity = pki.expired } }
      ends.handshake(client, server)
      assert.are.same({ { name = "certificate_expired", level = "fatal", code = 45 } }, client:alertsSent())
      assert.are.same({ { name = "certificate_expired", level = "fatal", code = 45 } }, server:alertsReceived())
      assert.are.same({}, client:alertsReceived())
    end)

    it("are told where they are warnings, too", function()
      local client, server = connected()
      client:sslShutdown()
      ends.shuttle(client, server)
      server:sslRead()
      assert.are.same({ { name = "close_notify", level = "warning", code = 0 } }, client:alertsSent())
      assert.are.same({ { name = "close_notify", level = "warning", code = 0 } }, server:alertsReceived())
    end)
  end)

  describe("A trace, " .. version, function()
    local function named(events, kind, direction)
      local names = {}
      for _, event in ipairs(events) do
        if event.kind == kind and event.direction == direction then names[#names + 1] = event.name end
      end
      return names
    end

    it("tells the messages of both directions, once", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      assert.are.equal(client, client:sslTrace(true))
      ends.handshake(client, server)
      local events, lost = client:traceEvents()
      assert.are.equal(0, lost)
      assert.are.equal("ClientHello", named(events, "handshake", "sent")[1])
      assert.are.equal("Finished", named(events, "handshake", "sent")[version == "TLSv1.3" and 2 or 3])
      local received = named(events, "handshake", "received")
      assert.are.equal("ServerHello", received[1])
      assert.are.equal(version == "TLSv1.3" and "EncryptedExtensions" or "Certificate", received[2])
      local hello
      for _, event in ipairs(events) do hello = hello or event.name == "ServerHello" and event end
      assert.is_true(hello.length > 40)
      assert.are.equal("number", type(hello.time))
      assert.truthy(hello.version:find "^TLSv1")
      assert.is_true(#named(events, "state") > 3)
      assert.are.same({}, (client:traceEvents()))
    end)

    it("tells alerts", function()
      local client, server = ends.pair { version = version, transport = "memory", server = { identity = pki.expired } }
      client:sslTrace(true)
      ends.handshake(client, server)
      assert.are.same({ "certificate_expired" }, named((client:traceEvents()), "alert", "sent"))
    end)

    it("keeps 256 events, and counts the others", function()
      local client, server = connected()
      client:sslTrace(true)
      if version == "TLSv1.2" then return end
      for _ = 1, 300 do
        client:sslKeyUpdate()
        ends.shuttle(client, server)
        server:sslRead()
      end
      local events, lost = client:traceEvents()
      assert.are.equal(256, #events)
      assert.is_true(lost > 0)
    end)

    it("goes on when the context is changed in mid-handshake", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      server:sslTrace(true)
      server:sslSuspendAt "clientHello"
      ends.handshake(client, server)
      server:sslSetContext(ends.serverContext { method = version })
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      local sent = named((server:traceEvents()), "handshake", "sent")
      assert.are.equal("ServerHello", sent[1])
    end)

    it("is silent where nobody has asked, and after it was switched off", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      server:sslTrace(true)
      server:sslTrace(false)
      ends.handshake(client, server)
      assert.are.same({}, (client:traceEvents()))
      assert.are.same({}, (server:traceEvents()))
    end)

    it("needs an initialised socket, and a boolean", function()
      local fresh = ends.pair { version = version, initialize = false }
      refusals.condition("not_initialized", fresh:sslTrace(true))
      assert.error_matches(function() fresh:sslTrace() end, "bad argument #1 to 'sslTrace'")
      fresh:close()
      refusals.condition("closed", fresh:sslTrace(true))
    end)
  end)

  describe("Records, " .. version, function()
    it("are as short as the context says", function()
      local client, server = connected { client = { setup = function(context)
        assert.are.equal(context, context:setMaxSendFragment(1000))
      end } }
      client:sslDrain()
      client:sslWrite(("x"):rep(4000))
      local sent = client:sslDrain()
      assert.are.equal(4, #records(sent))
      server:sslFeed(sent)
      assert.are.equal(("x"):rep(4000), server:sslRead())
    end)

    for _, bytes in ipairs { 512, 1024, 2048, 4096 } do
      it(("are as short as the client asks: %d"):format(bytes), function()
        local client, server = connected { client = { setup = function(context)
          assert.are.equal(context, context:setMaxFragmentLength(bytes))
        end } }
        assert.are.same({ bytes, bytes }, { client:maxFragmentLength(), server:maxFragmentLength() })
        ends.shuttle(client, server)
        server:sslWrite(("x"):rep(3 * bytes))
        local sent = server:sslDrain()
        assert.are.equal(3, #records(sent))
      end)
    end

    it("are padded in TLS 1.3 where the context says so", function()
      if version == "TLSv1.2" then return end
      local client, server = connected { client = { setup = function(context)
        assert.are.equal(context, context:setBlockPadding(512))
      end } }
      client:sslDrain()
      local lengths = {}
      for _, text in ipairs { "x", ("x"):rep(100), ("x"):rep(400) } do
        client:sslWrite(text)
        local sent = client:sslDrain()
        lengths[#lengths + 1] = records(sent)[1]
        server:sslFeed(sent)
        assert.are.equal(text, server:sslRead())
      end
      assert.are.same({ lengths[1], lengths[1], lengths[1] }, lengths)
      assert.is_true(lengths[1] >= 512)
    end)
  end)

  describe("Half-closing, " .. version, function()
    it("leaves the other direction open until it is closed, too", function()
      local client, server = connected()
      assert.are.equal(0, client:sslShutdown())
      ends.shuttle(client, server)
      assert.are.equal(0, server:sslRead())
      assert.are.equal(10, server:sslWrite "still here")
      assert.are.equal("still here", ends.read(client, server))
      refusals.answer("shutdown_sent", client:sslWrite "x")
      assert.are.equal(1, server:sslShutdown())
      ends.shuttle(client, server)
      assert.are.equal(0, client:sslRead())
      assert.are.equal(1, client:sslShutdown())
    end)
  end)

  describe("Key updates, " .. version, function()
    it("go both ways, with data before, between and after", function()
      if version == "TLSv1.2" then return end
      local client, server = connected()
      for round = 1, 5 do
        assert.are.equal(1, client:sslKeyUpdate(round % 2 == 0))
        assert.are.equal(1, server:sslKeyUpdate(round % 2 == 1))
        client:sslWrite "a"
        server:sslWrite "b"
        assert.are.equal("a", ends.read(server, client))
        assert.are.equal("b", ends.read(client, server))
      end
    end)
  end)
end

describe("Renegotiation (TLS 1.2)", function()
  local function connected(client_may, server_may)
    return ends.connected {
      version = "TLSv1.2", transport = "memory",
      client = { setup = function(context) if client_may then context:setRenegotiation(true) end end },
      server = { setup = function(context) if server_may then context:setRenegotiation(true) end end },
    }
  end

  it("is refused at first, and the connection goes on", function()
    local client, server = connected(true, false)
    client:sslRenegotiate()
    ends.shuttle(client, server)
    assert.is_true(ends.notYet(server, server:sslRead()))
    assert.are.same({ { name = "no_renegotiation", level = "warning", code = 100 } }, server:alertsSent())
    server:sslWrite "still here"
    ends.shuttle(client, server)
    refusals.answer("renegotiation_refused", client:sslRead())
  end)

  it("is not asked for by an end that does not allow it", function()
    local client, server = connected(false, false)
    refusals.answer("renegotiation_refused", client:sslRenegotiate())
    refusals.answer("renegotiation_refused", server:sslRenegotiate())
  end)

  it("is done where both allow it", function()
    local client, server = connected(true, true)
    assert.is_true(ends.notYet(client, client:sslRenegotiate()))
    repeat
      client:sslRead()
      server:sslRead()
    until ends.shuttle(client, server) == 0
    client:sslWrite "with new keys"
    assert.are.equal("with new keys", ends.read(server, client))
    assert.are.same({ 1, 0 }, { client:statistics().renegotiations, server:statistics().renegotiations })
  end)

  it("can be forbidden again", function()
    local context = ends.serverContext()
    context:setRenegotiation(true)
    assert.are.equal(0, context:getOptions() & scissl.SSL_OP_NO_RENEGOTIATION)
    context:setRenegotiation(false)
    assert.are_not.equal(0, context:getOptions() & scissl.SSL_OP_NO_RENEGOTIATION)
    assert.are.equal(0, context:getOptions() & scissl.SSL_OP_ALLOW_CLIENT_RENEGOTIATION)
    assert.error_matches(function() context:setRenegotiation() end, "bad argument #1 to 'setRenegotiation'")
  end)
end)

describe("Authentication after the handshake (TLS 1.3)", function()
  local LATER = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_POST_HANDSHAKE

  local function connected(identity, may, flags)
    return ends.connected {
      version = "TLSv1.3", transport = "memory",
      client = { identity = identity, setup = function(context)
        if may then assert.are.equal(context, context:setPostHandshakeAuth(true)) end
      end },
      server = { verify = flags or LATER },
    }
  end

  it("shows the client's certificate when it is asked for", function()
    local client, server = connected(pki.client, true)
    assert.is_nil(server:peerCertificate())
    assert.are.equal(1, server:sslVerifyClientPostHandshake())
    ends.shuttle(client, server)
    client:sslRead()
    ends.shuttle(client, server)
    assert.is_true(ends.notYet(server, server:sslRead()))
    assert.are.equal("CN=client", server:peerCertificate():subject())
    assert.are.equal(scissl.X509_V_OK, (server:sslVerifyCertificate()))
    client:sslWrite "after"
    assert.are.equal("after", ends.read(server, client))
  end)

  it("ends the connection where the certificate is not accepted", function()
    local client, server = connected(pki.stranger, true)
    server:sslVerifyClientPostHandshake()
    ends.shuttle(client, server)
    client:sslRead()
    ends.shuttle(client, server)
    refusals.answer("certificate_unknown_issuer", server:sslRead())
    ends.shuttle(client, server)
    refusals.answer("client_certificate_refused", client:sslRead())
  end)

  it("ends the connection where a certificate is required and there is none", function()
    local client, server = connected(nil, true, LATER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
    server:sslVerifyClientPostHandshake()
    ends.shuttle(client, server)
    client:sslRead()
    ends.shuttle(client, server)
    refusals.answer("client_certificate_missing", server:sslRead())
  end)

  it("is refused where the client has not offered it", function()
    local _, server = connected(pki.client, false)
    refusals.answer("post_handshake_refused", server:sslVerifyClientPostHandshake())
    assert.is_true(server:isSecure())
  end)

  it("is asked for once at a time", function()
    local _, server = connected(pki.client, true)
    server:sslVerifyClientPostHandshake()
    refusals.answer("request_sent", server:sslVerifyClientPostHandshake())
  end)

  it("is for servers of TLS 1.3 whose handshake is done", function()
    local client = connected(pki.client, true)
    refusals.answer("wrong_role", client:sslVerifyClientPostHandshake())
    local _, old = ends.connected { version = "TLSv1.2" }
    refusals.answer("protocol_version", old:sslVerifyClientPostHandshake())
    local _, fresh = ends.pair()
    refusals.answer("handshake_needed", fresh:sslVerifyClientPostHandshake())
  end)
end)

describe("Settings of records", function()
  local context = scissl.SciSslContext.new()
  it("refuse what does not fit", function()
    for _, bytes in ipairs { 0, 511, 513, 8192, -512, 1.5, "short", 256 } do
      assert.error_matches(function() context:setMaxFragmentLength(bytes) end,
        "bad argument #1 to 'setMaxFragmentLength'")
    end
    for _, bytes in ipairs { 0, 511, 16385, -1, 1.5, "short" } do
      assert.error_matches(function() context:setMaxSendFragment(bytes) end, "bad argument #1 to 'setMaxSendFragment'")
    end
    for _, bytes in ipairs { -1, 16385, 1.5, "far" } do
      assert.error_matches(function() context:setBlockPadding(bytes) end, "bad argument #1 to 'setBlockPadding'")
    end
    assert.error_matches(function() context:setPostHandshakeAuth() end, "bad argument #1 to 'setPostHandshakeAuth'")
    assert.error_matches(function() context:setPostHandshakeAuth(1) end, "bad argument #1 to 'setPostHandshakeAuth'")
    assert.are.equal(context, context:setMaxFragmentLength(nil))
  end)
end)
