--- spec/fuzz/datagrams.lua: DTLS over a network that changes, loses, doubles, delays and invents datagrams
-- (datagram_net): a server of scissl.datagram with several clients and strangers, on the system's loopback or without a
-- socket, or two ends alone; with any version, cipher suite, pre-shared key or certificate. What must hold:
--
-- * No call raises, and each returns what it may.
-- * Each message that arrives was sent, by the peer that it is taken for, and arrives once.
-- * An address that has not returned a cookie gets no more bytes than it has sent.
-- * The counts of the server are right, and its limits hold.
-- * When the network is sound again, a new client is served.

local scissl = require "scissl"
local Net = require "spec.fuzz.datagram_net"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local MESSAGE = "%s %d %s"

-- ---- messages, which say who has sent them

local Mail = {}
Mail.__index = Mail

local function new_mail()
  return setmetatable({ sent = {}, number = 0 }, Mail)
end

function Mail:write(random, socket, from)
  self.number = self.number + 1
  local length = random:pick { 0, 1, 100, 900, 2000 }
  local message = MESSAGE:format(from, self.number, ("x"):rep(length))
  local answer = socket:sslWrite(message)
  if answer == #message then self.sent[message] = from
  else assert(math.type(answer) == "integer" and answer <= 0 or scissl.isSslError(answer), tostring(answer)) end
end

-- A message has come from `from`, for the end `seen`: a table that remembers what has.
function Mail:check(message, from, seen)
  assert(self.sent[message] == from, ("a message that %s has not sent: %q"):format(from, message:sub(1, 60)))
  assert(not seen[message], "a message has come twice: " .. message:sub(1, 60))
  seen[message] = true
end

function Mail:read(random, socket, from, seen)
  for _ = 1, 20 do
    local answer
    if random:chance(10) then answer = socket:sslRead(random:pick { 1, 10, 5000 }) else answer = socket:sslRead() end
    if type(answer) ~= "string" then
      assert(math.type(answer) == "integer" or scissl.isSslError(answer), tostring(answer))
      return answer
    end
    self:check(answer, from, seen)
  end
end

-- ---- contexts

local keys = { a = ("k"):rep(16) }

local function client_context(options)
  local context = ends.clientContext {
    method = options.version, identity = options.clientCertificate and pki.client or nil,
  }
  if options.psk then assert(context:setPskClient("a", keys.a)) end
  assert(context:setCipherList(options.suites .. ":@SECLEVEL=0"))
  return context
end

local function server_context(options)
  local context = ends.serverContext { method = options.version }
  assert(context:setCipherList(options.suites .. ":@SECLEVEL=0"))
  if options.psk then
    assert(context:setPskServer(keys))
  elseif options.clientCertificate then
    assert(context:addTrusted(pki.ca.certificate))
    assert(context:setVerify(scissl.SSL_VERIFY_PEER))
  end
  return context
end

local suites = {
  "ALL", "ECDHE+AESGCM", "CHACHA20", "AESCCM8", "AESCCM", "AES128-SHA", "ECDHE+AES+SHA1", "AES+SHA256", "DHE+AESGCM",
  "PSK-AES128-GCM-SHA256", "PSK-CHACHA20-POLY1305", "ECDHE-PSK-CHACHA20-POLY1305", "PSK-AES128-CCM8", "PSK-AES256-CCM",
  "PSK-AES128-CBC-SHA256", "PSK-AES128-CBC-SHA", "ECDHE-PSK-AES128-CBC-SHA", "DHE-PSK-AES128-GCM-SHA256",
}

-- Whether two ends with these options understand each other, in this OpenSSL.
local function works(options)
  local good, one, other = pcall(function()
    return ends.handshake(ends.pair { transport = "memory", client = client_context(options),
      server = server_context(options) })
  end)
  return good and one == 1 and other == 1
end

local combinations = {}
for _, version in ipairs { "DTLS", "DTLSv1.2", "DTLSv1" } do
  for _, list in ipairs(suites) do
    local options = { version = version, suites = list, psk = list:find "PSK" ~= nil }
    if works(options) then combinations[#combinations + 1] = options end
  end
end
assert(#combinations >= 20, "too few cipher suites work")

local function setup_of(random)
  local options = {}
  for name, value in pairs(random:pick(combinations)) do options[name] = value end
  if random:chance(3) then options.clientCertificate = true end
  return options
end

local function set_up(random, socket)
  assert(socket:sslSetRetransmission(0.05, 0.1))
  if random:chance(3) then assert(socket:sslSetMtu(random:pick { 256, 300, 600, 1400, 9000 })) end
  return socket
end

-- ---- a server and its clients

local World = {}
World.__index = World

local function key_of(association)
  return association.host .. " " .. association.port
end

-- Where there is no socket: what arrives, and what the server sends, by addresses.
local function plain_of(world)
  return {
    recvFrom = function()
      local first = table.remove(world.arrived, 1)
      if first then return first[1], first[2], first[3] end
      return nil, scissl.SciSslError.new { phase = "recv", condition = "not_ready" }
    end,
    sendTo = function(_, datagram, host, port)
      world:take(host .. " " .. port, datagram)
      return #datagram
    end,
  }
end

-- The server has sent a datagram to this address.
function World:take(key, datagram)
  self.gave[key] = (self.gave[key] or 0) + #datagram
  if self.clients[key] then table.insert(self.clients[key].arrived, datagram) end
end

function World:deliver(datagram, host, port)
  if self.sockets and #datagram > 60000 then return end
  local key = host .. " " .. port
  self.took[key] = (self.took[key] or 0) + #datagram
  table.insert(self.arrived, { datagram, host, port })
end

-- A new address, which has a socket where the server has one.
function World:newAddress(...)
  if not self.sockets then
    self.ports = self.ports + 1
    return self.random:pick { ... }, self.ports
  end
  local socket = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
  socket:setBlocking(false)
  local host, port = socket:getSockName()
  self.sockets[host .. " " .. port] = socket
  return host, port
end

local function never() return false end

-- Lets the server take what has arrived: in C, by its handler or not, or by Lua alone.
function World:pump()
  if not self.sockets then return assert(self.peers:pump()) end
  for _, one in ipairs(self.arrived) do
    self.sockets[one[2] .. " " .. one[3]]:sendTo(one[1], "127.0.0.1", self.port)
  end
  self.arrived = {}
  if self.handler then
    for _ = 1, 200 do assert(self.peers:serve(self.handler, never)) end
  else
    assert(self.peers:pump())
  end
end

-- Takes what the server has sent.
function World:collect()
  for key, socket in pairs(self.sockets or {}) do
    for datagram in function() return (socket:recv(65536)) end do self:take(key, datagram) end
  end
end

function World:newClient(sound)
  local host, port = self:newAddress("192.0.2.1", "192.0.2.9", "198.51.100.7", "2001:db8::1")
  local client = {
    name = ("client%d"):format(port), host = host, port = port, key = host .. " " .. port, arrived = {}, seen = {},
    sound = sound, net = Net.new(self.random, self.log, sound and 1 << 40 or self.rate),
    socket = set_up(self.random, assert(SciSslSocket.onMemory(self.clientContext)):sslInitialize()),
  }
  if sound then client.socket:sslSetMtu(1232) end -- a server drops a ClientHello in several datagrams
  if self.session and self.random:chance(2) then client.socket:setSession(self.session) end
  self.clients[client.key] = client
  self.list[#self.list + 1] = client
  return client
end

-- A client begins again, from the same address: another handshake, another association.
function World:beginAgain(client)
  self.log("%s begins again", client.name)
  client.socket = set_up(self.random, assert(SciSslSocket.onMemory(self.clientContext)):sslInitialize())
  client.seen, client.done = {}, false
end

local function drain(socket)
  local list = {}
  while true do
    local datagram = socket:sslDrain()
    if datagram == "" then return list end
    list[#list + 1] = datagram
  end
end

function World:stepClient(client)
  local random, socket = self.random, client.socket
  for _, datagram in ipairs(client.arrived) do
    for _, one in ipairs(client.net:pass(datagram)) do socket:sslFeed(one) end
  end
  client.arrived = {}
  if not client.done then
    local answer = socket:sslConnect()
    client.done = answer == 1
    client.failed = scissl.isSslError(answer)
    if client.done then self.session = socket:getSession() or self.session end
  else
    if random:chance(2) then self.mail:write(random, socket, client.name) end
    self.mail:read(random, socket, "server for " .. client.name, client.seen)
    if random:chance(40) and not client.sound then socket:sslShutdown() end
  end
  for _, datagram in ipairs(drain(socket)) do
    for _, one in ipairs(client.net:pass(datagram)) do self:deliver(one, client.host, client.port) end
  end
end

function World:throwGarbage()
  local random = self.random
  local client = random:pick(self.list)
  local datagram = client.net:garbage()
  if not datagram or datagram == "" then return end
  if random:chance(2) then return self:deliver(datagram, client.host, client.port) end
  self.strangers = self.strangers or { { self:newAddress "203.0.113.1" }, { self:newAddress "203.0.113.2" } }
  self:deliver(datagram, table.unpack(random:pick(self.strangers)))
end

-- A message of an association: `client` has sent it, in one of its associations.
function World:handle(association, message)
  local client = self.clients[key_of(association)]
  local seen = self.seen[association] or {}
  self.seen[association] = seen
  self.mail:check(message, client.name, seen)
  if self.random:chance(2) and not association.failure then
    self.mail:write(self.random, association.socket_, "server for " .. client.name)
    self.peers:flush(association.socket_, association.host, association.port)
  end
end

function World:serve(association)
  while association.inbox[1] do self:handle(association, table.remove(association.inbox, 1)) end
  if self.random:chance(50) then association:close() end
end

local function size_of(map)
  local count = 0
  for _ in pairs(map) do count = count + 1 end
  return count
end

function World:checkServer()
  local peers, counts = self.peers, self.listener:statistics()
  assert(counts.peers == size_of(peers.list), "peers")
  assert(counts.handshaking == peers.unfinished:count() and #peers.unfinished.heap == counts.handshaking, "handshaking")
  assert(counts.peers <= self.limits.maxPeers and counts.handshaking <= self.limits.maxHandshakes, "limits")
  for key, successor in pairs(peers.successors) do
    assert(peers.list[key] and peers.list[key].done and not successor.done, "successors")
  end
  for _, association in pairs(peers.list) do
    assert(#association.inbox <= self.limits.maxMessages, "maxMessages")
    assert(association.done or association.place, "an unfinished handshake that nothing ends")
  end
  for key, bytes in pairs(self.gave) do
    assert(self.clients[key] or bytes <= self.took[key], key .. " got more than it has sent")
  end
end

function World:round()
  local random = self.random
  for _, client in ipairs(self.list) do
    self:stepClient(client)
    if random:chance(60) or client.failed and random:chance(3) then self:beginAgain(client) end
  end
  while random:chance(2) do self:throwGarbage() end
  if random:chance(3) and #self.arrived > 1 then
    local i, j = random:between(1, #self.arrived), random:between(1, #self.arrived)
    self.arrived[i], self.arrived[j] = self.arrived[j], self.arrived[i]
  end
  self:pump()
  self.peers:runTimers()
  local associations = self.listener:associations()
  table.sort(associations, function(a, b) return key_of(a) < key_of(b) end)
  for _, association in ipairs(associations) do self:serve(association) end
  self:collect()
  self:checkServer()
end

function World:checkSound()
  self.log("a new client, over a sound network")
  for _, association in ipairs(self.listener:associations()) do association:close() end
  self.arrived, self.list = {}, {}
  if self.listener:statistics().peers >= self.limits.maxPeers then return end
  self.peers.handshakeTimeout, self.peers.idleTimeout = 30, 30
  local client = self:newClient(true)
  for _ = 1, 200 do
    if client.done and next(client.seen) then return end
    self:stepClient(client)
    assert(not client.failed, "a client over a sound network has failed")
    if client.done then self.mail:write(self.random, client.socket, client.name) end
    for _, datagram in ipairs(drain(client.socket)) do self:deliver(datagram, client.host, client.port) end
    self:pump()
    self.peers:runTimers()
    for _, association in ipairs(self.listener:associations()) do
      if key_of(association) == client.key then
        association.inbox = {}
        self.mail:write(self.random, association.socket_, "server for " .. client.name)
        self.peers:flush(association.socket_, association.host, association.port)
      end
    end
    self:collect()
    if client.socket:sslPending() == 0 and not client.done then SciSocket.poll({}, 0.001) end
  end
  error "a client over a sound network was not served"
end

local function server_world(random, log)
  local options = setup_of(random)
  local limits = {
    maxPeers = random:pick { 1, 3, 100 }, maxHandshakes = random:pick { 1, 2, 50 },
    maxHandshakesFromOne = random:pick { 1, 2, 50 }, maxMessages = random:pick { 1, 64 },
    handshakeTimeout = random:pick { 0.05, 30 }, idleTimeout = random:pick { 0.05, 30 }, retransmission = 0.05,
  }
  local given = {
    host = "127.0.0.1", port = 0, context = server_context(options), waiter = "poll",
    mtu = random:pick { false, 300, 1200, 5000 } or nil, -- Lua 5.5 finds no end behind a nil
  }
  for name, value in pairs(limits) do given[name] = value end
  local listener = assert(scissl.datagram.listen(given))
  local world = setmetatable({
    random = random, log = log, listener = listener, peers = listener.peers, limits = limits, mail = new_mail(),
    clientContext = client_context(options), rate = random:pick { 3, 10, 40 }, ports = 5000, arrived = {}, gave = {},
    took = {}, clients = {}, list = {}, seen = setmetatable({}, { __mode = "k" }),
  }, World)
  if random:chance(2) then
    local _
    world.sockets = {}
    _, world.port = listener:getSockName()
    if random:chance(2) then
      local serve = listener.peers.makeServe(function(...) return world:handle(...) end, debug.traceback,
        function(raised) error(raised, 0) end)
      world.handler = function() return serve(0) end
    end
  else
    world.peers.plain, world.peers.take, world.peers.attach = plain_of(world), world.peers.receive, nil
  end
  world.peers.onFailure = function(failure) assert(scissl.isSslError(failure)) end
  for _ = 1, random:between(1, 4) do world:newClient() end
  for i = 1, random:between(10, 80) do
    world:round()
    if i % 8 == 0 then SciSocket.poll({}, 0.02) end -- a retransmission is due
  end
  world:checkSound()
  listener:close()
  for _, socket in pairs(world.sockets or {}) do socket:close() end
end

-- ---- two ends alone, over memory or descriptors

local function pass_between(random, net, from, to)
  local count = 0
  local function give(datagram)
    for _, one in ipairs(net:pass(datagram)) do
      if to.tap then to.tap:send(one) else to.socket:sslFeed(one) end
    end
    count = count + 1
  end
  if not from.tap then
    for _, datagram in ipairs(drain(from.socket)) do give(datagram) end
  else
    local datagram = from.tap:recv(65535)
    while datagram and datagram ~= "" do
      give(datagram)
      datagram = from.tap:recv(65535)
    end
  end
  if random:chance(10) then
    local garbage = net:garbage()
    if garbage and garbage ~= "" then
      if to.tap then to.tap:send(garbage) else to.socket:sslFeed(garbage) end
    end
  end
  return count
end

local function make_end(random, context, name, step)
  local made = { name = name, step = step, seen = {} }
  if random:chance(2) then
    local near, far = assert(SciSocket.pair "datagram")
    for _, one in ipairs { near, far } do one:setBlocking(false) end
    made.socket, made.tap = assert(SciSslSocket.on(near, context)), far
  else
    made.socket = assert(SciSslSocket.onMemory(context))
  end
  set_up(random, assert(made.socket:sslInitialize()))
  return made
end

local actions = {
  function(socket) return socket:sslHandleTimeout() end,
  function(socket) return socket:timeout() end,
  function(socket) return socket:sslPending() end,
  function(socket) return socket:dirty() end,
  function(socket) return socket:sslMtu() end,
  function(socket, random) return socket:sslPeek(random:pick { 1, 100 }) end,
  function(socket, random) return socket:sslSetMtu(random:pick { 256, 500, 20000 }) end,
  function(socket) return socket:sslListen "192.0.2.1:1" end,
  function(socket) return socket:sslRenegotiate() end,
  function(socket) return socket:clientHelloRecords() end,
  function(socket) return socket:peerCertificate() end,
}

local function step_end(random, mail, own, peer)
  local socket = own.socket
  if random:chance(6) then random:pick(actions)(socket, random) end
  if not own.done then
    own.done = own.step(socket) == 1
  else
    if random:chance(2) then mail:write(random, socket, own.name) end
    mail:read(random, socket, peer.name, own.seen)
    if random:chance(60) then socket:sslShutdown() end
  end
end

local function two_ends(random, log)
  local options, mail = setup_of(random), new_mail()
  local client = make_end(random, client_context(options), "client", function(socket) return socket:sslConnect() end)
  local listened = not random:chance(2)
  local server = make_end(random, server_context(options), "server", function(socket)
    if not listened then
      local answer = socket:sslListen "192.0.2.1:1"
      listened = answer == 1 or scissl.isSslError(answer)
      return 0
    end
    local answer = socket:sslAccept()
    if socket:sslGetError(answer) == scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB and not random:chance(3) then
      socket:clientHello()
      if random:chance(2) then socket:sslSetContext(server_context(options)) end
      if random:chance(20) then socket:sslRefuse() end
    end
    return answer
  end)
  if random:chance(2) then assert(server.socket:sslSuspendAt "clientHello") end
  local net = Net.new(random, log, random:pick { 3, 10, 40 })
  for i = 1, random:between(10, 100) do
    step_end(random, mail, client, server)
    step_end(random, mail, server, client)
    pass_between(random, net, client, server)
    pass_between(random, net, server, client)
    if i % 10 == 0 then SciSocket.poll({}, 0.02) end
  end
  for _, one in ipairs { client, server } do
    one.socket:close()
    if one.tap then one.tap:close() end
  end
end

return function(random, log)
  if random:chance(3) then two_ends(random, log) else server_world(random, log) end
end
