-- SciSslCipher: one cipher suite, as the registries know it.
local scissl = require "scissl"
local ends = require "spec.support.ends"

-- The cipher of a connection that offers nothing else.
local function cipher_of(name, version)
  local function setup(context)
    if version == "TLSv1.3" then assert(context:setCiphersuites(name))
    else assert(context:setCipherList(name)) end
  end
  return ends.connected { version = version, transport = "memory", client = { setup = setup },
    server = { setup = setup } }:cipher()
end

local suites = {
  { version = "TLSv1.2", name = "ECDHE-ECDSA-AES128-GCM-SHA256", standard = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    id = 0xc02b, bits = 128, keyExchange = "ecdhe", authentication = "ecdsa", encryption = "id-aes128-GCM",
    aead = true },
  { version = "TLSv1.2", name = "ECDHE-ECDSA-AES256-SHA384", standard = "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    id = 0xc024, bits = 256, keyExchange = "ecdhe", authentication = "ecdsa", encryption = "AES-256-CBC",
    digest = "SHA384", aead = false },
  { version = "TLSv1.3", name = "TLS_AES_256_GCM_SHA384", standard = "TLS_AES_256_GCM_SHA384", id = 0x1302, bits = 256,
    keyExchange = "any", authentication = "any", encryption = "id-aes256-GCM", aead = true },
  { version = "TLSv1.3", name = "TLS_CHACHA20_POLY1305_SHA256", standard = "TLS_CHACHA20_POLY1305_SHA256", id = 0x1303,
    bits = 256, keyExchange = "any", authentication = "any", encryption = "ChaCha20-Poly1305", aead = true },
}

describe("SciSslCipher", function()
  for _, suite in ipairs(suites) do
    it("tells what there is to know of " .. suite.name, function()
      local cipher = cipher_of(suite.name, suite.version)
      assert.are.equal(suite.name, cipher:name())
      assert.are.equal(suite.standard, cipher:standardName())
      assert.are.equal(suite.id, cipher:id())
      assert.are.same({ suite.bits, suite.bits }, { cipher:bits() })
      assert.are.equal(suite.version, cipher:version())
      assert.are.equal(suite.keyExchange, cipher:keyExchange())
      assert.are.equal(suite.authentication, cipher:authentication())
      assert.are.equal(suite.encryption, cipher:encryption())
      assert.are.equal(suite.digest, cipher:digest())
      assert.are.equal(suite.aead, cipher:isAead())
    end)

    it("describes it in one line, " .. suite.name, function()
      local description = cipher_of(suite.name, suite.version):description()
      assert.are.equal(suite.name, description:match("^%S+"))
      assert.is_nil(description:find("\n"))
      assert.truthy(description:find("Enc=", 1, true), description)
    end)
  end

  it("equals the same suite of another connection, and no other", function()
    local first, second = suites[1], suites[3]
    assert.are.equal(cipher_of(first.name, first.version), cipher_of(first.name, first.version))
    assert.are_not.equal(cipher_of(first.name, first.version), cipher_of(second.name, second.version))
    assert.is_false(cipher_of(first.name, first.version) == first.name)
  end)

  it("is the same on both sides, and in the session", function()
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      local client, server = ends.connected { version = version }
      assert.are.equal(client:cipher(), server:cipher())
      assert.are.equal(2, server:sslWrite("hi"))
      ends.read(client, server)
      assert.are.equal(client:cipher(), client:getSession():cipher())
    end
  end)

  it("outlives its connection and its context", function()
    local cipher = cipher_of(suites[1].name, suites[1].version)
    collectgarbage()
    collectgarbage()
    assert.are.equal(suites[1].name, cipher:name())
  end)

  it("has no constructor, and methods for its receivers alone", function()
    assert.is_nil(scissl.SciSslCipher.new)
    for name, method in pairs(scissl.SciSslCipher) do
      if name ~= "known" then
        for _, value in ipairs { {}, "x", ends.clientContext() } do
          assert.error_matches(function() method(value) end, "SciSslCipher expected")
        end
      end
    end
  end)
end)
