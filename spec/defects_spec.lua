-- What bindings of OpenSSL have got wrong: one promise for each such defect. Where another file has the promise in all
-- its turns, here is its shortest form.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSocket, SciSslSocket, SciSslContext = scissl.SciSocket, scissl.SciSslSocket, scissl.SciSslContext
local NONE, PEER = scissl.SSL_VERIFY_NONE, scissl.SSL_VERIFY_PEER

local function collect()
  collectgarbage()
  collectgarbage()
end

-- Reads until something else than bytes is answered; answers the bytes, and that.
local function read_all(socket, peer)
  local parts = {}
  while true do
    local answer = ends.read(socket, peer)
    if type(answer) ~= "string" then return table.concat(parts), answer end
    parts[#parts + 1] = answer
  end
end

-- Over a descriptor that stays open behind the SciSslSocket, so that its mode can be looked at after close.
local function over_kept_descriptor(context)
  local near, far = assert(SciSocket.pair())
  assert(near:setBlocking(false))
  assert(far:setBlocking(false))
  local transport = { getfd = function() return near:getfd() end, close = function() end }
  return assert(SciSslSocket.on(transport, context)), far, near
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Certificates, " .. version .. ":", function()
    it("our own, handed out again and again and collected, leave the context's where it is", function()
      local server_context = ends.serverContext { method = version }
      for _ = 1, 3 do
        local _, server = ends.connected { version = version, server = server_context }
        for _ = 1, 10 do
          assert.are.equal(pki.server.certificate, server:localCertificate())
          assert.are.equal(pki.server.certificate, server:localChain()[1])
          collect()
        end
      end
    end)

    it("our own outlive the socket and the context that they came from", function()
      local client, server = ends.connected { version = version, client = { method = version, identity = pki.client } }
      local certificate, chain = server:localCertificate(), client:localChain()
      client:close()
      server:close()
      client, server = nil, nil -- luacheck: ignore 311
      collect()
      assert.are.equal(pki.server.certificatePem, certificate:toPem())
      assert.are.equal(pki.client.certificatePem, chain[1]:toPem())
    end)

    it("of a client that sent none are an empty chain and nil, not an object around nothing", function()
      for _, verify in ipairs { NONE, PEER } do
        local _, server = ends.connected { version = version, server = { method = version, verify = verify } }
        assert.are.same({}, server:peerChain())
        assert.is_nil(server:peerCertificate())
        assert.is_nil((server:sslVerifyCertificate()))
      end
    end)

    it("of a server whose chain was loaded from one file are all sent", function()
      local between = pki.issue { subject = "CN=between", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = between }
      local client = ends.connected { version = version, server = { method = version, identity = false,
        setup = function(context)
          assert(context:useCertificateChainFile(pki.write(leaf.certificatePem .. between.certificatePem)))
          assert(context:usePrivateKey(leaf.key))
        end } }
      assert.are.equal(2, #client:peerChain())
      assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
    end)
  end)

  describe("Verification, " .. version .. ":", function()
    it("its result is known though nobody asked for a callback", function()
      local client, server = ends.connected { version = version,
        client = { method = version, verify = NONE, identity = pki.stranger },
        server = { method = version, verify = PEER, trust = pki.otherCa, identity = pki.strangeServer } }
      assert.are_not.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
      assert.are.equal(scissl.X509_V_OK, (server:sslVerifyCertificate()))
    end)

    it("its depth is a number: 0, 1 and 2 are three limits", function()
      local between = pki.issue { subject = "CN=between", ca = true }
      local leaf = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = between }
      for depth, expected in pairs { [0] = false, [1] = true, [2] = true } do
        local client, server = ends.pair { version = version,
          client = { method = version, setup = function(context) assert(context:setVerifyDepth(depth)) end },
          server = { method = version, identity = false, setup = function(context)
            assert(context:useCertificate(leaf.certificatePem .. between.certificatePem))
            assert(context:usePrivateKey(leaf.key))
          end } }
        local answer = ends.handshake(client, server)
        assert.are.equal(expected, answer == 1, ("depth %d: %s"):format(depth, tostring(answer)))
      end
    end)

    it("covers the name, by default, where scissl.connect made the connection", function()
      local listener <close>, port = ends.listener()
      local results = ends.run(function()
        return scissl.connect { host = "127.0.0.1", port = port, ca = pki.ca.certificatePem, waiter = "coroutine",
          version = version, timeout = 30 }
      end, function()
        assert(listener:setBlocking(false))
        local plain = listener:accept()
        while not plain do
          coroutine.yield(listener, "r")
          plain = listener:accept()
        end
        assert(plain:setBlocking(false))
        local server = assert(SciSslSocket.on(plain, ends.serverContext { method = version,
          identity = pki.issue { subject = "CN=elsewhere.example", names = { "elsewhere.example" } } }))
        assert(server:sslInitialize())
        return scissl.handshake(server, "accept", { waiter = "coroutine", timeout = 30 })
      end)
      refusals.refused("certificate_wrong_ip", "connect", nil, table.unpack(results[1], 1, results[1].n))
    end)

    it("is not skipped with a session: one that failed it is not resumed, and the host is looked at", function()
      local server_context = ends.serverContext { method = version }
      for verify, host in pairs { [NONE] = "localhost", [PEER] = "elsewhere.example" } do
        local client, server = ends.connected { version = version, server = server_context,
          client = { method = version, verify = verify, trust = verify == PEER and pki.ca } }
        assert.are.equal(2, server:sslWrite("hi"))
        assert.are.equal("hi", ends.read(client, server))
        local again, far = ends.pair { version = version, server = server_context, verifyHost = host }
        assert(again:setSession(assert(client:getSession())))
        local answer = ends.handshake(again, far)
        if verify == PEER then refusals.failed("certificate_wrong_host", "connect", answer)
        else
          assert.are.equal(1, answer)
          assert.is_false(again:isSessionReused())
          assert.are.equal(scissl.X509_V_OK, (again:sslVerifyCertificate()))
        end
      end
    end)
  end)

  describe("The server name, " .. version .. ",", function()
    it("is known to the server of a resumed session, too, and nil where none was asked for", function()
      local server_context = ends.serverContext { method = version }
      local everywhere = ends.clientContext { method = version, verify = NONE }
      for _, name in ipairs { "localhost", false } do
        local session
        for round = 1, 2 do
          local client, server = ends.pair { server = server_context, client = everywhere, serverName = name,
            verifyHost = false }
          if session then assert(client:setSession(session)) end
          assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
          assert.are.equal(round == 2, server:isSessionReused())
          assert.are.equal(name or nil, server:serverName())
          assert.are.equal(2, server:sslWrite("hi"))
          assert.are.equal("hi", ends.read(client, server))
          session = assert(client:getSession())
        end
      end
    end)
  end)

  describe("Closing, " .. version .. ":", function()
    it("leaves a non-blocking descriptor non-blocking, and does not wait for a peer that does not read", function()
      local client, far, descriptor = over_kept_descriptor(ends.clientContext { method = version })
      local server = assert(SciSslSocket.on(far, ends.serverContext { method = version }))
      assert(client:sslInitialize())
      assert(server:sslInitialize())
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      local data, answer = ("x"):rep(1 << 16), 1
      while answer > 0 do answer = client:sslWrite(data) end
      assert.is_true(client:close())
      assert.is_false(descriptor:isBlocking())
      descriptor:close()
      server:close()
    end)

    it("by the collector leaves a non-blocking descriptor non-blocking, too, and says nothing", function()
      local client, far, descriptor = over_kept_descriptor(ends.clientContext { method = version })
      client:sslInitialize()
      client:sslConnect()
      assert.are.equal("string", type((far:recv(65536))))
      client = nil -- luacheck: ignore 311
      collect()
      assert.is_false(descriptor:isBlocking())
      refusals.refused("not_ready", "recv", nil, far:recv(65536))
      descriptor:close()
      far:close()
    end)

    it("after a fatal error says nothing more, and leaves no error for the next call", function()
      local broken, good = ends.pair { version = version, transport = "memory" }
      assert.is_true(good:sslFeed("GET / HTTP/1.1\r\n\r\n") > 0)
      refusals.failed("plain_http", "accept", (good:sslAccept()))
      good:sslDrain()
      local client, server = ends.connected { version = version }
      assert.is_true(good:close())
      assert.are.equal("", good:sslDrain())
      assert.is_true(ends.notYet(client, client:sslRead()))
      assert.are.equal(2, server:sslWrite("ok"))
      assert.are.equal("ok", ends.read(client, server))
      broken:close()
    end)

    it("sends a close_notify, which the peer tells from a connection that just ended", function()
      for _, clean in ipairs { true, false } do
        local client, server = ends.connected { version = version }
        assert.are.equal(4, client:sslWrite("last"))
        if clean then client:close() else assert(client:shutdown("w")) end
        local text, answer = read_all(server, client)
        assert.are.equal("last", text)
        if clean then
          assert.are.equal(0, answer)
          assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, server:sslGetError(0))
        else
          refusals.failed("truncated", "read", answer)
        end
      end
    end)
  end)

  describe("The handshake, " .. version .. ":", function()
    it("leaves data that came together with its last flight readable at once", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      -- Who ends first writes at once: the client in TLS 1.3, the server in TLS 1.2.
      local first, last, first_step, last_step = client, server, "sslConnect", "sslAccept"
      if version == "TLSv1.2" then first, last, first_step, last_step = server, client, last_step, first_step end
      while first[first_step](first) ~= 1 do
        ends.shuttle(first, last)
        last[last_step](last)
        ends.shuttle(last, first)
      end
      assert.are.equal(5, first:sslWrite("hello"))
      last:sslFeed(first:sslDrain())
      assert.are.equal(1, last[last_step](last))
      assert.is_true(last:dirty())
      assert.are.equal("hello", last:sslRead())
    end)

    it("reports its failure to both sides, by hand and by scissl.handshake, and again when repeated", function()
      local client, server = ends.pair { version = version,
        server = { method = version, identity = pki.strangeServer } }
      local client_answer, server_answer = ends.handshake(client, server)
      refusals.failed("certificate_unknown_issuer", "connect", client_answer)
      refusals.failed("server_certificate_refused", "accept", server_answer)
      refusals.refused("certificate_unknown_issuer", "connect", nil, scissl.handshake(client, "connect"))
      refusals.refused("server_certificate_refused", "accept", nil, scissl.handshake(server, "accept"))
    end)

    it("goes on in another coroutine when the one that began it is dead", function()
      local client, server = ends.pair { version = version }
      coroutine.wrap(function() client:sslConnect() end)()
      coroutine.wrap(function() server:sslAccept() end)()
      collect()
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)
  end)
end

describe("Lua functions that OpenSSL asks for something:", function()
  local encrypted = assert(pki.server.key:toPem("secret"))

  for name, f in pairs {
    ["raise an error"] = function() error("no luck") end,
    ["raise no text"] = function() error({}) end,
    ["raise nothing"] = function() error(nil) end,
    ["answer no passphrase"] = function() return {} end,
    ["answer nothing"] = function() end,
    ["yield"] = function() coroutine.yield() end,
    ["need more stack than there is"] = function()
      local function deeper() return 1 + deeper() end
      return deeper()
    end,
  } do
    it("those that " .. name .. " fail the call, and nothing else", function()
      local context = assert(SciSslContext.new())
      assert(context:useCertificate(pki.server.certificate))
      coroutine.wrap(function()
        local answer, err = context:usePrivateKey(encrypted, f)
        assert.is_nil(answer)
        refusals.check(err)
      end)()
      assert(context:usePrivateKey(encrypted, function() return "secret" end))
      local client = ends.connected { server = context }
      assert.are.equal(pki.server.certificate, client:peerCertificate())
    end)
  end

  it("tables whose metamethods raise leave the context as it was", function()
    local context = ends.serverContext { setup = function(context) assert(context:setAlpn { "h2" }) end }
    local evil = setmetatable({}, { __len = function() return 2 end, __index = function(_, i)
      if i == 2 then error("no luck") end
      return "http/1.1"
    end })
    assert.error_matches(function() context:setAlpn(evil) end, "no luck")
    local client = ends.connected { server = context,
      client = { setup = function(other) assert(other:setAlpn { "http/1.1", "h2" }) end } }
    assert.are.equal("h2", client:alpnProtocol())
  end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Functions that look for a pre-shared key, " .. version .. ":", function()
    local key = ("k"):rep(32)

    -- The two answers of a handshake for which `on_client` and `on_server` look for the key.
    local function shake(on_client, on_server)
      return ends.handshake(ends.pair { version = version,
        client = { method = version, setup = function(context) assert(context:setPskClient(on_client)) end },
        server = { method = version, identity = false,
          setup = function(context) assert(context:setPskServer(on_server)) end } })
    end

    local function known() return "somebody", key end

    it("what they raise ends that handshake, and is the error's cause", function()
      local function bad() error("no luck", 0) end
      local client_answer = shake(bad, { somebody = key })
      local _, server_answer = shake(known, bad)
      for phase, answer in pairs { connect = client_answer, accept = server_answer } do
        local err = refusals.failed("handler_failed", phase, answer)
        assert.truthy(tostring(err:cause()):find("no luck", 1, true))
      end
      assert.are.same({ 1, 1 }, { shake(known, { somebody = key }) })
    end)
  end)

  describe("Handlers of a handshake, " .. version .. ":", function()
    local roles = { onClientHello = "accept", onCertificate = "accept", onVerify = "connect" }

    -- Both ends in one thread, `options` for the one that has the handler; answers what each of them answered.
    local function shake(role, options)
      local client, server = ends.pair { version = version }
      local ours, theirs = client, server
      if role == "accept" then ours, theirs = server, client end
      options.waiter, options.timeout = "coroutine", 30
      local results = ends.run(function() return scissl.handshake(ours, role, options) end, function()
        return scissl.handshake(theirs, role == "accept" and "connect" or "accept",
          { waiter = "coroutine", timeout = 30 })
      end)
      return results[1], results[2]
    end

    for name, role in pairs(roles) do
      it("what " .. name .. " raises ends that handshake, with an alert, and is the error's cause", function()
        for _, raised in ipairs { { "no luck" }, { { "a table" } }, {} } do
          local ours, theirs = shake(role, { [name] = function() error(raised[1], 0) end })
          local err = refusals.refused("handler_failed", role, nil, table.unpack(ours, 1, ours.n))
          if type(raised[1]) == "table" then assert.are.equal(raised[1], err:cause())
          else assert.truthy(tostring(err:cause()):find(raised[1] or "nil", 1, true)) end
          assert.are.equal("received", (select(2, refusals.check(theirs[2]):alert())))
        end
        local fine = shake(role, { [name] = function() end })
        assert.is_true(fine[1] ~= nil, tostring(fine[2]))
      end)

      it(name .. " may yield, and collect garbage, in mid-handshake", function()
        local near <close> = assert(SciSocket.pair())
        local called = 0
        local ours = shake(role, { [name] = function()
          coroutine.yield(near, "w")
          collect()
          called = called + 1
        end })
        assert.is_true(ours[1] ~= nil, tostring(ours[2]))
        assert.are.equal(1, called)
      end)
    end
  end)
end

describe("Answers:", function()
  it("a closed socket answers as many values as an open one, and they say that there is nothing", function()
    local client = ends.connected()
    client:close()
    for _, name in ipairs {
      "cipher", "version", "peerCertificate", "localCertificate", "alpnProtocol", "serverName", "getSession",
    } do
      local answered = table.pack(client[name](client))
      assert.are.same({ n = 1 }, answered, name)
    end
    for _, name in ipairs { "isSecure", "isSessionReused" } do
      assert.are.same({ n = 1, false }, table.pack(client[name](client)), name)
    end
    for _, name in ipairs { "peerChain", "localChain" } do
      assert.are.same({ n = 1, {} }, table.pack(client[name](client)), name)
    end
  end)

  it("reading and writing answer one value each, whatever it is", function()
    local client, server = ends.connected()
    assert.are.equal(1, select("#", client:sslRead()))
    assert.are.equal(1, select("#", client:sslWrite("hello")))
    assert.are.equal("hello", ends.read(server, client))
    client:close()
    assert.are.equal(1, select("#", client:sslRead()))
    assert.are.equal(1, select("#", client:sslWrite("hello")))
    assert.are.equal(1, select("#", server:sslRead()))
    server:close()
  end)

  it("what fails Lua's way answers nil and the reason, never false and never nil alone", function()
    local context = assert(SciSslContext.new())
    local client, server = ends.pair { server = { identity = pki.strangeServer } }
    ends.handshake(client, server)
    for _, answered in ipairs {
      table.pack(context:setVerify(scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT)),
      table.pack(context:setCipherList("NO-SUCH-CIPHER")),
      table.pack(context:useCertificate("rubbish")),
      table.pack(scissl.handshake(client, "connect")),
      table.pack(scissl.connect { host = "", port = 443 }),
    } do
      assert.are.equal(2, answered.n)
      assert.is_nil(answered[1])
      refusals.check(answered[2])
    end
  end)

  it("an error that was left behind by another call, or another socket, colours no later one", function()
    local client, server = ends.connected()
    local broken = assert(SciSslSocket.onMemory(ends.serverContext()))
    assert(broken:sslInitialize())
    for _ = 1, 3 do
      assert.is_nil((scissl.SciSslX509Certificate.fromPem("rubbish")))
      broken:sslFeed("rubbish, and more of it")
      assert.is_true(scissl.isSslError(broken:sslAccept()))
      assert.is_true(ends.notYet(client, client:sslRead()))
      assert.are.equal(2, server:sslWrite("ok"))
      assert.are.equal("ok", ends.read(client, server))
    end
  end)
end)
