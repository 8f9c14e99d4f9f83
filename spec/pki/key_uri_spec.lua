-- Keys from wherever OpenSSL's stores reach.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local key = pki.server.key

describe("SciSslPrivateKey.fromUri", function()
  it("reads PEM, DER and what is encrypted, by URI and by path", function()
    assert.are.equal(key, assert(SciSslPrivateKey.fromUri(pki.server.keyFile)))
    assert.are.equal(key, assert(SciSslPrivateKey.fromUri("file:" .. pki.server.keyFile)))
    assert.are.equal(key, assert(SciSslPrivateKey.fromUri("file:" .. pki.write(key:toDer()))))
    local encrypted = "file:" .. pki.write(key:toPem "secret")
    assert.are.equal(key, assert(SciSslPrivateKey.fromUri(encrypted, "secret")))
    assert.are.equal(key, assert(SciSslPrivateKey.fromUri(encrypted, function() return "secret" end)))
  end)

  it("finds the key among certificates", function()
    assert.are.equal(key, assert(SciSslPrivateKey.fromUri(pki.write(pki.server.certificatePem .. pki.server.keyPem))))
  end)

  it("gives keys that make connections", function()
    local identity = {
      certificate = pki.server.certificate, key = assert(SciSslPrivateKey.fromUri(pki.server.keyFile)),
    }
    local client, server = ends.pair { transport = "memory", server = { identity = identity } }
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("says what is wrong with a passphrase, and asks nobody", function()
    local encrypted = pki.write(key:toPem "secret")
    refusals.condition("passphrase_missing", SciSslPrivateKey.fromUri(encrypted))
    refusals.condition("passphrase_wrong", SciSslPrivateKey.fromUri(encrypted, "wrong"))
    local ok, err = SciSslPrivateKey.fromUri(encrypted, function() error "boom" end)
    refusals.condition("passphrase_function", ok, err)
    assert.truthy(tostring(err:cause()):find("boom", 1, true))
    refusals.condition("passphrase_function", SciSslPrivateKey.fromUri(encrypted, function() return 1 end))
  end)

  it("says what else is wrong, and about which URI", function()
    local ok, err = SciSslPrivateKey.fromUri "file:/nonexistent/key"
    refusals.condition("file_missing", ok, err)
    assert.are.equal("file:/nonexistent/key", err:subject())
    refusals.condition("unknown_scheme", SciSslPrivateKey.fromUri "nonsense:x")
    refusals.condition("not_private_key", SciSslPrivateKey.fromUri(pki.server.certificateFile))
    for _, text in ipairs { "", "text", ("\0"):rep(100), pki.server.keyPem:sub(1, 100) } do
      ok, err = SciSslPrivateKey.fromUri(pki.write(text))
      assert.is_nil(ok)
      assert.is_true(scissl.isSslError(err))
    end
    assert.error_matches(function() SciSslPrivateKey.fromUri "a\0b" end, "bad argument #1 to 'fromUri'")
    assert.error_matches(function() SciSslPrivateKey.fromUri(1, {}) end, "bad argument #2 to 'fromUri'")
    assert.error_matches(function() SciSslPrivateKey.fromUri() end, "bad argument #1 to 'fromUri'")
  end)

  it("reads a pipe once, and says what is wrong without another look", function()
    local pipe = pki.folder() .. "/pipe"
    assert(os.execute("mkfifo " .. pipe))
    local _ <close> = ends.start(("echo text >%s"):format(pipe))
    local reader <close> = ends.start("timeout 30 " .. ends.luaCommand(([[
      local _, failure = require("scissl").SciSslPrivateKey.fromUri "%s"
      print(failure:condition())
    ]]):format(pipe)))
    assert.are.same({ "not_private_key\n", "exit", 0 }, { reader:finish() })
  end)
end)
