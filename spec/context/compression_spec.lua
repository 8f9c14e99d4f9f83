-- Compressed certificates (RFC 8879).
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local algorithms = {}
for _, name in ipairs { "zlib", "brotli", "zstd" } do
  if scissl.features[name] then algorithms[#algorithms + 1] = name end
end

local function long_identity()
  local names = { "localhost" }
  for i = 1, 100 do names[#names + 1] = ("host%d.example.com"):format(i) end
  return pki.issue { subject = "CN=long", names = names }
end

-- Which message carried the certificate of each side, as the client sees it: `server`, `client`.
local function messages(client)
  local seen = {}
  for _, event in ipairs(client:traceEvents()) do
    if event.name == "Certificate" or event.name == "CompressedCertificate" then
      seen[event.direction == "received" and "server" or "client"] = event.name
    end
  end
  return seen
end

local function meet(client_context, server_context, prepare)
  local client, server = ends.pair { client = client_context, server = server_context, transport = "memory" }
  assert(client:sslTrace(true))
  if prepare then prepare(client, server) end
  assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  return client, messages(client)
end

describe("certificate compression", function()
  it("is refused by name where the loaded OpenSSL does not have it", function()
    local context = ends.serverContext {}
    for _, name in ipairs { "zlib", "brotli", "zstd" } do
      if not scissl.features[name] then
        refusals.refused("not_in_this_openssl", "option", nil, context:setCertificateCompression { name })
      end
    end
    if not algorithms[1] then refusals.condition("not_in_this_openssl", context:compressCertificates()) end
    assert.are.equal(context, context:setCertificateCompression {})
    refusals.condition("no_certificate", assert(scissl.SciSslContext.new()):compressCertificates())
  end)

  for _, name in ipairs(algorithms) do
    it("serves both sides: " .. name, function()
      local identity = long_identity()
      local sizes = {}
      for _, on in ipairs { true, false } do
        local server = ends.serverContext { identity = identity, verify = scissl.SSL_VERIFY_PEER }
        local client = ends.clientContext { identity = identity }
        for _, context in ipairs { server, client } do
          assert(context:setCertificateCompression(on and { name } or {}))
        end
        assert(server:setPurpose "any")
        assert(server:compressCertificates())
        local socket, seen = meet(client, server)
        local wanted = on and "CompressedCertificate" or "Certificate"
        assert.are.same({ server = wanted, client = wanted }, seen)
        assert.are.equal(identity.certificate, socket:peerCertificate())
        local counted = socket:statistics()
        sizes[on] = { counted.bytesReceived, counted.bytesSent }
      end
      assert.is_true(sizes[true][1] < sizes[false][1] - 1000 and sizes[true][2] < sizes[false][2] - 1000)
    end)

    it("needs one algorithm that both sides have: " .. name, function()
      for _, other in ipairs(algorithms) do
        local server = ends.serverContext {}
        assert(server:setCertificateCompression { name }:compressCertificates())
        local client = ends.clientContext {}
        assert(client:setCertificateCompression { other })
        local _, seen = meet(client, server)
        assert.are.equal(other == name and "CompressedCertificate" or "Certificate", seen.server)
      end
    end)
  end

  if not algorithms[1] then return end

  it("of a server begins with compressCertificates", function()
    local server = ends.serverContext {}
    local _, seen = meet(ends.clientContext {}, server)
    assert.are.equal("Certificate", seen.server)
    assert(server:compressCertificates())
    _, seen = meet(ends.clientContext {}, server)
    assert.are.equal("CompressedCertificate", seen.server)
  end)

  local renewals = {
    useCertificate = function(context, identity)
      return context:useCertificate(identity.certificate):usePrivateKey(identity.key)
    end,
    useCertificateFile = function(context, identity)
      return context:useCertificateFile(identity.certificateFile):usePrivateKeyFile(identity.keyFile)
    end,
    useCertificateChain = function(context, identity)
      return context:useCertificateChain({ identity.certificate, pki.ca.certificate }):usePrivateKey(identity.key)
    end,
    addChainCertificate = function(context, identity)
      assert(context:useCertificate(identity.certificate):usePrivateKey(identity.key))
      return context:addChainCertificate(pki.ca.certificate)
    end,
    usePkcs12 = function(context, identity)
      return context:usePkcs12(assert(scissl.SciSslPkcs12.make {
        certificate = identity.certificate, key = identity.key, passphrase = "x" }), "x")
    end,
    setCommands = function(context, identity)
      return context:setCommands { { "Certificate", identity.certificateFile }, { "PrivateKey", identity.keyFile } }
    end,
  }
  for name, renew in pairs(renewals) do
    it("follows a certificate that is renewed: " .. name, function()
      local server = ends.serverContext {}
      assert(server:compressCertificates())
      local identity = pki.issue { subject = "CN=renewed", names = { "localhost" } }
      assert(renew(server, identity))
      local client, seen = meet(ends.clientContext {}, server)
      assert.are.equal(identity.certificate, client:peerCertificate())
      assert.are.equal("CompressedCertificate", seen.server)
      local plain = ends.clientContext {}
      assert(plain:setCertificateCompression {})
      assert.are.same(#meet(plain, server):peerChain(), #client:peerChain())
    end)
  end

  it("leaves out the certificate that one connection uses", function()
    local server = ends.serverContext {}
    assert(server:compressCertificates())
    local identity = pki.issue { subject = "CN=own", names = { "localhost" } }
    local client, seen = meet(ends.clientContext {}, server, function(_, socket)
      assert(socket:sslUseCertificate(identity.certificate, identity.key))
    end)
    assert.are.equal(identity.certificate, client:peerCertificate())
    assert.are.equal("Certificate", seen.server)
  end)

  local function chain_file(identity) return pki.write(identity.certificatePem) end
  local trusts = {
    addTrusted = function(context, issuer) return context:addTrusted(issuer.certificate) end,
    loadVerifyLocations = function(context, issuer) return context:loadVerifyLocations(chain_file(issuer)) end,
    addTrustedUri = function(context, issuer) return context:addTrustedUri(chain_file(issuer)) end,
  }
  for name, trust in pairs(trusts) do
    it("follows an issuer that the trust store gets later: " .. name, function()
      local issuer = pki.issue { subject = "CN=intermediate", ca = true }
      local identity = pki.issue { subject = "CN=leaf", names = { "localhost" }, issuer = issuer }
      local server = ends.serverContext { identity = identity }
      assert(server:compressCertificates())
      assert(trust(server, issuer))
      local client, seen = meet(ends.clientContext {}, server)
      assert.are.equal("CompressedCertificate", seen.server)
      assert.are.equal(issuer.certificate, client:peerChain()[2])
    end)
  end

  it("gives way to a stapled OCSP response", function()
    local server = ends.serverContext {}
    assert(server:compressCertificates())
    assert(server:setOcspResponse(assert(scissl.SciSslOcsp.response {
      certificate = pki.server.certificate, issuer = pki.ca.certificate, key = pki.ca.key })))
    local client = ends.clientContext {}
    local _, seen = meet(client, server)
    assert.are.equal("CompressedCertificate", seen.server) -- the client does not ask for a response
    assert(client:setOcspPolicy "require")
    local socket
    socket, seen = meet(client, server)
    assert.are.equal("Certificate", seen.server)
    assert.are.equal("good", assert(socket:sslVerifyOcsp()).status)
  end)

  it("stays off once it was switched off", function()
    local server = ends.serverContext {}
    assert(server:compressCertificates():setCertificateCompression {})
    assert(server:useCertificate(pki.server.certificate):usePrivateKey(pki.server.key))
    local _, seen = meet(ends.clientContext {}, server)
    assert.are.equal("Certificate", seen.server)
  end)

  it("follows a certificate that is renewed while another algorithm, or none, is chosen", function()
    for _, meanwhile in ipairs { { algorithms[2] }, {} } do
      local server = ends.serverContext {}
      assert(server:setCertificateCompression { algorithms[1] }:compressCertificates())
      assert(server:setCertificateCompression(meanwhile))
      local identity = pki.issue { subject = "CN=renewed", names = { "localhost" } }
      assert(server:useCertificate(identity.certificate):usePrivateKey(identity.key))
      assert(server:setCertificateCompression { algorithms[1] })
      local client, seen = meet(ends.clientContext {}, server)
      assert.are.equal(identity.certificate, client:peerCertificate())
      assert.are.equal("CompressedCertificate", seen.server)
    end
  end)

  it("is an option of scissl.listen and scissl.connect", function()
    local identity = long_identity()
    local function received(list)
      local client = streams.meet({ certificate = identity.certificate, privateKey = identity.key,
        certificateCompression = algorithms }, { caFile = pki.ca.certificateFile, certificateCompression = list },
        function(stream)
          stream:read "a"
          stream:close()
        end,
        function(stream, failure)
          assert(stream, tostring(failure))
          local bytes = stream:socket():statistics().bytesReceived
          stream:close()
          return bytes
        end)
      return client[1]
    end
    assert.is_true(received(algorithms) < received {} - 1000)
  end)
end)
