-- What is given in place of something else is named for what it is, by each loader.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"

local Certificate, Key, Context = scissl.SciSslX509Certificate, scissl.SciSslPrivateKey, scissl.SciSslContext

-- ---- what is given: PEM, DER, and texts that are neither

local certificate, key, list = pki.client.certificate, pki.client.key, crl.make {}
local request = assert(scissl.SciSslX509Request.new { subject = "CN=x", key = key })
local bundle = assert(scissl.SciSslPkcs12.make { key = key, certificate = certificate, passphrase = "x" })
local pkcs7 = shell.must("openssl crl2pkcs7 -nocrl -certfile " .. pki.client.certificateFile)
local session = assert(ends.connected { version = "TLSv1.2" }):getSession()

-- The name of each kind is what messages call it.
local kinds = {
  ["a certificate"] = { pem = certificate:toPem(), der = certificate:toDer() },
  ["a private key"] = { pem = key:toPem(), der = key:toDer() },
  ["a public key"] = {
    pem = key:publicPem(), der = shell.must("openssl pkey -pubout -outform DER -in " .. pki.client.keyFile),
  },
  ["a certificate request"] = { pem = request:toPem(), der = request:toDer() },
  ["a CRL"] = { pem = list, der = crl.toDer(list) },
  ["a TLS session"] = { pem = session:toPem(), der = session:toDer() },
  ["PKCS#12"] = { der = bundle },
  ["PKCS#7"] = { pem = pkcs7 },
  ["DH parameters"] = { pem = "-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n" },
  ["EC parameters"] = { pem = shell.must "openssl ecparam -name prime256v1" },
}

local function in_utf16(text)
  return "\xFF\xFE" .. text:gsub(".", "%0\0")
end

local pem = certificate:toPem() .. key:toPem() .. list .. request:toPem() .. session:toPem()

-- Texts that hold everything, and yet no PEM that OpenSSL reads; and what must be said of them.
local texts = {
  ["with line breaks written as \\n"] = { (pem:gsub("\n", "\\n")), "backslash and n" },
  ["without line breaks"] = { (pem:gsub("\n", " ")), "line breaks are missing" },
  ["with the line breaks of old Macs"] = { (pem:gsub("\n", "\r")), "line breaks are missing" },
  ["with blanks in front of its lines"] = { "  " .. pem:gsub("\n", "\n  "), "beginning of its line" },
  ["in UTF-16"] = { in_utf16(pem), "UTF-16" },
  ["in UTF-16 without a mark"] = { in_utf16(pem):sub(3), "UTF-16" },
  ["in base64 alone"] = { certificate:toPem():match "\n(.-)\n%-", "base64" },
  ["of PuTTY"] = { "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "PuTTY" },
  ["of OpenSSH's public keys"] = { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here\n", "public key of OpenSSH" },
  ["of a page"] = { "<!DOCTYPE html>\n<title>404</title>\n", "HTML" },
  ["of a Java key store"] = { "\xFE\xED\xFE\xED\0\0\0\2\0\0\0\1", "Java key store" },
}

-- ---- the loaders: what is due, the condition for other kinds, and how they take text, DER, or the path of a file

local function method(name, ...)
  local more = { ... }
  return function(given) return Context.new()[name](Context.new(), given, table.unpack(more)) end
end

local function by_file(load)
  return function(given) return load(pki.write(given)) end
end

local function dh(given)
  local _, server = ends.pair { transport = "memory" }
  return server:sslSetDhParameters(given)
end

-- `any`: the loader has one condition for all that is wrong.
local CERTIFICATE = { due = "a certificate", absent = "not_certificate" }
local KEY = { due = "a private key", absent = "not_private_key" }
local CRL = { due = "a CRL", absent = "not_crl" }
local REQUEST = { due = "a certificate request", absent = "not_request" }
local SESSION = { due = "a TLS session", absent = "not_session" }
local PKCS12 = { due = "PKCS#12", absent = "malformed_pkcs12", any = "malformed_pkcs12" }
local DH = { due = "a group of DH parameters", absent = "not_dh_parameters", any = "not_dh_parameters" }

local loaders = {
  { "SciSslX509Certificate.fromPem", CERTIFICATE, "pem", Certificate.fromPem },
  { "SciSslX509Certificate.fromPemFile", CERTIFICATE, "pem", by_file(Certificate.fromPemFile) },
  { "SciSslX509Certificate.chainFromPem", CERTIFICATE, "pem", Certificate.chainFromPem },
  { "SciSslX509Certificate.fromDer", CERTIFICATE, "der", Certificate.fromDer },
  { "useCertificate", CERTIFICATE, "pem", method "useCertificate" },
  { "useCertificateFile", CERTIFICATE, "pem", by_file(method "useCertificateFile") },
  { "useCertificateChainFile", CERTIFICATE, "pem", by_file(method "useCertificateChainFile") },
  { "addTrusted", CERTIFICATE, "both", method "addTrusted" },
  { "loadVerifyLocations", CERTIFICATE, "both", by_file(method "loadVerifyLocations") },
  { "setAcceptedIssuers", CERTIFICATE, "both", method "setAcceptedIssuers" },
  { "loadAcceptedIssuers", CERTIFICATE, "both", by_file(method "loadAcceptedIssuers") },
  { "SciSslPrivateKey.fromPem", KEY, "pem", Key.fromPem },
  { "SciSslPrivateKey.fromPemFile", KEY, "pem", by_file(Key.fromPemFile) },
  { "SciSslPrivateKey.fromDer", KEY, "der", Key.fromDer },
  { "SciSslPrivateKey.fromUri", KEY, "uri", by_file(Key.fromUri) },
  { "usePrivateKey", KEY, "pem", method "usePrivateKey" },
  { "usePrivateKeyFile", KEY, "pem", by_file(method "usePrivateKeyFile") },
  { "SciSslX509Crl.fromPem", CRL, "pem", scissl.SciSslX509Crl.fromPem },
  { "SciSslX509Crl.fromDer", CRL, "der", scissl.SciSslX509Crl.fromDer },
  { "addCrl", CRL, "both", method "addCrl" },
  { "loadCrlFile", CRL, "both", by_file(method "loadCrlFile") },
  { "SciSslX509Request.fromPem", REQUEST, "pem", scissl.SciSslX509Request.fromPem },
  { "SciSslX509Request.fromDer", REQUEST, "der", scissl.SciSslX509Request.fromDer },
  { "OSSslSession.fromPem", SESSION, "pem", scissl.OSSslSession.fromPem },
  { "OSSslSession.fromDer", SESSION, "der", scissl.OSSslSession.fromDer },
  { "SciSslPkcs12.parse", PKCS12, "der", scissl.SciSslPkcs12.parse },
  { "usePkcs12", PKCS12, "der", method "usePkcs12" },
  { "usePkcs12File", PKCS12, "der", by_file(method "usePkcs12File") },
  { "sslSetDhParameters", DH, "pem", dh },
}

local function says(words, err)
  assert.truthy(err:errorHint():find(words, 1, true), err:errorHint())
end

local function refused(condition, ...)
  return refusals.refused(condition, "load", nil, ...)
end

for _, loader in ipairs(loaders) do
  local name, is, form, load = table.unpack(loader)

  describe(name, function()
    for kind, given in pairs(kinds) do
      if is.due:sub(-#kind) ~= kind and given.pem then
        it("names " .. kind .. " in PEM for what it is", function()
          local err = refused(is.any or form == "der" and "not_der" or is.absent, load(given.pem))
          says(form == "der" and "looks like PEM" or kind, err)
        end)
      end
      -- A store of OpenSSL's opens PKCS#12, and asks for its passphrase.
      if kind ~= is.due and given.der and not (form == "uri" and kind == "PKCS#12") then
        it("names " .. kind .. " in DER for what it is", function()
          -- Where both are taken, DER is told from text by the length in its second byte.
          local text = form == "pem" or form == "both" and given.der:byte(2) < 0x80
          says(kind, refused(is.any or text and "not_pem" or is.absent, load(given.der)))
        end)
      end
    end

    if form == "pem" or form == "both" then
      it("names what is due in DER for what it is, or reads it", function()
        local given = kinds[is.due] and kinds[is.due].der
        if not given then return end
        if form == "both" then return assert(load(given)) end
        says("looks like DER and contains " .. is.due, refused(is.any or "not_pem", load(given)))
      end)
    end

    for how, text in pairs(texts) do
      it("says of text " .. how .. " what it is", function()
        local condition = is.any or form == "der" and "not_der" or form == "uri" and is.absent or "not_pem"
        says(text[2], refused(condition, load(text[1])))
      end)
    end

    it("tells a path from what is in the file", function()
      local condition = is.any or form == "der" and "not_der" or form == "uri" and is.absent or "not_pem"
      for _, path in ipairs { "ca.pem", "/etc/ssl/own.key", "certificates/own" } do
        says("looks like a path", refused(condition, load(path)))
      end
    end)
  end)
end

describe("A private key in OpenSSH's own format", function()
  local base64 = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB"
  local openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\n" .. base64 .. "\n-----END OPENSSH PRIVATE KEY-----\n"

  it("is named, with the way out, by each loader of keys", function()
    for _, loader in ipairs(loaders) do
      if loader[2] == KEY and loader[3] ~= "der" then
        says("ssh-keygen -p -m PKCS8", refused("openssh_key", loader[4](openssh)))
      end
    end
  end)

  it("is a private key where something else is due", function()
    says("contains a private key, expected a certificate", refused("not_certificate", Certificate.fromPem(openssh)))
  end)
end)

describe("What is malformed", function()
  local der = "\x30\x03\x02\x01\x01"

  for name, load in pairs {
    certificate = function() return Certificate.fromDer(der) end,
    key = function() return Key.fromDer(der) end,
    CRL = function() return scissl.SciSslX509Crl.fromDer(der) end,
    request = function() return scissl.SciSslX509Request.fromDer(der) end,
  } do
    it("keeps the words of OpenSSL, however many other kinds were tried: " .. name, function()
      local _, err = load()
      assert.truthy(err:condition():find "^malformed_", err:condition())
      assert.is_true(#err:queue() > 0)
      assert.truthy(err:reason())
    end)
  end
end)

describe("PEM text in place of a path", function()
  local secret = pki.client.keyPem

  -- What an error says goes into logs.
  it("is named, and not shown: it may be a key", function()
    local context = Context.new()
    for _, load in ipairs {
      function() return context:usePrivateKeyFile(secret) end,
      function() return context:useCertificateFile(secret) end,
      function() return context:loadVerifyLocations(secret) end,
      function() return context:loadVerifyLocations(nil, secret) end,
      function() return context:loadCrlFile(secret) end,
      function() return context:usePkcs12File(secret) end,
      function() return context:addTrustedUri(secret) end,
      function() return Key.fromPemFile(secret) end,
      function() return Key.fromUri(secret) end,
      function() return Certificate.fromPemFile(secret) end,
      function() return scissl.connect { host = "localhost", port = 1, caFile = secret } end,
      function() return scissl.connect { host = "localhost", port = 1, caPath = secret } end,
      function() return scissl.connect { host = "localhost", port = 1, trustUri = secret } end,
    } do
      local err = refused("file_missing", load())
      says("PEM text", err)
      assert.is_nil(err:errorHint():find(secret:sub(40, 60), 1, true), err:errorHint())
      assert.are.equal("PEM text", err:subject())
    end
  end)
end)

describe("A URI with a PIN (RFC 7512)", function()
  it("is named, and not shown", function()
    local uri = "pkcs11:token=none;object=key?pin-value=1234"
    for _, load in ipairs {
      function() return Key.fromUri(uri) end,
      function() return Context.new():addTrustedUri(uri) end,
      function() return scissl.connect { host = "localhost", port = 1, trustUri = uri } end,
    } do
      local _, err = load()
      assert.are.equal("URI with a PIN", err:subject())
      assert.is_nil(err:errorHint():find("1234", 1, true), err:errorHint())
      for _, entry in ipairs(err:queue()) do assert.is_nil((entry.data or ""):find("1234", 1, true)) end
    end
  end)
end)

describe("Options that may be a path or the thing itself", function()
  it("tell bytes from a path #slow", function()
    for option, cases in pairs {
      certificate = { [certificate:toDer()] = "contains a certificate", [in_utf16(pem)] = "UTF-16",
        [certificate:toPem():gsub("\n", "\\n")] = "backslash and n" },
      privateKey = { [key:toDer()] = "contains a private key", [in_utf16(pem)] = "UTF-16", [bundle] = "PKCS#12" },
      pkcs12 = { [pem] = "looks like PEM", [in_utf16(pem)] = "UTF-16", [certificate:toDer()] = "a certificate" },
    } do
      for given, words in pairs(cases) do
        local options = { host = "localhost", port = 1, [option] = given }
        if option == "privateKey" then options.certificate = certificate end
        says(words, refused(option == "pkcs12" and "malformed_pkcs12" or "not_pem", scissl.connect(options)))
      end
    end
  end)

  it("name the option for files where a path is given as the thing itself", function()
    says("looks like a path", refused("not_pem", scissl.connect { host = "localhost", port = 1, ca = "ca.pem" }))
    says("looks like a path", refused("not_pem", scissl.connect { host = "localhost", port = 1, crl = "/a/list",
      caFile = pki.ca.certificateFile }))
  end)
end)

describe("A byte order mark in front of PEM text", function()
  local mark = "\xEF\xBB\xBF"

  it("hides nothing: the first block stays the first", function()
    local text = mark .. pki.server.certificatePem .. pki.ca.certificatePem
    assert.are.equal(pki.server.certificate, (assert(Certificate.fromPem(text))))
    assert.are.same({ pki.server.certificate, pki.ca.certificate }, (assert(Certificate.chainFromPem(text))))
    assert.are.equal(key, (assert(Key.fromPem(mark .. key:toPem()))))
    assert(Context.new():addCrl(mark .. list))
  end)
end)

describe("BEGIN TRUSTED CERTIFICATE", function()
  local path = pki.write ""
  shell.must(("openssl x509 -addtrust serverAuth -trustout -in %s -out %s"):format(pki.ca.certificateFile, path))
  local file <close> = assert(io.open(path, "rb"))
  local text = file:read "a"

  it("is a certificate to each reader", function()
    assert.truthy(text:find("BEGIN TRUSTED CERTIFICATE", 1, true))
    assert.are.equal(pki.ca.certificate, (assert(Certificate.fromPem(text))))
    assert.are.equal(pki.ca.certificate, (assert(Certificate.fromPemFile(path))))
    assert.are.equal(pki.ca.certificate, assert(Certificate.chainFromPem(text))[1])
    for _, loader in ipairs(loaders) do
      if loader[2] == CERTIFICATE and loader[3] ~= "der" then assert(loader[4](text)) end
    end
    assert(Context.new():addTrustedUri(path))
  end)

  it("is trusted as it says, from an object as from text", function()
    for _, setup in ipairs {
      function(context) assert(context:addTrusted(text)) end,
      function(context) assert(context:addTrusted(assert(Certificate.fromPem(text)))) end,
      function(context) assert(context:loadVerifyLocations(path)) end,
    } do
      ends.connected { client = { trust = false, setup = setup } }
    end
  end)
end)
