-- Our client with `openssl s_server`. Our server with `openssl s_client` is in openssl_client_spec.lua.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local client_context, server_context = foreign.clientContext, foreign.serverContext

local s_server, s_client = peers.opensslServer, peers.opensslClient

local refusal = foreign.refusal

for version, tag in pairs { ["TLSv1.2"] = " #slow", ["TLSv1.3"] = "" } do
  describe("Our client with openssl s_server, " .. version .. tag, function()
    it("is connected to the verified server, and the two understand each other", function()
      local peer <close> = s_server(version, "-rev")
      local socket <close> = assert(foreign.dial(peer.port, client_context(version)))
      assert.are.equal(version, socket:version())
      assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
      assert.are.equal(pki.server.certificate, socket:peerCertificate())
      assert.is_true(socket:isSecure())
      foreign.write(socket, "hello\n")
      assert.are.equal("olleh\n", (foreign.read(socket, "\n")))
      local long = ("0123456789"):rep(1000)
      foreign.write(socket, long .. "\n")
      assert.are.equal(long:reverse() .. "\n", (foreign.read(socket, "\n")))
    end)

    for name, condition in pairs {
      strangeServer = "certificate_unknown_issuer", expired = "certificate_expired",
      notYetValid = "certificate_not_yet_valid", selfSigned = "certificate_self_signed",
      wrongHost = "certificate_wrong_host",
    } do
      it(("refuses it with %s, and says so to it: %s"):format(condition, name), function()
        local peer <close> = s_server(version, "-naccept 1", pki[name])
        local err = refusals.refused(condition, "connect", "localhost",
          foreign.dial(peer.port, client_context(version)))
        local alert, direction, number = err:alert()
        assert.are.equal("sent", direction)
        assert.truthy(peer:finish():find("SSL alert number " .. number, 1, true), alert)
      end)
    end

    it("shows a client certificate that the server verifies", function()
      local peer <close> = s_server(version, ("-rev -Verify 1 -verify_return_error -CAfile %s")
        :format(pki.ca.certificateFile))
      local socket <close> = assert(foreign.dial(peer.port, client_context(version, { identity = pki.client })))
      foreign.write(socket, "hello\n")
      assert.are.equal("olleh\n", (foreign.read(socket, "\n")))
    end)

    it("is told that a client certificate is missing", function()
      local peer <close> = s_server(version, ("-naccept 1 -Verify 1 -verify_return_error -CAfile %s")
        :format(pki.ca.certificateFile))
      local err = refusals.check(refusal(foreign.dial(peer.port, client_context(version))))
      if version == "TLSv1.3" then
        assert.are.same({ "client_certificate_missing", "read" }, { err:condition(), err:phase() })
        assert.are.equal("certificate_required", (err:alert()))
      else
        assert.are.same({ "alert_received", "connect" }, { err:condition(), err:phase() })
        assert.are.equal("handshake_failure", (err:alert()))
      end
      assert.truthy(peer:finish():find("peer did not return a certificate", 1, true))
    end)

    it("is told that its certificate is refused", function()
      local peer <close> = s_server(version, ("-naccept 1 -Verify 1 -verify_return_error -CAfile %s")
        :format(pki.ca.certificateFile))
      local err = refusal(foreign.dial(peer.port, client_context(version, { identity = pki.stranger })))
      assert.are.equal("client_certificate_refused", refusals.check(err):condition())
      assert.are.same({ "unknown_ca", "received" }, { table.unpack({ err:alert() }, 1, 2) })
      peer:finish()
    end)

    it("agrees on an application protocol", function()
      local peer <close> = s_server(version, "-rev -alpn h2,http/1.1")
      local context = client_context(version, { setup = function(context)
        assert(context:setAlpn { "spdy/3", "http/1.1" })
      end })
      local socket <close> = assert(foreign.dial(peer.port, context))
      assert.are.equal("http/1.1", socket:alpnProtocol())
    end)

    it("agrees on none with a server that has none", function()
      local peer <close> = s_server(version, "-rev")
      local context = client_context(version, { setup = function(context) assert(context:setAlpn { "h2" }) end })
      local socket <close> = assert(foreign.dial(peer.port, context))
      assert.is_nil(socket:alpnProtocol())
    end)

    it("is told that there is no application protocol in common", function()
      local peer <close> = s_server(version, "-naccept 1 -alpn h2")
      local context = client_context(version, { setup = function(context) assert(context:setAlpn { "other" }) end })
      local err = refusals.refused("no_shared_alpn", "connect", nil, foreign.dial(peer.port, context))
      assert.are.same({ "no_application_protocol", "received" }, { table.unpack({ err:alert() }, 1, 2) })
      peer:finish()
    end)

    it("gets the certificate of the name that it asks for, and the other for an address", function()
      local peer <close> = s_server(version, ("-rev -servername elsewhere.example -cert2 %s -key2 %s")
        :format(pki.wrongHost.certificateFile, pki.wrongHost.keyFile))
      local context = client_context(version)
      local named <close> = assert(foreign.dial(peer.port, context,
        { serverName = "elsewhere.example", verifyHost = "elsewhere.example" }))
      assert.are.equal(pki.wrongHost.certificate, named:peerCertificate())
      foreign.write(named, "hello\n")
      assert.are.equal("olleh\n", (foreign.read(named, "\n")))
      local session = named:getSession()
      assert.are.equal("elsewhere.example", session:hostName())
      assert.truthy(tostring(session):find(", elsewhere.example, ", 1, true))
      named:close()
      local plain <close> = assert(foreign.dial(peer.port, context,
        { serverName = "127.0.0.1", verifyHost = "127.0.0.1" }))
      assert.are.equal(pki.server.certificate, plain:peerCertificate())
    end)

    it("is told that the server has not the name that it asks for", function()
      local peer <close> = s_server(version, ("-servername elsewhere.example -servername_fatal -cert2 %s -key2 %s")
        :format(pki.wrongHost.certificateFile, pki.wrongHost.keyFile))
      local err = refusals.check(select(2, foreign.dial(peer.port, client_context(version))))
      assert.are.same({ "unrecognized_name", "received" }, { table.unpack({ err:alert() }, 1, 2) })
    end)

    it("begins anew with a server that does not know its session", function()
      local context, session = client_context(version), nil
      for round = 1, 2 do
        local peer <close> = s_server(version, "-rev")
        local socket <close> = assert(foreign.dial(peer.port, context, { session = session }))
        assert.is_false(socket:isSessionReused(), round)
        assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
        foreign.write(socket, "hello\n")
        assert.are.equal("olleh\n", (foreign.read(socket, "\n")))
        session = assert(socket:getSession())
      end
    end)

    for name, make in pairs {
      ["as it is"] = function(session) return session end,
      ["through PEM"] = function(session) return scissl.OSSslSession.fromPem(session:toPem()) end,
      ["through DER"] = function(session) return scissl.OSSslSession.fromDer(session:toDer()) end,
    } do
      it("resumes a session, " .. name, function()
        local peer <close> = s_server(version, "-rev")
        local context = client_context(version)
        local first <close> = assert(foreign.dial(peer.port, context))
        foreign.write(first, "hello\n")
        assert.are.equal("olleh\n", (foreign.read(first, "\n"))) -- and the tickets with it
        assert.is_false(first:isSessionReused())
        local session = assert(make(assert(first:getSession())))
        first:close()
        local second <close> = assert(foreign.dial(peer.port, context, { session = session }))
        assert.is_true(second:isSessionReused())
        assert.are.same({ scissl.X509_V_OK, "ok" }, { second:sslVerifyCertificate() })
        foreign.write(second, "again\n")
        assert.are.equal("niaga\n", (foreign.read(second, "\n")))
      end)
    end

    it("tells the server's clean close", function()
      local peer <close> = s_server(version, "-naccept 1 -rev")
      local socket <close> = assert(foreign.dial(peer.port, client_context(version)))
      foreign.write(socket, "hello\n")
      assert.are.equal("olleh\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "CLOSE\n")
      local text, last = foreign.read(socket)
      assert.are.same({ "", 0 }, { text, last })
      assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, socket:sslGetError(last))
      socket:close()
      peer:finish()
    end)

    it("tells that the server was cut off", function()
      local peer <close> = s_server(version, "-naccept 1")
      local socket <close> = assert(foreign.dial(peer.port, client_context(version)))
      peer:write("half of\n")
      assert.are.equal("half of\n", (foreign.read(socket, "\n")))
      peer:stop()
      local text, last = foreign.read(socket)
      assert.are.equal("", text)
      refusals.failed("truncated", "read", last)
    end)

    it("closes in a way that the server takes for clean", function()
      local peer <close> = s_server(version, "-naccept 1")
      local socket = assert(foreign.dial(peer.port, client_context(version)))
      foreign.write(socket, "the last word\n")
      socket:close()
      local output = peer:finish()
      assert.truthy(output:find("the last word", 1, true), output)
      assert.is_nil(output:find("unexpected eof", 1, true), output)
    end)

    it("is missed by the server where it just goes", function()
      local peer <close> = s_server(version, "-naccept 1")
      local socket = assert(foreign.dial(peer.port, client_context(version)))
      assert(socket:shutdown("w"))
      local output = peer:finish()
      assert.truthy(output:find("unexpected eof", 1, true), output)
      socket:close()
    end)

    it("goes on when the server changes keys", function()
      local peer <close> = s_server(version, "-naccept 1")
      local socket <close> = assert(foreign.dial(peer.port, client_context(version, { setup = function(context)
        context:setRenegotiation(true)
      end })))
      peer:write("before\n")
      assert.are.equal("before\n", (foreign.read(socket, "\n")))
      peer:write(version == "TLSv1.3" and "K\n" or "r\n") -- key update, asking for ours; renegotiation
      assert.are.equal("r", socket:wait("r", 30))
      assert.is_true(ends.notYet(socket, socket:sslRead()))
      peer:write("after\n")
      assert.are.equal("after\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "and back\n")
      foreign.expect(peer, "and back")
    end)

    for name, algorithm in pairs {
      ["RSA #slow"] = { "RSA", 2048 }, ["P-384"] = { "EC", "P-384" }, Ed25519 = { "Ed25519" },
    } do
      it("verifies a server whose key is " .. name, function()
        local key = assert(scissl.SciSslPrivateKey.generate(table.unpack(algorithm)))
        local peer <close> = s_server(version, "-rev",
          pki.issue { subject = "CN=localhost", names = { "localhost" }, key = key })
        local socket <close> = assert(foreign.dial(peer.port, client_context(version)))
        assert.are.equal(scissl.X509_V_OK, (socket:sslVerifyCertificate()))
      end)
    end

    it("says that there is no protocol in common", function()
      local other = version == "TLSv1.2" and "TLSv1.3" or "TLSv1.2"
      local peer <close> = s_server(other, "-naccept 1")
      refusals.refused("protocol_version", "connect", "localhost", foreign.dial(peer.port, client_context(version)))
      peer:finish()
    end)
  end)

  describe("A peer with other tastes #slow, " .. version, function()
    it("says that there is no cipher in common, both ways", function()
      local only = version == "TLSv1.3" and "-ciphersuites TLS_AES_128_GCM_SHA256"
        or "-cipher ECDHE-ECDSA-AES128-GCM-SHA256"
      local function setup(context)
        assert(context:setCipherList("ECDHE-ECDSA-AES256-GCM-SHA384"))
        assert(context:setCiphersuites("TLS_AES_256_GCM_SHA384"))
      end
      local listener, port = ends.listener()
      local client <close> = s_client(version, port, only)
      refusals.refused("no_shared_cipher", "accept", nil,
        foreign.serve(listener, server_context(version, { setup = setup })))
      listener:close()
      client:finish()
      local server <close> = s_server(version, "-naccept 1 " .. only)
      local err = refusals.refused("alert_received", "connect", "localhost",
        foreign.dial(server.port, client_context(version, { setup = setup })))
      assert.are.equal("handshake_failure", (err:alert()))
      server:finish()
    end)

    it("wants another group: the handshake takes a turn more, both ways", function()
      local listener, port = ends.listener()
      local client <close> = s_client(version, port, "-groups X25519:P-384:P-256")
      local function setup(context) assert(context:setGroups("P-384:P-256")) end
      local socket <close> = assert(foreign.serve(listener, server_context(version, { setup = setup })))
      socket:close()
      listener:close()
      assert.truthy(client:finish():find("Server Temp Key: ECDH, P-384", 1, true)
        or client.output:find("secp384r1", 1, true), client.output)
      local server <close> = s_server(version, "-rev -groups P-384:P-256")
      local near <close> = assert(foreign.dial(server.port, client_context(version)))
      foreign.write(near, "hello\n")
      assert.are.equal("olleh\n", (foreign.read(near, "\n")))
    end)
  end)
end
