-- OCSP: stapling both ways, judging responses, and making them.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslOcsp = scissl.SciSslOcsp
local refused, failed = refusals.refused, refusals.failed
local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local HOUR = 3600

local function response(fields)
  local all = {
    certificate = pki.server.certificate, issuer = pki.ca.certificate, key = pki.ca.key,
    thisUpdate = os.time() - HOUR, nextUpdate = os.time() + HOUR,
  }
  for name, value in pairs(fields or {}) do all[name] = value end
  return assert(SciSslOcsp.response(all))
end

local function check(der, fields)
  local all = { certificate = pki.server.certificate, issuer = pki.ca.certificate }
  for name, value in pairs(fields or {}) do all[name] = value end
  return SciSslOcsp.check(der, all)
end

local delegate = pki.issue { subject = "CN=responder", extendedUsage = { "OCSPSigning" } }

describe("SciSslOcsp.check", function()
  it("tells of a good certificate", function()
    local now = os.time()
    local verdict = assert(check(response { thisUpdate = now - 10, nextUpdate = now + 10 }))
    assert.are.equal("good", verdict.status)
    assert.are.same({ now - 10, now + 10 }, { verdict.thisUpdate, verdict.nextUpdate })
    assert.is_true(verdict.producedAt >= now)
    assert.are.equal(pki.server.certificate:serial(), verdict.serial)
    assert.is_nil(verdict.reason)
    assert.is_nil(verdict.revocationTime)
  end)

  it("tells when and why a certificate was revoked", function()
    local verdict = assert(check(response { status = "revoked", reason = "keyCompromise", revocationTime = 1e9 // 1 }))
    assert.are.same({ "revoked", "keyCompromise", 1000000000 },
      { verdict.status, verdict.reason, verdict.revocationTime })
  end)

  it("tells of a revocation without a reason", function()
    local verdict = assert(check(response { status = "revoked" }))
    assert.are.equal("revoked", verdict.status)
    assert.is_nil(verdict.reason)
  end)

  it("tells that the issuer does not know the certificate", function()
    assert.are.equal("unknown", assert(check(response { status = "unknown" })).status)
  end)

  it("finds a certificate by another digest", function()
    assert.are.equal("good", assert(check(response { digest = "SHA256" })).status)
  end)

  it("takes the word of somebody whom the issuer has named for it", function()
    assert.are.equal("good", assert(check(response { signer = delegate.certificate, key = delegate.key })).status)
  end)

  it("does not take the word of another certificate of the issuer", function()
    refused("ocsp_untrusted", "ocsp", nil,
      check(response { signer = pki.client.certificate, key = pki.client.key }))
  end)

  it("does not take the word of a stranger's responder", function()
    local stranger = pki.issue { subject = "CN=responder", extendedUsage = { "OCSPSigning" }, issuer = pki.otherCa }
    refused("ocsp_untrusted", "ocsp", nil, check(response { signer = stranger.certificate, key = stranger.key }))
  end)

  it("does not take the word of another issuer of the same name", function()
    local twin = pki.issue { subject = "CN=scissl test authority", ca = true, issuer = false }
    refused("ocsp_untrusted", "ocsp", nil,
      check(response { issuer = twin.certificate, key = twin.key }))
  end)

  it("does not take the word of a responder whose certificate has expired", function()
    local past = os.time() - 10 * HOUR
    local ca = pki.issue { subject = "CN=old authority", ca = true, issuer = false, notBefore = past }
    local leaf = pki.issue { subject = "CN=leaf", issuer = ca }
    local old = pki.issue { subject = "CN=responder", extendedUsage = { "OCSPSigning" }, issuer = ca,
      notBefore = past, notAfter = os.time() - HOUR }
    local der = response { certificate = leaf.certificate, issuer = ca.certificate, signer = old.certificate,
      key = old.key, thisUpdate = past }
    local question = { certificate = leaf.certificate, issuer = ca.certificate }
    refused("ocsp_untrusted", "ocsp", nil, check(der, question))
    question.at = os.time() - 2 * HOUR
    assert.are.equal("good", assert(check(der, question)).status)
  end)

  it("refuses a response about another certificate", function()
    refused("ocsp_other_certificate", "ocsp", nil, check(response { certificate = pki.client.certificate }))
  end)

  it("refuses one that has expired, but for the skew", function()
    local der = response { nextUpdate = os.time() - 60 }
    assert(check(der))
    refused("ocsp_expired", "ocsp", nil, check(der, { skew = 5 }))
    refused("ocsp_expired", "ocsp", nil, check(der, { at = os.time() + 9 * HOUR }))
  end)

  it("refuses one from the future, but for the skew", function()
    local der = response { thisUpdate = os.time() + 60 }
    assert(check(der))
    refused("ocsp_not_yet_valid", "ocsp", nil, check(der, { skew = 5 }))
  end)

  it("lets one count for a day that does not say when the next will come", function()
    local function without_end(age)
      return assert(SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
        key = pki.ca.key, thisUpdate = os.time() - age })
    end
    assert.is_nil(assert(check(without_end(23 * HOUR))).nextUpdate)
    refused("ocsp_expired", "ocsp", nil, check(without_end(25 * HOUR)))
  end)

  it("refuses one that ends before it begins", function()
    refused("malformed_ocsp", "ocsp", nil,
      check(response { thisUpdate = os.time(), nextUpdate = os.time() - 60 }))
  end)

  it("tells what a responder said that has nothing to say", function()
    for _, outcome in ipairs { "malformedRequest", "internalError", "tryLater", "sigRequired", "unauthorized" } do
      local der = assert(SciSslOcsp.response { outcome = outcome })
      assert.are.same({ outcome = outcome }, SciSslOcsp.parse(der))
      assert.are.equal(outcome, refused("ocsp_unsuccessful", "ocsp", nil, check(der)):message())
    end
  end)

  it("refuses garbage, empty and truncated responses, and bytes behind the end", function()
    local der = response()
    for _, bad in ipairs { "", "\0", "garbage", der:sub(1, -2), der:sub(1, 40), der .. "\0", ("x"):rep(100000) } do
      refused("malformed_ocsp", "ocsp", nil, check(bad))
      refused("malformed_ocsp", "ocsp", nil, SciSslOcsp.parse(bad))
    end
  end)

  it("takes none where a bit was flipped", function()
    local der = response()
    for i = 1, #der do
      local flipped = der:sub(1, i - 1) .. string.char(der:byte(i) ~ 1) .. der:sub(i + 1)
      local verdict, err = check(flipped)
      if verdict then
        -- The outer object identifier's own bytes and parameters of the algorithm are not all signed.
        assert.are.equal("good", verdict.status)
        assert.are.equal(pki.server.certificate:serial(), verdict.serial)
      else refusals.check(err) end
    end
  end)

  it("raises for wrong arguments", function()
    local good = { certificate = pki.server.certificate, issuer = pki.ca.certificate }
    assert.error_matches(function() SciSslOcsp.check(nil, good) end, "bad argument #1 to 'check'")
    assert.error_matches(function() SciSslOcsp.check("x", { certificate = pki.server.certificate }) end,
      "bad argument #2 to 'check'")
    assert.error_matches(function() SciSslOcsp.check("x", { certificate = 1, issuer = pki.ca.certificate }) end,
      "bad argument #2 to 'check'")
    for name, value in pairs { at = "now", skew = 1.5, verfiy = true } do
      good[name] = value
      assert.error_matches(function() SciSslOcsp.check("x", good) end, "bad argument #2 to 'check'")
      good[name] = nil
    end
    assert.error_matches(function() SciSslOcsp.check("x", { certificate = pki.server.certificate,
      issuer = pki.ca.certificate, at = math.maxinteger }) end, "bad argument #2 to 'check'")
  end)
end)

describe("SciSslOcsp.parse", function()
  it("tells all that a response says", function()
    local parsed = assert(SciSslOcsp.parse(response { signer = delegate.certificate, key = delegate.key }))
    assert.are.equal("successful", parsed.outcome)
    assert.are.equal("CN=responder", parsed.responderName)
    assert.are.same({ delegate.certificate }, parsed.certificates)
    assert.are.equal(1, #parsed.responses)
    assert.are.equal("good", parsed.responses[1].status)
    assert.are.equal("SHA1", parsed.responses[1].digest)
  end)
end)

describe("SciSslOcsp.response", function()
  it("refuses a key that is not the signer's", function()
    refused("key_mismatch", "issue", nil, SciSslOcsp.response { certificate = pki.server.certificate,
      issuer = pki.ca.certificate, key = pki.client.key })
  end)

  it("refuses dates that ASN.1 cannot say", function()
    refused("invalid_option", "issue", nil, SciSslOcsp.response { certificate = pki.server.certificate,
      issuer = pki.ca.certificate, key = pki.ca.key, nextUpdate = 1 << 39 })
  end)

  it("raises for wrong options", function()
    for name, value in pairs { status = "fine", reason = "boredom", outcome = "lost", digest = "SHA0", key = "k",
      signer = 1, thisUpdate = "x", nextUpdate = 1 << 50, statuss = "good" } do
      local fields = { certificate = pki.server.certificate, issuer = pki.ca.certificate, key = pki.ca.key }
      fields[name] = value
      assert.error_matches(function() SciSslOcsp.response(fields) end, "bad argument #1 to 'response'")
    end
  end)

  it("signs with Ed25519 and RSA, too #slow", function()
    for _, algorithm in ipairs { "Ed25519", "RSA" } do
      local ca = pki.issue { subject = "CN=" .. algorithm, ca = true, issuer = false,
        key = assert(scissl.SciSslPrivateKey.generate(algorithm)) }
      local leaf = pki.issue { subject = "CN=leaf", issuer = ca }
      local der = response { certificate = leaf.certificate, issuer = ca.certificate, key = ca.key }
      assert.are.equal("good", assert(check(der, { certificate = leaf.certificate, issuer = ca.certificate })).status)
    end
  end)
end)

describe("SciSslOcsp with openssl ocsp", function()
  local function openssl(arguments)
    local pipe = assert(io.popen("env -u LD_PRELOAD openssl ocsp " .. arguments .. " 2>&1"))
    local output = pipe:read("a")
    return output, pipe:close()
  end

  it("makes requests that it reads", function()
    local path = pki.write(assert(SciSslOcsp.request(pki.server.certificate, pki.ca.certificate)))
    local output = openssl("-reqin " .. path .. " -req_text")
    assert.truthy(output:find("Serial Number: " .. pki.server.certificate:serial(), 1, true), output)
    assert.truthy(output:find("Hash Algorithm: sha1", 1, true), output)
    path = pki.write(assert(SciSslOcsp.request(pki.server.certificate, pki.ca.certificate, "SHA256")))
    assert.truthy(openssl("-reqin " .. path .. " -req_text"):find("Hash Algorithm: sha256", 1, true))
  end)

  it("raises for wrong arguments of a request", function()
    assert.error_matches(function() SciSslOcsp.request(pki.server.certificate) end, "bad argument #2 to 'request'")
    assert.error_matches(function() SciSslOcsp.request(pki.server.certificate, pki.ca.certificate, "SHA0") end,
      "bad argument #3 to 'request'")
  end)

  it("makes responses that it believes", function()
    local path = pki.write(response { status = "revoked", reason = "superseded" })
    local output = openssl(("-respin %s -issuer %s -cert %s -CAfile %s"):format(path, pki.ca.certificateFile,
      pki.server.certificateFile, pki.ca.certificateFile))
    assert.truthy(output:find("Response verify OK", 1, true), output)
    assert.truthy(output:find("revoked", 1, true), output)
    assert.truthy(output:find("Reason: superseded", 1, true), output)
  end)

  it("believes the responses that it makes", function()
    local request = pki.write(assert(SciSslOcsp.request(pki.server.certificate, pki.ca.certificate)))
    local index = pki.write(("V\t491231235959Z\t\t%s\tunknown\t/CN=localhost\n"):format(
      pki.server.certificate:serial()))
    local out = pki.folder() .. "/made.ocsp"
    local output = openssl(("-index %s -reqin %s -rsigner %s -rkey %s -CA %s -ndays 1 -respout %s"):format(index,
      request, pki.ca.certificateFile, pki.ca.keyFile, pki.ca.certificateFile, out))
    local file <close> = assert(io.open(out, "rb"), output)
    local verdict = assert(check(file:read("a")))
    assert.are.equal("good", verdict.status)
    assert.is_true(verdict.nextUpdate > os.time())
  end)
end)

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
      local err = bad("ocsp_untrusted", "require", response { certificate = twin.certificate,
        issuer = pki.otherCa.certificate, key = pki.otherCa.key })
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
      good("require", response { certificate = own.certificate, issuer = own.certificate, key = own.key },
        { identity = own, trust = own })
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
