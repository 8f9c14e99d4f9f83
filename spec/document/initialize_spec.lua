-- Document row S9: sslInitialize inherits the context's settings as they are at that moment.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

-- Each setting: which end's context changes, what changes it, and what shows it. `shows` is given what each side's call
-- answered, and the two ends; it answers true where the change has reached the connection.
local SETTINGS = {
  { "the lowest protocol", end_ = "server", versions = { "TLSv1.2" },
    context = function() return ends.serverContext() end,
    change = function(context) return context:setMinProtocol "TLSv1.3" end,
    shows = function(client) return scissl.isSslError(client) end },
  { "the highest protocol", end_ = "client", versions = { "TLSv1.3" },
    context = function() return ends.clientContext() end,
    other = function() return {} end,
    change = function(context) return context:setMaxProtocol "TLSv1.2" end,
    shows = function(_, _, client) return client:version() == "TLSv1.2" end },
  { "the cipher list", end_ = "client", versions = { "TLSv1.2" },
    change = function(context) return context:setCipherList "ECDHE-ECDSA-AES128-SHA256" end,
    shows = function(_, _, client) return client:cipher():name() == "ECDHE-ECDSA-AES128-SHA256" end },
  { "the server's cipher list", end_ = "server", versions = { "TLSv1.2" },
    change = function(context) return context:setCipherList "ECDHE-ECDSA-AES128-SHA256" end,
    shows = function(_, _, client) return client:cipher():name() == "ECDHE-ECDSA-AES128-SHA256" end },
  { "the cipher suites", end_ = "client", versions = { "TLSv1.3" },
    change = function(context) return context:setCiphersuites "TLS_CHACHA20_POLY1305_SHA256" end,
    shows = function(_, _, client) return client:cipher():name() == "TLS_CHACHA20_POLY1305_SHA256" end },
  { "the server's cipher suites", end_ = "server", versions = { "TLSv1.3" },
    change = function(context) return context:setCiphersuites "TLS_CHACHA20_POLY1305_SHA256" end,
    shows = function(_, _, client) return client:cipher():name() == "TLS_CHACHA20_POLY1305_SHA256" end },
  { "the groups", end_ = "client",
    other = function(version) return { method = version, setup = function(context)
      assert(context:setGroups "X25519")
    end } end,
    change = function(context) return context:setGroups "P-384" end,
    shows = function(client) return scissl.isSslError(client) end },
  { "the signature algorithms", end_ = "client",
    change = function(context) return context:setSignatureAlgorithms "RSA-PSS+SHA256" end,
    shows = function(client) return scissl.isSslError(client) end },
  { "an option", end_ = "server",
    change = function(context) return context:setOptions(scissl.SSL_OP_NO_TLSv1_2 | scissl.SSL_OP_NO_TLSv1_3) end,
    shows = function(client) return scissl.isSslError(client) end },
  { "the verification flags", end_ = "client",
    context = function(version)
      return ends.clientContext { method = version, trust = false, verify = scissl.SSL_VERIFY_NONE }
    end,
    change = function(context) return context:setVerify(scissl.SSL_VERIFY_PEER) end,
    shows = function(client) return scissl.isSslError(client) end },
  { "the verification depth", end_ = "client",
    other = function(version)
      local middle = pki.issue { subject = "CN=middle", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = middle }
      return { method = version, identity = false, setup = function(context)
        assert(context:useCertificate(leaf.certificatePem .. middle.certificatePem))
        assert(context:usePrivateKey(leaf.key))
      end }
    end,
    change = function(context) return context:setVerifyDepth(0) end,
    shows = function(client) return scissl.isSslError(client) end },
  { "the security level", end_ = "client",
    change = function(context) return context:setSecurityLevel(5) end,
    shows = function(client) return scissl.isSslError(client) end },
  { "the certificate and its key", end_ = "server",
    change = function(context)
      return context:useCertificate(pki.wrongHost.certificate) and context:usePrivateKey(pki.wrongHost.key)
    end,
    shows = function(client) return scissl.isSslError(client) and client:condition() == "certificate_wrong_host" end },
  { "a trusted certificate", end_ = "client",
    context = function(version) return ends.clientContext { method = version, trust = false } end,
    change = function(context) return context:addTrusted(pki.ca.certificate) end,
    shows = function(client) return client == 1 end },
  { "a trusted file", end_ = "client",
    context = function(version) return ends.clientContext { method = version, trust = pki.otherCa } end,
    change = function(context) return context:loadVerifyLocations(pki.ca.certificateFile) end,
    shows = function(client) return client == 1 end },
  { "the client's ALPN", end_ = "client",
    other = function(version) return { method = version, setup = function(context)
      assert(context:setAlpn { "h2", "http/1.1" })
    end } end,
    context = function(version)
      return ends.clientContext { method = version, setup = function(context) assert(context:setAlpn { "h2" }) end }
    end,
    change = function(context) return context:setAlpn { "http/1.1" } end,
    shows = function(_, _, client) return client:alpnProtocol() == "http/1.1" end },
  { "the server's ALPN", end_ = "server",
    other = function(version) return { method = version, setup = function(context)
      assert(context:setAlpn { "h2", "http/1.1" })
    end } end,
    context = function(version)
      return ends.serverContext { method = version, setup = function(context) assert(context:setAlpn { "h2" }) end }
    end,
    change = function(context) return context:setAlpn { "http/1.1" } end,
    shows = function(_, _, client) return client:alpnProtocol() == "http/1.1" end },
  { "the session time-out", end_ = "server",
    change = function(context) return context:setTimeout(77) end,
    shows = function(_, _, client, server)
      assert.equal(2, server:sslWrite "hi")
      ends.read(client, server)
      return client:getSession():ticketLifetime() == 77
    end },
  { "the client's session time-out", end_ = "client",
    change = function(context) return context:setTimeout(77) end,
    shows = function(_, _, client, server)
      assert.equal(2, server:sslWrite "hi")
      ends.read(client, server)
      return client:getSession():timeout() == 77
    end },
}

-- Makes both ends from the setting's context, changed before or after sslInitialize.
local function try(setting, version, change_first)
  local make = setting.end_ == "client" and ends.clientContext or ends.serverContext
  local context = setting.context and setting.context(version) or make { method = version }
  local other = setting.other and setting.other(version) or { method = version }
  local options = setting.end_ == "client" and { client = context, server = other }
    or { client = other, server = context }
  if change_first then assert.equal(context, setting.change(context)) end
  local client, server = ends.pair(options)
  if not change_first then assert.equal(context, setting.change(context)) end
  local client_answer, server_answer = ends.handshake(client, server)
  return setting.shows(client_answer, server_answer, client, server), client_answer
end

for _, setting in ipairs(SETTINGS) do
  for _, version in ipairs(setting.versions or { "TLSv1.2", "TLSv1.3" }) do
    describe("a change of " .. setting[1] .. " (S9), " .. version, function()
      it("does not reach a socket that has been initialized", function()
        assert.is_false((try(setting, version, false)))
      end)

      it("reaches a socket that is initialized afterwards", function()
        assert.is_true((try(setting, version, true)))
      end)
    end)
  end
end

describe("sslInitialize (S9)", function()
  for _, method in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("inherits the connection method " .. method, function()
      local client = ends.connected { client = ends.clientContext { method = method }, server = ends.serverContext() }
      assert.equal(method, client:version())
    end)
  end

  it("lets two sockets of one context keep what each was initialized with", function()
    local context = ends.clientContext { method = "TLSv1.2" }
    local first, first_peer = ends.pair { client = context, version = "TLSv1.2" }
    assert(context:setCipherList "ECDHE-ECDSA-AES128-SHA256")
    local second, second_peer = ends.pair { client = context, version = "TLSv1.2" }
    assert(context:setCipherList "ECDHE-ECDSA-AES256-SHA384")
    assert.same({ 1, 1 }, { ends.handshake(first, first_peer) })
    assert.same({ 1, 1 }, { ends.handshake(second, second_peer) })
    assert.equal("ECDHE-ECDSA-AES256-GCM-SHA384", first:cipher():name())
    assert.equal("ECDHE-ECDSA-AES128-SHA256", second:cipher():name())
  end)

  it("keeps trust that was there before trust is added twice", function()
    local context = ends.clientContext { trust = pki.otherCa }
    local first, first_peer = ends.pair { client = context } -- trusts otherCa alone
    assert(context:addTrusted(pki.selfSigned.certificate))
    local second, second_peer = ends.pair { client = context }
    assert(context:addTrusted(pki.ca.certificate))
    local third, third_peer = ends.pair { client = context, server = { identity = pki.strangeServer } }
    assert.is_true(scissl.isSslError((ends.handshake(first, first_peer))))
    assert.is_true(scissl.isSslError((ends.handshake(second, second_peer))))
    assert.same({ 1, 1 }, { ends.handshake(third, third_peer) })
  end)

  it("answers the receiver, and makes a new structure when it is called again", function()
    local client, server = ends.pair { initialize = false }
    assert.equal(client, client:sslInitialize())
    assert(client:sslSetServerName "first.example")
    assert.equal(client, client:sslInitialize())
    assert.is_nil(client:serverName())
    server:close()
  end)

  it("sets TCP_NODELAY, so that no record waits for the peer's acknowledgement of the last", function()
    local client, server = ends.pair { transport = "tcp" }
    assert.is_true(client:getSockOpt "TCP_NODELAY")
    assert.is_true(server:getSockOpt "TCP_NODELAY")
  end)

  it("refuses while a TLS connection stands, and goes on", function()
    local client, server = ends.connected()
    local answer, err = client:sslInitialize()
    assert.is_nil(answer)
    assert.equal("handshake_under_way", err:condition())
    assert.equal(2, client:sslWrite "ok")
    assert.equal("ok", ends.read(server, client))
  end)

  it("makes a second TLS connection over the transport of one that both sides have shut down", function()
    local client, server = ends.connected { transport = "memory" }
    ends.shuttle(client, server)
    client:getSession()
    assert.equal(0, client:sslShutdown())
    ends.shuttle(client, server)
    assert.equal(0, server:sslRead())
    assert.equal(1, server:sslShutdown())
    ends.shuttle(client, server)
    assert.equal(1, client:sslShutdown())
    assert(client:sslInitialize())
    assert(server:sslInitialize())
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.equal(2, client:sslWrite "ok")
    assert.equal("ok", ends.read(server, client))
  end)

  it("answers an error after close, and where the context has been closed", function()
    local client = ends.pair { initialize = false }
    client:close()
    local _, err = client:sslInitialize()
    assert.equal("closed", err:condition())
    local context = ends.clientContext()
    client = ends.pair { client = context, initialize = false }
    getmetatable(context).__close(context)
    _, err = client:sslInitialize()
    assert.equal("closed", err:condition())
  end)
end)

describe("decided where the document leaves it open:", function()
  it("a SciSocket is made blocking", function()
    assert.is_true(assert(scissl.SciSocket.newStreamSocket()):isBlocking())
  end)

  it("a SciSslSocket made by new is non-blocking", function()
    assert.is_false(assert(scissl.SciSslSocket.new(ends.clientContext())):isBlocking())
  end)

  it("one made by on keeps its transport's mode", function()
    for _, blocking in ipairs { true, false } do
      local near = assert(scissl.SciSocket.pair())
      near:setBlocking(blocking)
      assert.equal(blocking, assert(scissl.SciSslSocket.on(near, ends.clientContext())):isBlocking())
    end
  end)

  it("setBlocking switches either at any time", function()
    local client, server = ends.connected()
    assert.equal(client, client:setBlocking(true))
    assert.is_true(client:isBlocking())
    assert.equal(2, server:sslWrite "hi")
    assert.equal("hi", client:sslRead())
    assert.equal(client, client:setBlocking(false))
    assert.is_false(client:isBlocking())
    assert.equal(scissl.SSL_ERROR_WANT_READ, client:sslGetError(client:sslRead()))
  end)

  it("TLS allows TLS 1.2 and later", function()
    local old = ends.clientContext { method = "TLSv1.1", setup = function(context) context:setSecurityLevel(0) end }
    local client, server = ends.pair { client = old, server = ends.serverContext() }
    local client_answer, server_answer = ends.handshake(client, server)
    assert.is_true(scissl.isSslError(client_answer))
    assert.equal("protocol_version", server_answer:condition())
  end)

  it("older methods work at security level 0, and without it the error says so", function()
    for _, method in ipairs { "TLSv1", "TLSv1.1" } do
      if scissl.features[method] then
        local function lower(context) context:setSecurityLevel(0) end
        local client = ends.connected {
          client = { method = method, setup = lower }, server = { method = method, setup = lower } }
        assert.equal(method, client:version())
        local function tells_the_way_out(answer)
          assert.is_true(scissl.isSslError(answer))
          assert.equal("security_level", answer:condition(), tostring(answer))
          assert.truthy(tostring(answer):find("setSecurityLevel(0)", 1, true), tostring(answer))
        end
        local function range(context) assert(context:setMinProtocol(method)) end
        local old = { method = method, setup = lower }
        tells_the_way_out((ends.handshake(ends.pair { client = { method = method }, server = old })))
        tells_the_way_out(select(2, ends.handshake(ends.pair { client = old, server = { method = method } })))
        tells_the_way_out(select(2, ends.handshake(ends.pair { client = old, server = { setup = range } })))
      end
    end
  end)

  it("SSL_OP_IGNORE_UNEXPECTED_EOF is never set", function()
    assert.equal(0, ends.clientContext():getOptions() & scissl.SSL_OP_IGNORE_UNEXPECTED_EOF)
  end)
end)
