local scissl = require "scissl"
local ends = require "spec.support.ends"

local function cipher_of(version, list)
  local function choose(context)
    if version == "TLSv1.2" then assert(context:setCipherList(list)) else assert(context:setCiphersuites(list)) end
  end
  return (ends.connected { version = version, client = { method = version, setup = choose } }):cipher()
end

describe("SciSslCipher", function()
  local old = cipher_of("TLSv1.2", "ECDHE-ECDSA-AES128-SHA256")
  local modern = cipher_of("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
  local newest = cipher_of("TLSv1.3", "TLS_AES_128_GCM_SHA256")

  it("answers OpenSSL's name and the one in the RFCs", function()
    assert.equal("ECDHE-ECDSA-AES256-GCM-SHA384", modern:name())
    assert.equal("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", modern:standardName())
    assert.equal("TLS_AES_128_GCM_SHA256", newest:standardName())
  end)

  it("answers its bits", function()
    assert.same({ 256, 256 }, { modern:bits() })
    assert.same({ 128, 128 }, { newest:bits() })
  end)

  it("answers the version that brought it", function()
    assert.equal("TLSv1.2", modern:version())
    assert.equal("TLSv1.3", newest:version())
  end)

  it("answers its number in the registry", function()
    assert.equal(0xC02C, modern:id())
    assert.equal(0x1301, newest:id())
  end)

  it("answers key exchange and authentication", function()
    assert.equal("ecdhe", modern:keyExchange())
    assert.equal("ecdsa", modern:authentication())
    assert.equal("any", newest:keyExchange())
    assert.equal("any", newest:authentication())
  end)

  it("answers encryption and digest, and whether both are one", function()
    assert.is_true(modern:isAead())
    assert.is_nil(modern:digest())
    assert.is_false(old:isAead())
    assert.equal("SHA256", old:digest())
    assert.truthy(old:encryption():lower():find("aes-128", 1, true) or old:encryption():lower():find("aes128", 1, true))
  end)

  it("describes itself in one line", function()
    assert.truthy(modern:description():find("ECDHE-ECDSA-AES256-GCM-SHA384", 1, true))
    assert.is_nil(modern:description():find "\n")
    assert.truthy(tostring(modern):find("ECDHE-ECDSA-AES256-GCM-SHA384, 256 bits, TLSv1.2", 1, true))
  end)

  it("is equal to the same suite of another connection, and to nothing else", function()
    assert.is_true(newest == cipher_of("TLSv1.3", "TLS_AES_128_GCM_SHA256"))
    assert.is_false(newest == modern)
    assert.is_false(newest == scissl.SciSslContext.new())
  end)
end)
