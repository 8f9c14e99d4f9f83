-- What both ends can derive from a connection: keying material, channel bindings, Finished messages.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Exported keying material, " .. version, function()
    it("is the same at both ends, and another one for another label, context or length", function()
      local client, server = ends.memory { version = version }
      local bytes = assert(client:sslExport("EXPORTER-spec", 32))
      assert.are.equal(32, #bytes)
      assert.are.equal(bytes, server:sslExport("EXPORTER-spec", 32))
      assert.are_not.equal(bytes, client:sslExport("EXPORTER-other", 32))
      assert.are_not.equal(bytes, client:sslExport("EXPORTER-spec", 32, "context"))
      assert.are.equal(client:sslExport("EXPORTER-spec", 8160, "a\0b"), server:sslExport("EXPORTER-spec", 8160, "a\0b"))
      local empty = client:sslExport("EXPORTER-spec", 32, "")
      if version == "TLSv1.2" then assert.are_not.equal(bytes, empty) else assert.are.equal(bytes, empty) end
    end)

    it("is another one on another connection", function()
      local client, other = ends.memory { version = version }, ends.memory { version = version }
      assert.are_not.equal(client:sslExport("EXPORTER-spec", 32), other:sslExport("EXPORTER-spec", 32))
    end)

    it("is not there before the handshake, or after the end", function()
      local client = ends.pair { version = version }
      refusals.condition("handshake_needed", client:sslExport("EXPORTER-spec", 32))
      refusals.condition("handshake_needed", client:channelBinding "tls-exporter")
      refusals.condition("handshake_needed", client:finished())
      client:close()
      refusals.condition("closed", client:sslExport("EXPORTER-spec", 32))
      refusals.condition("closed", client:peerFinished())
    end)

    it("refuses lengths and labels that there are not", function()
      local client = ends.memory { version = version }
      for _, length in ipairs { 0, -1, 8161, 2 ^ 40, 1.5, "many" } do
        assert.error_matches(function() client:sslExport("EXPORTER-spec", length) end, "bad argument #2 to 'sslExport'")
      end
      assert.error_matches(function() client:sslExport("", 32) end, "bad argument #1 to 'sslExport'")
      assert.error_matches(function() client:sslExport(("x"):rep(4097), 32) end, "bad argument #1 to 'sslExport'")
      assert.error_matches(function() client:sslExport("EXPORTER-spec", 32, ("x"):rep(65536)) end,
        "bad argument #3 to 'sslExport'")
      assert.error_matches(function() client:sslExport("EXPORTER-spec", 32, {}) end, "bad argument #3 to 'sslExport'")
      if version == "TLSv1.2" then refusals.condition("bad_label", client:sslExport("master secret", 32)) end
    end)

    it("takes every label that the version allows", function()
      local client, server = ends.memory { version = version }
      for _, label in ipairs { "x", ("x"):rep(249), "a\0b", "\200\255", "master", "CLIENT FINISHED", "two words" } do
        assert.are.equal(assert(client:sslExport(label, 32)), assert(server:sslExport(label, 32)))
      end
      for _, label in ipairs { ("x"):rep(250), ("y"):rep(958) } do
        if version == "TLSv1.3" then refusals.condition("bad_label", client:sslExport(label, 32))
        else assert.are.equal(assert(client:sslExport(label, 32)), assert(server:sslExport(label, 32))) end
      end
      local bytes, err = client:sslExport(("y"):rep(4096), 32)
      if bytes then assert.are.equal(bytes, server:sslExport(("y"):rep(4096), 32)) -- newer OpenSSLs
      else refusals.condition("bad_label", bytes, err) end
    end)
  end)

  describe("Channel bindings, " .. version, function()
    local digests = { SHA256 = "SHA256", SHA384 = "SHA384", SHA512 = "SHA512" }

    it("tls-exporter is what RFC 9266 derives, at both ends", function()
      local client, server = ends.memory { version = version }
      local binding = assert(client:channelBinding "tls-exporter")
      assert.are.equal(32, #binding)
      assert.are.equal(binding, server:channelBinding "tls-exporter")
      assert.are.equal(binding, client:sslExport("EXPORTER-Channel-Binding", 32, ""))
    end)

    for digest in pairs(digests) do
      it("tls-server-end-point is the certificate's digest at both ends: " .. digest, function()
        local identity = pki.issue { subject = "CN=localhost", names = { "localhost" }, digest = digest }
        local client, server = ends.memory { version = version, server = { identity = identity } }
        local expected = scissl.digest(digest, identity.certificate:toDer())
        assert.are.equal(expected, client:channelBinding "tls-server-end-point")
        assert.are.equal(expected, server:channelBinding "tls-server-end-point")
      end)
    end

    it("tls-server-end-point is undefined for a signature without a digest", function()
      local identity = pki.issue {
        subject = "CN=localhost", names = { "localhost" }, issuer = false,
        key = assert(scissl.SciSslPrivateKey.generate "Ed25519"),
      }
      local client = ends.memory {
        version = version, client = { verify = scissl.SSL_VERIFY_NONE }, server = { identity = identity },
      }
      refusals.condition("binding_undefined", client:channelBinding "tls-server-end-point")
    end)

    it("tls-unique is the first Finished message, and nothing in TLS 1.3", function()
      local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
      local client, server = ends.memory { version = version, client = context, server = server_context }
      if version == "TLSv1.3" then
        refusals.condition("binding_undefined", client:channelBinding "tls-unique")
        return
      end
      assert.are.equal(client:finished(), client:channelBinding "tls-unique")
      assert.are.equal(client:channelBinding "tls-unique", server:channelBinding "tls-unique")
      local session = client:getSession()
      client, server = ends.pair { client = context, server = server_context, transport = "memory" }
      client:setSession(session)
      ends.handshake(client, server)
      assert.is_true(client:isSessionReused())
      assert.are.equal(server:finished(), server:channelBinding "tls-unique")
      assert.are.equal(client:channelBinding "tls-unique", server:channelBinding "tls-unique")
    end)

    it("that would not be unique are undefined", function()
      if version == "TLSv1.3" then return end
      local client = ends.memory { version = version, client = { setup = function(context)
        context:setOptions(scissl.SSL_OP_NO_EXTENDED_MASTER_SECRET)
      end } }
      refusals.condition("binding_undefined", client:channelBinding "tls-unique")
      refusals.condition("binding_undefined", client:channelBinding "tls-exporter")
    end)

    it("refuse names that there are not", function()
      local client = ends.memory { version = version }
      assert.error_matches(function() client:channelBinding "tls-other" end, "bad argument #1 to 'channelBinding'")
      assert.error_matches(function() client:channelBinding() end, "bad argument #1 to 'channelBinding'")
    end)
  end)

  describe("Finished messages, " .. version, function()
    it("are each other's", function()
      local client, server = ends.memory { version = version }
      assert.are.equal(client:finished(), server:peerFinished())
      assert.are.equal(server:finished(), client:peerFinished())
      assert.are_not.equal(client:finished(), server:finished())
    end)
  end)
end
