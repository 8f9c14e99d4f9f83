-- SciSslX509Certificate: reading and writing certificates, what they say, and what they are good for.
local scissl = require "scissl"
local certificates = require "spec.support.certificates"
local judge = require "spec.support.judge"
local refusals = require "spec.support.refusals"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local SciSslX509Certificate = scissl.SciSslX509Certificate
local refused = refusals.inPhase

local key, ca, leaf = certificates.key, certificates.ca, certificates.leaf
local issue, signed = certificates.issue, certificates.signed
local made_by_openssl, changed = certificates.byOpenssl, certificates.changed

describe("SciSslX509Certificate in PEM and DER", function()
  it("comes back as it was", function()
    assert.are.equal(leaf, assert(SciSslX509Certificate.fromPem(leaf:toPem())))
    assert.are.equal(leaf, assert(SciSslX509Certificate.fromDer(leaf:toDer())))
  end)

  it("is what openssl x509 reads and writes", function()
    local pem, read = judge.openssl("x509 -in %s", judge.file(leaf:toPem()))
    assert.is_true(read, pem)
    assert.are.equal(leaf:toPem(), pem)
    assert.are.equal(leaf:toPem(), (judge.openssl("x509 -inform DER -in %s", judge.file(leaf:toDer()))))
  end)

  it("is read from a file", function()
    assert.are.equal(leaf, assert(SciSslX509Certificate.fromPemFile(judge.file(leaf:toPem()))))
  end)

  it("is the first of several in the text, whatever else stands there", function()
    local text = "A line before.\n" .. key:toPem() .. leaf:toPem():gsub("\n", "\r\n") .. ca:toPem()
    assert.are.equal(leaf, assert(SciSslX509Certificate.fromPem(text)))
  end)

  it("answers which file is missing, a directory, empty or no PEM", function()
    local missing = judge.path()
    assert.are.equal(missing, refused("file_missing", "load", SciSslX509Certificate.fromPemFile(missing)):subject())
    refused("file_directory", "load", SciSslX509Certificate.fromPemFile("/"))
    refused("file_empty", "load", SciSslX509Certificate.fromPemFile(judge.file("")))
    refused("not_pem", "load", SciSslX509Certificate.fromPemFile(judge.file("nothing")))
  end)

  it("answers that the text is no PEM", function()
    for _, text in ipairs { "", "nothing", ("x"):rep(100000), "\0\0\0", "-----BEGIN" } do
      refused("not_pem", "load", SciSslX509Certificate.fromPem(text))
    end
  end)

  it("answers that the text looks like DER, and the bytes like PEM", function()
    assert.matches("looks like DER", refused("not_pem", "load", SciSslX509Certificate.fromPem(leaf:toDer())):message())
    assert.matches("looks like PEM", refused("not_der", "load", SciSslX509Certificate.fromDer(leaf:toPem())):message())
  end)

  it("answers that the text holds something else", function()
    refused("not_certificate", "load", SciSslX509Certificate.fromPem(key:toPem()))
  end)

  it("answers that the bytes are no DER", function()
    for _, bytes in ipairs { "", "nothing", "\0\0\0" } do
      refused("not_der", "load", SciSslX509Certificate.fromDer(bytes))
    end
  end)

  it("answers that the certificate is malformed", function()
    local der, pem = leaf:toDer(), leaf:toPem()
    refused("malformed_certificate", "load", SciSslX509Certificate.fromDer(der:sub(1, -2)))
    refused("malformed_certificate", "load", SciSslX509Certificate.fromDer(der .. "\0"))
    refused("malformed_certificate", "load", SciSslX509Certificate.fromDer("\x30\x00"))
    refused("malformed_certificate", "load", SciSslX509Certificate.fromDer("\x30\x84\xff\xff\xff\xff"))
    refused("malformed_certificate", "load", SciSslX509Certificate.fromPem(pem:sub(1, 200)))
    refused("malformed_certificate", "load", SciSslX509Certificate.fromPem((pem:gsub("\nM", "\n!", 1))))
  end)

  it("never asks for a passphrase on the terminal", function()
    local asking = leaf:toPem():gsub("\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
      .. ("0"):rep(32) .. "\n\n", 1)
    refused("malformed_certificate", "load", SciSslX509Certificate.fromPem(asking))
  end)

  it("raises for arguments of wrong types", function()
    for _, name in ipairs { "fromPem", "fromDer", "fromPemFile" } do
      assert.error_matches(function() SciSslX509Certificate[name]() end, "bad argument #1 to")
      assert.error_matches(function() SciSslX509Certificate[name]({}) end, "bad argument #1 to")
    end
    assert.error_matches(function() SciSslX509Certificate.fromPemFile("a\0b") end, "bad argument #1 to 'fromPemFile'")
  end)
end)

describe("SciSslX509Certificate:subject and :issuer", function()
  it("answer RFC 2253 texts", function()
    assert.are.equal("CN=localhost,O=Test", leaf:subject())
    assert.are.equal("CN=test CA", leaf:issuer())
  end)

  it("answer what openssl x509 answers", function()
    local certificate = issue { subject = [[CN=a\+b\,c\"d\\e\<\>\; ,O=\ lead and trail\ ,OU=\#hash+L=x\0Ay,C=DE]] }
    local output = judge.openssl("x509 -noout -subject -nameopt RFC2253 -in %s", judge.file(certificate:toPem()))
    assert.are.equal("subject=" .. certificate:subject() .. "\n", output)
  end)

  it("are in UTF-8, whatever the certificate has them in", function()
    assert.are.equal("CN=Jürgen Müller 名前", issue { subject = "CN=Jürgen Müller 名前" }:subject())
    local utf8 = issue { subject = "CN=abcd" } -- the issuer's name comes first in the bytes
    assert.are.equal("CN=ü名", changed(utf8, "\x0c\x04abcd", "\x1e\x04\x00\xfc\x54\x0d"):issuer()) -- BMPString
    assert.are.equal("CN=😀", changed(utf8, "\x0c\x04abcd", "\x1c\x04\x00\x01\xf6\x00"):issuer()) -- UniversalString
    assert.are.equal("CN=éabü", changed(utf8, "\x0c\x04abcd", "\x14\x04\xe9ab\xfc"):issuer()) -- T61String
  end)

  it("answer an empty text for an empty name", function()
    assert.are.equal("", issue { names = { "localhost" } }:subject())
  end)
end)

describe("SciSslX509Certificate:subjectAltNames", function()
  it("answers each name with its type, in order", function()
    assert.are.same({
      { type = "DNS", value = "localhost" },
      { type = "DNS", value = "*.example.com" },
      { type = "IP", value = "127.0.0.1" },
      { type = "IP", value = "::1" },
      { type = "email", value = "me@example.com" },
      { type = "URI", value = "https://example.com/x" },
    }, leaf:subjectAltNames())
  end)

  it("answers every kind of name", function()
    local certificate = made_by_openssl([[
subjectAltName=@names
[names]
DNS.1=example.com
IP.1=192.0.2.1
IP.2=2001:db8::ff00:42:8329
email.1=me@example.com
URI.1=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6
RID.1=1.2.3.4
dirName.1=dir
otherName.1=1.3.6.1.4.1.311.20.2.3;UTF8:user@example.com
otherName.2=1.2.3.5;INTEGER:5
[dir]
C=DE
O=Org
]])
    assert.are.same({
      { type = "DNS", value = "example.com" },
      { type = "IP", value = "192.0.2.1" },
      { type = "IP", value = "2001:db8::ff00:42:8329" },
      { type = "email", value = "me@example.com" },
      { type = "URI", value = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6" },
      { type = "RID", value = "1.2.3.4" },
      { type = "dirName", value = "O=Org,C=DE" },
      { type = "otherName", oid = "1.3.6.1.4.1.311.20.2.3", value = "\x0c\x10user@example.com",
        text = "user@example.com" },
      { type = "otherName", oid = "1.2.3.5", value = "\x02\x01\x05" },
    }, certificate:subjectAltNames())
  end)

  it("answers the kinds that nobody uses as DER bytes", function()
    local party = "\xa5\x05\xa1\x03\x0c\x01x"
    local certificate = made_by_openssl("subjectAltName=DER:30:07:a5:05:a1:03:0c:01:78\n")
    assert.are.same({ { type = "ediPartyName", value = party } }, certificate:subjectAltNames())
  end)

  it("keeps NUL bytes", function()
    local certificate = changed(issue { subject = "CN=x", names = { "good.example.evil.com" } },
      "good.example.evil.com", "good.example\0evil.com")
    assert.are.same({ { type = "DNS", value = "good.example\0evil.com" } }, certificate:subjectAltNames())
  end)

  it("answers an empty list where there are none", function()
    assert.are.same({}, ca:subjectAltNames())
  end)

  it("answers an error where the extension is malformed", function()
    for _, bytes in ipairs { "30:03:87:01:7f", "30:05:82", "04:00", "30:06:87:05:01:02:03:04:05" } do
      local certificate = made_by_openssl("subjectAltName=DER:" .. bytes .. "\n")
      local err = refused("malformed_extension", "load", certificate:subjectAltNames())
      assert.are.equal("subjectAltName", err:subject())
    end
  end)

  it("answers an error where the extension is there twice", function()
    local certificate = made_by_openssl("subjectAltName=DNS:a.example\n2.5.29.15=DER:30:03:82:01:62\n")
    local twice = changed(certificate, "\x06\x03\x55\x1d\x0f", "\x06\x03\x55\x1d\x11")
    refused("malformed_extension", "load", twice:subjectAltNames())
  end)
end)

describe("SciSslX509Certificate:serial", function()
  local function answers(serial, certificate)
    assert.are.equal(serial, certificate:serial())
    local output = judge.openssl("x509 -noout -serial -in %s", judge.file(certificate:toPem()))
    assert.are.equal("serial=" .. serial .. "\n", output)
  end

  for _, serial in ipairs { "01", "80", "7FFFFF", "ABCDEF0123456789" } do
    it("answers the digits that openssl x509 answers: " .. serial, function()
      answers(serial, issue { subject = "CN=x", serial = serial })
    end)
  end

  it("answers zero, which no issuer should use", function()
    answers("00", changed(issue { subject = "CN=x", serial = "01" }, "\x02\x01\x02\x02\x01\x01",
      "\x02\x01\x02\x02\x01\x00"))
  end)

  it("answers a negative one with a sign", function()
    local certificate = changed(issue { subject = "CN=x", serial = "123456789A" }, "\x12\x34\x56\x78\x9a",
      "\xed\xcb\xa9\x87\x66")
    assert.are.equal("-123456789A", certificate:serial())
  end)
end)

describe("SciSslX509Certificate:notBefore and :notAfter", function()
  local function seconds(year, month, day, hour, minute, second) -- days by the civil calendar, apart from our C
    local y, m = month <= 2 and year - 1 or year, (month + 9) % 12
    local days = 365 * y + y // 4 - y // 100 + y // 400 + (m * 306 + 5) // 10 + day - 1 - 719468
    return ((days * 24 + hour) * 60 + minute) * 60 + second
  end

  for _, date in ipairs {
    { 1900, 1, 1, 0, 0, 0 }, { 1949, 12, 31, 23, 59, 59 }, { 1950, 1, 1, 0, 0, 0 }, { 1969, 12, 31, 23, 59, 59 },
    { 1970, 1, 1, 0, 0, 0 }, { 2000, 2, 29, 12, 0, 1 }, { 2038, 1, 19, 3, 14, 7 }, { 2038, 1, 19, 3, 14, 8 },
    { 2049, 12, 31, 23, 59, 59 }, { 2050, 1, 1, 0, 0, 0 }, { 2100, 3, 1, 0, 0, 0 }, { 9999, 12, 31, 23, 59, 59 },
  } do
    local text = ("%04d-%02d-%02d %02d:%02d:%02d"):format(table.unpack(date))
    it("are right for " .. text, function()
      local moment = seconds(table.unpack(date))
      local certificate = issue { subject = "CN=x", notBefore = moment, notAfter = moment }
      assert.are.equal(moment, certificate:notBefore())
      assert.are.equal(moment, certificate:notAfter())
      assert.are.equal("integer", math.type(certificate:notAfter()))
      local output = judge.openssl("x509 -noout -dates -dateopt iso_8601 -in %s", judge.file(certificate:toPem()))
      assert.are.equal(("notBefore=%sZ\nnotAfter=%sZ\n"):format(text, text), output)
    end)
  end

  it("are right for times with an offset or in the year 0", function()
    local certificate = issue { subject = "CN=x", notBefore = seconds(2050, 1, 1, 0, 0, 0), notAfter = 1 << 33 }
    assert.are.equal(seconds(0, 1, 1, 0, 0, 0), changed(certificate, "20500101000000Z", "00000101000000Z"):notBefore())
  end)

  it("answer an error where the date is malformed", function()
    local certificate = issue { subject = "CN=x", notBefore = 0, notAfter = 0 }
    local broken = changed(certificate, "700101000000Z\x17\x0d700101000000Z", "701301000000Z\x17\x0d7001010000000")
    refused("malformed_certificate", "load", broken:notBefore())
    refused("malformed_certificate", "load", broken:notAfter())
    assert.matches("until %?$", tostring(broken))
  end)
end)

describe("SciSslX509Certificate:fingerprint", function()
  for _, digest in ipairs { "SHA1", "SHA256", "SHA384", "SHA512", "MD5", "SHA3-256" } do
    it("answers what openssl x509 answers, " .. digest, function()
      local output = judge.openssl("x509 -noout -fingerprint -%s -in %s", digest, judge.file(leaf:toPem()))
      assert.are.equal(leaf:fingerprint(digest), (output:match("=([%x:]+)"):gsub(":", "")))
    end)
  end

  it("is SHA-256 unless told otherwise", function()
    assert.are.equal(leaf:fingerprint("SHA256"), leaf:fingerprint())
    assert.are.equal(leaf:fingerprint("SHA256"), leaf:fingerprint(nil))
  end)

  it("answers an error for an unknown digest", function()
    for _, name in ipairs { "no-such", "", ("x"):rep(1000), "AES-128-CBC" } do
      assert.are.equal(name, refused("unknown_digest", "digest", leaf:fingerprint(name)):subject())
    end
  end)

  it("raises for what is no name", function()
    assert.error_matches(function() leaf:fingerprint({}) end, "bad argument #1 to 'fingerprint'")
    assert.error_matches(function() leaf:fingerprint("SHA256\0") end, "bad argument #1 to 'fingerprint'")
  end)
end)

describe("SciSslX509Certificate's key and signature", function()
  for algorithm, expected in pairs {
    EC = { "EC", 256, "ecdsa-with-SHA256" },
    RSA = { "RSA", 2048, "RSA-SHA256" },
    Ed25519 = { "ED25519", 256, "ED25519" },
    ["RSA-PSS"] = { "RSA-PSS", 2048, "RSASSA-PSS" },
  } do
    it("are told: " .. algorithm .. (algorithm:find "RSA" and " #slow" or ""), function()
      local certificate = issue { subject = "CN=x", key = assert(SciSslPrivateKey.generate(algorithm)) }
      assert.are.same(expected, { certificate:keyType(), certificate:keyBits(), certificate:signatureAlgorithm() })
    end)
  end

  it("are told by numbers where OpenSSL has no name", function()
    local unknown = "\x2a\x86\x48\xce\x3d\x04\x03\x7f"
    local der = leaf:toDer():gsub("\x2a\x86\x48\xce\x3d\x04\x03\x02", unknown)
    local certificate = assert(SciSslX509Certificate.fromDer(der))
    assert.are.equal("1.2.840.10045.4.3.127", certificate:signatureAlgorithm())
  end)

  it("give the public key as openssl x509 does", function()
    assert.are.equal(leaf:publicPem(), (judge.openssl("x509 -noout -pubkey -in %s", judge.file(leaf:toPem()))))
    assert.are.equal(key:publicPem(), leaf:publicPem())
  end)

  it("answer an error where OpenSSL does not know the key's algorithm", function()
    local certificate = changed(leaf, "\x2a\x86\x48\xce\x3d\x02\x01", "\x2a\x86\x48\xce\x3d\x02\x7f")
    refused("malformed_key", "load", certificate:keyType())
    refused("malformed_key", "load", certificate:keyBits())
    refused("malformed_key", "load", certificate:publicPem())
    assert.is_false(certificate:matchesKey(key))
    assert.is_false(certificate:isSelfSigned())
  end)

  it("answer the version", function()
    assert.are.equal(3, leaf:version())
    assert.are.equal(1, changed(leaf, "\xa0\x03\x02\x01\x02", "\xa0\x03\x02\x01\x00"):version())
  end)
end)

describe("SciSslX509Certificate", function()
  it("equals a certificate with the same bytes, and nothing else", function()
    assert.is_true(leaf == SciSslX509Certificate.fromPem(leaf:toPem()))
    assert.is_false(leaf == ca)
    assert.is_false(leaf == key)
    assert.is_false(leaf == io.stdout)
  end)

  it("shows whose it is, from whom, until when", function()
    local certificate = signed { subject = "CN=ü", issuer = ca, notBefore = 0, notAfter = 1798070399 }
    assert.are.equal("SciSslX509Certificate: CN=ü, issuer CN=test CA, until 2026-12-23", tostring(certificate))
  end)

  it("raises when it is used after close, and closes twice without harm", function()
    local certificate = assert(SciSslX509Certificate.fromPem(leaf:toPem()))
    certificate:close()
    certificate:close()
    assert.are.equal("SciSslX509Certificate: closed", tostring(certificate))
    assert.is_false(certificate == leaf)
    for name in pairs(SciSslX509Certificate) do
      if name ~= "close" and leaf[name] and not name:find("^from") and name ~= "issue" then
        assert.error_matches(function() certificate[name](certificate, "x") end, "bad argument #")
      end
    end
    assert.error_matches(function() leaf:verify { certificate } end, "bad argument #1 to 'verify'")
  end)

  it("closes at the end of its scope", function()
    local kept
    do
      local certificate <close> = assert(SciSslX509Certificate.fromPem(leaf:toPem()))
      kept = certificate
    end
    assert.are.equal("SciSslX509Certificate: closed", tostring(kept))
  end)

  it("raises for a receiver of another class", function()
    for name, method in pairs(SciSslX509Certificate) do
      if not name:find("^from") then
        assert.error_matches(function() method() end, "bad argument #")
        assert.error_matches(function() method(key, "x") end, "bad argument #")
      end
    end
  end)

  it("survives mutated bytes in each of its methods #slow", function()
    local random = math.random
    local originals = { leaf, made_by_openssl("subjectAltName=dirName:dir,otherName:1.2.3;UTF8:x,RID:1.2.3\n"
      .. "keyUsage=keyCertSign\nextendedKeyUsage=1.2.3\nnameConstraints=permitted;DNS:x\n[dir]\nO=\u{fc}\n") }
    local arguments = { matchesHost = "localhost", matchesIp = "127.0.0.1", matchesEmail = "me@example.com",
      matchesKey = key, verify = { ca }, fingerprint = "SHA256", extension = "keyUsage" }
    local read = 0
    for _ = 1, 1000 do
      local der = originals[random(#originals)]:toDer()
      for _ = 1, random(3) do
        local at = random(#der)
        der = der:sub(1, at - 1) .. string.char(random(0, 255)) .. der:sub(at + 1)
      end
      local certificate = SciSslX509Certificate.fromDer(der)
      if certificate then
        read = read + 1
        for name, method in pairs(SciSslX509Certificate) do
          if not (name:find "^from" or name:find "^chain" or name == "issue" or name == "close") then
            local value, err = method(certificate, arguments[name])
            assert.is_true(value ~= nil or err == nil or scissl.isSslError(err))
          end
        end
        assert.is_string(tostring(certificate))
        assert.is_truthy(utf8.len(certificate:subject() or ""))
      end
    end
    assert.is_true(read > 100)
  end)
end)
