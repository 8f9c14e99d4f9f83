-- DTLS with other libraries, in both roles: sessions, client certificates, pre-shared keys, short datagrams.
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local udp_peers = require "spec.support.udp_peers"

local with_gnutls = peers.present "gnutls" and it or pending

local SECONDS, listen, connect = udp_peers.SECONDS, udp_peers.listen, udp_peers.connect

local own = { certificate = pki.server.certificate, privateKey = pki.server.key }
local trusting = { ca = pki.ca.certificate }
local psk = { key = ("k"):rep(16), hex = ("6b"):rep(16) }

local with_client = { certificate = pki.client.certificate, privateKey = pki.client.key, ca = pki.ca.certificate }
-- gnutls-cli 3.7 ends by a fault of its own after a handshake with ECDHE-PSK.
local gnutls_psk = {
  cli = "NORMAL:-KX-ALL:+PSK:-VERS-ALL:+VERS-DTLS1.2",
  serv = "NORMAL:-KX-ALL:+PSK:+ECDHE-PSK:-VERS-ALL:+VERS-DTLS1.2",
}

describe("Sessions of DTLS #slow", function()
  it("of openssl s_client are resumed by our server", function()
    local listener, port, _ <close> = listen(own)
    local path = pki.folder() .. "/dtls.session"
    local function visit(option)
      local peer <close> = ends.start(("openssl s_client -dtls1_2 -connect 127.0.0.1:%d %s %s")
        :format(port, option, path))
      local association <close> = assert(listener:accept(SECONDS))
      peer:write "hello\n"
      assert.equal("hello\n", association:receive(SECONDS))
      assert(association:send "bye\n")
      local reused = association:socket():isSessionReused()
      association:close()
      peer:finish()
      return reused
    end
    assert.is_false(visit "-sess_out")
    assert.is_true(visit "-sess_in")
    assert.equal(1, listener:statistics().resumed)
  end)

  it("of openssl s_server are resumed by our client", function()
    local peer <close> = ends.openssl("-dtls1_2 " .. peers.opensslIdentity(pki.server))
    local first = connect(peer.port, trusting)
    assert(first:send "one\n")
    local session = assert(first:socket():getSession())
    first:close()
    local again <close> = connect(peer.port, { ca = pki.ca.certificate, session = session })
    assert.is_true(again:socket():isSessionReused())
    peer:write "a reply\n"
    assert.equal("a reply\n", again:receive())
  end)

  with_gnutls("of gnutls-cli are resumed by our server", function()
    local listener, port, _ <close> = listen(own)
    local peer <close> = ends.start(("gnutls-cli --udp --resume --x509cafile %s -p %d localhost"):format(
      pki.ca.certificateFile, port))
    assert.is_nil(assert(listener:accept(SECONDS)):receive(SECONDS)) -- it disconnects, and comes again
    local again <close> = assert(listener:accept(SECONDS))
    assert.is_true(again:socket():isSessionReused())
    peer:write "hello\n"
    assert.equal("hello\n", again:receive(SECONDS))
    assert(again:send "a reply\n")
    again:close()
    local output = peer:finish()
    assert.matches("This is a resumed session", output, 1, true)
    assert.matches("a reply", output, 1, true)
    assert.equal(1, listener:statistics().resumed)
  end)

  with_gnutls("of gnutls-serv are resumed by our client", function()
    local peer <close> = ends.start("gnutls-serv --udp -p 0 --echo --disable-client-cert "
      .. peers.gnutlsIdentity(pki.server), "listening on IPv4.*(done)")
    local port = udp_peers.portOf(peer.pid)
    local first = connect(port, trusting)
    assert(first:send "one\n")
    assert.equal("one\n", first:receive())
    local session = assert(first:socket():getSession())
    first:close()
    local again <close> = connect(port, { ca = pki.ca.certificate, session = session })
    assert(again:send "two\n")
    assert.equal("two\n", again:receive())
    assert.is_true(again:socket():isSessionReused())
  end)
end)

describe("Certificates of clients over DTLS #slow", function()
  local requiring = { certificate = own.certificate, privateKey = own.privateKey, ca = pki.ca.certificate }

  it("of openssl s_client are verified by our server", function()
    local listener, port, _ <close> = listen(requiring)
    local peer <close> = ends.start(("openssl s_client -dtls1_2 -connect 127.0.0.1:%d -cert %s -key %s -brief")
      :format(port, pki.client.certificateFile, pki.client.keyFile))
    local association <close> = assert(listener:accept(SECONDS))
    assert.equal(tostring(pki.client.certificate:subject()), tostring(association:socket():peerCertificate():subject()))
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
  end)

  it("are required of openssl s_client, and it gets the alert", function()
    local listener, port, _ <close> = listen(requiring)
    local peer <close> = ends.start(("openssl s_client -dtls1_2 -connect 127.0.0.1:%d -brief"):format(port))
    repeat
      assert.is_nil((listener:accept(0.1)))
    until next(listener:statistics().failed)
    assert.equal(1, listener:statistics().failed.client_certificate_missing)
    foreign.expect(peer, "alert")
  end)

  it("are shown to openssl s_server, which verifies them", function()
    local peer <close> = ends.openssl(("-dtls1_2 -listen -Verify 1 -verify_return_error -CAfile %s %s"):format(
      pki.ca.certificateFile, peers.opensslIdentity(pki.server)))
    local association <close> = connect(peer.port, with_client)
    assert(association:send "hello\n")
    peer:write "a reply\n"
    assert.equal("a reply\n", association:receive())
    foreign.expect(peer, "hello")
    association:close()
  end)

  with_gnutls("are shown to gnutls-serv, which verifies them", function()
    local peer <close> = ends.start(("gnutls-serv --udp -p 0 --echo --require-client-cert --verify-client-cert "
      .. "--x509cafile %s %s"):format(pki.ca.certificateFile, peers.gnutlsIdentity(pki.server)),
      "listening on IPv4.*(done)")
    local association <close> = connect(udp_peers.portOf(peer.pid), with_client)
    assert(association:send "hello\n")
    assert.equal("hello\n", association:receive())
  end)

  with_gnutls("of gnutls-cli are verified by our server", function()
    local listener, port, _ <close> = listen(requiring)
    local peer <close> = ends.start(("gnutls-cli --udp --x509cafile %s --x509certfile %s --x509keyfile %s -p %d "
      .. "localhost"):format(pki.ca.certificateFile, pki.client.certificateFile, pki.client.keyFile, port))
    local association <close> = assert(listener:accept(SECONDS))
    assert.equal(tostring(pki.client.certificate:subject()), tostring(association:socket():peerCertificate():subject()))
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
  end)
end)

describe("GnuTLS over UDP, with a pre-shared key #slow", function()
  with_gnutls("gnutls-cli meets our server", function()
    local listener, port, _ <close> = listen { psk = { sensor = psk.key } }
    local peer <close> = ends.start(("gnutls-cli --udp --pskusername sensor --pskkey %s --priority %s -p %d localhost")
      :format(psk.hex, gnutls_psk.cli, port))
    local association = assert(listener:accept(SECONDS))
    assert.equal("sensor", association:socket():pskIdentity())
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
  end)

  with_gnutls("gnutls-serv meets our client", function()
    local passwords = pki.write(("sensor:%s\n"):format(psk.hex))
    local peer <close> = ends.start(("gnutls-serv --udp -p 0 --echo --pskpasswd %s --priority %s"):format(passwords,
      gnutls_psk.serv), "listening on IPv4.*(done)")
    local association <close> = connect(udp_peers.portOf(peer.pid), { psk = { identity = "sensor", key = psk.key } })
    assert(association:send "hello\n")
    assert.equal("hello\n", association:receive())
  end)
end)

describe("Short datagrams #slow", function()
  with_gnutls("of gnutls-cli and ours carry a handshake with certificates", function()
    local listener, port, _ <close> = listen {
      certificate = own.certificate, privateKey = own.privateKey, ca = pki.ca.certificate, mtu = 300,
    }
    local peer <close> = ends.start(("gnutls-cli --udp --mtu 500 --x509cafile %s --x509certfile %s "
      .. "--x509keyfile %s -p %d localhost"):format(pki.ca.certificateFile, pki.client.certificateFile,
      pki.client.keyFile, port))
    local association = assert(listener:accept(SECONDS))
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
    assert.is_true(association:longestMessage() < 300)
  end)

  with_gnutls("of gnutls-serv and ours do so as well", function()
    local peer <close> = ends.start("gnutls-serv --udp -p 0 --mtu 500 --echo --disable-client-cert "
      .. peers.gnutlsIdentity(pki.server), "listening on IPv4.*(done)")
    local association <close> = connect(udp_peers.portOf(peer.pid), { ca = pki.ca.certificate, mtu = 400 })
    local message = ("x"):rep(250) .. "\n"
    assert(association:send(message))
    assert.equal(message, association:receive())
  end)

  it("of openssl s_client carry a handshake", function()
    local listener, port, _ <close> = listen { certificate = own.certificate, privateKey = own.privateKey, mtu = 400 }
    local peer <close> = ends.start(("openssl s_client -dtls1_2 -mtu 700 -connect 127.0.0.1:%d -brief"):format(port))
    local association = assert(listener:accept(SECONDS))
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
  end)
end)
