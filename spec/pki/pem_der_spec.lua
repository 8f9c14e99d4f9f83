-- What each class that reads PEM and DER does alike: bytes after the end, another kind, close.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local refused = refusals.refused

local key = assert(scissl.SciSslPrivateKey.generate("EC"))
local certificate = pki.server.certificate
local crl = assert(scissl.SciSslX509Crl.issue { issuer = pki.ca.certificate, issuerKey = pki.ca.key })
local request = assert(scissl.SciSslX509Request.new { subject = "CN=pem", key = key })

local function session()
  local client, server = ends.connected()
  assert.are.equal(2, server:sslWrite("hi"))
  assert.are.equal("hi", ends.read(client, server))
  return assert(client:getSession())
end

local kinds = {
  { class = "SciSslX509Certificate", object = certificate, malformed = "malformed_certificate",
    absent = "not_certificate", name = "a certificate" },
  { class = "SciSslX509Crl", object = crl, malformed = "malformed_crl", absent = "not_crl", name = "a CRL" },
  { class = "SciSslX509Request", object = request, malformed = "malformed_request", absent = "not_request",
    name = "a certificate request" },
}

for index, kind in ipairs(kinds) do
  local class, other = scissl[kind.class], kinds[index % #kinds + 1]

  describe(kind.class, function()
    it("rejects bytes after the end of its DER", function()
      local err = refused(kind.malformed, "load", nil, class.fromDer(kind.object:toDer() .. "\0"))
      assert.are.equal("there are bytes after the end of " .. kind.name, err:message())
    end)

    it("names what it got, and what it expected", function()
      local err = refused(kind.absent, "load", nil, class.fromDer(other.object:toDer()))
      assert.are.equal(("the DER bytes contain %s, expected %s"):format(other.name, kind.name), err:message())
      err = refused(kind.absent, "load", nil, class.fromPem(other.object:toPem()))
      assert.are.equal(("the PEM text contains %s, expected %s"):format(other.name, kind.name), err:message())
    end)

    it("is closed at the end of its scope: it says so, and raises when it is used", function()
      local outside
      do
        local copy <close> = assert(class.fromDer(kind.object:toDer()))
        outside = copy
      end
      assert.are.equal(kind.class .. ": closed", tostring(outside))
      assert.error_matches(function() outside:toPem() end, "has been closed")
      assert.are.equal(kind.object:toDer(), assert(class.fromPem(kind.object:toPem())):toDer())
    end)
  end)
end

describe("SciSslPrivateKey", function()
  it("rejects bytes after the end of its DER", function()
    local err = refused("malformed_key", "load", nil, scissl.SciSslPrivateKey.fromDer(key:toDer() .. "\0"))
    assert.are.equal("there are bytes after the end of the private key", err:message())
  end)
end)

describe("OSSslSession", function()
  local OSSslSession = scissl.OSSslSession

  it("rejects a damaged certificate after the session, as DER and as PEM", function()
    local given = session()
    local err = refused("malformed_session", "load", nil, OSSslSession.fromDer(given:toDer() .. "\48\3\2\1\5"))
    assert.are.equal("a certificate that follows the TLS session is malformed", err:message())
    local damaged = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n"
    err = refused("malformed_session", "load", nil, OSSslSession.fromPem(given:toPem() .. damaged))
    assert.are.equal("a certificate that follows the TLS session is malformed", err:message())
  end)

  it("reads the certificates that follow the session", function()
    local given = session()
    local again = assert(OSSslSession.fromPem(given:toPem() .. pki.ca.certificate:toPem()))
    assert.are.equal(given:id(), again:id())
    again = assert(OSSslSession.fromDer(given:toDer() .. pki.ca.certificate:toDer()))
    assert.are.equal(given:id(), again:id())
  end)
end)
