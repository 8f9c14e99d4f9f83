--- Streams in plain text, for protocols that begin so (`SciSslStream:startTls`) or that have no TLS. The peer
-- is not verified, and any system on the way can read and change the bytes.
-- @module scissl.plain

local core = require "scissl.core"
local client = require "scissl.client.client_options"
local dial = require "scissl.client.tcp_dial"
local dial_options = require "scissl.client.dial_options"
local options = require "scissl.base.option_table"
local stream = require "scissl.stream.stream"
local wait = require "scissl.loop.wait"

local SciSslError, SciSocket = core.SciSslError, core.SciSocket

local plain = {}

-- How `scissl.client.tcp_dial` makes a SciSocket.
local tcp = {
  new = function(_, family)
    local socket, failure = SciSocket.newStreamSocket(family)
    if not socket then return nil, failure end
    return socket:setBlocking(false)
  end,
  prepare = function(socket)
    socket:setSockOpt("TCP_NODELAY", true)
    return socket
  end,
}

local known_options = {
  host = "string",
  port = "port",
  timeout = "seconds",
  waiter = "string|callable",
  maxLine = "count",
  maxBuffer = "count",
}
for name, kind in pairs(dial_options.kinds) do known_options[name] = kind end

local function check_place(given, level)
  level = level + 1
  if given.path and given.host then
    error("options 'path' and 'host' to 'plain.connect' exclude each other", level)
  end
  if given.path then return end
  if not given.host then error("option 'host' to 'plain.connect' is missing", level) end
  if not given.port then error("option 'port' to 'plain.connect' is missing", level) end
end

--- Connects to a server in plain text.
-- @function scissl.plain.connect
-- @tparam table given options:
--
-- * `host` (needed): name or address. The addresses of a name race (see `scissl.connect`)
-- * `port` (needed): number, or the name of a service
-- * `timeout`: seconds for look-up and connection, then for each operation of the stream
-- * `path`: a Unix-domain socket, in place of `host` and `port`
-- * `resolver`, `family`, `localAddress`, `localPort`, `keepAlive`: as for `scissl.connect`
-- * `waiter`, `maxLine`, `maxBuffer`: as for `scissl.stream`
--
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `resolve` or `connect`
-- @raise for unknown options and wrong types, and where host or port is missing
function plain.connect(given)
  given = options.read("plain.connect", given, known_options, 2)
  check_place(given, 2)
  dial_options.check("plain.connect", given, 2)
  local waiter = wait.find(given.waiter, 2)
  local host = given.host and client.bareHost(given.host)
  local run = {
    host = host,
    port = given.port,
    subject = given.path or client.withPort(host, given.port),
    waiter = waiter,
    timeout = given.timeout,
    deadline = wait.deadline(given.timeout),
  }
  dial_options.apply(run, given)
  local socket, failure = dial(run, tcp)
  if not socket then return nil, failure end
  return stream.make(socket, given, 2)
end

--- Listens for connections in plain text.
-- @function scissl.plain.listen
-- @tparam table given options:
--
-- * `host`, `port`, `path`, `backlog`, `reusePort`, `socket`: as for `scissl.listen`
-- * `timeout`: seconds for each operation of the streams (300; `math.huge`: no limit)
-- * `waiter`, `maxLine`, `maxBuffer`: as for `scissl.listen`
--
-- @treturn[1] SciSslListener whose streams are in plain text: `accept` and `serve` make no handshake
-- @treturn[2] nil
-- @treturn[2] SciSslError `address_in_use`, `permission_denied` …
-- @raise for unknown options and wrong types, and where there is no port or path
function plain.listen(given)
  return require "scissl.server.plain_listen"(given)
end

-- Bytes that the other object has read ahead would be missing, and later bytes would be taken for them.
local function holds_bytes(socket)
  return type(socket) ~= "number" and socket.dirty and socket:dirty()
end

--- Makes a stream in plain text of a connected socket: for servers, and for sockets of a loop.
-- @function scissl.plain.on
-- @param socket a SciSocket, or what `SciSocket.on` adopts: a descriptor, or an object of LuaSocket, luv, cqueues …
-- @tparam[opt] table given options of `scissl.stream`
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `adopt`: `not_a_socket`, `closed` …; `unread_data`: the object has read bytes ahead
--  that only it can return
-- @raise for a SciSslSocket (use `scissl.stream`), and for unknown options
function plain.on(socket, given)
  if options.is(socket, "SciSslSocket") or not options.is(socket, "integer|table|userdata") then
    error(("bad argument #1 to 'plain.on' (SciSocket, descriptor or object with getfd expected, got %s)")
      :format(options.typeOf(socket)), 2)
  end
  given = options.read("plain.on", given or {}, stream.optionKinds, 2)
  if holds_bytes(socket) then
    return nil, SciSslError.new {
      phase = "adopt", condition = "unread_data", message = "the object has unread bytes in a buffer of its own",
    }
  end
  local own, failure = socket, nil
  if not options.is(socket, "SciSocket") then own, failure = SciSocket.on(socket) end
  if not own then return nil, failure end
  return stream.make(own, given, 2)
end

return plain
