--- TLS over luv's streams (`uv_tcp`, `uv_pipe`), which do their own input and output: the bytes pass through a memory
-- transport. Where a descriptor is at hand, the waiter `"luv"` has less to do.
--
--    local tcp = luv.new_tcp()
--    tcp:connect("192.0.2.1", 4433, coroutine.wrap(function()
--      local stream = assert(require "scissl.luv".connect(tcp, { context = context, verifyHost = "example.com" }))
--      …
-- @module scissl.luv

local luv = require "luv"
local core = require "scissl.core"
local handshake = require "scissl.tls.handshake"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local scissl_stream = require "scissl.stream.stream"
local text_of = require "scissl.base.safe_text"
local waiting = require "scissl.loop.wait_registry"

local SciSslSocket = core.SciSslSocket
local now = core.SciSocket.now

local over_luv = {}

local QUEUE_MOST = 256 * 1024 -- bytes that libuv may hold for the peer before a write has to wait

-- ---- coroutines that wait for bytes to come or to leave

local Ticket = {}
Ticket.__index = Ticket

local function finish(ticket, answer, reason)
  if ticket.over then return end
  ticket.over = true
  ticket.pump[ticket.kind][ticket] = nil
  waiting.leave(ticket)
  if ticket.timer then
    ticket.timer:stop()
    ticket.timer:close()
  end
  local good, raised = coroutine.resume(ticket.thread, answer, reason)
  -- Raised from a callback it would end the process.
  if not good then io.stderr:write(debug.traceback(ticket.thread, text_of(raised)), "\n") end
end

local function after(ticket, seconds, act)
  luv.update_time()
  ticket.timer = ticket.timer or luv.new_timer()
  ticket.timer:start(math.ceil(math.max(0, seconds) * 1000), 0, act)
end

function Ticket:wake(answer, reason)
  after(self, 0, function() finish(self, answer, reason) end)
end

local function expire_at(ticket, deadline)
  after(ticket, deadline - now(), function()
    if now() >= deadline then return finish(ticket, nil) end
    expire_at(ticket, deadline)
  end)
end

local function sleep(pump, kind, deadline)
  local ticket = setmetatable({ pump = pump, kind = kind, thread = coroutine.running() }, Ticket)
  pump[kind][ticket] = true
  waiting.enter(pump.ssl, ticket)
  if deadline then expire_at(ticket, deadline) end
  return coroutine.yield()
end

local function wake_all(pump, kind)
  local tickets = {}
  for ticket in pairs(pump[kind]) do tickets[#tickets + 1] = ticket end
  for _, ticket in ipairs(tickets) do finish(ticket, true) end
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

-- Hands what TLS has for the peer to libuv.
local function drain(pump)
  local bytes = pump.ssl:sslDrain()
  if not bytes or bytes == "" or pump.handle:is_closing() then return end
  local done, failure = pump.handle:write(bytes, function(problem)
    if problem then return fail(pump, problem) end
    wake_all(pump, "writers")
  end)
  if not done then fail(pump, failure) end
end

-- One chunk for each wait: who does not read makes the peer wait, and us hold nothing.
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
    if not coroutine.isyieldable() then error("streams of luv work inside a coroutine only", 0) end
    drain(pump)
    if events == "w" then
      if pump.failure then return nil, pump.failure end
      if queued(pump) == 0 then return true end
      return sleep(pump, "writers", deadline)
    end
    if pump.ended then return true end -- TLS knows, and says how it ended
    begin_reading(pump)
    if pump.ended then return true end
    return sleep(pump, "readers", deadline)
  end
end

-- ---- the stream

-- A SciSslStream that hands on what it has written.
local classes = setmetatable({}, { __mode = "k" })

local function close_handle(pump)
  local handle = pump.handle
  if handle:is_closing() then return end
  if pump.failure then return handle:close() end
  -- What is queued leaves first.
  local done = handle:shutdown(function()
    if not handle:is_closing() then handle:close() end
  end)
  if not done then handle:close() end
end

local function class_for(Stream)
  local Class = { __name = Stream.__name, __tostring = Stream.__tostring }
  Class.__index = Class
  for _, name in ipairs { "write", "flush" } do
    Class[name] = function(self, ...)
      local answer, failure = Stream[name](self, ...)
      local pump = self.pump
      drain(pump)
      if not answer then return answer, failure end
      if pump.failure then
        return nil, core.SciSslError.new { phase = "write", condition = "system", message = tostring(pump.failure) }
      end
      while queued(pump) > QUEUE_MOST and not pump.failure do
        if not sleep(pump, "writers") then break end
      end
      return answer
    end
  end
  function Class.close(self)
    local pump = self.pump
    if pump.closed then return true end
    pump.closed = true
    -- The close_notify is made while the transport stands, and leaves before it goes.
    local ssl = pump.ssl
    if ssl:isSecure() then ssl:sslShutdown() end
    drain(pump)
    close_handle(pump)
    return Stream.close(self)
  end
  Class.__close = Class.close
  return setmetatable(receiver.guard(Class), { __index = Stream })
end

local function make_stream(pump, given)
  local made = scissl_stream(pump.ssl, { timeout = given.timeout, maxLine = given.maxLine, waiter = pump.waiter })
  local Stream = getmetatable(made)
  classes[Stream] = classes[Stream] or class_for(Stream)
  made.pump = pump
  return setmetatable(made, classes[Stream])
end

local function secure(handle, role, given)
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
  options.check(caller, given, known_options, 3)
  if not given.context then error(("option 'context' to '%s' is missing"):format(caller), 3) end
end

--- Makes a luv stream that is connected secure, as a client.
-- @function scissl.luv.connect
-- @param handle `uv_tcp` or `uv_pipe`; the stream closes it
-- @tparam table given options: `context` (needed): a SciSslContext, which says whom to trust; `verifyHost` (needed):
--  the name that the server's certificate must be for, or false; `serverName`: the name to ask for (`verifyHost`, where
--  that is a name); `timeout`: seconds for the handshake and each operation of the stream; `maxLine`
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError what the handshake met; the handle is closed
-- @raise for unknown and missing options
function over_luv.connect(handle, given)
  check("luv.connect", given)
  if given.verifyHost == nil then
    error("option 'verifyHost' to 'luv.connect' is missing (false: whatever the name)", 2)
  end
  options.checkArgument(1, "luv.connect", handle, "luvStream", 2)
  local name = given.serverName or given.verifyHost or nil
  return secure(handle, "connect", {
    context = given.context, timeout = given.timeout, maxLine = given.maxLine, serverName = name,
    verifyHost = given.verifyHost,
  })
end

--- Makes a luv stream that was accepted secure, as a server.
-- @function scissl.luv.accept
-- @param handle `uv_tcp` or `uv_pipe`; the stream closes it
-- @tparam table given options: `context` (needed): a SciSslContext with a certificate; `timeout`, `maxLine`
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError what the handshake met; the handle is closed
-- @raise for unknown and missing options
function over_luv.accept(handle, given)
  check("luv.accept", given)
  options.checkArgument(1, "luv.accept", handle, "luvStream", 2)
  return secure(handle, "accept", given)
end

return over_luv
