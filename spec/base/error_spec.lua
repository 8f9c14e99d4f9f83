-- SciSslError: what it knows of a real failure, and one made by hand.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslError, SciSslContext = scissl.SciSslError, scissl.SciSslContext
local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local PEER = scissl.SSL_VERIFY_PEER
local REQUIRE = PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

-- The answers of both ends of a handshake that fails; a client that finished meets it at its first read.
local function failure(options)
  local client, server = ends.pair(options)
  local client_answer, server_answer = ends.handshake(client, server)
  if client_answer == 1 then client_answer = ends.read(client, server) end
  return client_answer, server_answer, client, server
end

local function expired(version)
  return (failure { version = version or "TLSv1.3", server = { identity = pki.expired } })
end

describe("SciSslError of a refused certificate", function()
  for _, version in ipairs(VERSIONS) do
    it("knows everything about it, on the side that refuses, " .. version, function()
      local err = refusals.failed("certificate_expired", "connect", expired(version))
      assert.are.equal("localhost", err:subject())
      assert.are.equal(scissl.SSL_ERROR_SSL, err:sslError())
      assert.are.same({ "certificate_expired", "sent", 45 }, { err:alert() })
      assert.are.same({ scissl.X509_V_ERR_CERT_HAS_EXPIRED, "certificate has expired" }, { err:verifyResult() })
      assert.are.equal("certificate verify failed", err:reason())
      assert.are.equal("SSL routines", err:library())
      assert.are.equal(134, err:code() & 0x7fffff)
      assert.is_nil(err:errno())
      assert.is_nil(err:cause())
      local first = err:queue()[1]
      assert.are.same({ err:code(), err:library(), err:reason() }, { first.code, first.library, first.reason })
      assert.are.equal("string", type(first.file))
      assert.are.equal("integer", math.type(first.line))
    end)

    it("knows what the other side said, " .. version, function()
      local _, err = failure { version = version, server = { identity = pki.expired } }
      refusals.failed("server_certificate_refused", "accept", err)
      assert.are.same({ "certificate_expired", "received", 45 }, { err:alert() })
      assert.is_nil(err:verifyResult())
      assert.truthy(err:errorHint():find("expired", 1, true))
    end)
  end
end)

describe("SciSslError of the system", function()
  it("has errno and its text, and no OpenSSL code", function()
    local _, err = SciSslContext.new():useCertificateFile("/nowhere/at/all")
    assert.are.same({ 2, "No such file or directory" }, { err:errno() })
    assert.are.equal(0, err:code())
    assert.is_nil(err:library())
    assert.is_nil(err:reason())
    assert.is_nil(err:alert())
    assert.are.same({}, err:queue())
    assert.are.equal("/nowhere/at/all", err:subject())
    assert.are.equal("load", err:phase())
  end)
end)

-- Each condition that a user may meet, by a failure of its own.
local real = {}

local function add(condition, phase, words, make) real[#real + 1] = { condition, phase, words, make } end

local function handshake_failures(version)
  local function by(condition, phase, words, options, side)
    options.version = version
    add(condition, phase, words, function() return (select(side or 1, failure(options))) end)
  end
  by("certificate_expired", "connect", "localhost", { server = { identity = pki.expired } })
  by("certificate_not_yet_valid", "connect", "clock", { server = { identity = pki.notYetValid } })
  by("certificate_self_signed", "connect", "self-signed", { server = { identity = pki.selfSigned } })
  by("certificate_unknown_issuer", "connect", "caFile", { server = { identity = pki.strangeServer } })
  by("certificate_wrong_host", "connect", "localhost", { server = { identity = pki.wrongHost } })
  by("certificate_wrong_ip", "connect", "127.0.0.1", { server = { identity = pki.wrongHost },
    verifyHost = "127.0.0.1" })
  by("client_certificate_missing", "accept", "client", { server = { verify = REQUIRE } }, 2)
  by("client_certificate_refused", version == "TLSv1.3" and "read" or "connect", "trust",
    { client = { identity = pki.stranger }, server = { verify = PEER } })
  by("certificate_unknown_issuer", "accept", "CA", { client = { identity = pki.stranger },
    server = { verify = PEER } }, 2)
  by("no_shared_alpn", "accept", "ALPN", {
    client = { setup = function(context) assert(context:setAlpn { "a" }) end },
    server = { setup = function(context) assert(context:setAlpn { "b" }) end } }, 2)
  by("no_shared_alpn", "connect", "ALPN", {
    client = { setup = function(context) assert(context:setAlpn { "a" }) end },
    server = { setup = function(context) assert(context:setAlpn { "b" }) end } })
  by("no_shared_cipher", "accept", "cipher", {
    client = { setup = function(context)
      assert(context:setCipherList("ECDHE-ECDSA-AES128-GCM-SHA256"))
      assert(context:setCiphersuites("TLS_AES_128_GCM_SHA256"))
    end },
    server = { setup = function(context)
      assert(context:setCipherList("ECDHE-ECDSA-AES256-GCM-SHA384"))
      assert(context:setCiphersuites("TLS_AES_256_GCM_SHA384"))
    end } }, 2)
end

for _, version in ipairs(VERSIONS) do handshake_failures(version) end

add("no_shared_group", "accept", "group", function()
  return (select(2, failure { version = "TLSv1.3",
    client = { setup = function(context) assert(context:setGroups("P-384")) end },
    server = { setup = function(context) assert(context:setGroups("X25519")) end } }))
end)
add("protocol_version", "accept", "minProtocol", function()
  return (select(2, failure { client = { method = "TLSv1.2" }, server = { method = "TLSv1.3" } }))
end)
add("protocol_version", "connect", "minProtocol", function()
  return (failure { client = { method = "TLSv1.2" }, server = { method = "TLSv1.3" } })
end)
add("no_shared_cipher", "accept", "certificate", function()
  return (select(2, failure { version = "TLSv1.2", server = { identity = false } }))
end)

-- A client that has begun, over memory, and then hears these bytes, or the end of its transport.
local function hears(bytes)
  local client = ends.pair { transport = "memory" }
  client:sslConnect()
  if bytes then client:sslFeed(bytes) else client:sslFeedEnd() end
  return (client:sslConnect())
end

add("plain_http", "connect", "HTTP", function() return hears("HTTP/1.1 400 Bad Request\r\n\r\n") end)
add("not_tls", "connect", "STARTTLS", function() return hears("220 mail.example ESMTP\r\n") end)
add("handshake_eof", "connect", "closed", function() return hears(nil) end)
add("truncated", "read", "close_notify", function()
  local client, server = ends.connected {}
  assert(server:shutdown("w"))
  return ends.read(client, server)
end)
add("not_initialized", "connect", "sslInitialize", function()
  return (ends.pair { initialize = false }):sslConnect()
end)
add("closed", "read", "closed", function()
  local client = ends.connected {}
  client:close()
  return client:sslRead()
end)
add("handshake_needed", "write", "handshake", function() return (ends.pair {}):sslWrite("x") end)
add("wrong_role", "accept", "sslAccept", function()
  local client = ends.pair {}
  client:sslConnect()
  return client:sslAccept()
end)

-- These answer nil, SciSslError.
local function second(_, err) return err end
add("key_mismatch", "load", "pair", function() return second(ends.serverContext():usePrivateKey(pki.client.key)) end)
add("passphrase_wrong", "load", "passphrase", function()
  return second(ends.serverContext():usePrivateKey(pki.server.key:toPem("right"), "wrong"))
end)
add("passphrase_missing", "load", "passphrase", function()
  return second(ends.serverContext():usePrivateKey(pki.server.key:toPem("right")))
end)
add("file_missing", "load", "/nowhere", function()
  return second(ends.serverContext():usePrivateKeyFile("/nowhere"))
end)
add("file_directory", "load", "directory", function()
  return second(ends.serverContext():useCertificateFile(pki.folder()))
end)
add("file_empty", "load", "empty", function()
  return second(ends.serverContext():useCertificateFile(pki.write("")))
end)
add("not_pem", "load", "DER", function()
  return second(ends.serverContext():useCertificate(pki.ca.certificate:toDer()))
end)
add("timeout", "connect", "0.01", function()
  local client = ends.pair {}
  return second(scissl.handshake(client, "connect", { timeout = 0.01 }))
end)
add("connection_refused", "connect", "127.0.0.1", function()
  local listener, port = ends.listener()
  listener:close()
  local client = assert(scissl.SciSslSocket.new(ends.clientContext()))
  local done, err = client:connect("127.0.0.1", port)
  if not done then return err end
  assert(client:sslInitialize())
  return second(scissl.handshake(client, "connect", { timeout = 30 }))
end)
add("verify_flags", "option", "SSL_VERIFY_PEER", function()
  return second(SciSslContext.new():setVerify(scissl.SSL_VERIFY_CLIENT_ONCE))
end)

describe("A real failure has one line of hint that says what and where:", function()
  for _, case in ipairs(real) do
    local condition, phase, words, make = table.unpack(case)
    it(("%s while in %s"):format(condition, phase), function()
      local err = refusals.failed(condition, phase, make())
      assert.truthy(err:errorHint():find(words, 1, true), err:errorHint())
      assert.is_true(#err:errorHint() < 500)
    end)
  end
end)

describe("SciSslError", function()
  it("answers its queue as a table of tables, oldest first, and the same each time", function()
    local err = expired()
    assert.are.equal(err:queue(), err:queue())
    assert.are.equal(err:code(), err:queue()[1].code)
  end)

  it("joins texts, on either side", function()
    local err = expired()
    assert.are.equal("a: " .. tostring(err), "a: " .. err)
    assert.are.equal(tostring(err) .. "!", err .. "!")
    assert.are.equal(tostring(err):rep(2), err .. err)
    assert.are.equal("1" .. tostring(err), 1 .. err)
  end)

  it("is what assert and error raise", function()
    local plain_assert = load "return assert"() -- busted's own makes strings of errors
    local done, err = pcall(plain_assert, SciSslContext.new():useCertificateFile("/nowhere"))
    assert.is_false(done)
    assert.are.equal("file_missing", refusals.check(err):condition())
    assert.are.same({ false, err }, { pcall(error, err) })
  end)

  it("calls ifSslErrorDo's function with itself, and answers what that answers", function()
    local err = expired()
    assert.are.same({ err, 1, nil, 3, n = 4 }, table.pack(err:ifSslErrorDo(function(given)
      return given, 1, nil, 3
    end)))
    assert.are.equal(0, select("#", err:ifSslErrorDo(function() end)))
    assert.error_matches(function() err:ifSslErrorDo() end, "bad argument #1 to 'ifSslErrorDo'")
    assert.error_matches(function() err:ifSslErrorDo("f") end, "bad argument #1 to 'ifSslErrorDo'")
    assert.error_matches(function() err:ifSslErrorDo(function() error("passed on") end) end, "passed on")
    local thread = coroutine.wrap(function() return pcall(err.ifSslErrorDo, err, coroutine.yield) end)
    thread() -- may not yield, and says so
  end)

  it("keeps the Lua value behind it", function()
    local cause = setmetatable({}, { __tostring = function() return "no keys today" end })
    local _, err = ends.serverContext():usePrivateKey(pki.server.key:toPem("secret"), function() error(cause) end)
    assert.are.equal(cause, err:cause())
    assert.truthy(err:errorHint():find("no keys today", 1, true))
  end)

  it("is told from every other value", function()
    assert.is_true(scissl.isSslError(expired()))
    for _, value in ipairs { 0, "", {}, print, SciSslContext.new(), SciSslError } do
      assert.is_false(scissl.isSslError(value))
    end
    assert.is_false(scissl.isSslError(nil))
    assert.is_false(scissl.isSslError())
  end)

  it("has methods for its receivers alone", function()
    for _, name in ipairs { "phase", "condition", "message", "subject", "code", "library", "reason", "sslError",
      "queue", "cause", "errno", "alert", "verifyResult", "ifSslErrorDo" } do
      for _, value in ipairs { {}, "x", SciSslContext.new() } do
        assert.error_matches(function() SciSslError[name](value, print) end, "bad argument #1 to")
      end
      assert.error_matches(function() SciSslError[name]() end, "bad argument #1 to")
    end
  end)

  it("has a text even where its hint fails", function()
    local err = expired()
    local hint = SciSslError.errorHint
    finally(function() SciSslError.errorHint = hint end)
    for _, broken in ipairs { function() error("broken") end, function() return "" end, function() end, false } do
      SciSslError.errorHint = broken
      assert.are.equal("SciSslError: connect: certificate has expired", tostring(err))
    end
  end)
end)

describe("SciSslError.new", function()
  it("takes each of its fields", function()
    local cause = {}
    local err = SciSslError.new { phase = "read", condition = "timeout", message = "too late", subject = "example.org",
      sslError = scissl.SSL_ERROR_SYSCALL, errno = 110, verifyResult = scissl.X509_V_ERR_CERT_HAS_EXPIRED,
      cause = cause }
    assert.are.same({ "read", "timeout", "too late", "example.org", scissl.SSL_ERROR_SYSCALL, 110,
      scissl.X509_V_ERR_CERT_HAS_EXPIRED, cause }, { err:phase(), err:condition(), err:message(), err:subject(),
      err:sslError(), (err:errno()), (err:verifyResult()), err:cause() })
  end)

  it("needs none of them", function()
    local err = refusals.check(SciSslError.new {})
    assert.are.same({ "unknown", "unknown", scissl.SSL_ERROR_SSL, 0 },
      { err:phase(), err:condition(), err:sslError(), err:code() })
  end)

  it("raises for other fields, other types and no table", function()
    for _, fields in ipairs { { nonsense = 1 }, { Phase = "read" }, { "read" }, { [true] = 1 }, { phase = {} },
      { condition = true }, { message = print }, { subject = {} }, { sslError = "x" }, { errno = 1.5 },
      { verifyResult = "x" } } do
      assert.error_matches(function() SciSslError.new(fields) end, "bad argument #")
    end
    for _, value in ipairs { "read", 42, true } do
      assert.error_matches(function() SciSslError.new(value) end, "bad argument #1 to 'new'")
    end
    assert.error_matches(function() SciSslError.new() end, "bad argument #1 to 'new'")
  end)

  it("takes nothing from what OpenSSL reported before", function()
    SciSslContext.new():addTrusted("no PEM")
    local err = SciSslError.new { phase = "read" }
    assert.are.same({ 0, {} }, { err:code(), err:queue() })
  end)
end)

describe("A failure that is over", function()
  -- Calls that leave OpenSSL with something to report.
  local function spoil()
    SciSslContext.new():addTrusted("no PEM")
    SciSslContext.new():usePrivateKey(pki.server.key:toPem("right"), "wrong")
    scissl.SciSslX509Certificate.fromDer("0123")
    scissl.OSSslSession.fromPem("nothing")
    SciSslContext.new():setCipherList("nonsense")
    expired()
  end

  for _, version in ipairs(VERSIONS) do
    it("colours no later call: handshake, read, write, shutdown, " .. version, function()
      local client, server = ends.pair { version = version }
      local answers = { {}, {} }
      while not (answers[1] == 1 and answers[2] == 1) do
        for i, call in ipairs { client.sslConnect, server.sslAccept } do
          local socket = i == 1 and client or server
          spoil()
          answers[i] = call(socket)
          spoil()
          assert.is_true(answers[i] == 1 or ends.notYet(socket, answers[i]), tostring(answers[i]))
        end
      end
      spoil()
      assert.is_true(ends.notYet(server, server:sslRead()))
      spoil()
      assert.are.equal(2, server:sslWrite("hi"))
      spoil()
      assert.are.equal("hi", ends.read(client, server))
      spoil()
      assert.are.equal(0, server:sslShutdown())
      spoil()
      assert.are.equal(0, ends.read(client, server))
      assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(0))
      spoil()
      assert.are.equal(1, client:sslShutdown())
    end)

    it("colours no later failure, " .. version, function()
      local client, server = ends.connected { version = version }
      assert(server:shutdown("w"))
      spoil()
      local err = refusals.failed("truncated", "read", (ends.read(client, server)))
      assert.are.equal(1, #err:queue())
      local plain <close> = assert(scissl.SciSslSocket.new(ends.clientContext()))
      spoil()
      assert.are.same({}, plain:sslConnect():queue())
      local _, missing = SciSslContext.new():useCertificateFile("/nowhere")
      spoil()
      assert.are.same({}, missing:queue())
    end)
  end

  it("keeps what it knew", function()
    local err = expired()
    local before = { err:code(), err:reason(), tostring(err) }
    spoil()
    assert.are.same(before, { err:code(), err:reason(), tostring(err) })
  end)
end)
