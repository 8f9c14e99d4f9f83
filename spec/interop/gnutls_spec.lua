-- Another TLS library: our client with gnutls-serv, and our server with gnutls-cli. Part of `sh spec/run.sh all`.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

local gnutls_serv, gnutls_cli, identity_arguments = peers.gnutlsServer, peers.gnutlsClient, peers.gnutlsIdentity
local with_gnutls = peers.present "gnutls" and it or pending

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Our client with gnutls-serv #slow, " .. version, function()
    with_gnutls("verifies it, and the two understand each other", function()
      local peer <close> = gnutls_serv(version)
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version }))
      assert.are.equal(version, socket:version())
      assert.are.equal(scissl.X509_V_OK, (socket:sslVerifyCertificate()))
      foreign.write(socket, "hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
    end)

    with_gnutls("resumes its session", function()
      local peer <close> = gnutls_serv(version)
      local context = ends.clientContext { method = version }
      local first <close> = assert(foreign.dial(peer.port, context))
      foreign.write(first, "hello\n")
      foreign.read(first, "\n")
      local session = assert(first:getSession())
      first:close()
      local second <close> = assert(foreign.dial(peer.port, context, { session = session }))
      assert.is_true(second:isSessionReused())
    end)

    with_gnutls("shows its certificate, and is told where it has none", function()
      local peer <close> = gnutls_serv(version,
        "--require-client-cert --verify-client-cert --x509cafile " .. pki.ca.certificateFile)
      local good <close> = assert(foreign.dial(peer.port,
        ends.clientContext { method = version, identity = pki.client }))
      foreign.write(good, "hello\n")
      assert.are.equal("hello\n", (foreign.read(good, "\n")))
      local none, err = foreign.dial(peer.port, ends.clientContext { method = version })
      if none then
        err = select(2, foreign.read(none))
        none:close()
      end
      refusals.check(err)
    end)

    with_gnutls("agrees on an application protocol", function()
      local peer <close> = gnutls_serv(version, "--disable-client-cert --alpn http/1.1")
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version,
        setup = function(context) assert(context:setAlpn { "h2", "http/1.1" }) end }))
      assert.are.equal("http/1.1", socket:alpnProtocol())
    end)
  end)

  describe("Our client and what gnutls-serv refuses #slow, " .. version, function()
    local function refusal(...) return refusals.check(foreign.refusal(...)) end

    with_gnutls("a stranger's certificate", function()
      local peer <close> = gnutls_serv(version,
        "--require-client-cert --verify-client-cert --x509cafile " .. pki.ca.certificateFile)
      local err = refusal(foreign.dial(peer.port, ends.clientContext { method = version, identity = pki.stranger }))
      assert.are.equal("received", (select(2, err:alert())))
    end)

    with_gnutls("protocols that it does not speak", function()
      local peer <close> = gnutls_serv(version, "--disable-client-cert --alpn h2 --alpn-fatal")
      local err = refusal(foreign.dial(peer.port, ends.clientContext { method = version,
        setup = function(context) assert(context:setAlpn { "http/1.1" }) end }))
      assert.are.same({ "no_shared_alpn", "no_application_protocol" }, { err:condition(), (err:alert()) })
    end)

    with_gnutls("a name that is not its own", function()
      local peer <close> = gnutls_serv(version, "--disable-client-cert --sni-hostname localhost --sni-hostname-fatal")
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version }))
      foreign.write(socket, "hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      local err = refusal(foreign.dial(peer.port, ends.clientContext { method = version },
        { serverName = "other.example" }))
      assert.are.same({ "unrecognized_name", "received" }, { table.unpack({ err:alert() }, 1, 2) })
    end)
  end)

  describe("Our client and what gnutls-serv chooses #slow, " .. version, function()
    with_gnutls("the certificate of the name that we ask for, and its first for another", function()
      local peer <close> = gnutls_serv(version, "--disable-client-cert " .. identity_arguments(pki.wrongHost))
      for name, identity in pairs {
        ["elsewhere.example"] = pki.wrongHost, localhost = pki.server, ["unknown.example"] = pki.server,
      } do
        local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version },
          { serverName = name, verifyHost = false }))
        assert.are.equal(identity.certificate, socket:peerCertificate(), name)
      end
    end)

    with_gnutls("no protocol, where none of ours is its own and it may go on", function()
      local peer <close> = gnutls_serv(version, "--disable-client-cert --alpn h2")
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version,
        setup = function(context) assert(context:setAlpn { "http/1.1" }) end }))
      assert.is_nil(socket:alpnProtocol())
    end)

    with_gnutls("a new session, where it does not know ours", function()
      local context, session = ends.clientContext { method = version }, nil
      for round = 1, 2 do
        local peer <close> = gnutls_serv(version)
        local socket <close> = assert(foreign.dial(peer.port, context, { session = session }))
        assert.is_false(socket:isSessionReused(), round)
        foreign.write(socket, "hello\n")
        assert.are.equal("hello\n", (foreign.read(socket, "\n")))
        session = assert(socket:getSession())
      end
    end)
  end)

  describe("Our server with gnutls-cli #slow, " .. version, function()
    with_gnutls("is verified, and the two understand each other", function()
      local listener, port = ends.listener()
      local peer <close> = gnutls_cli(version, port)
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = version }))
      listener:close()
      assert.are.equal("localhost", socket:serverName())
      peer:write("hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "good bye\n")
      socket:close()
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
      assert.truthy(output:find("The certificate is trusted", 1, true), output)
      assert.truthy(output:find("good bye", 1, true), output)
    end)

    with_gnutls("is refused where it is a stranger", function()
      local listener, port = ends.listener()
      local peer <close> = gnutls_cli(version, port)
      local socket, err = foreign.serve(listener, ends.serverContext { method = version,
        identity = pki.strangeServer })
      listener:close()
      if socket then
        err = select(2, foreign.read(socket))
        socket:close()
      end
      refusals.check(err)
      local _, _, code = peer:finish()
      assert.are_not.equal(0, code)
    end)

    with_gnutls("takes a good client certificate, and refuses a stranger's", function()
      local listener, port = ends.listener()
      local context = ends.serverContext { method = version,
        verify = REQUIRE }
      local good <close> = gnutls_cli(version, port, identity_arguments(pki.client))
      local socket <close> = assert(foreign.serve(listener, context))
      assert.are.equal(pki.client.certificate, socket:peerCertificate())
      socket:close()
      good:finish()
      -- GnuTLS shows a certificate only to a server that knows its issuer: none is what comes.
      local strange <close> = gnutls_cli(version, port,
        identity_arguments(pki.stranger))
      local _, err = foreign.serve(listener, context)
      refusals.check(err)
      assert.is_true(err:condition() == "client_certificate_missing"
        or err:condition() == "certificate_unknown_issuer", tostring(err))
      listener:close()
      strange:finish()
    end)

    with_gnutls("refuses it without a certificate, and tells it", function()
      local listener <close>, port = ends.listener()
      local peer <close> = gnutls_cli(version, port)
      local err = refusals.refused("client_certificate_missing", "accept", nil,
        foreign.serve(listener, ends.serverContext { method = version, verify = REQUIRE }))
      assert.are.equal("sent", (select(2, err:alert())))
      local output, _, code = peer:finish()
      assert.are_not.equal(0, code, output)
    end)

    local function with_alpn(...)
      local names = { ... }
      return ends.serverContext { method = version, setup = function(context) assert(context:setAlpn(names)) end }
    end

    with_gnutls("chooses its first application protocol that it offers", function()
      local listener <close>, port = ends.listener()
      local peer <close> = gnutls_cli(version, port, "--alpn spdy/3 --alpn h2 --alpn http/1.1")
      local socket <close> = assert(foreign.serve(listener, with_alpn("http/1.1", "h2")))
      assert.are.equal("http/1.1", socket:alpnProtocol())
      socket:close()
      local output = peer:finish()
      assert.truthy(output:find("Application protocol: http/1.1", 1, true), output)
    end)

    with_gnutls("refuses it where it offers none of ours, and tells it", function()
      local listener <close>, port = ends.listener()
      local peer <close> = gnutls_cli(version, port, "--alpn spdy/3")
      local err = refusals.refused("no_shared_alpn", "accept", nil, foreign.serve(listener, with_alpn("http/1.1")))
      assert.are.same({ "no_application_protocol", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      local output = peer:finish()
      assert.truthy(output:find("alert [120]", 1, true), output)
    end)

    for arguments, name in pairs {
      ["--sni-hostname other.example --verify-hostname localhost"] = "other.example", ["--disable-sni"] = false,
    } do
      with_gnutls("is asked for " .. (name or "no name"), function()
        local listener <close>, port = ends.listener()
        local peer <close> = gnutls_cli(version, port, arguments)
        local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = version }))
        assert.are.equal(name or nil, socket:serverName())
        socket:close()
        local output, how, code = peer:finish()
        assert.are.same({ "exit", 0 }, { how, code }, output)
      end)
    end

    -- Two connections of one gnutls-cli; `context(round)` is what our server uses. Answers what it said.
    local function twice(context, reused)
      local listener <close>, port = ends.listener()
      local peer <close> = gnutls_cli(version, port,
        "--resume --waitresumption " .. identity_arguments(pki.client))
      for round = 1, 2 do
        local socket <close> = assert(foreign.serve(listener, context(round)))
        assert.are.equal(round == 2 and reused, socket:isSessionReused())
        assert.are.equal(pki.client.certificate, socket:peerCertificate())
        if round == 1 then assert.are.equal(0, select(2, foreign.read(socket))) end -- it disconnects first
      end
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
      return output
    end

    local function strict(setup) return ends.serverContext { method = version, verify = REQUIRE, setup = setup } end

    for name, setup in pairs {
      ["with a ticket"] = function() end,
      ["with our cache"] = function(context) context:setOptions(scissl.SSL_OP_NO_TICKET) end,
    } do
      with_gnutls("resumes its session, client certificate and all, " .. name, function()
        local context = strict(setup)
        local output = twice(function() return context end, true)
        assert.truthy(output:find("This is a resumed session", 1, true), output)
      end)
    end

    with_gnutls("begins anew where we do not know its session", function()
      local output = twice(function() return strict() end, false)
      assert.is_nil(output:find("This is a resumed session", 1, true), output)
    end)

    with_gnutls("tells its clean close from its sudden end", function()
      local listener, port = ends.listener()
      local peer <close> = gnutls_cli(version, port)
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = version }))
      listener:close()
      peer:write("hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      assert(os.execute("kill -9 " .. peer.pid))
      local _, last = foreign.read(socket)
      local condition = refusals.check(last):condition()
      assert.is_true(condition == "truncated" or condition == "connection_reset", condition)
      peer:finish()
    end)
  end)
end
