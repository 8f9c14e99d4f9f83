-- SciSslContext: its settings, each by what it does to a connection.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext = scissl.SciSslContext
local PEER = scissl.SSL_VERIFY_PEER

local function agreed(client, server)
  local near, far = ends.connected { transport = "memory", client = client, server = server }
  return near, far
end

describe("SciSslContext.new", function()
  it("allows TLS 1.2 and later unless told otherwise", function()
    for _, method in ipairs { "TLS", false } do
      local context = assert(SciSslContext.new(method or nil))
      assert(context:addTrusted(pki.ca.certificate))
      assert.are.equal("TLSv1.3", agreed(context, ends.serverContext()):version())
      assert.are.equal("TLSv1.2", agreed(context, ends.serverContext { method = "TLSv1.2" }):version())
      local client, server = ends.pair { client = context, server = { method = "TLSv1.1",
        setup = function(old) old:setSecurityLevel(0) end } }
      assert.is_true(scissl.isSslError((ends.handshake(client, server))))
    end
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("allows one version alone by its name, " .. version, function()
      assert.are.equal(version, agreed(ends.clientContext { method = version }, ends.serverContext()):version())
      assert.are.equal(version, agreed(ends.clientContext(), ends.serverContext { method = version }):version())
    end)
  end

  for _, version in ipairs { "TLSv1", "TLSv1.1" } do
    it("allows the old " .. version .. " by its name, at security level 0 alone", function()
      local function setup(context)
        context:setSecurityLevel(0)
        assert(context:setCipherList("ALL:@SECLEVEL=0"))
      end
      local client, server = ends.pair { version = version, client = { setup = setup }, server = { setup = setup } }
      local answer = ends.handshake(client, server)
      if scissl.isSslError(answer) then return pending("this OpenSSL has no " .. version) end
      assert.are.equal(version, client:version())
      client, server = ends.pair { version = version }
      refusals.check((ends.handshake(client, server)))
    end)
  end
end)

describe("A setter of SciSslContext", function()
  it("answers the receiver, so that setters chain", function()
    local context = SciSslContext.new()
    for _, call in ipairs {
      { "setVerify", PEER }, { "setVerifyDepth", 3 }, { "setOptions", 0 }, { "clearOptions", 0 }, { "setTimeout", 60 },
      { "setMinProtocol", "TLSv1.2" }, { "setMaxProtocol", "TLSv1.3" }, { "setCipherList", "HIGH" },
      { "setCiphersuites", "TLS_AES_128_GCM_SHA256" }, { "setGroups", "X25519" },
      { "setSignatureAlgorithms", "ECDSA+SHA256" }, { "setAlpn", { "h2" } }, { "setSecurityLevel", 1 },
      { "setSessionIdContext", "mine" }, { "addTrusted", pki.ca.certificate }, { "useDefaultTrust" },
      { "loadVerifyLocations", pki.ca.certificateFile }, { "useCertificate", pki.server.certificate },
      { "usePrivateKey", pki.server.key }, { "useCertificateFile", pki.server.certificateFile },
      { "useCertificateChainFile", pki.server.certificateFile }, { "usePrivateKeyFile", pki.server.keyFile },
    } do
      assert.are.equal(context, (context[call[1]](context, call[2])), call[1])
    end
  end)

  it("is read back by its getter", function()
    local context = SciSslContext.new()
    assert.are.same({ PEER, 7, 4242, 2 }, { context:setVerify(PEER):getVerify(), context:setVerifyDepth(7)
      :getVerifyDepth(), context:setTimeout(4242):getTimeout(), context:setSecurityLevel(2):getSecurityLevel() })
    local before = context:getOptions()
    assert.are.equal(before | scissl.SSL_OP_NO_TICKET, context:setOptions(scissl.SSL_OP_NO_TICKET):getOptions())
    assert.are.equal(before, context:clearOptions(scissl.SSL_OP_NO_TICKET):getOptions())
  end)

  it("names the bounds of a number, and the number that it got", function()
    local context = SciSslContext.new()
    for name, message in pairs {
      setVerifyDepth = "depth from 0 to 1000", setSecurityLevel = "level from 0 to 5",
      setNumTickets = "0 to 255 tickets", setMaxSendFragment = "512 to 16384 bytes",
      setTimeout = "a positive number of seconds", setMaxReplayableData = "bytes from 0 to 4294967295",
    } do
      assert.error_matches(function() context[name](context, -1) end, message .. " expected, got -1", 1, true)
    end
  end)

  it("raises for a closed context, and for other receivers", function()
    local context = SciSslContext.new()
    local close = getmetatable(context).__close
    close(context)
    close(context)
    for name, method in pairs(SciSslContext) do
      if name ~= "new" and name ~= "newTicketKey" then
        for _, receiver in ipairs { context, {}, pki.server.key } do
          assert.error_matches(function() method(receiver, 1, 1) end, "bad argument #")
        end
      end
    end
    assert.error_matches(function() scissl.SciSslSocket.new(context) end, "bad argument #1 to 'new'")
    assert.error_matches(function() scissl.SciSslSocket.onMemory(context) end, "bad argument #1 to 'onMemory'")
  end)

  it("never sets SSL_OP_IGNORE_UNEXPECTED_EOF by itself", function()
    assert.are.equal(0, SciSslContext.new():getOptions() & scissl.SSL_OP_IGNORE_UNEXPECTED_EOF)
  end)
end)

describe("The context's offers", function()
  it("decide the cipher", function()
    local client = ends.clientContext { method = "TLSv1.2", setup = function(context)
      assert(context:setCipherList("ECDHE-ECDSA-CHACHA20-POLY1305"))
    end }
    assert.are.equal("ECDHE-ECDSA-CHACHA20-POLY1305", agreed(client, ends.serverContext()):cipher():name())
    client = ends.clientContext { method = "TLSv1.3", setup = function(context)
      assert(context:setCiphersuites("TLS_AES_128_GCM_SHA256"))
    end }
    assert.are.equal("TLS_AES_128_GCM_SHA256", agreed(client, ends.serverContext()):cipher():name())
  end)

  it("decide the protocol by their bounds", function()
    local upper = assert(ends.clientContext():setMaxProtocol("TLSv1.2"))
    assert.are.equal("TLSv1.2", agreed(upper, ends.serverContext()):version())
    local lower = assert(ends.serverContext():setMinProtocol("TLSv1.3"))
    assert.are.equal("TLSv1.3", agreed(ends.clientContext(), lower):version())
    local client, server = ends.pair { client = upper, server = lower }
    refusals.failed("protocol_version", "connect", (ends.handshake(client, server)))
  end)

  it("decide the signature algorithm", function()
    local client, server = ends.pair { version = "TLSv1.2",
      client = { setup = function(context) assert(context:setSignatureAlgorithms("RSA+SHA256")) end } }
    local client_answer, server_answer = ends.handshake(client, server)
    refusals.check(client_answer)
    refusals.check(server_answer)
  end)

  it("switch ALPN off by an empty list", function()
    local function setup(context) assert(context:setAlpn { "h2" }) end
    local client, server = ends.clientContext { setup = setup }, ends.serverContext { setup = setup }
    assert.are.equal("h2", agreed(client, server):alpnProtocol())
    assert(server:setAlpn {})
    assert.is_nil(agreed(client, server):alpnProtocol())
    assert(client:setAlpn {})
    assert.is_nil(agreed(client, server):alpnProtocol())
  end)

  it("take the server's first application protocol that the client knows", function()
    local client = ends.clientContext { setup = function(context) assert(context:setAlpn { "a", "b", "c" }) end }
    local server = ends.serverContext { setup = function(context) assert(context:setAlpn { "x", "c", "b" }) end }
    local near, far = agreed(client, server)
    assert.are.same({ "c", "c" }, { near:alpnProtocol(), far:alpnProtocol() })
  end)

  it("do not take part of a name for the whole", function()
    local client = ends.clientContext { setup = function(context) assert(context:setAlpn { "http/1.1" }) end }
    local server = ends.serverContext { setup = function(context) assert(context:setAlpn { "http/1" }) end }
    local near, far = ends.pair { client = client, server = server }
    refusals.failed("no_shared_alpn", "connect", (ends.handshake(near, far)))
  end)
end)

describe("The context's trust", function()
  local intermediate = pki.issue { subject = "CN=between", ca = true }
  local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = intermediate }
  local chain_pem = leaf.certificatePem .. intermediate.certificatePem

  local function serves(use)
    local context = assert(SciSslContext.new())
    assert(use(context))
    assert(context:usePrivateKey(leaf.key))
    return context
  end

  for name, use in pairs {
    useCertificateChainFile = function(context) return context:useCertificateChainFile(pki.write(chain_pem)) end,
    ["useCertificate with PEM text"] = function(context) return context:useCertificate(chain_pem) end,
  } do
    it("needs the chain that is sent with the certificate: " .. name, function()
      local client = agreed(ends.clientContext(), serves(use))
      assert.are.equal(2, #client:peerChain())
      assert.are.equal(leaf.certificate, client:peerChain()[1])
      assert.are.equal(intermediate.certificate, client:peerChain()[2])
    end)
  end

  for name, use in pairs {
    useCertificateFile = function(context) return context:useCertificateFile(pki.write(chain_pem)) end,
    ["useCertificate with an object"] = function(context) return context:useCertificate(leaf.certificate) end,
  } do
    it("misses what is not sent: " .. name, function()
      local client, server = ends.pair { server = serves(use) }
      refusals.failed("certificate_unknown_issuer", "connect", (ends.handshake(client, server)))
    end)
  end

  it("comes from PEM text with several certificates, files and directories", function()
    local folder = pki.folder() .. "/trusted"
    assert(os.execute("mkdir -p " .. folder))
    local pipe <close> = assert(io.popen("openssl x509 -noout -subject_hash -in " .. pki.ca.certificateFile))
    pki.write(pki.ca.certificatePem, "trusted/" .. pipe:read("l") .. ".0")
    for _, trust in ipairs {
      function(context) return context:addTrusted(pki.otherCa.certificatePem .. pki.ca.certificatePem) end,
      function(context) return context:addTrusted(pki.ca.certificate) end,
      function(context) return context:loadVerifyLocations(pki.ca.certificateFile) end,
      function(context) return context:loadVerifyLocations(nil, folder) end,
      function(context) return context:loadVerifyLocations(pki.otherCa.certificateFile, folder) end,
    } do
      local context = assert(SciSslContext.new():setVerify(PEER))
      assert.are.equal(context, trust(context))
      assert.are.equal(0, (agreed(context, ends.serverContext()):sslVerifyCertificate()))
    end
  end)

  it("takes the same certificate twice", function()
    local context = ends.clientContext()
    assert.are.equal(context, context:addTrusted(pki.ca.certificate))
    assert.are.equal(context, context:addTrusted(pki.ca.certificatePem:rep(2)))
    agreed(context, ends.serverContext())
  end)

  it("is nobody's in a new context", function()
    local client, server = ends.pair { client = SciSslContext.new():setVerify(PEER) }
    refusals.failed("certificate_unknown_issuer", "connect", (ends.handshake(client, server)))
  end)

  it("reaches as deep as setVerifyDepth says", function()
    local server = serves(function(context) return context:useCertificate(chain_pem) end)
    agreed(ends.clientContext():setVerifyDepth(1), server)
    local client, far = ends.pair { client = ends.clientContext():setVerifyDepth(0), server = server }
    assert.are.equal("connect", refusals.check((ends.handshake(client, far))):phase())
  end)
end)

describe("The context's identity", function()
  it("may be changed as a whole, certificate first", function()
    local context = ends.serverContext()
    assert(context:useCertificate(pki.wrongHost.certificate))
    assert(context:usePrivateKey(pki.wrongHost.key))
    local client, server = ends.connected { server = context, serverName = false, verifyHost = "elsewhere.example" }
    assert.are.equal(pki.wrongHost.certificate, client:peerCertificate())
    server:close()
  end)

  it("may have a certificate for each kind of key #slow", function()
    local rsa = pki.issue { subject = "CN=localhost", names = { "localhost" },
      key = pki.rsaKey() }
    local context = ends.serverContext()
    assert(context:useCertificate(rsa.certificate))
    assert(context:usePrivateKey(rsa.key))
    for algorithms, certificate in pairs {
      ["RSA-PSS+SHA256:ECDSA+SHA256"] = rsa.certificate, ["ECDSA+SHA256:RSA-PSS+SHA256"] = pki.server.certificate,
    } do
      local client, server = ends.pair { version = "TLSv1.3", server = context, client = { setup = function(one)
        assert(one:setSignatureAlgorithms(algorithms))
      end } }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(certificate, client:peerCertificate())
    end
  end)
end)

describe("Sessions", function()
  -- Whether `context` resumes what it, or another, made; `meanwhile` is done between the two connections.
  local function resumes(first, second, version, meanwhile)
    local client_context = ends.clientContext { method = version }
    local client, server = ends.connected { client = client_context, server = first }
    assert.are.equal(2, server:sslWrite("hi"))
    ends.read(client, server)
    local session = client:getSession()
    if meanwhile then meanwhile() end
    client, server = ends.pair { client = client_context, server = second }
    assert(client:setSession(session))
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    return client:isSessionReused()
  end

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("belong to the server's context that made them, " .. version, function()
      local context = ends.serverContext()
      assert.is_true(resumes(context, context, version))
      assert.is_false(resumes(context, ends.serverContext(), version))
    end)

    it("are not resumed under another session id context, " .. version, function()
      local context = ends.serverContext()
      assert.is_false(resumes(context, context, version, function() context:setSessionIdContext("another") end))
      assert.is_true(resumes(context, context, version))
    end)
  end
end)
