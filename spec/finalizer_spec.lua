-- Finalizers run wherever a method makes a value, and may close the very object that the method is at work on.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

-- Calls `act`, once, when the collector has run `delay` times.
local function arm(delay, act)
  return setmetatable({}, { __gc = function()
    if delay == 0 then act() else arm(delay - 1, act) end
  end })
end

-- Runs `call` while every value that is made runs the collector, and `act` comes after `delay` of them.
local function under_pressure(delay, act, call)
  collectgarbage("incremental", 1, 1000)
  collectgarbage() -- these count from here on
  arm(delay, act)
  pcall(call)
  collectgarbage("incremental", 200, 100)
end

-- Each of `calls` with an object of its own, which is closed at each of its first allocations.
local function survives(make, close, calls)
  for _, call in pairs(calls) do
    for _, delay in ipairs { 0, 1, 2, 3, 5, 8 } do
      local object, more = make()
      under_pressure(delay, function() close(object) end, function() return call(object, more) end)
      close(object)
    end
  end
  collectgarbage()
  collectgarbage()
end

local function by_close(object) object:close() end
local function by_leaving(object) local _ <close> = object end

local function method(name, ...)
  local arguments = table.pack(...)
  return function(object) return object[name](object, table.unpack(arguments, 1, arguments.n)) end
end

local function methods(names)
  local calls = {}
  for _, name in ipairs(names) do calls[name] = method(name) end
  calls.tostring = tostring
  return calls
end

describe("A finalizer that closes", function()
  it("a certificate in the middle of each of its methods harms nobody", function()
    local pem = pki.issue { subject = "CN=a,O=b+OU=c", names = { "a.example", "192.0.2.1", "mailto:a@b" },
      ocspUris = { "http://o.example/" }, crlUris = { "http://c.example/" }, policies = { "1.2.3" } }.certificatePem
    local calls = methods { "toPem", "toDer", "subject", "issuer", "subjectAltNames", "serial", "fingerprint",
      "keyType", "keyGroup", "publicPem", "publicDer", "spkiPin", "signatureAlgorithm", "signatureDigest", "keyUsage",
      "extendedKeyUsage", "subjectKeyId", "authorityKeyId", "authorityInfoAccess", "crlDistributionPoints", "policies",
      "signedCertificateTimestamps", "extensions", "subjectFields", "issuerFields", "tlsa", "isSelfSigned" }
    calls.verify = method("verify", { pki.ca.certificate })
    calls.issue = function(certificate)
      return scissl.SciSslX509Certificate.issue { subject = "CN=x", key = pki.server.key, issuer = certificate,
        issuerKey = pki.server.key, extensions = { { oid = "1.2.3", data = "\5\0" } } }
    end
    calls.chainToPem = function(certificate) return scissl.SciSslX509Certificate.chainToPem { certificate } end
    calls.ocspRequest = function(certificate) return scissl.SciSslOcsp.request(certificate, pki.ca.certificate) end
    survives(function() return assert(scissl.SciSslX509Certificate.fromPem(pem)) end, by_close, calls)
  end)

  it("a key in the middle of what is made with it harms nobody", function()
    local pem = pki.ca.keyPem
    local calls = methods { "toPem", "toDer", "publicPem", "type", "group" }
    calls.toPemEncrypted = method("toPem", "secret")
    calls.issue = function(key)
      return scissl.SciSslX509Certificate.issue { subject = "CN=x", key = key, issuer = pki.ca.certificate,
        issuerKey = key, extensions = { { oid = "1.2.3", data = "\5\0" } }, serial = 5 }
    end
    calls.request = function(key) return scissl.SciSslX509Request.new { subject = "CN=x", key = key } end
    calls.crl = function(key)
      return scissl.SciSslX509Crl.issue { issuer = pki.ca.certificate, issuerKey = key,
        revoked = { { serial = "1" }, { serial = "2" } } }
    end
    calls.pkcs12 = function(key)
      return scissl.SciSslPkcs12.make { key = key, certificate = pki.ca.certificate, passphrase = "secret" }
    end
    calls.ocsp = function(key)
      return scissl.SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate, key = key }
    end
    survives(function() return assert(scissl.SciSslPrivateKey.fromPem(pem)) end, by_close, calls)
  end)

  it("a revocation list, a request or a session in the middle of its methods harms nobody", function()
    local crl_pem = assert(scissl.SciSslX509Crl.issue { issuer = pki.ca.certificate,
      issuerKey = pki.ca.key, number = 7, revoked = { { serial = "1", reason = "keyCompromise" } } }):toPem()
    survives(function() return assert(scissl.SciSslX509Crl.fromPem(crl_pem)) end, by_leaving,
      methods { "toPem", "toDer", "issuer", "number", "revoked", "signatureAlgorithm" })
    local request_pem = assert(scissl.SciSslX509Request.new { subject = "CN=x", names = { "x.example" },
      key = pki.server.key }):toPem()
    survives(function() return assert(scissl.SciSslX509Request.fromPem(request_pem)) end, by_leaving,
      methods { "toPem", "toDer", "publicPem", "subject", "subjectAltNames" })
    local client, server = ends.connected { transport = "memory", version = "TLSv1.2" }
    local session_pem = assert(client:getSession()):toPem()
    client:close()
    server:close()
    survives(function() return assert(scissl.OSSslSession.fromPem(session_pem)) end, by_leaving,
      methods { "toPem", "toDer", "id", "cipher", "hostName", "peerCertificate", "alpnProtocol" })
  end)

  it("a context in the middle of its methods harms nobody", function()
    local calls = methods { "describe", "sessionStatistics", "getVerify" }
    calls.groups = method("setGroups", "P-256")
    calls.alpn = method("setAlpn", { "h2", "http/1.1" })
    calls.options = method("setOptions", { "no_ticket", "no_renegotiation" })
    calls.hosts = method("setVerifyHosts", { "a.example", "b.example" })
    calls.commands = method("setCommands", { { "Groups", "P-256" }, { "MinProtocol", "TLSv1.2" } })
    calls.issuers = method("setAcceptedIssuers", { "CN=a", "CN=b" })
    calls.tickets = method("rotateTicketKeys", scissl.SciSslContext.newTicketKey())
    calls.socket = function(context) return scissl.SciSslSocket.onMemory(context):sslInitialize() end
    calls.keylog = method("setKeylogFile", pki.write "")
    survives(ends.serverContext, by_leaving, calls)
  end)

  for _, version in ipairs(VERSIONS) do
    it("a connection in the middle of what tells of it harms nobody, " .. version, function()
      local context = ends.serverContext { method = version, verify = scissl.SSL_VERIFY_PEER }
      local client_context = ends.clientContext { method = version, identity = pki.client }
      local calls = methods { "peerCertificate", "peerChain", "localCertificate", "localChain", "verifiedChain",
        "acceptedIssuers", "cipher", "version", "serverName", "alpnProtocol", "getSession", "newSessions",
        "sslVerifyCertificate", "temporaryKey", "statistics", "traceEvents", "alertsSent", "stateString", "finished",
        "keylogLines", "negotiatedGroup", "sslRead", "sslPending", "sslShutdown", "ocspResponse", "sslVerifyOcsp",
        "daneAuthority", "ticketAppData", "pskIdentity", "sslInitialize" }
      calls.sslExport = method("sslExport", "EXPORTER-x", 32)
      calls.endPoint = method("channelBinding", "tls-server-end-point")
      calls.write = method("sslWrite", "x")
      survives(function()
        local client, server = ends.connected { transport = "memory", client = client_context, server = context }
        server:sslTrace(true)
        client:sslTrace(true)
        client:sslWrite "hello"
        ends.shuttle(client, server)
        return server, client
      end, by_close, calls)
    end)

    it("a client that stands at the verdict harms nobody, " .. version, function()
      survives(function()
        local client, server = ends.pair { transport = "memory", version = version }
        assert(client:sslSuspendAt "verify")
        ends.handshake(client, server)
        return client, server
      end, by_close, methods { "sslVerdict", "peerChain", "sslApprove", "sslRefuse", "sslConnect" })
    end)
  end
end)

describe("A finalizer", function()
  it("initializes no socket again that a call may be at work on, and new ones as ever", function()
    local client, server = ends.pair { transport = "memory" }
    local fresh = assert(scissl.SciSslSocket.onMemory(ends.serverContext()))
    local answers = {}
    arm(0, function()
      answers.again = table.pack(server:sslInitialize())
      answers.fresh = table.pack(fresh:sslInitialize())
    end)
    collectgarbage()
    collectgarbage()
    assert.are.equal("in_finalizer", answers.again[2]:condition())
    assert.are.equal(fresh, answers.fresh[1])
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    client:close()
    server:close()
  end)

  it("that ends a trace while its events are answered harms nobody", function()
    for delay = 0, 12 do
      local client, server = ends.connected { transport = "memory" }
      server:sslTrace(true)
      client:sslWrite "x"
      ends.shuttle(client, server)
      server:sslRead()
      client:sslKeyUpdate(true)
      ends.shuttle(client, server)
      server:sslRead()
      under_pressure(delay, function() server:sslTrace(false) end, function() return server:traceEvents() end)
      client:close()
      server:close()
    end
  end)

  it("leaves nothing open: what it closes answers closed from then on", function()
    local certificate = assert(scissl.SciSslX509Certificate.fromPem(pki.server.certificatePem))
    local key = assert(scissl.SciSslPrivateKey.fromPem(pki.server.keyPem))
    local context = ends.serverContext()
    local client, server = ends.connected { transport = "memory" }
    arm(0, function()
      certificate:close()
      key:close()
      by_leaving(context)
      server:close()
    end)
    collectgarbage()
    collectgarbage()
    assert.has_error(function() certificate:subject() end)
    assert.has_error(function() key:type() end)
    assert.has_error(function() context:getVerify() end)
    assert.has_error(function() ends.serverContext():usePrivateKey(key) end)
    assert.has_error(function() pki.server.certificate:matchesKey(key) end)
    assert.are.equal("closed", server:sslRead():condition())
    assert.are.equal("closed", select(2, server:sslInitialize()):condition())
    assert.is_nil(server:cipher())
    assert.is_nil(server:serverName())
    assert.is_nil(server:localCertificate())
    assert.are.same({}, server:localChain())
    assert.are.equal("closed", server:stateString())
    assert.is_false(server:isSecure())
    ends.shuttle(client, server)
    assert.are.equal(0, client:sslRead())
    client:close()
  end)
end)

describe("A SciSslError", function()
  -- The arguments make an error of several entries, with texts of all kinds.
  local function make_error()
    return scissl.SciSslX509Certificate.fromDer("\48\130\1\1\48\3\2\1\1" .. ("x"):rep(300))
  end

  local function fields(err)
    return { err:condition(), err:code(), err:reason(), err:library(), err:phase(), err:queue() }
  end

  it("is the same whatever finalizers do to OpenSSL's queue while it is made", function()
    local _, expected = make_error()
    assert.is_true(#expected:queue() > 1)
    local fails = { scissl.SciSslX509Certificate.fromPem, scissl.SciSslX509Certificate.fromDer,
      scissl.SciSslPrivateKey.fromPem, scissl.SciSslContext.new, scissl.OSSslSession.fromDer }
    for _, fail in ipairs(fails) do
      for delay = 0, 60 do
        local err
        under_pressure(delay, function() fail "x" end, function() err = select(2, make_error()) end)
        assert.are.same(fields(expected), fields(err))
      end
    end
  end)

  it("is the same whatever connection finalizers close while it is made", function()
    local _, expected = make_error()
    for delay = 0, 12 do
      local client, server = ends.connected { transport = "memory" }
      local err
      under_pressure(delay, function() client:close() end, function() err = select(2, make_error()) end)
      assert.are.same(fields(expected), fields(err))
      server:close()
    end
  end)

  it("keeps the system's words whatever finalizers make of other numbers", function()
    for delay = 0, 20 do
      local err
      under_pressure(delay, function() scissl.SciSslError.new { errno = 99999 } end,
        function() err = scissl.SciSslError.new { errno = 88888 } end)
      assert.are.equal(88888, err:errno())
      assert.truthy(select(2, err:errno()):find("88888", 1, true))
    end
  end)

  it("keeps long texts of OpenSSL, whole characters only", function()
    local _, err = scissl.SciSslPrivateKey.fromUri("file:/" .. ("é"):rep(1000))
    for _, entry in ipairs(err:queue()) do
      assert.truthy(utf8.len(entry.data or ""))
    end
  end)

  it("names the peer of a lower socket that a finalizer lets go of", function()
    for delay = 0, 12 do
      local listener, port = ends.listener()
      local near = scissl.SciSocket.newStreamSocket()
      near:connect("127.0.0.1", port)
      local upper, err = scissl.SciSocket.on(near), nil
      near = nil -- luacheck: ignore 311
      under_pressure(delay, function() upper:close() end, function() err = select(2, upper:wait("r", 0)) end)
      if err then assert.are.equal("127.0.0.1:" .. port, err:subject()) end
      listener:close()
    end
  end)
end)
