-- SciSslSocketConfiguration, scissl.connect and scissl.listen: policy, revocation, commands, several certificates.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local Configuration = scissl.SciSslSocketConfiguration

local function described(fields)
  return assert(Configuration.new(fields):getSciSslContext()):describe()
end

-- What the two sides of a connection answer: a stream, or nil and why not; each a table.
local function met(listening, connecting)
  local client, server = streams.meet(listening, connecting, function(stream, err)
    if stream then stream:close() end
    return stream, err
  end, function(stream, err)
    if not stream then return nil, err end
    local bytes
    bytes, err = stream:read(1) -- in TLS 1.3 a refused client learns it here
    stream:close()
    return stream, err, bytes
  end)
  return server, client
end

local function server(fields)
  fields.certificate, fields.privateKey = pki.server.certificate, pki.server.key
  return fields
end

describe("A configuration", function()
  it("takes options by name and by bits", function()
    local named = described { options = { "no_ticket" } }
    assert.are.same(named.options, described { options = scissl.SSL_OP_NO_TICKET }.options)
    assert.are.same(named.options, described { options = "no_ticket" }.options)
    assert.is_false(named.ticketsAllowed)
  end)

  it("takes commands, as a list and by name", function()
    for _, commands in ipairs {
      { { "MaxProtocol", "TLSv1.2" }, { "Groups", "P-256" } },
      { MaxProtocol = "TLSv1.2", Groups = "P-256" },
    } do
      local set = described { commands = commands }
      assert.are.same({ "TLSv1.2", "P-256" }, { set.maxProtocol, set.groups })
    end
    local set = described { commands = { PrivateKey = pki.server.keyFile, Certificate = pki.server.certificateFile } }
    assert.is_true(set.certificates[1].hasKey)
  end)

  it("takes the policy of verification", function()
    local set = described { verifyFlags = { "partial_chain" }, purpose = "any", verifyTime = 1234567890 }
    assert.are.same({ { "partial_chain" }, "any", 1234567890 }, { set.verifyFlags, set.purpose, set.verifyTime })
  end)

  it("checks against revocation lists that it names", function()
    for _, fields in ipairs { { crl = crl.make {} }, { crlFile = pki.write(crl.make {}) },
      { crl = crl.toDer(crl.make {}) } } do
      local set = described(fields)
      assert.are.same({ 1, { "crl_check" } }, { set.crls, set.verifyFlags })
    end
    assert.are.same({ "crl_check", "crl_check_all" }, described { crl = crl.make {}, verifyFlags = "crl_check_all" }
      .verifyFlags)
  end)

  it("takes trust from a URI", function()
    assert.are.equal(1, described { trustUri = "file:" .. pki.ca.certificateFile }.trustedCertificates)
  end)

  it("takes several certificates, as objects, texts and files #slow", function()
    local rsa = pki.issue { subject = "CN=rsa", key = pki.rsaKey() }
    local ed = pki.issue { subject = "CN=ed", key = assert(scissl.SciSslPrivateKey.generate("Ed25519")) }
    local set = described { certificates = {
      { certificate = rsa.certificate, privateKey = rsa.key },
      { certificate = pki.server.certificateFile, privateKey = pki.server.key:toPem("secret"), passphrase = "secret" },
      { certificate = ed.certificatePem .. ed.keyPem },
    } }
    assert.are.equal(3, #set.certificates)
    for _, one in ipairs(set.certificates) do assert.is_true(one.hasKey) end
  end)

  it("names the issuers of caFile and ca where a server verifies, and none for defaultTrust", function()
    local PEER = scissl.SSL_VERIFY_PEER
    assert.are.same({}, described { caFile = pki.ca.certificateFile }.acceptedIssuers)
    assert.are.same({ pki.ca.certificate:subject() },
      described { caFile = pki.ca.certificateFile, verify = PEER }.acceptedIssuers)
    assert.are.equal(2, #described { caFile = pki.ca.certificateFile, ca = pki.otherCa.certificate, verify = PEER }
      .acceptedIssuers)
    assert.are.same({}, described { caFile = pki.ca.certificateFile, verify = PEER, acceptedIssuers = {} }
      .acceptedIssuers)
    assert.are.same({ "CN=x" }, described { caFile = pki.ca.certificateFile, verify = PEER,
      acceptedIssuers = { "CN=x" } }.acceptedIssuers)
    assert.are.same({}, described { ca = pki.ca.certificate, verify = PEER, defaultTrust = true }.acceptedIssuers)
  end)

  it("is equal to another by the values in its tables", function()
    local function both(a, b) return Configuration.new(a) == Configuration.new(b) end
    local key = pki.server.key
    assert.is_true(both({ commands = { A = "1", B = "2" } }, { commands = { B = "2", A = "1" } }))
    assert.is_false(both({ commands = { A = "1", B = "2" } }, { commands = { A = "2", B = "1" } }))
    assert.is_false(both({ commands = { { "A", "1" } } }, { commands = { { "1", "A" } } }))
    assert.is_false(both({ options = { "a", "b" } }, { options = { "b", "a" } }))
    assert.is_true(both({ certificates = { { certificate = "x", privateKey = key } } },
      { certificates = { { certificate = "x", privateKey = key } } }))
    assert.is_false(both({ certificates = { { certificate = "x" } } }, { certificates = { { certificate = "y" } } }))
  end)

  it("is not changed by the tables that it took or answers", function()
    local given = { { certificate = "x" } }
    local configuration = Configuration.new { certificates = given }
    given[1].certificate = "y"
    configuration:certificates()[1].certificate = "z"
    assert.are.equal("x", configuration:certificates()[1].certificate)
  end)

  it("shows no secrets", function()
    local text = tostring(Configuration.new { certificates = { { certificate = "c", passphrase = "geheim" } },
      commands = { { "PrivateKey", "geheim" } }, acceptedIssuers = { "CN=a" }, options = { "no_ticket" } })
    assert.is_nil(text:find("geheim", 1, true), text)
    assert.truthy(text:find("no_ticket", 1, true), text)
  end)

  it("refuses what its context refuses", function()
    for condition, fields in pairs {
      unknown_flag = { options = { "no_tickets" } }, unknown_command = { commands = { Nothing = "x" } },
      unknown_purpose = { purpose = "x" }, not_pem = { crl = "x" }, file_missing = { crlFile = "/no/such" },
      unknown_scheme = { trustUri = "nosuchscheme:x" }, malformed_name = { acceptedIssuers = { "x" } },
      key_mismatch = { certificates = { { certificate = pki.server.certificate, privateKey = pki.client.key } } },
    } do
      local context, err = Configuration.new(fields):getSciSslContext()
      assert.is_nil(context)
      assert.are.equal(condition, err:condition())
    end
  end)

  it("raises for fields of other types", function()
    for name, value in pairs {
      options = { 1 }, verifyFlags = true, purpose = 1, verifyTime = 1.5, crl = {}, crlFile = 1, trustUri = {},
      acceptedIssuers = { 1 }, commands = { { "a" } }, certificates = { {} },
    } do
      assert.error_matches(function() Configuration.new { [name] = value } end, "bad option '")
    end
    for _, certificates in ipairs { { { certificate = 1 } }, { { privateKey = "x" } },
      { { certificate = "x", kye = 1 } }, { a = { certificate = "x" } }, "x" } do
      assert.error_matches(function() Configuration.new { certificates = certificates } end,
        "bad option 'certificates'")
    end
    for _, commands in ipairs { "x", { a = 1 }, { "a" }, { { "a", 1 } }, { { "a", "b", "c" } } } do
      assert.error_matches(function() Configuration.new { commands = commands } end, "bad option 'commands'")
    end
  end)
end)

describe("scissl.listen and scissl.connect", function()
  local revoked = pki.issue { subject = "CN=revoked" }
  local list = crl.make { revoked = { revoked, pki.server } }

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("refuse a revoked client, which learns why, " .. version, function()
      local ours, theirs = met(server { ca = pki.ca.certificate, crl = list, version = version },
        { ca = pki.ca.certificate, certificate = revoked.certificate, privateKey = revoked.key })
      refusals.refused("certificate_revoked", "accept", nil, ours[1], ours[2])
      assert.are.equal("client_certificate_refused", theirs[2]:condition())
      assert.are.equal("certificate_revoked", (theirs[2]:alert()))
      ours = met(server { ca = pki.ca.certificate, crl = list, version = version },
        { ca = pki.ca.certificate, certificate = pki.client.certificate, privateKey = pki.client.key })
      assert.truthy(ours[1], tostring(ours[2]))
    end)

    it("refuse a revoked server, " .. version, function()
      local _, theirs = met(server { version = version }, { trustUri = pki.ca.certificateFile, crl = list })
      assert.are.equal("certificate_revoked", theirs[2]:condition())
    end)
  end

  it("take trust from a URI, and verify clients by it", function()
    local uri = "file:" .. pki.ca.certificateFile
    local ours, theirs = met(server { trustUri = uri }, { trustUri = uri, certificate = pki.client.certificate,
      privateKey = pki.client.key })
    assert.truthy(ours[1], tostring(ours[2]))
    assert.truthy(theirs[1], tostring(theirs[2]))
    ours = met(server { trustUri = uri }, { trustUri = uri })
    assert.are.equal("client_certificate_missing", ours[2]:condition())
  end)

  it("serve with several certificates", function()
    local ours = met({ certificates = { { certificate = pki.server.certificate, privateKey = pki.server.key } } },
      { ca = pki.ca.certificate })
    assert.truthy(ours[1], tostring(ours[2]))
  end)

  it("take a certificate for one of several hosts", function()
    local _, theirs = met(server {}, { ca = pki.ca.certificate, verifyHost = { "a.example", "localhost" } })
    assert.truthy(theirs[1], tostring(theirs[2]))
    _, theirs = met(server {}, { ca = pki.ca.certificate, verifyHost = { "a.example", "b.example" } })
    assert.are.equal("certificate_wrong_host", theirs[2]:condition())
    _, theirs = met(server {}, { ca = pki.ca.certificate, verifyHost = { "localhost", "a\0b" } })
    assert.are.equal("bad_host_name", theirs[2]:condition())
  end)

  it("take a certificate for one of several hosts beside a TLSA record", function()
    local record = { usage = "PKIX-EE", selector = "SPKI", matchingType = "SHA2-256",
      data = assert(pki.server.certificate:tlsa("SPKI", "SHA2-256")) }
    for name, good in pairs { localhost = true, ["b.example"] = false } do
      local _, theirs = met(server {}, { ca = pki.ca.certificate, verifyHost = { "a.example", name },
        tlsa = { record } })
      assert.are.equal(good, theirs[1] ~= nil, tostring(theirs[2]))
    end
  end)

  it("raise for an empty list of hosts, which would let any name do", function()
    assert.error_matches(function()
      scissl.connect { host = "localhost", port = 1, verifyHost = {} }
    end, "verifyHost")
  end)

  it("judge at another time", function()
    local _, theirs = met(server {}, { ca = pki.ca.certificate, verifyTime = 1000000000 })
    assert.are.equal("certificate_not_yet_valid", theirs[2]:condition())
  end)
end)
