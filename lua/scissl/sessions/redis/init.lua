--- Sessions of a fleet of servers, kept in Redis, so that a client can resume at every server.
--
-- `scissl.listen { …, sessions = store }` does everything. Two things are shared:
--
-- * **Sessions** that clients do not keep themselves (TLS 1.2 without tickets, and all sessions where
--   `SSL_OP_NO_TICKET` is set or early data is accepted), by the digest of their id, for as long as they can be
--   resumed. The first server that resumes a TLS 1.3 session removes it, so that neither the session nor early data is
--   used twice.
-- * **Ticket keys**, which encrypt the sessions that clients keep. They change every `rotation` seconds. The next key
--   is shared a whole rotation before a server encrypts with it, and old keys are kept as long as their tickets live,
--   so that every ticket can be decrypted. Clocks may differ by up to `rotation` less `refresh`.
--
-- *What is stored.* A session allows to decrypt its connections (up to TLS 1.2 also past ones) and to impersonate its
-- client, whose certificate it contains; a ticket key allows this for all its tickets. So each value is encrypted and
-- authenticated, together with its name, with the fleet's `secret` (see `scissl.seal`). Someone who can read Redis
-- learns how many sessions there are and when they were made; someone who can write there can remove sessions or
-- restore old ones, and cannot make new ones. `secret = false` stores plain values.
--
-- *When Redis does not respond*, or returns nonsense, clients make full handshakes; nothing fails. The first call waits
-- `timeout` seconds at most; then Redis is not asked for `retry` seconds, and after each further failure twice as long,
-- up to `maxRetry`. The known ticket keys stay in use: for one to two rotations all servers can decrypt each other's
-- tickets, and every server its own for as long as Redis is away.
-- @classmod SciSslSessionRedis

local core = require "scissl.core"
local hexadecimal = require "scissl.base.hexadecimal"
local link = require "scissl.sessions.redis.redis_link"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local resp = require "scissl.sessions.redis.resp_client"
local ring = require "scissl.sessions.redis.key_ring"

local OSSslSession = core.OSSslSession
local NO_TICKET = core.SSL_OP_NO_TICKET

local Redis = { __name = "SciSslSessionRedis" }
Redis.__index = Redis

local TIMEOUT, RETRY, MAX_RETRY = 0.5, 1, 30
local ROTATION, REFRESH = 3 * 60 * 60, 60
local SESSION_SECONDS = 7200 -- OpenSSL's default
local MAX_BYTES = 64 * 1024
local ID_BYTES = 32
local IDENTITIES = 2 -- pre-shared keys of a TLS 1.3 client that are looked up: each may take a call to Redis

-- ---- values: encrypted, and bound to their names

local function seal(self, name, bytes)
  local secret = self.secrets[1]
  if not secret then return bytes end
  return core.seal(secret, bytes, name)
end

local function unseal(self, name, bytes)
  if not self.secrets[1] then return bytes end
  for _, secret in ipairs(self.secrets) do
    local plain = core.unseal(secret, bytes, name)
    if plain then return plain end
  end
end

-- For a missing key, clients of Redis return nil, false or an object of their own.
local function fetch(self, name)
  local there, value = self.link:call("get", self.prefix .. name)
  if not there then return false end
  if type(value) ~= "string" then return true, nil end
  return true, #value <= MAX_BYTES and unseal(self, name, value) or false
end

local function remember(self, name, bytes, seconds, ...)
  local value = seal(self, name, bytes)
  if not value or #value > MAX_BYTES then return false end
  return self.link:call("set", self.prefix .. name, value, "EX", math.max(1, math.ceil(seconds)), ...)
end

-- ---- the store of the key ring

local function ring_store(self)
  return {
    fetch = function(_, name)
      local there, record = fetch(self, name)
      return there, record
    end,
    announce = function(_, name, record, seconds)
      local there, reply = remember(self, name, record, seconds, "NX")
      return there, reply == true or reply == "OK"
    end,
    isAway = function() return self.link:isAway() end,
  }
end

-- ---- sessions

local function name_of(id)
  return "session:" .. hexadecimal(core.digest("SHA256", id))
end

local function seconds_left(session)
  return session:time() + session:timeout() - os.time()
end

-- Redis runs one command at a time: of several servers that ask for the session, one removes it.
local function take_out(self, name)
  local there, count = self.link:call("del", self.prefix .. name)
  return there and (count == true or count == 1)
end

--- Finds a session. A TLS 1.3 session is removed from the store.
-- @function SciSslSessionRedis:find
-- @tparam string id raw bytes
-- @treturn ?OSSslSession nil also where Redis does not respond
function Redis:find(id)
  options.checkArgument(1, "find", id, "string", 2)
  local name = name_of(id)
  local _, bytes = fetch(self, name)
  local session = bytes and OSSslSession.fromDer(bytes)
  if not session or session:id() ~= id or not session:isResumable() or seconds_left(session) <= 0 then return nil end
  if session:protocol() == "TLSv1.3" and not take_out(self, name) then return nil end
  return session
end

--- Stores a session. One without an id, or that cannot be resumed, is ignored.
-- @function SciSslSessionRedis:put
-- @tparam OSSslSession session
-- @treturn boolean true: it is stored; false: Redis does not respond, or it was ignored
function Redis:put(session)
  options.checkArgument(1, "put", session, "OSSslSession", 2)
  local id, left = session:id(), seconds_left(session)
  if id == "" or left <= 0 or not session:isResumable() then return false end
  local bytes = session:toDer()
  return bytes ~= nil and (remember(self, name_of(id), bytes, left))
end

--- Removes a session: it cannot be resumed any more, unless a client has it in a ticket.
-- @function SciSslSessionRedis:remove
-- @tparam OSSslSession|string session or its id
-- @treturn boolean true: it was stored
function Redis:remove(session)
  options.checkArgument(1, "remove", session, "OSSslSession|string", 2)
  return take_out(self, name_of(type(session) == "string" and session or session:id()))
end

-- ---- contexts

local function keeps_sessions(context)
  return context:getOptions() & NO_TICKET ~= 0 or context:getMaxReplayableData() > 0
end

-- Whether some context keeps TLS 1.3 sessions on the server, in place of tickets that contain them. The methods of a
-- closed context raise.
local function is_stateful(self)
  for context in pairs(self.contexts) do
    local open, keeps = pcall(keeps_sessions, context)
    if open and keeps then return true end
  end
  return false
end

local function share_keys(self, keys, version)
  for context, seen in pairs(self.contexts) do
    if seen ~= version then
      local open = pcall(context.setTicketKeys, context, keys)
      self.contexts[context] = open and version or nil
    end
  end
end

--- Gets new ticket keys where they are due. `scissl.listen` calls it for each connection; a server with a loop of its
-- own calls it before each handshake, or regularly.
-- @function SciSslSessionRedis:refresh
-- @treturn SciSslSessionRedis the receiver
function Redis:refresh()
  share_keys(self, self.ring:update())
  return self
end

-- OpenSSL's look-up in the middle of the handshake. Nothing can yield there, so it asks Redis only where the
-- ClientHello could not be used before.
local function look_up(self)
  return function(id)
    local asked = self.asked[id]
    self.asked[id] = nil
    if self.yields or asked then return nil end
    return self:find(id)
  end
end

--- Makes the servers of a context share their sessions: sets its session store, session id context and ticket keys, and
-- turns OpenSSL's own cache off, which does not see what other servers remove. `scissl.listen` calls it for its own
-- context and those of `sni`. The contexts must be configured alike on all servers, above all the CAs of clients.
-- @function SciSslSessionRedis:serve
-- @tparam SciSslContext context
-- @tparam[opt=""] string name sessions are resumed only at contexts with the same name
-- @treturn SciSslContext the context
-- @raise where its sessions live longer than the ticket keys
function Redis:serve(context, name)
  options.checkArgument(1, "serve", context, "SciSslContext", 2)
  options.checkArgument(2, "serve", name, "string|nil", 2)
  if context:getTimeout() > self.sessionSeconds then
    error(("the context's sessions live %d seconds, but ticket keys only serve sessions of up to %d: see the option "
      .. "'sessionTimeout' to 'scissl.sessions.redis.new'"):format(context:getTimeout(), self.sessionSeconds), 2)
  end
  context:setSessionIdContext(core.digest("SHA256", string.pack(">s4s4", self.prefix, name or "")))
  context:setSessionCacheMode("both", false)
  context:setSessionStore(look_up(self))
  self.contexts[context] = 0
  if not self.yields or coroutine.isyieldable() then self:refresh() end
  return context
end

-- ---- handshakes

-- The identities of pre-shared keys that may be ids of sessions (RFC 8446, section 4.2.11).
local function identities_of(hello)
  local found = {}
  local good, list = pcall(string.unpack, ">s2", hello:extension(41) or "")
  local position = 1
  while good and position <= #list and #found < IDENTITIES do
    local identity
    good, identity, position = pcall(string.unpack, ">s2xxxx", list, position)
    if good and #identity == ID_BYTES then found[#found + 1] = identity end
  end
  return found
end

-- A client that sends a ticket makes up an id, by whose echo it sees that the server accepted the ticket.
local function ids_of(hello, stateful)
  if hello:offersPreSharedKey() then return stateful and identities_of(hello) or {} end
  local id, ticket = hello:sessionId(), hello:extension(35)
  if id == "" or (ticket and ticket ~= "" and not stateful) then return {} end
  return { id }
end

local function offer(self, socket, hello)
  local asked = {}
  for _, id in ipairs(ids_of(hello, is_stateful(self))) do
    local session = self:find(id)
    if session and socket:setSession(session) then break end
    asked[id] = true
  end
  self.asked = asked -- set last: nothing yields between this and OpenSSL's look-up
end

local function go_on(self, socket, hello, returned, ...)
  if options.is(returned, "SciSslContext") then
    local done, failure = socket:sslSetContext(returned)
    if not done then return nil, failure end
  elseif returned ~= true and (returned ~= nil or ... ~= nil) then return returned, ... end
  offer(self, socket, hello)
  return true
end

--- Makes a handler `onClientHello` for `scissl.handshake`. It gets the ticket keys and the client's session from Redis
-- while the handshake is suspended, where the client of Redis may yield.
-- @function SciSslSessionRedis:onClientHello
-- @tparam[opt] function handler another handler that is called first, for example one that chooses a context by name
-- @treturn function
function Redis:onClientHello(handler)
  options.checkArgument(1, "onClientHello", handler, "callable|nil", 2)
  return function(socket, hello)
    self:refresh()
    if not handler then return go_on(self, socket, hello, true) end
    return go_on(self, socket, hello, handler(socket, hello))
  end
end

--- Stores the sessions that a server's connection has made. `scissl.listen` calls it after each handshake.
-- @function SciSslSessionRedis:keep
-- @tparam SciSslSocket socket after its handshake
-- @treturn {OSSslSession,...} those that it has stored
function Redis:keep(socket)
  options.checkArgument(1, "keep", socket, "SciSslSocket", 2)
  local stateful
  local stored = {}
  for _, session in ipairs(socket:newSessions()) do
    if stateful == nil then stateful = is_stateful(self) end
    if (stateful or session:protocol() ~= "TLSv1.3") and self:put(session) then stored[#stored + 1] = session end
  end
  return stored
end

--- Tells whether Redis is left alone: the last call failed, and the next try is not due.
-- @function SciSslSessionRedis:isAway
-- @treturn boolean
function Redis:isAway()
  return self.link:isAway()
end

--- Closes the connections to Redis. The store stays usable: it makes new ones when it needs them.
-- @function SciSslSessionRedis:close
function Redis:close()
  self.link:close()
end

Redis.__close = Redis.close

function Redis:__tostring()
  return ("SciSslSessionRedis: %s%s"):format(self.where, self.link:isAway() and ", away" or "")
end

receiver.guard(Redis)

-- ---- making one

local known_options = {
  secret = "string|strings|false",
  connect = "callable",
  client = "table|userdata",
  yields = "boolean",
  prefix = "string",
  retry = "seconds",
  maxRetry = "seconds",
  onOutage = "callable",
  rotation = "count",
  refresh = "seconds",
  sessionTimeout = "count",
  clock = "callable",
}
for name, kind in pairs(resp.kinds) do known_options[name] = kind end

local CALLER = "scissl.sessions.redis.new"

local function refuse(text, ...)
  error(("%s to '%s'"):format(text:format(...), CALLER), 4)
end

local function check_secret(secret)
  if secret == nil then
    refuse "missing option 'secret' (32 random bytes or more, the same on all servers; false: no encryption)"
  end
  local secrets = type(secret) == "table" and secret or { secret or nil }
  if type(secret) == "table" and #secrets == 0 then refuse "an empty list for option 'secret'" end
  for _, one in ipairs(secrets) do
    if #one < 32 then refuse "option 'secret' of less than 32 bytes" end
  end
  return { table.unpack(secrets) }
end

local function check_client(client)
  for _, name in ipairs { "get", "set", "del" } do
    local good, method = pcall(function() return client[name] end)
    if not good or not options.is(method, "callable") then refuse("option 'client' without a method '%s'", name) end
  end
end

local function check_place(given)
  local own = given.connect or given.client
  if given.connect and given.client then refuse "options 'connect' and 'client' exclude each other, given" end
  if given.client then check_client(given.client) end
  for _, name in ipairs { "host", "port", "path", "username", "password", "database", "waiter" } do
    if own and given[name] ~= nil then refuse("option '%s' beside 'connect' or 'client'", name) end
  end
  if not own and given.yields ~= nil then refuse "option 'yields' without 'connect' or 'client'" end
end

local function own_connect(given)
  local place = { timeout = given.timeout or TIMEOUT }
  for name in pairs(resp.kinds) do
    if given[name] ~= nil then place[name] = given[name] end
  end
  return function() return resp.connect(place) end
end

local function describe_place(given)
  if given.connect or given.client then return "a client of its own" end
  return given.path or ("%s port %s"):format(given.host or "127.0.0.1", given.port or 6379)
end

local function check_times(rotation, refresh, seconds)
  if refresh > rotation / 4 then refuse "option 'refresh' of more than a quarter of 'rotation'" end
  if seconds > ring.mostSeconds(rotation) then
    refuse("option 'sessionTimeout' of more than %d times 'rotation'", ring.mostSeconds(1))
  end
end

local redis = {}

--- Makes a store.
-- @function scissl.sessions.redis.new
-- @tparam table given options:
--
-- * `secret` (needed): 32 random bytes or more, the same on all servers, that encrypt what is stored; or a list of
--   them: the first encrypts, and all decrypt, so that a secret can be replaced without an interruption: first append
--   the new one on all servers, then put it first, then remove the old one. `false`: nothing is encrypted
-- * `host`, `port`: of Redis (127.0.0.1, 6379)
-- * `path`: of a Unix-domain socket, in their place
-- * `username`, `password`, `database`: for Redis
-- * `waiter`: how to wait for Redis (see `scissl.wait`)
-- * `connect(timeout)`: in their place, makes a client of another library, such as
--   `function(timeout) return require "redis".connect { host = "…", timeout = timeout } end`. A client has the methods
--   `get(key)`; `set(key, value, "EX", seconds[, "NX"])`, which returns true or `"OK"` where it has set the key; and
--   `del(key)`, which returns the number of keys removed. On failure it raises, or returns nil and why, and is dropped
-- * `client`: in their place, one client that all calls share, also after failures
-- * `yields`: whether that client yields (false): then Redis is asked only at the ClientHello, never inside OpenSSL,
--   where nothing can yield
-- * `timeout`: seconds for each call to Redis (0.5). A client of another library must limit its calls itself
-- * `retry`, `maxRetry`: seconds without calls after the first failure (1), and at most (30)
-- * `onOutage(reason)`: called with the reason when Redis stops responding, and with nil when it responds again
-- * `prefix`: how the keys in Redis begin (`"scissl:"`); fleets with different prefixes share nothing
-- * `rotation`: seconds after which ticket keys change (10800)
-- * `refresh`: seconds between two checks for ticket keys in Redis (60, or a quarter of `rotation` where that is less)
-- * `sessionTimeout`: seconds that the longest sessions of the contexts live (7200), at most seven times `rotation`
-- * `clock`: returns the time as os.time does, which is the default
--
-- @treturn SciSslSessionRedis
-- @raise for unknown options and wrong types, and without `secret`
-- @usage local store = scissl.sessions.redis.new { host = "redis.example", secret = secret }
-- local listener = assert(scissl.listen { port = 443, certificate = …, privateKey = …, sessions = store })
function redis.new(given)
  given = options.read(CALLER, given, known_options, 2)
  local secrets = check_secret(given.secret)
  check_place(given)
  local rotation = given.rotation or ROTATION
  local refresh, seconds = given.refresh or math.min(REFRESH, rotation / 4), given.sessionTimeout or SESSION_SECONDS
  check_times(rotation, refresh, seconds)
  local own = not (given.connect or given.client)
  local self = setmetatable({
    secrets = secrets,
    prefix = given.prefix or "scissl:",
    yields = own and given.waiter ~= nil and given.waiter ~= "poll" or given.yields or false,
    where = describe_place(given),
    sessionSeconds = seconds,
    contexts = setmetatable({}, { __mode = "k" }), -- by context: the version of its ticket keys
    asked = {},                                    -- ids that this handshake has looked up in Redis
    link = link.new {
      connect = own and own_connect(given) or given.connect,
      client = given.client,
      timeout = given.timeout or TIMEOUT,
      retry = given.retry or RETRY,
      maxRetry = math.max(given.maxRetry or MAX_RETRY, given.retry or RETRY),
      onOutage = given.onOutage,
    },
  }, Redis)
  self.ring = ring.new {
    store = ring_store(self), period = rotation, sessions = seconds, refresh = refresh,
    clock = given.clock or os.time,
  }
  return self
end

return redis
