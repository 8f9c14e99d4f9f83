-- Our client with `openssl s_server`, and our server with `openssl s_client`.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local PEER = scissl.SSL_VERIFY_PEER
local REQUIRE = PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

local identity_arguments, s_server, s_client = peers.opensslIdentity, peers.opensslServer, peers.opensslClient

local function client_context(version, options)
  local all = { method = version }
  for name, value in pairs(options or {}) do all[name] = value end
  return ends.clientContext(all)
end

local function server_context(version, options)
  local all = { method = version }
  for name, value in pairs(options or {}) do all[name] = value end
  return ends.serverContext(all)
end

-- The SciSslError of a client that was refused: of its handshake, or, in TLS 1.3, of its first read.
local function refusal(socket, err)
  if not socket then return err end
  local _, last = foreign.read(socket)
  socket:close()
  return last
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Our client with openssl s_server, " .. version, function()
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

  describe("Our server with openssl s_client, " .. version, function()
    it("is verified by it, and the two understand each other", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port,
        "-verify_return_error -verify_hostname localhost -servername localhost")
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      listener:close()
      assert.are.equal(version, socket:version())
      assert.are.equal("localhost", socket:serverName())
      peer:write("hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "good bye\n")
      socket:close()
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code })
      assert.truthy(output:find("Verification: OK", 1, true), output)
      assert.truthy(output:find("Verified peername: localhost", 1, true), output)
      assert.truthy(output:find("good bye", 1, true), output)
      assert.is_nil(output:find("unexpected eof", 1, true), output)
    end)

    it("sends no server name where the client asks for none", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-noservername")
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      assert.is_nil(socket:serverName())
      listener:close()
      peer:stop()
    end)

    it("is told why it is refused", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-verify_return_error")
      local err = refusals.refused("server_certificate_refused", "accept", nil,
        foreign.serve(listener, server_context(version, { identity = pki.strangeServer })))
      assert.are.same({ "unknown_ca", "received" }, { table.unpack({ err:alert() }, 1, 2) })
      listener:close()
      peer:finish()
    end)

    local strict = function() return server_context(version, { verify = REQUIRE }) end

    it("takes a good client certificate", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, identity_arguments(pki.client))
      local socket <close> = assert(foreign.serve(listener, strict()))
      assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
      assert.are.equal(pki.client.certificate, socket:peerCertificate())
      assert.are.equal(pki.client.certificate, socket:peerChain()[1])
      socket:close()
      listener:close()
      peer:finish()
    end)

    it("refuses a client without a certificate, and tells it", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port)
      local err = refusals.refused("client_certificate_missing", "accept", nil, foreign.serve(listener, strict()))
      local alert, direction, number = err:alert()
      assert.are.same({ version == "TLSv1.3" and "certificate_required" or "handshake_failure", "sent" },
        { alert, direction })
      listener:close()
      local output = peer:finish()
      assert.truthy(output:find("SSL alert number " .. number, 1, true), output)
    end)

    for name, condition in pairs {
      stranger = "certificate_unknown_issuer", expiredClient = "certificate_expired",
      notYetValidClient = "certificate_not_yet_valid", selfSignedClient = "certificate_self_signed",
    } do
      it(("refuses a client certificate with %s, and tells the client: %s"):format(condition, name), function()
        local listener, port = ends.listener()
        local peer <close> = s_client(version, port, identity_arguments(pki[name]))
        local err = refusals.refused(condition, "accept", nil, foreign.serve(listener, strict()))
        local alert, direction, number = err:alert()
        assert.are.equal("sent", direction)
        listener:close()
        local output = peer:finish()
        assert.truthy(output:find("SSL alert number " .. number, 1, true), alert .. "\n" .. output)
      end)
    end

    it("chooses its first application protocol that the client offers", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-alpn spdy/3,h2,http/1.1")
      local socket <close> = assert(foreign.serve(listener, server_context(version, { setup = function(context)
        assert(context:setAlpn { "http/1.1", "h2" })
      end })))
      assert.are.equal("http/1.1", socket:alpnProtocol())
      socket:close()
      listener:close()
      assert.truthy(peer:finish():find("ALPN protocol: http/1.1", 1, true))
    end)

    it("refuses a client that offers no application protocol of its own", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-alpn spdy/3")
      local err = refusals.refused("no_shared_alpn", "accept", nil,
        foreign.serve(listener, server_context(version, { setup = function(context)
          assert(context:setAlpn { "http/1.1" })
        end })))
      assert.are.same({ "no_application_protocol", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      listener:close()
      peer:finish()
    end)

    for name, setup in pairs {
      ["with tickets"] = function() end,
      ["with its cache"] = function(context) context:setOptions(scissl.SSL_OP_NO_TICKET) end,
    } do
      it("resumes a session, client certificate and all, " .. name, function()
        local listener, port = ends.listener()
        local context = server_context(version, { verify = REQUIRE, setup = setup })
        local file = pki.folder() .. "/session-" .. version .. name:gsub(" ", "-")
        for round, argument in ipairs { "-sess_out", "-sess_in" } do
          local peer <close> = s_client(version, port,
            ("%s %s %s"):format(identity_arguments(pki.client), argument, file))
          local socket <close> = assert(foreign.serve(listener, context))
          assert.are.equal(round == 2, socket:isSessionReused())
          assert.are.equal(pki.client.certificate, socket:peerCertificate())
          assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
          foreign.write(socket, "hello\n")
          socket:close()
          local output = peer:finish()
          assert.truthy(output:find(round == 2 and "Reused, " or "New, ", 1, true), output)
        end
        listener:close()
      end)
    end

    it("begins anew with a client whose session it does not know", function()
      local listener <close>, port = ends.listener()
      local file = pki.folder() .. "/unknown-session-" .. version
      for _, argument in ipairs { "-sess_out", "-sess_in" } do
        local peer <close> = s_client(version, port, argument .. " " .. file)
        local socket <close> = assert(foreign.serve(listener, server_context(version)))
        assert.is_false(socket:isSessionReused())
        foreign.write(socket, "hello\n")
        socket:close()
        local output = peer:finish()
        assert.truthy(output:find("New, ", 1, true), output)
        assert.truthy(output:find("hello", 1, true), output)
      end
    end)

    it("tells the client's clean close from its sudden end", function()
      local listener, port = ends.listener()
      local context = server_context(version)
      for _, clean in ipairs { true, false } do
        local peer <close> = s_client(version, port)
        local socket <close> = assert(foreign.serve(listener, context))
        peer:write("some words\n")
        assert.are.equal("some words\n", (foreign.read(socket, "\n")))
        if clean then peer:write("Q\n") else peer:stop() end
        local text, last = foreign.read(socket)
        assert.are.equal("", text)
        if clean then
          assert.are.equal(0, last)
          assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, socket:sslGetError(last))
        else
          local err = refusals.check(last)
          assert.is_true(err:condition() == "truncated" or err:condition() == "connection_reset", tostring(err))
        end
      end
      listener:close()
    end)

    it("is missed by the client where it just goes", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port)
      local socket = assert(foreign.serve(listener, server_context(version)))
      listener:close()
      foreign.write(socket, "half of\n")
      assert(socket:shutdown("w"))
      local output = peer:finish()
      assert.truthy(output:find("half of", 1, true), output)
      assert.truthy(output:find("unexpected eof", 1, true), output)
      socket:close()
    end)

    it("goes on when the client changes keys", function()
      local listener, port = ends.listener()
      local context = server_context(version, { setup = function(context)
        context:setRenegotiation(true)
      end })
      local peer <close> = s_client(version, port)
      local socket <close> = assert(foreign.serve(listener, context))
      listener:close()
      peer:write("before\n")
      assert.are.equal("before\n", (foreign.read(socket, "\n")))
      peer:write(version == "TLSv1.3" and "K\n" or "R\n")
      assert.are.equal("r", socket:wait("r", 30))
      assert.is_true(ends.notYet(socket, socket:sslRead()))
      peer:write("after\n")
      assert.are.equal("after\n", (foreign.read(socket, "\n")))
      socket:close()
      peer:finish()
    end)

    it("says that there is no protocol in common", function()
      local listener, port = ends.listener()
      local other = version == "TLSv1.2" and "TLSv1.3" or "TLSv1.2"
      local peer <close> = s_client(other, port)
      local err = refusals.refused("protocol_version", "accept", nil, foreign.serve(listener, server_context(version)))
      assert.are.same({ "protocol_version", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      listener:close()
      peer:finish()
    end)
  end)

  describe("A peer with other tastes, " .. version, function()
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
