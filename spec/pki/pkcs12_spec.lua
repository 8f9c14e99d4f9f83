-- PKCS#12: a key, its certificate and the issuers in one encrypted file.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"

local SciSslPkcs12, SciSslContext = scissl.SciSslPkcs12, scissl.SciSslContext
local refused = refusals.refused

local function make(fields)
  local all = { key = pki.server.key, certificate = pki.server.certificate, chain = { pki.ca.certificate },
    passphrase = "open sesame", iterations = 1 }
  for name, value in pairs(fields or {}) do all[name] = value end
  return assert(SciSslPkcs12.make(all))
end

local sealed = make()

local function openssl(arguments)
  return shell.run("openssl pkcs12 " .. arguments .. " 2>&1")
end

-- What `openssl pkcs12 -export` makes; nil where it cannot.
local function exported(arguments)
  local path = pki.folder() .. "/exported.p12"
  os.remove(path)
  openssl(("-export -inkey %s -in %s -certfile %s -out %s %s"):format(pki.server.keyFile, pki.server.certificateFile,
    pki.ca.certificateFile, path, arguments))
  local file = io.open(path, "rb")
  if not file then return nil end
  local bytes = file:read("a")
  file:close()
  return bytes ~= "" and bytes or nil
end

describe("SciSslPkcs12.parse", function()
  it("reads what make has written", function()
    local parsed = assert(SciSslPkcs12.parse(make { friendlyName = "Käse" }, "open sesame"))
    assert.are.equal(pki.server.key, parsed.key)
    assert.are.equal(pki.server.certificate, parsed.certificate)
    assert.are.same({ pki.ca.certificate }, parsed.chain)
    assert.are.equal("Käse", parsed.friendlyName)
  end)

  it("reads one without issuers and name", function()
    local parsed = assert(SciSslPkcs12.parse(assert(SciSslPkcs12.make { key = pki.server.key,
      certificate = pki.server.certificate, passphrase = "x" }), "x"))
    assert.are.same({}, parsed.chain)
    assert.is_nil(parsed.friendlyName)
  end)

  it("keeps the order of the issuers", function()
    local chain = { pki.otherCa.certificate, pki.ca.certificate, pki.client.certificate }
    assert.are.same(chain, assert(SciSslPkcs12.parse(make { chain = chain }, "open sesame")).chain)
  end)

  it("reads RSA and Ed25519 keys #slow", function()
    for _, algorithm in ipairs { "RSA", "Ed25519" } do
      local key = assert(scissl.SciSslPrivateKey.generate(algorithm))
      local identity = pki.issue { subject = "CN=" .. algorithm, key = key }
      local parsed = assert(SciSslPkcs12.parse(make { key = identity.key, certificate = identity.certificate },
        "open sesame"))
      assert.are.equal(identity.key, parsed.key)
    end
  end)

  it("asks a function for the passphrase, once", function()
    local calls = 0
    assert(SciSslPkcs12.parse(sealed, function(...)
      calls = calls + 1
      assert.are.equal(0, select("#", ...))
      return "open sesame"
    end))
    assert.are.equal(1, calls)
  end)

  it("tells a wrong passphrase from a missing one", function()
    refused("passphrase_wrong", "load", "PKCS#12", SciSslPkcs12.parse(sealed, "hunter2"))
    refused("passphrase_wrong", "load", "PKCS#12", SciSslPkcs12.parse(sealed, ""))
    refused("passphrase_wrong", "load", "PKCS#12", SciSslPkcs12.parse(sealed, function() return "hunter2" end))
    refused("passphrase_missing", "load", "PKCS#12", SciSslPkcs12.parse(sealed))
  end)

  it("never shows a passphrase", function()
    local _, err = SciSslPkcs12.parse(sealed, "hunter2")
    assert.is_nil(tostring(err):find("hunter2", 1, true))
  end)

  it("keeps what a passphrase function raised as the cause", function()
    local cause = {}
    local err = refused("passphrase_function", "load", nil, SciSslPkcs12.parse(sealed, function() error(cause) end))
    assert.are.equal(cause, err:cause())
  end)

  it("refuses a passphrase function that answers something else", function()
    for _, answer in ipairs { false, 12, {}, "a\0b" } do
      refused("passphrase_function", "load", nil, SciSslPkcs12.parse(sealed, function() return answer end))
    end
    refused("passphrase_function", "load", nil, SciSslPkcs12.parse(sealed, function() end))
  end)

  it("refuses garbage, empty and truncated input, and bytes behind the end", function()
    for _, bad in ipairs { "", "\0", "garbage", sealed:sub(1, -2), sealed:sub(1, 50), sealed .. "\0",
      pki.server.certificatePem, ("x"):rep(100000) } do
      refused("malformed_pkcs12", "load", "PKCS#12", SciSslPkcs12.parse(bad, "open sesame"))
    end
  end)

  it("takes none where a bit was flipped that says something #slow", function()
    local taken = 0
    for i = 1, #sealed do
      local flipped = sealed:sub(1, i - 1) .. string.char(sealed:byte(i) ~ 1) .. sealed:sub(i + 1)
      local parsed, err = SciSslPkcs12.parse(flipped, "open sesame")
      if parsed then
        taken = taken + 1
        assert.are.equal(pki.server.key, parsed.key)
      else refusals.check(err) end
    end
    assert.is_true(taken < 10, taken)
  end)

  it("raises for arguments of a wrong type", function()
    assert.error_matches(function() SciSslPkcs12.parse() end, "bad argument #1 to 'parse'")
    assert.error_matches(function() SciSslPkcs12.parse({}, "x") end, "bad argument #1 to 'parse'")
    assert.error_matches(function() SciSslPkcs12.parse(sealed, {}) end, "bad argument #2 to 'parse'")
    assert.error_matches(function() SciSslPkcs12.parse(sealed, 1) end, "bad argument #2 to 'parse'")
    assert.error_matches(function() SciSslPkcs12.parse(sealed, "a\0b") end, "bad argument #2 to 'parse'")
  end)
end)

describe("SciSslPkcs12.make", function()
  it("refuses an empty passphrase", function()
    refused("passphrase_empty", "save", nil, SciSslPkcs12.make { key = pki.server.key,
      certificate = pki.server.certificate, passphrase = "" })
  end)

  it("refuses a key that is not the certificate's", function()
    refused("key_mismatch", "save", nil, SciSslPkcs12.make { key = pki.client.key,
      certificate = pki.server.certificate, passphrase = "x" })
  end)

  it("raises for wrong options", function()
    for name, value in pairs { key = "k", certificate = 1, chain = { 1 }, passphrase = "a\0b", friendlyName = {},
      iterations = 0, iteration = 1 } do
      assert.error_matches(function() make { [name] = value } end, "bad argument #1 to 'make'")
    end
    local key, certificate = pki.server.key, pki.server.certificate
    assert.error_matches(function() SciSslPkcs12.make { key = key, certificate = certificate } end,
      "bad argument #1 to 'make'")
    assert.error_matches(function() SciSslPkcs12.make { certificate = certificate, passphrase = "x" } end,
      "bad argument #1 to 'make'")
    assert.error_matches(function() make { iterations = math.maxinteger } end, "bad argument #1 to 'make'")
  end)
end)

describe("PKCS#12 and openssl", function()
  it("reads what we write", function()
    local output = openssl(("-in %s -passin 'pass:open sesame' -nodes -info"):format(pki.write(sealed)))
    assert.truthy(output:find("BEGIN PRIVATE KEY", 1, true), output)
    assert.truthy(output:find("AES-256-CBC", 1, true), output)
    assert.truthy(output:find("CN ?= ?scissl test authority"), output)
  end)

  it("writes what we read", function()
    local parsed = assert(SciSslPkcs12.parse(assert(exported("-passout pass:x -name server")), "x"))
    assert.are.equal(pki.server.key, parsed.key)
    assert.are.same({ pki.ca.certificate }, parsed.chain)
    assert.are.equal("server", parsed.friendlyName)
  end)

  it("writes with an empty passphrase what we read with one, or none", function()
    local bytes = assert(exported("-passout pass:"))
    assert.are.equal(pki.server.key, assert(SciSslPkcs12.parse(bytes)).key)
    assert.are.equal(pki.server.key, assert(SciSslPkcs12.parse(bytes, "")).key)
  end)

  it("writes without a MAC what we read with the right passphrase, and no other", function()
    local bytes = assert(exported("-passout pass:x -nomac -name server"))
    local parsed = assert(SciSslPkcs12.parse(bytes, "x"))
    assert.are.equal(pki.server.key, parsed.key)
    assert.are.equal(pki.server.certificate, parsed.certificate)
    assert.are.same({ pki.ca.certificate }, parsed.chain)
    assert.are.equal("server", parsed.friendlyName)
    assert(SciSslContext.new():usePkcs12(bytes, "x"))
    refused("passphrase_wrong", "load", "PKCS#12", SciSslPkcs12.parse(bytes, "y"))
    refused("passphrase_wrong", "load", "PKCS#12", SciSslPkcs12.parse(bytes, ""))
    refused("passphrase_missing", "load", "PKCS#12", SciSslPkcs12.parse(bytes))
  end)

  it("writes without a MAC, and an empty passphrase, what we read with one, or none", function()
    local bytes = assert(exported("-passout pass: -nomac"))
    assert.are.equal(pki.server.key, assert(SciSslPkcs12.parse(bytes)).key)
    assert.are.equal(pki.server.key, assert(SciSslPkcs12.parse(bytes, "")).key)
  end)

  it("writes without a MAC and encryption what we read with any passphrase, and none", function()
    local bytes = assert(exported("-passout pass:x -nomac -keypbe NONE -certpbe NONE"))
    assert.are.equal(pki.server.key, assert(SciSslPkcs12.parse(bytes)).key)
    assert.are.equal(pki.server.key, assert(SciSslPkcs12.parse(bytes, "any")).key)
  end)

  it("writes certificates without a key, of which we read what is there", function()
    local bytes = assert(exported("-passout pass:x -nokeys"))
    local parsed = assert(SciSslPkcs12.parse(bytes, "x"))
    assert.is_nil(parsed.key)
    assert.is_nil(parsed.certificate)
    assert.are.equal(2, #parsed.chain)
    refused("pkcs12_incomplete", "load", "PKCS#12", SciSslContext.new():usePkcs12(bytes, "x"))
  end)

  it("writes with old algorithms what we name as such", function()
    local bytes = exported("-passout pass:x -legacy -certpbe PBE-SHA1-RC2-40")
    if not bytes then pending("this openssl has no legacy provider") return end
    local err = refused("pkcs12_legacy", "load", "PKCS#12", SciSslPkcs12.parse(bytes, "x"))
    assert.truthy(err:errorHint():find("openssl pkcs12", 1, true))
    assert.truthy(err:message():find("PBE-SHA1-RC2-40", 1, true), err:message())
    refused("passphrase_wrong", "load", "PKCS#12", SciSslPkcs12.parse(bytes, "y"))
    local path = pki.write(bytes)
    err = refused("pkcs12_legacy", "load", path, scissl.SciSslPrivateKey.fromUri(path, "x"))
    assert.truthy(err:message():find("PBE-SHA1-RC2-40", 1, true), err:message())
    refused("passphrase_missing", "load", path, scissl.SciSslPrivateKey.fromUri(path))
  end)

  it("writes with old algorithms and without a MAC what we name as such", function()
    local bytes = exported("-passout pass:x -nomac -legacy -certpbe PBE-SHA1-RC2-40")
    if not bytes then pending("this openssl has no legacy provider") return end
    refused("pkcs12_legacy", "load", "PKCS#12", SciSslPkcs12.parse(bytes, "x"))
  end)
end)

describe("SciSslContext:usePkcs12", function()
  -- Whom a client sees that trusts the authority.
  local function seen(context)
    local client, server = ends.connected { server = context }
    local chain = client:peerChain()
    server:close()
    return chain
  end

  it("makes a context one that can serve", function()
    local context = SciSslContext.new()
    assert.are.equal(context, context:usePkcs12(sealed, "open sesame"))
    assert.is_true(context:hasCertificate())
    assert.are.same({ pki.server.certificate, pki.ca.certificate }, seen(context))
  end)

  it("reads files", function()
    local context = SciSslContext.new()
    assert.are.equal(context, context:usePkcs12File(pki.write(sealed), function() return "open sesame" end))
    assert.are.same({ pki.server.certificate, pki.ca.certificate }, seen(context))
  end)

  it("serves as a client's certificate", function()
    local context = ends.clientContext { setup = function(made)
      assert(made:usePkcs12(make { key = pki.client.key, certificate = pki.client.certificate, chain = {} },
        "open sesame"))
    end }
    local client, server = ends.connected { client = context, server = {
      verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT } }
    assert.are.equal(pki.client.certificate, server:peerCertificate())
    client:close()
  end)

  it("leaves the context as it was where it fails", function()
    local context = ends.serverContext { trust = false }
    local path = pki.write(sealed)
    refused("passphrase_wrong", "load", "PKCS#12", context:usePkcs12(sealed, "hunter2"))
    refused("passphrase_missing", "load", path, context:usePkcs12File(path))
    refused("malformed_pkcs12", "load", "PKCS#12", context:usePkcs12("rubbish", "open sesame"))
    refused("passphrase_function", "load", nil, context:usePkcs12(sealed, error))
    refused("file_missing", "load", "/nowhere/x.p12", context:usePkcs12File("/nowhere/x.p12", "x"))
    refused("file_directory", "load", nil, context:usePkcs12File(pki.folder(), "x"))
    refused("file_empty", "load", nil, context:usePkcs12File(pki.write(""), "x"))
    refused("malformed_pkcs12", "load", nil, context:usePkcs12File(pki.write("rubbish"), "x"))
    assert.are.same({ pki.server.certificate }, seen(context))
  end)

  it("refuses keys that the security level forbids", function()
    local weak = pki.issue { subject = "CN=weak", key = assert(scissl.SciSslPrivateKey.generate("RSA", 1024)) }
    local context = ends.serverContext { trust = false }
    refused("security_level", "load", "PKCS#12", context:usePkcs12(make { key = weak.key,
      certificate = weak.certificate }, "open sesame"))
    assert.are.same({ pki.server.certificate }, seen(context))
  end)

  it("refuses a context that the passphrase function has closed", function()
    local context = SciSslContext.new()
    refused("closed", "load", nil, context:usePkcs12(sealed, function()
      getmetatable(context).__close(context)
      return "open sesame"
    end))
  end)

  it("does not reach connections that were made before (S9)", function()
    local context = ends.serverContext { trust = false }
    local client, server = ends.pair { server = context }
    local other = pki.issue { subject = "CN=localhost", names = { "localhost" } }
    assert(context:usePkcs12(make { key = other.key, certificate = other.certificate }, "open sesame"))
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal(pki.server.certificate, client:peerCertificate())
    assert.are.equal(other.certificate, seen(context)[1])
  end)

  it("raises for arguments of a wrong type", function()
    local context = SciSslContext.new()
    assert.error_matches(function() context:usePkcs12() end, "bad argument #1 to 'usePkcs12'")
    assert.error_matches(function() context:usePkcs12(sealed, {}) end, "bad argument #2 to 'usePkcs12'")
    assert.error_matches(function() context:usePkcs12File("a\0b", "x") end, "bad argument #1 to 'usePkcs12File'")
    assert.error_matches(function() context:usePkcs12File({}, "x") end, "bad argument #1 to 'usePkcs12File'")
  end)
end)
