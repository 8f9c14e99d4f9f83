--- Sockets with the methods that copas expects, for programs that are written for `copas.addserver` and `copas.wrap`.
--
--    local faces = require "scissl.copas"
--    copas.addserver(faces.server(listener), function(socket)
--      socket = copas.wrap(socket)
--      local line = socket:receive "*l"
--      …
--
-- They return what sockets of LuaSocket and LuaSec return, error strings and partial results included. They work with
-- copas 1 to 4; copas 4 tells TCP from TLS and UDP by the beginning of `tostring(socket)`: "tcp", "SSL", anything else.
-- New programs should use SciSslStream with the waiter `"copas"`: its errors say more.
-- @module scissl.copas

local copas = require "copas"
local core = require "scissl.core"
local handshake = require "scissl.tls.handshake"
local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"

local isSslError, newBytes = core.isSslError, getmetatable(core).newBytes
local waiter = wait.find "copas"

local faces = {}

-- copas 1 knows one word for "not ready", and waits for what the name of the call says.
local is_old = tostring(copas._VERSION):find("Copas 1%.") ~= nil

-- ---- connections

local Socket = {}
Socket.__index = Socket

function Socket:__tostring()
  return "SSL connection: " .. tostring(self.ssl)
end

-- Conditions that LuaSocket calls "closed".
local closed = { closed = true, broken_pipe = true, connection_reset = true }

local function fail(failure)
  return isSslError(failure) and closed[failure:condition()] and "closed" or tostring(failure)
end

-- What to do after a TLS call that was not ready: true: repeat it at once; or nil and the word that copas expects.
local function not_yet(self, answer, natural)
  local events, code = wait.wanted(self.ssl, answer)
  if not events then return nil, code == core.SSL_ERROR_ZERO_RETURN and "closed" or "not served" end
  if not is_old then return nil, events == "r" and "wantread" or "wantwrite" end
  if events == natural then return nil, "timeout" end
  local ready, reason = waiter(self.ssl, events)
  if ready then return true end
  return nil, tostring(reason)
end

-- Does the handshake once. It waits by itself, since it may wait for more than the network.
function Socket:dohandshake()
  if not self.begin then return true end
  local begin = self.begin
  self.begin = nil
  local done, failure = begin()
  if done then return true end
  self.failure = fail(failure)
  return nil, self.failure
end

local takers = {}

-- Each removes what the pattern asks for from the buffer and returns it; nil where it is not there.
takers["*l"] = function(buffer) return (buffer:takeLine(math.huge, 0)) end

takers["*a"] = function() end

local function take_count(count)
  return function(buffer)
    if buffer:size() >= count then return buffer:take(count) end
  end
end

local function find_taker(pattern, prefix)
  if type(pattern) == "number" then return take_count(math.max(0, pattern - #prefix)) end
  local taker = takers[pattern] or takers["*" .. tostring(pattern)]
  return taker or error("bad argument #1 to 'receive' (invalid pattern)", 3)
end

local function finish(self, prefix, pattern, reason)
  local partial = prefix .. self.buffer:take(self.buffer:size())
  if reason == "closed" and tostring(pattern):find("a", 1, true) then return partial end
  return nil, reason, partial
end

function Socket:receive(pattern, prefix)
  pattern, prefix = pattern or "*l", prefix or ""
  local taker = find_taker(pattern, prefix)
  if not self:dohandshake() or self.failure then return nil, self.failure, prefix end
  while true do
    local taken = taker(self.buffer)
    if taken then
      local whole = prefix .. taken
      return type(pattern) == "string" and whole:gsub("\r$", "") or whole
    end
    local answer = self.ssl:sslRead()
    if isSslError(answer) then return finish(self, prefix, pattern, fail(answer)) end
    if type(answer) == "string" then
      self.buffer:put(answer)
    else
      local again, reason = not_yet(self, answer, "r")
      if not again then return finish(self, prefix, pattern, reason) end
    end
  end
end

function Socket:send(data, first, last)
  first, last = first or 1, last or #data
  if last < 0 then last = #data + 1 + last end
  last = math.min(last, #data)
  if not self:dohandshake() or self.failure then return nil, self.failure, first - 1 end
  while first <= last do
    local answer = self.ssl:sslWrite(data, first, last)
    if isSslError(answer) then return nil, fail(answer), first - 1 end
    if answer > 0 then
      first = first + answer
    else
      local again, reason = not_yet(self, answer, "w")
      if not again then return nil, reason, first - 1 end
    end
  end
  return last
end

function Socket.settimeout() return 1 end -- the socket never blocks, as copas expects

function Socket:dirty()
  return self.buffer:size() > 0 or self.ssl:dirty()
end

function Socket:getfd() return self.ssl:getfd() end

function Socket:close()
  return self.ssl:close() and 1
end

function Socket:shutdown()
  self.ssl:sslShutdown()
  return 1
end

function Socket:getpeername() return self.ssl:getPeerName() end
function Socket:getsockname() return self.ssl:getSockName() end
function Socket:getalpn() return self.ssl:alpnProtocol() end
function Socket:getsniname() return self.ssl:serverName() end

--- Returns the SciSslSocket.
function Socket:sslSocket() return self.ssl end

--- Makes a socket for copas of a connection. Bytes that a stream has read ahead are not in it.
-- @function scissl.copas.socket
-- @tparam SciSslStream|SciSslSocket connection a stream whose handshake is done; or the connected and initialized
--  socket of a client: its first call does the handshake
-- @treturn table for `copas.wrap`
function faces.socket(connection)
  options.checkArgument(1, "copas.socket", connection, "SciSslStream|SciSslSocket", 2)
  local ssl = type(connection) == "table" and connection:socket() or connection
  ssl:setBlocking(false)
  local face = setmetatable({ ssl = ssl, buffer = newBytes() }, Socket)
  if not ssl:isSecure() then
    face.begin = function() return handshake(ssl, "connect", { waiter = waiter }) end
  end
  return face
end

-- ---- servers

local Server = {}
Server.__index = Server

function Server:__tostring()
  return "tcp{server}: " .. tostring(self.listener)
end

function Server:accept()
  local listener = self.listener
  local ssl, failure = listener:acceptSocket(0)
  if not ssl then return nil, failure:condition() == "timeout" and "timeout" or fail(failure) end
  return setmetatable({
    ssl = ssl,
    buffer = newBytes(),
    begin = function() return listener:handshake(ssl) end,
  }, Socket)
end

function Server.settimeout() return 1 end
function Server.dirty() return false end
function Server:getfd() return self.listener:socket():getfd() end
function Server:getsockname() return self.listener:getSockName() end
function Server:close() return self.listener:close() and 1 end

--- Makes a server socket for copas of a listener. Accepting does no handshake: the connection's first call does it, in
-- the coroutine that copas has made for it.
-- @function scissl.copas.server
-- @tparam SciSslListener listener with the waiter `"copas"`
-- @treturn table for `copas.addserver`
-- @raise for a listener with another waiter
function faces.server(listener)
  options.checkArgument(1, "copas.server", listener, "SciSslListener", 2)
  if listener.waiter ~= waiter then error("the listener needs the option waiter = \"copas\"", 2) end
  return setmetatable({ listener = listener }, Server)
end

return faces
