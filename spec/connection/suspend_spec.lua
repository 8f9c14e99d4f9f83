-- Handshakes that stand still until their caller decides: by hand, with sslGetError.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local suspending = require "spec.support.suspending"

local pair, until_suspended = suspending.pair, suspending.run
local HELLO, CERTIFICATE, VERDICT = suspending.CLIENT_HELLO, suspending.CERTIFICATE, suspending.VERIFY

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A server suspended at the client's hello, " .. version, function()
    it("answers SSL_ERROR_WANT_CLIENT_HELLO_CB once, and goes on when the call is repeated", function()
      local client, server = pair { version = version }
      assert.are.equal(server, server:sslSuspendAt "clientHello")
      assert.are.equal(HELLO, until_suspended(client, server, server))
      assert.is_false(server:isSecure())
      local code, client_answer, server_answer = until_suspended(client, server, server)
      assert.is_nil(code)
      assert.are.same({ 1, 1 }, { client_answer, server_answer })
    end)

    it("is not suspended when nobody has asked for it", function()
      local client, server = pair { version = version }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("tells what the client offers while it stands, and not afterwards", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      assert.is_nil(server:clientHello())
      until_suspended(client, server, server)
      local hello = assert(server:clientHello())
      assert.are.equal("localhost", hello:serverName())
      assert.are.equal(version, hello:versions()[1])
      ends.handshake(client, server)
      assert.is_nil(server:clientHello())
      assert.are.equal("localhost", hello:serverName())
    end)

    for _, transport in ipairs { "memory", "tcp" } do
      it("goes on with all settings of another context, " .. transport, function()
        local other = ends.serverContext {
          identity = pki.wrongHost, verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
          setup = function(context)
            context:setAlpn { "other" }
            context:setGroups "P-521:P-256"
          end,
        }
        local client, server = pair {
          version = version, transport = transport, serverName = "elsewhere.example", verifyHost = "elsewhere.example",
          client = { identity = pki.client, setup = function(context) context:setAlpn { "first", "other" } end },
          server = { setup = function(context) context:setAlpn { "first" } end },
        }
        server:sslSuspendAt "clientHello"
        assert.are.equal(HELLO, until_suspended(client, server, server))
        assert.are.equal(server, server:sslSetContext(other))
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal("CN=elsewhere.example", client:peerCertificate():subject())
        assert.are.equal("other", client:alpnProtocol())
        assert.are.equal("CN=client", server:peerCertificate():subject())
        assert.are.equal(5, server:sslWrite "hello")
        assert.are.equal("hello", ends.read(client, server))
      end)
    end

    it("can be given a context that does not fit the client, which ends the handshake", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local other = version == "TLSv1.2" and "TLSv1.3" or "TLSv1.2"
      assert(server:sslSetContext(ends.serverContext { method = other }))
      local _, server_answer = ends.handshake(client, server)
      assert.are.equal("protocol_version", server_answer:condition())
    end)

    it("keeps a context alive that nobody else holds, and lets the first one go", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local gone = setmetatable({ ends.serverContext() }, { __mode = "v" })
      assert(server:sslSetContext(gone[1]))
      collectgarbage()
      assert.is_not_nil(gone[1])
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("refuses a closed context, and stays as it was", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local closed = ends.serverContext()
      getmetatable(closed).__close(closed)
      assert.error_matches(function() server:sslSetContext(closed) end, "bad argument #1 to 'sslSetContext'")
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("can be given a certificate, a list of protocols and verification flags of its own", function()
      local client, server = pair {
        version = version, verifyHost = "elsewhere.example", serverName = "elsewhere.example",
        client = { identity = pki.client, setup = function(context) context:setAlpn { "a", "b" } end },
      }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      assert.are.equal(server, server:sslUseCertificate(pki.wrongHost.certificate, pki.wrongHost.key))
      assert.are.equal(server, server:sslSetAlpn { "b" })
      assert.are.equal(server, server:sslSetVerify(scissl.SSL_VERIFY_PEER))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal("CN=elsewhere.example", client:peerCertificate():subject())
      assert.are.equal("b", client:alpnProtocol())
      assert.are.equal("CN=client", server:peerCertificate():subject())
    end)

    for _, alert in ipairs { "unrecognized_name", "access_denied", "user_canceled", 80 } do
      it(("refuses with the alert of its choice, %s"):format(alert), function()
        local client, server = pair { version = version }
        server:sslSuspendAt "clientHello"
        until_suspended(client, server, server)
        assert.are.equal(server, server:sslRefuse(alert, "not here"))
        local client_answer, server_answer = ends.handshake(client, server)
        local name = alert == 80 and "internal_error" or alert
        assert.are.same({ "refused", "not here" }, { server_answer:condition(), server_answer:message() })
        refusals.alert(name, "sent", server_answer)
        refusals.alert(name, "received", client_answer)
        assert.are.equal(scissl.SSL_ERROR_SSL, server:sslGetError(server_answer))
      end)
    end

    it("answers the cause that it is refused for", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      local cause = {}
      server:sslRefuse("internal_error", nil, cause, "where")
      local _, answer = ends.handshake(client, server)
      assert.are.same({ "handler_failed", "where" }, { answer:condition(), answer:traceback() })
      assert.are.equal(cause, answer:cause())
    end)

    it("may be closed", function()
      local client, server = pair { version = version }
      server:sslSuspendAt "clientHello"
      until_suspended(client, server, server)
      assert.is_true(server:close())
      assert.are.equal("closed", server:sslAccept():condition())
      refusals.condition("closed", server:sslRefuse())
    end)

    it("stands once in a handshake in which the client has to send its hello again", function()
      if version == "TLSv1.2" then return end
      local client, server = pair {
        version = version,
        client = { setup = function(context) context:setGroups "X25519:P-256" end },
        server = { setup = function(context) context:setGroups "P-256" end },
      }
      server:sslSuspendAt "clientHello"
      assert.are.equal(HELLO, until_suspended(client, server, server))
      assert.are.same({ "x25519" }, server:clientHello():keyShares())
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("resumes sessions of the context that it goes on with", function()
      local other = ends.serverContext { method = version, identity = pki.wrongHost }
      local context = ends.clientContext { method = version }
      local server_context = ends.serverContext { method = version }
      local session
      for round = 1, 2 do
        local client, server = pair {
          client = context, server = server_context, serverName = "elsewhere.example", verifyHost = "elsewhere.example",
        }
        if session then client:setSession(session) end
        server:sslSuspendAt "clientHello"
        until_suspended(client, server, server)
        server:sslSetContext(other)
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.are.equal(round == 2, client:isSessionReused())
        server:sslWrite "x"
        ends.read(client, server)
        session = client:getSession()
      end
    end)
  end)

  it("A hundred handshakes can stand still at once #slow, " .. version, function()
    local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
    local pairs_of_ends = {}
    for i = 1, 100 do
      local client, server = pair { client = context, server = server_context, transport = "memory" }
      server:sslSuspendAt("clientHello", "certificate", "verify")
      client:sslSuspendAt "verify"
      pairs_of_ends[i] = { client, server }
    end
    local function all(expected, which)
      for _, both in ipairs(pairs_of_ends) do
        assert.are.equal(expected, (until_suspended(both[1], both[2], both[which])))
      end
      collectgarbage()
    end
    all(HELLO, 2)
    all(CERTIFICATE, 2)
    all(VERDICT, 1)
    all(VERDICT, 2)
    all(nil, 1)
    for _, both in ipairs(pairs_of_ends) do
      assert.are.same({ true, true }, { both[1]:isSecure(), both[2]:isSecure() })
    end
  end)

  it("Sockets that are dropped where they stand are collected, " .. version, function()
    for _, station in ipairs { "clientHello", "certificate", "verify" } do
      for _, side in ipairs { 1, 2 } do
        local both = { pair { version = version } }
        both[side]:sslSuspendAt(station)
        ends.handshake(both[1], both[2])
        local watched = setmetatable({ both[1], both[2] }, { __mode = "v" })
        both = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()
        assert.are.same({}, watched)
      end
    end
  end)
end

describe("sslSuspendAt", function()
  it("refuses names that are none", function()
    local _, server = pair()
    assert.error_matches(function() server:sslSuspendAt "hello" end, "bad argument #1 to 'sslSuspendAt'")
    assert.error_matches(function() server:sslSuspendAt(1) end, "bad argument #1 to 'sslSuspendAt'")
  end)

  it("needs an initialised socket before its handshake", function()
    local _, fresh = pair { initialize = false }
    refusals.condition("not_initialized", fresh:sslSuspendAt "clientHello")
    local client, server = ends.connected()
    refusals.condition("handshake_under_way", server:sslSuspendAt "clientHello")
    client:close()
    refusals.condition("closed", client:sslSuspendAt "verify")
  end)

  it("takes it back when it is called again", function()
    local client, server = pair()
    server:sslSuspendAt("clientHello", "certificate", "verify")
    server:sslSuspendAt()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("is forgotten by sslInitialize", function()
    local client, server = pair()
    server:sslSuspendAt "clientHello"
    server:sslInitialize()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

describe("What is only possible while suspended", function()
  for _, method in ipairs { "sslApprove", "sslRefuse", "sslVerdict" } do
    it(method .. " answers not_suspended otherwise", function()
      local client = pair()
      refusals.condition("not_suspended", client[method](client))
    end)
  end

  it("sslSetContext answers not_suspended otherwise", function()
    local _, server = ends.connected()
    refusals.condition("not_suspended", server:sslSetContext(ends.serverContext()))
    assert.error_matches(function() server:sslSetContext {} end, "bad argument #1 to 'sslSetContext'")
  end)

  it("sslApprove is for the verdict alone", function()
    local client, server = pair()
    server:sslSuspendAt "clientHello"
    until_suspended(client, server, server)
    refusals.condition("not_suspended", server:sslApprove())
    refusals.condition("not_suspended", server:sslVerdict())
  end)

  it("sslRefuse raises for alerts that there are not", function()
    local client, server = pair()
    server:sslSuspendAt "clientHello"
    until_suspended(client, server, server)
    for _, alert in ipairs { "no_such_alert", "", 0, -1, 256, 2 ^ 53, 1.5, "a\0b" } do
      assert.error_matches(function() server:sslRefuse(alert) end, "bad argument #1 to 'sslRefuse'")
    end
    assert.error_matches(function() server:sslRefuse(nil, {}) end, "bad argument #2 to 'sslRefuse'")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

describe("sslSetAlpn", function()
  it("sets what a client offers", function()
    local client, server = pair { server = { setup = function(context) context:setAlpn { "b" } end } }
    assert.are.equal(client, client:sslSetAlpn { "a", "b" })
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("b", server:alpnProtocol())
  end)

  it("refuses names that do not fit, and leaves what is there", function()
    local client, server = pair {
      client = { setup = function(context) context:setAlpn { "b" } end },
      server = { setup = function(context) context:setAlpn { "b" } end },
    }
    refusals.condition("bad_alpn", client:sslSetAlpn { "" })
    refusals.condition("bad_alpn", client:sslSetAlpn { ("x"):rep(256) })
    assert.error_matches(function() client:sslSetAlpn { 1 } end, "bad argument #1 to 'sslSetAlpn'")
    assert.error_matches(function() client:sslSetAlpn "b" end, "bad argument #1 to 'sslSetAlpn'")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("b", client:alpnProtocol())
  end)

  it("is refused once the handshake has begun", function()
    local client = ends.connected()
    refusals.condition("handshake_under_way", client:sslSetAlpn { "b" })
  end)
end)

describe("A server that has asked for another ClientHello", function()
  -- The client's second ClientHello has `name`; its first one has public.example.
  local function retried(name)
    local client, server = ends.pair { version = "TLSv1.3", transport = "memory",
      client = { setup = function(context) assert(context:setGroups "X25519:P-256") end },
      server = { setup = function(context) assert(context:setGroups "P-256") end } }
    assert(client:sslSetServerName("public.example"):sslSetVerify(scissl.SSL_VERIFY_NONE))
    client:sslConnect()
    server:sslFeed(client:sslDrain())
    server:sslAccept()
    client:sslFeed(server:sslDrain())
    client:sslConnect()
    local second = client:sslDrain()
    assert.truthy(second:find("public.example", 1, true))
    server:sslFeed((second:gsub("public%.example", name)))
    return client, server, server:sslAccept()
  end

  it("goes on where the name is the same", function()
    local client, server = retried "public.example"
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal("public.example", server:serverName())
  end)

  it("refuses another server name: by the first one its context was chosen", function()
    local _, _, failure = retried "hidden.example"
    refusals.alert("illegal_parameter", "sent", failure)
  end)
end)
