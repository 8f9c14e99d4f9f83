--- A small client of Redis, with what a store of sessions needs, time-outs, and any waiter.
-- @classmod SciSslRedisClient

local client = require "scissl.client.client_options"
local core = require "scissl.core"
local dial = require "scissl.client.tcp_dial"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local wait = require "scissl.loop.wait"
local Claim = require "scissl.base.claim"

local SciSocket, SciSslError = core.SciSocket, core.SciSslError

local Client = { __name = "SciSslRedisClient" }
Client.__index = Client

local MOST = 1 << 20 -- bytes of a reply
local LONGEST_LINE = 1024

local function fail(condition, message)
  return nil, SciSslError.new { phase = "redis", condition = condition, message = message, subject = "Redis" }
end

local function ready(self, events)
  return wait.ready(self.waiter, self.socket, events, self.deadline, "redis", self.timeout, "the reply of Redis")
end

-- ---- bytes

local function send(self, bytes)
  local sent = 0
  while sent < #bytes do
    local count, failure = self.socket:send(bytes, sent + 1)
    if count then sent = sent + count
    elseif failure:condition() ~= "not_ready" then return nil, failure
    else
      local able
      able, failure = ready(self, "w")
      if not able then return nil, failure end
    end
  end
  return true
end

-- Reads more into the buffer.
local function fill(self)
  while true do
    local bytes, failure = self.socket:recv(65536)
    if bytes == "" then return fail("closed", "Redis has closed the connection") end
    if bytes then
      self.buffer:put(bytes)
      return true
    end
    if failure:condition() ~= "not_ready" then return nil, failure end
    local able
    able, failure = ready(self, "r")
    if not able then return nil, failure end
  end
end

local function read_line(self)
  local buffer = self.buffer
  while true do
    local line, is_too_long = buffer:takeLine(LONGEST_LINE, 0)
    if is_too_long then return fail("redis_protocol", "a line of the reply is too long") end
    if line and line:sub(-1) ~= "\r" then return fail("redis_protocol", "a line does not end with CR LF") end
    if line then return line:sub(1, -2) end
    local filled, failure = fill(self)
    if not filled then return nil, failure end
  end
end

local function read_bytes(self, count)
  local buffer = self.buffer
  while buffer:size() < count + 2 do
    local filled, failure = fill(self)
    if not filled then return nil, failure end
  end
  local bytes = buffer:take(count)
  if buffer:take(2) ~= "\r\n" then return fail("redis_protocol", "a reply is not as long as its header says") end
  return bytes
end

-- ---- replies: each reader gets the text behind the sign, and returns the value (false for Redis's nil)

local readers = {
  ["+"] = function(_, text) return text end,
  ["-"] = function(_, text) return fail("redis_refused", text) end,
  [":"] = function(_, text) return math.tointeger(tonumber(text)) end,
  ["$"] = function(self, text)
    if text == "-1" then return false end
    local length = text:match "^%d+$" and #text < 8 and math.tointeger(tonumber(text))
    if not length or length > MOST then return fail("redis_protocol", "a reply is too long") end
    return read_bytes(self, length)
  end,
}

local function read_reply(self)
  local line, failure = read_line(self)
  if not line then return nil, failure end
  local reader, value = readers[line:sub(1, 1)], nil
  if reader then value, failure = reader(self, line:sub(2)) end
  if value == nil and not failure then return fail("redis_protocol", "a reply cannot be understood") end
  return value, failure
end

local function encode(...)
  local parts = { ("*%d\r\n"):format(select("#", ...)) }
  for i = 1, select("#", ...) do
    local text = tostring((select(i, ...)))
    parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#text, text)
  end
  return table.concat(parts)
end

--- Sends a command and reads its reply. A failure closes the connection, since later replies could not be assigned.
-- @function SciSslRedisClient:call
-- @param ... the command and its arguments; numbers are written as text
-- @treturn[1] string|integer|false the reply; false where Redis says nil. Lists are not read
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `redis`: `timeout`, `closed`, `redis_refused` with Redis's words, `redis_protocol`;
--  `busy`: another coroutine waits for its reply, and the connection stays open for it
function Client:call(...)
  if self.closed then return fail("closed", "the connection to Redis is closed") end
  if self.calling:isTaken() then return fail("busy", "another coroutine waits for its reply") end
  local _ <close> = self.calling:take()
  self.deadline = wait.deadline(self.timeout)
  local value, failure = send(self, encode(...))
  if value then value, failure = read_reply(self) end
  if value == nil then self:close() end
  return value, failure
end

--- `GET`. @function SciSslRedisClient:get
function Client:get(key) return self:call("GET", key) end

--- `SET`, with its options. @function SciSslRedisClient:set
function Client:set(key, value, ...) return self:call("SET", key, value, ...) end

--- `DEL`. @function SciSslRedisClient:del
function Client:del(key) return self:call("DEL", key) end

--- Closes the connection. Calling it again does nothing.
-- @function SciSslRedisClient:close
function Client:close()
  self.closed = true
  self.socket:close()
end

Client.__close = Client.close

receiver.guard(Client)

-- ---- connecting

local how = { prepare = function() return true end }

function how.new(_, family)
  local socket, failure = SciSocket.newStreamSocket(family)
  if not socket then return nil, failure end
  local done
  done, failure = socket:setBlocking(false)
  if done then return socket end
  socket:close()
  return nil, failure
end

-- Returns a connected socket; or nil and a SciSslError.
local function open(given, waiter, deadline)
  local host, port = given.host or "127.0.0.1", given.port or 6379
  return dial({
    host = host, port = port, path = given.path, subject = given.path or client.withPort(host, port),
    waiter = waiter, deadline = deadline, timeout = given.timeout,
  }, how)
end

local function introduce(self, given)
  local done, failure = true, nil
  if given.username then done, failure = self:call("AUTH", given.username, given.password)
  elseif given.password then done, failure = self:call("AUTH", given.password) end
  if done and given.database then done, failure = self:call("SELECT", given.database) end
  return done, failure
end

local resp = {}

resp.kinds = {
  host = "string",
  port = "port",
  path = "string",
  username = "string",
  password = "string",
  database = "integer",
  timeout = "seconds",
  waiter = "string|callable",
}

--- Connects to Redis.
-- @function scissl.sessions.redis.resp_client.connect
-- @tparam table given `host` (127.0.0.1) and `port` (6379), or the `path` of a Unix-domain socket; `username`,
--  `password`, `database`; `timeout`: seconds for the connection and for each command, without it no limit; `waiter`
--  (see
--  `scissl.wait`)
-- @treturn[1] SciSslRedisClient
-- @treturn[2] nil
-- @treturn[2] SciSslError `connection_refused`, `timeout`, `redis_refused` …
-- @raise for unknown options and wrong types
function resp.connect(given)
  given = options.read("scissl.sessions.redis.resp_client.connect", given, resp.kinds, 2)
  local waiter = wait.find(given.waiter, 2)
  local deadline = wait.deadline(given.timeout)
  local socket, failure = open(given, waiter, deadline)
  if not socket then return nil, failure end
  local self = setmetatable({
    socket = socket, waiter = waiter, timeout = given.timeout, deadline = deadline,
    buffer = getmetatable(core).newBytes(),
    calling = Claim.new(),
  }, Client)
  local done
  done, failure = introduce(self, given)
  if done then return self end
  self:close()
  return nil, failure
end

return resp
