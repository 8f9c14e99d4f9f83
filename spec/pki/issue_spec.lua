-- SciSslX509Certificate.issue: self-signed and CA-signed certificates.
local scissl = require "scissl"
local judge = require "spec.support.judge"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local texts = require "spec.support.texts"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local SciSslX509Certificate = scissl.SciSslX509Certificate

local DAY = 24 * 60 * 60

local key = assert(SciSslPrivateKey.generate("EC"))
local ca_key = assert(SciSslPrivateKey.generate("EC"))
local ca = assert(SciSslX509Certificate.issue { subject = "CN=test CA", ca = true, key = ca_key })

-- A certificate for CN=x and `key`, unless told otherwise.
local function issue(options)
  options.subject = options.subject or not options.names and "CN=x" or nil
  options.key = options.key or key
  return SciSslX509Certificate.issue(options)
end

local function issued(options)
  return assert(issue(options))
end

local function refused(condition, options)
  return refusals.refused(condition, "issue", nil, issue(options))
end

local function text_of(certificate)
  return (judge.openssl("x509 -noout -text -in %s", judge.file(certificate:toPem())))
end

describe("A certificate without any name", function()
  it("is not made of a subject of blanks, or an empty one", function()
    for _, subject in ipairs { "", " ", "   " } do
      refusals.refused("name_missing", "issue", nil,
        SciSslX509Certificate.issue { key = key, subject = subject })
      refusals.refused("name_missing", "issue", nil,
        SciSslX509Certificate.issue { key = key, subject = subject, names = {} })
      assert(SciSslX509Certificate.issue { key = key, subject = subject, names = { "localhost" } })
    end
  end)

  it("is not made of a request that has none, and no such request is made", function()
    local request = pki.write ""
    local pipe = assert(io.popen(("openssl req -new -key %s -subj / -out %s 2>&1"):format(
      pki.write(key:toPem()), request)))
    assert(pipe:close())
    local file <close> = assert(io.open(request))
    local nameless = assert(scissl.SciSslX509Request.fromPem(file:read "a"))
    local fields = { request = nameless, issuer = pki.ca.certificate, issuerKey = pki.ca.key }
    refusals.refused("name_missing", "issue", nil, SciSslX509Certificate.issue(fields))
    fields.names = { "localhost" }
    assert(SciSslX509Certificate.issue(fields))
    refusals.refused("name_missing", "issue", nil, scissl.SciSslX509Request.new { key = key, subject = " " })
  end)
end)

describe("SciSslX509Certificate.issue, without an issuer", function()
  for _, algorithm in ipairs { "EC", "RSA", "Ed25519", "Ed448", "RSA-PSS" } do
    it("signs with the certificate's own key: " .. algorithm .. (algorithm:find "RSA" and " #slow" or ""), function()
      local own = assert(SciSslPrivateKey.generate(algorithm))
      local certificate = issued { key = own }
      assert.is_true(certificate:isSelfSigned())
      assert.is_true(certificate:matchesKey(own))
      assert.is_true(certificate:verify { certificate })
      assert.are.equal(certificate:subject(), certificate:issuer())
      local file = judge.file(certificate:toPem())
      local output, success = judge.openssl("verify -x509_strict -check_ss_sig -CAfile %s %s", file, file)
      assert.is_true(success, output)
    end)
  end

  it("is refused for a key that cannot sign", function()
    refused("wrong_key", { key = assert(SciSslPrivateKey.generate("X25519")) })
  end)
end)

describe("SciSslX509Certificate.issue, with an issuer", function()
  for _, algorithm in ipairs { "EC", "RSA", "Ed25519", "X25519" } do
    it("signs with the issuer's key, for a key of " .. algorithm
      .. (algorithm == "RSA" and " #slow" or ""), function()
      local certificate = issued { key = assert(SciSslPrivateKey.generate(algorithm)), issuer = ca, issuerKey = ca_key }
      assert.are.equal("CN=test CA", certificate:issuer())
      assert.is_false(certificate:isSelfSigned())
      assert.is_true(certificate:verify { ca })
      local output, success = judge.openssl("verify -x509_strict -CAfile %s %s", judge.file(ca:toPem()),
        judge.file(certificate:toPem()))
      assert.is_true(success, output)
    end)
  end

  it("keeps the issuer's name as it is, byte by byte", function()
    local odd = issued { subject = "O=B+CN=A,DC=example,C=DE", ca = true, key = ca_key }
    local certificate = issued { issuer = odd, issuerKey = ca_key }
    assert.are.equal(odd:subject(), certificate:issuer())
    assert.is_true(certificate:verify { odd })
  end)

  it("points to the issuer's key", function()
    local certificate = issued { issuer = ca, issuerKey = ca_key }
    local id = text_of(ca):match("Subject Key Identifier: %s*([%x:]+)")
    texts.has(text_of(certificate), "Authority Key Identifier: \n                " .. id)
  end)

  it("is refused where the key is not the issuer's #slow", function()
    assert.are.equal("issuerKey", refused("key_mismatch", { issuer = ca, issuerKey = key }):subject())
    refused("key_mismatch", { issuer = ca, issuerKey = pki.rsaKey() })
  end)

  it("wants both of issuer and issuerKey", function()
    assert.error_matches(function() issue { issuer = ca } end, "'issuer' and 'issuerKey'")
    assert.error_matches(function() issue { issuerKey = ca_key } end, "'issuer' and 'issuerKey'")
  end)
end)

describe("SciSslX509Certificate.issue's subject", function()
  for _, subject in ipairs {
    "CN=localhost", "CN=localhost,O=Test", "CN=a,OU=b,O=c,L=d,ST=e,C=DE", "CN=x,DC=example,DC=com", "CN=Ünïcödé,O=株式会社",
    [[CN=a\,b\+c\"d\\e\<f\>g\;h=i]], [[CN=\ a\ ]], [[CN=\#a]], [[CN=a\0Ab]], "1.2.3.4=#0C0178", "OU=b+CN=a,O=c",
    "emailAddress=me@example.com,CN=x", "UID=me",
  } do
    it("comes back as the same text: " .. subject, function()
      assert.are.equal(subject, issued { subject = subject }:subject())
      local output = judge.openssl("x509 -noout -subject -nameopt RFC2253,-esc_msb -in %s",
        judge.file(issued { subject = subject }:toPem()))
      assert.are.equal("subject=" .. subject .. "\n", output)
    end)
  end

  for written, meant in pairs {
    [" CN = a b , O = c "] = "CN=a b,O=c",
    ['CN="a,b+c\\"d",O="e" '] = [[CN=a\,b\+c\"d,O=e]],
    ["cn=lower,o=case"] = "CN=lower,O=case",
    ["2.5.4.3=by number"] = "CN=by number",
    ["commonName=long"] = "CN=long",
    [ [[CN=\4a\C3\bc]] ] = "CN=Jü",
    ["CN=a=b"] = "CN=a=b",
    ["CN=#0c0178"] = "CN=x",
  } do
    it("may be written in other ways: " .. written, function()
      assert.are.equal(meant, issued { subject = written }:subject())
    end)
  end

  for _, subject in ipairs {
    "x", "=x", "CN", "CN=", "CN=a,", ",", "+", "CN=a,,O=b", "CN=a+", "CN=a;O=b", "CN=<", "CN=\\", "CN=\\z", "CN=\\4",
    'CN="a', 'CN="a"b', 'CN="a\\', "CN=#", "CN=#0", "CN=#0G", "CN=#0401", "CN=#0C0178 x", "CN=#0C017878", "CN=#0C01FF",
    "CN=\xff", "CN=a\0b", "no such=x", "nosuch=x", "C=Germany", "CN=" .. ("x"):rep(65), ("O"):rep(500) .. "=x",
    "CN\0=x", "CN=" .. ("x"):rep(100000), ("CN=x,"):rep(1000),
  } do
    it("is refused where it is malformed: " .. ("%q"):format(subject:sub(1, 30)), function()
      refused("malformed_name", { subject = subject })
    end)
  end

  it("may be missing where there are names, which then are critical", function()
    local certificate = issued { names = { "localhost" } }
    assert.are.equal("", certificate:subject())
    texts.has(text_of(certificate), "Subject Alternative Name: critical")
  end)

  it("may not be missing beside the names", function()
    assert.error_matches(function() SciSslX509Certificate.issue { key = key } end, "'subject' or 'names'")
    assert.error_matches(function() SciSslX509Certificate.issue { key = key, names = {} } end, "'subject' or 'names'")
  end)
end)

describe("SciSslX509Certificate.issue's names", function()
  for name, expected in pairs {
    localhost = { type = "DNS", value = "localhost" },
    ["*.example.com"] = { type = "DNS", value = "*.example.com" },
    ["xn--mnchen-3ya.example"] = { type = "DNS", value = "xn--mnchen-3ya.example" },
    ["_service.example"] = { type = "DNS", value = "_service.example" },
    ["127.0.0.1"] = { type = "IP", value = "127.0.0.1" },
    ["::1"] = { type = "IP", value = "::1" },
    ["2001:DB8:0:0:0:0:0:1"] = { type = "IP", value = "2001:db8::1" },
    ["::ffff:192.0.2.1"] = { type = "IP", value = "::ffff:192.0.2.1" },
    ["me@example.com"] = { type = "email", value = "me@example.com" },
    ["https://me@example.com:8443/"] = { type = "URI", value = "https://me@example.com:8443/" },
    ["spiffe://example/service"] = { type = "URI", value = "spiffe://example/service" },
    ["mailto:me@example.com"] = { type = "URI", value = "mailto:me@example.com" },
  } do
    it("tell their kind: " .. name, function()
      assert.are.same({ expected }, issued { names = { name } }:subjectAltNames())
    end)
  end

  for _, name in ipairs {
    "", " ", "a b", "münchen.example", "a\0b", "localhost:8443", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", "::g",
    "fe80::1%eth0", "10.0.0.0/8", "@", "a@", "@b", "a@b@c", ".example", "a..b", "a/b", "a\n", ("x"):rep(100000),
  } do
    it("are refused where they are nothing: " .. ("%q"):format(name:sub(1, 30)), function()
      assert.is_string(refused("malformed_name", { names = { "localhost", name } }):subject())
    end)
  end

  it("may be many", function()
    local names = {}
    for i = 1, 1000 do names[i] = ("host%d.example"):format(i) end
    local answered = issued { names = names }:subjectAltNames()
    assert.are.equal(1000, #answered)
    assert.are.equal("host1000.example", answered[1000].value)
  end)

  it("bring no extension where there are none", function()
    assert.are.same({}, issued { names = {}, subject = "CN=x" }:subjectAltNames())
    assert.is_nil(text_of(issued { subject = "CN=x" }):find("Alternative"))
  end)
end)

describe("SciSslX509Certificate.issue's dates", function()
  it("are 30 days from now unless told otherwise", function()
    local before = os.time()
    local certificate = issued {}
    assert.is_true(certificate:notBefore() >= before and certificate:notBefore() <= os.time())
    assert.are.equal(certificate:notBefore() + 30 * DAY, certificate:notAfter())
  end)

  it("take days, and fractions", function()
    local certificate = issued { days = 1.5 }
    assert.are.equal(certificate:notBefore() + DAY * 3 // 2, certificate:notAfter())
    assert.are.equal(issued { days = 3650, notBefore = 0 }:notAfter(), 3650 * DAY)
  end)

  it("may be given, and lie in the past or the future", function()
    local certificate = issued { notBefore = -DAY, notAfter = 1 << 33 }
    assert.are.same({ -DAY, 1 << 33 }, { certificate:notBefore(), certificate:notAfter() })
  end)

  it("begin before an end in the past", function()
    local certificate = issued { notAfter = os.time() - DAY, days = 2 }
    assert.are.equal(certificate:notAfter() - 2 * DAY, certificate:notBefore())
  end)

  it("end after a beginning in the future", function()
    local certificate = issued { notBefore = os.time() + DAY, days = 2 }
    assert.are.equal(certificate:notBefore() + 2 * DAY, certificate:notAfter())
  end)

  it("are refused where the end comes before the beginning", function()
    refused("invalid_option", { notBefore = 10, notAfter = 9 })
  end)

  it("are refused where no certificate can hold them", function()
    refused("invalid_option", { notBefore = -3000000000 })
    refused("invalid_option", { notBefore = 0, notAfter = 253402300800 })
  end)

  it("raise for what is no number of days or seconds", function()
    for _, days in ipairs { 0, -1, 0 / 0, math.huge, 1e10, "30", {} } do
      assert.error_matches(function() issue { days = days } end, "'days'")
    end
    for _, seconds in ipairs { 1.5, "0", math.maxinteger, math.mininteger, {} } do
      assert.error_matches(function() issue { notBefore = seconds } end, "'notBefore'")
      assert.error_matches(function() issue { notAfter = seconds } end, "'notAfter'")
    end
  end)
end)

describe("SciSslX509Certificate.issue's serial number", function()
  it("is by chance, positive, and of 20 octets at the most", function()
    local seen = {}
    for _ = 1, 100 do
      local serial = issued {}:serial()
      assert.matches("^%x+$", serial)
      assert.is_true(#serial <= 40 and (#serial < 40 or serial < "8"))
      assert.is_nil(seen[serial])
      seen[serial] = true
    end
  end)

  it("may be given, as digits or as an integer", function()
    assert.are.equal("0123ABCDEF", issued { serial = "123abcdef" }:serial())
    assert.are.equal("FF", issued { serial = 255 }:serial())
    assert.are.equal("7FFFFFFFFFFFFFFF", issued { serial = math.maxinteger }:serial())
    assert.are.equal("7F" .. ("FF"):rep(19), issued { serial = "7F" .. ("FF"):rep(19) }:serial())
  end)

  it("is refused where it is malformed or too long", function()
    for _, serial in ipairs { "", "x", "-1", "0", "00", "0x10", "80" .. ("00"):rep(19), ("1"):rep(1000) } do
      refused("invalid_option", { serial = serial })
    end
    assert.error_matches(function() issue { serial = -1 } end, "'serial'")
    assert.error_matches(function() issue { serial = 1.5 } end, "'serial'")
  end)
end)

describe("SciSslX509Certificate.issue's digest", function()
  it("is the one that is asked for #slow", function()
    assert.are.equal("ecdsa-with-SHA384", issued { digest = "SHA384" }:signatureAlgorithm())
    assert.are.equal("RSA-SHA512", issued { key = pki.rsaKey(), digest = "SHA512" }
      :signatureAlgorithm())
  end)

  it("is refused where OpenSSL does not know it", function()
    for _, digest in ipairs { "no-such", "", ("x"):rep(1000) } do
      assert.are.equal(digest, refused("unknown_digest", { digest = digest }):subject())
    end
  end)

  it("is refused by a key that takes none", function()
    local certificate, err = issue { key = assert(SciSslPrivateKey.generate("Ed25519")), digest = "SHA256" }
    assert.is_nil(certificate)
    assert.is_true(scissl.isSslError(err))
  end)
end)

describe("SciSslX509Certificate.issue's extensions", function()
  it("are those of a server and client", function()
    local certificate = issued {}
    assert.are.same({ "digitalSignature" }, certificate:keyUsage())
    assert.are.same({ "serverAuth", "clientAuth" }, certificate:extendedKeyUsage())
    assert.is_false(certificate:isCa())
    local text = text_of(certificate)
    texts.has(text, "Version: 3")
    texts.has(text, "X509v3 Basic Constraints: \n                CA:FALSE")
    texts.has(text, "X509v3 Key Usage: critical")
    texts.has(text, "X509v3 Subject Key Identifier")
    texts.has(text, "X509v3 Authority Key Identifier")
  end)

  it("let an RSA key take part in the key exchange of TLS 1.2 #slow", function()
    local certificate = issued { key = pki.rsaKey() }
    assert.are.same({ "digitalSignature", "keyEncipherment" }, certificate:keyUsage())
  end)

  it("are those of an authority", function()
    assert.are.same({ "keyCertSign", "cRLSign" }, ca:keyUsage())
    assert.is_nil(ca:extendedKeyUsage())
    assert.is_true(ca:isCa())
    texts.has(text_of(ca), "X509v3 Basic Constraints: critical\n                CA:TRUE\n")
  end)

  it("limit the authorities below", function()
    for _, length in ipairs { 0, 3 } do
      local limited = issued { ca = true, key = ca_key, pathLength = length }
      texts.has(text_of(limited), ("CA:TRUE, pathlen:%d\n"):format(length))
    end
    local root = issued { subject = "CN=root", ca = true, key = ca_key, pathLength = 0 }
    local below = issued { subject = "CN=below", ca = true, issuer = root, issuerKey = ca_key }
    local last = issued { issuer = below, issuerKey = key }
    local ok, err = last:verify({ root }, { intermediates = { below } })
    assert.is_nil(ok)
    assert.are.equal(25, (err:verifyResult()))
  end)

  it("take the usage that is asked for", function()
    local usage = { "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
      "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly" }
    assert.are.same(usage, issued { usage = usage }:keyUsage())
    assert.are.same({ "decipherOnly" }, issued { usage = { "decipherOnly" } }:keyUsage())
    assert.are.same({ "codeSigning", "1.2.3.4" }, issued { extendedUsage = { "codeSigning", "1.2.3.4" } }
      :extendedKeyUsage())
  end)

  it("are left out where the list is empty", function()
    local certificate = issued { usage = {}, extendedUsage = {} }
    assert.is_nil(certificate:keyUsage())
    assert.is_nil(certificate:extendedKeyUsage())
  end)

  it("are refused where the usage is unknown", function()
    assert.are.equal("fun", refused("unknown_usage", { usage = { "digitalSignature", "fun" } }):subject())
    assert.are.equal("fun", refused("unknown_usage", { extendedUsage = { "fun" } }):subject())
    refused("unknown_usage", { usage = { "critical,keyCertSign" } })
    refused("unknown_usage", { extendedUsage = { "" } })
  end)
end)

describe("SciSslX509Certificate.issue's table of options", function()
  it("is needed, and the key in it", function()
    assert.error_matches(function() SciSslX509Certificate.issue() end, "bad argument #1 to 'issue'")
    assert.error_matches(function() SciSslX509Certificate.issue("CN=x") end, "bad argument #1 to 'issue'")
    assert.error_matches(function() SciSslX509Certificate.issue { subject = "CN=x" } end, "'key'")
  end)

  it("raises for an unknown option, by name", function()
    assert.error_matches(function() issue { dayz = 30 } end, "unknown option 'dayz'")
    assert.error_matches(function() issue { "CN=x" } end, "bad argument #1 to 'issue'")
  end)

  for option, wrong in pairs {
    subject = 42, names = "localhost", key = "key", issuer = "issuer", issuerKey = ca, ca = 1, serial = {},
    digest = 256, usage = "digitalSignature", extendedUsage = "serverAuth", pathLength = "1",
  } do
    it("raises for a wrong type, by name: " .. option, function()
      assert.error_matches(function() issue { [option] = wrong } end, "'" .. option .. "'")
    end)
  end

  it("raises for lists of something else", function()
    for _, option in ipairs { "names", "usage", "extendedUsage" } do
      assert.error_matches(function() issue { [option] = { 42 } } end, "'" .. option .. "'")
    end
  end)

  it("raises for a path length without an authority, or a negative one", function()
    assert.error_matches(function() issue { pathLength = 0 } end, "'pathLength'")
    assert.error_matches(function() issue { ca = true, pathLength = -1 } end, "'pathLength'")
  end)

  it("raises for closed keys and certificates", function()
    local closed = assert(SciSslPrivateKey.generate("EC"))
    closed:close()
    assert.error_matches(function() issue { key = closed } end, "'key'")
    local gone = assert(SciSslX509Certificate.fromPem(ca:toPem()))
    gone:close()
    assert.error_matches(function() issue { issuer = gone, issuerKey = ca_key } end, "'issuer'")
  end)

  it("may be made by metamethods, even by ones that close the key", function()
    local options = setmetatable({}, { __index = { subject = "CN=x", key = key } })
    assert.are.equal("CN=x", assert(SciSslX509Certificate.issue(options)):subject())
    local own = assert(SciSslPrivateKey.generate("EC"))
    local closing = setmetatable({ key = own, subject = "CN=x" }, { __index = function() own:close() end })
    assert.error_matches(function() SciSslX509Certificate.issue(closing) end, "bad argument #1 to 'issue'")
  end)
end)
