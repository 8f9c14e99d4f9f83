-- Every setter, loader and parser with input of every bad kind: it raises, or answers nil and a SciSslError with words;
-- its object stays as it was; and a setter that is not in these tables fails the spec.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext, SciSslPrivateKey = scissl.SciSslContext, scissl.SciSslPrivateKey
local Certificate, Crl, Request = scissl.SciSslX509Certificate, scissl.SciSslX509Crl, scissl.SciSslX509Request

-- ---- what nobody can use

local function closed(object)
  local _ <close> = object
  return object
end

local noise = (function()
  local bytes = {}
  for i = 1, 100000 do bytes[i] = string.char((i * 167 + i // 7 + i // 1000) % 256) end
  return table.concat(bytes)
end)()

local function objects()
  local _, err = SciSslContext.new "no such method"
  return { coroutine.create(print), io.stdout, err, closed(assert(SciSslContext.new())),
    closed(assert(SciSslPrivateKey.fromPem(pki.server.keyPem))),
    closed(assert(Certificate.fromPem(pki.ca.certificatePem))) }
end

local function plus(...)
  local all = {}
  for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
  return all
end

local NUMBERS = { 0 / 0, math.huge, -math.huge, 1.5, 2 ^ 63, math.mininteger, math.maxinteger, -1, "many" }
local function no_text() return plus({ {}, true, print }, objects()) end
local function no_number() return plus({ {}, true, print, "x", 0 / 0, math.huge, 1.5, 2 ^ 63, "1.5" }, objects()) end
local function no_boolean() return plus({ {}, 1, 0, "true", print }, objects()) end
local function no_function() return plus({ {}, 1, "x", true }, objects()) end
local function no_list() return plus({ 1, true, "x", print, { 1 }, { {} }, { true }, { "a\0b" } }, objects()) end
local function no_name() return plus(no_text(), { "", "a\0b", noise, "no such name" }) end
local function no_flags(...)
  return plus({ true, print, { 1 }, { {} }, 1.5, 1 << 62, "", "a\0b", noise, { "no such name" } }, objects(), { ... })
end
local function no_path() return plus(no_text(), { "", pki.folder(), "a\0b", noise, pki.folder() .. "/missing",
  pki.write(noise), pki.write "" }) end
local function no_pem() return plus(no_text(), { "", "\0", noise, ("\0"):rep(1000),
  "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pki.ca.certificatePem:sub(1, 100) }) end

-- Calls, and demands a refusal.
local function refused(name, call, ...)
  local answers = table.pack(pcall(call, ...))
  local value = select(1, ...)
  local shown = type(value) == "string" and ("%q"):format(value:sub(1, 20)) or tostring(value)
  local words = ("%s with %s"):format(name, shown)
  if not answers[1] then
    assert.are.equal("string", type(answers[2]), words)
    assert.is_true(#answers[2] > 0, words)
  elseif scissl.isSslError(answers[2]) then refusals.check(answers[2])
  else
    assert.is_nil(answers[2], words .. " was taken")
    refusals.check(answers[3])
  end
end

-- ---- the setters of a context

-- Lists of bad arguments, each a value for the first one, or a function that answers {arguments…}.
local context_setters = {
  addChainCertificate = function() return plus(no_text(), { "x", 1 }) end,
  addCrl = function() return plus(no_pem(), { pki.ca.certificatePem, pki.ca.certificate:toDer() }) end,
  addSession = function() return plus(no_text(), { "x", 1 }) end,
  addTrusted = no_pem,
  addTrustedUri = function() return plus(no_path(), { "nosuch:x", "file:" }) end,
  clearOptions = function() return no_flags { "no_ticket", "x" } end,
  clearVerifyFlags = function() return no_flags { "crl_check", "x" } end,
  flushSessions = function() return plus(no_number(), { 0, -1, math.mininteger }) end,
  loadAcceptedIssuers = no_path,
  loadCrlFile = function() return plus(no_path(), { pki.ca.certificateFile }) end,
  loadVerifyLocations = no_path,
  removeSession = function() return plus(no_text(), { "x", 1 }) end,
  rotateTicketKeys = function() return plus(no_text(), { "", ("x"):rep(79), ("x"):rep(81), noise, 1 }) end,
  setAcceptedIssuers = function() return plus(no_list(), { { "CN=a", "x" }, { "CN=\0" }, { noise } }) end,
  setAlpn = function()
    return { 1, true, "x", print, { 1 }, { {} }, { true }, { "" }, { noise }, coroutine.create(print), io.stdout }
  end,
  setAuthLevel = function() return plus(no_number(), { -1, 6, math.maxinteger, math.mininteger }) end,
  setBlockPadding = function() return plus(no_number(), { -1, 16385, math.maxinteger, math.mininteger, 1 << 32 }) end,
  setCipherList = no_name,
  setCiphersuites = function()
    return plus(no_text(), { "a\0b", noise, "no such name" })
  end,
  setCommand = no_name,
  setCommands = function()
    return plus(no_list(), { { {} }, { { "Groups" } }, { { "Groups", 1 } }, { { "Groups", "x\0" } }, { { 1, "x" } },
      { { "MinProtocol", "TLSv1.2" }, { "Groups", noise } }, { { "nosuch", "x" } } })
  end,
  setGroups = no_name,
  setKeylog = no_boolean,
  setKeylogFile = function()
    return plus({ {}, print }, objects(), { "", "a\0b", pki.folder(), noise, pki.folder() .. "/missing/x" })
  end,
  setMaxFragmentLength = function()
    return plus(no_number(), { 0, -1, 513, 8192, 512 + (1 << 32), math.mininteger })
  end,
  setMaxProtocol = no_name,
  setMaxReplayableData = function() return plus(no_number(), { -1, 1 << 32, math.maxinteger, math.mininteger }) end,
  setMaxSendFragment = function() return plus(no_number(), { 0, -1, 511, 16385, math.mininteger, 1 << 32 | 512 }) end,
  setMinProtocol = no_name,
  setNumTickets = function() return plus(no_number(), { -1, 256, 1 << 32, math.maxinteger, math.mininteger }) end,
  setOcspPolicy = no_name,
  setOcspResponse = function() return plus(no_text(), { "", "\0", noise, pki.ca.certificate:toDer() }) end,
  setOptions = function() return no_flags { "no_ticket", "x" } end,
  setPostHandshakeAuth = no_boolean,
  setPskClient = function() return plus({ {}, true, "x", 1, "a\0b", ("x"):rep(129) }, objects()) end,
  setPskHint = function() return plus(no_text(), { "a\0b", ("x"):rep(129), noise }) end,
  setPskServer = function()
    return { 1, true, "x", { 1 }, { a = 1 }, { [1] = "x" }, { a = "" }, { a = noise }, { [noise] = "x" },
      { ["a\0b"] = "x" }, coroutine.create(print), io.stdout }
  end,
  setPurpose = no_name,
  setRenegotiation = no_boolean,
  setReplayGuard = no_function,
  setSecurityLevel = function() return plus(no_number(), { -1, 6, math.maxinteger, math.mininteger, 1 << 32 }) end,
  setSessionCacheMode = no_name,
  setSessionCacheSize = function() return plus(no_number(), { 0, -1, 1 << 31, math.maxinteger, math.mininteger }) end,
  setSessionIdContext = function() return plus(no_text(), { "", ("x"):rep(33), noise }) end,
  setSessionStore = no_function,
  setSignatureAlgorithms = no_name,
  setTicketKeys = function()
    local key, many = SciSslContext.newTicketKey(), {}
    for i = 1, 17 do many[i] = key end
    return plus(no_list(), { {}, { "" }, { key, "x" }, many, { key:sub(1, 79) }, { noise } })
  end,
  setTimeout = function() return plus(no_number(), { 0, -1, math.mininteger }) end,
  setVerify = function()
    return plus(no_number(), { -1, 2, 1 << 20, 1 << 32 | 1, math.mininteger, math.maxinteger })
  end,
  setVerifyDepth = function() return plus(no_number(), { -1, 1001, 1 << 32, math.maxinteger, math.mininteger }) end,
  setVerifyEmail = function() return plus(no_text(), { "", "x", "@", "a@", "@b", "a@b@c", "a\0@b", noise }) end,
  setVerifyFlags = function() return no_flags({ "crl_check", "x" }, "use_check_time") end,
  setVerifyHostFlags = function() return no_flags(1 << 32 | 1) end,
  setVerifyHosts = function()
    return plus(no_list(), { { "" }, { "a..b" }, { "127.0.0.1" }, { "a", "b c" }, { noise } })
  end,
  setVerifyIp = function() return plus(no_text(), { "", "x", "1.2.3", "1.2.3.4.5", "::g", "127.0.0.1\0", noise }) end,
  setVerifyTime = function() return plus(no_number(), { math.maxinteger, math.mininteger, 1 << 40 }) end,
  useCertificate = no_pem,
  useCertificateChain = function() return plus(no_list(), { {}, { pki.ca.certificate, "x" } }) end,
  useCertificateChainFile = no_path,
  useCertificateFile = no_path,
  usePkcs12 = function() return plus(no_text(), { "", "\0", noise, pki.ca.certificate:toDer(), 1 }) end,
  usePkcs12File = no_path,
  usePrivateKey = no_pem,
  usePrivateKeyFile = no_path,
}
local NO_ARGUMENTS = { acceptTrustedIssuers = true, useDefaultTrust = true }

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function is_context_setter(name)
  for _, word in ipairs { "set", "add", "use", "load", "clear", "accept", "rotate", "flush", "remove" } do
    if name:find("^" .. word .. "%u") then return true end
  end
  return false
end

-- All that is set, as one text: luassert takes long for large tables.
local function spell(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for name, field in pairs(value) do parts[#parts + 1] = tostring(name) .. "=" .. spell(field) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function describe_context(context) return spell(context:describe()) end

local function rich_context()
  local context = ends.serverContext { verify = scissl.SSL_VERIFY_PEER }
  assert(context:setAlpn { "h2" })
  assert(context:setOptions "no_ticket")
  assert(context:setTicketKeys { SciSslContext.newTicketKey() })
  assert(context:setAcceptedIssuers { "CN=a" })
  assert(context:setGroups "P-256")
  return context
end

describe("SciSslContext's setters", function()
  it("are all in these tables", function()
    for name in pairs(SciSslContext) do
      if is_context_setter(name) and not NO_ARGUMENTS[name] then assert.truthy(context_setters[name], name) end
    end
    for name in pairs(context_setters) do assert.truthy(SciSslContext[name], name) end
  end)

  for _, name in ipairs(sorted(context_setters)) do
    it("refuse what is none, and leave the context as it was: " .. name, function()
      local context = rich_context()
      local before = describe_context(context)
      for _, value in ipairs(context_setters[name]()) do
        refused(name, function(given) return context[name](context, given) end, value)
        assert.are.equal(before, describe_context(context))
      end
      local client, server = ends.pair { transport = "memory", server = context, client = { identity = pki.client } }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      client:close()
      server:close()
    end)
  end

  it("raise for receivers of every other kind", function()
    for _, name in ipairs(sorted(context_setters)) do
      for _, value in ipairs(plus(no_text(), { 1, "x" })) do
        assert.is_false((pcall(SciSslContext[name], value, 1)), name)
      end
      assert.is_false((pcall(SciSslContext[name])), name)
    end
  end)
end)

-- ---- further arguments

local second_arguments = {
  { "usePrivateKey", function() return pki.server.keyPem end, function() return { 1, true, {}, io.stdout } end },
  { "usePrivateKeyFile", function() return pki.server.keyFile end, function() return { 1, true, {}, io.stdout } end },
  { "usePkcs12", function() return "x" end, function() return { 1, true, {}, "a\0b", io.stdout } end },
  { "usePkcs12File", function() return pki.server.keyFile end,
    function() return { 1, true, {}, "a\0b", io.stdout } end },
  { "loadVerifyLocations", function() return nil end, function()
    return plus(no_text(), { "", "a\0b", noise, pki.folder() .. "/missing", pki.server.keyFile })
  end },
  { "setCommand", function() return "MinProtocol" end, no_name },
  { "rotateTicketKeys", function() return SciSslContext.newTicketKey() end,
    function() return plus(no_number(), { 0, 17, -1, 1 << 32, math.maxinteger }) end },
  { "setPskClient", function() return "id" end, function() return plus(no_text(), { "", ("x"):rep(257), noise }) end },
  { "setPskServer", function() return { a = "x" } end, function() return { 1, true, "x", { digest = "MD5" },
    { digest = 1 }, { tellUnknown = 1 }, { tellUnknwon = true }, { 1 } } end },
}

describe("Second arguments of SciSslContext's setters", function()
  for _, row in ipairs(second_arguments) do
    local name, first, bad = table.unpack(row)
    it("are refused, and leave the context as it was: " .. name, function()
      local context = rich_context()
      local before = describe_context(context)
      for _, value in ipairs(bad()) do
        refused(name, function(given) return context[name](context, first(), given) end, value)
        assert.are.equal(before, describe_context(context))
      end
    end)
  end
end)

-- ---- the setters of a socket

local socket_setters = {
  setBlocking = no_boolean,
  setInheritable = no_boolean,
  setSession = function() return plus(no_text(), { "x", 1 }) end,
  setSockOpt = function() return plus(no_text(), { "", "x", "SO_RCVBUF\0", noise }) end,
  sslAddTlsa = function() return plus(no_text(), { -1, 256, 1 << 32, math.maxinteger, 1.5, "x", "" }) end,
  sslSetAlpn = context_setters.setAlpn,
  sslSetContext = function() return plus(no_text(), { "x", 1 }) end,
  sslSetDane = function() return plus(no_text(), { "", "a..b", "a\0b", noise }) end,
  sslSetOcspResponse = context_setters.setOcspResponse,
  sslSetDhParameters = no_pem,
  sslSetReadAhead = no_boolean,
  sslSetRecordSizing = function() return plus(no_number(), { 0, 511, 16385, -1, 1 << 32, math.maxinteger }) end,
  sslSetServerName = function() return plus(no_text(), { "", "a..b", "a\0b", noise }) end,
  sslSetTicketAppData = function() return plus(no_text(), { noise }) end,
  sslSetVerify = context_setters.setVerify,
  sslSetVerifyHost = function() return plus(no_text(), { "", "a..b", "a\0b", noise }) end,
  sslSetVerifyHosts = context_setters.setVerifyHosts,
  sslSetVerifyHostFlags = context_setters.setVerifyHostFlags,
  sslSuspendAt = no_name,
  sslTrace = no_boolean,
  sslUseCertificate = no_pem,
  sslExport = function() return plus(no_text(), { "", noise }) end,
  channelBinding = no_name,
  sslSendTickets = function() return plus(no_number(), { 0, -1, 256, 1 << 32, math.maxinteger }) end,
}

describe("SciSslSocket's setters", function()
  it("are all in this table", function()
    for name in pairs(scissl.SciSslSocket) do
      local sets = name:find "^set%u" or name:find "^sslSet%u" or name:find "^sslAdd%u" or name:find "^sslUse%u"
      if sets then assert.truthy(socket_setters[name], name) end
    end
    for name in pairs(socket_setters) do assert.truthy(scissl.SciSslSocket[name], name) end
  end)

  for _, name in ipairs(sorted(socket_setters)) do
    it("refuse what is none, and the handshake goes on: " .. name, function()
      for _, station in ipairs { "initialized", "clientHello" } do
        local client, server = ends.pair { transport = "memory" }
        if station == "clientHello" then
          assert(server:sslSuspendAt "clientHello")
          ends.handshake(client, server)
        end
        for _, value in ipairs(socket_setters[name]()) do
          if name == "sslUseCertificate" then
            refused(name, function(given) return server:sslUseCertificate(given, pki.server.key) end, value)
            refused(name, function(given) return server:sslUseCertificate(pki.server.certificate, given) end, value)
          elseif name == "sslAddTlsa" then
            refused(name, function(given) return client:sslAddTlsa(given, 1, 1, ("x"):rep(32)) end, value)
            refused(name, function(given) return client:sslAddTlsa(3, given, 1, ("x"):rep(32)) end, value)
            refused(name, function(given) return client:sslAddTlsa(3, 1, given, ("x"):rep(32)) end, value)
          else
            refused(name, function(given) return server[name](server, given) end, value)
          end
        end
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        client:close()
        server:close()
      end
    end)
  end
end)

-- ---- parsers

local made = {}
local function sample(name, make)
  return function()
    made[name] = made[name] or make()
    return made[name]
  end
end

local crl_object = sample("crl", function()
  return assert(Crl.issue { issuer = pki.ca.certificate, issuerKey = pki.ca.key, number = 3,
    revoked = { { serial = "1", reason = "keyCompromise" } } })
end)
local request_object = sample("request", function()
  return assert(Request.new { subject = "CN=x", names = { "x.example" }, key = pki.server.key })
end)
local session_object = sample("session", function()
  local client, server = ends.connected { transport = "memory", version = "TLSv1.2" }
  local session = assert(client:getSession())
  client:close()
  server:close()
  return session
end)
local pkcs12_bytes = sample("pkcs12", function()
  return assert(scissl.SciSslPkcs12.make { key = pki.server.key, certificate = pki.server.certificate,
    passphrase = "x", iterations = 1 })
end)
local ocsp_bytes = sample("ocsp", function()
  return assert(scissl.SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
    key = pki.ca.key })
end)

local function pem_of(make) return function() return assert(make():toPem()) end end
local function der_of(make) return function() return assert(make():toDer()) end end
local function certificate() return pki.server.certificate end
local function key() return pki.server.key end

local function through_file(parse) return function(bytes) return parse(pki.write(bytes, "parsed")) end end
local function in_context(name, ...)
  local more = table.pack(...)
  return function(bytes)
    local context = assert(SciSslContext.new())
    local before = describe_context(context)
    local answer, err = context[name](context, bytes, table.unpack(more, 1, more.n))
    if not answer then assert.are.equal(before, describe_context(context)) end
    return answer, err
  end
end

local parsers = {
  ["SciSslX509Certificate.fromPem"] = { Certificate.fromPem, pem_of(certificate) },
  ["SciSslX509Certificate.fromPemFile"] = { through_file(Certificate.fromPemFile), pem_of(certificate) },
  ["SciSslX509Certificate.fromDer"] = { Certificate.fromDer, der_of(certificate) },
  ["SciSslX509Certificate.chainFromPem"] = { Certificate.chainFromPem,
    function() return pki.server.certificatePem .. pki.ca.certificatePem end },
  ["SciSslPrivateKey.fromPem"] = { SciSslPrivateKey.fromPem, pem_of(key) },
  ["SciSslPrivateKey.fromPemFile"] = { through_file(SciSslPrivateKey.fromPemFile), pem_of(key) },
  ["SciSslPrivateKey.fromDer"] = { SciSslPrivateKey.fromDer, der_of(key) },
  ["SciSslPrivateKey.fromUri"] = { through_file(SciSslPrivateKey.fromUri), pem_of(key) },
  ["SciSslPrivateKey.fromPem, encrypted"] = { function(text) return SciSslPrivateKey.fromPem(text, "secret") end,
    function() return assert(key():toPem "secret") end },
  ["SciSslX509Crl.fromPem"] = { Crl.fromPem, pem_of(crl_object) },
  ["SciSslX509Crl.fromDer"] = { Crl.fromDer, der_of(crl_object) },
  ["SciSslX509Request.fromPem"] = { Request.fromPem, pem_of(request_object) },
  ["SciSslX509Request.fromDer"] = { Request.fromDer, der_of(request_object) },
  ["OSSslSession.fromPem"] = { scissl.OSSslSession.fromPem, pem_of(session_object) },
  ["OSSslSession.fromDer"] = { scissl.OSSslSession.fromDer, der_of(session_object) },
  ["SciSslPkcs12.parse"] = { function(bytes) return scissl.SciSslPkcs12.parse(bytes, "x") end, pkcs12_bytes },
  ["SciSslOcsp.parse"] = { scissl.SciSslOcsp.parse, ocsp_bytes },
  ["SciSslOcsp.check"] = { function(bytes)
    return scissl.SciSslOcsp.check(bytes, { certificate = pki.server.certificate, issuer = pki.ca.certificate })
  end, ocsp_bytes },
  ["addCrl, PEM"] = { in_context "addCrl", pem_of(crl_object) },
  ["addCrl, DER"] = { in_context "addCrl", der_of(crl_object) },
  ["loadCrlFile"] = { through_file(in_context "loadCrlFile"), der_of(crl_object) },
  ["addTrusted, PEM"] = { in_context "addTrusted", pem_of(certificate) },
  ["addTrusted, DER"] = { in_context "addTrusted", der_of(certificate) },
  ["addTrustedUri"] = { through_file(in_context "addTrustedUri"), pem_of(certificate) },
  ["loadVerifyLocations"] = { through_file(in_context "loadVerifyLocations"), der_of(certificate) },
  ["loadAcceptedIssuers"] = { through_file(in_context "loadAcceptedIssuers"), pem_of(certificate) },
  ["useCertificate"] = { in_context "useCertificate", pem_of(certificate) },
  ["useCertificateFile"] = { through_file(in_context "useCertificateFile"), pem_of(certificate) },
  ["useCertificateChainFile"] = { through_file(in_context "useCertificateChainFile"), pem_of(certificate) },
  ["usePrivateKey"] = { in_context "usePrivateKey", pem_of(key) },
  ["usePrivateKeyFile"] = { through_file(in_context "usePrivateKeyFile"), pem_of(key) },
  ["usePkcs12"] = { in_context("usePkcs12", "x"), pkcs12_bytes },
  ["usePkcs12File"] = { through_file(in_context("usePkcs12File", "x")), pkcs12_bytes },
  ["setOcspResponse"] = { in_context "setOcspResponse", ocsp_bytes },
}

local STEPS = 16

-- Some places of a text of that length, its ends among them.
local function places(length)
  local list = {}
  for i = 0, STEPS do list[#list + 1] = 1 + (length - 1) * i // STEPS end
  return list
end

local function answers_or_refuses(parse, bytes)
  local answer, err = parse(bytes)
  if not answer then refusals.check(err) end
  return answer
end

describe("Parsers", function()
  for _, name in ipairs(sorted(parsers)) do
    local parse, good = table.unpack(parsers[name])

    it("take what is good, and answer a clear error for what is empty or cut off: " .. name, function()
      local bytes = good()
      assert.truthy(answers_or_refuses(parse, bytes))
      assert.is_nil(answers_or_refuses(parse, ""))
      local last_line = bytes:find "%-%-%-%-%-END"
      for _, place in ipairs(places(last_line or #bytes)) do
        assert.is_nil(answers_or_refuses(parse, bytes:sub(1, place - 1)))
      end
    end)

    it("answer an object or a clear error for flipped bits, NUL bytes and too much #slow: " .. name, function()
      local bytes = good()
      for _, place in ipairs(places(#bytes)) do
        for _, byte in ipairs { bytes:byte(place) ~ 1, bytes:byte(place) ~ 0x80, 0, 0xff } do
          answers_or_refuses(parse, bytes:sub(1, place - 1) .. string.char(byte) .. bytes:sub(place + 1))
        end
        answers_or_refuses(parse, bytes:sub(1, place) .. "\0" .. bytes:sub(place + 1))
      end
      for _, place in ipairs { 0, #bytes // 2, #bytes } do
        answers_or_refuses(parse, bytes:sub(1, place) .. noise .. bytes:sub(place + 1))
      end
      assert.is_nil(answers_or_refuses(parse, noise))
      assert.is_nil(answers_or_refuses(parse, ("\0"):rep(100000)))
      assert.is_nil(answers_or_refuses(parse, ("\x30\x84\x7f\xff\xff\xff"):rep(1000)))
    end)
  end

  it("raise for what is no string", function()
    for _, parse in ipairs { Certificate.fromPem, Certificate.fromPemFile, Certificate.fromDer,
      Certificate.chainFromPem, SciSslPrivateKey.fromPem, SciSslPrivateKey.fromPemFile, SciSslPrivateKey.fromDer,
      SciSslPrivateKey.fromUri, Crl.fromPem, Crl.fromDer, Request.fromPem, Request.fromDer, scissl.OSSslSession.fromPem,
      scissl.OSSslSession.fromDer, scissl.SciSslPkcs12.parse, scissl.SciSslOcsp.parse } do
      for _, value in ipairs(no_text()) do
        assert.error_matches(function() parse(value) end, "bad argument #1 to")
      end
      assert.error_matches(function() parse() end, "bad argument #1 to")
    end
  end)
end)

-- ---- tables of options

local constructors = {
  ["SciSslX509Certificate.issue"] = { Certificate.issue, function()
    return { subject = "CN=x", names = { "x.example" }, key = pki.server.key, issuer = pki.ca.certificate,
      issuerKey = pki.ca.key, ca = true, days = 3, notBefore = 1, notAfter = 2 ^ 31 | 0, serial = "1",
      digest = "SHA256",
      usage = { "cRLSign" }, extendedUsage = { "serverAuth" }, pathLength = 0, ocspUris = { "http://a/" },
      caIssuerUris = { "http://a/" }, crlUris = { "http://a/" }, policies = { "1.2.3" },
      extensions = { { oid = "1.2.3", data = "\5\0" } } }
  end },
  ["SciSslX509Request.new"] = { Request.new, function()
    return { subject = "CN=x", names = { "x.example" }, key = pki.server.key, digest = "SHA256" }
  end },
  ["SciSslX509Crl.issue"] = { Crl.issue, function()
    return { issuer = pki.ca.certificate, issuerKey = pki.ca.key, revoked = { { serial = "1" } }, number = "1",
      lastUpdate = 1, nextUpdate = 2 ^ 31 | 0, digest = "SHA256" }
  end },
  ["SciSslOcsp.response"] = { scissl.SciSslOcsp.response, function()
    return { certificate = pki.server.certificate, issuer = pki.ca.certificate, signer = pki.ca.certificate,
      key = pki.ca.key, status = "revoked", reason = "keyCompromise", revocationTime = 1, thisUpdate = 1,
      nextUpdate = 2 ^ 31 | 0, digest = "SHA256" }
  end },
  ["SciSslPkcs12.make"] = { scissl.SciSslPkcs12.make, function()
    return { key = pki.server.key, certificate = pki.server.certificate, chain = { pki.ca.certificate },
      passphrase = "x", friendlyName = "x", iterations = 1 }
  end },
  ["SciSslError.new"] = { scissl.SciSslError.new, function()
    return { phase = "load", condition = "x", message = "x", subject = "x", sslError = 1, errno = 1, verifyResult = 1,
      traceback = "x" }
  end },
}

local WRONG = {
  table = { true, 1, "x", { true }, { print }, { "a\0b" }, { noise } },
  string = { true, {}, 0 / 0, 1.5 },
  number = plus({ true, {} }, NUMBERS),
  boolean = { 1, "true", {} },
  userdata = { true, 1, "x", {} },
}
local BELOW_ZERO = { notBefore = true, thisUpdate = true, nextUpdate = true, lastUpdate = true, revocationTime = true,
  sslError = true, errno = true, verifyResult = true }

describe("Tables of options", function()
  for _, name in ipairs(sorted(constructors)) do
    local construct, good = table.unpack(constructors[name])

    it("are taken where they are good, and no option is unknown: " .. name, function()
      assert.truthy(construct(good()))
      local options = good()
      options.nonsense = 1
      assert.error_matches(function() construct(options) end, "nonsense")
      for _, value in ipairs(no_list()) do
        if type(value) ~= "table" then
          assert.error_matches(function() construct(value) end, "bad argument #1 to")
        end
      end
    end)

    for _, option in ipairs(sorted(good())) do
      it(("refuse values of other kinds, and numbers out of range: %s of %s"):format(option, name), function()
        local kind = type(good()[option])
        for _, value in ipairs(plus({ print, coroutine.create(print), io.stdout, closed(assert(SciSslContext.new())) },
          WRONG[kind])) do
          local options = good()
          options[option] = value
          local text_of_number = name == "SciSslError.new" and kind == "string" and math.type(value)
          local fits = text_of_number or value == 1.5 and option == "days" or value == -1 and BELOW_ZERO[option]
          if not fits then refused(option, function() return construct(options) end, value) end
        end
      end)
    end
  end
end)
