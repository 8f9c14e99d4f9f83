-- Handshakes that stand still until their caller decides: by hand, with sslGetError.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

-- Over a memory transport, where nothing has to be waited for.
local function pair(options)
  options = options or {}
  options.transport = options.transport or "memory"
  return ends.pair(options)
end

local HELLO, CERTIFICATE, VERDICT =
  scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB, scissl.SSL_ERROR_WANT_X509_LOOKUP, scissl.SSL_ERROR_WANT_RETRY_VERIFY

-- Goes on with both ends until `socket` stands still for another reason than the network, or both are done; answers the
-- code of that reason, or what both answered last.
local function until_suspended(client, server, socket)
  local client_answer, server_answer = ends.handshake(client, server)
  local answer = socket == client and client_answer or server_answer
  if math.type(answer) ~= "integer" or answer > 0 then return nil, client_answer, server_answer end
  return socket:sslGetError(answer), client_answer, server_answer
end

local function assert_alert(name, direction, err)
  assert.are.same({ name, direction }, { (err:alert()), (select(2, err:alert())) })
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A server suspended at the client's hello, " .. version, function()
    it("answers SSL_ERROR_WANT_CLIENT_HELLO_CB once, and goes on when the call is repeated", function()
      local client, server = pair { version = version }
      assert.are.equal(server, server:sslSuspendAt "clientHello")
      assert.are.equal(HELLO, until_suspended(client, server, server))
      assert.is_false(server:isSecure())
      local code, client_answer, server_answer = until_suspended(client, server, server)
      assert.is_nil(code)
      assert.are.same({ 1, 1 }, { client_answer, server_answer })
    end)

    it("is not suspended when nobody has asked for it", function()
      local client, server = pair { version = version }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("tells what the client offers while it stands, and not afterwards", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      assert.is_nil(server:clientHello())
      until_suspended(client, server, server)
      local hello = assert(server:clientHello())
      assert.are.equal("localhost", hello:serverName())
      assert.are.equal(version, hello:versions()[1])
      ends.handshake(client, server)
      assert.is_nil(server:clientHello())
      assert.are.equal("localhost", hello:serverName())
    end)

    for _, transport in ipairs { "memory", "tcp" } do
      it("goes on with all settings of another context, " .. transport, function()
        local other = ends.serverContext {
          identity = pki.wrongHost, verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
          setup = function(context)
            context:setAlpn { "other" }
            context:setGroups "P-521:P-256"
          end,
        }
        local client, server = pair {
          version = version, transport = transport, serverName = "elsewhere.example", verifyHost = "elsewhere.example",
          client = { identity = pki.client, setup = function(context) context:setAlpn { "first", "other" } end },
          server = { setup = function(context) context:setAlpn { "first" } end },
        }
        server:sslSuspendAt "clientHello"
        assert.are.equal(HELLO, until_suspended(client, server, server))
        assert.are.equal(server, server:sslSetContext(other))
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal("CN=elsewhere.example", client:peerCertificate():subject())
        assert.are.equal("other", client:alpnProtocol())
        assert.are.equal("CN=client", server:peerCertificate():subject())
        assert.are.equal(5, server:sslWrite "hello")
        assert.are.equal("hello", ends.read(client, server))
      end)
    end

    it("can be given a context that does not fit the client, which ends the handshake", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local other = version == "TLSv1.2" and "TLSv1.3" or "TLSv1.2"
      assert(server:sslSetContext(ends.serverContext { method = other }))
      local _, server_answer = ends.handshake(client, server)
      assert.are.equal("protocol_version", server_answer:condition())
    end)

    it("keeps a context alive that nobody else holds, and lets the first one go", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local gone = setmetatable({ ends.serverContext() }, { __mode = "v" })
      assert(server:sslSetContext(gone[1]))
      collectgarbage()
      assert.is_not_nil(gone[1])
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("refuses a closed context, and stays as it was", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local closed = ends.serverContext()
      getmetatable(closed).__close(closed)
      assert.error_matches(function() server:sslSetContext(closed) end, "bad argument #1 to 'sslSetContext'")
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("can be given a certificate, a list of protocols and verification flags of its own", function()
      local client, server = pair {
        version = version, verifyHost = "elsewhere.example", serverName = "elsewhere.example",
        client = { identity = pki.client, setup = function(context) context:setAlpn { "a", "b" } end },
      }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      assert.are.equal(server, server:sslUseCertificate(pki.wrongHost.certificate, pki.wrongHost.key))
      assert.are.equal(server, server:sslSetAlpn { "b" })
      assert.are.equal(server, server:sslSetVerify(scissl.SSL_VERIFY_PEER))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=elsewhere.example", client:peerCertificate():subject())
      assert.are.equal("b", client:alpnProtocol())
      assert.are.equal("CN=client", server:peerCertificate():subject())
    end)

    for _, alert in ipairs { "unrecognized_name", "access_denied", "user_canceled", 80 } do
      it(("refuses with the alert of its choice, %s"):format(alert), function()
        local client, server = pair { version = version }
        server:sslSuspendAt "clientHello"
        until_suspended(client, server, server)
        assert.are.equal(server, server:sslRefuse(alert, "not here"))
        local client_answer, server_answer = ends.handshake(client, server)
        local name = alert == 80 and "internal_error" or alert
        assert.are.same({ "refused", "not here" }, { server_answer:condition(), server_answer:message() })
        assert_alert(name, "sent", server_answer)
        assert_alert(name, "received", client_answer)
        assert.are.equal(scissl.SSL_ERROR_SSL, server:sslGetError(server_answer))
      end)
    end

    it("answers the cause that it is refused for", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local cause = {}
      server:sslRefuse("internal_error", nil, cause, "where")
      local _, answer = ends.handshake(client, server)
      assert.are.same({ "handler_failed", "where" }, { answer:condition(), answer:traceback() })
      assert.are.equal(cause, answer:cause())
    end)

    it("may be closed", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      assert.is_true(server:close())
      assert.are.equal("closed", server:sslAccept():condition())
      refusals.condition("closed", server:sslRefuse())
    end)

    it("stands once in a handshake in which the client has to send its hello again", function()
      if version == "TLSv1.2" then return end
      local client, server = pair {
        version = version,
        client = { setup = function(context) context:setGroups "X25519:P-256" end },
        server = { setup = function(context) context:setGroups "P-256" end },
      }
      server:sslSuspendAt "clientHello"
      assert.are.equal(HELLO, until_suspended(client, server, server))
      assert.are.same({ "x25519" }, server:clientHello():keyShares())
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("resumes sessions of the context that it goes on with", function()
      local other = ends.serverContext { method = version, identity = pki.wrongHost }
      local context = ends.clientContext { method = version }
      local server_context = ends.serverContext { method = version }
      local session
      for round = 1, 2 do
        local client, server = pair {
          client = context, server = server_context, serverName = "elsewhere.example", verifyHost = "elsewhere.example",
        }
        if session then client:setSession(session) end
        server:sslSuspendAt "clientHello"
        until_suspended(client, server, server)
        server:sslSetContext(other)
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(round == 2, client:isSessionReused())
        server:sslWrite "x"
        ends.read(client, server)
        session = client:getSession()
      end
    end)
  end)

  describe("An end suspended where it needs a certificate, " .. version, function()
    it("is given one on a server", function()
      local client, server = pair { version = version, server = { identity = false } }
      server:sslSuspendAt("clientHello", "certificate")
      assert.are.equal(HELLO, until_suspended(client, server, server))
      assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
      assert.are.equal("localhost", server:clientHello():serverName())
      assert(server:sslUseCertificate(pki.server.certificate:toPem(), pki.server.key:toPem()))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=localhost", client:peerCertificate():subject())
    end)

    it("is given one on a client, which knows whose certificates are accepted", function()
      local server <close> = ends.openssl(("-cert %s -key %s -CAfile %s -Verify 1"):format(
        pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile))
      local client = assert(scissl.SciSslSocket.new(ends.clientContext { method = version }))
      assert(client:connect("127.0.0.1", server.port))
      client:sslInitialize()
      client:sslSuspendAt "certificate"
      local asked
      local function step()
        local answer = client:sslConnect()
        if answer == -CERTIFICATE then
          asked = client:acceptedIssuers()
          assert(client:sslUseCertificate(pki.client.certificate, pki.client.key))
          return step()
        elseif ends.notYet(client, answer) then
          client:wait(client:sslGetError(answer) == scissl.SSL_ERROR_WANT_WRITE and "w" or "r", 30)
          return step()
        end
        return answer
      end
      assert.are.equal(1, step())
      assert.are.same({ pki.ca.certificate:subject() }, asked)
      server:write "well\n"
      assert.are.equal("well\n", ends.read(client))
      client:close()
    end)

    it("uses it in place of what the context has, of whatever kind their keys are #slow", function()
      local key = assert(scissl.SciSslPrivateKey.generate("RSA", 2048))
      local other = pki.issue { subject = "CN=other", names = { "localhost" }, key = key }
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      until_suspended(client, server, server)
      assert(server:sslUseCertificate(other.certificate, key))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=other", client:peerCertificate():subject())
    end)

    it("sends the issuers that come with it", function()
      local intermediate = pki.issue { subject = "CN=intermediate", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = intermediate }
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
      assert(server:sslUseCertificate({ leaf.certificate, intermediate.certificate }, leaf.key))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(2, #client:peerChain())
    end)

    it("goes on with what the context has, when nothing is given", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      assert.are.equal(CERTIFICATE, until_suspended(client, server, server))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("ends with internal_error where it is refused", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      until_suspended(client, server, server)
      server:sslRefuse(nil, "none for you")
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.same({ "refused", "none for you" }, { server_answer:condition(), server_answer:message() })
      assert_alert("internal_error", "sent", server_answer)
      assert.are.equal("internal_error", (client_answer:alert()))
    end)

    it("keeps the certificate that it has when another one is refused", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "certificate"
      until_suspended(client, server, server)
      refusals.condition("key_mismatch", server:sslUseCertificate(pki.wrongHost.certificate, pki.server.key))
      refusals.condition("not_pem", server:sslUseCertificate("", pki.server.key))
      refusals.condition("not_pem", server:sslUseCertificate(pki.server.certificate, "nonsense"))
      refusals.condition("not_certificate", server:sslUseCertificate(pki.server.key:toPem(), pki.server.key))
      assert.error_matches(function() server:sslUseCertificate({}, pki.server.key) end,
        "bad argument #1 to 'sslUseCertificate'")
      assert.error_matches(function() server:sslUseCertificate({ 1 }, pki.server.key) end,
        "bad argument #1 to 'sslUseCertificate'")
      assert.error_matches(function() server:sslUseCertificate(pki.server.certificate) end,
        "bad argument #2 to 'sslUseCertificate'")
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=localhost", client:peerCertificate():subject())
    end)
  end)

  describe("A client suspended at the verdict, " .. version, function()
    local function suspended(options)
      options = options or {}
      options.version = version
      local client, server = pair(options)
      client:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, client)))
      return client, server
    end

    it("tells OpenSSL's own, the chain as it came and as it was built", function()
      local client = suspended()
      local verdict = client:sslVerdict()
      assert.are.same({ true, scissl.X509_V_OK, "ok", 0, false },
        { verdict.ok, verdict.code, verdict.text, verdict.depth, verdict.resumed })
      assert.are.equal("CN=localhost", verdict.chain[1]:subject())
      assert.are.equal(pki.ca.certificate:subject(), verdict.verified[2]:subject())
    end)

    it("tells what is wrong, and at which depth", function()
      local client = suspended { server = { identity = pki.expired } }
      local verdict = client:sslVerdict()
      assert.are.same({ false, scissl.X509_V_ERR_CERT_HAS_EXPIRED, 0 }, { verdict.ok, verdict.code, verdict.depth })
      assert.are.equal("certificate has expired", verdict.text)
    end)

    it("goes on where OpenSSL is content and nobody says anything", function()
      local client, server = suspended()
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
    end)

    it("fails as without it where OpenSSL is not content and nobody says anything", function()
      local client, server = suspended { server = { identity = pki.expired } }
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.equal("certificate_expired", client_answer:condition())
      assert.are.equal("certificate_expired", (server_answer:alert()))
    end)

    it("goes on where it is approved, and still tells OpenSSL's result", function()
      local client, server = suspended { server = { identity = pki.selfSigned } }
      assert.are.equal(client, client:sslApprove())
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(scissl.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, (client:sslVerifyCertificate()))
    end)

    for _, alert in ipairs {
      "bad_certificate", "unsupported_certificate", "certificate_revoked", "certificate_expired", "certificate_unknown",
      "unknown_ca", "decrypt_error", "handshake_failure", "internal_error",
    } do
      it("refuses with the alert " .. alert, function()
        local client, server = suspended()
        client:sslRefuse(alert, "I know better")
        local client_answer, server_answer = ends.handshake(client, server)
        assert.are.same({ "refused", "I know better" }, { client_answer:condition(), client_answer:message() })
        assert_alert(alert, "sent", client_answer)
        assert_alert(alert, "received", server_answer)
      end)
    end

    it("says certificate_unknown for alerts that OpenSSL cannot send here", function()
      local client, server = suspended()
      client:sslRefuse "access_denied"
      local client_answer = ends.handshake(client, server)
      assert.are.equal("certificate_unknown", (client_answer:alert()))
    end)

    it("stands still with SSL_VERIFY_NONE, too; then silence lets it pass, and a refusal does not", function()
      local client, server = suspended {
        client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = pki.selfSigned },
      }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      client, server = suspended {
        client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = pki.selfSigned },
      }
      client:sslRefuse()
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.equal("refused", client_answer:condition())
      assert_alert("bad_certificate", "received", server_answer)
    end)

    it("is asked about a resumed session, too, before any data is handed out", function()
      local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
      local client, server = ends.connected { client = context, server = server_context }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      client, server = pair { client = context, server = server_context }
      client:setSession(session)
      client:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, client)))
      assert.is_true(client:sslVerdict().resumed)
      assert.are.equal("CN=localhost", client:sslVerdict().chain[1]:subject())
      assert.are.equal("handshake_needed", client:sslRead():condition())
      client:sslRefuse(nil, "not again")
      local answer = client:sslConnect()
      assert.are.same({ "refused", "not again" }, { answer:condition(), answer:message() })
      assert.are.equal(answer, client:sslRead())
    end)
  end)

  describe("A server suspended at the verdict, " .. version, function()
    local function suspended(options)
      options = options or {}
      options.version = version
      local client, server = pair(options)
      server:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, server)))
      return client, server
    end
    local asking = { verify = scissl.SSL_VERIFY_PEER }

    it("tells of the client's certificate", function()
      local _, server = suspended { client = { identity = pki.client }, server = asking }
      local verdict = server:sslVerdict()
      assert.is_true(verdict.ok)
      assert.are.equal("CN=client", verdict.chain[1]:subject())
      assert.are.equal(pki.ca.certificate:subject(), verdict.verified[2]:subject())
    end)

    it("tells of a client without one", function()
      local _, server = suspended { server = asking }
      local verdict = server:sslVerdict()
      assert.are.same({}, verdict.chain)
      assert.are.same({ ok = false, text = "the peer presented no certificate" },
        { ok = verdict.ok, code = verdict.code, text = verdict.text })
    end)

    it("hands out no data before the verdict, and all of it after", function()
      local client, server = suspended { client = { identity = pki.client }, server = asking }
      if version == "TLSv1.3" then client:sslWrite "early bird" end
      assert.are.equal("handshake_needed", server:sslRead():condition())
      assert.are.equal("handshake_needed", server:sslWrite("x"):condition())
      assert.is_false(server:isSecure())
      server:sslApprove()
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.same({ 1, 1 }, { client_answer, server_answer })
      if version == "TLSv1.2" then client:sslWrite "early bird" end
      assert.are.equal("early bird", ends.read(server, client))
    end)

    it("tells what OpenSSL has against the client, and says so where nothing is decided", function()
      local _, server = suspended { client = { identity = pki.stranger }, server = asking }
      local verdict = server:sslVerdict()
      assert.is_false(verdict.ok)
      assert.are.equal("CN=client", verdict.chain[1]:subject())
      assert.are.equal(scissl.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, verdict.code)
      assert.are.equal("certificate_unknown_issuer", server:sslAccept():condition())
    end)

    it("refuses, and the client learns of it", function()
      local client, server = suspended { client = { identity = pki.client }, server = asking, transport = "pair" }
      server:sslRefuse("access_denied", "not on the list")
      local answer = server:sslAccept()
      assert.are.same({ "refused", "not on the list" }, { answer:condition(), answer:message() })
      assert.are.equal(answer, server:sslRead())
      server:close()
      local client_answer = version == "TLSv1.3" and ends.read(client, server) or client:sslConnect()
      assert_alert("access_denied", "sent", answer)
      assert_alert("access_denied", "received", client_answer)
    end)

    it("is asked about a resumed session, too", function()
      local context = ends.clientContext { method = version, identity = pki.client }
      local server_context = ends.serverContext { method = version, verify = scissl.SSL_VERIFY_PEER }
      local client, server = ends.connected { client = context, server = server_context }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      client, server = pair { client = context, server = server_context }
      client:setSession(session)
      server:sslSuspendAt "verify"
      assert.are.equal(VERDICT, (until_suspended(client, server, server)))
      local verdict = server:sslVerdict()
      assert.is_true(verdict.resumed)
      assert.are.equal("CN=client", verdict.chain[1]:subject())
    end)
  end)

  it("A hundred handshakes can stand still at once, " .. version, function()
    local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
    local pairs_of_ends = {}
    for i = 1, 100 do
      local client, server = pair { client = context, server = server_context, transport = "memory" }
      server:sslSuspendAt("clientHello", "certificate", "verify")
      client:sslSuspendAt "verify"
      pairs_of_ends[i] = { client, server }
    end
    local function all(expected, which)
      for _, both in ipairs(pairs_of_ends) do
        assert.are.equal(expected, (until_suspended(both[1], both[2], both[which])))
      end
      collectgarbage()
    end
    all(HELLO, 2)
    all(CERTIFICATE, 2)
    all(VERDICT, 1)
    all(VERDICT, 2)
    all(nil, 1)
    for _, both in ipairs(pairs_of_ends) do
      assert.are.same({ true, true }, { both[1]:isSecure(), both[2]:isSecure() })
    end
  end)

  it("Sockets that are dropped where they stand are collected, " .. version, function()
    for _, station in ipairs { "clientHello", "certificate", "verify" } do
      for _, side in ipairs { 1, 2 } do
        local both = { pair { version = version } }
        both[side]:sslSuspendAt(station)
        ends.handshake(both[1], both[2])
        local watched = setmetatable({ both[1], both[2] }, { __mode = "v" })
        both = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.are.same({}, watched)
      end
    end
  end)
end

describe("sslSuspendAt", function()
  it("refuses names that are none", function()
    local _, server = pair()
    assert.error_matches(function() server:sslSuspendAt "hello" end, "bad argument #1 to 'sslSuspendAt'")
    assert.error_matches(function() server:sslSuspendAt(1) end, "bad argument #1 to 'sslSuspendAt'")
  end)

  it("needs an initialised socket before its handshake", function()
    local _, fresh = pair { initialize = false }
    refusals.condition("not_initialized", fresh:sslSuspendAt "clientHello")
    local client, server = ends.connected()
    refusals.condition("handshake_under_way", server:sslSuspendAt "clientHello")
    client:close()
    refusals.condition("closed", client:sslSuspendAt "verify")
  end)

  it("takes it back when it is called again", function()
    local client, server = pair()
    server:sslSuspendAt("clientHello", "certificate", "verify")
    server:sslSuspendAt()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("is forgotten by sslInitialize", function()
    local client, server = pair()
    server:sslSuspendAt "clientHello"
    server:sslInitialize()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

describe("What is only possible while suspended", function()
  for _, method in ipairs { "sslApprove", "sslRefuse", "sslVerdict" } do
    it(method .. " answers not_suspended otherwise", function()
      local client = pair()
      refusals.condition("not_suspended", client[method](client))
    end)
  end

  it("sslSetContext answers not_suspended otherwise", function()
    local _, server = ends.connected()
    refusals.condition("not_suspended", server:sslSetContext(ends.serverContext()))
    assert.error_matches(function() server:sslSetContext {} end, "bad argument #1 to 'sslSetContext'")
  end)

  it("sslApprove is for the verdict alone", function()
    local client, server = pair()
    server:sslSuspendAt "clientHello"
    until_suspended(client, server, server)
    refusals.condition("not_suspended", server:sslApprove())
    refusals.condition("not_suspended", server:sslVerdict())
  end)

  it("sslRefuse raises for alerts that there are not", function()
    local client, server = pair()
    server:sslSuspendAt "clientHello"
    until_suspended(client, server, server)
    for _, alert in ipairs { "no_such_alert", "", 0, -1, 256, 2 ^ 53, 1.5, "a\0b" } do
      assert.error_matches(function() server:sslRefuse(alert) end, "bad argument #1 to 'sslRefuse'")
    end
    assert.error_matches(function() server:sslRefuse(nil, {}) end, "bad argument #2 to 'sslRefuse'")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

describe("sslSetAlpn", function()
  it("sets what a client offers", function()
    local client, server = pair { server = { setup = function(context) context:setAlpn { "b" } end } }
    assert.are.equal(client, client:sslSetAlpn { "a", "b" })
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("b", server:alpnProtocol())
  end)

  it("refuses names that do not fit, and leaves what is there", function()
    local client, server = pair {
      client = { setup = function(context) context:setAlpn { "b" } end },
      server = { setup = function(context) context:setAlpn { "b" } end },
    }
    refusals.condition("bad_alpn", client:sslSetAlpn { "" })
    refusals.condition("bad_alpn", client:sslSetAlpn { ("x"):rep(256) })
    assert.error_matches(function() client:sslSetAlpn { 1 } end, "bad argument #1 to 'sslSetAlpn'")
    assert.error_matches(function() client:sslSetAlpn "b" end, "bad argument #1 to 'sslSetAlpn'")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("b", client:alpnProtocol())
  end)

  it("is refused once the handshake has begun", function()
    local client = ends.connected()
    refusals.condition("handshake_under_way", client:sslSetAlpn { "b" })
  end)
end)
