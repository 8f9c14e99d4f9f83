--- spec/fuzz/features.lua: what connections of the fuzzers can have.
--
--    options = features.choose(random)            every choice, contexts included; `clientMustFail`, `serverMustFail`
--                                                 say why an end must never complete
--    client, server = features.pair(options)      two SciSslSockets, initialised
--    features.describe(options)                   a line for the log

local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local samples = require "spec.fuzz.samples"

local features = {}

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

-- Wrong certificates of servers and of clients: no verifying peer may accept them.
local wrong_servers = { "strangeServer", "wrongHost", "expired", "notYetValid", "selfSigned" }
local wrong_clients = { "stranger", "expiredClient", "notYetValidClient", "selfSignedClient" }

local psk_key = ("k"):rep(32)

-- Settings of either context; each is drawn by a chance.
local both = {
  alpn = function(context) context:setAlpn { "h2", "http/1.1" } end,
  groups = function(context) context:setGroups "P-256:X25519" end,
  cbc = function(context) context:setCipherList "ECDHE-ECDSA-AES128-SHA:PSK-AES128-CBC-SHA:@SECLEVEL=0" end,
  keylog = function(context) context:setKeylog(true) end,
  padding = function(context) context:setBlockPadding(512) end,
  fragments = function(context) context:setMaxSendFragment(512) end,
  renegotiation = function(context) context:setRenegotiation(true) end,
}

local of_servers = {
  store = function(context)
    local kept
    context:setSessionCacheMode("server", false)
    context:setSessionStore(function() return kept end)
    kept = scissl.OSSslSession.fromPem(samples.text.session12)
  end,
  tickets = function(context) context:setTicketKeys { scissl.SciSslContext.newTicketKey() } end,
  noTickets = function(context)
    context:setOptions "no_ticket"
    context:setNumTickets(0)
  end,
  staple = function(context) context:setOcspResponse(samples.der.ocsp) end,
  early = function(context) context:setMaxReplayableData(2000) end,
  guard = function(context) context:setReplayGuard(function() return true end) end,
}

local of_clients = {
  staple = function(context) context:setOcspPolicy "request" end,
  later = function(context) context:setPostHandshakeAuth(true) end,
  small = function(context) context:setMaxFragmentLength(1024) end,
}

local function names(list)
  local _, sorted = samples.list(list)
  return sorted
end

local both_names, server_names, client_names = names(both), names(of_servers), names(of_clients)

local function draw(random, sorted, chosen)
  for _, name in ipairs(sorted) do
    if random:chance(4) then chosen[#chosen + 1] = name end
  end
  return chosen
end

local function apply(context, chosen, own)
  for _, name in ipairs(chosen) do (both[name] or own[name])(context) end
end

local function choose_identities(options, random)
  options.serverIdentity = pki.server
  if random:chance(4) then
    options.wrong = random:pick(wrong_servers)
    options.serverIdentity = pki[options.wrong]
    options.clientMustFail = "server: " .. options.wrong
  end
  if random:chance(2) then
    options.verifyClient = true
    options.clientIdentity = random:pick { pki.client, pki.client, pki[random:pick(wrong_clients)] }
    if options.clientIdentity ~= pki.client then options.serverMustFail = "client's certificate" end
  end
end

local function choose_psk(options, random)
  options.psk = true
  options.serverIdentity, options.clientIdentity = false, false
  if random:chance(4) then
    options.wrongKey = true
    options.clientMustFail, options.serverMustFail = "another key", "another key"
  end
end

local function set_psk(options, client, server)
  if not options.psk then return end
  client:setPskClient("id", options.wrongKey and ("w"):rep(32) or psk_key)
  server:setPskServer(function(identity) return identity == "id" and psk_key or nil end)
end

local function make_contexts(options)
  local function server_context(identity)
    return ends.serverContext { method = options.version, identity = identity,
      verify = options.verifyClient and REQUIRE or nil,
      setup = function(context) apply(context, options.onServer, of_servers) end }
  end
  options.serverContext = server_context(options.serverIdentity)
  -- Where a handler changes to another context, that must not make a wrong certificate a right one.
  options.otherContext = server_context(options.serverIdentity)
  options.clientContext = ends.clientContext { method = options.version, identity = options.clientIdentity or nil,
    setup = function(context)
      apply(context, options.onClient, of_clients)
      if options.resume then context:setSessionCacheMode "client" end
    end }
  set_psk(options, options.clientContext, options.serverContext)
  set_psk(options, options.clientContext, options.otherContext)
end

-- A session of an undisturbed connection by the same contexts; nil where there is none.
local function make_session(options)
  local client, server = features.pair(options)
  local client_answer, server_answer = ends.handshake(client, server)
  if client_answer == 1 and server_answer == 1 then
    if server:sslWrite "x" == 1 then ends.read(client, server) end
    options.session = client:getSession()
  end
  client:close()
  server:close()
end

function features.choose(random)
  local options = { transport = random:chance(4) and "pair" or "memory", version = random:pick { "TLSv1.2", "TLSv1.3" },
    onClient = draw(random, client_names, draw(random, both_names, {})),
    onServer = draw(random, server_names, draw(random, both_names, {})) }
  if random:chance(6) then choose_psk(options, random) else choose_identities(options, random) end
  options.resume = random:chance(3)
  make_contexts(options)
  if options.resume and not (options.clientMustFail or options.serverMustFail) then make_session(options) end
  options.clientStations = draw(random, { "verify", "certificate" }, {})
  options.serverStations = draw(random, { "clientHello", "verify", "certificate" }, {})
  return options
end

-- Over two pairs of sockets, whose other ends are `options.taps`.
local function through_middle(options)
  local taps, sockets = {}, {}
  for _, name in ipairs { "client", "server" } do
    local near, far = assert(scissl.SciSocket.pair())
    near:setBlocking(false)
    far:setBlocking(false)
    sockets[name], taps[name] = assert(scissl.SciSslSocket.on(near, options[name .. "Context"])), far
    assert(sockets[name]:sslInitialize())
  end
  options.taps = taps
  assert(sockets.client:sslSetServerName "localhost")
  assert(sockets.client:sslSetVerifyHost "localhost")
  return sockets.client, sockets.server
end

function features.pair(options)
  local client, server
  if options.transport == "middle" then
    client, server = through_middle(options)
  else
    client, server = ends.pair { transport = options.transport, client = options.clientContext,
      server = options.serverContext }
  end
  if options.clientStations then
    client:sslSuspendAt(table.unpack(options.clientStations))
    server:sslSuspendAt(table.unpack(options.serverStations))
  end
  if options.session then client:setSession(options.session) end
  return client, server
end

function features.describe(options)
  local words = {}
  for name, value in pairs(options) do
    if type(value) == "table" and type(value[1]) == "string" then value = table.concat(value, "+") end
    if type(value) ~= "table" and type(value) ~= "userdata" then words[#words + 1] = name .. "=" .. tostring(value) end
  end
  table.sort(words)
  return table.concat(words, " ") .. (options.session and " session" or "")
end

return features
