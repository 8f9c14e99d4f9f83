-- Private keys that are encrypted with what OpenSSL leaves to its legacy provider.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"

local SciSslPrivateKey = scissl.SciSslPrivateKey

local traditional = pki.write(shell.must "openssl genrsa -traditional 2048 2>/dev/null")

local function run(command)
  local output, good = shell.run(command .. " 2>/dev/null")
  return good and output or nil
end

-- nil: this openssl has no legacy provider.
local function encrypted(how, form)
  return run(("openssl %s -provider legacy -provider default -passout pass:secret -in %s -outform %s"):format(
    how, traditional, form or "PEM"))
end

for how, name in pairs {
  ["rsa -traditional -des"] = "DES-CBC",
  ["pkcs8 -topk8 -v1 PBE-SHA1-RC2-40"] = "PBE-SHA1-RC2-40",
  ["pkcs8 -topk8 -v1 PBE-SHA1-RC4-128"] = "PBE-SHA1-RC4-128",
  ["pkcs8 -topk8 -v1 PBE-MD5-DES"] = "PBE-MD5-DES",
  ["pkcs8 -topk8 -v2 des"] = "DES-CBC",
  ["pkcs8 -topk8 -v2 rc2"] = "RC2-CBC",
} do
  describe("A key that `openssl " .. how .. "` has encrypted", function()
    local pem = encrypted(how)
    local function check(condition, subject, ...)
      local err = refusals.refused(condition, "load", subject, ...)
      if condition == "key_legacy" then
        assert.truthy(err:errorHint():find("encrypted with " .. name, 1, true), err:errorHint())
        assert.truthy(err:errorHint():find("openssl pkey -provider legacy", 1, true), err:errorHint())
      end
    end

    it("is named as such by each loader, with the right passphrase", function()
      if not pem then return pending "this openssl has no legacy provider" end
      local path, context = pki.write(pem), scissl.SciSslContext.new()
      check("key_legacy", nil, SciSslPrivateKey.fromPem(pem, "secret"))
      check("key_legacy", nil, SciSslPrivateKey.fromPem(pem, function() return "secret" end))
      check("key_legacy", path, SciSslPrivateKey.fromPemFile(path, "secret"))
      check("key_legacy", path, SciSslPrivateKey.fromUri(path, "secret"))
      check("key_legacy", nil, context:usePrivateKey(pem, "secret"))
      check("key_legacy", path, context:usePrivateKeyFile(path, "secret"))
    end)

    it("is named as such in DER", function()
      local der = how:find "^pkcs8" and encrypted(how, "DER")
      if not der then return end -- the older form has none
      check("key_legacy", nil, SciSslPrivateKey.fromDer(der, "secret"))
      check("key_legacy", nil, SciSslPrivateKey.fromUri(pki.write(der), "secret"))
    end)

    it("still asks for a passphrase where there is none", function()
      if not pem then return pending "this openssl has no legacy provider" end
      check("passphrase_missing", nil, SciSslPrivateKey.fromPem(pem))
    end)
  end)
end

describe("A key that is encrypted with what OpenSSL has", function()
  for _, how in ipairs { "rsa -traditional -des3", "pkcs8 -topk8 -v1 PBE-SHA1-3DES", "pkcs8 -topk8 -v2 aes128",
    "pkcs8 -topk8 -scrypt" } do
    it("opens with its passphrase, and tells of no other one that it is wrong: " .. how
      .. (how:find "scrypt" and " #slow" or ""), function()
      local pem = assert(run(("openssl %s -passout pass:secret -in %s"):format(how, traditional)))
      assert(SciSslPrivateKey.fromPem(pem, "secret"))
      refusals.refused("passphrase_wrong", "load", nil, SciSslPrivateKey.fromPem(pem, "guess"))
      refusals.refused("passphrase_wrong", "load", nil, SciSslPrivateKey.fromUri(pki.write(pem), "guess"))
    end)
  end

  it("has an unknown cipher in its header: it is no damaged key", function()
    local pem = assert(run(("openssl rsa -traditional -aes128 -passout pass:secret -in %s"):format(traditional)))
    local err = refusals.refused("key_legacy", "load", nil,
      SciSslPrivateKey.fromPem(pem:gsub("AES%-128%-CBC", "OLD-ONE"), "secret"))
    assert.truthy(err:message():find("an unknown algorithm", 1, true), err:message())
  end)

  it("is not what a malformed header speaks of", function()
    local pem = assert(run(("openssl rsa -traditional -aes128 -passout pass:secret -in %s"):format(traditional)))
    for _, damaged in ipairs {
      (pem:gsub("AES%-128%-CBC,%x+", "AES-128-CBC,none")),
      (pem:gsub("Proc%-Type: 4,ENCRYPTED", "Comment: mine")),
    } do
      refusals.refused("malformed_key", "load", nil, SciSslPrivateKey.fromPem(damaged, "secret"))
    end
  end)
end)
