-- OCSP stapling, both ways.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local ocsp = require "spec.support.ocsp"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslOcsp = scissl.SciSslOcsp
local refused, failed = refusals.refused, refusals.failed
local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local HOUR = 3600
local response, delegate = ocsp.response, ocsp.delegate

-- A certificate that says it comes with a response.
local function must_staple()
  local request, extensions = pki.write(""), pki.write("tlsfeature=status_request\nsubjectAltName=DNS:localhost\n")
  local path = pki.folder() .. "/staple.pem"
  assert(os.execute(("unset LD_PRELOAD; exec 2>/dev/null; openssl req -new -key %s -subj /CN=localhost -out %s && "
    .. "openssl x509 -req -in %s -CA %s -CAkey %s "
    .. "-set_serial 77 -days 1 -extfile %s -out %s"):format(pki.server.keyFile, request, request,
    pki.ca.certificateFile, pki.ca.keyFile, extensions, path)))
  return { certificate = assert(scissl.SciSslX509Certificate.fromPemFile(path)), key = pki.server.key }
end

for _, version in ipairs(VERSIONS) do
  local function pair(policy, der, options)
    options = options or {}
    return ends.pair {
      version = version,
      transport = options.transport,
      client = { verify = options.verify, trust = options.trust, setup = function(context)
        if policy then assert(context:setOcspPolicy(policy)) end
      end },
      server = { identity = options.identity, setup = function(context)
        if der then assert(context:setOcspResponse(der)) end
      end },
    }
  end

  local function good(...)
    local client, server = pair(...)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    return client, server
  end

  local function bad(condition, ...)
    local client, server = pair(...)
    local client_answer, server_answer = ends.handshake(client, server)
    failed(condition, "connect", client_answer)
    assert.are.same({ "bad_certificate_status_response", "sent", 113 }, { client_answer:alert() })
    if server_answer == 1 then server_answer = ends.read(server, client) end
    assert.are.same({ "bad_certificate_status_response", "received", 113 }, { server_answer:alert() })
    return client_answer
  end

  -- Servers of OpenSSL 3.6 and later look at responses themselves: they send none about another certificate, and none
  -- for one that is self-signed. spec/interop/stapling_spec.lua has servers that do.
  local function is_sent(der, options)
    return good("request", der, options):ocspResponse() == der
  end

  describe("Stapling, " .. version, function()
    it("hands the server's response to a client that asks, byte by byte", function()
      for _, transport in ipairs { "pair", "memory" } do
        local der = response()
        local client, server = good("request", der, { transport = transport })
        assert.are.equal(der, client:ocspResponse())
        assert.is_nil(server:ocspResponse())
        assert.are.equal("good", assert(client:sslVerifyOcsp()).status)
      end
    end)

    it("shows the response to a client that verifies the server itself, as soon as it has come", function()
      local der = response()
      local client, server = pair("request", der)
      assert(client:sslSuspendAt "verify")
      local answer = ends.handshake(client, server)
      assert.are.equal(scissl.SSL_ERROR_WANT_RETRY_VERIFY, client:sslGetError(answer))
      if version == "TLSv1.3" then
        assert.are.equal(der, client:ocspResponse())
        assert.are.equal("good", assert(client:sslVerifyOcsp()).status)
      else assert.is_nil(client:ocspResponse()) end -- the message comes behind the certificate
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(der, client:ocspResponse())
    end)

    it("says nothing to a client that does not ask", function()
      local client = good(nil, response())
      assert.is_nil(client:ocspResponse())
      refused("ocsp_missing", "ocsp", nil, client:sslVerifyOcsp())
    end)

    it("goes on without a response where it is only asked for", function()
      local client = good("request")
      assert.is_nil(client:ocspResponse())
      refused("ocsp_missing", "ocsp", nil, client:sslVerifyOcsp())
    end)

    it("goes on with one that does not count where it is only asked for", function()
      local client = good("request", response { nextUpdate = os.time() - HOUR })
      assert.truthy(client:ocspResponse())
      refused("ocsp_expired", "ocsp", nil, client:sslVerifyOcsp())
      assert.are.equal("good", assert(client:sslVerifyOcsp { skew = 2 * HOUR }).status)
      client = good("request", response())
      refused("ocsp_expired", "ocsp", nil, client:sslVerifyOcsp { at = os.time() + 2 * HOUR })
    end)

    it("does not go on with a certificate that its issuer has revoked", function()
      for _, policy in ipairs { "request", "require" } do
        bad("certificate_revoked", policy, response { status = "revoked" })
      end
    end)

    it("insists on a good response where told so", function()
      good("require", response())
      good("require", response { signer = delegate.certificate, key = delegate.key })
    end)

    it("insists on a response", function() bad("ocsp_missing", "require") end)

    it("insists on a current one", function()
      bad("ocsp_expired", "require", response { nextUpdate = os.time() - HOUR })
      bad("ocsp_not_yet_valid", "require", response { thisUpdate = os.time() + HOUR / 2 // 1 })
    end)

    it("insists on one by the issuer", function()
      bad("ocsp_untrusted", "require", response { signer = pki.client.certificate, key = pki.client.key })
    end)

    it("insists on a certificate that the issuer knows", function()
      bad("ocsp_unknown", "require", response { status = "unknown" })
    end)

    it("insists on one for this issuer's certificate of that serial number", function()
      local twin = pki.issue { subject = "CN=twin", serial = pki.server.certificate:serial(), issuer = pki.otherCa }
      local der = response { certificate = twin.certificate, issuer = pki.otherCa.certificate, key = pki.otherCa.key }
      local err = bad(is_sent(der) and "ocsp_untrusted" or "ocsp_missing", "require", der)
      assert.truthy(err:errorHint():find("OCSP", 1, true))
    end)

    it("leaves a response out that is about another certificate", function()
      assert.is_nil(good("request", response { certificate = pki.client.certificate }):ocspResponse())
    end)

    it("insists where the certificate does (must-staple)", function()
      local identity = must_staple()
      bad("ocsp_missing", "request", nil, { identity = identity })
      good("request", response { certificate = identity.certificate }, { identity = identity })
      good(nil, nil, { identity = identity })
    end)

    it("finds the issuer of a self-signed certificate", function()
      local own = pki.selfSigned
      local der = response { certificate = own.certificate, issuer = own.certificate, key = own.key }
      local options = { identity = own, trust = own }
      if is_sent(der, options) then good("require", der, options) else bad("ocsp_missing", "require", der, options) end
    end)

    it("cannot judge where the issuer is not known", function()
      local options = { identity = pki.strangeServer, verify = scissl.SSL_VERIFY_NONE }
      local der = response { certificate = pki.strangeServer.certificate, issuer = pki.otherCa.certificate,
        key = pki.otherCa.key }
      bad("ocsp_no_issuer", "require", der, options)
      refused("ocsp_no_issuer", "ocsp", nil, good("request", der, options):sslVerifyOcsp())
    end)

    it("resumes no session where a good response is required", function()
      local server_context = ends.serverContext { method = version,
        setup = function(context) assert(context:setOcspResponse(response())) end }
      local client, server = ends.connected { client = ends.clientContext { method = version },
        server = server_context }
      assert(server:sslWrite("x"))
      ends.read(client, server)
      local session = assert(client:getSession())
      for policy, reused in pairs { request = true, require = false } do
        client, server = ends.pair { server = server_context, client = ends.clientContext { method = version,
          setup = function(context) assert(context:setOcspPolicy(policy)) end } }
        assert(client:setSession(session))
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(reused, client:isSessionReused())
      end
    end)

    it("resumes no session with a must-staple certificate that was made without a look at the response", function()
      local server_context = ends.serverContext { method = version, identity = must_staple() }
      local client, server = ends.connected { client = { method = version }, server = server_context }
      assert(server:sslWrite("x"))
      ends.read(client, server)
      local session = assert(client:getSession())
      client, server = ends.pair { server = server_context, client = { method = version, setup = function(context)
        assert(context:setOcspPolicy "request")
      end } }
      assert(client:setSession(session))
      failed("ocsp_missing", "connect", (ends.handshake(client, server)))
    end)

    it("lets a connection have a response of its own", function()
      local client, server = pair("require", response { status = "revoked" })
      assert.are.equal(server, server:sslSetOcspResponse(response()))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      refused("handshake_under_way", "option", nil, server:sslSetOcspResponse(response()))
      client, server = pair("request", response())
      assert(server:sslSetOcspResponse(nil))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_nil(client:ocspResponse())
    end)

    it("takes a response while the handshake is suspended", function()
      for station, code in pairs { clientHello = scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB,
        certificate = scissl.SSL_ERROR_WANT_X509_LOOKUP } do
        local client, server = pair("require")
        assert(server:sslSuspendAt(station))
        local _, answer = ends.handshake(client, server)
        assert.are.equal(code, server:sslGetError(answer))
        assert(server:sslSetOcspResponse(response()))
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal("good", assert(client:sslVerifyOcsp()).status)
      end
    end)

    it("keeps what the context said at sslInitialize (S9)", function()
      local client_context = ends.clientContext { method = version }
      local server_context = ends.serverContext { method = version }
      assert(client_context:setOcspPolicy("request"))
      assert(server_context:setOcspResponse(response()))
      local client, server = ends.pair { client = client_context, server = server_context }
      assert(client_context:setOcspPolicy("none"))
      assert(server_context:setOcspResponse(nil))
      collectgarbage()
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.truthy(client:ocspResponse())
      client, server = ends.connected { client = client_context, server = server_context }
      assert.is_nil(client:ocspResponse())
      server:close()
    end)
  end)
end

describe("The settings of stapling", function()
  local context = scissl.SciSslContext.new()

  it("answer the receiver and the policy", function()
    assert.are.equal("none", context:getOcspPolicy())
    assert.are.equal(context, context:setOcspPolicy("require"))
    assert.are.equal("require", context:getOcspPolicy())
    assert.are.equal(context, context:setOcspPolicy("none"))
  end)

  it("raise for a policy that does not exist", function()
    assert.error_matches(function() context:setOcspPolicy("maybe") end, "bad argument #1 to 'setOcspPolicy'")
    assert.error_matches(function() context:setOcspPolicy() end, "bad argument #1 to 'setOcspPolicy'")
    assert.are.equal("none", context:getOcspPolicy())
  end)

  it("refuse what is no response, and stay as they were", function()
    local good = response()
    local own = ends.serverContext { setup = function(made) assert(made:setOcspResponse(good)) end }
    refused("malformed_ocsp", "option", "OCSP response", own:setOcspResponse("rubbish"))
    refused("malformed_ocsp", "option", "OCSP response", own:setOcspResponse(""))
    refused("malformed_ocsp", "option", "OCSP response", own:setOcspResponse(good:sub(1, -2)))
    refused("malformed_ocsp", "option", "OCSP response", own:setOcspResponse(("\0"):rep(100000)))
    refused("ocsp_unsuccessful", "option", "OCSP response",
      own:setOcspResponse(assert(SciSslOcsp.response { outcome = "tryLater" })))
    assert.error_matches(function() own:setOcspResponse({}) end, "bad argument #1 to 'setOcspResponse'")
    local client, server = ends.pair { server = own, client = ends.clientContext { setup = function(made)
      assert(made:setOcspPolicy("require"))
    end } }
    refused("malformed_ocsp", "option", "OCSP response", server:sslSetOcspResponse("rubbish"))
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal(good, client:ocspResponse())
  end)

  it("refuse before sslInitialize and after close", function()
    local client = ends.pair { initialize = false }
    refused("not_initialized", "option", nil, client:sslSetOcspResponse(response()))
    assert.is_nil(client:ocspResponse())
    client:close()
    refused("closed", "option", nil, client:sslSetOcspResponse(response()))
    assert.is_nil(client:ocspResponse())
    refused("ocsp_missing", "ocsp", nil, client:sslVerifyOcsp())
  end)

  it("raise for options of sslVerifyOcsp that do not exist", function()
    local client, server = ends.connected()
    assert.error_matches(function() client:sslVerifyOcsp { skw = 1 } end, "bad argument #1 to 'sslVerifyOcsp'")
    assert.error_matches(function() client:sslVerifyOcsp { skew = "x" } end, "bad argument #1 to 'sslVerifyOcsp'")
    server:close()
  end)
end)
