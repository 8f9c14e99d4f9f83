--- What carries a stream's bytes: a plain socket, TLS over a socket, or (`stream.tunnel`) TLS over another link. C
-- moves the bytes (csrc/stream/link.c) by what `link.inC(way)` returns: `way[1]`; of a socket it is made at need. A
-- stream of a socket needs neither: C has the link in the stream's userdata, and `link.of(stream)` makes the table that
-- is described here when it is asked for first. This saves memory for each connection.
--
-- * `link:settle()` sends the records that TLS has made; `link:sayEnd()` ends the writing side: true; nil and a
--   SciSslError; or nil, nil and the events that it waits for
-- * `link:await(waiter, events, deadline, phase, seconds)` waits (as `scissl.wait.ready`)
-- * `link:turn(waiter, deadline, phase, seconds)` lets other coroutines run (as `scissl.wait.turn`)
-- * `link:close([waiter])`
-- * `link.socket` has the facts about the connection; `link:base()` is the socket that has the descriptor
-- * `link.secure` tells whether it is TLS, `link.descriptor` whether it is a plain socket
-- @module scissl.stream.link

local core = require "scissl.core"
local parting = require "scissl.stream.linger"
local peer_of = require "scissl.base.peer_address"
local wait = require "scissl.loop.wait"

local SciSslError, SciSocket, isSslError = core.SciSslError, core.SciSocket, core.isSslError
local SSL_ERROR_ZERO_RETURN = core.SSL_ERROR_ZERO_RETURN
local new_link = getmetatable(core).newLink

local link = {}

-- ---- what both have in common

local function base(self)
  return self.socket
end

local function settle()
  return true
end

local function await(self, waiter, ...)
  return wait.ready(waiter, self.socket, ...)
end

local function turn(self, waiter, ...)
  return wait.turn(waiter, self.socket, ...)
end

-- ---- a plain socket

local Plain = { base = base, settle = settle, await = await, turn = turn, secure = false, descriptor = true }
Plain.__index = Plain

function Plain:sayEnd()
  local done, failure = self.socket:shutdown("w")
  if done then return true end
  return nil, failure
end

function Plain:close()
  return self.socket:close()
end

function Plain.dirty()
  return false
end

function Plain.events()
  return "r"
end

--- Makes a link of a connected SciSocket.
function link.plain(socket)
  return setmetatable({ socket = socket }, Plain)
end

-- ---- TLS

--- Turns the result of a SciSslSocket that is no success (not ready, end, failure) into what `sayEnd` returns.
-- @tparam SciSslSocket socket
-- @param result what its call returned
-- @tparam string phase
function link.translate(socket, result, phase)
  if isSslError(result) then return nil, result end
  local events, code = wait.wanted(socket, result)
  if events then return nil, nil, events end
  if code == SSL_ERROR_ZERO_RETURN then return nil end
  return nil, SciSslError.new {
    phase = phase,
    condition = "not_served",
    sslError = code,
    message = ("TLS needs something that a stream cannot give (SSL_ERROR code %d)"):format(code),
    peer = peer_of(socket),
  }
end

local Secure = { base = base, settle = settle, await = await, turn = turn, secure = true }
Secure.__index = Secure

function Secure:sayEnd()
  if self.said then return true end
  local result = self.socket:sslShutdown()
  if type(result) == "number" and result >= 0 then
    self.said = true
    return true
  end
  return link.translate(self.socket, result, "shutdown")
end

-- The socket may stay open for a while, so that an alert arrives.
function Secure:close(waiter)
  return parting.leave(self.socket, waiter)
end

function Secure:dirty()
  return self.socket:dirty()
end

function Secure:events()
  return self.socket:events()
end

--- Returns the link below TLS, after TLS has ended on both sides.
function Secure:stripped()
  return self.below or link.plain(assert(SciSocket.on(self.socket)))
end

--- Makes a link of a SciSslSocket.
-- @tparam SciSslSocket socket over a descriptor
-- @param[opt] below the plain link that it runs over
function link.secure(socket, below)
  local made = setmetatable({ socket = socket }, Secure)
  made.below = below -- nil takes no place
  return made
end

-- ---- the link of a stream

local BYTES <const> = 1 -- of a stream: see stream.lua

--- Returns the link of a stream.
function link.of(stream)
  local way = stream.link
  if way then return way end
  local socket, is_secure = stream[BYTES]:socket()
  way = setmetatable({ socket = socket }, is_secure and Secure or Plain)
  stream.link = way
  return way
end

--- Returns the socket of a stream: of its outermost layer.
-- @treturn SciSslSocket|SciSocket
-- @treturn boolean whether it is TLS
function link.socket(stream)
  local way = stream.link
  if way then return way.socket, way.secure end
  return stream[BYTES]:socket()
end

--- Returns the socket that has the descriptor.
function link.base(stream)
  local way = stream.link
  if way then return way:base() end
  return (stream[BYTES]:socket())
end

--- Returns what C moves the bytes by.
function link.inC(way)
  return way[1] or new_link(way.socket)
end

--- Makes `way` the link of a stream. `held`: C does not move its bytes by itself.
function link.attach(stream, way, held)
  stream[BYTES]:setLink(link.inC(way), way:base())
  stream.link = way
  stream[BYTES]:setOwn(not held)
end

local Closed = {}

local function refuse_closed()
  return nil, SciSslError.new { phase = "close", condition = "closed", message = "the stream is closed" }
end

Closed.receive, Closed.send, Closed.dirty = refuse_closed, refuse_closed, function() return false end

--- Returns what `detach` may be given.
function link.closed()
  return new_link(Closed)
end

--- Nothing is read from or written to the stream any more. Needs no memory for that where it gets `closed`, and the
-- stream has the table of its link.
function link.detach(stream, closed)
  local way = link.of(stream)
  stream[BYTES]:setLink(closed or link.closed(), nil)
  way.sayEnd = refuse_closed
end

return link
