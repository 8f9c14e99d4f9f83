--- What `SciSslStream:read`, `lines` and `readUntil` do: Lua's read formats over a stream's buffer and link.
-- @module scissl.stream.reader

local core = require "scissl.core"
local goes_on = require "scissl.base.going_on".goesOn
local link = require "scissl.stream.link"
local peer_of = require "scissl.base.peer_address"
local result = require "scissl.loop.wait_result"
local writer = require "scissl.stream.writer"
local session_keeper = require "scissl.sessions.keeper"

local SciSslError = core.SciSslError
local base_of, link_of, socket_of = link.base, link.of, link.socket
local match = string.match

local reader = {}

local BYTES <const>, WAITER <const> = 1, 2 -- of a stream
local MAX_NUMERAL = 200 -- as in Lua's own io library
local IN_A_ROW = 16 -- reads without waiting, after which other coroutines get their turn
local PATTERN_SPAN = 1024 -- bytes that a match of a pattern may have

-- ---- filling the buffer

--- Tells whether another coroutine reads, or a call is at work on the bytes of a stream. A coroutine that its loop has
-- removed reads no more; in startTls it leaves behind what is neither plain text nor TLS.
-- @treturn boolean
function reader.isTaken(self)
  local by = self[BYTES]:takenBy()
  return by == true or by ~= nil and (self.changing ~= nil or goes_on(by))
end

--- Rejects a second coroutine: it would take bytes of the item that the first is reading.
-- @treturn[1] nil where no other reads
-- @treturn[2] SciSslError condition `busy`
function reader.refuseSecond(self)
  if not reader.isTaken(self) then return nil end
  return SciSslError.new {
    phase = "read", condition = "busy", message = "another coroutine is reading from this stream",
    peer = peer_of(base_of(self)),
  }
end

--- Calls `onSession` for the sessions that have arrived.
function reader.handOutSessions(self)
  for _, session in ipairs(socket_of(self):newSessions()) do self.onSession(session) end
end

--- The same at the end of the connection.
function reader.handOutLastSessions(self)
  if self.onSession then reader.handOutSessions(self) end
  session_keeper.finish(self.onSession or self.kept, (socket_of(self)))
end

-- TLS 1.3 servers usually send tickets just before their first data.
local function note_start(self)
  if self[BYTES]:hasHeard() then return end
  if self.onSession then
    local _ <close> = self[BYTES]:takeReading()
    reader.handOutSessions(self)
  end
  self[BYTES]:setHeard(true)
end

-- Waits in a read. Queued output is sent meanwhile, as far as the peer takes it: the peer may be waiting for it before
-- it sends more. While TLS has to send before it can read, this waits for writing alone.
local function await(self, events)
  local deadline = self[BYTES]:readBy()
  if writer.pushSome(self) and events == "r" then events = "rw" end
  local _ <close> = self[BYTES]:takeReading()
  local ready, failure = link_of(self):await(self[WAITER], events, deadline, "read", self[BYTES]:seconds())
  return ready, failure
end

-- A server that stops ends the wait for a further request (`endIdle` of serve): once, since the handler may read on.
local function refuse_idle(self)
  if not self[BYTES]:isIdle() then return nil end
  self.ending = nil
  return SciSslError.new {
    phase = "read", condition = "stopping",
    message = "the listener stops, and nothing has arrived since the last write", peer = peer_of(base_of(self)),
  }
end

-- After many reads in a row, other coroutines get their turn, and the deadline is checked. Bytes that were read ahead
-- do not make a descriptor readable.
local function take_turn(self)
  self[BYTES]:countRead(false)
  local _ <close> = self[BYTES]:takeReading()
  local turns = self.ending or link_of(self):dirty()
  if turns then return link_of(self):turn(self[WAITER], self[BYTES]:readBy(), "read", self[BYTES]:seconds()) end
  return await(self, link_of(self):events())
end

-- Reads more into the buffer, after a wait for `events` where they are given. Returns true; nil at the end; or nil, a
-- failure, and true where the bytes must be kept.
local function fill(self, events)
  local bytes = self[BYTES]
  if not events and bytes:countRead(true) > IN_A_ROW then
    local went, failure = take_turn(self)
    if not went then return nil, failure, true end
  end
  if self.ending then events = nil end -- what has arrived by now counts
  while true do
    if not events then
      local received, failure
      received, failure, events = bytes:receive() -- what a waiter calls may have changed the link
      if received then
        note_start(self)
        return true
      end
      if not events then return nil, failure end
    end
    bytes:countRead(false)
    local stopping = self.ending and refuse_idle(self)
    if stopping then return nil, stopping, true end
    local ready, failure = await(self, events)
    if not ready then return nil, failure, true end
    events = nil
  end
end

-- What a read returns when no more bytes come: the rest; nil at the end; or nil, the failure and the incomplete data.
local function finish(self, failure, passes, all)
  local bytes = self[BYTES]
  local size = bytes:size()
  if not failure then
    if size > 0 or all then return bytes:take(size) end
    return nil
  end
  if passes or size == 0 then return nil, failure end
  return nil, failure, bytes:take(size)
end

local function refuse(self, condition, words, limit)
  return nil, SciSslError.new {
    phase = "read", condition = condition, message = words:format(limit), peer = peer_of(base_of(self)),
  }
end

-- ---- what csrc/stream/stream_read.c calls

reader.policy = {
  false, -- the whole read: see stream.lua
  function(self)
    local refusal = reader.refuseSecond(self)
    if refusal then return nil, refusal end
  end,
  fill,
  note_start,
  finish,
  function(self, ready, reason)
    local deadline, seconds = self[BYTES]:readBy(), self[BYTES]:seconds()
    local done, failure = result.understand(ready, reason, socket_of(self), "r", deadline, "read", seconds)
    return done, failure, true
  end,
  function(self, most) return refuse(self, "line_too_long", "no line end within %d bytes", most) end,
  function(self, most) return refuse(self, "too_much_data", "more than %d bytes arrived", most) end,
}

-- ---- numerals

-- Returns the length of the prefix of `text` that io.read("n") would read as a number.
local function numeral_length(text)
  local at = match(text, "^[+-]?()")
  local digits, exponent = "^%d*()", "^[eE]()"
  local hexadecimal = match(text, "^0[xX]()", at)
  if hexadecimal then at, digits, exponent = hexadecimal, "^%x*()", "^[pP]()" end
  local stop = match(text, digits, at)
  local count = stop - at
  local fraction = match(text, "^%.()", stop)
  if fraction then
    stop = match(text, digits, fraction)
    count = count + stop - fraction
  end
  local power = count > 0 and match(text, exponent, stop)
  if power then stop = match(text, "^[+-]?%d*()", power) end
  return stop - 1
end

-- Returns true; or nil where no number can come: at the end, or with a failure.
local function skip_space(self, most)
  local bytes, skipped = self[BYTES], 0
  while true do
    skipped = skipped + bytes:skipSpace()
    if skipped > most then return refuse(self, "line_too_long", "no number within %d bytes", most) end
    if bytes:size() > 0 then return true end
    local more, failure = fill(self)
    if not more then return nil, failure end
  end
end

-- Returns the length of the number, reading more where needed; or nil and a failure.
local function measure_numeral(self)
  while true do
    local text = self[BYTES]:peek(MAX_NUMERAL + 1)
    local length = numeral_length(text)
    if length < #text or #text > MAX_NUMERAL then return length end
    local more, failure = fill(self)
    if failure then return nil, failure end
    if not more then return length end
  end
end

--- Reads a number behind at most `most` bytes of white space.
function reader.number(self, most)
  local found, failure = skip_space(self, most or self[BYTES]:limits())
  if failure then return nil, failure end
  if not found then return nil end
  local bytes = self[BYTES]
  local length
  length, failure = measure_numeral(self)
  if failure then return nil, failure end
  if length > MAX_NUMERAL then
    bytes:take(MAX_NUMERAL)
    return nil
  end
  return tonumber(bytes:take(length))
end

--- Tells whether `format` asks for a number: "n", "*number", "n:8192". Returns true and its limit.
function reader.isNumber(format)
  if type(format) ~= "string" or not match(format, "^%*?n") then return false end
  local limit = match(format, ":(%d+)$")
  if not limit and format:find(":", 1, true) then return false end
  return true, limit and math.tointeger(tonumber(limit))
end

-- ---- up to a match

-- Searches for the end of an item. A repeated search for the same text continues where the last one ended: the cost
-- grows with the number of bytes, however they are split. Returns the bytes before the match, and those of the match.
local function find(self, wanted, plain, overlap)
  local bytes, sought = self[BYTES], self.sought
  local taken, size = bytes:taken(), bytes:size()
  local from = 0
  if sought and sought.wanted == wanted and sought.plain == plain then
    from = math.max(0, sought.upTo - taken - overlap)
  else
    sought = { wanted = wanted, plain = plain }
    self.sought = sought
  end
  local before, length
  if plain then
    before, length = bytes:find(wanted, from), #wanted
  else
    local first, last = bytes:peek(size, from):find(wanted)
    if first then before, length = from + first - 1, last - first + 1 end
  end
  sought.upTo = taken + (before or size)
  return before, length
end

--- Reads up to a match of `pattern`. Returns the bytes before it, and the match; at the end only the rest.
function reader.untilFound(self, pattern, most, plain)
  local bytes, overlap = self[BYTES], plain and #pattern - 1 or PATTERN_SPAN - 1
  most = most or bytes:limits()
  if plain and not self.sought then
    local before = bytes:find(pattern, 0)
    if before and before <= most then
      local text = bytes:take(before)
      return text, bytes:take(#pattern)
    end
  end
  while true do
    local before, length = find(self, pattern, plain, overlap)
    if (before or bytes:size() - overlap) > most then
      return refuse(self, "line_too_long", "no match within %d bytes", most)
    end
    if before then
      self.sought = nil
      local text = bytes:take(before)
      return text, bytes:take(length)
    end
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
end

return reader
