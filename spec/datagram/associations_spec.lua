-- scissl.datagram: clients and servers of DTLS.
local scissl = require "scissl"
local datagrams = require "spec.support.datagrams"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"

local datagram, SciSocket = scissl.datagram, scissl.SciSocket
local fails, listen, connect, run = datagrams.fails, datagrams.listen, datagrams.connect, datagrams.run
local with_echo, NONE = datagrams.withEcho, datagrams.NONE

-- ---- every loop

for _, loop in ipairs(loops.all) do
  local it = loops.it(loop)
  describe("scissl.datagram in " .. loop.name, function()
    it("serves several clients, and each gets its own messages", function()
      local listener, port = listen { waiter = loop.waiter }
      local left = 3
      local function client(name)
        return function()
          local association = assert(connect(port, { waiter = loop.waiter }))
          for i = 1, 3 do
            assert(association:send(name .. i))
            assert.equal(name .. i, association:receive(20))
          end
          association:close()
          left = left - 1
          if left == 0 then listener:close() end
        end
      end
      loop.run(function()
        assert(listener:serve(function(association, message) assert(association:send(message)) end))
      end, client "a", client "b", client "c")
      assert.equal(3, listener:statistics().handshakes)
    end)

    it("accepts associations, and several coroutines receive at a time", function()
      local listener, port = listen { waiter = loop.waiter }
      local got = {}
      local function serve()
        local association = assert(listener:accept(20))
        local message = assert(association:receive(20))
        got[#got + 1] = message
        assert(association:send "thanks")
        assert.same({ n = 1 }, table.pack(association:receive(20))) -- the peer has closed
      end
      local function client(name)
        return function()
          local association = assert(connect(port, { waiter = loop.waiter }))
          assert(association:send(name))
          assert.equal("thanks", association:receive(20))
          association:close()
        end
      end
      loop.run(serve, serve, client "one", client "two")
      table.sort(got)
      assert.same({ "one", "two" }, got)
      listener:close()
    end)

    it("goes on for those that wait where the one that worked for all and its successor end at once", function()
      local listener, port = listen { waiter = loop.waiter }
      local clients, ready = {}, 0
      local function receive()
        local association = assert(listener:accept(20))
        ready = ready + 1
        if assert(association:receive(20)) == "last" then assert(association:send "thanks") end
      end
      local function send()
        for i = 1, 4 do clients[i] = assert(connect(port, { waiter = loop.waiter })) end
        while ready < 4 do fails("timeout", clients[1]:receive(0.01)) end
        for i = 1, 3 do assert(clients[i]:send "first") end -- they come in a row
        fails("timeout", clients[4]:receive(0.05))
        assert(clients[4]:send "last")
        assert.equal("thanks", clients[4]:receive(5))
        for i = 1, 4 do clients[i]:close() end
      end
      for _ = 1, 5 do
        ready = 0
        loop.run(receive, receive, receive, receive, send)
      end
      listener:close()
    end)

    it("ends the wait for an association that another coroutine closes", function()
      local listener, port = listen { waiter = loop.waiter, idleTimeout = math.huge }
      local association, ended
      loop.run(function()
        association = assert(listener:accept(20))
        fails("closed", association:receive(20))
        ended = true
        listener:close()
      end, function()
        local client <close> = assert(connect(port, { waiter = loop.waiter }))
        local other <close> = assert(connect(port, { waiter = loop.waiter }))
        while not association do fails("timeout", other:receive(0.01)) end
        fails("timeout", other:receive(0.01))
        association:close()
        for _ = 1, 300 do -- nothing is sent that would end the wait
          if not ended then other:receive(0.01) end
        end
        assert.is_true(ended)
        assert.same({ n = 1 }, table.pack(client:receive(20)))
      end)
    end)
  end)
end

-- ---- a program without a loop

describe("scissl.datagram without a loop", function()
  for _, waiter in ipairs { "poll", "select" } do
    local found = waiter == "poll" or pcall(require, "socket");
    (found and it or pending)("serves until the handler closes the listener: " .. waiter, function()
      local listener, port = listen { waiter = waiter, timeout = 20 }
      local context = assert(scissl.SciSslContext.new "DTLS")
      assert(context:addTrusted(pki.ca.certificate))
      local plain = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
      plain:setBlocking(false)
      local client = assert(scissl.SciSslSocket.on(plain, context)):sslInitialize()
      client:sslConnect() -- the ClientHello waits in the system
      fails("timeout", listener:accept(0.05))
      client:sslConnect() -- with the cookie
      fails("timeout", listener:accept(0.05))
      client:sslConnect()
      local association = assert(listener:accept(20))
      assert.equal(1, client:sslConnect())
      assert.equal(5, client:sslWrite "hello")
      assert.equal("hello", association:receive())
      assert.equal(3, client:sslWrite "two")
      assert.is_true(listener:serve(function(peer, message)
        assert.equal(association, peer)
        assert.equal("two", message)
        listener:close()
      end))
      fails("closed", association:receive())
      fails("closed", association:send "x")
      fails("closed", listener:accept())
      client:close()
    end)
  end
end)

-- ---- who the peer is

describe("scissl.datagram.connect", function()
  it("verifies chain and host name", function()
    with_echo(nil, function(port)
      fails("certificate_unknown_issuer", connect(port, { ca = pki.otherCa.certificate }))
      fails("certificate_wrong_host", connect(port, { verifyHost = "example.com" }))
      local association <close> = assert(connect(port, { verify = false, ca = NONE }))
      assert(association:send "x")
      assert.equal("x", association:receive())
      assert.equal("DTLSv1.2", association:socket():version())
      assert.equal("127.0.0.1:" .. port, association:peerAddress())
      assert.is_true(association:longestMessage() > 1100)
    end)
  end)

  it("shows its certificate to a server that requires one", function()
    with_echo({ ca = pki.ca.certificate }, function(port, listener)
      local association <close> = assert(connect(port, {
        certificate = pki.client.certificate, privateKey = pki.client.key,
      }))
      assert(association:send "x")
      assert.equal("x", association:receive())
      local peer = listener:associations()[1]:socket():peerCertificate()
      assert.equal(tostring(pki.client.certificate:subject()), tostring(peer:subject()))
      local refused, failure = connect(port)
      assert.is_nil(refused)
      assert.is_true(scissl.isSslError(failure))
      assert.equal(1, listener:statistics().failed.client_certificate_missing)
    end)
  end)

  it("uses pre-shared keys as CoAP does", function()
    local suites = { cipherList = "PSK-AES128-CCM8:@SECLEVEL=0" }
    with_echo({
      certificate = NONE, privateKey = NONE, psk = { sensor = ("k"):rep(16) }, cipherList = suites.cipherList,
    }, function(port, listener)
      local association <close> = assert(connect(port, {
        ca = NONE, psk = { identity = "sensor", key = ("k"):rep(16) }, cipherList = suites.cipherList,
      }))
      assert.equal("TLS_PSK_WITH_AES_128_CCM_8", association:socket():cipher():standardName())
      assert(association:send "coap")
      assert.equal("coap", association:receive())
      assert.equal("sensor", listener:associations()[1]:socket():pskIdentity())
      local other = connect(port, {
        ca = NONE, psk = { identity = "sensor", key = ("x"):rep(16) }, cipherList = suites.cipherList, timeout = 0.5,
      })
      assert.is_nil(other)
    end)
  end)

  it("uses pre-shared keys without DHE where no suites are named", function()
    with_echo({ certificate = NONE, privateKey = NONE, psk = { a = ("k"):rep(16) } }, function(port)
      local association <close> = assert(connect(port, { ca = NONE, psk = { identity = "a", key = ("k"):rep(16) } }))
      assert.equal("ECDHE-PSK-CHACHA20-POLY1305", association:socket():cipher():name())
    end)
  end)

  it("resumes a session", function()
    with_echo(nil, function(port)
      local first = assert(connect(port))
      local session = assert(first:socket():getSession())
      first:close()
      local again <close> = assert(connect(port, { session = session }))
      assert.is_true(again:socket():isSessionReused())
    end)
  end)

  it("does not offer a session whose ClientHello the server would drop, since it needs two datagrams", function()
    local options = { certificate = pki.client.certificate, privateKey = pki.client.key }
    with_echo({ ca = pki.ca.certificate }, function(port)
      local first = assert(connect(port, options))
      options.session = assert(first:socket():getSession()) -- its ticket has the client's certificate
      first:close()
      for mtu, resumes in pairs { [400] = false, [700] = false, [5000] = true } do
        options.mtu = mtu
        local association <close> = assert(connect(port, options))
        assert.equal(resumes, association:socket():isSessionReused())
        assert(association:send "x")
        assert.equal("x", association:receive(20))
      end
    end)
  end)

  it("offers a long session where the path carries it", function()
    local names = {}
    for i = 1, 30 do names[i] = ("%s%d.example"):format(("x"):rep(40), i) end
    local long = pki.issue { subject = "CN=client", names = names, issuer = pki.ca }
    local options = { certificate = long.certificate, privateKey = long.key }
    with_echo({ ca = pki.ca.certificate }, function(port)
      local probe <close> = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
      local known = probe:pathMtu() ~= nil
      local first = assert(connect(port, options))
      local session = assert(first:socket():getSession())
      first:close()
      for mtu, resumes in pairs { [1232] = false, path = known, [8000] = true } do
        options.mtu, options.session = mtu, session
        local association <close> = assert(connect(port, options))
        assert.equal(resumes, association:socket():isSessionReused(), mtu)
        assert(association:send "x")
        assert.equal("x", association:receive(20))
      end
    end)
  end)

  it("reports at once that nothing receives at the port", function()
    local holder = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    local _, port = holder:getSockName()
    holder:close()
    run(function() fails("connection_refused", connect(port)) end)
  end)

  it("ends at the time-out where the server is silent", function()
    local silent <close> = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
    local _, port = silent:getSockName()
    run(function() fails("timeout", connect(port, { timeout = 0.1 })) end)
    fails("timeout", connect(port, { timeout = 0.1, waiter = "poll" }))
  end)

  it("refuses a context of TLS, and wrong options", function()
    run(function()
      fails("not_dtls", datagram.connect {
        host = "127.0.0.1", port = 9, context = assert(scissl.SciSslContext.new()), waiter = "coroutine",
      })
    end)
    fails("not_dtls", datagram.listen { port = 0, context = assert(scissl.SciSslContext.new()) })
    fails("not_dtls", datagram.listen {
      port = 0, certificate = pki.server.certificate, privateKey = pki.server.key, version = "TLSv1.2",
    })
    assert.error_matches(function() datagram.connect { port = 9 } end, "option 'host'")
    assert.error_matches(function() datagram.connect { host = "x" } end, "option 'port'")
    assert.error_matches(function() datagram.connect { host = "x", port = 9, replayable = "x" } end, "replayable")
    assert.error_matches(function() datagram.listen { certificate = "x" } end, "option 'port'")
    assert.error_matches(function() datagram.listen { port = 0 } end, "option 'certificate'")
    assert.error_matches(function() datagram.listen { port = 0, sessions = {} } end, "sessions")
  end)
end)

-- ---- messages

describe("An association", function()
  it("refuses what does not fit into a datagram", function()
    with_echo({ mtu = 600 }, function(port)
      local association <close> = assert(connect(port, { mtu = 500 }))
      local most = association:longestMessage()
      assert.is_true(most < 500)
      fails("message_too_long", association:send(("x"):rep(most + 1)))
      fails("empty_message", association:send "")
      assert(association:send(("x"):rep(most)))
      assert.equal(("x"):rep(most), association:receive())
      assert.error_matches(function() association:send(5) end, "bad argument #1 to 'send'")
      assert.error_matches(function() association:receive(-1) end, "bad argument #1 to 'receive'")
      fails("timeout", association:receive(0.01))
    end)
  end)

  it("ends by close_notify on either side", function()
    local listener, port = listen()
    run(function()
      local association = assert(listener:accept(20))
      assert.equal("bye", association:receive(20))
      assert.is_true(association:close())
      assert.is_true(association:close())
      fails("closed", association:send "x")
      assert.equal(0, listener:statistics().peers)
      listener:close()
    end, function()
      local association <close> = assert(connect(port))
      assert(association:send "bye")
      assert.same({ n = 1 }, table.pack(association:receive(20)))
    end)
  end)
end)

-- ---- a network that loses, doubles, changes and delays
