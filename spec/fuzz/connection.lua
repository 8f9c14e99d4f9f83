--- spec/fuzz/connection.lua: a client and a server with anything that a connection can have, and the promises that hold
-- whatever happens to its bytes or to its memory:
--
--    * what is read is a prefix of what the other end has written, in early data as well;
--    * a client that verifies never completes with another certificate than the server's own, or with a wrong one, nor
--      a server that requires one;
--    * every failure is a SciSslError with a condition and a hint;
--    * all comes to an end in a bounded number of steps.
--
--    local connection = Connection.new(random, log)
--    connection:run(transfer)   steps both ends; transfer(connection) moves bytes, and returns how many
--    connection:close()
--    connection.lossy           true: the fuzzer itself has lost bytes
--    connection.call            function(f, …) through which every method is called; the memory fuzzer has its own

local scissl = require "scissl"
local ends = require "spec.support.ends"
local features = require "spec.fuzz.features"
local Random = require "spec.fuzz.random"

local ROUNDS = 60

-- What each end writes; none is a part of another.
local patterns = {}
for i, name in ipairs { "client", "server", "early" } do patterns[name] = Random.new(i, 0):bytes(65536):rep(4) end

local Connection = {}
Connection.__index = Connection

local End = {}
End.__index = End

function End:call(name, ...)
  local call = self.connection.call
  call(self.connection.log, "%s:%s", self.name, name)
  return call(self.socket[name], self.socket, ...)
end

-- ---- promises

local function check_error(err)
  assert(scissl.isSslError(err), "a failure that is no SciSslError")
  assert(type(err:condition()) == "string" and #err:errorHint() > 0, "a failure without a condition or a hint")
end

-- Nobody but the server can have shown what the client has accepted.
local function check_peer(connection)
  if connection.options.psk then return end
  local certificate = connection.client.socket:peerCertificate()
  local own = connection.options.serverIdentity.certificate
  assert(certificate and certificate:toDer() == own:toDer(), "the client completed with another certificate")
end

local function check_data(where, got, pattern, most)
  assert(#got <= most, ("%s got %d bytes of %d"):format(where, #got, most))
  assert(pattern:sub(1, #got) == got, where .. " got other bytes than were sent")
end

function End:check()
  local secure = self.socket:isSecure()
  assert(not (secure and self.mustFail), self.name .. " completed although it must refuse: " .. tostring(self.mustFail))
  local other = self.other
  if self.connection.lossy then return end
  check_data(self.name, self.got, patterns[other.name], other.tried)
  if self.name == "server" then check_data("early data", self.early, patterns.early, other.earlyTried) end
end

-- ---- the handshake

local handlers = {}

handlers["client hello"] = function(self, random)
  self:call "clientHello"
  if random:chance(40) then return self:call("sslRefuse", "unrecognized_name") end
  if random:chance(3) then self:call("sslSetContext", self.connection.options.otherContext) end
  local identity = self.identity
  if identity and random:chance(4) then self:call("sslUseCertificate", identity.certificate, identity.key) end
  self:call "sslApprove"
end

handlers["certificate"] = function(self, random)
  self:call "acceptedIssuers"
  local identity = self.identity
  if identity and random:chance(2) then self:call("sslUseCertificate", identity.certificate, identity.key) end
  self:call "sslApprove"
end

handlers["verify"] = function(self, random)
  local verdict = self:call "sslVerdict"
  self:call "peerChain"
  self:call "ocspResponse"
  if type(verdict) == "table" and verdict.ok and not random:chance(30) then return self:call "sslApprove" end
  self.mustFail = self.mustFail or "refused by its handler"
  self:call("sslRefuse", random:chance(2) and "access_denied" or nil)
end

local stations = { [scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB] = "client hello",
  [scissl.SSL_ERROR_WANT_X509_LOOKUP] = "certificate", [scissl.SSL_ERROR_WANT_RETRY_VERIFY] = "verify" }

-- Looks at what a call returned: a SciSslError ends this end.
function End:judge(answer)
  if answer == nil then return end
  if scissl.isSslError(answer) then
    check_error(answer)
    self.connection.log("%s: %s", self.name, answer:condition())
    self.failed = answer
  end
end

function End:handshake(random)
  if self.name == "client" and self.early ~= false and random:chance(2) then self:writeEarly(random) end
  if self.name == "server" and random:chance(2) then self:readEarly() end
  local answer = self:call(self.name == "client" and "sslConnect" or "sslAccept")
  self:judge(answer)
  if answer == 1 then
    self.done = true
    if self.name == "client" then check_peer(self.connection) end
  elseif math.type(answer) == "integer" then
    local station = stations[self.socket:sslGetError(answer)]
    if station then handlers[station](self, random) end
  end
end

function End:writeEarly(random)
  local length = random:between(1, 300)
  self.earlyTried = math.max(self.earlyTried, self.earlyTaken + length)
  local answer = self:call("sslWriteReplayable", patterns.early, self.earlyTaken + 1, self.earlyTaken + length)
  if math.type(answer) == "integer" and answer > 0 then self.earlyTaken = self.earlyTaken + answer end
end

function End:readEarly()
  local answer = self:call("sslReadReplayable", 1000)
  if type(answer) == "string" then self.early = self.early .. answer end
end

-- ---- data

local deeds = {}

function deeds.write(self, random)
  -- What was not taken is given again, as it must be.
  self.length = self.length or random:pick { 1, 100, 1000, 16384, 20000 }
  self.tried = math.max(self.tried, self.taken + self.length)
  local answer = self:call("sslWrite", patterns[self.name], self.taken + 1, self.taken + self.length)
  self:judge(answer)
  if math.type(answer) == "integer" and answer > 0 then
    self.taken, self.length = self.taken + answer, nil
  end
end

function deeds.read(self, random)
  local answer = self:call("sslRead", random:pick { 1, 1000, 65536 })
  self:judge(answer)
  if type(answer) == "string" then self.got = self.got .. answer end
end

function deeds.peek(self)
  local answer = self:call("sslPeek", 100)
  if type(answer) == "string" then
    local pattern = patterns[self.other.name]
    local same = pattern:sub(#self.got + 1, #self.got + #answer) == answer
    assert(same or self.connection.lossy, self.name .. " peeked at other bytes than were sent")
  end
end

-- What only one role, or one version, may do: a refusal changes nothing.
for deed, name in pairs { update = "sslKeyUpdate", renegotiate = "sslRenegotiate", tickets = "sslSendTickets",
  ask = "sslVerifyClientPostHandshake" } do
  deeds[deed] = function(self, random)
    if not random:chance(3) then return end
    local answer = self:call(name)
    if scissl.isSslError(answer) then check_error(answer) end
  end
end

function deeds.shutdown(self, random)
  if random:chance(6) then self:judge(self:call "sslShutdown") end
end

local FACTS = { "cipher", "version", "getSession", "peerCertificate", "verifiedChain", "statistics", "newSessions",
  "alertsReceived", "keylogLines", "temporaryKey", "signatureScheme", "verifyErrors", "stateString", "pskIdentity",
  "localCertificate", "serverName", "alpnProtocol", "earlyDataStatus", "traceEvents", "daneAuthority" }

function deeds.facts(self, random)
  for _ = 1, 3 do self:call(random:pick(FACTS)) end
end

local OFTEN = { "write", "write", "read", "read", "read", "peek", "update", "renegotiate", "tickets", "ask", "shutdown",
  "facts" }

function End:step(random)
  if self.failed then return end
  if not self.done then return self:handshake(random) end
  if self.length then return deeds.write(self, random) end
  deeds[random:pick(OFTEN)](self, random)
end

-- ---- a connection

local function new_end(connection, name, socket, identity, must_fail)
  return setmetatable({ connection = connection, name = name, socket = socket, identity = identity,
    mustFail = must_fail, got = "", taken = 0, tried = 0, early = "", earlyTaken = 0, earlyTried = 0 }, End)
end

function Connection.new(random, log, options)
  options = options or features.choose(random)
  local connection = setmetatable({ random = random, log = log, options = options, call = function(f, ...)
    return f(...)
  end }, Connection)
  log("features: %s", features.describe(options))
  local client, server = features.pair(options)
  connection.client = new_end(connection, "client", client, options.clientIdentity, options.clientMustFail)
  connection.server = new_end(connection, "server", server, options.serverIdentity, options.serverMustFail)
  connection.client.other, connection.server.other = connection.server, connection.client
  return connection
end

function Connection:check()
  self.client:check()
  self.server:check()
end

--- Steps both ends until nothing moves any more, or both have failed.
function Connection:run(transfer)
  local idle = 0
  for _ = 1, ROUNDS do
    self.client:step(self.random)
    self:check()
    self.server:step(self.random)
    self:check()
    local moved = transfer(self)
    idle = moved == 0 and idle + 1 or 0
    if self.client.failed and self.server.failed or idle > 20 then break end
  end
end

function Connection:close()
  self.call(self.client.socket.close, self.client.socket)
  self.call(self.server.socket.close, self.server.socket)
end

--- Moves everything, unchanged.
function Connection.shuttle(connection)
  if connection.options.transport ~= "memory" then return 1 end
  return connection.call(ends.shuttle, connection.client.socket, connection.server.socket) or 0
end

return Connection
