-- SciSslError:errorHint, one line that tells a person what happened and what to do.
local scissl = require "scissl"
local conditions = require "spec.support.conditions"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSslError = scissl.SciSslError

local made, hinted, documented = conditions.made(), conditions.hinted(), conditions.documented()

describe("A hint", function()
  for condition, path in pairs(made) do
    it(("says more than the name of the condition %s (%s)"):format(condition, path), function()
      assert.is_true(hinted[condition], condition .. " has no text in lua/scissl/hint.lua")
      for _, phase in ipairs { "connect", "accept", "read", "load", "option", "issue", "verify" } do
        local hint = SciSslError.new { phase = phase, condition = condition }:errorHint()
        assert.is_nil(hint:find("[%c]"))
        assert.is_true(#hint > 20 + #condition, hint)
        assert.is_nil(hint:find("without a reason", 1, true), hint)
      end
    end)
  end

  it("exists for no condition that nothing makes", function()
    for condition in pairs(hinted) do assert.is_truthy(made[condition], condition) end
  end)

  it("is there for each condition that the reference and the chapters name", function()
    for condition, path in pairs(documented) do assert.is_truthy(made[condition], condition .. " in " .. path) end
  end)

  it("is what tostring returns", function()
    local failure = SciSslError.new { phase = "connect", condition = "timeout" }
    assert.are.equal(failure:errorHint(), tostring(failure))
  end)

  it("is what error messages show when one is joined to a text", function()
    local failure = SciSslError.new { phase = "connect", condition = "timeout" }
    assert.are.equal("sorry: " .. failure:errorHint(), "sorry: " .. failure)
  end)

  it("names the phase and the subject", function()
    local hint = SciSslError.new { phase = "load", condition = "file_missing", subject = "ca.pem" }:errorHint()
    assert.truthy(hint:find("^loading %(ca%.pem%): "), hint)
  end)

  it("quotes the system's words", function()
    local hint = SciSslError.new { phase = "connect", condition = "connection_refused", errno = 111 }:errorHint()
    local _, text = SciSslError.new { errno = 111 }:errno()
    assert.truthy(hint:find(text, 1, true), hint)
  end)

  it("quotes OpenSSL's words about a certificate", function()
    local hint = SciSslError.new {
      phase = "connect", condition = "certificate_invalid", verifyResult = scissl.X509_V_ERR_CERT_SIGNATURE_FAILURE,
    }:errorHint()
    assert.truthy(hint:find("signature failure", 1, true), hint)
  end)

  it("tells what lies behind it", function()
    local hint = SciSslError.new {
      phase = "load", condition = "passphrase_function", cause = "keys.lua:5: vault is closed",
    }:errorHint()
    assert.truthy(hint:find("vault is closed", 1, true), hint)
  end)

  it("does not tell the same thing twice", function()
    local cause = SciSslError.new { phase = "connect", condition = "timeout", message = "once" }
    local failure = SciSslError.new { phase = "connect", condition = "timeout", message = "once", cause = cause }
    assert.are.equal(1, select(2, failure:errorHint():gsub("once", "")))
  end)

  it("falls back on the message for a condition that it does not know", function()
    local hint = SciSslError.new { phase = "connect", condition = "brand_new", message = "in other words" }:errorHint()
    assert.truthy(hint:find("in other words", 1, true), hint)
  end)

  it("is never empty", function()
    for _, fields in ipairs { {}, { condition = "" }, { message = "" }, { phase = "" }, { condition = "brand_new" } } do
      assert.is_true(#SciSslError.new(fields):errorHint() > 10)
    end
  end)

  it("stays one line, and plain, whatever others put into it", function()
    local hint = SciSslError.new {
      phase = "load", condition = "file_missing", subject = "a\nb\27[2Jc", message = "x\r\ny", cause = "first\nsecond",
    }:errorHint()
    assert.is_nil(hint:find("[%c]"))
  end)

  it("takes nobody's text for a format", function()
    local failure = SciSslError.new { phase = "load", condition = "file_missing", subject = "100%s", message = "%d" }
    local hint = failure:errorHint()
    assert.truthy(hint:find("100%s", 1, true))
    assert.truthy(hint:find("%d", 1, true))
  end)
end)

-- Mistakes of a program's author: the message says what to write instead.

describe("The message for a mistake", function()
  local function says(words, ...)
    local _, failure = ...
    assert.truthy(tostring(failure):find(words, 1, true), tostring(failure))
  end

  local function raises(words, f, ...)
    local good, raised = pcall(f, ...)
    assert.is_false(good)
    assert.truthy(raised:find(words, 1, true), raised)
  end

  local function connect_with(name, value)
    return function() return scissl.connect { host = "localhost", port = 1, [name] = value } end
  end

  it("names caFile where ca is a path", function()
    says("expected PEM text, got a path; for a path use caFile", connect_with("ca", "ca.pem")())
  end)

  it("names privateKey where the key was forgotten", function()
    local path = pki.write(pki.server.certificatePem)
    says("it contains no private key; set privateKey", scissl.listen { port = 0, certificate = path })
  end)

  it("shows how a subject is written", function()
    says("write the subject as CN=localhost", scissl.SciSslX509Certificate.issue {
      subject = "localhost", key = pki.server.key,
    })
  end)

  it("takes the scheme off a host", function()
    says("give the host's name alone, without https://", scissl.connect { host = "https://localhost", port = 1 })
  end)

  it("tells a deadline that has passed already from a slow peer", function()
    local near, far = assert(scissl.SciSocket.pair())
    local stream = assert(scissl.plain.on(near))
    local _, failure = stream:setdeadline(0):read()
    far:close() -- not earlier: the read would return the end
    assert.equal("timeout", failure:condition())
    says("the deadline had already passed; deadlines are moments of SciSocket.now()", nil, failure)
  end)

  it("shows the number that is out of range", function()
    raises("(0 or more seconds expected, got -1)", connect_with("timeout", -1))
    raises("got 70000)", function() scissl.listen { port = 70000 } end)
    raises("positive number of days expected, got -1", scissl.SciSslX509Certificate.issue,
      { subject = "CN=x", key = pki.server.key, days = -1 })
    raises("number of bytes of 0 or more expected, got -5", function() scissl.SciSocket.pair():recv(-5) end)
  end)

  it("lists the waiters", function()
    raises("unknown waiter 'uv'; use poll, coroutine, copas, cqueues, luv, select, or a function",
      connect_with("waiter", "uv"))
  end)

  it("knows what other libraries call an option", function()
    for name, ours in pairs {
      key = "privateKey", cert = "certificate", password = "passphrase", ciphers = "cipherList", cafile = "caFile",
      protocol = "version", curves = "groups", sni = "serverName",
    } do
      raises(("(did you mean '%s'?)"):format(ours), connect_with(name, "x"))
    end
  end)
end)

-- Real failures: what each end is told.

local function fail(options)
  local client, server = ends.pair(options)
  local client_answer, server_answer = ends.handshake(client, server)
  if client_answer == 1 then client_answer = ends.read(client, server) end
  return client_answer, server_answer
end

local function tells(answer, condition, ...)
  assert.is_true(scissl.isSslError(answer), tostring(answer))
  assert.are.equal(condition, answer:condition(), tostring(answer))
  for _, words in ipairs { ... } do
    assert.truthy(answer:errorHint():lower():find(words, 1, true), answer:errorHint())
  end
end

local demand = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

describe("The hint for a real failure", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("tells of an expired certificate, " .. version, function()
      local client, server = fail { version = version, server = { identity = pki.expired } }
      tells(client, "certificate_expired", "expired", "clock")
      tells(server, "server_certificate_refused", "expired")
    end)

    it("tells of a certificate that is not valid yet, " .. version, function()
      local client = fail { version = version, server = { identity = pki.notYetValid } }
      tells(client, "certificate_not_yet_valid", "not valid yet", "clock")
    end)

    it("tells of a self-signed certificate, " .. version, function()
      local client, server = fail { version = version, server = { identity = pki.selfSigned } }
      tells(client, "certificate_self_signed", "self-signed", "cafile")
      tells(server, "server_certificate_refused", "does not trust the issuer of this server's certificate")
    end)

    it("tells of an unknown issuer, " .. version, function()
      local client = fail { version = version, server = { identity = pki.strangeServer } }
      tells(client, "certificate_unknown_issuer", "cafile")
    end)

    it("tells of a wrong host name, " .. version, function()
      local client = fail { version = version, server = { identity = pki.wrongHost } }
      tells(client, "certificate_wrong_host", "another host name")
    end)

    it("tells of a missing client certificate, " .. version, function()
      local client, server = fail { version = version, server = { verify = demand } }
      tells(server, "client_certificate_missing", "sent no certificate")
      assert.is_true(scissl.isSslError(client))
      if version == "TLSv1.3" then tells(client, "client_certificate_missing", "set certificate and privatekey") end
    end)

    it("tells of a client certificate that is refused, " .. version, function()
      local client, server = fail { version = version, client = { identity = pki.stranger },
        server = { verify = demand } }
      tells(server, "certificate_unknown_issuer")
      tells(client, "client_certificate_refused", "does not trust the issuer of this client's certificate")
    end)
  end

  it("tells that there is no protocol in common", function()
    local client, server = fail { client = { method = "TLSv1.3" }, server = { method = "TLSv1.2" } }
    tells(client, "protocol_version", "no tls version in common")
    tells(server, "protocol_version", "no tls version in common")
  end)

  it("tells that there is no cipher in common", function()
    local _, server = fail {
      version = "TLSv1.2",
      client = { setup = function(context) assert(context:setCipherList("ECDHE-ECDSA-AES128-GCM-SHA256")) end },
      server = { setup = function(context) assert(context:setCipherList("ECDHE-ECDSA-AES256-GCM-SHA384")) end },
    }
    tells(server, "no_shared_cipher", "no cipher in common")
  end)

  it("tells that there is no group in common", function()
    local _, server = fail {
      version = "TLSv1.3",
      client = { setup = function(context) assert(context:setGroups("X25519")) end },
      server = { setup = function(context) assert(context:setGroups("P-256")) end },
    }
    tells(server, "no_shared_group", "no key exchange group in common")
  end)

  it("tells that there is no application protocol in common", function()
    local client, server = fail {
      client = { setup = function(context) assert(context:setAlpn { "h2" }) end },
      server = { setup = function(context) assert(context:setAlpn { "http/1.1" }) end },
    }
    tells(client, "no_shared_alpn", "alpn")
    tells(server, "no_shared_alpn", "alpn")
  end)

  it("tells of a key that is not the certificate's", function()
    local context = scissl.SciSslContext.new()
    assert(context:useCertificate(pki.server.certificate))
    local done, failure = context:usePrivateKey(pki.client.key)
    assert.is_nil(done)
    tells(failure, "key_mismatch", "does not belong to the certificate")
  end)

  it("tells of missing, empty and wrong files by their names", function()
    local context = scissl.SciSslContext.new()
    for path, condition in pairs {
      ["/nowhere/ca.pem"] = "file_missing",
      [pki.folder()] = "file_directory",
      [pki.write("")] = "file_empty",
      [pki.write("garbage")] = "not_pem",
    } do
      local done, failure = context:loadVerifyLocations(path)
      assert.is_nil(done)
      tells(failure, condition, path:lower())
    end
  end)

  it("tells of a missing and of a wrong passphrase, without showing it", function()
    local context = scissl.SciSslContext.new()
    local pem = assert(pki.client.key:toPem("secret"))
    local _, failure = context:usePrivateKey(pem)
    tells(failure, "passphrase_missing", "encrypted")
    _, failure = context:usePrivateKey(pem, "hunter2")
    tells(failure, "passphrase_wrong", "passphrase does not decrypt")
    assert.is_nil(failure:errorHint():find("hunter2", 1, true))
  end)

  it("tells of a connection that was cut", function()
    local client, server = ends.connected()
    assert(server:shutdown("w"))
    tells(ends.read(client, server), "truncated", "close_notify")
  end)

  it("tells of a peer that closed in mid-handshake", function()
    local client, server = ends.pair()
    assert.is_true(ends.notYet(client, client:sslConnect()))
    server:close()
    local failure = client:sslConnect()
    assert.is_true(scissl.isSslError(failure))
    assert.truthy(failure:condition() == "handshake_eof" or failure:condition() == "connection_reset",
      failure:condition())
  end)

  it("tells of a peer that speaks HTTP", function()
    local near, far = assert(scissl.SciSocket.pair())
    local client = assert(scissl.SciSslSocket.on(near, ends.clientContext()))
    assert(client:sslInitialize())
    assert(far:send("HTTP/1.1 400 Bad Request\r\n\r\n"))
    tells(client:sslConnect(), "plain_http", "plain http", "443")
  end)

  it("tells of a client that speaks HTTP", function()
    local near, far = assert(scissl.SciSocket.pair())
    local server = assert(scissl.SciSslSocket.on(near, ends.serverContext()))
    assert(server:sslInitialize())
    assert(far:send("GET / HTTP/1.1\r\n\r\n"))
    tells(server:sslAccept(), "plain_http", "plain http")
  end)

  it("tells of a peer that speaks something else", function()
    local near, far = assert(scissl.SciSocket.pair())
    local client = assert(scissl.SciSslSocket.on(near, ends.clientContext()))
    assert(client:sslInitialize())
    assert(far:send("220 mail.example ESMTP\r\n"))
    tells(client:sslConnect(), "not_tls", "starttls")
  end)

  it("tells what is missing before sslInitialize and after close", function()
    local client = ends.pair { initialize = false }
    tells(client:sslConnect(), "not_initialized", "sslinitialize()")
    client:close()
    tells(client:sslConnect(), "closed", "closed")
  end)

  it("tells of flags without SSL_VERIFY_PEER", function()
    local _, failure = scissl.SciSslContext.new():setVerify(scissl.SSL_VERIFY_CLIENT_ONCE)
    tells(failure, "verify_flags", "ssl_verify_peer")
  end)

  it("names the alert that came", function()
    local client, server = ends.pair {
      version = "TLSv1.2",
      client = { setup = function(context) assert(context:setCipherList("ECDHE-ECDSA-AES128-GCM-SHA256")) end },
      server = { setup = function(context) assert(context:setCipherList("ECDHE-ECDSA-AES256-GCM-SHA384")) end },
    }
    tells((ends.handshake(client, server)), "alert_received", "'handshake_failure'")
  end)
end)
