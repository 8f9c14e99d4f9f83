--- Starts TLS on a stream, and ends TLS on a stream that stays open: STARTTLS, TLS inside TLS, and back.
-- @module scissl.stream.starttls

local core = require "scissl.core"
local Claim = require "scissl.base.claim"
local context_options = require "scissl.tls.context_options"
local client = require "scissl.client.client_options"
local handshake = require "scissl.tls.handshake"
local link = require "scissl.stream.link"
local options = require "scissl.base.option_table"
local reader = require "scissl.stream.reader"
local server = require "scissl.server.server_options"
local stream = require "scissl.stream.stream"
local tunnel = require "scissl.stream.tunnel"
local wait = require "scissl.loop.wait"
local writer = require "scissl.stream.writer"

local SciSslError, SciSslSocket = core.SciSslError, core.SciSslSocket
local link_of = getmetatable(core).newLink

local starttls = {}

local BYTES <const>, WAITER <const> = 1, 2 -- of a stream
local HANDSHAKE_SECONDS = 30 -- so that a client that sends nothing does not occupy the server

local function refuse(phase, condition, message, ...)
  return nil, SciSslError.new { phase = phase, condition = condition, message = message:format(...) }
end

-- ---- the handshake over a link

-- Returns a SciSslSocket for TLS over `way`; or nil and a SciSslError.
local function new_socket(way, context)
  if way.descriptor then return SciSslSocket.on(way.socket, context) end
  return SciSslSocket.onMemory(context)
end

local function new_link(way, socket)
  if way.descriptor then return link.secure(socket, way) end
  return tunnel.new(socket, way)
end

-- A waiter for a tunnel's handshake: moves the bytes, then waits for the link below.
local function waiter_of(self, upper)
  if not upper.lower then return self[WAITER] end
  return function(_, events, deadline)
    local moved, failure, wanted = upper[1]:move(events)
    if moved then return true end
    if not wanted then return nil, failure end
    return upper:await(self[WAITER], wanted, deadline, "handshake")
  end
end

-- Sends the last bytes of the handshake. Returns true; or nil and a SciSslError.
local function settle(self, upper, deadline, phase)
  while true do
    local done, failure, events = upper:settle()
    if done or failure then return done, failure end
    done, failure = upper:await(self[WAITER], events, deadline, phase, self[BYTES]:seconds())
    if not done then return nil, failure end
  end
end

-- A handshake over a stream's link. Unless it succeeds, neither TLS nor plain text can continue: also where memory runs
-- out, or its coroutine is closed.
local Attempt = {}

function Attempt:__close()
  if self.is_over then return end
  self.is_over = true
  local changed, upper = self.stream, self.upper
  changed.closed, changed.link = true, upper -- both have a place
  link.detach(changed, self.closed) -- first: what follows may find no memory
  if changed.owner then changed.owner:closing(changed) end
  upper:close(changed[WAITER])
end

local function complete(self, upper, role, about)
  about.waiter = waiter_of(self, upper)
  local done, failure = handshake(upper.socket, role, about)
  if done then done, failure = settle(self, upper, about.deadline, role) end
  if not done then return nil, failure end
  link.attach(self, upper, self.changing ~= nil) -- where that is set, the end of the change gives C the socket
  self[BYTES]:setHeard(false)
  return self
end

-- A coroutine that dies of an error closes nothing by itself.
local function shake(self, upper, role, about)
  self.closed = self.closed or false -- so that it has a place
  local attempt <close> = setmetatable({
    stream = self, upper = upper, closed = link.closed(), is_over = false,
  }, Attempt)
  local good, done, failure = pcall(complete, self, upper, role, about)
  if good and done then attempt.is_over = true else Attempt.__close(attempt) end
  if not good then error(done, 0) end
  return done, failure
end

-- Makes TLS over the stream's link, and lets the stream use it. `prepare(socket)` sets the SciSslSocket up.
local function secure(self, context, role, prepare, about)
  local way = link.of(self)
  local socket, failure = new_socket(way, context)
  if not socket then return nil, failure end
  local ready
  ready, failure = prepare(socket)
  if not ready then return nil, failure end
  return shake(self, new_link(way, socket), role, about)
end

-- ---- the two sides

local function as_client(self, run, deadline)
  local given = run.given
  local function prepare(socket) return client.prepare(socket, run) end
  local done, failure = secure(self, run.context, "connect", prepare, {
    deadline = deadline,
    timeout = self[BYTES]:seconds(),
    replayable = given.replayable,
    onCertificate = given.onCertificate,
    onVerify = given.onVerify,
  })
  if not done then client.forget(run, failure) end
  return done, failure
end

local function start_client(self, given, level)
  local port = select(2, self:getPeerName())
  local run, failure = client.new("startTls", given, math.type(port) and port or "startTls", level + 1)
  if not run then return nil, failure end
  local done
  done, failure = as_client(self, run, self[BYTES]:deadline())
  if not done then return nil, failure end
  self.onSession = client.keeper(run)
  return client.writeReplayable(self, run)
end

local function start_server(self, given, level)
  local context, failure = server.context("startTls", given, level + 1)
  if not context then return nil, failure end
  local on_client_hello
  on_client_hello, failure = server.helloHandler("startTls", given, context, level + 1)
  if failure then return nil, failure end
  local replayable, take = {}, nil
  if context:getMaxReplayableData() > 0 then
    take = function(_, data) replayable[#replayable + 1] = data end
  end
  local done
  done, failure = secure(self, context, "accept", SciSslSocket.sslInitialize, {
    deadline = self[BYTES]:deadline() or wait.deadline(HANDSHAKE_SECONDS),
    timeout = self[BYTES]:seconds(),
    onClientHello = on_client_hello,
    onCertificate = given.onCertificate,
    onVerify = given.onVerify,
    onReplayable = take,
  })
  if done then self.replayable, self.onSession = table.concat(replayable), nil end
  return done, failure
end

-- Returns true where no unread byte could pass for a secured one, and all output is sent; or nil and a SciSslError.
local function is_clean(self)
  if self.closed then return refuse("startTls", "closed", "the stream is closed") end
  local unread = self[BYTES]:size()
  if unread > 0 then
    return refuse("startTls", link.of(self).secure and "unread_data" or "plaintext_pending",
      "%d bytes that arrived before were not read", unread)
  end
  self[BYTES]:release()
  return writer.push(self)
end

local server_options = context_options.kinds {
  role = "string",
  verify = "string|integer",
  psk = "psks|function",
  sni = "table",
  onClientHello = "callable",
  onCertificate = "callable",
  onVerify = "callable",
}

local client_options = { role = "string" }
for name, kind in pairs(client.optionKinds) do client_options[name] = kind end
client_options = context_options.kinds(client_options)

local roles = {
  client = { options = client_options, start = start_client },
  server = { options = server_options, start = start_server },
}

-- While the link changes, C does not use the socket: only Lua refuses the writes of others.
local Change = {}

function Change:__close()
  local changed = self.stream
  changed.changing = nil
  if not changed.closed then changed[BYTES]:setOwn(true) end
end

-- While the link changes, no other coroutine may read or write. Returns two values for `<close>` variables; or nil and
-- a SciSslError.
local function claim(self, phase)
  local bytes, changing = self[BYTES], self.changing
  if link.of(self).carries then return refuse(phase, "carries_tls", "this stream carries another one") end
  if reader.isTaken(self) or changing and changing:isTaken() then
    return refuse(phase, "busy", "another coroutine reads from this stream, or is in startTls or stopTls")
  end
  local change = setmetatable({ stream = self }, Change)
  self.changing = Claim.new():take()
  bytes:setOwn(false)
  return bytes:takeReading(), change
end

--- What `SciSslStream:startTls` does.
function starttls.start(self, given, level)
  level = level + 1
  if type(given) ~= "table" then options.read("startTls", given, client_options, level) end
  local name = given.role or "client"
  local role = roles[name]
  if not role then
    error(("bad option 'role' to 'startTls' ('client' or 'server' expected, got '%s')")
      :format(tostring(name)), level)
  end
  given = options.read("startTls", given, role.options, level, { role = name })
  local reading <close>, changing = claim(self, "startTls")
  if not reading then return nil, changing end
  local _ <close> = changing
  local clean, failure = is_clean(self)
  if not clean then return nil, failure end
  local done
  done, failure = role.start(self, given, level)
  return done, failure
end

-- ---- another stream's TLS

-- The link of a stream that now carries another stream. It still returns the facts about its own layer.
local Taken = { carries = true }
Taken.__index = Taken

local function refuse_taken()
  return refuse("read", "carries_tls", "this stream carries another one")
end

Taken.receive, Taken.send, Taken.sayEnd = refuse_taken, refuse_taken, refuse_taken

function Taken.settle()
  return true
end

function Taken:close()
  return self.lower:close()
end

function Taken:base()
  return self.lower:base()
end

function Taken:dirty()
  return self.lower:dirty()
end

function Taken:events()
  return self.lower:events()
end

--- Tells whether `carrier` can carry TLS: a stream, or an object with `receive` and `send`.
function starttls.canCarry(carrier)
  return options.is(carrier, "SciSslStream") or options.hasMethods(carrier, "receive", "send")
end

-- Takes the link of `carrier` for another stream. Returns it; or nil and a SciSslError.
local function take_link(carrier)
  if not options.is(carrier, "SciSslStream") then return tunnel.relay(carrier) end
  local reading <close>, changing = claim(carrier, "startTls")
  if not reading then return nil, changing end
  local _ <close> = changing
  local clean, failure = is_clean(carrier)
  if not clean then return nil, failure end
  local way = link.of(carrier)
  local taken = setmetatable({ lower = way, socket = way.socket, secure = way.secure }, Taken)
  taken[1] = link_of(taken)
  link.attach(carrier, taken)
  return way
end

--- Makes a stream of TLS over `carrier`, as the client that `run` describes.
-- @param carrier a SciSslStream, or an object that `scissl.stream.tunnel` can use
-- @tparam table run of `scissl.client.client_options`, with `deadline`
-- @tparam table given options of the stream
-- @treturn[1] SciSslStream
-- @treturn[2] nil
-- @treturn[2] SciSslError; if the handshake failed, the carrier is closed
function starttls.over(carrier, run, given)
  local way, failure = take_link(carrier)
  if not way then return nil, failure end
  local made = stream.make(nil, given, 1, way)
  local done
  done, failure = as_client(made, run, run.deadline)
  if done then
    made.onSession = client.keeper(run) -- until now its socket was the carrier's
    return made
  end
  if not made.closed then made:close() end
  return nil, failure
end

-- ---- the end of TLS

-- Reads what the peer has sent before its close_notify. Returns true; or nil and a SciSslError.
local function read_to_end(self)
  local deadline = self[BYTES]:deadline()
  local _, most = self[BYTES]:limits()
  while true do
    local received, failure, events = self[BYTES]:receive()
    if received then
      if self[BYTES]:size() > most then
        return refuse("shutdown", "too_much_data", "more than %d bytes arrived", most)
      end
      local went
      went, failure = link.of(self):turn(self[WAITER], deadline, "shutdown", self[BYTES]:seconds())
      if not went then return nil, failure end
    elseif failure then return nil, failure
    elseif not events then return true
    else
      local ready
      ready, failure = link.of(self):await(self[WAITER], events, deadline, "shutdown", self[BYTES]:seconds())
      if not ready then return nil, failure end
    end
  end
end

local function refuse_unread(self)
  return refuse("shutdown", "unread_data", "%d bytes that arrived over TLS are unread", self[BYTES]:size())
end

--- What `SciSslStream:stopTls` does.
function starttls.stop(self)
  if not link.of(self).secure then return refuse("shutdown", "not_secure", "the stream is in plain text already") end
  local reading <close>, changing = claim(self, "shutdown")
  if not reading then return nil, changing end
  local _ <close> = changing
  if self[BYTES]:size() > 0 then return refuse_unread(self) end
  self[BYTES]:release()
  local done, failure = writer.push(self)
  -- The peer may send plain text right behind its close_notify: OpenSSL must not read it.
  if done then done, failure = link.socket(self):sslSetReadAhead(false) end
  if done then done, failure = writer.sayEnd(self, "shutdown") end
  if done then done, failure = read_to_end(self) end
  if not done then return nil, failure end
  if self[BYTES]:size() > 0 then return refuse_unread(self) end
  local below, rest = link.of(self):stripped()
  link.attach(self, below)
  self.onSession = nil
  if rest and rest ~= "" then self[BYTES]:put(rest) end
  return self
end

return starttls
