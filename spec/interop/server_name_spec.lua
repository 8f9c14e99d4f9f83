-- Our server choosing a certificate by the name that foreign clients ask for (scissl.sni, onClientHello), and
-- foreign servers and clients whose handshake our handlers suspend. nginx's is in nginx_spec.lua.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local with_gnutls = peers.present "gnutls" and it or pending

local other = pki.issue { subject = "CN=other.example", names = { "other.example" } }
local wild = pki.issue { subject = "CN=wild", names = { "*.wild.example" } }

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A name's own certificate #slow, " .. version .. ",", function()
    local listener, port, map

    before_each(function()
      listener, port = ends.listener()
      map = assert(scissl.sni.new {
        localhost = ends.serverContext { method = version },
        ["other.example"] = ends.serverContext { method = version, identity = other },
        ["*.wild.example"] = ends.serverContext { method = version, identity = wild },
      })
    end)
    after_each(function() listener:close() end)

    -- The next connection, which begins without any certificate.
    local function serve()
      return foreign.serve(listener, ends.serverContext { method = version, identity = false },
        { onClientHello = map })
    end

    for name, identity in pairs { localhost = pki.server, ["other.example"] = other, ["a.wild.example"] = wild } do
      it(("is shown to openssl s_client: %s"):format(name), function()
        local peer <close> = peers.opensslClient(version, port,
          ("-servername %s -verify_hostname %s -verify_return_error"):format(name, name))
        local socket <close> = assert(serve())
        assert.are.equal(identity.certificate, socket:localCertificate())
        assert.are.equal(name, socket:serverName())
        foreign.write(socket, "hello\n")
        socket:close()
        local output, how, code = peer:finish()
        assert.are.same({ "exit", 0 }, { how, code }, output)
        assert.truthy(output:find("hello", 1, true), output)
      end)

      with_gnutls(("is shown to gnutls-cli: %s"):format(name), function()
        local peer <close> = peers.gnutlsClient(version, port,
          ("--sni-hostname %s --verify-hostname %s"):format(name, name))
        local socket <close> = assert(serve())
        assert.are.equal(identity.certificate, socket:localCertificate())
        foreign.write(socket, "hello\n")
        socket:close()
        local output, how, code = peer:finish()
        assert.are.same({ "exit", 0 }, { how, code }, output)
        assert.truthy(output:find("hello", 1, true), output)
      end)
    end

    for name, identity in pairs { localhost = pki.server, ["other.example"] = other } do
      it(("is shown to curl: %s"):format(name), function()
        local peer <close> = peers.curl(version, port, "", ("https://%s:%d/"):format(name, port))
        local socket <close> = assert(serve())
        assert.are.equal(identity.certificate, socket:localCertificate())
        foreign.read(socket, "\r\n\r\n")
        foreign.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
        assert.are.same({ "hello\n", "exit", 0 }, { peer:finish() })
      end)
    end

    local function refuse(peer)
      local err = refusals.refused("refused", "accept", nil, serve())
      assert.are.same({ "unrecognized_name", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      local output, how, code = peer:finish()
      assert.are.equal("exit", how)
      assert.are_not.equal(0, code, output)
      return output
    end

    for words, arguments in pairs { another = "-servername unknown.example", none = "-noservername" } do
      it(("is missed, and openssl s_client told so, where it asks for %s"):format(words), function()
        local peer <close> = peers.opensslClient(version, port, arguments)
        local output = refuse(peer)
        assert.truthy(output:find("SSL alert number 112", 1, true), output)
      end)
    end

    with_gnutls("is missed, and gnutls-cli told so, where it asks for another", function()
      local peer <close> = peers.gnutlsClient(version, port, "--sni-hostname unknown.example")
      local output = refuse(peer)
      assert.truthy(output:find("alert [112]", 1, true), output)
    end)

    it("is missed, and curl told so, where it asks for another", function()
      local peer <close> = peers.curl(version, port, ("--resolve unknown.example:%d:127.0.0.1"):format(port),
        ("https://unknown.example:%d/"):format(port))
      local output = refuse(peer)
      assert.truthy(output:find("name", 1, true), output)
    end)

    it("comes with each session: openssl s_client resumes under the name that it had", function()
      local file = pki.folder() .. "/named-session-" .. version
      for round, argument in ipairs { "-sess_out", "-sess_in" } do
        local peer <close> = peers.opensslClient(version, port, ("-servername other.example %s %s")
          :format(argument, file))
        local socket <close> = assert(serve())
        assert.are.equal(round == 2, socket:isSessionReused())
        assert.are.equal("other.example", socket:serverName())
        foreign.write(socket, "hello\n")
        socket:close()
        local output = peer:finish()
        assert.truthy(output:find(round == 2 and "Reused, " or "New, ", 1, true), output)
      end
    end)
  end)

  describe("A handler #slow, " .. version .. ",", function()
    it("sees what openssl s_client offers", function()
      local listener <close>, port = ends.listener()
      local peer <close> = peers.opensslClient(version, port, "-servername localhost -alpn h2,http/1.1")
      local seen
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = version },
        { onClientHello = function(_, hello) seen = { hello:serverName(), table.unpack(hello:alpn()) } end }))
      assert.are.same({ "localhost", "h2", "http/1.1" }, seen)
      socket:close()
      peer:finish()
    end)

    for name, server in pairs { openssl = peers.opensslServer, gnutls = peers.gnutlsServer } do
      local with_peer = name == "gnutls" and with_gnutls or it
      local demand = name == "gnutls" and "--require-client-cert --verify-client-cert --x509cafile "
        or "-rev -Verify 1 -verify_return_error -CAfile "

      with_peer("shows a certificate to the " .. name .. " server that asks for one, and is told whose it takes",
        function()
          local peer <close> = server(version, demand .. pki.ca.certificateFile)
          local issuers
          local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version }, { handlers = {
            onCertificate = function(_, accepted)
              issuers = accepted
              return pki.client.certificate, pki.client.key
            end } }))
          foreign.write(socket, "abba\n")
          assert.are.equal(name == "gnutls" and "abba\n" or "abba\n", (foreign.read(socket, "\n")))
          assert.are.equal(1, #issuers)
        end)

      with_peer("overrules what is thought of the " .. name .. " server, both ways", function()
        for identity, verdict in pairs { [pki.strangeServer] = true, [pki.server] = false } do
          local peer <close> = server(version, name == "openssl" and "-rev" or nil, identity)
          local socket, err = foreign.dial(peer.port, ends.clientContext { method = version }, { handlers = {
            onVerify = function() return verdict end } })
          if verdict then
            foreign.write(socket, "abba\n")
            assert.are.equal("abba\n", (foreign.read(socket, "\n")))
            socket:close()
          else
            refusals.refused("refused", "connect", nil, socket, err)
          end
        end
      end)
    end
  end)
end
