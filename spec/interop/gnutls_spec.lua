-- Another TLS library: our client with gnutls-serv, and our server with gnutls-cli. Part of `sh spec/run.sh all`.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local gnutls_serv, gnutls_cli, identity_arguments = peers.gnutlsServer, peers.gnutlsClient, peers.gnutlsIdentity
local with_gnutls = peers.present "gnutls" and it or pending

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Our client with gnutls-serv, " .. version, function()
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

  describe("Our server with gnutls-cli, " .. version, function()
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
        verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT }
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
