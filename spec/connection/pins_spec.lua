-- Peers by their public keys: pins, for certificates and for raw public keys (RFC 7250).
local scissl = require "scissl"
local ends = require "spec.support.ends"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local SciSslPrivateKey = scissl.SciSslPrivateKey
local raw = scissl.features.rawPublicKeys
local base64 = getmetatable(require "scissl.core").base64
local PEER, REQUIRE = scissl.SSL_VERIFY_PEER, scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local pin = pki.server.certificate:spkiPin()

local function context(method, settings)
  local made = assert(scissl.SciSslContext.new(method))
  for name, value in pairs(settings) do assert(made[name](made, value)) end
  return made
end

-- The results of both ends, and the ends themselves.
local function meet(client_context, server_context, prepare)
  local client, server = ends.pair {
    transport = "memory", client = client_context, server = server_context, verifyHost = false, serverName = false,
  }
  if prepare then prepare(client, server) end
  local client_answer, server_answer = ends.handshake(client, server)
  return { client_answer, server_answer }, client, server
end

for _, method in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("pins, " .. method, function()
    local function client_with(pins, settings)
      local made = context(method, { setVerify = PEER, setPins = pins })
      for name, value in pairs(settings or {}) do assert(made[name](made, value)) end
      return made
    end
    local server_context = ends.serverContext { method = method }

    it("accept a certificate by its key alone", function()
      local results, client = meet(client_with { pki.ca.certificate:spkiPin(), pin }, server_context)
      assert.are.same({ 1, 1 }, results)
      assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
      assert.are.same({ server = "x509", client = "x509" }, client:certificateTypes())
    end)

    it("do without names and dates", function()
      local results = meet(client_with { pin }, server_context, function(client)
        assert(client:sslSetVerifyHost "other.example")
      end)
      assert.are.same({ 1, 1 }, results)
      local expired = client_with({ pin }, { setVerifyTime = pki.server.certificate:notAfter() + 1 })
      assert.are.same({ 1, 1 }, (meet(expired, server_context)))
    end)

    it("reject a certificate that the trust store accepts", function()
      local distrusting = client_with { pki.ca.certificate:spkiPin() }
      assert(distrusting:addTrusted(pki.ca.certificate))
      local results, client = meet(distrusting, server_context)
      local failure = refusals.failed("pin_mismatch", "connect", results[1])
      refusals.alert("bad_certificate", "sent", failure)
      assert.is_false(client:isSecure())
    end)

    it("reject a pinned key that is too weak for the security level", function()
      local key = pki.rsaKey()
      local certificate = assert(scissl.SciSslX509Certificate.issue { subject = "CN=weak", key = key })
      local weak = context(method, { useCertificate = certificate, usePrivateKey = key })
      assert.are.same({ 1, 1 }, (meet(client_with { key:spkiPin() }, weak)))
      local strict = client_with({ key:spkiPin() }, { setAuthLevel = 3 })
      refusals.failed("security_level", "connect", meet(strict, weak)[1])
    end)

    it("of a socket replace those of its context, and nil leaves the trust store", function()
      local wrong = client_with { pki.ca.certificate:spkiPin() }
      assert(wrong:addTrusted(pki.ca.certificate))
      for _, pins in ipairs { { pin }, false } do
        local results = meet(wrong, server_context, function(client) assert(client:sslSetPins(pins or nil)) end)
        assert.are.same({ 1, 1 }, results)
      end
      refusals.failed("pin_mismatch", "connect", meet(wrong, server_context)[1])
    end)

    it("are those of the context at sslInitialize", function()
      local changed = client_with { pin }
      local results = meet(changed, server_context, function()
        assert(changed:setPins { pki.ca.certificate:spkiPin() })
      end)
      assert.are.same({ 1, 1 }, results)
    end)

    it("verify clients", function()
      local asking = ends.serverContext { method = method, verify = REQUIRE, trust = false }
      assert(asking:setPins { pki.client.certificate:spkiPin() })
      local known = ends.clientContext { method = method, identity = pki.client }
      local results, _, server = meet(known, asking)
      assert.are.same({ 1, 1 }, results)
      assert.are.equal(pki.client.certificate, server:peerCertificate())
      local unknown = ends.clientContext { method = method, identity = pki.server }
      refusals.failed("pin_mismatch", "accept", meet(unknown, asking)[2])
      refusals.failed("client_certificate_missing", "accept", meet(ends.clientContext { method = method }, asking)[2])
    end)

    it("are checked again where a session is resumed", function()
      local offering = client_with { pin }
      local client, server = ends.memory { client = offering, server = server_context }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      local function resume(client_context)
        local results, again = meet(client_context, server_context, function(one) assert(one:setSession(session)) end)
        return results[1] == 1 and again:isSessionReused(), results[1]
      end
      assert.is_true((resume(offering)))
      local reused, answer = resume(client_with { pki.ca.certificate:spkiPin() })
      assert.is_false(reused)
      refusals.failed("pin_mismatch", "connect", answer)
    end)

    it("count as verification errors that are collected, or passed over", function()
      local wrong = client_with { pki.ca.certificate:spkiPin() }
      local results, client = meet(wrong, server_context, function(one) assert(one:sslNoteVerifyErrors(true)) end)
      assert.are.same({ 1, 1 }, results)
      assert.are.same({ { depth = 0, code = scissl.X509_V_ERR_CERT_REJECTED } },
        { { depth = client:verifyErrors()[1].depth, code = client:verifyErrors()[1].code } })
    end)
  end)

  describe("raw public keys, " .. method, function()
    if not raw then
      it("are not in this OpenSSL", function()
        local made = assert(scissl.SciSslContext.new(method))
        refusals.condition("not_in_this_openssl", made:setServerCertificateTypes { "rawPublicKey", "x509" })
        refusals.condition("not_in_this_openssl", made:setClientCertificateTypes { "rawPublicKey" })
        assert.are.equal(made, made:setServerCertificateTypes { "x509" })
      end)
      return
    end

    local types = { EC = "P-256", RSA = 2048, Ed25519 = false }
    for type, parameter in pairs(types) do
      it("stand in for certificates on both sides: " .. type, function()
        local server_key = assert(SciSslPrivateKey.generate(type, parameter or nil))
        local client_key = assert(SciSslPrivateKey.generate(type, parameter or nil))
        local kinds = { "rawPublicKey" }
        local settings = { setServerCertificateTypes = kinds, setClientCertificateTypes = kinds }
        local asking, offering = context(method, settings), context(method, settings)
        assert(asking:usePrivateKey(server_key):setVerify(REQUIRE):setPins { client_key:spkiPin() })
        assert(offering:usePrivateKey(client_key):setVerify(PEER):setPins { server_key:spkiPin() })
        local results, client, server = meet(offering, asking)
        assert.are.same({ 1, 1 }, results)
        for socket, key in pairs { [client] = server_key, [server] = client_key } do
          local found = socket:peerRawPublicKey()
          assert.are.same({ key:spkiPin(), key:type(), key:bits() }, { found.pin, found.type, found.bits })
          assert.are.equal(key:spkiPin(),
            assert(scissl.SciSslX509Certificate.issue { subject = "CN=x", key = key }):spkiPin())
          assert.are.equal(found.pin, "sha256//" .. base64(assert(scissl.digest("SHA256", found.der))))
          assert.are.equal(scissl.X509_V_OK, (socket:sslVerifyCertificate()))
          assert.is_nil(socket:peerCertificate())
          assert.are.same({}, socket:peerChain())
          assert.are.same({ server = "rawPublicKey", client = "rawPublicKey" }, socket:certificateTypes())
          assert.truthy(tostring(socket):find("raw public key verified", 1, true))
        end
      end)
    end

    local key = assert(SciSslPrivateKey.generate "EC")
    local other = assert(SciSslPrivateKey.generate "EC")
    local server_context = context(method, { usePrivateKey = key, setServerCertificateTypes = { "rawPublicKey" } })
    local function client_context(pins)
      return context(method, { setVerify = PEER, setServerCertificateTypes = { "rawPublicKey" }, setPins = pins })
    end

    it("are rejected without pins, and where another key is pinned", function()
      local failure = refusals.failed("raw_key_untrusted", "connect", meet(client_context(nil), server_context)[1])
      refusals.alert("certificate_unknown", "sent", failure) -- OpenSSL has no alert of its own for this result
      refusals.failed("pin_mismatch", "connect", meet(client_context { other:spkiPin() }, server_context)[1])
    end)

    it("are presented only where the peer allows them", function()
      local plain = ends.clientContext { method = method, trust = pki.ca }
      local results = meet(plain, server_context)
      assert.are_not.equal(1, results[1])
      assert.are_not.equal(1, results[2])
      local both = ends.serverContext { method = method }
      assert(both:setServerCertificateTypes { "rawPublicKey", "x509" })
      local client
      results, client = meet(plain, both)
      assert.are.same({ 1, 1 }, results)
      assert.are.equal("x509", client:certificateTypes().server)
      results, client = meet(client_context { pin }, both)
      assert.are.same({ 1, 1 }, results)
      assert.are.equal("rawPublicKey", client:certificateTypes().server)
      assert.are.equal(pin, client:peerRawPublicKey().pin)
    end)

    it("of a server that does not know them are a certificate, which the pins verify", function()
      local results, client = meet(client_context { pin }, ends.serverContext { method = method })
      assert.are.same({ 1, 1 }, results)
      assert.are.equal(pki.server.certificate, client:peerCertificate())
      assert.is_nil(client:peerRawPublicKey())
    end)

    it("are shown to onVerify, which may accept what has no pin", function()
      local seen
      local client, server = ends.pair { client = client_context(nil), server = server_context, verifyHost = false }
      local results = ends.run(function()
        return scissl.handshake(client, "connect", { waiter = "coroutine", onVerify = function(_, verdict)
          seen = verdict
          return verdict.rawPublicKey.pin == key:spkiPin()
        end })
      end, function() return scissl.handshake(server, "accept", { waiter = "coroutine" }) end)
      assert.are.equal(client, results[1][1])
      assert.are.same({ false, {} }, { seen.ok, seen.chain })
      assert.truthy(seen.text:find "[Rr]aw public key untrusted")
      assert.are.equal("EC", client:peerRawPublicKey().type)
    end)

    it("of clients are shown to onVerify of a server", function()
      local asking = ends.serverContext { method = method, verify = REQUIRE }
      assert(asking:setClientCertificateTypes { "rawPublicKey", "x509" })
      local offering = ends.clientContext { method = method }
      assert(offering:usePrivateKey(key):setClientCertificateTypes { "rawPublicKey" })
      for _, accepted in ipairs { true, false } do
        local client, server = ends.pair { client = offering, server = asking }
        local results = ends.run(function()
          return scissl.handshake(client, "connect", { waiter = "coroutine" })
        end, function()
          return scissl.handshake(server, "accept", { waiter = "coroutine", onVerify = function(_, verdict)
            assert(verdict.rawPublicKey.pin == key:spkiPin() and not verdict.ok)
            return accepted
          end })
        end)
        if accepted then assert.are.equal(server, results[2][1])
        else refusals.condition("refused", results[2][1], results[2][2]) end
      end
    end)

    it("of sessions are checked again: a client", function()
      local offering = client_context { key:spkiPin() }
      local client, server = ends.memory { client = offering, server = server_context, verifyHost = false }
      server:sslWrite "x"
      ends.read(client, server)
      local session = assert(scissl.OSSslSession.fromPem(client:getSession():toPem()))
      local function resume(with)
        local results, again = meet(with, server_context, function(one) assert(one:setSession(session)) end)
        return results[1], again:isSessionReused()
      end
      local answer, reused = resume(offering)
      assert.are.same({ 1, true }, { answer, reused })
      refusals.failed("pin_mismatch", "connect", (resume(client_context { other:spkiPin() })))
      refusals.failed("raw_key_untrusted", "connect", (resume(client_context(nil))))
    end)

    it("of sessions are checked again: a server", function()
      local asking = ends.serverContext { method = method, verify = PEER }
      assert(asking:setClientCertificateTypes { "rawPublicKey" }:setPins { key:spkiPin() })
      local offering = ends.clientContext { method = method }
      assert(offering:usePrivateKey(key):setClientCertificateTypes { "rawPublicKey" })
      local client, server = ends.memory { client = offering, server = asking }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      local function resume()
        return meet(offering, asking, function(one) assert(one:setSession(session)) end)
      end
      local results, again, there = resume()
      assert.are.same({ 1, 1, true }, { results[1], results[2], again:isSessionReused() })
      assert.are.equal(key:spkiPin(), there:peerRawPublicKey().pin)
      for _, pins in ipairs { { other:spkiPin() }, false } do
        assert(asking:setPins(pins or nil))
        results = resume()
        assert.is_true(scissl.isSslError(results[2]), tostring(results[2]))
      end
    end)

    it("cannot have the OCSP response that a client requires", function()
      local strict = client_context { key:spkiPin() }
      assert(strict:setOcspPolicy "require")
      refusals.failed("ocsp_missing", "connect", meet(strict, server_context)[1])
    end)

    it("serve scissl.connect and scissl.listen", function()
      local function both(listening, connecting)
        local client, server = streams.meet(listening, connecting, function(stream, failure)
          if not stream then return failure:condition() end
          local found = stream:peerRawPublicKey()
          stream:close()
          return found and found.pin or "none"
        end, function(stream, failure)
          if not stream then return failure:condition() end
          local found = stream:peerRawPublicKey()
          stream:read "a"
          stream:close()
          return found.pin
        end)
        return { client[1], server[1] }
      end
      local kinds = { "rawPublicKey" }
      assert.are.same({ key:spkiPin(), other:spkiPin() }, both({
        privateKey = key, serverCertificateTypes = kinds, clientCertificateTypes = kinds, pins = { other:spkiPin() },
        version = method,
      }, {
        pins = { key:spkiPin() }, privateKey = other, serverCertificateTypes = kinds, clientCertificateTypes = kinds,
      }))
      assert.are.equal("pin_mismatch",
        both({ privateKey = key, serverCertificateTypes = kinds, version = method },
          { pins = { other:spkiPin() }, serverCertificateTypes = kinds })[1])
    end)
  end)
end

describe("the settings of pins and raw public keys", function()
  it("are described", function()
    local made = assert(scissl.SciSslContext.new())
    assert.are.same({}, made:describe().pins)
    assert.is_nil(made:describe().serverCertificateTypes)
    assert.are.same({ pin }, made:setPins({ pin }):describe().pins)
    assert.are.same({}, made:setPins(nil):describe().pins)
    if raw then
      assert(made:setServerCertificateTypes { "rawPublicKey", "x509" }:setClientCertificateTypes { "x509" })
      assert.are.same({ "rawPublicKey", "x509" }, made:describe().serverCertificateTypes)
      assert.are.same({ "x509" }, made:describe().clientCertificateTypes)
    end
  end)

  it("let a server do without a certificate only with a raw public key", function()
    assert.error_matches(function() scissl.listen { port = 0, privateKey = pki.server.key } end,
      "option 'certificate' to 'scissl.listen' is missing")
    assert.error_matches(function()
      scissl.listen { port = 0, privateKey = pki.server.key, serverCertificateTypes = { "x509" } }
    end, "option 'certificate' to 'scissl.listen' is missing")
  end)
end)

-- #slow: programs of OpenSSL.
describe("raw public keys with openssl #slow", function()
  if not raw then return end
  local key = assert(SciSslPrivateKey.generate "EC")
  local kinds = { "rawPublicKey" }

  for _, flag in ipairs { "-tls1_2", "-tls1_3" } do
    it("are what s_server presents, " .. flag, function()
      local peer <close> = ends.openssl(("-key %s -cert %s -enable_server_rpk -rev %s")
        :format(pki.server.keyFile, pki.server.certificateFile, flag))
      local stream, failure = scissl.connect {
        host = "127.0.0.1", port = peer.port, timeout = 30, serverCertificateTypes = kinds,
        pins = { pin },
      }
      assert(stream, tostring(failure))
      assert.are.equal(pin, stream:peerRawPublicKey().pin)
      assert(stream:write "abc\n")
      assert.are.equal("cba", stream:read "l")
      stream:close()
    end)

    it("are what s_client accepts and presents, " .. flag, function()
      local listener = assert(scissl.listen {
        host = "127.0.0.1", port = 0, privateKey = key, serverCertificateTypes = kinds, clientCertificateTypes = kinds,
        pins = { pki.client.certificate:spkiPin() },
      })
      local _, port = listener:getSockName()
      local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -enable_server_rpk -enable_client_rpk "
        .. "-cert %s -key %s %s"):format(port, pki.client.certificateFile, pki.client.keyFile, flag))
      local stream, failure = listener:accept(30)
      assert(stream, tostring(failure))
      assert.are.equal(pki.client.certificate:spkiPin(), stream:peerRawPublicKey().pin)
      assert(stream:write "x")
      stream:close()
      listener:close()
      local output = peer:finish()
      assert.truthy(output:find "[Rr]aw public key", output)
    end)
  end
end)

describe("raw public keys with GnuTLS #slow", function()
  if not (raw and ends.has "gnutls-cli") then return end
  local key = assert(SciSslPrivateKey.generate "EC")

  it("are what gnutls-cli accepts and presents", function()
    local own = assert(SciSslPrivateKey.generate "EC")
    local listener = assert(scissl.listen {
      host = "127.0.0.1", port = 0, privateKey = key, serverCertificateTypes = { "rawPublicKey" },
      clientCertificateTypes = { "rawPublicKey" }, pins = { own:spkiPin() },
    })
    local _, port = listener:getSockName()
    local peer <close> = ends.start(("gnutls-cli --port %d 127.0.0.1 --no-ca-verification --rawpkkeyfile %s "
      .. "--rawpkfile %s --priority NORMAL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK"):format(port, pki.write(own:toPem()),
      pki.write(own:publicPem())))
    local stream, failure = listener:accept(30)
    assert(stream, tostring(failure))
    assert.are.equal(own:spkiPin(), stream:peerRawPublicKey().pin)
    assert.are.same({ server = "rawPublicKey", client = "rawPublicKey" }, stream:certificateTypes())
    stream:close()
    listener:close()
    assert.truthy(peer:finish():find("Certificate type: Raw Public Key", 1, true))
  end)

  it("are what gnutls-serv presents and accepts", function()
    local own = assert(SciSslPrivateKey.generate "EC")
    local peer <close> = peers.gnutlsServer("TLSv1.3", ("--rawpkkeyfile %s --rawpkfile %s --require-client-cert "
      .. "--priority NORMAL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-RAWPK"):format(pki.write(key:toPem()),
      pki.write(key:publicPem())))
    local stream, failure = scissl.connect {
      host = "127.0.0.1", port = peer.port, timeout = 30, serverCertificateTypes = { "rawPublicKey" },
      clientCertificateTypes = { "rawPublicKey" }, privateKey = own, pins = { key:spkiPin() },
    }
    assert(stream, tostring(failure))
    assert.are.same({ server = "rawPublicKey", client = "rawPublicKey" }, stream:certificateTypes())
    assert(stream:write "hello\n")
    assert.are.equal("hello", stream:read "l")
    stream:close()
    assert.truthy(peer:stop():find("Certificate type: Raw Public Key", 1, true))
  end)

  it("are what gnutls-serv presents", function()
    local peer <close> = peers.gnutlsServer("TLSv1.3", ("--rawpkkeyfile %s --rawpkfile %s --disable-client-cert "
      .. "--priority NORMAL:+CTYPE-SRV-RAWPK"):format(pki.write(key:toPem()), pki.write(key:publicPem())))
    local stream, failure = scissl.connect {
      host = "127.0.0.1", port = peer.port, timeout = 30, serverCertificateTypes = { "rawPublicKey" },
      pins = { key:spkiPin() },
    }
    assert(stream, tostring(failure))
    assert.are.equal(key:spkiPin(), stream:peerRawPublicKey().pin)
    assert(stream:write "hello\n")
    assert.are.equal("hello", stream:read "l")
    stream:close()
  end)
end)
