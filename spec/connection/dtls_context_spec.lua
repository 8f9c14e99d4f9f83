-- SciSslSocket, DTLS: a handshake that is suspended at the ClientHello, and switches to another context.
local scissl = require "scissl"
local dtls = require "spec.support.dtls"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local HELLO = scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB

-- A server that is suspended at the ClientHello of a client, which has asked for foo.example.
local function suspended(listens, mtu)
  local first = ends.serverContext { method = "DTLS" }
  local server = assert(scissl.SciSslSocket.onMemory(first)):sslInitialize()
  local client = assert(scissl.SciSslSocket.onMemory(ends.clientContext { method = "DTLS" })):sslInitialize()
  assert(client:sslSetServerName("foo.example"):sslSetVerify(scissl.SSL_VERIFY_NONE):sslSetMtu(mtu))
  assert(server:sslSuspendAt "clientHello")
  client:sslConnect()
  dtls.feed(server, dtls.drain(client))
  if listens then
    server:sslListen "192.0.2.1:1"
    for i = 1, 50 do -- strangers: nothing is kept of them
      server:sslFeed(("x"):rep(1000 + i))
      server:sslListen("192.0.2.2:" .. i)
    end
    dtls.feed(client, dtls.drain(server))
    client:sslConnect()
    dtls.feed(server, dtls.drain(client))
    assert.equal(1, server:sslListen "192.0.2.1:1")
  end
  assert.equal(HELLO, server:sslGetError(server:sslAccept()))
  return client, server
end

for name, way in pairs {
  ["after a cookie"] = { true, 1232 }, ["without cookies"] = { false, 1232 }, ["in several datagrams"] = { false, 256 },
} do
  describe("A server of DTLS at the ClientHello, " .. name, function()
    it("knows what the client offers", function()
      local _, server = suspended(table.unpack(way))
      local hello = assert(server:clientHello())
      assert.same({ "foo.example", { "DTLSv1.2" } }, { hello:serverName(), hello:versions() })
      assert.is_true(#hello:cipherSuites() > 5 and #hello:groups() > 0)
      assert.matches("^dd2d", hello:ja4())
    end)

    it("switches to another context, whose certificate the client gets", function()
      local client, server = suspended(table.unpack(way))
      assert(server:sslSetContext(ends.serverContext { method = "DTLS", identity = pki.wrongHost }))
      assert.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.equal(tostring(pki.wrongHost.certificate:subject()), tostring(client:peerCertificate():subject()))
      assert.equal("foo.example", server:serverName())
      client:sslWrite "hello"
      assert.equal("hello", ends.read(server, client))
    end)

    it("goes on with its own, and keeps it where the other is one of TLS", function()
      local client, server = suspended(table.unpack(way))
      refusals.inPhase("not_dtls", "option", server:sslSetContext(ends.serverContext()))
      assert.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.equal(tostring(pki.server.certificate:subject()), tostring(client:peerCertificate():subject()))
    end)

    it("rejects the client with an alert", function()
      local client, server = suspended(table.unpack(way))
      assert(server:sslRefuse("unrecognized_name", "no such host"))
      local first, second = ends.handshake(client, server)
      assert.equal("refused", second:condition())
      assert.same({ "unrecognized_name", "received", 112 }, { first:alert() })
    end)
  end)
end

describe("A server of DTLS at the ClientHello of a client that lies", function()
  -- The datagram with the ClientHello, and behind it a record that OpenSSL drops, with another ClientHello.
  local function with_false_hello(datagram, sequence, host_name)
    local host = string.pack(">s2", string.pack(">Bs2", 0, host_name))
    local body = "\254\253" .. ("R"):rep(32) .. string.pack(">s1s1s2s1s2", "", "", "\xc0\x2f", "\0",
      string.pack(">I2s2", 0, host))
    local message = string.pack(">B I3 I2 I3 I3", 1, #body, sequence, 0, #body) .. body
    return datagram .. string.pack(">B c2 c8 s2", 22, "\254\253", datagram:sub(4, 11), message) -- the same number
  end

  for _, listens in ipairs { true, false } do
    for _, sequence in ipairs { 0, 1, 2, 1000 } do
      local name = ("knows what counts, %s a cookie, message %d"):format(listens and "after" or "before", sequence)
      it(name, function()
        local server = assert(scissl.SciSslSocket.onMemory(ends.serverContext { method = "DTLS" })):sslInitialize()
        local client = assert(scissl.SciSslSocket.onMemory(ends.clientContext { method = "DTLS" })):sslInitialize()
        assert(client:sslSetServerName("admin.example"):sslSetVerify(scissl.SSL_VERIFY_NONE))
        assert(server:sslSuspendAt "clientHello")
        client:sslConnect()
        if listens then
          dtls.feed(server, dtls.drain(client))
          server:sslListen "192.0.2.1:1"
          dtls.feed(client, dtls.drain(server))
          client:sslConnect()
        end
        server:sslFeed(with_false_hello(client:sslDrain(), sequence, "public.example"))
        if listens then assert.equal(1, server:sslListen "192.0.2.1:1") end
        assert.equal(HELLO, server:sslGetError(server:sslAccept()))
        assert.equal("admin.example", assert(server:clientHello()):serverName())
        local one, other = ends.handshake(client, server)
        if sequence == 1000 then assert.same({ 1, 1 }, { one, other }) end
        if one == 1 then assert.equal("admin.example", server:serverName()) end
      end)
    end
  end
end)
