-- SciSslPrivateKey: making, reading and writing private keys.
local scissl = require "scissl"
local judge = require "spec.support.judge"
local refusals = require "spec.support.refusals"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local SciSslX509Certificate = scissl.SciSslX509Certificate
local refused = refusals.inPhase

local ec = assert(SciSslPrivateKey.generate("EC"))
local rsa = assert(SciSslPrivateKey.generate("RSA"))
local ed25519 = assert(SciSslPrivateKey.generate("Ed25519"))
local encrypted = assert(ec:toPem("secret"))

describe("SciSslPrivateKey.generate", function()
  it("makes EC keys on P-256 unless told otherwise", function()
    assert.are.equal("EC", ec:type())
    assert.are.equal("P-256", ec:group())
    assert.are.equal(256, ec:bits())
  end)

  it("makes RSA keys of 2048 bits unless told otherwise", function()
    assert.are.equal("RSA", rsa:type())
    assert.are.equal(2048, rsa:bits())
    assert.is_nil(rsa:group())
  end)

  for curve, bits in pairs { ["P-256"] = 256, prime256v1 = 256, secp256r1 = 256, ["P-384"] = 384, ["P-521"] = 521 } do
    it("makes EC keys on " .. curve, function()
      local key = assert(SciSslPrivateKey.generate("EC", curve))
      assert.are.equal(bits, key:bits())
      assert.are.equal("P-" .. bits, key:group())
    end)
  end

  it("makes RSA keys of the size that is asked for #slow", function()
    assert.are.equal(1024, assert(SciSslPrivateKey.generate("RSA", 1024)):bits())
    assert.are.equal(3072, assert(SciSslPrivateKey.generate("RSA", 3072)):bits())
  end)

  for algorithm, name in pairs { Ed25519 = "ED25519", Ed448 = "ED448", X25519 = "X25519", ["RSA-PSS"] = "RSA-PSS" } do
    it("makes keys of other algorithms that OpenSSL knows: " .. algorithm
      .. (name == "RSA-PSS" and " #slow" or ""), function()
      assert.are.equal(name, assert(SciSslPrivateKey.generate(algorithm)):type())
    end)
  end

  for name, key in pairs { EC = ec, RSA = rsa, Ed25519 = ed25519 } do
    it("makes sound keys, says openssl pkey: " .. name, function()
      local output, sound = judge.openssl("pkey -noout -check -in %s", judge.file(key:toPem()))
      assert.is_true(sound, output)
    end)
  end

  it("makes another key each time", function()
    assert.are_not.equal(SciSslPrivateKey.generate("EC"), SciSslPrivateKey.generate("EC"))
  end)

  for _, bits in ipairs { -1, 0, 1, 512, 1023, 16385, 1 << 20, 1 << 40, math.maxinteger, math.mininteger } do
    it("refuses an RSA key of " .. bits .. " bits", function()
      refused("key_size", "key", SciSslPrivateKey.generate("RSA", bits))
    end)
  end

  it("refuses an algorithm that OpenSSL does not know", function()
    assert.are.equal("no-such", refused("unknown_algorithm", "key", SciSslPrivateKey.generate("no-such")):subject())
    refused("unknown_algorithm", "key", SciSslPrivateKey.generate(""))
  end)

  it("refuses a curve that OpenSSL does not know", function()
    refused("unknown_curve", "key", SciSslPrivateKey.generate("EC", "no-such"))
    refused("unknown_curve", "key", SciSslPrivateKey.generate("EC", ""))
    refused("unknown_curve", "key", SciSslPrivateKey.generate("EC", ("x"):rep(10000)))
  end)

  it("refuses a parameter that the algorithm does not take", function()
    refused("wrong_parameter", "key", SciSslPrivateKey.generate("EC", 2048))
    refused("wrong_parameter", "key", SciSslPrivateKey.generate("RSA", "P-256"))
    refused("wrong_parameter", "key", SciSslPrivateKey.generate("Ed25519", 2048))
  end)

  it("answers an error for what has no keys of this kind, and does not crash", function()
    for _, name in ipairs { "HMAC", "CMAC", "HKDF", "DSA", "DH", "AES-256-CBC", "SHA256" } do
      local key, err = SciSslPrivateKey.generate(name)
      assert.is_nil(key, name)
      assert.is_true(scissl.isSslError(err))
    end
  end)

  it("raises for arguments of wrong types", function()
    assert.error_matches(function() SciSslPrivateKey.generate() end, "bad argument #1 to 'generate'")
    assert.error_matches(function() SciSslPrivateKey.generate({}) end, "bad argument #1 to 'generate'")
    assert.error_matches(function() SciSslPrivateKey.generate("RSA", {}) end, "bad argument #2 to 'generate'")
    assert.error_matches(function() SciSslPrivateKey.generate("RSA", 2048.5) end, "bad argument #2 to 'generate'")
    assert.error_matches(function() SciSslPrivateKey.generate("EC", true) end, "bad argument #2 to 'generate'")
    assert.error_matches(function() SciSslPrivateKey.generate("E\0C") end, "bad argument #1 to 'generate'")
    assert.error_matches(function() SciSslPrivateKey.generate("EC", "P-256\0") end, "bad argument #2 to 'generate'")
  end)
end)

describe("SciSslPrivateKey in PEM", function()
  for _, algorithm in ipairs { "EC", "RSA", "Ed25519", "Ed448", "X25519", "RSA-PSS" } do
    local key = assert(SciSslPrivateKey.generate(algorithm))

    it("comes back as it was: " .. algorithm, function()
      local pem = key:toPem()
      assert.matches("^%-%-%-%-%-BEGIN PRIVATE KEY%-%-%-%-%-\n", pem)
      assert.are.equal(key, assert(SciSslPrivateKey.fromPem(pem)))
    end)

    it("comes back from its encrypted form: " .. algorithm, function()
      local pem = key:toPem("secret")
      assert.matches("^%-%-%-%-%-BEGIN ENCRYPTED PRIVATE KEY%-%-%-%-%-\n", pem)
      assert.are.equal(key, assert(SciSslPrivateKey.fromPem(pem, "secret")))
    end)
  end

  it("is what openssl pkey reads", function()
    local public, read = judge.openssl("pkey -pubout -in %s", judge.file(ec:toPem()))
    assert.is_true(read, public)
    assert.are.equal(ec:publicPem(), public)
  end)

  it("is encrypted with AES-256-CBC, and openssl pkey opens it", function()
    local file = judge.file(encrypted)
    local structure = judge.openssl("asn1parse -in %s", file)
    assert.matches("aes%-256%-cbc", structure)
    local public, read = judge.openssl("pkey -pubout -passin pass:secret -in %s", file)
    assert.is_true(read, public)
    assert.are.equal(ec:publicPem(), public)
  end)

  it("is not written under an empty passphrase", function()
    refused("passphrase_empty", "save", ec:toPem(""))
  end)

  it("takes passphrases of up to 1024 bytes, whatever the bytes", function()
    for _, passphrase in ipairs { "a\0b", "\0", ("p"):rep(1024), "\xff\xfe", "ß" } do
      assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(ec:toPem(passphrase), passphrase)))
    end
  end)

  it("does not cut a passphrase at a NUL byte", function()
    refused("passphrase_wrong", "load", SciSslPrivateKey.fromPem(ec:toPem("a\0b"), "a"))
    refused("passphrase_wrong", "load", SciSslPrivateKey.fromPem(ec:toPem("a\0b"), "a\0c"))
  end)

  it("refuses a longer passphrase instead of cutting it", function()
    refused("passphrase_too_long", "save", ec:toPem(("p"):rep(1025)))
    refused("passphrase_too_long", "load", SciSslPrivateKey.fromPem(ec:toPem(("p"):rep(1024)), ("p"):rep(1025)))
  end)

  it("is read in the older forms", function()
    local old = judge.path()
    judge.openssl("ec -in %s -out %s", judge.file(ec:toPem()), old)
    assert.matches("BEGIN EC PRIVATE KEY", judge.read(old))
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(judge.read(old))))
  end)

  it("is read in the older encrypted forms", function()
    local old = judge.path()
    judge.openssl("rsa -traditional -aes128 -passout pass:secret -in %s -out %s", judge.file(rsa:toPem()), old)
    local pem = judge.read(old)
    assert.matches("Proc%-Type: 4,ENCRYPTED", pem)
    assert.are.equal(rsa, assert(SciSslPrivateKey.fromPem(pem, "secret")))
    refused("passphrase_missing", "load", SciSslPrivateKey.fromPem(pem))
    refused("passphrase_wrong", "load", SciSslPrivateKey.fromPem(pem, "wrong"))
  end)

  it("is found behind other things in the text", function()
    local certificate = assert(SciSslX509Certificate.issue { subject = "CN=before", key = ec })
    local text = "A line before.\n" .. certificate:toPem() .. ec:toPem():gsub("\n", "\r\n")
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(text)))
  end)

  it("is read from a file", function()
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPemFile(judge.file(encrypted), "secret")))
  end)

  it("answers which file is missing, a directory, empty or no PEM", function()
    local missing = judge.path()
    assert.are.equal(missing, refused("file_missing", "load", SciSslPrivateKey.fromPemFile(missing)):subject())
    refused("file_directory", "load", SciSslPrivateKey.fromPemFile("/"))
    refused("file_empty", "load", SciSslPrivateKey.fromPemFile(judge.file("")))
    local text = judge.file("no key")
    assert.are.equal(text, refused("not_pem", "load", SciSslPrivateKey.fromPemFile(text)):subject())
  end)

  it("answers that the text is no PEM", function()
    for _, text in ipairs { "", "no key", ("x"):rep(100000), "\0\0\0", "-----BEGIN", "-----END PRIVATE KEY-----\n" } do
      refused("not_pem", "load", SciSslPrivateKey.fromPem(text))
    end
  end)

  it("answers that the text looks like DER", function()
    assert.matches("looks like DER", refused("not_pem", "load", SciSslPrivateKey.fromPem(ec:toDer())):message())
  end)

  it("answers that the text holds something else", function()
    local certificate = assert(SciSslX509Certificate.issue { subject = "CN=no key", key = ec })
    refused("not_private_key", "load", SciSslPrivateKey.fromPem(certificate:toPem()))
    refused("not_private_key", "load", SciSslPrivateKey.fromPem(ec:publicPem()))
  end)

  it("answers that the key is malformed", function()
    local pem = ec:toPem()
    refused("malformed_key", "load", SciSslPrivateKey.fromPem(pem:sub(1, 80)))
    refused("malformed_key", "load", SciSslPrivateKey.fromPem((pem:gsub("\nM", "\n!", 1))))
    refused("malformed_key", "load",
      SciSslPrivateKey.fromPem("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"))
  end)

  it("raises for arguments of wrong types", function()
    assert.error_matches(function() SciSslPrivateKey.fromPem() end, "bad argument #1 to 'fromPem'")
    assert.error_matches(function() SciSslPrivateKey.fromPem({}) end, "bad argument #1 to 'fromPem'")
    assert.error_matches(function() SciSslPrivateKey.fromPem(encrypted, 42) end, "bad argument #2 to 'fromPem'")
    assert.error_matches(function() SciSslPrivateKey.fromPem(encrypted, {}) end, "bad argument #2 to 'fromPem'")
    assert.error_matches(function() SciSslPrivateKey.fromPemFile("a\0b") end, "bad argument #1 to 'fromPemFile'")
    assert.error_matches(function() ec:toPem({}) end, "bad argument #1 to 'toPem'")
  end)
end)

describe("a key's passphrase", function()
  it("is never asked for on the terminal", function()
    refused("passphrase_missing", "load", SciSslPrivateKey.fromPem(encrypted))
    refused("passphrase_missing", "load", SciSslPrivateKey.fromPem(encrypted, nil))
  end)

  it("is told when it is wrong", function()
    refused("passphrase_wrong", "load", SciSslPrivateKey.fromPem(encrypted, "wrong"))
    refused("passphrase_wrong", "load", SciSslPrivateKey.fromPem(encrypted, ""))
  end)

  it("is told when it is wrong, even where it decrypts to something #slow", function() -- as one in 256 does
    local old = judge.path()
    judge.openssl("ec -aes128 -passout pass:secret -in %s -out %s", judge.file(ec:toPem()), old)
    local pem = judge.read(old)
    for i = 1, 400 do
      refused("passphrase_wrong", "load", SciSslPrivateKey.fromPem(pem, "wrong" .. i))
    end
  end)

  it("is not needed where the key is not encrypted", function()
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(ec:toPem(), "not needed")))
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(ec:toPem(), function() error("not needed") end)))
  end)

  it("comes from a function, which is called once", function()
    local calls = 0
    local function passphrase(...)
      assert(select("#", ...) == 0)
      calls = calls + 1
      return "secret"
    end
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(encrypted, passphrase)))
    assert.are.equal(1, calls)
  end)

  it("comes from a function, which is called once even where it is wrong or missing", function()
    for _, answer in ipairs { "wrong", false } do
      local calls = 0
      SciSslPrivateKey.fromPem(encrypted, function()
        calls = calls + 1
        return answer
      end)
      assert.are.equal(1, calls)
    end
  end)

  it("comes from a function that uses OpenSSL itself", function()
    local function passphrase()
      assert(not SciSslPrivateKey.fromPem("no key"))
      return assert(SciSslPrivateKey.fromPem(encrypted, "secret")) == ec and "secret"
    end
    assert.are.equal(ec, assert(SciSslPrivateKey.fromPem(encrypted, passphrase)))
  end)

  it("answers what the function raised as the cause", function()
    local cause = { "any value" }
    local err = refused("passphrase_function", "load", SciSslPrivateKey.fromPem(encrypted, function() error(cause) end))
    assert.are.equal(cause, err:cause())
  end)

  it("answers an error where the function yields", function()
    local answers
    local thread = coroutine.wrap(function()
      answers = table.pack(SciSslPrivateKey.fromPem(encrypted, coroutine.yield))
    end)
    thread()
    refused("passphrase_function", "load", table.unpack(answers, 1, answers.n))
  end)

  it("answers an error where the function answers no string", function()
    for _, answer in ipairs { false, 42, {}, print } do
      refused("passphrase_function", "load", SciSslPrivateKey.fromPem(encrypted, function() return answer end))
    end
    refused("passphrase_function", "load", SciSslPrivateKey.fromPem(encrypted, function() end))
  end)

  it("answers an error where the function's answer is too long", function()
    refused("passphrase_too_long", "load",
      SciSslPrivateKey.fromPem(encrypted, function() return ("x"):rep(2000) end))
  end)
end)

describe("SciSslPrivateKey in DER", function()
  for _, algorithm in ipairs { "EC", "RSA", "Ed25519" } do
    it("comes back as it was: " .. algorithm .. (algorithm == "RSA" and " #slow" or ""), function()
      local key = assert(SciSslPrivateKey.generate(algorithm))
      assert.are.equal(key, assert(SciSslPrivateKey.fromDer(key:toDer())))
    end)
  end

  it("is what openssl pkey reads", function()
    local public, read = judge.openssl("pkey -inform DER -pubout -in %s", judge.file(ec:toDer()))
    assert.is_true(read, public)
    assert.are.equal(ec:publicPem(), public)
  end)

  it("is read in the older forms", function()
    local old = judge.path()
    judge.openssl("ec -in %s -outform DER -out %s", judge.file(ec:toPem()), old)
    assert.are.equal(ec, assert(SciSslPrivateKey.fromDer(judge.read(old))))
  end)

  it("is read in encrypted form", function()
    local made = judge.path()
    judge.openssl("pkcs8 -topk8 -passout pass:secret -in %s -outform DER -out %s", judge.file(ec:toPem()), made)
    local der = judge.read(made)
    assert.are.equal(ec, assert(SciSslPrivateKey.fromDer(der, "secret")))
    assert.are.equal(ec, assert(SciSslPrivateKey.fromDer(der, function() return "secret" end)))
    refused("passphrase_missing", "load", SciSslPrivateKey.fromDer(der))
    refused("passphrase_wrong", "load", SciSslPrivateKey.fromDer(der, "wrong"))
  end)

  it("answers that the bytes are no DER", function()
    for _, bytes in ipairs { "", "no key", "\0\0\0" } do
      refused("not_der", "load", SciSslPrivateKey.fromDer(bytes))
    end
  end)

  it("answers that the bytes look like PEM", function()
    assert.matches("looks like PEM", refused("not_der", "load", SciSslPrivateKey.fromDer(ec:toPem())):message())
  end)

  it("answers that the key is malformed", function()
    local der = ec:toDer()
    refused("malformed_key", "load", SciSslPrivateKey.fromDer(der:sub(1, -2)))
    refused("malformed_key", "load", SciSslPrivateKey.fromDer(der .. "\0"))
    refused("malformed_key", "load", SciSslPrivateKey.fromDer("\x30\x00"))
    refused("malformed_key", "load", SciSslPrivateKey.fromDer("\x30\x84\xff\xff\xff\xff"))
  end)

  it("survives mutated bytes #slow", function()
    local random = math.random
    for _, key in ipairs { ec, rsa, ed25519 } do
      local der = key:toDer()
      for _ = 1, 300 do
        local at = random(#der)
        local mutated = der:sub(1, at - 1) .. string.char(random(0, 255)) .. der:sub(at + 1)
        local read, err = SciSslPrivateKey.fromDer(mutated)
        if read then read:toDer() else assert.is_true(scissl.isSslError(err)) end
      end
    end
  end)
end)

describe("SciSslPrivateKey", function()
  it("equals a key with the same public half, and nothing else", function()
    assert.is_true(ec == SciSslPrivateKey.fromPem(ec:toPem()))
    assert.is_false(ec == SciSslPrivateKey.generate("EC"))
    assert.is_false(ec == rsa)
    assert.is_false(ec == io.stdout)
    assert.is_false(ec == assert(SciSslX509Certificate.issue { subject = "CN=key", key = ec }))
  end)

  it("shows its type and curve or size, and nothing of the key", function()
    assert.are.equal("SciSslPrivateKey: EC P-256", tostring(ec))
    assert.are.equal("SciSslPrivateKey: RSA, 2048 bits", tostring(rsa))
    assert.are.equal("SciSslPrivateKey: ED25519, 256 bits", tostring(ed25519))
  end)

  it("raises when it is used after close, and closes twice without harm", function()
    local key = assert(SciSslPrivateKey.generate("EC"))
    key:close()
    key:close()
    assert.are.equal("SciSslPrivateKey: closed", tostring(key))
    assert.is_false(key == ec)
    for _, method in ipairs { "toPem", "toDer", "publicPem", "type", "bits", "group" } do
      assert.error_matches(function() key[method](key) end, "private key has been closed")
    end
  end)

  it("closes at the end of its scope", function()
    local kept
    do
      local key <close> = assert(SciSslPrivateKey.generate("EC"))
      kept = key
    end
    assert.are.equal("SciSslPrivateKey: closed", tostring(kept))
  end)

  it("raises for a receiver of another class", function()
    for _, method in ipairs { "toPem", "toDer", "publicPem", "type", "bits", "group", "close" } do
      assert.error_matches(function() ec[method]() end, "bad argument #1 to")
      assert.error_matches(function() ec[method]("key") end, "bad argument #1 to")
      assert.error_matches(function() ec[method](io.stdout) end, "bad argument #1 to")
    end
  end)

  it("clears what OpenSSL reported earlier", function()
    assert(not SciSslPrivateKey.fromPem("no key"))
    assert.are.equal(0, #select(2, ec:toPem("")):queue())
  end)
end)
