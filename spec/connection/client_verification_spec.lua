-- A server's caller decides about the client's certificate, whatever OpenSSL thinks of it: for pinning, and for clients
-- that are their own issuers. Up to TLS 1.2 a refusal reaches the client before its handshake is done.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local PEER, FAIL, ONCE =
  scissl.SSL_VERIFY_PEER, scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT, scissl.SSL_VERIFY_CLIENT_ONCE
local VERDICT = scissl.SSL_ERROR_WANT_RETRY_VERIFY

-- The alert that the client gets: at sslConnect up to TLS 1.2, later in TLS 1.3, where it has done its part already.
local function alert_at(client, server, version)
  local answer = client:sslConnect()
  if version == "TLSv1.3" then
    assert.are.equal(1, answer)
    answer = ends.read(client, server)
  end
  assert.is_true(scissl.isSslError(answer), tostring(answer))
  return (answer:alert())
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A server that decides by itself, " .. version, function()
    local function suspended(options)
      local client, server = ends.pair {
        version = version, transport = options.transport, client = options.client,
        server = options.server or { verify = options.flags or PEER | FAIL, setup = options.setup },
      }
      if options.session then client:setSession(options.session) end
      server:sslSuspendAt "verify"
      local client_answer, answer = ends.handshake(client, server)
      assert.are.equal(VERDICT, server:sslGetError(answer), tostring(answer))
      return client, server, client_answer
    end

    local function done(client, server)
      local client_answer, answer = ends.handshake(client, server)
      assert.are.same({ 1, 1 }, { client_answer, answer })
      assert.are.equal(5, client:sslWrite "hello")
      assert.are.equal("hello", ends.read(server, client))
      server:sslWrite "x"
      assert.are.equal("x", ends.read(client, server))
    end

    for _, transport in ipairs { "memory", "pair", "tcp" } do
      for name, flags in pairs { PEER = PEER, FAIL = PEER | FAIL, ONCE = PEER | ONCE } do
        it(("approves a client that is its own issuer, %s, %s"):format(name, transport), function()
          local client, server = suspended {
            flags = flags, transport = transport, client = { identity = pki.selfSignedClient },
          }
          local verdict = server:sslVerdict()
          assert.is_false(verdict.ok)
          assert.are.equal(scissl.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, verdict.code)
          assert.are.equal(pki.selfSignedClient.certificate, verdict.chain[1])
          assert(server:sslApprove())
          done(client, server)
          assert.are.equal(pki.selfSignedClient.certificate, server:peerCertificate())
          assert.are.equal(scissl.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, (server:sslVerifyCertificate()))
        end)
      end
    end

    for _, case in ipairs {
      { "unknown_ca", "certificate_self_signed", pki.selfSignedClient },
      { "unknown_ca", "certificate_unknown_issuer", pki.stranger },
      { "certificate_expired", "certificate_expired", pki.expiredClient },
      { "bad_certificate", "certificate_not_yet_valid", pki.notYetValidClient },
    } do
      it("sends OpenSSL's own alert where nothing is decided: " .. case[2], function()
        local client, server = suspended { client = { identity = case[3] } }
        local answer = server:sslAccept()
        assert.are.equal(case[2], answer:condition())
        assert.are.same({ case[1], "sent" }, { table.unpack({ answer:alert() }, 1, 2) })
        assert.is_false(server:isSecure())
        assert.are.equal(answer, server:sslAccept())
        assert.are.equal(case[1], alert_at(client, server, version))
      end)
    end

    for _, alert in ipairs { "access_denied", "certificate_revoked", "unknown_ca", "internal_error" } do
      it("refuses whom OpenSSL accepts, with the alert " .. alert, function()
        local client, server, client_answer = suspended { client = { identity = pki.client } }
        assert.are.equal(version == "TLSv1.3", client_answer == 1)
        assert(server:sslRefuse(alert, "not on the list"))
        local answer = server:sslAccept()
        assert.are.same({ "refused", "not on the list" }, { answer:condition(), answer:message() })
        assert.are.equal(alert, alert_at(client, server, version))
      end)
    end

    it("is not asked where the flags insist on a certificate and there is none", function()
      local client, server = ends.pair { version = version, server = { verify = PEER | FAIL } }
      server:sslSuspendAt "verify"
      local _, answer = ends.handshake(client, server)
      assert.is_true(scissl.isSslError(answer), tostring(answer))
      assert.are.equal("client_certificate_missing", answer:condition())
    end)

    it("has what is wrong overlooked where that was asked for, and still can refuse", function()
      for _, decision in ipairs { "sslApprove", "none", "sslRefuse" } do
        local client, server = ends.pair {
          version = version, client = { identity = pki.expiredClient }, server = { verify = PEER | FAIL },
        }
        server:sslNoteVerifyErrors(true)
        server:sslSuspendAt "verify"
        local _, answer = ends.handshake(client, server)
        assert.are.equal(VERDICT, server:sslGetError(answer))
        assert.are.equal(scissl.X509_V_ERR_CERT_HAS_EXPIRED, server:verifyErrors()[1].code)
        if decision ~= "none" then assert(server[decision](server)) end
        local _, last = ends.handshake(client, server)
        assert.are.equal(decision ~= "sslRefuse", last == 1)
      end
    end)

    for _, kind in ipairs { "tickets", "the cache" } do
      local function contexts(identity)
        local server = ends.serverContext { method = version, verify = PEER | FAIL, setup = function(context)
          if kind == "the cache" then context:setOptions(scissl.SSL_OP_NO_TICKET) end
        end }
        return ends.clientContext { method = version, identity = identity }, server
      end

      it("decides anew about a client that comes again, by " .. kind, function()
        local client_context, server_context = contexts(pki.selfSignedClient)
        local session
        for _ = 1, 2 do
          local client, server = suspended { client = client_context, server = server_context, session = session }
          assert.are.equal(pki.selfSignedClient.certificate, server:sslVerdict().chain[1])
          server:sslApprove()
          done(client, server)
          session = client:getSession()
        end
      end)

      it("refuses a client that resumes, with an alert, by " .. kind, function()
        local client_context, server_context = contexts(pki.client)
        local first, server = suspended { client = client_context, server = server_context }
        done(first, server)
        local client
        client, server = suspended { client = client_context, server = server_context, session = first:getSession() }
        assert.is_true(server:sslVerdict().resumed)
        server:sslRefuse "access_denied"
        assert.are.equal("refused", server:sslAccept():condition())
        assert.are.equal("access_denied", alert_at(client, server, version))
      end)

      it("lets a client resume, by " .. kind, function()
        local client_context, server_context = contexts(pki.client)
        local first, server = suspended { client = client_context, server = server_context }
        done(first, server)
        local client
        client, server = suspended { client = client_context, server = server_context, session = first:getSession() }
        done(client, server)
        assert.is_true(client:isSessionReused())
      end)
    end

    it("tells in scissl.listen { onVerify = … } who comes in", function()
      local pin = pki.selfSignedClient.certificate:spkiPin()
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, version = version, waiter = "coroutine", timeout = 10,
        certificate = pki.server.certificate, privateKey = pki.server.key,
        ca = pki.ca.certificate, verify = "require",
        onVerify = function(_, verdict)
          if verdict.chain[1]:spkiPin() == pin then return true end
          return false, "access_denied", "another key"
        end,
      })
      local _, port = listener:getSockName()
      local function meet(identity)
        local results = ends.run(function() return listener:accept(10) end, function()
          local stream, failure = scissl.connect {
            host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = 10,
            certificate = identity.certificate, privateKey = identity.key,
          }
          if not stream then return nil, failure end
          local _, read_failure = stream:read(1)
          return nil, read_failure
        end)
        if results[1][1] then return results[1][1] end
        return results[1][2], results[2][2]
      end
      assert.are.equal("SciSslError", getmetatable((meet(pki.client))).__name)
      local refused, failure = meet(pki.client)
      assert.are.equal("refused", refused:condition())
      assert.are.equal("access_denied", (failure:alert()))
    end)
  end)
end

describe("A client whose certificate was approved, TLSv1.2,", function()
  it("shows it again when keys are negotiated anew", function()
    local client, server = ends.pair {
      version = "TLSv1.2", transport = "memory",
      client = { identity = pki.selfSignedClient, setup = function(context)
        context:clearOptions(scissl.SSL_OP_NO_RENEGOTIATION)
      end },
      server = { verify = PEER | FAIL, setup = function(context)
        context:clearOptions(scissl.SSL_OP_NO_RENEGOTIATION)
      end },
    }
    server:sslSuspendAt "verify"
    ends.handshake(client, server)
    server:sslApprove()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal(1, server:sslRenegotiate())
    for _ = 1, 4 do
      ends.shuttle(client, server)
      client:sslRead()
      ends.shuttle(client, server)
      server:sslRead()
    end
    assert.are.equal(5, client:sslWrite "hello")
    assert.are.equal("hello", ends.read(server, client))
    assert.are.equal(pki.selfSignedClient.certificate, server:peerCertificate())
  end)
end)

describe("A list of revoked certificates", function()
  it("is looked into before the caller decides", function()
    local client, server = ends.pair {
      version = "TLSv1.2", client = { identity = pki.client },
      server = { verify = PEER | FAIL, setup = function(context)
        assert(context:addCrl(crl.make { revoked = { pki.client } }))
        context:setVerifyFlags "crl_check"
      end },
    }
    server:sslSuspendAt "verify"
    ends.handshake(client, server)
    assert.are.equal(scissl.X509_V_ERR_CERT_REVOKED, server:sslVerdict().code)
    assert.are.equal("certificate_revoked", (server:sslAccept():alert()))
    assert.are.equal("certificate_revoked", (client:sslConnect():alert()))
  end)
end)
