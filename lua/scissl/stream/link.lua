--- What carries a stream's bytes: a plain socket, TLS over a socket, or (`stream.tunnel`) TLS over another link. No
-- call waits, except on a blocking socket.
--
-- * `link:receive([max])` returns bytes; nil at the end; nil and a SciSslError; or nil, nil and the events that it
--   waits for
-- * `link:send(text, from, to)` returns the number of bytes taken, or else as `receive`; `link:settle()` sends what was
--   taken, and returns true, or else as `receive`
-- * `link:sayEnd()` ends the writing side: true, or else as `receive`
-- * `link:await(waiter, events, deadline, phase, seconds)` waits (as `scissl.wait.ready`)
-- * `link:turn(waiter, deadline, phase, seconds)` lets other coroutines run (as `scissl.wait.turn`)
-- * `link:sweep()` reads and drops unread bytes; then `link:close([waiter])`
-- * `link:awaitTickets(waiter, seconds)` (TLS) is for clients that have not read anything
-- * `link.socket` has the facts about the connection; `link:base()` is the socket that has the descriptor
-- * `link.secure` tells whether it is TLS, `link.descriptor` whether it is a plain socket
-- @module scissl.stream.link

local core = require "scissl.core"
local parting = require "scissl.stream.linger"
local peer_of = require "scissl.base.peer_address"
local wait = require "scissl.loop.wait"

local SciSslError, SciSocket, isSslError = core.SciSslError, core.SciSocket, core.isSslError
local SSL_ERROR_ZERO_RETURN = core.SSL_ERROR_ZERO_RETURN

local link = {}

local READ_AWAY, LINGER = 64, 1 -- before closing: reads of unread bytes; seconds
local MOST = 65536 -- bytes a read

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

-- Whether a TLS 1.3 server may still send the session tickets that follow its handshake.
local function awaits_tickets(socket)
  return socket:version() == "TLSv1.3" and not socket:getSession()
end

--- Reads and drops what has arrived. A system that closes a socket with unread bytes, or that receives more of them
-- later, resets the connection, and the peer may lose what was written last.
function link.sweep(self)
  for _ = 1, READ_AWAY do
    if not self:receive() then return end
  end
end

--- A TLS client that has only written waits a moment for the tickets before close_notify: unread tickets would reset
-- the connection, and OpenSSL drops those that arrive later.
function link.awaitTickets(self, waiter, seconds)
  local deadline = wait.deadline(math.min(seconds or LINGER, LINGER))
  for _ = 1, READ_AWAY do
    if not awaits_tickets(self.socket) then return end
    local bytes, _, events = self:receive()
    if not bytes and not (events == "r" and self:await(waiter, "r", deadline, "close")) then return end
  end
end

local function stop_blocking(self)
  if self.socket:isBlocking() then self.socket:setBlocking(false) end
end

local function sweep(self)
  stop_blocking(self)
  link.sweep(self)
end

-- ---- a plain socket

local Plain = {
  base = base, settle = settle, await = await, turn = turn, sweep = sweep, secure = false, descriptor = true,
}
Plain.__index = Plain

local function not_now(failure, events)
  if failure:condition() == "not_ready" then return nil, nil, events end
  return nil, failure
end

function Plain:receive(max)
  local bytes, failure = self.socket:recv(max or MOST)
  if not bytes then return not_now(failure, "r") end
  if bytes ~= "" then return bytes end
  return nil
end

function Plain:send(text, from, to)
  local count, failure = self.socket:send(text, from, to)
  if count then return count end
  return not_now(failure, "w")
end

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

--- Turns the result of a SciSslSocket that is no success (not ready, end, failure) into what a link returns.
-- @tparam SciSslSocket socket
-- @param answer what its call returned
-- @tparam string phase
function link.translate(socket, answer, phase)
  if isSslError(answer) then return nil, answer end
  local events, code = wait.wanted(socket, answer)
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

local translate = link.translate

local Secure = {
  base = base, settle = settle, await = await, turn = turn, sweep = sweep, secure = true, direct = true,
}
Secure.__index = Secure

function Secure:receive(max)
  local answer = self.socket:sslRead(max)
  if type(answer) == "string" then return answer end
  return translate(self.socket, answer, "read")
end

function Secure:send(text, from, to)
  local answer = self.socket:sslWrite(text, from, to)
  if type(answer) == "number" and answer > 0 then return answer end
  return translate(self.socket, answer, "write")
end

function Secure:sayEnd()
  if self.said then return true end
  local answer = self.socket:sslShutdown()
  if type(answer) == "number" and answer >= 0 then
    self.said = true
    return true
  end
  return translate(self.socket, answer, "shutdown")
end

function Secure:awaitTickets(...)
  stop_blocking(self)
  link.awaitTickets(self, ...)
end

local function refuse_closed()
  return nil, SciSslError.new { phase = "close", condition = "closed", message = "the stream is closed" }
end

-- The socket may stay open for a while, so that an alert arrives.
function Secure:close(waiter)
  self.receive, self.send, self.sayEnd = refuse_closed, refuse_closed, refuse_closed
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
  return setmetatable({ socket = socket, below = below }, Secure)
end

--- Makes `way` the link of a stream. C uses the socket of a direct link itself, unless the stream is `closed`.
function link.attach(stream, way, closed)
  stream.link = way
  stream.bytes:setSocket(way.direct and not closed and way.socket or nil)
end

return link
