-- Certificate requests: made, read, and granted.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslX509Request, SciSslX509Certificate = scissl.SciSslX509Request, scissl.SciSslX509Certificate

local key = assert(scissl.SciSslPrivateKey.generate "EC")
local request = assert(SciSslX509Request.new {
  subject = "CN=asked for,O=Jos\u{e9}", names = { "a.example", "127.0.0.1", "me@a.example", "https://a.example/" },
  key = key,
})

local function grant(options)
  local given = { issuer = pki.ca.certificate, issuerKey = pki.ca.key, request = request }
  for name, value in pairs(options or {}) do given[name] = value end
  return SciSslX509Certificate.issue(given)
end

describe("SciSslX509Request", function()
  it("says what it was told", function()
    assert.are.equal("CN=asked for,O=Jos\u{e9}", request:subject())
    local names = {}
    for i, name in ipairs(request:subjectAltNames()) do names[i] = name.type .. ":" .. name.value end
    assert.are.same({ "DNS:a.example", "IP:127.0.0.1", "email:me@a.example", "URI:https://a.example/" }, names)
    assert.are.equal(key:publicPem(), request:publicPem())
    assert.is_true(request:verify())
    assert.are.equal("SciSslX509Request: CN=asked for,O=Jos\u{e9}", tostring(request))
  end)

  it("is the same after PEM and DER", function()
    assert.are.equal(request:toDer(), assert(SciSslX509Request.fromPem(request:toPem())):toDer())
    assert.are.equal(request:toPem(), assert(SciSslX509Request.fromDer(request:toDer())):toPem())
  end)

  it("needs no names", function()
    assert.are.same({}, assert(SciSslX509Request.new { subject = "CN=x", key = key }):subjectAltNames())
    assert.are.equal("", assert(SciSslX509Request.new { names = { "x.example" }, key = key }):subject())
  end)

  it("is signed with whatever the key is #slow", function()
    for _, make in ipairs { { "RSA", 2048 }, { "Ed25519" }, { "Ed448" }, { "RSA-PSS", 2048 } } do
      local made = assert(scissl.SciSslPrivateKey.generate(table.unpack(make)))
      assert.is_true(assert(SciSslX509Request.new { subject = "CN=x", key = made }):verify())
    end
    assert.is_true(assert(SciSslX509Request.new { subject = "CN=x", key = key, digest = "SHA512" }):verify())
  end)

  it("is understood by openssl", function()
    local pipe = io.popen("openssl req -noout -verify -text -in " .. pki.write(request:toPem()) .. " 2>&1")
    local text = pipe:read "a"
    pipe:close()
    assert.truthy(text:find("verify OK", 1, true), text)
    assert.truthy(text:find("DNS:a.example, IP Address:127.0.0.1", 1, true), text)
  end)

  it("reads what openssl makes", function()
    local pipe = io.popen(("openssl req -new -key %s -subj /CN=made -addext subjectAltName=DNS:b.example")
      :format(pki.server.keyFile))
    local made = assert(SciSslX509Request.fromPem(pipe:read "a"))
    pipe:close()
    assert.are.equal("CN=made", made:subject())
    assert.are.equal("b.example", made:subjectAltNames()[1].value)
    assert.is_true(made:verify())
  end)

  it("answers what cannot be", function()
    refusals.condition("malformed_name", SciSslX509Request.new { subject = "no name", key = key })
    refusals.condition("malformed_name", SciSslX509Request.new { names = { "a b" }, key = key })
    refusals.condition("unknown_digest", SciSslX509Request.new { subject = "CN=x", key = key, digest = "nonsense" })
  end)

  it("raises for what is of another kind", function()
    for _, options in ipairs {
      {}, { subject = "CN=x" }, { key = key }, { subject = 1, key = key }, { subject = "CN=x", key = "pem" },
      { subject = "CN=x", key = key, digest = 1 }, { names = { 1 }, key = key },
      { subject = "CN=x", key = key, no = 1 },
    } do
      assert.error_matches(function() SciSslX509Request.new(options) end, "bad argument #1 to 'new'")
    end
    assert.error_matches(function() SciSslX509Request.new() end, "bad argument #1 to 'new'")
  end)

  it("refuses bytes that are none", function()
    refusals.condition("not_pem", SciSslX509Request.fromPem "")
    refusals.condition("not_request", SciSslX509Request.fromPem(pki.ca.certificatePem))
    refusals.condition("malformed_request", SciSslX509Request.fromPem(
      "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"))
    refusals.condition("not_der", SciSslX509Request.fromDer "")
    refusals.condition("not_der", SciSslX509Request.fromDer(request:toPem()))
    refusals.condition("malformed_request", SciSslX509Request.fromDer(request:toDer() .. "\0"))
    assert.error_matches(function() SciSslX509Request.fromPem {} end, "bad argument #1 to 'fromPem'")
    assert.error_matches(function() SciSslX509Request.fromDer(request) end, "bad argument #1 to 'fromDer'")
  end)

  it("answers a clear error for every request that is cut off #slow", function()
    local der = request:toDer()
    for length = 1, #der - 1 do
      refusals.condition("malformed_request", SciSslX509Request.fromDer(der:sub(1, length)))
    end
  end)

  it("answers a request that fails its check, or a clear error, whatever byte is changed #slow", function()
    local der = request:toDer()
    for position = 1, #der do
      for _, change in ipairs { 1, 0x80, 0xff } do
        local made, err = SciSslX509Request.fromDer(der:sub(1, position - 1)
          .. string.char(der:byte(position) ~ change) .. der:sub(position + 1))
        if made then
          for _, method in ipairs { "subject", "subjectAltNames", "publicPem", "toPem" } do made[method](made) end
          refusals.condition("request_invalid", made:verify())
        else assert.truthy(({ malformed_request = true, not_der = true })[err:condition()]) end
      end
    end
  end)

  it("says when it is closed", function()
    local closed
    do
      local made <close> = assert(SciSslX509Request.new { subject = "CN=x", key = key })
      closed = made
    end
    assert.are.equal("SciSslX509Request: closed", tostring(closed))
    assert.error_matches(function() closed:subject() end, "calling 'subject' on bad self")
    assert.error_matches(function() grant { request = closed } end, "bad argument #1 to 'issue'")
  end)
end)

describe("SciSslX509Certificate.issue of a request", function()
  it("takes subject, names and key from it", function()
    local certificate = assert(grant())
    assert.are.equal(request:subject(), certificate:subject())
    assert.are.equal(4, #certificate:subjectAltNames())
    assert.is_true(certificate:matchesKey(key))
    assert.is_true(certificate:matchesHost "a.example")
    assert.are.equal(pki.ca.certificate:subject(), certificate:issuer())
  end)

  it("takes what is given instead", function()
    local certificate = assert(grant { subject = "CN=other", names = { "other.example" }, key = pki.client.key })
    assert.are.equal("CN=other", certificate:subject())
    assert.are.equal("other.example", certificate:subjectAltNames()[1].value)
    assert.is_true(certificate:matchesKey(pki.client.key))
    assert.are.same({}, assert(grant { names = {} }):subjectAltNames())
  end)

  it("grants nothing else that was asked for", function()
    local pipe = io.popen(("openssl req -new -key %s -subj /CN=made -addext basicConstraints=CA:TRUE")
      :format(pki.server.keyFile))
    local made = assert(SciSslX509Request.fromPem(pipe:read "a"))
    pipe:close()
    assert.is_false((assert(grant { request = made }):isCa()))
  end)

  it("refuses names that are malformed, and does not leave them out", function()
    local pipe = io.popen(("openssl req -new -key %s -subj /CN=made -addext subjectAltName=DER:30:05:82:7F:61:62:63")
      :format(pki.server.keyFile))
    local made = assert(SciSslX509Request.fromPem(pipe:read "a"))
    pipe:close()
    refusals.condition("malformed_extension", made:subjectAltNames())
    refusals.condition("malformed_extension", grant { request = made })
    assert.is_true(scissl.isSslError(select(2, grant { request = made })))
    assert.truthy(grant { request = made, names = { "given.example" } })
  end)

  it("refuses a request whose sender has not got the key", function()
    local der = request:toDer()
    local forged = assert(SciSslX509Request.fromDer(der:sub(1, -2) .. string.char(der:byte(-1) ~ 1)))
    refusals.condition("request_invalid", grant { request = forged })
  end)

  it("needs an issuer", function()
    assert.error_matches(function() SciSslX509Certificate.issue { request = request } end, "bad argument #1 to 'issue'")
    assert.error_matches(function() grant { request = "pem" } end, "bad argument #1 to 'issue'")
  end)
end)
