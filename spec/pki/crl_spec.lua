-- Which certificates their issuer has taken back: lists made, read, and used.
local scissl = require "scissl"
local crls = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslX509Crl = scissl.SciSslX509Crl

local function issue(options)
  local given = { issuer = pki.ca.certificate, issuerKey = pki.ca.key }
  for name, value in pairs(options or {}) do given[name] = value end
  return SciSslX509Crl.issue(given)
end

local full = assert(issue {
  revoked = {
    { certificate = pki.client.certificate, time = 1700000000, reason = "keyCompromise" },
    { serial = "00ff", time = 1600000000 },
    { serial = "1234567890", reason = "superseded" },
  },
  number = 4711, lastUpdate = 1700000100, nextUpdate = 4000000000, digest = "SHA384",
})

describe("SciSslX509Crl.issue", function()
  it("makes a list that says what it was told", function()
    assert.are.equal(pki.ca.certificate:subject(), full:issuer())
    assert.are.equal(1700000100, full:lastUpdate())
    assert.are.equal(4000000000, full:nextUpdate())
    assert.are.equal("1267", full:number())
    assert.are.equal("ecdsa-with-SHA384", full:signatureAlgorithm())
    local by_serial = {}
    for _, entry in ipairs(full:revoked()) do by_serial[entry.serial] = entry end
    assert.are.same({ serial = "FF", time = 1600000000 }, by_serial.FF)
    assert.are.same({ serial = "1234567890", time = 1700000100, reason = "superseded" }, by_serial["1234567890"])
    assert.are.same({ time = 1700000000, reason = "keyCompromise", serial = pki.client.certificate:serial() },
      by_serial[pki.client.certificate:serial()])
  end)

  it("makes an empty list for a week from now", function()
    local before = os.time()
    local empty = assert(issue())
    assert.are.same({}, empty:revoked())
    assert.is_nil(empty:number())
    assert.is_true(empty:lastUpdate() >= before and empty:lastUpdate() <= os.time())
    assert.are.equal(7 * 86400, empty:nextUpdate() - empty:lastUpdate())
  end)

  for _, reason in ipairs {
    "unspecified", "keyCompromise", "CACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
    "certificateHold", "removeFromCRL", "privilegeWithdrawn", "AACompromise",
  } do
    it("knows the reason " .. reason, function()
      local made = assert(issue { revoked = { { serial = "01", reason = reason } } })
      assert.are.equal(reason, made:revoked()[1].reason)
    end)
  end

  it("signs with other kinds of keys #slow", function()
    for _, make in ipairs { { "RSA", 2048 }, { "Ed25519" } } do
      local key = assert(scissl.SciSslPrivateKey.generate(table.unpack(make)))
      local ca = pki.issue { subject = "CN=other", ca = true, issuer = false, key = key }
      local made = assert(issue { issuer = ca.certificate, issuerKey = key })
      assert.is_true(made:verify(ca.certificate))
    end
  end)

  it("is understood by openssl", function()
    local pipe = io.popen(("openssl crl -in %s -noout -text -CAfile %s -verify 2>&1"):format(
      pki.write(full:toPem()), pki.ca.certificateFile))
    local text = pipe:read "a"
    pipe:close()
    assert.truthy(text:find("verify OK", 1, true), text)
    assert.truthy(text:find("Key Compromise", 1, true), text)
    assert.truthy(text:find("Serial Number: 1234567890", 1, true), text)
    assert.truthy(text:find("X509v3 CRL Number", 1, true), text)
  end)

  it("answers what cannot be", function()
    refusals.condition("key_mismatch", issue { issuerKey = pki.otherCa.key })
    refusals.condition("unknown_digest", issue { digest = "nonsense" })
    refusals.condition("invalid_option", issue { lastUpdate = 2000, nextUpdate = 1000 })
    refusals.condition("invalid_option", issue { lastUpdate = -(1 << 39), nextUpdate = 0 })
    refusals.condition("invalid_option", issue { nextUpdate = 1 << 39 })
    refusals.condition("invalid_option", issue { number = "xyz" })
    refusals.condition("invalid_option", issue { number = ("F"):rep(41) })
    refusals.condition("invalid_option", issue { revoked = { { serial = "no digits" } } })
    refusals.condition("invalid_option", issue { revoked = { { serial = "" } } })
    refusals.condition("invalid_option", issue { revoked = { { serial = "01", time = math.maxinteger } } })
  end)

  it("raises for what is of another kind", function()
    for _, options in ipairs {
      { issuer = 1 }, { issuerKey = pki.ca.certificate }, { revoked = 1 }, { revoked = { 1 } }, { revoked = { {} } },
      { revoked = { { serial = -1 } } }, { revoked = { { serial = 1.5 } } }, { revoked = { { serial = "0\0001" } } },
      { revoked = { { serial = "01", reasn = "superseded" } } }, { revoked = { { "01" } } },
      { revoked = { { serial = "01", certificate = pki.client.certificate } } }, { digest = "SHA256\0" },
      { lastUpdate = math.maxinteger }, { lastUpdate = math.mininteger }, { nextUpdate = math.maxinteger },
      { revoked = { { serial = "01", time = "now" } } }, { revoked = { { serial = "01", time = 1.5 } } },
      { revoked = { { serial = "01", reason = "mood" } } }, { number = {} }, { number = -1 }, { number = 1.5 },
      { lastUpdate = "now" }, { digest = 1 }, { unknown = 1 },
    } do
      assert.error_matches(function() issue(options) end, "bad argument #1 to 'issue'")
    end
    assert.error_matches(function() SciSslX509Crl.issue() end, "bad argument #1 to 'issue'")
    assert.error_matches(function() SciSslX509Crl.issue {} end, "bad argument #1 to 'issue'")
  end)
end)

describe("SciSslX509Crl", function()
  it("is the same after PEM and DER", function()
    assert.are.equal(full, assert(SciSslX509Crl.fromPem(full:toPem())))
    assert.are.equal(full, assert(SciSslX509Crl.fromDer(full:toDer())))
    assert.are_not.equal(full, assert(issue()))
  end)

  it("reads what openssl makes", function()
    local pem = crls.make { revoked = { pki.client } }
    local made = assert(SciSslX509Crl.fromPem(pem))
    assert.are.equal(1, #made:revoked())
    assert.are.equal(pki.client.certificate:serial(), made:isRevoked(pki.client.certificate).serial)
    assert.are.equal(made, assert(SciSslX509Crl.fromDer(crls.toDer(pem))))
    assert.is_true(made:verify(pki.ca.certificate))
  end)

  it("finds certificates and serial numbers", function()
    assert.are.equal("keyCompromise", full:isRevoked(pki.client.certificate).reason)
    assert.is_nil(full:isRevoked(pki.server.certificate))
    assert.are.equal(1600000000, full:isRevoked("00fF").time)
    assert.is_nil(full:isRevoked "01")
  end)

  it("takes integers for serial numbers, as the certificates do", function()
    local made = assert(issue { revoked = { { serial = 10 }, { serial = "ff" } }, number = 255 })
    assert.are.equal("0A", made:isRevoked(10).serial)
    assert.are.equal("0A", made:isRevoked("0a").serial)
    assert.are.equal("FF", made:isRevoked(255).serial)
    assert.is_nil(made:isRevoked(16))
    assert.are.equal("FF", made:number())
    local certificate = pki.issue { subject = "CN=ten", serial = 10 }
    assert.are.equal("0A", made:isRevoked(certificate.certificate).serial)
  end)

  it("asks no metamethod of an entry, which might close the issuer's key", function()
    local key = assert(scissl.SciSslPrivateKey.fromPem(pki.ca.keyPem))
    local asked = false
    local entry = setmetatable({}, { __index = function()
      asked = true
      key:close()
    end })
    assert.error_matches(function() issue { issuerKey = key, revoked = { entry } } end, "bad argument #1 to 'issue'")
    assert.is_false(asked)
  end)

  it("says nothing about certificates of another issuer, whatever their number", function()
    local serial = pki.stranger.certificate:serial()
    local made = assert(issue { revoked = { { serial = serial } } })
    assert.is_nil(made:isRevoked(pki.stranger.certificate))
    assert.is_table(made:isRevoked(serial))
  end)

  it("raises for what is no certificate and no serial number", function()
    for _, value in ipairs { "", "xyz", ("F"):rep(41), "0\0001", {}, pki.ca.key } do
      assert.error_matches(function() full:isRevoked(value) end, "bad argument #1 to 'isRevoked'")
    end
    assert.error_matches(function() full:isRevoked() end, "bad argument #1 to 'isRevoked'")
  end)

  it("tells whose signature it has", function()
    assert.is_true(full:verify(pki.ca.certificate))
    refusals.condition("crl_invalid", full:verify(pki.otherCa.certificate))
    refusals.condition("crl_invalid", full:verify(pki.server.certificate))
    local der = full:toDer()
    local flipped = der:sub(1, -2) .. string.char(der:byte(-1) ~ 1)
    refusals.condition("crl_invalid", assert(SciSslX509Crl.fromDer(flipped)):verify(pki.ca.certificate))
    assert.error_matches(function() full:verify(pki.ca.key) end, "bad argument #1 to 'verify'")
  end)

  it("prints issuer and number of entries, and says when it is closed", function()
    assert.are.equal("SciSslX509Crl: " .. pki.ca.certificate:subject() .. ", 3 revoked", tostring(full))
    local closed
    do
      local made <close> = assert(issue())
      closed = made
    end
    assert.are.equal("SciSslX509Crl: closed", tostring(closed))
    assert.error_matches(function() closed:issuer() end, "calling 'issuer' on bad self")
    assert.is_false(closed == full)
  end)

  it("refuses bytes that are none", function()
    refusals.condition("not_pem", SciSslX509Crl.fromPem "")
    refusals.condition("not_pem", SciSslX509Crl.fromPem "text")
    refusals.condition("not_pem", SciSslX509Crl.fromPem(full:toDer()))
    refusals.condition("not_crl", SciSslX509Crl.fromPem(pki.ca.certificatePem))
    refusals.condition("malformed_crl",
      SciSslX509Crl.fromPem("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"))
    refusals.condition("not_der", SciSslX509Crl.fromDer "")
    refusals.condition("not_der", SciSslX509Crl.fromDer "text")
    refusals.condition("not_der", SciSslX509Crl.fromDer(full:toPem()))
    refusals.condition("not_crl", SciSslX509Crl.fromDer(pki.ca.certificate:toDer()))
    refusals.condition("malformed_crl", SciSslX509Crl.fromDer(full:toDer() .. "\0"))
    for _, value in ipairs { {}, true, full } do
      assert.error_matches(function() SciSslX509Crl.fromPem(value) end, "bad argument #1 to 'fromPem'")
      assert.error_matches(function() SciSslX509Crl.fromDer(value) end, "bad argument #1 to 'fromDer'")
    end
  end)

  it("answers a clear error for every list that is cut off #slow", function()
    local der = full:toDer()
    for length = 1, #der - 1 do refusals.condition("malformed_crl", SciSslX509Crl.fromDer(der:sub(1, length))) end
  end)

  it("answers a list or a clear error, and never more, whatever byte is changed #slow", function()
    local der = full:toDer()
    for position = 1, #der do
      for _, change in ipairs { 1, 0x80, 0xff } do
        local flipped = der:sub(1, position - 1) .. string.char(der:byte(position) ~ change) .. der:sub(position + 1)
        local made, err = SciSslX509Crl.fromDer(flipped)
        if made then
          for _, method in ipairs { "issuer", "lastUpdate", "nextUpdate", "number", "revoked", "signatureAlgorithm" } do
            made[method](made)
          end
          made:isRevoked(pki.client.certificate)
          refusals.condition("crl_invalid", made:verify(pki.ca.certificate))
        else assert.truthy(({ malformed_crl = true, not_der = true })[err:condition()], err:condition()) end
      end
    end
  end)
end)

describe("A list as an object", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("refuses the client that it names, and lets others in, " .. version, function()
      local current = assert(issue { revoked = { { certificate = pki.client.certificate } } })
      local function answer(identity)
        local client, server = ends.pair {
          transport = "memory", client = { method = version, identity = identity },
          server = { method = version, verify = scissl.SSL_VERIFY_PEER, setup = function(context)
            assert.are.equal(context, context:addCrl(current))
            assert(context:setVerifyFlags "crl_check")
          end },
        }
        local _, server_answer = ends.handshake(client, server)
        return server_answer
      end
      assert.are.equal("certificate_revoked", answer(pki.client):condition())
      assert.are.equal(1, answer(pki.issue { subject = "CN=somebody else" }))
    end)
  end
end)
