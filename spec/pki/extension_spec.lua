-- What a certificate's extensions and names say, and certificates that are made to say it.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslX509Certificate = scissl.SciSslX509Certificate

local function issue(options)
  local given = {
    subject = "CN=made", key = pki.client.key, issuer = pki.ca.certificate, issuerKey = pki.ca.key,
  }
  for name, value in pairs(options) do given[name] = value end
  return SciSslX509Certificate.issue(given)
end

local full = assert(issue {
  subject = "CN=Jos\u{e9},OU=b,OU=a,O=\u{65e5}\u{672c},C=DE",
  ocspUris = { "http://ocsp.example/", "http://ocsp2.example/" }, caIssuerUris = { "http://ca.example/ca.der" },
  crlUris = { "http://ca.example/a.crl", "ldap://ca.example/b" },
  policies = { "2.23.140.1.2.1", "1.3.6.1.4.1.99999.1" },
  extensions = {
    { oid = "1.3.6.1.4.1.99999.2", data = "\4\2hi", critical = false },
    { oid = "tlsfeature", data = "\48\3\2\1\5" },
  },
})

describe("Extensions of a certificate", function()
  it("tell where to ask", function()
    assert.are.same({
      ocsp = { "http://ocsp.example/", "http://ocsp2.example/" }, caIssuers = { "http://ca.example/ca.der" },
    }, full:authorityInfoAccess())
    assert.are.same({ "http://ca.example/a.crl", "ldap://ca.example/b" }, full:crlDistributionPoints())
  end)

  it("tell policies", function()
    assert.are.same({ "2.23.140.1.2.1", "1.3.6.1.4.1.99999.1" }, full:policies())
  end)

  it("tell keys apart", function()
    assert.are.equal(20, #full:subjectKeyId())
    assert.are.equal(pki.ca.certificate:subjectKeyId(), full:authorityKeyId())
    assert.are_not.equal(full:subjectKeyId(), full:authorityKeyId())
  end)

  it("are answered as they are", function()
    local by_oid = {}
    for _, extension in ipairs(full:extensions()) do by_oid[extension.oid] = extension end
    assert.are.same({ oid = "1.3.6.1.4.1.99999.2", critical = false, data = "\4\2hi" }, by_oid["1.3.6.1.4.1.99999.2"])
    assert.are.equal("basicConstraints", by_oid["2.5.29.19"].name)
    assert.are.same({ "\4\2hi", false }, { full:extension "1.3.6.1.4.1.99999.2" })
    assert.are.same({ "\48\3\2\1\5", false }, { full:extension "tlsfeature" })
    assert.is_true(select(2, full:extension "keyUsage"))
    assert.is_nil(full:extension "1.2.3.4")
    assert.error_matches(function() full:extension "" end, "bad argument #1 to 'extension'")
    assert.error_matches(function() full:extension "no such name" end, "bad argument #1 to 'extension'")
    assert.error_matches(function() full:extension "1.2\0" end, "bad argument #1 to 'extension'")
  end)

  it("say nothing where there are none", function()
    local bare = pki.client.certificate
    assert.are.same({ ocsp = {}, caIssuers = {} }, bare:authorityInfoAccess())
    assert.are.same({}, bare:crlDistributionPoints())
    assert.are.same({}, bare:policies())
    assert.are.same({}, bare:signedCertificateTimestamps())
  end)

  it("that are malformed are told as such", function()
    local made = assert(issue { extensions = {
      { oid = "authorityInfoAccess", data = "nonsense" }, { oid = "crlDistributionPoints", data = "\48\2\1\1" },
      { oid = "certificatePolicies", data = "" }, { oid = "ct_precert_scts", data = "\4\3\0\9\1" },
    } })
    refusals.condition("malformed_extension", made:authorityInfoAccess())
    refusals.condition("malformed_extension", made:crlDistributionPoints())
    refusals.condition("malformed_extension", made:policies())
    refusals.condition("malformed_extension", made:signedCertificateTimestamps())
    assert.are.equal("nonsense", (made:extension "authorityInfoAccess"))
  end)

  it("tell what logs of certificate transparency have promised", function()
    -- version, log id, milliseconds, no extensions, SHA-256 with ECDSA, a signature (RFC 6962, section 3.2)
    local sct = "\0" .. ("L"):rep(32) .. string.pack(">I8", 1700000000123) .. "\0\0" .. "\4\3"
      .. string.pack(">s2", "\48\6\2\1\1\2\1\1")
    local list = string.pack(">s2", string.pack(">s2", sct))
    local made = assert(issue {
      extensions = { { oid = "ct_precert_scts", data = string.pack("BB", 4, #list) .. list } },
    })
    local promised = assert(made:signedCertificateTimestamps())
    assert.are.equal(1, #promised)
    assert.are.same({ 1, ("L"):rep(32), "\48\6\2\1\1\2\1\1" },
      { promised[1].version, promised[1].logId, promised[1].signature })
    assert.are.equal(1700000000.123, promised[1].time)
  end)

  it("are read by openssl as they were meant", function()
    local pipe = io.popen("openssl x509 -noout -text -in " .. pki.write(full:toPem()))
    local text = pipe:read "a"
    pipe:close()
    for _, words in ipairs {
      "OCSP - URI:http://ocsp.example/", "CA Issuers - URI:http://ca.example/ca.der", "URI:http://ca.example/a.crl",
      "Policy: 2.23.140.1.2.1", "status_request",
    } do assert.truthy(text:find(words, 1, true), text) end
  end)
end)

describe("Names of a certificate, field by field", function()
  it("keep their order, and are UTF-8", function()
    local fields = {}
    for i, field in ipairs(full:subjectFields()) do fields[i] = field.name .. "=" .. field.value end
    assert.are.same({ "C=DE", "O=\u{65e5}\u{672c}", "OU=a", "OU=b", "CN=Jos\u{e9}" }, fields)
    assert.are.equal("2.5.4.6", full:subjectFields()[1].oid)
    assert.are.equal("scissl test authority", full:issuerFields()[1].value)
  end)

  it("have long names, and the bytes as they are", function()
    local field = full:subjectFields()[5]
    assert.are.equal("commonName", field.longName)
    assert.are.equal("Jos\u{e9}", field.bytes)
  end)
end)

describe("The public key of a certificate", function()
  it("is what openssl makes of it, and so is its pin", function()
    local pem = pki.write(full:publicPem())
    local function output(command)
      local pipe = io.popen(command)
      local bytes = pipe:read "a"
      pipe:close()
      return bytes
    end
    local der = output("openssl pkey -pubin -outform DER -in " .. pem)
    assert.are.equal(der, full:publicDer())
    local pin = output(("openssl pkey -pubin -outform DER -in %s | openssl dgst -sha256 -binary | openssl base64 -A")
      :format(pem))
    assert.are.equal("sha256//" .. pin, full:spkiPin())
  end)

  it("keeps its pin in another certificate", function()
    assert.are.equal(full:spkiPin(), assert(issue { subject = "CN=other" }):spkiPin())
    assert.are_not.equal(full:spkiPin(), pki.server.certificate:spkiPin())
  end)

  it("tells the digest of the signature", function()
    assert.are.equal("SHA256", full:signatureDigest())
    assert.are.equal("SHA512", assert(issue { digest = "SHA512" }):signatureDigest())
    local key = assert(scissl.SciSslPrivateKey.generate "Ed25519")
    local own = assert(SciSslX509Certificate.issue { subject = "CN=own", key = key })
    assert.is_nil(own:signatureDigest())
  end)
end)

describe("SciSslX509Certificate.issue with chosen extensions", function()
  it("answers what cannot be", function()
    refusals.condition("malformed_name", issue { ocspUris = { "no uri" } })
    refusals.condition("invalid_option", issue { ocspUris = { "host.example" } })
    refusals.condition("invalid_option", issue { crlUris = { "127.0.0.1" } })
    refusals.condition("invalid_option", issue { policies = { "serverAuth" } })
    refusals.condition("invalid_option", issue { policies = { "1.2.3\0" } })
    refusals.condition("unknown_usage", issue { usage = { "digitalSignature\0" } })
    refusals.condition("invalid_option", issue { serial = 0 })
    refusals.condition("invalid_option", issue { extensions = { { oid = "no such name", data = "" } } })
    refusals.condition("invalid_option", issue { extensions = { { oid = "basicConstraints", data = "" } } })
    local twice = { oid = "1.2.3.4", data = "\5\0" }
    refusals.condition("invalid_option", issue { extensions = { twice, twice } })
  end)

  it("raises for what is of another kind", function()
    for _, options in ipairs {
      { ocspUris = "http://a/" }, { ocspUris = { 1 } }, { caIssuerUris = 1 }, { crlUris = { {} } },
      { policies = "1.2.3" }, { extensions = 1 }, { extensions = { 1 } }, { extensions = { {} } },
      { extensions = { { oid = "1.2.3" } } },
      { extensions = { { oid = "1.2.3", data = "", critical = 1 } } },
      { extensions = { { oid = "1.2.3\0", data = "" } } }, { extensions = { { oid = 1, data = "" } } },
      { extensions = { { oid = "1.2.3", data = {} } } },
    } do
      assert.error_matches(function() issue(options) end, "bad argument #1 to 'issue'")
    end
  end)
end)
