-- SciSslOcsp: OCSP responses made, read and checked, and requests.
local scissl = require "scissl"
local ocsp = require "spec.support.ocsp"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"

local SciSslOcsp = scissl.SciSslOcsp
local refused = refusals.refused
local HOUR = 3600
local response, delegate = ocsp.response, ocsp.delegate

local function check(der, fields)
  local all = { certificate = pki.server.certificate, issuer = pki.ca.certificate }
  for name, value in pairs(fields or {}) do all[name] = value end
  return SciSslOcsp.check(der, all)
end

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
    return shell.run("openssl ocsp " .. arguments .. " 2>&1")
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
