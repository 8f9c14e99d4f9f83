--- TLS over luv's streams (`uv_tcp`, `uv_pipe`), which do their own input and output: the bytes pass through a memory
-- transport. For sockets with a descriptor the waiter `"luv"` is cheaper.
--
--    local tcp = luv.new_tcp()
--    tcp:connect("192.0.2.1", 4433, coroutine.wrap(function()
--      local stream = assert(require "scissl.luv".connect(tcp, { context = context, verifyHost = "example.com" }))
--      …
-- @module scissl.luv

local core = require "scissl.core"
local handles = require "scissl.loop.luv_handles" -- loads luv
local luv = require "luv"
local handshake = require "scissl.tls.handshake"
local luv_ticket = require "scissl.loop.luv_ticket"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local scissl_stream = require "scissl.stream.stream"
local waiting = require "scissl.loop.wait_registry"

local SciSslSocket = core.SciSslSocket
local Stream = scissl_stream.class
local are_gone = handles.areGone

local over_luv = {}

local QUEUE_MOST = 256 * 1024 -- bytes that libuv may hold for the peer before a write has to wait

-- ---- coroutines that wait for bytes to arrive or to be sent

local function detach(ticket)
  ticket.pump[ticket.kind][ticket] = nil
  waiting.leave(ticket)
end

local function sleep(pump, kind, deadline)
  local ticket = luv_ticket.new(detach, { pump = pump, kind = kind })
  pump[kind][ticket] = true
  waiting.enter(pump.ssl, ticket)
  if deadline then ticket:expireAt(deadline) end
  return coroutine.yield()
end

local function wake_all(pump, kind)
  local tickets = {}
  for ticket in pairs(pump[kind]) do tickets[#tickets + 1] = ticket end
  for _, ticket in ipairs(tickets) do ticket:finish(true) end
end

-- ---- moving bytes

local function queued(pump)
  return luv.stream_get_write_queue_size(pump.handle)
end

local function fail(pump, failure)
  pump.failure = failure
  if not pump.ended then
    pump.ended = true
    pump.ssl:sslFeedEnd()
  end
  wake_all(pump, "readers")
  wake_all(pump, "writers")
end

-- Gives the bytes that TLS has made to libuv.
local function drain(pump)
  if are_gone() then return end
  local bytes = pump.ssl:sslDrain()
  if not bytes or bytes == "" or pump.handle:is_closing() then return end
  local done, failure = pump.handle:write(bytes, function(problem)
    if problem then return fail(pump, problem) end
    wake_all(pump, "writers")
  end)
  if not done then fail(pump, failure) end
end

-- Reads one chunk per wait. Without reads, TCP flow control stops the peer.
local function begin_reading(pump)
  if pump.reading or pump.ended then return end
  pump.reading = true
  local done, failure = pump.handle:read_start(function(problem, chunk)
    pump.reading = false
    pump.handle:read_stop()
    if problem or not chunk then return fail(pump, problem) end
    pump.ssl:sslFeed(chunk)
    wake_all(pump, "readers")
  end)
  if done then return end
  pump.reading = false
  fail(pump, failure)
end

local function waiter_of(pump)
  return function(_, events, deadline)
    if not coroutine.isyieldable() then error("a stream of luv works only inside a coroutine", 0) end
    if are_gone() then return nil, "the program ends" end
    drain(pump)
    if events == "w" then
      if pump.failure then return nil, pump.failure end
      if queued(pump) == 0 then return true end
      return sleep(pump, "writers", deadline)
    end
    if pump.ended then return true end -- the TLS call reports how it ended
    begin_reading(pump)
    if pump.ended then return true end
    return sleep(pump, "readers", deadline)
  end
end

-- ---- the stream

local function close_handle(pump)
  if are_gone() then return end
  local handle = pump.handle
  if handle:is_closing() then return end
  if pump.failure then return handle:close() end
  -- libuv sends what is queued first.
  local done = handle:shutdown(function()
    if not handle:is_closing() then handle:close() end
  end)
  if not done then handle:close() end
end

-- Gives what a stream has written to libuv, and waits while libuv holds too much. Returns what the stream returned.
local function pass_on(pump, answer, failure)
  drain(pump)
  if not answer or are_gone() then return answer, failure end
  if pump.failure then
    return nil, core.SciSslError.new { phase = "write", condition = "system", message = tostring(pump.failure) }
  end
  while queued(pump) > QUEUE_MOST and not pump.failure do
    if not sleep(pump, "writers") then break end
  end
  return answer
end

local LuvStream = { __name = Stream.__name, __tostring = Stream.__tostring }
LuvStream.__index = LuvStream

for _, name in ipairs { "write", "writev", "flush", "setvbuf", "closeWrite" } do
  LuvStream[name] = function(self, ...)
    return pass_on(self.pump, Stream[name](self, ...))
  end
end

-- The transport must be open while close_notify is made, and libuv must send it before the handle is closed.
function LuvStream:close()
  local pump = self.pump
  if pump.closed then return true end
  pump.closed = true
  if pump.ssl:isSecure() then pump.ssl:sslShutdown() end
  drain(pump)
  close_handle(pump)
  return Stream.close(self)
end

LuvStream.__close = LuvStream.close
setmetatable(receiver.guard(LuvStream), { __index = Stream })

local function make_stream(pump, given)
  local made = scissl_stream(pump.ssl, { timeout = given.timeout, maxLine = given.maxLine, waiter = pump.waiter })
  made.pump = pump
  return setmetatable(made, LuvStream)
end

local function secure(handle, role, given)
  handles.renewGuard() -- the program has made `handle`
  local ssl, failure = SciSslSocket.onMemory(given.context)
  local ready = ssl
  if ready then ready, failure = ssl:sslInitialize() end
  if ready and given.serverName then ready, failure = ssl:sslSetServerName(given.serverName) end
  if ready and given.verifyHost then
    ready, failure = ssl:sslSetVerifyHost(given.verifyHost)
    if ready then ready, failure = ssl:sslRequireCertificate() end
  end
  if not ready then return nil, failure end
  local pump = { handle = handle, ssl = ssl, readers = {}, writers = {} }
  pump.waiter = waiter_of(pump)
  local done
  done, failure = handshake(ssl, role, { timeout = given.timeout, waiter = pump.waiter })
  drain(pump)
  if done then return make_stream(pump, given) end
  close_handle(pump)
  ssl:close()
  return nil, failure
end

local known_options = {
  context = "SciSslContext",
  timeout = "seconds",
  maxLine = "count",
  serverName = "string",
  verifyHost = "string|false",
}

local function check(caller, given)
  given = options.read(caller, given, known_options, 3)
  if not given.context then error(("option 'context' to '%s' is missing"):format(caller), 3) end
  return given
end

--- Makes a TLS stream, as a client, over a connected luv stream.
-- @function scissl.luv.connect
-- @param handle `uv_tcp` or `uv_pipe`; the stream closes it
-- @tparam table given options:
--
-- * `context` (needed): a SciSslContext with the trust store
-- * `verifyHost` (needed): the name that the server's certificate must name, or false
-- * `serverName`: the name to send as SNI (`verifyHost`)
-- * `timeout`: seconds for the handshake and for each operation of the stream
-- * `maxLine`: as for `scissl.stream`
--
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError why the handshake failed; the handle is closed
-- @raise for unknown and missing options
function over_luv.connect(handle, given)
  given = check("luv.connect", given)
  if given.verifyHost == nil then
    error("option 'verifyHost' to 'luv.connect' is missing (false accepts any name)", 2)
  end
  options.checkArgument(1, "luv.connect", handle, "luvStream", 2)
  local name = given.serverName or given.verifyHost or nil
  return secure(handle, "connect", {
    context = given.context, timeout = given.timeout, maxLine = given.maxLine, serverName = name,
    verifyHost = given.verifyHost,
  })
end

--- Makes a TLS stream, as a server, over an accepted luv stream.
-- @function scissl.luv.accept
-- @param handle `uv_tcp` or `uv_pipe`; the stream closes it
-- @tparam table given options:
--
-- * `context` (needed): a SciSslContext with a certificate
-- * `timeout`, `maxLine`: as for `scissl.luv.connect`
--
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError why the handshake failed; the handle is closed
-- @raise for unknown and missing options
function over_luv.accept(handle, given)
  given = check("luv.accept", given)
  options.checkArgument(1, "luv.accept", handle, "luvStream", 2)
  return secure(handle, "accept", given)
end

return over_luv
