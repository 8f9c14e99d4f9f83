-- Our server with `openssl s_client`.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local server_context = foreign.serverContext

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

local identity_arguments, s_client = peers.opensslIdentity, peers.opensslClient

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Our server with openssl s_client, " .. version, function()
    it("is verified by it, and the two understand each other", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port,
        "-verify_return_error -verify_hostname localhost -servername localhost")
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      listener:close()
      assert.are.equal(version, socket:version())
      assert.are.equal("localhost", socket:serverName())
      peer:write("hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "good bye\n")
      socket:close()
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code })
      assert.truthy(output:find("Verification: OK", 1, true), output)
      assert.truthy(output:find("Verified peername: localhost", 1, true), output)
      assert.truthy(output:find("good bye", 1, true), output)
      assert.is_nil(output:find("unexpected eof", 1, true), output)
    end)

    it("sends no server name where the client asks for none", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-noservername")
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      assert.is_nil(socket:serverName())
      listener:close()
      peer:stop()
    end)

    it("is told why it is refused", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-verify_return_error")
      local err = refusals.refused("server_certificate_refused", "accept", nil,
        foreign.serve(listener, server_context(version, { identity = pki.strangeServer })))
      assert.are.same({ "unknown_ca", "received" }, { table.unpack({ err:alert() }, 1, 2) })
      listener:close()
      peer:finish()
    end)

    local strict = function() return server_context(version, { verify = REQUIRE }) end

    it("takes a good client certificate", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, identity_arguments(pki.client))
      local socket <close> = assert(foreign.serve(listener, strict()))
      assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
      assert.are.equal(pki.client.certificate, socket:peerCertificate())
      assert.are.equal(pki.client.certificate, socket:peerChain()[1])
      socket:close()
      listener:close()
      peer:finish()
    end)

    it("refuses a client without a certificate, and tells it", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port)
      local err = refusals.refused("client_certificate_missing", "accept", nil, foreign.serve(listener, strict()))
      local alert, direction, number = err:alert()
      assert.are.same({ version == "TLSv1.3" and "certificate_required" or "handshake_failure", "sent" },
        { alert, direction })
      listener:close()
      local output = peer:finish()
      assert.truthy(output:find("SSL alert number " .. number, 1, true), output)
    end)

    for name, condition in pairs {
      stranger = "certificate_unknown_issuer", expiredClient = "certificate_expired",
      notYetValidClient = "certificate_not_yet_valid", selfSignedClient = "certificate_self_signed",
    } do
      it(("refuses a client certificate with %s, and tells the client: %s"):format(condition, name), function()
        local listener, port = ends.listener()
        local peer <close> = s_client(version, port, identity_arguments(pki[name]))
        local err = refusals.refused(condition, "accept", nil, foreign.serve(listener, strict()))
        local alert, direction, number = err:alert()
        assert.are.equal("sent", direction)
        listener:close()
        local output = peer:finish()
        assert.truthy(output:find("SSL alert number " .. number, 1, true), alert .. "\n" .. output)
      end)
    end

    it("chooses its first application protocol that the client offers", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-alpn spdy/3,h2,http/1.1")
      local socket <close> = assert(foreign.serve(listener, server_context(version, { setup = function(context)
        assert(context:setAlpn { "http/1.1", "h2" })
      end })))
      assert.are.equal("http/1.1", socket:alpnProtocol())
      socket:close()
      listener:close()
      assert.truthy(peer:finish():find("ALPN protocol: http/1.1", 1, true))
    end)

    it("refuses a client that offers no application protocol of its own", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port, "-alpn spdy/3")
      local err = refusals.refused("no_shared_alpn", "accept", nil,
        foreign.serve(listener, server_context(version, { setup = function(context)
          assert(context:setAlpn { "http/1.1" })
        end })))
      assert.are.same({ "no_application_protocol", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      listener:close()
      peer:finish()
    end)

    for name, setup in pairs {
      ["with tickets"] = function() end,
      ["with its cache"] = function(context) context:setOptions(scissl.SSL_OP_NO_TICKET) end,
    } do
      it("resumes a session, client certificate and all, " .. name, function()
        local listener, port = ends.listener()
        local context = server_context(version, { verify = REQUIRE, setup = setup })
        local file = pki.folder() .. "/session-" .. version .. name:gsub(" ", "-")
        for round, argument in ipairs { "-sess_out", "-sess_in" } do
          local peer <close> = s_client(version, port,
            ("%s %s %s"):format(identity_arguments(pki.client), argument, file))
          local socket <close> = assert(foreign.serve(listener, context))
          assert.are.equal(round == 2, socket:isSessionReused())
          assert.are.equal(pki.client.certificate, socket:peerCertificate())
          assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
          foreign.write(socket, "hello\n")
          socket:close()
          local output = peer:finish()
          assert.truthy(output:find(round == 2 and "Reused, " or "New, ", 1, true), output)
        end
        listener:close()
      end)
    end

    it("begins anew with a client whose session it does not know", function()
      local listener <close>, port = ends.listener()
      local file = pki.folder() .. "/unknown-session-" .. version
      for _, argument in ipairs { "-sess_out", "-sess_in" } do
        local peer <close> = s_client(version, port, argument .. " " .. file)
        local socket <close> = assert(foreign.serve(listener, server_context(version)))
        assert.is_false(socket:isSessionReused())
        foreign.write(socket, "hello\n")
        socket:close()
        local output = peer:finish()
        assert.truthy(output:find("New, ", 1, true), output)
        assert.truthy(output:find("hello", 1, true), output)
      end
    end)

    it("tells the client's clean close from its sudden end", function()
      local listener, port = ends.listener()
      local context = server_context(version)
      for _, clean in ipairs { true, false } do
        local peer <close> = s_client(version, port)
        local socket <close> = assert(foreign.serve(listener, context))
        peer:write("some words\n")
        assert.are.equal("some words\n", (foreign.read(socket, "\n")))
        if clean then peer:write("Q\n") else peer:stop() end
        local text, last = foreign.read(socket)
        assert.are.equal("", text)
        if clean then
          assert.are.equal(0, last)
          assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, socket:sslGetError(last))
        else
          local err = refusals.check(last)
          assert.is_true(err:condition() == "truncated" or err:condition() == "connection_reset", tostring(err))
        end
      end
      listener:close()
    end)

    it("is missed by the client where it just goes", function()
      local listener, port = ends.listener()
      local peer <close> = s_client(version, port)
      local socket = assert(foreign.serve(listener, server_context(version)))
      listener:close()
      foreign.write(socket, "half of\n")
      assert(socket:shutdown("w"))
      local output = peer:finish()
      assert.truthy(output:find("half of", 1, true), output)
      assert.truthy(output:find("unexpected eof", 1, true), output)
      socket:close()
    end)

    it("goes on when the client changes keys", function()
      local listener, port = ends.listener()
      local context = server_context(version, { setup = function(context)
        context:setRenegotiation(true)
      end })
      local peer <close> = s_client(version, port)
      local socket <close> = assert(foreign.serve(listener, context))
      listener:close()
      peer:write("before\n")
      assert.are.equal("before\n", (foreign.read(socket, "\n")))
      peer:write(version == "TLSv1.3" and "K\n" or "R\n")
      assert.are.equal("r", socket:wait("r", 30))
      assert.is_true(ends.notYet(socket, socket:sslRead()))
      peer:write("after\n")
      assert.are.equal("after\n", (foreign.read(socket, "\n")))
      socket:close()
      peer:finish()
    end)

    it("says that there is no protocol in common", function()
      local listener, port = ends.listener()
      local other = version == "TLSv1.2" and "TLSv1.3" or "TLSv1.2"
      local peer <close> = s_client(other, port)
      local err = refusals.refused("protocol_version", "accept", nil, foreign.serve(listener, server_context(version)))
      assert.are.same({ "protocol_version", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      listener:close()
      peer:finish()
    end)
  end)
end
