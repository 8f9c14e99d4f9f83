-- SciSslX509Certificate: what a certificate is good for, whom it names, and whether it verifies.
local scissl = require "scissl"
local certificates = require "spec.support.certificates"
local judge = require "spec.support.judge"
local refusals = require "spec.support.refusals"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local SciSslX509Certificate = scissl.SciSslX509Certificate
local refused = refusals.inPhase

local DAY = 24 * 60 * 60

local key, ca_key, ca = certificates.key, certificates.caKey, certificates.ca
local leaf = certificates.leaf
local issue, signed = certificates.issue, certificates.signed
local made_by_openssl, changed = certificates.byOpenssl, certificates.changed

describe("SciSslX509Certificate's usage", function()
  local every = { "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
    "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly" }

  it("is answered by name, each one", function()
    for _, name in ipairs(every) do
      assert.are.same({ name }, made_by_openssl("keyUsage=" .. name .. "\n"):keyUsage())
    end
    assert.are.same(every, made_by_openssl("keyUsage=" .. table.concat(every, ",") .. "\n"):keyUsage())
  end)

  it("is answered by name or numbers, the extended one", function()
    local certificate = made_by_openssl("extendedKeyUsage=serverAuth,clientAuth,codeSigning,1.2.3.4\n")
    assert.are.same({ "serverAuth", "clientAuth", "codeSigning", "1.2.3.4" }, certificate:extendedKeyUsage())
  end)

  it("is nil where the certificate does not restrict it", function()
    local certificate = made_by_openssl("basicConstraints=CA:FALSE\n")
    assert.are.equal(1, select("#", certificate:keyUsage()))
    assert.is_nil(certificate:keyUsage())
    assert.is_nil(certificate:extendedKeyUsage())
  end)

  it("is an error where the extension is malformed", function()
    refused("malformed_extension", "load", made_by_openssl("keyUsage=DER:04:00\n"):keyUsage())
    refused("malformed_extension", "load", made_by_openssl("extendedKeyUsage=DER:04:00\n"):extendedKeyUsage())
  end)

  it("tells authorities", function()
    assert.is_true(ca:isCa())
    assert.is_false(leaf:isCa())
    assert.is_true(made_by_openssl("basicConstraints=critical,CA:TRUE,pathlen:0\n"):isCa())
    assert.is_false(made_by_openssl("subjectKeyIdentifier=hash\n"):isCa())
    assert.is_false(made_by_openssl("basicConstraints=DER:04:00\n"):isCa())
  end)
end)

describe("SciSslX509Certificate:matches…", function()
  it("Host: names and wildcards of one label", function()
    assert.is_true(leaf:matchesHost("localhost"))
    assert.is_true(leaf:matchesHost("LOCALHOST"))
    assert.is_true(leaf:matchesHost("a.example.com"))
    for _, name in ipairs { "", "example.com", "a.b.example.com", "localhost.evil", "127.0.0.1", "*", "xlocalhost" } do
      assert.is_false(leaf:matchesHost(name), name)
    end
  end)

  it("Host: no wildcard for a part of a label", function()
    local certificate = issue { subject = "CN=x", names = { "w*.example.com" } }
    assert.is_false(certificate:matchesHost("www.example.com"))
  end)

  it("Host: no name with a NUL byte, on either side", function()
    local certificate = changed(issue { subject = "CN=x", names = { "good.example.evil.com" } },
      "good.example.evil.com", "good.example\0evil.com")
    assert.is_false(certificate:matchesHost("good.example"))
    assert.error_matches(function() certificate:matchesHost("good.example\0evil.com") end, "NUL")
    assert.error_matches(function() certificate:matchesHost("good.example\0") end, "NUL")
  end)

  it("Ip: addresses in any spelling", function()
    assert.is_true(leaf:matchesIp("127.0.0.1"))
    assert.is_true(leaf:matchesIp("::1"))
    assert.is_true(leaf:matchesIp("0:0:0:0:0:0:0:1"))
    assert.is_false(leaf:matchesIp("127.0.0.2"))
    assert.is_false(leaf:matchesIp("::2"))
  end)

  it("Ip: an error for what is no address", function()
    for _, text in ipairs { "", "localhost", "127.0.0", "127.0.0.256", ":::" } do
      refused("malformed_name", "match", leaf:matchesIp(text))
    end
    assert.error_matches(function() leaf:matchesIp("127.0.0.1\0") end, "bad argument #1 to 'matchesIp'")
  end)

  it("Email: addresses", function()
    assert.is_true(leaf:matchesEmail("me@example.com"))
    for _, text in ipairs { "", "you@example.com", "example.com", "me" } do
      assert.is_false(leaf:matchesEmail(text))
    end
    assert.error_matches(function() leaf:matchesEmail("me@example.com\0") end, "bad argument #1 to 'matchesEmail'")
  end)

  it("Key: the one it was issued for", function()
    assert.is_true(leaf:matchesKey(key))
    assert.is_false(leaf:matchesKey(ca_key))
    assert.is_false(leaf:matchesKey(assert(SciSslPrivateKey.generate("Ed25519"))))
    assert.error_matches(function() leaf:matchesKey(leaf) end, "bad argument #1 to 'matchesKey'")
  end)
end)

describe("SciSslX509Certificate:isSelfSigned", function()
  it("is true for its own issuer, with the right signature alone", function()
    assert.is_true(ca:isSelfSigned())
    assert.is_false(leaf:isSelfSigned())
    local der = ca:toDer()
    local broken = der:sub(1, -2) .. string.char(der:byte(-1) ~ 1)
    assert.is_false(assert(SciSslX509Certificate.fromDer(broken)):isSelfSigned())
  end)
end)

describe("SciSslX509Certificate:verify", function()
  local middle_key = assert(SciSslPrivateKey.generate("EC"))
  local middle = signed { subject = "CN=middle", ca = true, key = middle_key, issuer = ca }
  local far = assert(SciSslX509Certificate.issue {
    subject = "CN=far", key = key, issuer = middle, issuerKey = middle_key, extendedUsage = { "serverAuth" } })

  local function failed(result, ...)
    local ok, err = ...
    assert.is_nil(ok)
    assert.are.equal("verify", err:phase())
    assert.are.equal(result, (err:verifyResult()))
    return err
  end

  it("is true under a trusted authority, says openssl verify, too", function()
    assert.is_true(leaf:verify { ca })
    local output, success = judge.openssl("verify -x509_strict -CAfile %s %s", judge.file(ca:toPem()),
      judge.file(leaf:toPem()))
    assert.is_true(success, output)
  end)

  it("is true with the intermediates that are needed, and not without", function()
    assert.is_true(far:verify({ ca }, { intermediates = { leaf, middle } }))
    failed(20, far:verify { ca })
    local output, success = judge.openssl("verify -x509_strict -CAfile %s -untrusted %s %s", judge.file(ca:toPem()),
      judge.file(middle:toPem()), judge.file(far:toPem()))
    assert.is_true(success, output)
  end)

  it("never trusts an intermediate", function()
    failed(20, far:verify({}, { intermediates = { middle } }))
    failed(19, far:verify({}, { intermediates = { middle, ca } }))
  end)

  it("is an error with the verify result behind it", function()
    local err = failed(20, leaf:verify {})
    assert.are.equal("certificate_unknown_issuer", err:condition())
    assert.are.equal("certificate_self_signed", failed(18, ca:verify {}):condition())
  end)

  it("finds a wrong signature", function()
    local der = leaf:toDer()
    local broken = assert(SciSslX509Certificate.fromDer(der:sub(1, -2) .. string.char(der:byte(-1) ~ 1)))
    failed(7, broken:verify { ca })
  end)

  it("finds that the issuer is no authority", function()
    local fake = assert(SciSslX509Certificate.issue { subject = "CN=fake", key = key, issuer = leaf, issuerKey = key })
    failed(79, fake:verify({ ca }, { intermediates = { leaf } }))
  end)

  it("judges the dates, now or at another time", function()
    local certificate = signed { subject = "CN=x", issuer = ca, notAfter = os.time() - DAY }
    assert.are.equal("certificate_expired", failed(10, certificate:verify { ca }):condition())
    local early = signed { subject = "CN=x", issuer = ca, notBefore = os.time() + DAY }
    assert.are.equal("certificate_not_yet_valid", failed(9, early:verify { ca }):condition())
    assert.is_true(early:verify({ ca }, { time = os.time() + 2 * DAY }))
    local known, verified, failure = pcall(leaf.verify, leaf, { ca }, { time = 1 << 33 })
    if known then failed(10, verified, failure) -- else time_t has 32 bits
    else assert.truthy(verified:find("too late for this system", 1, true)) end
    failed(9, leaf:verify({ ca }, { time = -1 }))
  end)

  it("judges the purpose", function()
    assert.is_true(far:verify({ ca }, { intermediates = { middle }, purpose = "sslserver" }))
    failed(26, far:verify({ ca }, { intermediates = { middle }, purpose = "sslclient" }))
    local err = refused("unknown_purpose", "verify", far:verify({ ca }, { purpose = "no-such" }))
    assert.are.equal("no-such", err:subject())
  end)

  it("trusts what is not its own issuer only when asked to", function()
    failed(20, leaf:verify { leaf })
    assert.is_true(leaf:verify({ leaf }, { partialChain = true }))
    failed(2, far:verify { middle })
    assert.is_true(far:verify({ middle }, { partialChain = true }))
  end)

  it("raises for what is not a list of certificates", function()
    assert.error_matches(function() leaf:verify() end, "bad argument #1 to 'verify'")
    assert.error_matches(function() leaf:verify(ca) end, "bad argument #1 to 'verify'")
    assert.error_matches(function() leaf:verify { ca, key } end, "bad argument #1 to 'verify'")
    assert.error_matches(function() leaf:verify({ ca }, { intermediates = { 1 } }) end, "bad argument #2 to 'verify'")
    assert.error_matches(function() leaf:verify({ ca }, { intermediates = ca }) end, "bad argument #2 to 'verify'")
  end)

  it("raises for unknown options, by name, and for wrong types", function()
    assert.error_matches(function() leaf:verify({ ca }, { porpoise = "sslserver" }) end, "porpoise")
    assert.error_matches(function() leaf:verify({ ca }, { time = "soon" }) end, "'time'")
    assert.error_matches(function() leaf:verify({ ca }, { purpose = 1 }) end, "'purpose'")
    assert.error_matches(function() leaf:verify({ ca }, { partialChain = 1 }) end, "'partialChain'")
    assert.error_matches(function() leaf:verify({ ca }, { "sslserver" }) end, "bad argument #2 to 'verify'")
    assert.error_matches(function() leaf:verify({ ca }, 42) end, "bad argument #2 to 'verify'")
  end)

  it("is not misled by options that close what is verified", function()
    local closing = assert(SciSslX509Certificate.fromPem(ca:toPem()))
    local options = setmetatable({}, { __index = function() closing:close() end })
    assert.error_matches(function() leaf:verify({ closing }, options) end, "bad argument #1 to 'verify'")
  end)
end)
