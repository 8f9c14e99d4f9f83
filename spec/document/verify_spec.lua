-- Document rows S10 to S16: what each side checks, what it does about the result, and what it says of it.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local PEER, FAIL, ONCE = scissl.SSL_VERIFY_PEER, scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT, scissl.SSL_VERIFY_CLIENT_ONCE
local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local COMBINATIONS = {
  { name = "NONE", flags = scissl.SSL_VERIFY_NONE },
  { name = "PEER", flags = PEER },
  { name = "PEER|FAIL", flags = PEER | FAIL },
  { name = "PEER|ONCE", flags = PEER | ONCE },
  { name = "PEER|FAIL|ONCE", flags = PEER | FAIL | ONCE },
  { name = "FAIL", flags = FAIL, refused = true },
  { name = "ONCE", flags = ONCE, refused = true },
  { name = "FAIL|ONCE", flags = FAIL | ONCE, refused = true },
}

-- What a certificate is worth to a client that asks for localhost: the result; the condition and alert of a refusal.
local SERVER_CERTIFICATES = {
  { name = "good", identity = "server", result = scissl.X509_V_OK },
  { name = "expired", identity = "expired", result = scissl.X509_V_ERR_CERT_HAS_EXPIRED,
    condition = "certificate_expired", alert = "certificate_expired" },
  { name = "not yet valid", identity = "notYetValid", result = scissl.X509_V_ERR_CERT_NOT_YET_VALID,
    condition = "certificate_not_yet_valid", alert = "bad_certificate" },
  { name = "self-signed", identity = "selfSigned", result = scissl.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    condition = "certificate_self_signed", alert = "unknown_ca" },
  { name = "wrong issuer", identity = "strangeServer", result = scissl.X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    or_result = scissl.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    condition = "certificate_unknown_issuer", alert = "unknown_ca" },
  { name = "wrong host", identity = "wrongHost", result = scissl.X509_V_ERR_HOSTNAME_MISMATCH,
    condition = "certificate_wrong_host", alert = "bad_certificate" },
}

-- The same to a server, which asks for no name.
local CLIENT_CERTIFICATES = {
  { name = "good", identity = "client", result = scissl.X509_V_OK },
  { name = "expired", identity = "expiredClient", result = scissl.X509_V_ERR_CERT_HAS_EXPIRED,
    condition = "certificate_expired", alert = "certificate_expired" },
  { name = "self-signed", identity = "selfSignedClient", result = scissl.X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    condition = "certificate_self_signed", alert = "unknown_ca" },
  { name = "wrong issuer", identity = "stranger", result = scissl.X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    or_result = scissl.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    condition = "certificate_unknown_issuer", alert = "unknown_ca" },
}

local function assert_result(expected, socket)
  local code, text = socket:sslVerifyCertificate()
  assert.is_true(code == expected.result or code == expected.or_result,
    ("%s (%s), not %d"):format(code, text, expected.result))
  assert.is_true(#text > 0)
end

local function assert_alerted(name, direction, failure)
  local actual_name, actual_direction = failure:alert()
  assert.same({ name, direction }, { actual_name, actual_direction })
end

local function assert_refusal(expected, failure, phase)
  assert.is_true(scissl.isSslError(failure), tostring(failure))
  assert.equal(expected.condition, failure:condition())
  assert.equal(phase, failure:phase())
  assert_alerted(expected.alert, "sent", failure)
  local code = failure:verifyResult()
  assert.is_true(code == expected.result or code == expected.or_result, tostring(code))
end

-- The alert at the other side, which in TLS 1.3 shows at the first read of a client.
local function assert_alert(name, socket, answer, peer)
  if answer == 1 then answer = ends.read(socket, peer) end
  assert.is_true(scissl.isSslError(answer), tostring(answer))
  assert_alerted(name, "received", answer)
end

for _, version in ipairs(VERSIONS) do
  for _, combination in ipairs(COMBINATIONS) do
    if combination.refused then
      describe("the flags " .. combination.name .. " without PEER (S14), " .. version, function()
        it("are refused by a context, which keeps what it had", function()
          local context = ends.serverContext { method = version, verify = PEER }
          local answer, err = context:setVerify(combination.flags)
          assert.is_nil(answer)
          assert.equal("verify_flags", err:condition())
          assert.truthy(tostring(err):find("SSL_VERIFY_PEER", 1, true))
          assert.equal(PEER, context:getVerify())
        end)

        it("are refused by a socket", function()
          for _, socket in ipairs { ends.pair { version = version } } do
            local answer, err = socket:sslSetVerify(combination.flags)
            assert.is_nil(answer)
            assert.equal("verify_flags", err:condition())
          end
        end)
      end)
    else
      local rows = combination.name == "NONE" and "S10, S16" or "S11, S12, S13, S16"
      describe(("a client with %s (%s), %s"):format(combination.name, rows, version), function()
        for _, case in ipairs(SERVER_CERTIFICATES) do
          local refuses = combination.flags ~= 0 and case.result ~= scissl.X509_V_OK
          it((refuses and "refuses" or "goes on with") .. " a server's certificate: " .. case.name, function()
            local client, server = ends.pair {
              client = { method = version, verify = combination.flags },
              server = { method = version, identity = pki[case.identity] } }
            local client_answer, server_answer = ends.handshake(client, server)
            if refuses then
              assert_refusal(case, client_answer, "connect")
              assert_alert(case.alert, server, server_answer, client)
              assert.is_false(client:isSecure())
            else
              assert.same({ 1, 1 }, { client_answer, server_answer })
              assert.is_true(client:peerCertificate() == pki[case.identity].certificate)
            end
            assert_result(case, client)
            assert.is_nil(server:peerCertificate())
          end)
        end
      end)

      describe(("a server with %s (%s), %s"):format(combination.name, rows, version), function()
        local asks = combination.flags ~= 0
        local insists = combination.flags & FAIL ~= 0

        for _, case in ipairs(CLIENT_CERTIFICATES) do
          local refuses = asks and case.result ~= scissl.X509_V_OK
          local words = not asks and "does not ask for" or refuses and "refuses" or "takes"
          it(words .. " a client's certificate: " .. case.name, function()
            local client, server = ends.pair {
              client = { method = version, identity = pki[case.identity] },
              server = { method = version, trust = pki.ca, verify = combination.flags } }
            local client_answer, server_answer = ends.handshake(client, server)
            if refuses then
              assert_refusal(case, server_answer, "accept")
              assert_alert(case.alert, client, client_answer, server)
              assert_result(case, server)
            else
              assert.same({ 1, 1 }, { client_answer, server_answer })
              if asks then
                assert.is_true(server:peerCertificate() == pki[case.identity].certificate)
                assert_result(case, server)
              else
                assert.is_nil(server:peerCertificate())
                assert.is_nil((server:sslVerifyCertificate()))
              end
            end
          end)
        end

        it((insists and "refuses" or "goes on with") .. " a client that has none (S12, S16)", function()
          local client, server = ends.pair {
            client = { method = version }, server = { method = version, trust = pki.ca, verify = combination.flags } }
          local client_answer, server_answer = ends.handshake(client, server)
          local alert = version == "TLSv1.2" and "handshake_failure" or "certificate_required"
          if insists then
            assert.is_true(scissl.isSslError(server_answer), tostring(server_answer))
            assert.equal("client_certificate_missing", server_answer:condition())
            assert_alerted(alert, "sent", server_answer)
            if version == "TLSv1.3" then assert.equal(1, client_answer) end
            assert_alert(alert, client, client_answer, server)
          else
            assert.same({ 1, 1 }, { client_answer, server_answer })
          end
          local code, text = server:sslVerifyCertificate()
          assert.is_nil(code)
          assert.truthy(text:find("no certificate", 1, true))
        end)
      end)
    end
  end

  describe("sslSetVerify, " .. version, function()
    it("takes the place of what the context said, for that connection alone", function()
      local context = ends.clientContext { method = version, trust = false, verify = PEER }
      local client, server = ends.pair { client = context, version = version }
      assert.equal(client, client:sslSetVerify(scissl.SSL_VERIFY_NONE))
      assert.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.equal(PEER, context:getVerify())
      client, server = ends.pair { client = context, version = version }
      assert.is_true(scissl.isSslError((ends.handshake(client, server))))
    end)

    it("cannot come after the handshake began", function()
      local client = ends.connected { version = version }
      local _, err = client:sslSetVerify(PEER)
      assert.equal("handshake_under_way", err:condition())
    end)
  end)

  describe("sslVerifyCertificate (S16), " .. version, function()
    it("says before the handshake that it has not come so far, and after close that it is closed", function()
      local client, server = ends.pair { version = version, initialize = false }
      for _ = 1, 2 do
        local code, text = client:sslVerifyCertificate()
        assert.is_nil(code)
        assert.truthy(text:find("handshake", 1, true))
        client:sslInitialize()
      end
      client:close()
      local code, text = client:sslVerifyCertificate()
      assert.is_nil(code)
      assert.truthy(text:find("closed", 1, true))
      server:close()
    end)

    it("never calls a missing certificate a success", function()
      local client, server = ends.connected { version = version, server = { trust = pki.ca, verify = PEER } }
      local code, text = server:sslVerifyCertificate()
      assert.is_nil(code)
      assert.is_string(text)
      assert.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
    end)

    it("says of a resumed session what was said of the first one", function()
      local context = ends.serverContext { method = version, identity = pki.strangeServer }
      local careless = ends.clientContext { method = version, verify = scissl.SSL_VERIFY_NONE }
      local client, server = ends.connected { client = careless, server = context }
      assert.equal(2, server:sslWrite "hi")
      ends.read(client, server)
      local first, session = client:sslVerifyCertificate(), client:getSession()
      local again, peer = ends.pair { client = careless, server = context }
      assert(again:setSession(session))
      assert.same({ 1, 1 }, { ends.handshake(again, peer) })
      assert.is_true(again:isSessionReused())
      assert.equal(first, (again:sslVerifyCertificate()))
    end)
  end)
end

describe("SSL_VERIFY_CLIENT_ONCE (S13), TLSv1.2", function()
  -- A full new handshake on the same connection, that the server asks for.
  local function renegotiate(flags)
    local client, server = ends.connected {
      client = { method = "TLSv1.2", identity = pki.client, setup = function(context)
        context:setRenegotiation(true)
      end },
      server = { method = "TLSv1.2", trust = pki.ca, verify = flags, setup = function(context)
        context:setRenegotiation(true)
        context:setOptions(scissl.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION)
      end },
      transport = "memory",
    }
    assert.is_truthy(server:peerCertificate())
    assert.equal(1, server:sslRenegotiate())
    repeat
      client:sslRead()
      server:sslRead()
    until ends.shuttle(client, server) == 0
    assert.equal(2, client:sslWrite "ok")
    assert.equal("ok", ends.read(server, client))
    assert.equal(2, server:sslWrite "ok")
    assert.equal("ok", ends.read(client, server))
    return server:peerCertificate()
  end

  it("asks on the first handshake only", function()
    assert.is_nil(renegotiate(PEER | ONCE))
    assert.is_nil(renegotiate(PEER | ONCE | FAIL))
  end)

  it("without it, asks again on renegotiation", function()
    assert.equal("CN=client", renegotiate(PEER):subject())
    assert.equal("CN=client", renegotiate(PEER | FAIL):subject())
  end)
end)

describe("an anonymous cipher (S15), TLSv1.2", function()
  local function anonymous(context)
    context:setSecurityLevel(0)
    assert(context:setCipherList "aNULL")
  end

  for _, combination in ipairs(COMBINATIONS) do
    if not combination.refused then
      it("lets a client with " .. combination.name .. " go on, since the server sends no certificate", function()
        local client, server = ends.connected {
          client = { method = "TLSv1.2", trust = false, verify = combination.flags, setup = anonymous },
          server = { method = "TLSv1.2", identity = false, setup = anonymous },
        }
        assert.equal("null", client:cipher():authentication())
        assert.is_nil(client:peerCertificate())
        local code, text = client:sslVerifyCertificate()
        assert.is_nil(code)
        assert.truthy(text:find("no certificate", 1, true))
        assert.equal(2, client:sslWrite "ok")
        assert.equal("ok", ends.read(server, client))
      end)
    end
  end

  it("is not taken unless it is asked for", function()
    local client, server = ends.pair {
      client = { method = "TLSv1.2", trust = false },
      server = { method = "TLSv1.2", identity = false, setup = anonymous },
    }
    assert.is_true(scissl.isSslError((ends.handshake(client, server))))
  end)
end)
