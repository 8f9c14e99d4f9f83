-- Finalizers run wherever a method makes a value, and may close the very object that the method is at work on.
local scissl = require "scissl"
local collector = require "spec.support.collector"
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
  local calm = collector.hurry(1, 1000)
  collectgarbage() -- these count from here on
  arm(delay, act)
  pcall(call)
  calm()
end

-- Each of `calls` with an object of its own, to which `act` is done at each of its first allocations.
local function survives_all(make, act, calls, delays)
  for _, call in pairs(calls) do
    for _, delay in ipairs(delays or { 0, 1, 2, 3, 5, 8 }) do
      local object, more = make()
      under_pressure(delay, function() act(object, more) end, function() return call(object, more) end)
    end
  end
  collectgarbage()
  collectgarbage()
end

-- The same for what is closed, and for what a finalizer finalizes by hand.
local function survives(make, close, calls)
  survives_all(make, close, calls)
  survives_all(make, function(object) getmetatable(object).__gc(object) end, calls, { 0, 3 })
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
  it("a certificate in the middle of each of its methods harms nobody #slow", function()
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

  it("a key in the middle of what is made with it harms nobody #slow", function()
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

  it("a revocation list, a request or a session in the middle of its methods harms nobody #slow", function()
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

  it("a context in the middle of its methods harms nobody #slow", function()
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
    it("a connection in the middle of what tells of it harms nobody #slow, " .. version, function()
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

    it("a client that stands at the verdict harms nobody #slow, " .. version, function()
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
    assert.error_matches(function() certificate:subject() end, "calling 'subject' on bad self")
    assert.error_matches(function() key:type() end, "calling 'type' on bad self")
    assert.error_matches(function() context:getVerify() end, "calling 'getVerify' on bad self")
    assert.error_matches(function() ends.serverContext():usePrivateKey(key) end, "bad argument #1 to 'usePrivateKey'")
    assert.error_matches(function() pki.server.certificate:matchesKey(key) end, "bad argument #1 to 'matchesKey'")
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

describe("A finalizer that changes", function()
  it("a connection in the middle of what tells of it harms nobody #slow", function()
    local function renegotiable(context) context:clearOptions "no_renegotiation" end
    local server_context = ends.serverContext { method = "TLSv1.2", verify = scissl.SSL_VERIFY_PEER,
      setup = function(context)
        renegotiable(context)
        context:setAcceptedIssuers { "CN=a", "CN=b", "CN=c", "CN=d" }
      end }
    local client_context = ends.clientContext { method = "TLSv1.2", identity = pki.client, setup = renegotiable }
    local function renegotiate(a, b)
      a:sslRenegotiate()
      for _ = 1, 4 do
        ends.shuttle(a, b)
        a:sslRead()
        b:sslRead()
      end
    end
    for i = 1, 2 do
      survives_all(function()
        local client, server = ends.connected { transport = "memory", client = client_context, server = server_context }
        if i == 1 then return client, server end
        return server, client
      end, renegotiate, methods { "peerCertificate", "peerChain", "localCertificate", "localChain", "verifiedChain",
        "acceptedIssuers", "getSession", "sslVerifyCertificate", "sslRead" }, { 0, 2, 5 })
    end
  end)

  it("a client that stands at the verdict harms nobody #slow", function()
    survives_all(function()
      local client, server = ends.pair { transport = "memory" }
      assert(client:sslSuspendAt "verify")
      ends.handshake(client, server)
      return client, server
    end, function(client)
      client:sslApprove()
      client:sslConnect()
    end, methods { "sslVerdict", "peerChain", "sslConnect" })
  end)

  it("a context in the middle of its methods harms nobody #slow", function()
    local calls = methods { "describe", "sessionStatistics" }
    calls.rotate = method("rotateTicketKeys", scissl.SciSslContext.newTicketKey())
    calls.issuers = method("setAcceptedIssuers", { "CN=a", "CN=b" })
    calls.hosts = method("setVerifyHosts", { "a.example", "b.example" })
    survives_all(function()
      local context = ends.serverContext()
      assert(context:setVerifyHosts { ("a"):rep(60) .. ".example", ("b"):rep(60) .. ".example" })
      assert(context:setAcceptedIssuers { "CN=" .. ("a"):rep(60), "CN=" .. ("b"):rep(60) })
      assert(context:setTicketKeys { scissl.SciSslContext.newTicketKey(), scissl.SciSslContext.newTicketKey() })
      return context
    end, function(context)
      context:setVerifyHosts { "c.example" }
      context:setAcceptedIssuers {}
      context:setTicketKeys { scissl.SciSslContext.newTicketKey() }
      context:setCipherList "ECDHE-ECDSA-AES128-GCM-SHA256"
      collectgarbage()
    end, calls)
  end)

  it("a list in the middle of the method that reads it harms nobody", function()
    local function lists()
      return { names = { "a.example", "b.example" }, usage = { "digitalSignature" }, extendedUsage = { "serverAuth" },
        ocspUris = { "http://o.example/" }, policies = { "1.2.3" }, extensions = { { oid = "1.2.3", data = "\5\0" } },
        serial = 7, key = pki.server.key }
    end
    local function spoil(options)
      for _, list in pairs(options) do
        if type(list) == "table" then
          for i = 1, #list do list[i] = nil end
        end
      end
    end
    survives_all(lists, spoil, {
      issue = function(options) return scissl.SciSslX509Certificate.issue(options) end,
      request = function(options) return scissl.SciSslX509Request.new { names = options.names, key = options.key } end,
      hosts = function(options) return ends.clientContext():setVerifyHosts(options.names) end,
      alpn = function(options) return ends.clientContext():setAlpn(options.names) end,
      issuers = function(options) return ends.clientContext():setAcceptedIssuers(options.names) end,
    })
    survives_all(function()
      return { { "Groups", "P-256" }, { "MinProtocol", "TLSv1.2" }, { "Groups", "P-384" } }
    end, function(list) list[1], list[2], list[3] = nil, nil, nil end, {
      commands = function(list) return ends.clientContext():setCommands(list) end,
    })
  end)

  it("the certificates that verify was given harms nobody", function()
    survives_all(function()
      local list = { assert(scissl.SciSslX509Certificate.fromPem(pki.otherCa.certificatePem)) }
      return list, { assert(scissl.SciSslX509Certificate.fromPem(pki.ca.certificatePem)) }
    end, function(intermediates, trusted)
      intermediates[1]:close()
      trusted[1]:close()
    end, { verify = function(intermediates, trusted)
      return pki.server.certificate:verify(trusted, { intermediates = intermediates })
    end })
  end)
end)

describe("A finalizer", function()
  -- What finalizers and the call take together, while `take` is called and a finalizer takes at each allocation.
  local function taken(make, take)
    for delay = 0, 5 do
      local expected = make()
      expected = take(expected)
      local socket, inside, outside = make(), "", ""
      under_pressure(delay, function() inside = take(socket) end, function() outside = take(socket) end)
      assert.are.equal(#expected, #inside + #outside + #take(socket))
      assert.are.equal("", take(socket))
      socket:close()
    end
  end

  it("that drains a socket takes what the call that it interrupts has left", function()
    local client_context = ends.clientContext()
    taken(function()
      local client = assert(scissl.SciSslSocket.onMemory(client_context):sslInitialize())
      client:sslConnect()
      return client
    end, function(client) return client:sslDrain() end)
    taken(function()
      local client = assert(scissl.SciSslSocket.onMemory(client_context):sslInitialize())
      client:sslFeed(("x"):rep(70000))
      return client
    end, function(client) return client:sslUnread() end)
  end)
end)

describe("A SciSslError", function()
  -- An error of several entries, with texts of all kinds.
  local function make_error() return scissl.SciSslPrivateKey.fromUri "nosuch:key" end

  local function fields(err)
    return { err:condition(), err:code(), err:reason(), err:library(), err:phase(), err:queue() }
  end

  it("is the same whatever finalizers do to OpenSSL's queue while it is made #slow", function()
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
