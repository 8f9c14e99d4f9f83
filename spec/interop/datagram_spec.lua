-- DTLS with other libraries, in both roles: openssl s_client and s_server, gnutls-cli and gnutls-serv.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local peers = require "spec.support.peers"
local foreign = require "spec.support.foreign"
local pki = require "spec.support.pki"
local udp_peers = require "spec.support.udp_peers"

local with_gnutls = peers.present "gnutls" and it or pending

local SECONDS, listen, connect = udp_peers.SECONDS, udp_peers.listen, udp_peers.connect

local own = { certificate = pki.server.certificate, privateKey = pki.server.key }
local trusting = { ca = pki.ca.certificate }
local psk = { suite = "PSK-AES128-CCM8:@SECLEVEL=0", key = ("k"):rep(16), hex = ("6b"):rep(16) }

describe("openssl s_client -dtls1_2 #slow", function()
  it("meets our server, with its cookie and certificate", function()
    local listener, port, _ <close> = listen(own)
    local peer <close> = ends.start(("openssl s_client -dtls1_2 -connect 127.0.0.1:%d -CAfile %s -brief"):format(port,
      pki.ca.certificateFile))
    local association = assert(listener:accept(SECONDS))
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
    assert(association:send "a reply\n")
    association:close()
    local output = peer:finish()
    assert.matches("Verification: OK", output, 1, true)
    assert.matches("a reply", output, 1, true)
  end)

  it("ends with close_notify", function()
    local listener, port, _ <close> = listen(own)
    local peer <close> = ends.start(("openssl s_client -dtls1_2 -connect 127.0.0.1:%d -brief"):format(port))
    local association = assert(listener:accept(SECONDS))
    peer:write "Q\n"
    assert.same({ n = 1 }, table.pack(association:receive(SECONDS)))
    peer:finish()
  end)

  it("has a pre-shared key, as CoAP does", function()
    local listener, port, _ <close> = listen { psk = { sensor = psk.key }, cipherList = psk.suite }
    local peer <close> = ends.start(
      ("openssl s_client -dtls1_2 -connect 127.0.0.1:%d -psk_identity sensor -psk %s -cipher %s"):format(port,
      psk.hex, psk.suite))
    local association = assert(listener:accept(SECONDS))
    assert.equal("TLS_PSK_WITH_AES_128_CCM_8", association:socket():cipher():standardName())
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
  end)
end)

describe("openssl s_server -dtls1_2 -listen #slow", function()
  it("meets our client, which verifies it", function()
    local peer <close> = ends.openssl("-dtls1_2 -listen " .. peers.opensslIdentity(pki.server))
    local association <close> = connect(peer.port, trusting)
    assert(association:send "hello\n")
    foreign.expect(peer, "hello")
    peer:write "a reply\n"
    assert.equal("a reply\n", association:receive())
  end)

  it("is refused where it is not the host", function()
    local peer <close> = ends.openssl("-dtls1_2 -listen " .. peers.opensslIdentity(pki.wrongHost))
    local association, failure = scissl.datagram.connect {
      host = "localhost", family = "inet", port = peer.port, timeout = SECONDS, ca = pki.ca.certificate,
    }
    assert.is_nil(association)
    assert.equal("certificate_wrong_host", failure:condition())
  end)

  it("has a pre-shared key, as CoAP does", function()
    local peer <close> = ends.openssl(("-dtls1_2 -listen -nocert -psk %s -cipher %s"):format(psk.hex, psk.suite))
    local association <close> = connect(peer.port, {
      psk = { identity = "Client_identity", key = psk.key }, cipherList = psk.suite,
    })
    peer:write "a reply\n"
    assert.equal("a reply\n", association:receive())
  end)
end)

describe("GnuTLS over UDP #slow", function()
  with_gnutls("gnutls-cli meets our server", function()
    local listener, port, _ <close> = listen(own)
    local peer <close> = ends.start(("gnutls-cli --udp --x509cafile %s -p %d localhost"):format(
      pki.ca.certificateFile, port))
    local association = assert(listener:accept(SECONDS))
    peer:write "hello\n"
    assert.equal("hello\n", association:receive(SECONDS))
    assert(association:send "a reply\n")
    association:close()
    local output = peer:finish()
    assert.matches("The certificate is trusted", output, 1, true)
    assert.matches("a reply", output, 1, true)
  end)

  with_gnutls("gnutls-serv meets our client, which verifies it", function()
    local peer <close> = ends.start("gnutls-serv --udp -p 0 --echo --disable-client-cert "
      .. peers.gnutlsIdentity(pki.server), "listening on IPv4.*(done)")
    local association <close> = connect(udp_peers.portOf(peer.pid), trusting)
    for _, message in ipairs { "hello\n", ("x"):rep(200) .. "\n" } do
      assert(association:send(message))
      assert.equal(message, association:receive())
    end
  end)
end)
