-- Every parser, and every function that takes a table of options, with input of every bad kind: it raises, or returns
-- nil and a SciSslError with words.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local nonsense = require "spec.support.nonsense"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext, SciSslPrivateKey = scissl.SciSslContext, scissl.SciSslPrivateKey
local Certificate, Crl, Request = scissl.SciSslX509Certificate, scissl.SciSslX509Crl, scissl.SciSslX509Request

local plus, noise, closed = nonsense.plus, nonsense.noise, nonsense.closed
local no_text, no_list, NUMBERS = nonsense.text, nonsense.list, nonsense.NUMBERS
local refused, sorted, describe_context = nonsense.refused, nonsense.sorted, nonsense.settings

-- ---- parsers

local made = {}
local function sample(name, make)
  return function()
    made[name] = made[name] or make()
    return made[name]
  end
end

local crl_object = sample("crl", function()
  return assert(Crl.issue { issuer = pki.ca.certificate, issuerKey = pki.ca.key, number = 3,
    revoked = { { serial = "1", reason = "keyCompromise" } } })
end)
local request_object = sample("request", function()
  return assert(Request.new { subject = "CN=x", names = { "x.example" }, key = pki.server.key })
end)
local session_object = sample("session", function()
  local client, server = ends.connected { transport = "memory", version = "TLSv1.2" }
  local session = assert(client:getSession())
  client:close()
  server:close()
  return session
end)
local pkcs12_bytes = sample("pkcs12", function()
  return assert(scissl.SciSslPkcs12.make { key = pki.server.key, certificate = pki.server.certificate,
    passphrase = "x", iterations = 1 })
end)
local ocsp_bytes = sample("ocsp", function()
  return assert(scissl.SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
    key = pki.ca.key })
end)

local function pem_of(make) return function() return assert(make():toPem()) end end
local function der_of(make) return function() return assert(make():toDer()) end end
local function certificate() return pki.server.certificate end
local function key() return pki.server.key end

local function through_file(parse) return function(bytes) return parse(pki.write(bytes, "parsed")) end end
local function in_context(name, ...)
  local more = table.pack(...)
  return function(bytes)
    local context = assert(SciSslContext.new())
    local before = describe_context(context)
    local answer, err = context[name](context, bytes, table.unpack(more, 1, more.n))
    if not answer then assert.are.equal(before, describe_context(context)) end
    return answer, err
  end
end

local parsers = {
  ["SciSslX509Certificate.fromPem"] = { Certificate.fromPem, pem_of(certificate) },
  ["SciSslX509Certificate.fromPemFile"] = { through_file(Certificate.fromPemFile), pem_of(certificate) },
  ["SciSslX509Certificate.fromDer"] = { Certificate.fromDer, der_of(certificate) },
  ["SciSslX509Certificate.chainFromPem"] = { Certificate.chainFromPem,
    function() return pki.server.certificatePem .. pki.ca.certificatePem end },
  ["SciSslPrivateKey.fromPem"] = { SciSslPrivateKey.fromPem, pem_of(key) },
  ["SciSslPrivateKey.fromPemFile"] = { through_file(SciSslPrivateKey.fromPemFile), pem_of(key) },
  ["SciSslPrivateKey.fromDer"] = { SciSslPrivateKey.fromDer, der_of(key) },
  ["SciSslPrivateKey.fromUri"] = { through_file(SciSslPrivateKey.fromUri), pem_of(key) },
  ["SciSslPrivateKey.fromPem, encrypted"] = { function(text) return SciSslPrivateKey.fromPem(text, "secret") end,
    function() return assert(key():toPem "secret") end },
  ["SciSslX509Crl.fromPem"] = { Crl.fromPem, pem_of(crl_object) },
  ["SciSslX509Crl.fromDer"] = { Crl.fromDer, der_of(crl_object) },
  ["SciSslX509Request.fromPem"] = { Request.fromPem, pem_of(request_object) },
  ["SciSslX509Request.fromDer"] = { Request.fromDer, der_of(request_object) },
  ["OSSslSession.fromPem"] = { scissl.OSSslSession.fromPem, pem_of(session_object) },
  ["OSSslSession.fromDer"] = { scissl.OSSslSession.fromDer, der_of(session_object) },
  ["SciSslPkcs12.parse"] = { function(bytes) return scissl.SciSslPkcs12.parse(bytes, "x") end, pkcs12_bytes },
  ["SciSslOcsp.parse"] = { scissl.SciSslOcsp.parse, ocsp_bytes },
  ["SciSslOcsp.check"] = { function(bytes)
    return scissl.SciSslOcsp.check(bytes, { certificate = pki.server.certificate, issuer = pki.ca.certificate })
  end, ocsp_bytes },
  ["addCrl, PEM"] = { in_context "addCrl", pem_of(crl_object) },
  ["addCrl, DER"] = { in_context "addCrl", der_of(crl_object) },
  ["loadCrlFile"] = { through_file(in_context "loadCrlFile"), der_of(crl_object) },
  ["addTrusted, PEM"] = { in_context "addTrusted", pem_of(certificate) },
  ["addTrusted, DER"] = { in_context "addTrusted", der_of(certificate) },
  ["addTrustedUri"] = { through_file(in_context "addTrustedUri"), pem_of(certificate) },
  ["loadVerifyLocations"] = { through_file(in_context "loadVerifyLocations"), der_of(certificate) },
  ["loadAcceptedIssuers"] = { through_file(in_context "loadAcceptedIssuers"), pem_of(certificate) },
  ["useCertificate"] = { in_context "useCertificate", pem_of(certificate) },
  ["useCertificateFile"] = { through_file(in_context "useCertificateFile"), pem_of(certificate) },
  ["useCertificateChainFile"] = { through_file(in_context "useCertificateChainFile"), pem_of(certificate) },
  ["usePrivateKey"] = { in_context "usePrivateKey", pem_of(key) },
  ["usePrivateKeyFile"] = { through_file(in_context "usePrivateKeyFile"), pem_of(key) },
  ["usePkcs12"] = { in_context("usePkcs12", "x"), pkcs12_bytes },
  ["usePkcs12File"] = { through_file(in_context("usePkcs12File", "x")), pkcs12_bytes },
  ["setOcspResponse"] = { in_context "setOcspResponse", ocsp_bytes },
}

local STEPS = 16

-- Some places of a text of that length, its ends among them.
local function places(length)
  local list = {}
  for i = 0, STEPS do list[#list + 1] = 1 + (length - 1) * i // STEPS end
  return list
end

local function answers_or_refuses(parse, bytes)
  local answer, err = parse(bytes)
  if not answer then refusals.check(err) end
  return answer
end

describe("Parsers", function()
  for _, name in ipairs(sorted(parsers)) do
    local parse, good = table.unpack(parsers[name])

    it("take what is good, and answer a clear error for what is empty or cut off: " .. name, function()
      local bytes = good()
      assert.truthy(answers_or_refuses(parse, bytes))
      assert.is_nil(answers_or_refuses(parse, ""))
      local last_line = bytes:find "%-%-%-%-%-END"
      for _, place in ipairs(places(last_line or #bytes)) do
        assert.is_nil(answers_or_refuses(parse, bytes:sub(1, place - 1)))
      end
    end)

    it("answer an object or a clear error for flipped bits, NUL bytes and too much #slow: " .. name, function()
      local bytes = good()
      for _, place in ipairs(places(#bytes)) do
        for _, byte in ipairs { bytes:byte(place) ~ 1, bytes:byte(place) ~ 0x80, 0, 0xff } do
          answers_or_refuses(parse, bytes:sub(1, place - 1) .. string.char(byte) .. bytes:sub(place + 1))
        end
        answers_or_refuses(parse, bytes:sub(1, place) .. "\0" .. bytes:sub(place + 1))
      end
      for _, place in ipairs { 0, #bytes // 2, #bytes } do
        answers_or_refuses(parse, bytes:sub(1, place) .. noise .. bytes:sub(place + 1))
      end
      assert.is_nil(answers_or_refuses(parse, noise))
      assert.is_nil(answers_or_refuses(parse, ("\0"):rep(100000)))
      assert.is_nil(answers_or_refuses(parse, ("\x30\x84\x7f\xff\xff\xff"):rep(1000)))
    end)
  end

  it("raise for what is no string", function()
    for _, parse in ipairs { Certificate.fromPem, Certificate.fromPemFile, Certificate.fromDer,
      Certificate.chainFromPem, SciSslPrivateKey.fromPem, SciSslPrivateKey.fromPemFile, SciSslPrivateKey.fromDer,
      SciSslPrivateKey.fromUri, Crl.fromPem, Crl.fromDer, Request.fromPem, Request.fromDer, scissl.OSSslSession.fromPem,
      scissl.OSSslSession.fromDer, scissl.SciSslPkcs12.parse, scissl.SciSslOcsp.parse } do
      for _, value in ipairs(no_text()) do
        assert.error_matches(function() parse(value) end, "bad argument #1 to")
      end
      assert.error_matches(function() parse() end, "bad argument #1 to")
    end
  end)
end)

-- ---- tables of options

local constructors = {
  ["SciSslX509Certificate.issue"] = { Certificate.issue, function()
    return { subject = "CN=x", names = { "x.example" }, key = pki.server.key, issuer = pki.ca.certificate,
      issuerKey = pki.ca.key, ca = true, days = 3, notBefore = 1, notAfter = 2 ^ 31 | 0, serial = "1",
      digest = "SHA256",
      usage = { "cRLSign" }, extendedUsage = { "serverAuth" }, pathLength = 0, ocspUris = { "http://a/" },
      caIssuerUris = { "http://a/" }, crlUris = { "http://a/" }, policies = { "1.2.3" },
      extensions = { { oid = "1.2.3", data = "\5\0" } } }
  end },
  ["SciSslX509Request.new"] = { Request.new, function()
    return { subject = "CN=x", names = { "x.example" }, key = pki.server.key, digest = "SHA256" }
  end },
  ["SciSslX509Crl.issue"] = { Crl.issue, function()
    return { issuer = pki.ca.certificate, issuerKey = pki.ca.key, revoked = { { serial = "1" } }, number = "1",
      lastUpdate = 1, nextUpdate = 2 ^ 31 | 0, digest = "SHA256" }
  end },
  ["SciSslOcsp.response"] = { scissl.SciSslOcsp.response, function()
    return { certificate = pki.server.certificate, issuer = pki.ca.certificate, signer = pki.ca.certificate,
      key = pki.ca.key, status = "revoked", reason = "keyCompromise", revocationTime = 1, thisUpdate = 1,
      nextUpdate = 2 ^ 31 | 0, digest = "SHA256" }
  end },
  ["SciSslPkcs12.make"] = { scissl.SciSslPkcs12.make, function()
    return { key = pki.server.key, certificate = pki.server.certificate, chain = { pki.ca.certificate },
      passphrase = "x", friendlyName = "x", iterations = 1 }
  end },
  ["SciSslError.new"] = { scissl.SciSslError.new, function()
    return { phase = "load", condition = "x", message = "x", subject = "x", sslError = 1, errno = 1, verifyResult = 1,
      traceback = "x" }
  end },
}

local WRONG = {
  table = { true, 1, "x", { true }, { print }, { "a\0b" }, { noise } },
  string = { true, {}, 0 / 0, 1.5 },
  number = plus({ true, {} }, NUMBERS),
  boolean = { 1, "true", {} },
  userdata = { true, 1, "x", {} },
}
local BELOW_ZERO = { notBefore = true, thisUpdate = true, nextUpdate = true, lastUpdate = true, revocationTime = true,
  sslError = true, errno = true, verifyResult = true }

describe("Tables of options", function()
  for _, name in ipairs(sorted(constructors)) do
    local construct, good = table.unpack(constructors[name])

    it("are taken where they are good, and no option is unknown: " .. name, function()
      assert.truthy(construct(good()))
      local options = good()
      options.nonsense = 1
      assert.error_matches(function() construct(options) end, "nonsense")
      for _, value in ipairs(no_list()) do
        if type(value) ~= "table" then
          assert.error_matches(function() construct(value) end, "bad argument #1 to")
        end
      end
    end)

    for _, option in ipairs(sorted(good())) do
      it(("refuse values of other kinds, and numbers out of range: %s of %s"):format(option, name), function()
        local kind = type(good()[option])
        for _, value in ipairs(plus({ print, coroutine.create(print), io.stdout, closed(assert(SciSslContext.new())) },
          WRONG[kind])) do
          local options = good()
          options[option] = value
          local text_of_number = name == "SciSslError.new" and kind == "string" and math.type(value)
          local fits = text_of_number or value == 1.5 and option == "days" or value == -1 and BELOW_ZERO[option]
          if not fits then refused(option, function() return construct(options) end, value) end
        end
      end)
    end
  end
end)
