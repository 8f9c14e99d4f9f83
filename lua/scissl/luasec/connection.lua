--- LuaSec's connections: making and closing them. `send`, `receive`, time-outs and what loops ask are in C
-- (csrc/luasec), handshakes in `dohandshake.lua`, information in `peer.lua`.
-- @module scissl.luasec.connection

local class = require "scissl.luasec.class"
local context = require "scissl.luasec.context"
local core = require "scissl.core"
local describe = require "scissl.luasec.failure"
local handshake = require "scissl.luasec.dohandshake"
local options = require "scissl.base.option_table"
local peer = require "scissl.luasec.peer"
local strictness = require "scissl.luasec.strictness"

local SciSslSocket = core.SciSslSocket

local connection = {}

-- ---- the class

local Connection = class.new "SSL:Connection"
local bytes = getmetatable(core).luasecConnection(Connection, describe)
local methods = {}

for _, name in ipairs { "send", "receive", "dirty", "want", "getfd", "settimeout", "getstats", "setstats" } do
  Connection.__index[name] = bytes[name]
end

--- The table of methods, which is the metatable's `__index`.
connection.methods = Connection.__index

-- ---- making and closing

--- Makes a connection that has no descriptor yet.
-- @param made context
-- @return[1] the connection
-- @treturn[2] nil
-- @treturn[2] string `"invalid mode"`
function connection.create(made)
  local settings = context.state(made)
  if not settings then error("bad argument #1 to 'create' (invalid context)", 3) end
  if not settings.mode then return nil, "invalid mode" end
  local self = {
    context = settings,
    server = settings.mode == "server",
    host = settings.host,
    tls = false,
    connected = false,
    bytes = bytes,
  }
  self.handle = class.object(Connection, self)
  return self.handle
end

-- TLS reads record by record, so that loops see in the descriptor what was not received.
local function initialize(self, tls)
  local done, failure = tls:sslInitialize()
  if done then done, failure = tls:sslSetReadAhead(false) end
  if done and self.name then done, failure = tls:sslSetServerName(self.name) end
  return done, failure
end

-- What LuaSec says at the handshake about a descriptor that cannot be one.
local NO_DESCRIPTOR = "Bad file descriptor"

--- Gives a connection its descriptor, which it then owns, or an object that has one, which stays the owner.
-- @param self state of a connection
-- @param transport
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why not
local function attach(self, transport)
  local tls
  local done, failure = strictness.trust(self.context)
  if done then tls, failure = SciSslSocket.on(transport, self.context.tls) end
  done = tls
  if done then done, failure = tls:setBlocking(false) end
  if done then done, failure = initialize(self, tls) end
  if not done then
    if failure:condition() ~= "closed" and failure:errno() ~= 9 then return nil, describe(failure) end
    self.ended = NO_DESCRIPTOR
    return true
  end
  self.tls, self.initialize, self.ended = tls, initialize, nil
  bytes.attach(self.handle, tls)
  return true
end

--- Puts a connection over a connected socket. LuaSocket's gives up its descriptor; others keep theirs.
-- @param socket
-- @param made context
-- @return[1] the connection
-- @treturn[2] nil
-- @treturn[2] string why not
function connection.wrap(socket, made)
  local conn, problem = connection.create(made)
  if not conn then return nil, problem end
  if type(socket) ~= "table" and type(socket) ~= "userdata" then
    error(("bad argument #1 to 'wrap' (socket expected, got %s)"):format(type(socket)), 3)
  end
  local hands_over = type(socket.setfd) == "function"
  local done
  done, problem = attach(class.state(conn, Connection), hands_over and socket:getfd() or socket)
  if not done then return nil, problem end
  if hands_over then socket:setfd(-1) end
  return conn
end

--- Sets the descriptor of a connection before its handshake.
-- @param conn connection
-- @tparam integer descriptor
function connection.setfd(conn, descriptor)
  local self = class.state(conn, Connection)
  if not self then
    error(("bad argument #1 to 'setfd' (SSL:Connection expected, got %s)"):format(options.typeOf(conn)), 2)
  end
  if self.prepared or self.closed then error("bad argument #1 to 'setfd' (invalid SSL object state)", 2) end
  if not math.tointeger(descriptor) then
    error(("bad argument #2 to 'setfd' (number expected, got %s)"):format(type(descriptor)), 2)
  end
  local done, problem = attach(self, descriptor)
  if not done then error(problem, 2) end
end

--- Sends close_notify without waiting, and closes the descriptor.
function methods:close()
  local tls = self.tls
  self.connected, self.tls, self.ended, self.closed = false, false, "closed", true
  bytes.finish(self.handle)
  if tls then tls:close() end
end

local function to_text(self)
  return ("SSL connection: %p%s"):format(self.handle, self.closed and " (closed)" or "")
end

-- ---- names

local function check_map(map)
  for name, made in pairs(map) do
    if type(name) ~= "string" or not context.state(made) then
      class.complain(1, "sni", "table of contexts by names expected", 1)
    end
  end
end

--- On a client, sets the server name to ask for; on a server, the contexts by server name.
-- @tparam string|table name
-- @tparam[opt=false] boolean strict on a server: rejects other names
function methods:sni(name, strict)
  if self.server then
    if type(name) ~= "table" then
      class.complain(1, "sni", ("table expected, got %s"):format(options.typeOf(name)))
    end
    check_map(name)
    self.map, self.insists = name, strict and true or false
    return
  end
  if type(name) == "number" then name = tostring(name) end
  if type(name) ~= "string" then
    class.complain(1, "sni", ("string expected, got %s"):format(options.typeOf(name)))
  end
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
  usage, selector = class.integer(usage, 1, "settlsa", 1), class.integer(selector, 2, "settlsa", 1)
  kind = class.integer(kind, 3, "settlsa", 1)
  if type(data) == "number" then data = tostring(data) end
  if type(data) ~= "string" then
    class.complain(4, "settlsa", ("string expected, got %s"):format(options.typeOf(data)))
  end
  if (usage | selector | kind) >> 8 ~= 0 then return false end -- no records have such numbers
  return self.tls and self.tls:sslAddTlsa(usage, selector, kind, data) ~= nil
end

-- ---- methods in C

--- Receives, as LuaSocket does.
-- @function connection:receive
-- @tparam[opt="*l"] string|number pattern `"*l"`: a line, without its end; `"*a"`: everything until the end; a number
--  of bytes
-- @tparam[opt=""] string prefix how the result begins
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string `"wantread"` or `"wantwrite"` after a time-out, `"closed"`, or why it failed
-- @treturn[2] string what has arrived so far, behind the prefix

--- Sends, as LuaSocket does.
-- @function connection:send
-- @tparam string data
-- @tparam[opt=1] number i first byte
-- @tparam[opt=-1] number j last byte
-- @treturn[1] number the last byte that was sent
-- @treturn[2] nil
-- @treturn[2] string `"wantread"` or `"wantwrite"` after a time-out: send the rest, unchanged; `"closed"`, or why it
--  failed
-- @treturn[2] number the last byte that was sent

--- Tells whether there are bytes to receive although the descriptor may not be readable.
-- @function connection:dirty
-- @treturn boolean

--- Returns what the last call waited for.
-- @function connection:want
-- @treturn string `"read"`, `"write"` or `"nothing"`

--- Returns the descriptor.
-- @function connection:getfd
-- @treturn number -1 where there is none

--- Sets how long calls may wait.
-- @function connection:settimeout
-- @tparam ?number value seconds; nil or negative: no limit
-- @tparam[opt="b"] string mode `"b"`: for each wait; `"t"`: for the whole call
-- @treturn number 1

--- Returns how much was received and sent, and how old the connection is.
-- @function connection:getstats
-- @treturn number bytes received
-- @treturn number bytes sent
-- @treturn number age in seconds

--- Sets the numbers with which `getstats` continues.
-- @function connection:setstats
-- @tparam ?number received bytes; nil: no change
-- @tparam ?number sent bytes; nil: no change
-- @tparam ?number age seconds; nil: no change
-- @treturn number 1

-- ---- the methods' table

for _, part in ipairs { methods, handshake, peer.methods } do class.methods(Connection, part, Connection.__index) end
class.methods(Connection, { __close = methods.close, __tostring = to_text }, Connection)

-- connection.compression, connection.info
class.methods(Connection, peer.functions, connection)

return connection
