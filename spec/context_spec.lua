local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

describe("SciSslContext", function()
  local context
  before_each(function() context = assert(scissl.SciSslContext.new()) end)

  it("answers the receiver from each setter, so that they chain", function()
    local calls = {
      setMinProtocol = "TLSv1.2", setMaxProtocol = "TLSv1.3", setCipherList = "ECDHE+AESGCM",
      setCiphersuites = "TLS_AES_128_GCM_SHA256", setGroups = "P-256", setSignatureAlgorithms = "ECDSA+SHA256",
      setAlpn = { "h2" }, setVerify = scissl.SSL_VERIFY_PEER, setVerifyDepth = 3,
      setOptions = scissl.SSL_OP_NO_TICKET, clearOptions = scissl.SSL_OP_NO_TICKET, setTimeout = 100,
      setSecurityLevel = 1, setSessionIdContext = "fleet", addTrusted = pki.ca.certificate,
      loadVerifyLocations = pki.ca.certificateFile, useCertificate = pki.server.certificate,
      usePrivateKey = pki.server.key,
    }
    for _, name in ipairs { "useCertificate", "usePrivateKey" } do
      assert.equal(context, context[name](context, calls[name]), name)
      calls[name] = nil
    end
    for name, argument in pairs(calls) do assert.equal(context, context[name](context, argument), name) end
    assert.equal(context, context:useDefaultTrust())
  end)

  it("answers what was set", function()
    assert.equal(scissl.SSL_VERIFY_NONE, context:getVerify())
    context:setVerify(scissl.SSL_VERIFY_PEER)
    assert.equal(scissl.SSL_VERIFY_PEER, context:getVerify())
    context:setVerifyDepth(3)
    assert.equal(3, context:getVerifyDepth())
    context:setTimeout(1234)
    assert.equal(1234, context:getTimeout())
    context:setSecurityLevel(2)
    assert.equal(2, context:getSecurityLevel())
    context:setOptions(scissl.SSL_OP_NO_TICKET)
    assert.equal(scissl.SSL_OP_NO_TICKET, context:getOptions() & scissl.SSL_OP_NO_TICKET)
    context:clearOptions(scissl.SSL_OP_NO_TICKET)
    assert.equal(0, context:getOptions() & scissl.SSL_OP_NO_TICKET)
  end)

  it("raises for arguments of the wrong type or out of range", function()
    for _, call in ipairs {
      function() context:setVerify "peer" end, function() context:setVerifyDepth(-1) end,
      function() context:setTimeout(0) end, function() context:setTimeout "long" end,
      function() context:setSecurityLevel(6) end, function() context:setAlpn "h2" end,
      function() context:setAlpn { 1 } end, function() context:setSessionIdContext "" end,
      function() context:setSessionIdContext(("x"):rep(33)) end, function() context:loadVerifyLocations() end,
      function() context:useCertificate() end, function() context:usePrivateKey(pki.server.key, {}) end,
      function() context:useCertificateFile "with a \0 byte" end, function() scissl.SciSslContext.new {} end,
      function() scissl.SciSslContext.setVerify(pki.server.key, 0) end,
    } do assert.has_error(call) end
  end)

  it("raises when it is used after it was closed, and prints that", function()
    getmetatable(context).__close(context)
    assert.has_error(function() context:getVerify() end)
    assert.has_error(function() scissl.SciSslSocket.onMemory(context) end)
    assert.truthy(tostring(context):find("closed", 1, true))
  end)

  it("survives being closed by the passphrase function that it calls", function()
    local encrypted = assert(pki.server.key:toPem "secret")
    local answer, err = context:usePrivateKey(encrypted, function()
      getmetatable(context).__close(context)
      return "secret"
    end)
    assert.is_nil(answer)
    assert.equal("closed", err:condition())
  end)

  it("survives being closed by the table that setAlpn reads", function()
    local list = setmetatable({}, { __len = function() return 1 end, __index = function()
      getmetatable(context).__close(context)
      return "h2"
    end })
    assert.has_error(function() context:setAlpn(list) end)
  end)

  it("is kept alive by its sockets", function()
    local client, server = ends.pair { client = assert(scissl.SciSslContext.new()) }
    collectgarbage()
    collectgarbage()
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

describe("ALPN", function()
  local function names(list) return { setup = function(context) assert(context:setAlpn(list)) end } end

  it("is the server's first choice among what the client offers", function()
    local client, server = ends.connected { client = names { "http/1.1", "h2" }, server = names { "h2", "http/1.1" } }
    assert.equal("h2", client:alpnProtocol())
    assert.equal("h2", server:alpnProtocol())
  end)

  it("matches whole names, not parts of them", function()
    local client, server = ends.pair { client = names { "h2" }, server = names { "h2c", "xh2" } }
    local _, answer = ends.handshake(client, server)
    assert.equal("no_shared_alpn", answer:condition())
  end)

  it("ends the handshake with no_application_protocol where nothing is in common", function()
    local client, server = ends.pair { client = names { "h2" }, server = names { "spdy" } }
    local client_answer, server_answer = ends.handshake(client, server)
    assert.equal("no_application_protocol", (server_answer:alert()))
    assert.equal("no_application_protocol", (client_answer:alert()))
  end)

  it("is nil where either side does not ask for it", function()
    local client = ends.connected { client = names { "h2" } }
    assert.is_nil(client:alpnProtocol())
    local other = ends.connected { server = names { "h2" } }
    assert.is_nil(other:alpnProtocol())
    local off = ends.connected { client = names {}, server = names { "h2" } }
    assert.is_nil(off:alpnProtocol())
  end)
end)
