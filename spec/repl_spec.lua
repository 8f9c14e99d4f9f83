-- What a person sees in the REPL: every object prints usefully, and none prints a secret.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function assert_says(value, ...)
  local text = tostring(value)
  for _, words in ipairs { ... } do assert.truthy(text:find(words, 1, true), ("%q lacks %q"):format(text, words)) end
  assert.is_nil(text:find "[\r\n]", text)
  assert.is_nil(text:find "0x%x%x%x%x%x%x", text)
end

describe("tostring of a SciSslSocket", function()
  it("says its state before there is a connection", function()
    local client = ends.pair { initialize = false }
    assert_says(client, "SciSslSocket", "not initialized")
    client:sslInitialize()
    assert_says(client, "SciSslSocket", "initialized")
    client:sslConnect()
    assert_says(client, "client", "handshake under way")
    client:close()
    assert_says(client, "closed")
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("says role, protocol, cipher, and what the peer is worth, " .. version, function()
      local client, server = ends.connected { version = version }
      assert_says(client, "SciSslSocket: client, " .. version, client:cipher():name(), "peer CN=localhost verified")
      assert_says(server, "SciSslSocket: server, " .. version, "peer without certificate")
    end)

    it("says so where the peer is not verified, " .. version, function()
      local client = ends.connected {
        version = version, client = { method = version, trust = false, verify = scissl.SSL_VERIFY_NONE } }
      assert_says(client, "peer CN=localhost NOT verified")
    end)
  end

  it("says that it has failed", function()
    local client, server = ends.pair { client = { trust = false } }
    ends.handshake(client, server)
    assert_says(client, "client", "failed")
  end)
end)

describe("tostring of the other classes", function()
  it("says the two or three facts that a person wants", function()
    local context = ends.serverContext { method = "TLSv1.3" }
    assert_says(context, "SciSslContext", "TLSv1.3", "CN=localhost")
    assert_says(ends.clientContext(), "TLSv1.2", "verifies", "no certificate")
    assert_says(pki.server.certificate, "SciSslX509Certificate", "CN=localhost", "CN=scissl test authority")
    assert_says(pki.server.key, "SciSslPrivateKey", "EC")
    assert_says(scissl.OSSslVersion.current(), "OSSslVersion", "OpenSSL")
    local near = scissl.SciSocket.pair()
    assert_says(near, "SciSocket", "connected")
    near:close()
    assert_says(near, "SciSocket", "closed")
    assert_says(scissl.SciSslSocketConfiguration.new { version = "TLSv1.3" }, "SciSslSocketConfiguration", "TLSv1.3")
  end)

  it("of a SciSslError is its hint", function()
    local _, err = scissl.SciSslContext.new "TLSv9"
    assert.equal(err:errorHint(), tostring(err))
    assert_says(err, "TLSv9")
  end)
end)

describe("no object", function()
  it("prints a key, a passphrase or a session's secret", function()
    local key = pki.server.key
    local secrets = { "correct horse battery" }
    for line in key:toPem():gmatch "[^\n]+" do
      if not line:find("-----", 1, true) then secrets[#secrets + 1] = line:sub(1, 24) end
    end
    local encrypted = key:toPem "correct horse battery"
    local _, wrong = scissl.SciSslPrivateKey.fromPem(encrypted, "wrong battery horse")
    secrets[#secrets + 1] = "wrong battery horse"
    local client, server = ends.connected()
    assert.equal(2, server:sslWrite "hi")
    ends.read(client, server)
    local session = client:getSession()
    local configuration = scissl.SciSslSocketConfiguration.new {
      privateKey = encrypted, passphrase = "correct horse battery", certificate = pki.server.certificate }
    for _, object in ipairs { key, wrong, client, server, session, configuration, ends.serverContext() } do
      for _, secret in ipairs(secrets) do assert.is_nil(tostring(object):find(secret, 1, true)) end
    end
    assert.is_nil(tostring(session):find(session:toPem():match "\n(.-)\n", 1, true))
  end)
end)

describe("the metatables", function()
  local client, _ = ends.connected()
  local objects = {
    SciSocket = scissl.SciSocket.pair(), SciSslSocket = client, SciSslContext = ends.clientContext(),
    SciSslX509Certificate = pki.server.certificate, SciSslPrivateKey = pki.server.key,
    SciSslCipher = client:cipher(), OSSslVersion = scissl.OSSslVersion.current(),
    SciSslError = select(2, scissl.SciSslContext.new "none"),
    OSSslSession = scissl.OSSslSession.fromPem(assert(client:getSession()):toPem()),
  }
  for name, object in pairs(objects) do
    it("name the class: " .. name, function() assert.equal(name, getmetatable(object).__name) end)
  end
  for _, name in ipairs { "SciSocket", "SciSslSocket", "SciSslContext", "SciSslX509Certificate", "SciSslPrivateKey",
                          "OSSslSession" } do
    it("let go of what they own when collected and at the end of a <close>: " .. name, function()
      assert.is_function(getmetatable(objects[name]).__gc)
      assert.is_function(getmetatable(objects[name]).__close)
    end)
  end
  for _, name in ipairs { "SciSslX509Certificate", "SciSslPrivateKey", "SciSslCipher", "OSSslSession",
                          "OSSslVersion" } do
    it("compare by value: " .. name, function() assert.is_function(getmetatable(objects[name]).__eq) end)
  end
end)
