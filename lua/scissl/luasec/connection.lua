--- LuaSec's connections: making and closing them, time-outs, and socket options. Handshakes are in `dohandshake.lua`,
-- sending and receiving in `bytes.lua`, information in `peer.lua`.
-- @module scissl.luasec.connection

local bytes = require "scissl.luasec.bytes"
local context = require "scissl.luasec.context"
local core = require "scissl.core"
local describe = require "scissl.luasec.failure"
local options = require "scissl.base.option_table"
local handshake = require "scissl.luasec.dohandshake"
local peer = require "scissl.luasec.peer"
local strictness = require "scissl.luasec.strictness"

local SciSocket, SciSslSocket = core.SciSocket, core.SciSslSocket

local connection = {}

local Connection = {}
local methods = {}
Connection.__index = methods

for _, part in ipairs { bytes, handshake, peer } do
  for name, method in pairs(part) do methods[name] = method end
end
methods.await, methods.describe, methods.compression = nil, nil, nil

--- The table of methods, which is the metatable's `__index`.
connection.methods = methods

-- ---- making and closing

--- Makes a connection that has no descriptor yet.
-- @param made context
-- @return[1] the connection
-- @treturn[2] nil
-- @treturn[2] string `"invalid mode"`
function connection.create(made)
  if not context.is(made) then error("bad argument #1 to 'create' (invalid context)", 3) end
  if not made.mode then return nil, "invalid mode" end
  return setmetatable({
    context = made,
    server = made.mode == "server",
    host = made.host,
    tls = false,
    connected = false,
    buffer = "",
    first = 1,
    received = 0,
    sent = 0,
    birthday = SciSocket.now(),
  }, Connection)
end

--- Gives a connection its descriptor, which it then owns, or an object that has one, which stays the owner.
-- @param self connection
-- @param transport
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why not
function connection.attach(self, transport)
  local trusts, failure = strictness.trust(self.context)
  local socket, tls
  if trusts then socket, failure = SciSocket.on(transport) end
  if socket then
    socket:setBlocking(false)
    tls, failure = SciSslSocket.on(socket, self.context.tls)
  end
  local done = tls
  if done then done, failure = tls:sslInitialize() end
  if not done then return nil, describe(failure) end
  self.tls = tls
  if self.name then tls:sslSetServerName(self.name) end
  return true
end

--- Puts a connection over a connected socket. LuaSocket's gives up its descriptor; others keep theirs.
-- @param socket
-- @param made context
-- @return[1] the connection
-- @treturn[2] nil
-- @treturn[2] string why not
function connection.wrap(socket, made)
  local self, problem = connection.create(made)
  if not self then return nil, problem end
  if type(socket) ~= "table" and type(socket) ~= "userdata" then
    error(("bad argument #1 to 'wrap' (socket expected, got %s)"):format(type(socket)), 2)
  end
  local hands_over = type(socket.setfd) == "function"
  local done
  done, problem = connection.attach(self, hands_over and socket:getfd() or socket)
  if not done then return nil, problem end
  if hands_over then socket:setfd(-1) end
  return self
end

--- Sends close_notify without waiting, and closes the descriptor.
function methods:close()
  local tls = self.tls
  self.connected, self.tls, self.ended = false, false, "closed"
  self.buffer, self.first, self.wanted = "", 1, nil
  if tls then tls:close() end
end

Connection.__close = methods.close

local directions = { both = true, send = true, receive = true }

--- Ends the writing side, as LuaSocket's `shutdown` does; the connection can still receive.
-- @tparam[opt="both"] string how `"both"`, `"send"`, or `"receive"`, which does nothing
-- @treturn[1] integer 1
-- @treturn[2] nil
-- @treturn[2] string `"wantwrite"` after a time-out: call again; `"closed"`, or why it failed
function methods:shutdown(how)
  how = how or "both"
  if not directions[how] then error("bad argument #1 to 'shutdown' (invalid shutdown method)", 2) end
  if not self.connected then return nil, "closed" end
  local started, problem
  while how ~= "receive" do
    local answer = self.tls:sslShutdown()
    if answer == 0 or answer == 1 then break end
    started, problem = bytes.await(self, answer, started)
    if problem then return nil, problem end
  end
  return 1
end

function Connection:__tostring()
  return ("SSL connection: %p%s"):format(self, self.ended and not self.tls and " (closed)" or "")
end

--- Returns the descriptor; -1 where there is none.
function methods:getfd()
  return self.tls and self.tls:getfd() or -1
end

local wants = { r = "read", w = "write" }

--- Returns what the last call waited for: `"read"`, `"write"` or `"nothing"`.
function methods:want()
  return wants[self.wanted] or "nothing"
end

-- ---- time-outs

local function check_seconds(value)
  if value == nil then return nil end
  local seconds = tonumber(value)
  if not seconds then error(("bad argument #1 to 'settimeout' (number expected, got %s)"):format(type(value)), 3) end
  return seconds >= 0 and seconds or nil
end

--- Sets how long calls may wait.
-- @tparam ?number value seconds; nil or negative: no limit
-- @tparam[opt="b"] string mode `"b"`: for each wait; `"t"`: for the whole call
function methods:settimeout(value, mode)
  local seconds = check_seconds(value)
  local kind = mode == nil and "b" or tostring(mode):sub(1, 1)
  if kind == "b" then self.block = seconds
  elseif kind == "t" or kind == "r" then self.total = seconds
  else error("bad argument #2 to 'settimeout' (invalid timeout mode)", 2) end
  return 1
end

--- Returns the two limits of `settimeout`, `"b"` and `"t"`; -1 for one that is not set.
function methods:gettimeout()
  return self.block or -1, self.total or -1
end

-- ---- names

local function check_map(map)
  for name, made in pairs(map) do
    if type(name) ~= "string" or not context.is(made) then
      error("bad argument #1 to 'sni' (table of contexts by names expected)", 3)
    end
  end
end

--- On a client, sets the server name to ask for; on a server, the contexts by server name.
-- @tparam string|table name
-- @tparam[opt=false] boolean strict on a server: rejects other names
function methods:sni(name, strict)
  if self.server then
    if type(name) ~= "table" then error("bad argument #1 to 'sni' (table expected)", 2) end
    check_map(name)
    self.map, self.insists = name, strict and true or false
    return
  end
  if type(name) ~= "string" then error("bad argument #1 to 'sni' (string expected)", 2) end
  self.name, self.host = name, self.context.host or name
  if self.tls then self.tls:sslSetServerName(name) end
end

--- Prepares a client for `settlsa`: sets the name of the TLSA records.
-- @treturn boolean whether it was possible
function methods:setdane(host)
  local dane = self.context.dane
  if not dane or not self.tls then return false end
  self.dane = self.tls:sslSetDane(host, dane) ~= nil
  if self.dane then self.host = self.host or host end
  return self.dane
end

--- Adds a TLSA record.
-- @treturn boolean whether it can be used
function methods:settlsa(usage, selector, kind, data)
  return self.tls and self.tls:sslAddTlsa(usage, selector, kind, data) ~= nil
end

-- ---- methods of LuaSocket's sockets

local function name_of(self, getter)
  if not self.tls then return nil, "closed" end
  local host, port = getter(self.tls)
  if not host then return nil, describe(port) end
  return host, port, host:find(":", 1, true) and "inet6" or "inet"
end

--- Returns the peer's address, port and family.
function methods:getpeername()
  return name_of(self, SciSslSocket.getPeerName)
end

--- Returns our own address, port and family.
function methods:getsockname()
  return name_of(self, SciSslSocket.getSockName)
end

local socket_options = {
  keepalive = "SO_KEEPALIVE",
  reuseaddr = "SO_REUSEADDR",
  reuseport = "SO_REUSEPORT",
  linger = "SO_LINGER",
  error = "SO_ERROR",
  ["recv-buffer-size"] = "SO_RCVBUF",
  ["send-buffer-size"] = "SO_SNDBUF",
  ["tcp-nodelay"] = "TCP_NODELAY",
  ["tcp-keepidle"] = "TCP_KEEPIDLE",
  ["tcp-keepintvl"] = "TCP_KEEPINTVL",
  ["tcp-keepcnt"] = "TCP_KEEPCNT",
  ["ipv6-v6only"] = "IPV6_V6ONLY",
}

local function find_option(name, method)
  local option = socket_options[name]
  if option then return option end
  error(("bad argument #1 to '%s' (unsupported option '%s')"):format(method, tostring(name)), 3)
end

--- Sets an option by LuaSocket's name. `linger` takes a table with `on` and `timeout`.
-- @treturn[1] integer 1
-- @treturn[2] nil
-- @treturn[2] string why not
function methods:setoption(name, value)
  local option = find_option(name, "setoption")
  if not self.tls then return nil, "closed" end
  if type(value) == "table" then value = value.on and value.timeout or false end
  local done, failure = self.tls:setSockOpt(option, value)
  if done then return 1 end
  return nil, describe(failure)
end

--- Returns an option by LuaSocket's name.
function methods:getoption(name)
  local option = find_option(name, "getoption")
  if not self.tls then return nil, "closed" end
  local value, failure = self.tls:getSockOpt(option)
  if value == nil then return nil, describe(failure) end
  if name == "linger" then return { on = value ~= false, timeout = value or 0 } end
  return value
end

-- ---- wrong receivers, with LuaSec's error

local function check(self, name)
  if getmetatable(self) == Connection then return end
  error(("bad argument #1 to '%s' (SSL:Connection expected, got %s)"):format(name, options.typeOf(self)), 3)
end

-- No method has more arguments.
local function guarded(name, method)
  return function(self, first, second, third, fourth)
    if getmetatable(self) ~= Connection then check(self, name) end
    return method(self, first, second, third, fourth)
  end
end

for name, method in pairs(methods) do methods[name] = guarded(name, method) end
for _, name in ipairs { "__close", "__tostring" } do Connection[name] = guarded(name, Connection[name]) end

return connection
