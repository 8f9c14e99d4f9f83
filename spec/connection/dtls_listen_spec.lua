-- SciSslSocket, sslListen: the cookies of a server of DTLS.
local scissl = require "scissl"
local dtls = require "spec.support.dtls"
local ends = require "spec.support.ends"
local refusals = require "spec.support.refusals"

local SciSslSocket = scissl.SciSslSocket
local READ = scissl.SSL_ERROR_WANT_READ

local connected, drain, feed = dtls.connected, dtls.drain, dtls.feed
local fails, refused = refusals.failed, refusals.inPhase

describe("sslListen", function()
  local context

  before_each(function() context = ends.serverContext { method = "DTLS" } end)

  local function hello()
    local client = ends.pair { transport = "memory", version = "DTLS" }
    client:sslConnect()
    return client, drain(client)
  end

  local function listening()
    return assert(SciSslSocket.onMemory(context)):sslInitialize()
  end

  local function second_hello(server, peer)
    local client, list = hello()
    feed(server, list)
    assert.equal(READ, server:sslGetError(server:sslListen(peer)))
    feed(client, drain(server))
    client:sslConnect()
    return client, drain(client)
  end

  it("makes a handshake with a client that returns its cookie", function()
    local server = listening()
    local client, list = second_hello(server, "192.0.2.1:1")
    feed(server, list)
    assert.equal(1, server:sslListen "192.0.2.1:1")
    local client_answer, server_answer = ends.handshake(client, server)
    assert.same({ 1, 1 }, { client_answer, server_answer })
    client:sslWrite "hello"
    assert.equal("hello", ends.read(server, client))
  end)

  it("replies to each hello with one short datagram, and refuses the cookie of another address", function()
    local server = listening()
    local _, list = hello()
    for i = 1, 100 do
      feed(server, list)
      assert.equal(READ, server:sslGetError(server:sslListen("192.0.2.1:" .. i)))
      local reply = drain(server)
      assert.equal(1, #reply)
      assert.is_true(#reply[1] < #list[1])
    end
    local _, second = second_hello(server, "192.0.2.1:1")
    feed(server, second)
    assert.equal(READ, server:sslGetError(server:sslListen "192.0.2.1:2"))
    assert.equal(1, #drain(server)) -- another cookie
  end)

  it("takes a cookie that another socket of the context has made", function()
    local _, list = second_hello(listening(), "192.0.2.1:1")
    local server = listening()
    feed(server, list)
    assert.equal(1, server:sslListen "192.0.2.1:1")
    local stranger = assert(SciSslSocket.onMemory(ends.serverContext { method = "DTLS" })):sslInitialize()
    feed(stranger, list)
    assert.equal(READ, stranger:sslGetError(stranger:sslListen "192.0.2.1:1"))
  end)

  it("drops whatever is no ClientHello", function()
    local server = listening()
    local client, list = hello()
    for _, datagram in ipairs { "x", ("\0"):rep(2000), list[1]:sub(1, 40), "GET / HTTP/1.0\r\n\r\n", list[1]:sub(2) } do
      server:sslFeed(datagram)
      assert.equal(READ, server:sslGetError(server:sslListen "192.0.2.1:1"))
      drain(server)
    end
    feed(server, list)
    server:sslListen "192.0.2.1:1"
    feed(client, drain(server))
    client:sslConnect()
    feed(server, drain(client))
    assert.equal(1, server:sslListen "192.0.2.1:1")
  end)

  it("is for servers of DTLS before their handshake", function()
    local client, server = connected "memory"
    fails("handshake_under_way", "accept", (hello()):sslListen "x")
    fails("handshake_under_way", "accept", server:sslListen "x")
    fails("handshake_under_way", "accept", client:sslListen "x")
    local tls = assert(SciSslSocket.onMemory(ends.serverContext())):sslInitialize()
    fails("not_dtls", "accept", tls:sslListen "x")
    refused("not_dtls", "option", tls:sslSetMtu(1000))
    refused("not_dtls", "option", tls:sslMtu())
    refused("not_dtls", "option", tls:sslSetRetransmission(1))
    refused("not_dtls", "connect", tls:sslHandleTimeout())
    fails("not_initialized", "accept", assert(SciSslSocket.onMemory(context)):sslListen "x")
    assert.error_matches(function() server:sslListen() end, "bad argument #1")
  end)

  it("needs a socket that is connected with the client, and works over one", function()
    local plain <close> = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    plain:setBlocking(false)
    local server = assert(SciSslSocket.on(plain, context)):sslInitialize()
    local failure = server:sslListen "x"
    fails("not_connected", "accept", failure)
    assert.matches("connected to the client's address; .* use scissl.datagram.listen", failure:message())
    local near <close> = assert(scissl.SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    near:setBlocking(false)
    assert(near:connect(plain:getSockName()))
    assert(plain:connect(near:getSockName()))
    local client = assert(SciSslSocket.on(near, ends.clientContext { method = "DTLS" })):sslInitialize()
    local listened
    for _ = 1, 100 do
      client:sslConnect()
      scissl.SciSocket.poll({ [server] = "r" }, 20)
      listened = server:sslListen(near:getSockName())
      if listened == 1 then break end
      scissl.SciSocket.poll({ [client] = "r" }, 20)
    end
    assert.equal(1, listened)
    assert.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)
