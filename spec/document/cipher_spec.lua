-- Document row S8: the cipher in use.
local scissl = require "scissl"
local ends = require "spec.support.ends"

describe("cipher (S8)", function()
  local chosen = { ["TLSv1.2"] = "ECDHE-ECDSA-CHACHA20-POLY1305", ["TLSv1.3"] = "TLS_CHACHA20_POLY1305_SHA256" }

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("answers the one actually used, the same on both sides, " .. version, function()
      local function choose(context)
        assert(context:setCipherList "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256")
        assert(context:setCiphersuites "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")
      end
      local client, server = ends.connected {
        version = version, client = { setup = choose }, server = { setup = choose } }
      assert.equal(chosen[version], client:cipher():name())
      assert.equal(client:cipher(), server:cipher())
      assert.equal("SciSslCipher", getmetatable(client:cipher()).__name)
    end)

    it("answers nil before there is one, " .. version, function()
      local client, server = ends.pair { version = version, initialize = false }
      assert.is_nil(client:cipher())
      assert(client:sslInitialize())
      assert.is_nil(client:cipher())
      client:sslConnect()
      assert.is_nil(client:cipher())
      server:close()
    end)

    it("answers nil while a session is only offered, " .. version, function()
      local context = ends.serverContext { method = version }
      local client, server = ends.connected { version = version, server = context }
      assert.equal(2, server:sslWrite "hi")
      assert.equal("hi", ends.read(client, server))
      local session = client:getSession()
      client = ends.pair { version = version, server = context }
      assert(client:setSession(session))
      assert.is_nil(client:cipher())
      assert.is_nil(client:version())
    end)

    it("answers nil after a failed handshake and after close, " .. version, function()
      local client, server = ends.pair { version = version, client = { trust = false } }
      assert.is_true(scissl.isSslError((ends.handshake(client, server))))
      assert.is_nil(client:cipher())
      client, server = ends.connected { version = version }
      client:close()
      assert.is_nil(client:cipher())
      server:close()
    end)
  end
end)
