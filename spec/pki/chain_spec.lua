-- Several certificates at once, and what a certificate says of its key and its authority.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslX509Certificate, SciSslX509Crl = scissl.SciSslX509Certificate, scissl.SciSslX509Crl

local intermediate = pki.issue { subject = "CN=intermediate", ca = true, pathLength = 0 }
local leaf = pki.issue { subject = "CN=leaf", issuer = intermediate }

describe("A chain of certificates", function()
  local chain = { leaf.certificate, intermediate.certificate, pki.ca.certificate }

  it("is the same after PEM", function()
    local pem = assert(SciSslX509Certificate.chainToPem(chain))
    assert.are.same({ leaf.certificate, intermediate.certificate, pki.ca.certificate },
      SciSslX509Certificate.chainFromPem(pem))
    assert.are.equal(leaf.certificatePem .. intermediate.certificatePem .. pki.ca.certificatePem, pem)
  end)

  it("may stand among other things", function()
    local read = assert(SciSslX509Certificate.chainFromPem(leaf.keyPem .. "words\n" .. leaf.certificatePem))
    assert.are.equal(1, #read)
  end)

  it("is refused where there is none, or one is damaged", function()
    refusals.condition("not_pem", SciSslX509Certificate.chainFromPem "")
    refusals.condition("not_certificate", SciSslX509Certificate.chainFromPem(leaf.keyPem))
    refusals.condition("malformed_certificate", SciSslX509Certificate.chainFromPem(leaf.certificatePem
      .. intermediate.certificatePem:sub(1, 200)))
    assert.error_matches(function() SciSslX509Certificate.chainFromPem {} end, "bad argument #1 to 'chainFromPem'")
    assert.error_matches(function() SciSslX509Certificate.chainToPem(leaf.certificate) end,
      "bad argument #1 to 'chainToPem'")
    assert.error_matches(function() SciSslX509Certificate.chainToPem { leaf.certificate, leaf.key } end,
      "bad argument #1 to 'chainToPem'")
    assert.are.equal("", SciSslX509Certificate.chainToPem {})
  end)

  it("is what verify builds", function()
    local good, built = leaf.certificate:verify({ pki.ca.certificate }, {
      intermediates = { intermediate.certificate },
    })
    assert.is_true(good)
    assert.are.same(chain, built)
  end)
end)

describe("SciSslX509Certificate:verify with revocation lists", function()
  local function list(identity, revoked)
    return assert(SciSslX509Crl.issue {
      issuer = identity.certificate, issuerKey = identity.key, revoked = revoked,
    })
  end

  local function verify(crls)
    return pki.client.certificate:verify({ pki.ca.certificate }, { crls = crls })
  end

  it("takes what is not named", function()
    assert.is_true((verify { list(pki.ca, { { serial = "01" } }) }))
  end)

  it("refuses what is named", function()
    refusals.condition("certificate_revoked", verify { list(pki.ca, { { certificate = pki.client.certificate } }) })
  end)

  it("refuses where the issuer has none among them", function()
    refusals.condition("crl_missing", verify {})
    refusals.condition("crl_missing", verify { list(pki.otherCa) })
  end)

  it("raises for what are none", function()
    assert.error_matches(function() verify(1) end, "bad argument #2 to 'verify'")
    assert.error_matches(function() verify { pki.ca.certificate } end, "bad argument #2 to 'verify'")
  end)
end)

describe("A certificate", function()
  it("tells the group of its key", function()
    assert.are.equal("prime256v1", leaf.certificate:keyGroup())
    local rsa = pki.issue { subject = "CN=rsa", key = pki.rsaKey() }
    assert.is_nil(rsa.certificate:keyGroup())
  end)

  it("tells how many authorities may stand below it", function()
    assert.are.equal(0, intermediate.certificate:pathLength())
    assert.is_nil(pki.ca.certificate:pathLength())
    assert.is_nil(leaf.certificate:pathLength())
  end)
end)
