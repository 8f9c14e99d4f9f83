--- What `SciSslStream:read` and its kin do: the formats of Lua's files over a stream's buffer and link.
-- @module scissl.stream.reader

local core = require "scissl.core"
local peer_of = require "scissl.base.peer_address"
local writer = require "scissl.stream.writer"

local SciSslError = core.SciSslError
local match = string.match

local reader = {}

local MAX_NUMERAL = 200 -- as in Lua's own io library
local SOME = 65536 -- bytes of format "s" where no number is given
local IN_A_ROW = 16 -- reads without waiting, after which others get their turn
local PATTERN_SPAN = 1024 -- bytes that a match of a pattern may have

-- ---- taking in

--- Refuses a second coroutine: it would take what belongs to the first, which is in the midst of an item.
-- @treturn[1] nil where no other reads
-- @treturn[2] SciSslError condition `busy`
function reader.refuseSecond(self)
  if not self.reading:isTaken() then return nil end
  return SciSslError.new {
    phase = "read", condition = "busy", message = "another coroutine is reading from this stream",
    peer = peer_of(self.link:base()),
  }
end

--- Gives the sessions that have come to who wants them.
function reader.handOutSessions(self)
  for _, session in ipairs(self.link.socket:newSessions()) do self.onSession(session) end
end

-- In TLS 1.3 they come with the first data as a rule, and may come later.
local function hear(self)
  if self.heard then return end
  if self.onSession then
    local _ <close> = self.reading:take()
    reader.handOutSessions(self)
  end
  self.heard = true
end

-- When the operation of reading at hand has to be over; nil: as long as it takes.
local function read_by(self)
  if self.readBy == nil then self.readBy = writer.deadline(self) or false end
  return self.readBy or nil
end

-- Waits in an operation of reading, for its own time. What is still to be sent goes out meanwhile, as far as the peer
-- takes it: it may be what the peer's answer waits for. A read that has to send first waits for that alone.
local function await(self, events)
  local deadline = read_by(self)
  if writer.pushSome(self) and events == "r" then events = "rw" end
  local _ <close> = self.reading:take()
  local ready, failure = self.link:await(self.waiter, events, deadline, "read", self.seconds)
  return ready, failure
end

-- After many reads in a row others get their turn, and the deadline a look. Of what has been read ahead no descriptor
-- tells.
local function take_turn(self)
  self.turns = 0
  local _ <close> = self.reading:take()
  if self.link:dirty() then return self.link:turn(self.waiter, read_by(self), "read", self.seconds) end
  return await(self, self.link:events())
end

-- Takes in more. True; or nil at the end; or nil, a failure, and whether it passes so that what has come must be kept.
local function fill(self)
  local link = self.link
  self.turns = self.turns + 1
  if self.turns > IN_A_ROW then
    local went, failure = take_turn(self)
    if not went then return nil, failure, true end
  end
  while true do
    local bytes, failure, events = link:receive()
    if bytes then
      self.buffer:put(bytes)
      hear(self)
      return true
    end
    if not events then return nil, failure end
    local ready
    self.turns = 0
    ready, failure = await(self, events)
    if not ready then return nil, failure, true end
  end
end

-- What a reader answers when no more comes: the rest, nil at the end, or nil, the failure and what would be lost.
local function finish(self, failure, passes)
  local buffer = self.buffer
  if not failure then
    if buffer.size > 0 then return buffer:take(buffer.size) end
    return nil
  end
  if passes or buffer.size == 0 then return nil, failure end
  return nil, failure, buffer:take(buffer.size)
end

local function refuse(self, condition, words, limit)
  return nil, SciSslError.new {
    phase = "read", condition = condition, message = words:format(limit), peer = peer_of(self.link:base()),
  }
end

-- ---- the formats: functions of the stream, the number that the format names, and (lines) 1: with the end, 0: without

local function read_line(self, most, kept)
  local buffer = self.buffer
  most = most or self.maxLine
  while true do
    local line, is_too_long = buffer:takeLine(most, kept)
    if line then return line end
    if is_too_long then return refuse(self, "line_too_long", "no line end within %d bytes", most) end
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
end

local function read_count(self, count)
  local buffer = self.buffer
  while buffer.size == 0 or buffer.size < count do
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
  return buffer:take(count)
end

local function read_some(self, most)
  local buffer = self.buffer
  if buffer.size == 0 then
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
  return buffer:take(most or SOME)
end

local function read_all(self, most)
  local buffer = self.buffer
  most = most or self.maxBuffer
  while buffer.size <= most do
    local more, failure, passes = fill(self)
    if not more then
      local rest, lost, partial = finish(self, failure, passes)
      if failure then return rest, lost, partial end
      return rest or ""
    end
  end
  return refuse(self, "too_much_data", "more than %d bytes came", most)
end

-- Answers how much of `text` io.read("n") would take for a numeral.
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

-- True, or nil where a numeral cannot come: at the end, or with a failure.
local function skip_space(self, most)
  local buffer, skipped = self.buffer, 0
  while true do
    skipped = skipped + buffer:skipSpace()
    if skipped > most then return refuse(self, "line_too_long", "no numeral within %d bytes", most) end
    if buffer.size > 0 then return true end
    local more, failure = fill(self)
    if not more then return nil, failure end
  end
end

-- Answers how many bytes the numeral at hand has, taking in as much as that takes; or nil and a failure.
local function measure_numeral(self)
  while true do
    local text = self.buffer:peek(MAX_NUMERAL + 1)
    local length = numeral_length(text)
    if length < #text or #text > MAX_NUMERAL then return length end
    local more, failure = fill(self)
    if failure then return nil, failure end
    if not more then return length end
  end
end

local function read_number(self, most)
  local found, failure = skip_space(self, most or self.maxLine)
  if failure then return nil, failure end
  if not found then return nil end
  local buffer = self.buffer
  local length
  length, failure = measure_numeral(self)
  if failure then return nil, failure end
  if length > MAX_NUMERAL then
    buffer:take(MAX_NUMERAL)
    return nil
  end
  return tonumber(buffer:take(length))
end

-- ---- finding a format

local readers = { l = read_line, L = read_line, a = read_all, n = read_number, s = read_some }
local kept = { L = 1, l = 0 }

-- "l", "*line" as in Lua 5.1, "l:8192".
local function parse(format)
  local letter = match(format, "^%*?(.)")
  local limit = match(format, ":(%d+)$")
  if not limit and format:find(":", 1, true) then return nil end
  return readers[letter], limit and math.tointeger(tonumber(limit)), kept[letter]
end

--- Answers the function that reads `format`, and two numbers that it wants beside the stream; nil for no format.
function reader.find(format)
  if type(format) == "string" then
    local read = readers[format]
    if read then return read, nil, kept[format] end
    return parse(format)
  end
  local count = math.type(format) and math.tointeger(format)
  if count and count >= 0 then return read_count, count end
end

reader.line = read_line

-- ---- until something comes

-- Answers how many bytes more than one a match may have.
local function overlap_of(pattern, plain)
  return plain and #pattern - 1 or PATTERN_SPAN - 1
end

--- Reads up to a match of `pattern`. Answers what stands before it, and the match; the rest alone at the end.
function reader.untilFound(self, pattern, most, plain)
  local buffer, overlap = self.buffer, overlap_of(pattern, plain)
  most = most or self.maxLine
  while true do
    local before, length = buffer:find(pattern, plain, overlap)
    if (before or buffer.size - overlap) > most then
      return refuse(self, "line_too_long", "what should end the text does not come within %d bytes", most)
    end
    if before then
      local text = buffer:take(before)
      return text, buffer:take(length)
    end
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
end

return reader
