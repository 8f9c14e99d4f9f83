-- No peer passes verification without a certificate by an anonymous cipher suite, which a man in the middle can choose.
-- The document's own layer keeps row S15: spec/document/verify_spec.lua.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local ANY, ANONYMOUS = "ALL:@SECLEVEL=0", "aNULL:@SECLEVEL=0"

-- What scissl.connect and listener:accept come to.
local function meet(listen, connect)
  local listening, connecting = { maxProtocol = "TLSv1.2" }, { ca = pki.ca.certificate }
  for name, value in pairs(listen) do listening[name] = value end
  for name, value in pairs(connect) do connecting[name] = value end
  return streams.meet(listening, connecting)
end

local function anonymous_server(more)
  local given = { certificate = pki.server.certificate, privateKey = pki.server.key, cipherList = ANONYMOUS }
  for name, value in pairs(more or {}) do given[name] = value end
  return given
end

describe("A client that verifies", function()
  it("refuses a server that chooses an anonymous cipher suite of the client's list", function()
    local client, server = meet(anonymous_server(), { cipherList = ANY })
    assert.is_nil(client[1])
    assert.are.equal("handshake_failure", (client[2]:alert()))
    assert.are.equal("no_shared_cipher", server[2]:condition())
  end)

  it("has no handshake where its list has anonymous cipher suites alone", function()
    local listener <close>, port = ends.listener()
    assert.truthy(listener)
    refusals.refused("anonymous_ciphers", "option", nil, scissl.connect {
      host = "localhost", port = port, cipherList = ANONYMOUS, maxProtocol = "TLSv1.2", timeout = 10,
    })
  end)

  it("goes on where the list has others", function()
    local client = meet({ certificate = pki.server.certificate, privateKey = pki.server.key, cipherList = ANY },
      { cipherList = ANY })
    assert.are.equal("CN=localhost", assert(client[1], client[2]):peerCertificate():subject())
  end)

  it("needs no certificate of a server that knows its pre-shared key", function()
    local key = ("k"):rep(32)
    local psk = { identity = "device", key = key }
    local listed = "PSK:aNULL:@SECLEVEL=0"
    local client = meet({ psk = { device = key }, cipherList = "PSK" }, { cipherList = listed, psk = psk })
    assert.are.equal("psk", assert(client[1], client[2]):cipher():authentication())
  end)

  it("takes an anonymous cipher suite with verify = false", function()
    local client = meet(anonymous_server(), { cipherList = ANY, verify = false })
    assert.are.equal("null", assert(client[1], client[2]):cipher():authentication())
  end)

  it("is refused as well when it begins TLS on a plain stream", function()
    local near, far = assert(scissl.SciSocket.pair())
    local results = ends.run(function()
      local stream = assert(scissl.plain.on(near, { waiter = "coroutine", timeout = 10 }))
      return stream:startTls { host = "localhost", ca = pki.ca.certificate, cipherList = ANY }
    end, function()
      local stream = assert(scissl.plain.on(far, { waiter = "coroutine", timeout = 10 }))
      local given = anonymous_server { role = "server", maxProtocol = "TLSv1.2" }
      return stream:startTls(given)
    end)
    assert.is_nil(results[1][1])
    assert.are.equal("no_shared_cipher", results[2][2]:condition())
  end)

  it("does not resume a session that was made with an anonymous cipher suite", function()
    local function anonymous(context)
      context:setSecurityLevel(0)
      assert(context:setCipherList "aNULL:ECDHE-ECDSA-AES128-GCM-SHA256")
    end
    local server_context = ends.serverContext { method = "TLSv1.2", identity = false, setup = anonymous }
    local client_context = ends.clientContext { method = "TLSv1.2", setup = anonymous }
    local first = ends.connected { client = client_context, server = server_context }
    local client, server = ends.pair { client = client_context, server = server_context }
    assert(client:setSession(assert(first:getSession())))
    assert(client:sslRequireCertificate())
    local answer, server_answer = ends.handshake(client, server)
    assert.are.equal("handshake_failure", (answer:alert()))
    assert.are.equal("no_shared_cipher", server_answer:condition())
  end)
end)

describe("A server that insists on a client certificate", function()
  local function pair(setup_server)
    local function anonymous(context)
      context:setSecurityLevel(0)
      assert(context:setCipherList "aNULL")
    end
    return ends.pair {
      client = { method = "TLSv1.2", verify = scissl.SSL_VERIFY_NONE, setup = anonymous },
      server = { method = "TLSv1.2", setup = function(context)
        context:setSecurityLevel(0)
        assert(context:setCipherList "ALL")
        setup_server(context)
      end },
    }
  end

  it("refuses a client that offers anonymous cipher suites alone", function()
    local client, server = pair(function(context) context:setVerify(REQUIRE) end)
    local client_answer, server_answer = ends.handshake(client, server)
    refusals.failed("no_shared_cipher", "accept", server_answer)
    assert.are.equal("handshake_failure", (client_answer:alert()))
  end)

  it("refuses it as well when the flags are set at the client's hello", function()
    local client, server = pair(function() end)
    server:sslSuspendAt "clientHello"
    ends.handshake(client, server)
    assert(server:sslSetVerify(REQUIRE))
    local _, server_answer = ends.handshake(client, server)
    refusals.failed("no_shared_cipher", "accept", server_answer)
  end)

  it("lets it in where a certificate is asked for and not insisted on", function()
    local client, server = pair(function(context) context:setVerify(scissl.SSL_VERIFY_PEER) end)
    assert.are.equal(1, (ends.handshake(client, server)))
    assert.are.equal("null", server:cipher():authentication())
  end)

  it("refuses it in scissl.listen { verify = \"require\" }", function()
    local client, server = meet({
      certificate = pki.server.certificate, privateKey = pki.server.key, ca = pki.ca.certificate, verify = "require",
      cipherList = ANY,
    }, { cipherList = ANONYMOUS, verify = false })
    assert.is_nil(client[1])
    refusals.refused("no_shared_cipher", "accept", nil, table.unpack(server, 1, 2))
  end)
end)
