-- Keys that both sides know already.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local key, other_key = ("k"):rep(32), ("o"):rep(32)

-- Two ends whose contexts know a key and have no certificate, unless the options say more.
local function pair(version, client_setup, server_setup, more)
  more = more or {}
  return ends.pair {
    transport = "memory", serverName = false, verifyHost = false,
    client = {
      method = version, trust = more.trust or false, verify = more.verify,
      setup = function(context)
        if version == "TLSv1.2" and not more.trust then context:setCipherList "PSK" end
        client_setup(context)
      end,
    },
    server = { method = version, identity = more.identity or false, setup = server_setup },
  }
end

local function knows_key(context) assert(context:setPskClient("alice", key)) end
local function knows_all(context) assert(context:setPskServer { alice = key, bob = other_key }) end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Pre-shared keys, " .. version, function()
    it("make a connection without certificates, and tell the server whose it is", function()
      local client, server = pair(version, knows_key, knows_all)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("alice", server:pskIdentity())
      assert.is_nil(client:pskIdentity())
      assert.are.equal(5, client:sslWrite "hello")
      assert.are.equal("hello", ends.read(server, client))
    end)

    it("may come from functions", function()
      local asked
      local client, server = pair(version, function(context)
        context:setPskClient(function() return "bob", other_key end)
      end, function(context)
        context:setPskServer(function(identity)
          asked = identity
          return identity == "bob" and other_key or nil
        end)
      end)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("bob", asked)
      assert.are.equal("bob", server:pskIdentity())
    end)

    it("may be as long as OpenSSL allows: 512 bytes, with identities of 255", function()
      local name, long = ("n"):rep(255), ("k"):rep(512)
      for _, by_function in ipairs { true, false } do
        local client, server = pair(version, function(context)
          if by_function then context:setPskClient(function() return name, long end)
          else assert(context:setPskClient(name, long)) end
        end, function(context)
          assert(context:setPskHint(("h"):rep(256)))
          if by_function then context:setPskServer(function(identity) return identity == name and long or nil end)
          else assert(context:setPskServer { [name] = long }) end
        end)
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(name, server:pskIdentity())
      end
    end)

    it("that differ make no connection", function()
      local client, server = pair(version, knows_key, function(context)
        context:setPskServer { alice = other_key }
      end)
      local client_answer, server_answer = ends.handshake(client, server)
      assert.is_true(scissl.isSslError(server_answer))
      assert.is_true(scissl.isSslError(client_answer))
      assert.is_nil(server:pskIdentity())
    end)

    it("of an identity that the server does not know make no connection", function()
      local client, server = pair(version, function(context)
        context:setPskClient("mallory", key)
      end, knows_all)
      local client_answer, server_answer = ends.handshake(client, server)
      assert.is_true(scissl.isSslError(server_answer))
      assert.is_true(scissl.isSslError(client_answer))
      assert.is_nil(server:pskIdentity())
    end)

    it("give way to a certificate where the server does not know the identity", function()
      local client, server = pair(version, function(context)
        context:setPskClient("mallory", key)
        if version == "TLSv1.2" then context:setCipherList "ECDHE+AESGCM" end
      end, knows_all, { identity = pki.server, trust = pki.ca })
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_nil(server:pskIdentity())
      assert.are.equal("CN=localhost", client:peerCertificate():subject())
    end)

    for _, side in ipairs { "client", "server" } do
      local function failing() error "boom" end
      local function with_failing(handler)
        return pair(version, function(context)
          if side == "client" then context:setPskClient(handler) else knows_key(context) end
        end, function(context)
          if side == "server" then context:setPskServer(handler) else knows_all(context) end
        end)
      end
      local function failure_of(handler)
        local client, server = with_failing(handler)
        local client_answer, server_answer = ends.handshake(client, server)
        return side == "client" and client_answer or server_answer
      end

      it(("end the handshake where a %s's function raises, which is the cause"):format(side), function()
        local failure = failure_of(failing)
        assert.are.equal("handler_failed", failure:condition())
        assert.truthy(failure:cause():find("boom", 1, true))
        assert.truthy(failure:traceback():find("psk_spec.lua", 1, true))
      end)

      it(("end the handshake where a %s's function answers rubbish"):format(side), function()
        for _, rubbish in ipairs { 42, {}, "", ("x"):rep(513), true } do
          local failure = failure_of(function()
            if side == "client" then return "alice", rubbish end
            return rubbish
          end)
          assert.is_true(scissl.isSslError(failure))
          assert.are.equal("handler_failed", failure:condition())
        end
      end)

      it(("end the handshake where a %s's function yields, which it cannot here"):format(side), function()
        local failure
        coroutine.wrap(function() failure = failure_of(coroutine.yield) end)()
        assert.are.equal("handler_failed", failure:condition())
        assert.truthy(tostring(failure:cause()):find("yield", 1, true))
      end)

      it(("refuse what a %s's function does to its own socket"):format(side), function()
        local answers, subject = {}, nil
        local function meddling()
          for _, method in ipairs { "close", "sslInitialize", "sslShutdown", "sslRead", "sslConnect", "sslAccept" } do
            local first, second = subject[method](subject)
            answers[method] = (second or first):condition()
          end
          answers.sslWrite = subject:sslWrite("x"):condition()
          answers.sslSetVerify = select(2, subject:sslSetVerify(0)):condition()
          answers.dirty = subject:dirty()
          collectgarbage()
          if side == "client" then return "alice", key end
          return key
        end
        local client, server = with_failing(meddling)
        subject = side == "client" and client or server
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.same({
          close = "in_callback", sslInitialize = "in_callback", sslShutdown = "in_callback", sslRead = "in_callback",
          sslConnect = "in_callback", sslAccept = "in_callback", sslWrite = "in_callback",
          sslSetVerify = "in_callback", dirty = false,
        }, answers)
      end)

      it(("let a %s's function use other sockets"):format(side), function()
        local function busy()
          local near, far = ends.connected()
          near:sslWrite "x"
          assert.are.equal("x", ends.read(far, near))
          near:close()
          far:close()
          if side == "client" then return "alice", key end
          return key
        end
        local client, server = with_failing(busy)
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      end)
    end

    it("of a context that is changed later do not reach a connection made before (S9)", function()
      local server_context
      local client, server = pair(version, knows_key, function(context)
        server_context = context
        knows_all(context)
      end)
      server_context:setPskServer { alice = other_key }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("leave a resumed session to its ticket", function()
      local client_context, server_context
      local client, server = pair(version, function(context)
        client_context = context
        knows_key(context)
      end, function(context)
        server_context = context
        knows_all(context)
      end)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      client, server = ends.pair {
        client = client_context, server = server_context, transport = "memory", serverName = false, verifyHost = false,
      }
      client:setSession(session)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_true(server:isSessionReused())
    end)
  end)
end

describe("Keys of SHA-384", function()
  local sha384 = { digest = "SHA384" }
  local function knows_key_384(context) assert(context:setPskClient("alice", key, sha384)) end
  local function knows_all_384(context) assert(context:setPskServer({ alice = key }, sha384)) end

  it("make a connection with a suite of that digest", function()
    local client, server = pair("TLSv1.3", knows_key_384, knows_all_384)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.truthy(server:cipher():name():find("SHA384", 1, true))
    assert.are.equal("alice", server:pskIdentity())
    assert.is_nil(client:pskIdentity())
  end)

  it("may come from functions", function()
    local function find(identity) return identity == "alice" and key or nil end
    local client, server = pair("TLSv1.3",
      function(context) context:setPskClient(function() return "alice", key end, nil, sha384) end,
      function(context) context:setPskServer(find, sha384) end)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("alice", server:pskIdentity())
  end)

  it("stay where the server asks for another hello", function()
    local client, server = pair("TLSv1.3", function(context)
      knows_key_384(context)
      assert(context:setGroups "X25519:P-384")
    end, function(context)
      knows_all_384(context)
      assert(context:setGroups "P-384")
    end)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("alice", server:pskIdentity())
  end)

  it("make no connection with one of SHA-256", function()
    for _, setups in ipairs { { knows_key, knows_all_384 }, { knows_key_384, knows_all } } do
      local client, server = pair("TLSv1.3", setups[1], setups[2])
      local client_answer, server_answer = ends.handshake(client, server)
      assert.is_true(scissl.isSslError(client_answer))
      assert.is_true(scissl.isSslError(server_answer))
    end
  end)

  it("make no connection without a suite of that digest, and none in TLS 1.2", function()
    local client, server = pair("TLSv1.3", function(context)
      knows_key_384(context)
      assert(context:setCiphersuites "TLS_AES_128_GCM_SHA256")
    end, knows_all_384)
    assert.is_true(scissl.isSslError((ends.handshake(client, server))))
    client, server = pair("TLSv1.2", knows_key_384, knows_all_384)
    assert.is_true(scissl.isSslError((ends.handshake(client, server))))
    client, server = pair("TLSv1.2", knows_key, knows_all_384)
    assert.is_true(scissl.isSslError((ends.handshake(client, server))))
  end)

  it("end the handshake where the client's function raises", function()
    local client, server = pair("TLSv1.3",
      function(context) context:setPskClient(function() error "boom" end, nil, sha384) end, knows_all_384)
    local failure = client:sslConnect()
    assert.are.equal("handler_failed", failure:condition())
    assert.truthy(failure:cause():find("boom", 1, true))
    server:close()
  end)

  it("raise for another digest", function()
    local context = scissl.SciSslContext.new()
    for _, digest in ipairs { "SHA1", 384, true } do
      assert.error_matches(function() context:setPskClient("alice", key, { digest = digest }) end,
        "bad argument #3 to 'setPskClient'")
      assert.error_matches(function() context:setPskServer({ alice = key }, { digest = digest }) end,
        "bad argument #2 to 'setPskServer'")
    end
    assert.error_matches(function() context:setPskClient("alice", key, { digset = "SHA384" }) end,
      "bad argument #3 to 'setPskClient'")
    assert.error_matches(function() context:setPskClient("alice", key, "SHA384") end,
      "bad argument #3 to 'setPskClient'")
  end)
end)

describe("An unknown identity (TLS 1.2)", function()
  local function answers(identity, psk, options)
    local client, server = pair("TLSv1.2", function(context) context:setPskClient(identity, psk) end,
      function(context) assert(context:setPskServer({ alice = key }, options)) end)
    return ends.handshake(client, server)
  end

  it("fails on the wire as a wrong key does, and the server knows better", function()
    local unknown, unknown_server = answers("mallory", key)
    local wrong, wrong_server = answers("alice", other_key)
    assert.are.same({ wrong:alert() }, { unknown:alert() })
    assert.are.same({ wrong_server:alert() }, { unknown_server:alert() })
    assert.are.equal("psk_unknown", unknown_server:condition())
    assert.are_not.equal("psk_unknown", wrong_server:condition())
  end)

  it("is told so where the server wants that", function()
    local client_answer, server_answer = answers("mallory", key, { tellUnknown = true })
    assert.are.same({ "unknown_psk_identity", "received", 115 }, { client_answer:alert() })
    assert.are.equal("psk_unknown", server_answer:condition())
  end)

  it("raises for options of another kind", function()
    local context = scissl.SciSslContext.new()
    assert.error_matches(function() context:setPskServer({ alice = key }, { tellUnknown = 1 }) end,
      "bad argument #2 to 'setPskServer'")
    assert.error_matches(function() context:setPskServer({ alice = key }, { telUnknown = true }) end,
      "bad argument #2 to 'setPskServer'")
    assert.error_matches(function() context:setPskServer({ alice = key }, "tell") end,
      "bad argument #2 to 'setPskServer'")
  end)
end)

describe("A server with a certificate whose function raises (TLS 1.3)", function()
  it("lets no client believe that it is connected", function()
    local client, server = pair("TLSv1.3", knows_key, function(context)
      context:setPskServer(function() error "boom" end)
    end, { identity = pki.server, trust = pki.ca })
    local client_answer, server_answer = ends.handshake(client, server)
    assert.are.equal("handler_failed", server_answer:condition())
    assert.are.same({ "internal_error", "sent", 80 }, { server_answer:alert() })
    assert.are.same({ "internal_error", "received", 80 }, { client_answer:alert() })
  end)
end)

describe("A hint (TLS 1.2)", function()
  it("reaches the client's function", function()
    local seen
    local client, server = pair("TLSv1.2", function(context)
      context:setPskClient(function(hint)
        seen = hint
        return "alice", key
      end)
    end, function(context)
      knows_all(context)
      assert.are.equal(context, context:setPskHint "the building's")
    end)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("the building's", seen)
  end)
end)

describe("An attacker in TLS 1.3", function()
  it("who names somebody's identity and resumes a session of their own is not taken for them", function()
    -- Only suites of SHA-384: the key of SHA-256 that belongs to the identity cannot be used, and the ticket can.
    local server_context = ends.serverContext { method = "TLSv1.3", setup = function(context)
      context:setCiphersuites "TLS_AES_256_GCM_SHA384"
    end }
    local client_context = ends.clientContext { method = "TLSv1.3" }
    local client, server = ends.connected { client = client_context, server = server_context }
    server:sslWrite "x"
    ends.read(client, server)
    local session = client:getSession()
    knows_all(server_context)
    client_context:setPskClient("alice", ("guessed"):rep(4))
    client, server = ends.pair { client = client_context, server = server_context }
    client:setSession(session)
    ends.handshake(client, server)
    assert.is_nil(server:pskIdentity())
  end)
end)

describe("Settings of pre-shared keys", function()
  local context = scissl.SciSslContext.new()

  it("refuse keys and identities that are too short or too long", function()
    refusals.condition("bad_psk", context:setPskClient("alice", ""))
    refusals.condition("bad_psk", context:setPskClient("alice", ("k"):rep(513)))
    refusals.condition("bad_psk", context:setPskClient(("a"):rep(256), key))
    refusals.condition("bad_psk", context:setPskClient("a\0b", key))
    refusals.condition("bad_psk", context:setPskServer { alice = "" })
    refusals.condition("bad_psk", context:setPskServer { alice = ("k"):rep(513) })
    refusals.condition("bad_psk", context:setPskServer { [("a"):rep(257)] = key })
    refusals.condition("bad_psk", context:setPskHint(("h"):rep(257)))
  end)

  it("raise for values of another kind", function()
    assert.error_matches(function() context:setPskClient("alice") end, "bad argument #2 to 'setPskClient'")
    assert.error_matches(function() context:setPskClient({}, key) end, "bad argument #1 to 'setPskClient'")
    assert.error_matches(function() context:setPskServer "alice" end, "bad argument #1 to 'setPskServer'")
    assert.error_matches(function() context:setPskServer { alice = 1 } end, "bad argument #1 to 'setPskServer'")
    assert.error_matches(function() context:setPskServer { key } end, "bad argument #1 to 'setPskServer'")
    assert.error_matches(function() context:setPskHint "a\0b" end, "bad argument #1 to 'setPskHint'")
    assert.error_matches(function() context:setPskHint {} end, "bad argument #1 to 'setPskHint'")
  end)

  it("leave what was there when they are refused", function()
    local client, server = pair("TLSv1.3", function(c)
      knows_key(c)
      c:setPskClient("alice", "")
    end, function(c)
      knows_all(c)
      c:setPskServer { alice = "" }
    end)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("copy the table", function()
    local keys = { alice = key }
    local client, server = pair("TLSv1.3", knows_key, function(c)
      c:setPskServer(keys)
      keys.alice = other_key
    end)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("can be taken away", function()
    local client, server = pair("TLSv1.3", knows_key, function(c)
      knows_all(c)
      c:setPskServer(nil)
    end)
    assert.is_true(scissl.isSslError((select(2, ends.handshake(client, server)))))
  end)
end)

describe("Foreign peers with pre-shared keys", function()
  local hex = key:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)

  for version, flag in pairs { ["TLSv1.2"] = "-tls1_2 -cipher PSK", ["TLSv1.3"] = "-tls1_3" } do
    it("openssl s_server, " .. version, function()
      local peer <close> = ends.openssl(("-nocert -psk_identity alice -psk %s %s"):format(hex, flag))
      local client = assert(scissl.SciSslSocket.new(ends.clientContext {
        method = version, trust = false,
        setup = function(context)
          if version == "TLSv1.2" then context:setCipherList "PSK" end
          knows_key(context)
        end,
      }))
      assert(client:connect("127.0.0.1", peer.port))
      client:sslInitialize()
      assert.truthy(scissl.handshake(client, "connect", { timeout = 30 }))
      peer:write "well\n"
      assert.are.equal("well\n", ends.read(client))
      client:close()
    end)

    it("openssl s_client, " .. version, function()
      local listener, port = ends.listener()
      local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -psk_identity alice -psk %s %s")
        :format(port, hex, flag))
      assert(listener:wait("r", 30))
      local server = assert(scissl.SciSslSocket.on(listener:accept(), ends.serverContext {
        method = version, identity = false, setup = knows_all,
      }))
      server:sslInitialize()
      assert.truthy(scissl.handshake(server, "accept", { timeout = 30 }))
      assert.are.equal("alice", server:pskIdentity())
      peer:write "well\n"
      assert.are.equal("well\n", ends.read(server))
      server:close()
      listener:close()
    end)
  end
end)
