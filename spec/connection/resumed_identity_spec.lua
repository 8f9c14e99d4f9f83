-- A resumed connection shows no certificate, and the session does not say which of several it was made with. Then none
-- is named, in place of a wrong one.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local KIND = "tls-server-end-point"

local rsa = pki.issue {
  subject = "CN=localhost", names = { "localhost" }, key = pki.rsaKey(),
  digest = "SHA384",
}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A server, " .. version, function()
    local function contexts(identities)
      local server = ends.serverContext { method = version, identity = false, setup = function(context)
        for _, identity in ipairs(identities) do
          assert(context:useCertificate(identity.certificate))
          assert(context:usePrivateKey(identity.key))
        end
      end }
      local client = ends.clientContext { method = version, setup = function(context)
        local both = version == "TLSv1.2" and "RSA+SHA256:ECDSA+SHA256" or "RSA-PSS+SHA256"
        if #identities > 1 then assert(context:setSignatureAlgorithms(both)) end
        if #identities > 1 then assert(context:setCipherList "ECDHE-RSA-AES128-GCM-SHA256") end
      end }
      return client, server
    end

    local function connect(client_context, server_context, session)
      local client, server = ends.pair { client = client_context, server = server_context }
      if session then assert(client:setSession(session)) end
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(session ~= nil, server:isSessionReused())
      server:sslWrite "x"
      ends.read(client, server)
      return client, server
    end

    it("with several certificates names the one that it showed", function()
      local client, server = connect(contexts { rsa, pki.server })
      assert.are.equal(rsa.certificate, server:localCertificate())
      assert.are.equal(client:channelBinding(KIND), server:channelBinding(KIND))
    end)

    it("with several certificates names none on a resumed connection", function()
      local client_context, server_context = contexts { rsa, pki.server }
      local first = connect(client_context, server_context)
      local client, server = connect(client_context, server_context, first:getSession())
      assert.is_nil(server:localCertificate())
      assert.are.same({}, server:localChain())
      local bytes, err = server:channelBinding(KIND)
      assert.is_nil(bytes)
      assert.are.equal("binding_undefined", err:condition())
      assert.are.equal(first:channelBinding(KIND), client:channelBinding(KIND))
      assert.are.equal(rsa.certificate, client:peerCertificate())
    end)

    it("with one certificate names it on a resumed connection, too", function()
      local client_context, server_context = contexts { pki.server }
      local first = connect(client_context, server_context)
      local client, server = connect(client_context, server_context, first:getSession())
      assert.are.equal(pki.server.certificate, server:localCertificate())
      assert.are.equal(assert(client:channelBinding(KIND)), server:channelBinding(KIND))
    end)
  end)
end
