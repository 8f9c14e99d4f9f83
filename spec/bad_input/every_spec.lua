-- Every setter and loader with input of every bad kind: it raises, or returns nil and a SciSslError with words;
-- its object stays as it was; and a setter that is not in these tables fails the spec.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local nonsense = require "spec.support.nonsense"
local pki = require "spec.support.pki"

local SciSslContext = scissl.SciSslContext

local objects, plus, noise = nonsense.objects, nonsense.plus, nonsense.noise
local no_text, no_number, no_boolean, no_function = nonsense.text, nonsense.number, nonsense.boolean, nonsense.functions
local no_list, no_name, no_flags = nonsense.list, nonsense.name, nonsense.flags
local no_path, no_pem = nonsense.path, nonsense.pem
local refused, sorted, describe_context = nonsense.refused, nonsense.sorted, nonsense.settings

-- ---- the setters of a context

local function no_types()
  return plus(no_list(), { {}, { "x" }, { "x509", "x509" }, { "x509\0" }, { "rawPublicKey", "x509", "x509" },
    { noise } })
end

local function no_pins()
  local pin = pki.ca.certificate:spkiPin()
  local hex = pin:sub(9)
  return { 1, true, "x", print, { 1 }, { {} }, {}, { "" }, { pin, "x" }, { hex }, { "sha1//" .. hex }, { pin .. "=" },
    { pin:sub(1, -2) .. "A" }, { (pin:gsub("..=$", "B/=")) }, { pin:sub(1, -3) .. "==" }, { pin .. "\0" }, { noise } }
end

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
  inheritSessions = function() return plus(no_text(), { "x", 1 }) end,
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
  setCertificateCompression = function()
    return plus(no_list(), { { "x" }, { "zlib", "zlib" }, { "zlib\0" }, { "ZLIB" }, { noise } })
  end,
  setCipherList = no_name,
  setCiphersuites = function()
    return plus(no_text(), { "a\0b", noise, "no such name" })
  end,
  setCommand = no_name,
  setCommands = function()
    return plus(no_list(), { { {} }, { { "Groups" } }, { { "Groups", 1 } }, { { "Groups", "x\0" } }, { { 1, "x" } },
      { { "MinProtocol", "TLSv1.2" }, { "Groups", noise } }, { { "nosuch", "x" } } })
  end,
  setEchKeys = function()
    return plus(no_list(), { { "x" }, { pki.server.keyPem }, { noise },
      { pki.server.keyPem .. pki.server.certificatePem } })
  end,
  setGroups = no_name,
  setKeylog = no_boolean,
  setKeylogFile = function()
    return plus({ {}, print }, objects(), { "", "a\0b", pki.folder(), noise, pki.folder() .. "/missing/x" })
  end,
  setMaxCertList = function() return plus(no_number(), { 0, -1, 1 << 24, math.maxinteger, math.mininteger }) end,
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
  setClientCertificateTypes = function() return no_types() end,
  setPins = function() return no_pins() end,
  setPostHandshakeAuth = no_boolean,
  setPskClient = function() return plus({ {}, true, "x", 1, "a\0b", ("x"):rep(257) }, objects()) end,
  setPskHint = function() return plus(no_text(), { "a\0b", ("x"):rep(257), noise }) end,
  setPskServer = function()
    return { 1, true, "x", { 1 }, { a = 1 }, { [1] = "x" }, { a = "" }, { a = noise }, { [noise] = "x" },
      { ["a\0b"] = "x" }, coroutine.create(print), io.stdout }
  end,
  setPurpose = no_name,
  setRenegotiation = no_boolean,
  setReplayGuard = no_function,
  setSecurityLevel = function() return plus(no_number(), { -1, 6, math.maxinteger, math.mininteger, 1 << 32 }) end,
  setServerCertificateTypes = function() return no_types() end,
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

local function is_context_setter(name)
  for _, word in ipairs { "set", "add", "use", "load", "clear", "accept", "rotate", "flush", "remove" } do
    if name:find("^" .. word .. "%u") then return true end
  end
  return false
end

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

  it("raise for receivers of every other kind #slow", function()
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
  { "setPskClient", function() return "id" end, function() return plus(no_text(), { "", ("x"):rep(513), noise }) end },
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
  sslSetMtu = function() return plus(no_number(), { 255, 65508, -1, 1 << 32, math.maxinteger }) end,
  sslSetRetransmission = function() return plus(no_number(), { 0, 0.01, -1, 3601, math.huge, 0 / 0 }) end,
  sslSetEchConfigs = function() return plus(no_text(), { "", "x", "\0\3\254\13", noise }) end,
  sslSetEchOuterAlpn = context_setters.setAlpn,
  sslSetOcspResponse = context_setters.setOcspResponse,
  sslSetDhParameters = function() -- functions are called where DHE was negotiated: connection/dh_params_spec.lua
    local values = {}
    for _, value in ipairs(no_pem()) do
      if type(value) ~= "function" then values[#values + 1] = value end
    end
    return values
  end,
  sslSetPins = no_pins,
  sslSetReadAhead = no_boolean,
  sslSetRecordSizing = function() return plus(no_number(), { 0, 511, 16385, -1, 1 << 32, math.maxinteger }) end,
  sslSetMaxCertList = context_setters.setMaxCertList,
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
