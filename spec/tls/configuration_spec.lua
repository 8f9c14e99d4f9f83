-- SciSslSocketConfiguration: a value that names a configuration, and the contexts that equal ones share.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local Configuration = scissl.SciSslSocketConfiguration

-- A value for each field.
local examples = {
  version = "TLSv1.2",
  minProtocol = "TLSv1.2",
  maxProtocol = "TLSv1.3",
  cipherList = "ECDHE+AESGCM",
  ciphersuites = "TLS_AES_128_GCM_SHA256",
  groups = "X25519",
  signatureAlgorithms = "ECDSA+SHA256",
  securityLevel = 2,
  options = scissl.SSL_OP_NO_TICKET,
  alpn = { "h2", "http/1.1" },
  caFile = pki.ca.certificateFile,
  caPath = pki.folder(),
  ca = pki.ca.certificate,
  defaultTrust = true,
  verify = scissl.SSL_VERIFY_PEER,
  verifyDepth = 3,
  certificate = pki.server.certificateFile,
  certificateChainFilename = pki.server.certificateFile,
  certificateFilename = pki.server.certificateFile,
  privateKey = pki.server.keyFile,
  privateKeyFilename = pki.server.keyFile,
  passphrase = "secret",
  timeout = 60,
}

describe("A configuration's field", function()
  for name, value in pairs(examples) do
    it(name .. " is read as it was set", function()
      local configuration = Configuration.new()
      assert.is_nil(configuration[name](configuration))
      assert.are.equal(configuration, configuration[name](configuration, value))
      assert.are.same(value, configuration[name](configuration))
    end)

    it(name .. " is taken away by nil", function()
      local configuration = Configuration.new { [name] = value }
      configuration[name](configuration, nil)
      assert.is_nil(configuration[name](configuration))
      assert.are.equal(Configuration.new(), configuration)
    end)

    it(name .. " tells configurations apart", function()
      assert.are_not.equal(Configuration.new(), Configuration.new { [name] = value })
      assert.are.equal(Configuration.new { [name] = value }, Configuration.new { [name] = value })
    end)
  end

  it("of the wrong type is refused", function()
    assert.error_matches(function() Configuration.new():caFile(5) end,
      "bad argument #1 to 'caFile' %(string expected, got number%)")
    assert.error_matches(function() Configuration.new { verify = "peer" } end,
      "bad option 'verify' to 'SciSslSocketConfiguration.new' %(integer expected, got string%)")
    assert.error_matches(function() Configuration.new { securityLevel = 6 } end, "security level from 0 to 5 expected")
    assert.error_matches(function() Configuration.new { alpn = { "h2", 5 } } end, "list of strings expected")
  end)

  it("that does not exist is refused, with the nearest that does", function()
    assert.error_matches(function() Configuration.new { cafile = "x" } end,
      "unknown option 'cafile' to 'SciSslSocketConfiguration.new' %(did you mean 'caFile'%?%)")
  end)

  it("that is a list is the configuration's own", function()
    local names = { "h2" }
    local configuration = Configuration.new { alpn = names }
    names[1] = "changed"
    configuration:alpn()[1] = "changed"
    assert.are.same({ "h2" }, configuration:alpn())
  end)
end)

describe("Configurations", function()
  it("are equal by value, in whatever order they were set", function()
    local a = Configuration.new():cipherList("A"):groups("B")
    local b = Configuration.new():groups("B"):cipherList("A")
    assert.are.equal(a, b)
  end)

  it("are equal where one says what is the default method", function()
    assert.are.equal(Configuration.new(), Configuration.new { version = "TLS" })
  end)

  it("are not equal because their texts run into each other", function()
    assert.are_not.equal(Configuration.new { alpn = { "ab", "c" } }, Configuration.new { alpn = { "a", "bc" } })
    assert.are_not.equal(Configuration.new { caFile = "a", caPath = "b" }, Configuration.new { caFile = "ab" })
    assert.are_not.equal(Configuration.new { caFile = "s6:caPaths1:b" },
      Configuration.new { caFile = "", caPath = "b" })
  end)

  it("are equal for equal certificates, and for the same key only", function()
    local again = scissl.SciSslX509Certificate.fromPem(pki.server.certificatePem)
    assert.are.equal(Configuration.new { certificate = pki.server.certificate },
      Configuration.new { certificate = again })
    assert.are_not.equal(Configuration.new { certificate = pki.server.certificate },
      Configuration.new { certificate = pki.client.certificate })
    assert.are.equal(Configuration.new { privateKey = pki.server.key },
      Configuration.new { privateKey = pki.server.key })
    assert.are_not.equal(Configuration.new { privateKey = pki.server.key },
      Configuration.new { privateKey = pki.client.key })
  end)

  it("are never equal to something else", function()
    assert.are_not.equal(Configuration.new(), {})
  end)

  it("say in a line what they hold, and no secrets", function()
    local text = tostring(Configuration.new {
      caFile = "ca.pem",
      alpn = { "h2", "http/1.1" },
      certificate = pki.server.certificatePem,
      privateKey = pki.server.keyPem,
      passphrase = "hunter2",
    })
    assert.are.equal("SciSslSocketConfiguration: alpn={h2, http/1.1}, caFile=ca.pem, certificate=(PEM), "
      .. "passphrase=(set), privateKey=(set)", text)
    assert.are.equal("SciSslSocketConfiguration: all defaults", tostring(Configuration.new()))
  end)
end)

describe("getSciSslContext", function()
  it("answers the same context for equal configurations", function()
    local fields = { caFile = pki.ca.certificateFile, verify = scissl.SSL_VERIFY_PEER }
    local context = assert(Configuration.new(fields):getSciSslContext())
    assert.are.equal(context, Configuration.new(fields):getSciSslContext())
  end)

  it("answers another one after a change, and leaves the shared one alone", function()
    local configuration = Configuration.new { verify = scissl.SSL_VERIFY_PEER }
    local before = assert(configuration:getSciSslContext())
    local after = assert(configuration:verify(scissl.SSL_VERIFY_NONE):getSciSslContext())
    assert.are_not.equal(before, after)
    assert.are.equal(scissl.SSL_VERIFY_PEER, before:getVerify())
    assert.are.equal(scissl.SSL_VERIFY_NONE, after:getVerify())
  end)

  it("sets what the fields say", function()
    local context = assert(Configuration.new {
      verify = scissl.SSL_VERIFY_PEER,
      verifyDepth = 3,
      securityLevel = 2,
      timeout = 77,
      options = scissl.SSL_OP_NO_TICKET,
    }:getSciSslContext())
    assert.are.equal(scissl.SSL_VERIFY_PEER, context:getVerify())
    assert.are.equal(3, context:getVerifyDepth())
    assert.are.equal(2, context:getSecurityLevel())
    assert.are.equal(77, context:getTimeout())
    assert.are.equal(scissl.SSL_OP_NO_TICKET, context:getOptions() & scissl.SSL_OP_NO_TICKET)
  end)

  it("lets contexts go that nobody uses", function()
    local watched = setmetatable({}, { __mode = "k" })
    for i = 1, 100 do watched[assert(Configuration.new { timeout = i }:getSciSslContext())] = true end
    collectgarbage()
    collectgarbage()
    local alive = 0
    for _ in pairs(watched) do alive = alive + 1 end
    assert.is_true(alive < 20, alive .. " contexts are alive")
  end)

  it("keeps a context that somebody uses", function()
    local configuration = Configuration.new { timeout = 4711 }
    local context = assert(configuration:getSciSslContext())
    for i = 1, 100 do assert(Configuration.new { timeout = i }:getSciSslContext()) end
    collectgarbage()
    assert.are.equal(context, configuration:getSciSslContext())
  end)

  it("makes a new context after forgetContexts, which leaves the earlier one to those who have it", function()
    local configuration = Configuration.new { caFile = pki.ca.certificateFile, verify = scissl.SSL_VERIFY_PEER }
    local before = assert(configuration:getSciSslContext())
    Configuration.forgetContexts()
    local after = assert(configuration:getSciSslContext())
    assert.are_not.equal(before, after)
    ends.connected { client = before }
    ends.connected { client = after }
  end)

  for field, value in pairs {
    caFile = "/nowhere/ca.pem", certificate = "/nowhere/own.pem", certificateFilename = "/nowhere/own.pem",
    certificateChainFilename = "/nowhere/own.pem", privateKey = "/nowhere/key.pem",
    privateKeyFilename = "/nowhere/key.pem",
  } do
    it("answers a SciSslError that names the missing file of " .. field, function()
      local context, failure = Configuration.new { [field] = value }:getSciSslContext()
      assert.is_nil(context)
      assert.are.equal("file_missing", failure:condition())
      assert.are.equal(value, failure:subject())
    end)
  end

  for field, condition in pairs {
    version = "unknown_protocol", minProtocol = "unknown_protocol", cipherList = "unknown_cipher",
    ciphersuites = "unknown_cipher", groups = "unknown_group", signatureAlgorithms = "unknown_signature_algorithm",
  } do
    it(("answers a SciSslError for a %s that OpenSSL does not know"):format(field), function()
      local context, failure = Configuration.new { [field] = "rubbish" }:getSciSslContext()
      assert.is_nil(context)
      assert.are.equal(condition, failure:condition())
    end)
  end

  it("answers a SciSslError for flags that do not fit", function()
    local context, failure = Configuration.new { verify = scissl.SSL_VERIFY_CLIENT_ONCE }:getSciSslContext()
    assert.is_nil(context)
    assert.are.equal("verify_flags", failure:condition())
  end)

  it("makes a new context where the program has closed the one that was shared", function()
    local configuration = Configuration.new { caFile = pki.ca.certificateFile, verifyDepth = 7 }
    do local context <close> = assert(configuration:getSciSslContext()) end -- luacheck: ignore 211
    assert.are.equal(7, assert(configuration:getSciSslContext()):getVerifyDepth())
  end)

  it("does not share a failure", function()
    local path = pki.folder() .. "/comes-later.pem"
    local configuration = Configuration.new { caFile = path }
    assert.is_nil((configuration:getSciSslContext()))
    pki.write(pki.ca.certificatePem, "comes-later.pem")
    assert(configuration:getSciSslContext())
  end)
end)

-- Own certificate and key, in each form.
local both = pki.write(pki.server.certificatePem .. pki.server.keyPem)
local identities = {
  ["paths"] = { certificate = pki.server.certificateFile, privateKey = pki.server.keyFile },
  ["PEM texts"] = { certificate = pki.server.certificatePem, privateKey = pki.server.keyPem },
  ["objects"] = { certificate = pki.server.certificate, privateKey = pki.server.key },
  ["one path"] = { certificate = both },
  ["one PEM text"] = { certificate = pki.server.certificatePem .. pki.server.keyPem },
  ["file names"] = { certificateFilename = pki.server.certificateFile, privateKeyFilename = pki.server.keyFile },
  ["one chain's file name"] = { certificateChainFilename = both },
  ["an encrypted key"] = {
    certificate = pki.server.certificateFile,
    privateKey = pki.server.key:toPem("secret"),
    passphrase = "secret",
  },
  ["an encrypted key and a function"] = {
    certificate = pki.server.certificateFile,
    privateKeyFilename = pki.write(pki.server.key:toPem("secret")),
    passphrase = function() return "secret" end,
  },
}

describe("A configuration's own certificate", function()
  for form, fields in pairs(identities) do
    it("may be given as " .. form, function()
      local context = assert(Configuration.new(fields):getSciSslContext())
      local client = ends.connected { server = context }
      assert.are.equal(pki.server.certificate:fingerprint(), client:peerCertificate():fingerprint())
    end)
  end

  it("is refused with another's key", function()
    local context, failure = Configuration.new {
      certificate = pki.server.certificate,
      privateKey = pki.client.key,
    }:getSciSslContext()
    assert.is_nil(context)
    assert.are.equal("key_mismatch", failure:condition())
  end)

  it("is refused with the wrong passphrase", function()
    local context, failure = Configuration.new {
      certificate = pki.server.certificate,
      privateKey = pki.server.key:toPem("secret"),
      passphrase = "guess",
    }:getSciSslContext()
    assert.is_nil(context)
    assert.are.equal("passphrase_wrong", failure:condition())
    assert.is_nil(failure:errorHint():find("guess", 1, true))
  end)
end)

describe("A configuration's trust", function()
  for form, fields in pairs {
    caFile = { caFile = pki.ca.certificateFile },
    ["ca as an object"] = { ca = pki.ca.certificate },
    ["ca as PEM text"] = { ca = pki.ca.certificatePem },
  } do
    it("may be given as " .. form, function()
      local configuration = Configuration.new(fields):verify(scissl.SSL_VERIFY_PEER)
      ends.connected { client = assert(configuration:getSciSslContext()) }
    end)
  end
end)
