--- Two ends of a TLS connection in one process. What each sends reaches the other by itself, and is recorded.
--
-- An end has every method of its SciSslSocket. Before each call it receives what the other end has sent, and after the
-- call the other end gets what it has sent.
-- @classmod SciSslTrySocket

local core = require "scissl.core"
local narrate = require "scissl.repl.narrate"
local options = require "scissl.base.option_table"

local End = { __name = "SciSslTrySocket" }

-- ---- the wire

local RECORD_HEAD = 5

-- The records that `bytes` begin with, and what is left of an unfinished one.
local function split(bytes)
  local records, position = {}, 1
  while position + RECORD_HEAD <= #bytes + 1 do
    local after = position + RECORD_HEAD + string.unpack(">I2", bytes, position + 3)
    if after > #bytes + 1 then break end
    records[#records + 1], position = bytes:sub(position, after - 1), after
  end
  return records, bytes:sub(position)
end

local function feed(to, bytes)
  if not to.real:sslFeed(bytes) then to.arriving = {} end -- closed: the bytes are dropped
end

-- Gives an end what was sent to it: all of it, or one record where `step` is "message".
local function deliver(to)
  local arriving = to.arriving
  local count = to.talk.step == "message" and math.min(1, #arriving) or #arriving
  for _ = 1, count do
    local record = table.remove(to.arriving, 1)
    if record then feed(to, record) end
  end
  if to.other.gone and not to.arriving[1] then to.real:sslFeedEnd() end
end

-- ---- recording

local function note(from, message)
  local said = from.talk.said
  message.from = from.role
  said[#said + 1] = message
end

local HANDSHAKE = 22

-- The bytes of a message on the wire, where they are not encrypted.
local function plain_text(records, event)
  for i, record in ipairs(records) do
    local payload = record:sub(RECORD_HEAD + 1)
    if record:byte(1) == HANDSHAKE and #payload == event.length and narrate.isMessage(event.name, payload) then
      table.remove(records, i)
      return payload, record
    end
  end
end

local function note_events(from, records)
  for _, event in ipairs((from.real:traceEvents())) do
    if event.direction == "sent" then
      local payload, record = plain_text(records, event)
      event.payload, event.record = payload, record
      event.offered = from.talk.offered
      event.words = narrate.words(event, from.real)
      from.talk.offered = event.session or event.offered
      if narrate.isUnsettled(event) then from.unsettled = event end
      note(from, event)
    end
  end
end

local function settle(from)
  if not (from.unsettled and from.real:isSecure()) then return end
  from.unsettled.words = narrate.words(from.unsettled, from.real)
  from.unsettled = nil
end

-- Takes what an end has just sent to the other end.
local function collect(from)
  local records, rest = split(from.rest .. from.real:sslDrain())
  from.rest = rest
  local arriving = from.other.arriving
  for _, record in ipairs(records) do arriving[#arriving + 1] = record end
  note_events(from, records)
  settle(from)
end

local function note_data(from, data, first, count)
  first = first or 1
  if first < 0 then first = math.max(1, #data + first + 1) end
  note(from, { kind = "data", name = "data", length = count, words = narrate.data(data:sub(first, first + count - 1)) })
end

-- ---- printing

local function print_new(talk, write)
  for _, line in ipairs(narrate.lines(talk.said, talk.shown + 1)) do write(line) end
  talk.shown = #talk.said
end

-- ---- an end's own methods

local function check(value, name, level)
  if getmetatable(value) == End then return end
  error(("bad argument #1 to '%s' (SciSslTrySocket expected, got %s): call it with a colon: c:%s(), and not c.%s()")
    :format(name, options.typeOf(value), name, name), level)
end

local own = {}

--- Prints the messages that were sent, in words.
-- @function SciSslTrySocket:trace
-- @tparam[opt] string|boolean what nothing: those since the last call; `"all"`: all of them; true: print each message
--  when it is sent, from now on; false: no longer
-- @raise for anything else
function own:trace(what)
  local talk = self.talk
  if what == true or what == false then talk.live = what
  elseif what == "all" then talk.shown = 0
  elseif what ~= nil then error("bad argument #1 to 'trace' (\"all\", true, false or nothing expected)", 2) end
  if what == false then return end
  if what == nil and talk.shown == #talk.said then
    talk.write(talk.shown == 0 and "Nothing was sent yet: try c:sslConnect()"
      or "Nothing new was sent. For everything: c:trace \"all\"")
  end
  print_new(talk, talk.write)
end

--- Returns all messages, as `trace` prints them.
-- @function SciSslTrySocket:traceText
-- @treturn string lines of at most 80 columns; empty where nothing was sent
function own:traceText()
  return table.concat(narrate.lines(self.talk.said, 1), "\n")
end

--- Returns the messages that were sent.
-- @function SciSslTrySocket:said
-- @treturn {table,...} in order, each with `from` (`"client"`, `"server"`), `kind` and `name` (as
--  `SciSslSocket:traceEvents`; `"data"` for application data), `length` (bytes) and `words` (what it means)
function own:said()
  local list = {}
  for i, message in ipairs(self.talk.said) do
    list[i] = { from = message.from, kind = message.kind, name = message.name, length = message.length,
      words = message.words }
  end
  return list
end

--- Returns the SciSslSocket of this end. Its bytes do not move by themselves.
-- @function SciSslTrySocket:socket
-- @treturn SciSslSocket
function own:socket()
  return self.real
end

for name, method in pairs(own) do
  own[name] = function(self, ...)
    check(self, name, 3)
    return method(self, ...)
  end
end

-- ---- everything that a SciSslSocket does

-- Each runs between deliver and collect; gets the results of the method.
local after = {}

function after.sslInitialize(self)
  if self.real:sslTrace(true) then self.rest = "" end
end

function after.sslWrite(self, arguments, result)
  if math.type(result) == "integer" and result > 0 then note_data(self, arguments[1], arguments[2], result) end
end

local before = {}

-- A closed socket has no events any more, so close_notify is sent and recorded before.
function before.close(self)
  if self.real:isSecure() then
    self.real:sslShutdown()
    collect(self)
  end
end

function after.close(self)
  self.gone = true
end

local function answer_as(self, first, ...)
  if first == self.real then return self, ... end
  return first, ...
end

local function finish(self, name, arguments, ...)
  if after[name] then after[name](self, arguments, ...) end
  collect(self)
  if self.talk.live then print_new(self.talk, self.talk.write) end
  return answer_as(self, ...)
end

local function forward(name, method)
  return function(self, ...)
    check(self, name, 3)
    if before[name] then before[name](self) end
    deliver(self)
    return finish(self, name, { ... }, method(self.real, ...))
  end
end

local forwarding = {}

function End.__index(_, name)
  local method = own[name] or forwarding[name]
  if method then return method end
  method = core.SciSslSocket[name]
  if type(method) ~= "function" then return method end
  method = forward(name, method)
  forwarding[name] = method
  return method
end

function End:__tostring()
  check(self, "__tostring", 3)
  return tostring(self.real)
end

function End:__close()
  check(self, "__close", 3)
  self:close()
end

-- ---- making one

local Conversation = {}

--- Connects two sockets with memory transports.
-- @tparam SciSslSocket client
-- @tparam SciSslSocket server
-- @tparam table given `step`: `"flight"` or `"message"`; `live`: print as it is sent; `write`: prints a line
-- @treturn SciSslTrySocket the client's end
-- @treturn SciSslTrySocket the server's end
function Conversation.new(client, server, given)
  local talk = { said = {}, shown = 0, step = given.step, live = given.live, write = given.write }
  local near = setmetatable({ role = "client", real = client, talk = talk, arriving = {}, rest = "" }, End)
  local far = setmetatable({ role = "server", real = server, talk = talk, arriving = {}, rest = "", other = near }, End)
  near.other = far
  return near, far
end

return Conversation
