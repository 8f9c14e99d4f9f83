--- Bytes that are written and not yet sent: strings that are held back until they fill records, and a queue of strings
-- that are being sent. Coroutines that write at the same time share the queue, so that each string is sent once and in
-- one piece.
-- @module scissl.stream.output_queue

local concat, match, sub = table.concat, string.match, string.sub

local Output = {}
Output.__index = Output

Output.RECORD = 16384 -- bytes that a TLS record may carry

local RECORD = Output.RECORD
local ONE_WRITE = 4 * RECORD -- strings that have fewer bytes together are joined into one

--- Makes an empty one. `queued` and `held` are the numbers of bytes in the queue and held back.
-- @param bytes the part of the stream that C keeps; C writes to the socket at once while this queue is empty
function Output.new(bytes)
  local output = setmetatable({ mode = "no", size = RECORD, bytes = bytes }, Output)
  output:forget()
  return output
end

--- Drops everything.
function Output:forget()
  self.texts, self.froms, self.tos = {}, {}, {}
  self.head, self.tail, self.queued = 1, 0, 0
  self.pieces, self.count, self.held = {}, 0, 0
  self:noteDirect()
end

--- Notes whether a write may go to the socket at once: nothing is queued, held back, or about to be.
function Output:noteDirect()
  self.bytes:setDirect(self.mode == "no" and self.held == 0 and self.queued == 0)
end

-- ---- the queue

local function enqueue(self, text, from, to)
  local tail = self.tail + 1
  self.tail = tail
  self.texts[tail], self.froms[tail], self.tos[tail] = text, from, to
  self.queued = self.queued + to - from + 1
  self.bytes:setDirect(false)
end

--- Returns what is to be sent next: a string, its first byte that was not sent, and its last.
function Output:next()
  local head = self.head
  return self.texts[head], self.froms[head], self.tos[head]
end

--- Notes that this number of bytes was sent.
function Output:sent(bytes)
  local head = self.head
  local from = self.froms[head] + bytes
  self.queued = self.queued - bytes
  if from <= self.tos[head] then
    self.froms[head] = from
    return
  end
  self.texts[head], self.froms[head], self.tos[head] = nil, nil, nil
  if head < self.tail then
    self.head = head + 1
  else
    self.head, self.tail = 1, 0
    self:noteDirect()
  end
end

-- ---- records

-- Enqueues a long string, behind `few` bytes in `pieces` that share its first record. Returns its bytes behind the last
-- whole record, which share the next one.
local function enqueue_long(self, pieces, few, text)
  local lent = few > 0 and RECORD - few or 0
  if few > 0 then
    pieces[#pieces + 1] = sub(text, 1, lent)
    enqueue(self, concat(pieces), 1, RECORD)
  end
  local whole = (#text - lent) // RECORD * RECORD
  if whole > 0 then enqueue(self, text, lent + 1, lent + whole) end
  return sub(text, lent + whole + 1)
end

-- Enqueues the whole records in `pieces`. Returns the rest as a new list, and its number of bytes.
local function enqueue_records(self, pieces, bytes)
  local joined = concat(pieces)
  local whole = bytes // RECORD * RECORD
  if whole > 0 then enqueue(self, joined, 1, whole) end
  return { sub(joined, whole + 1) }, bytes - whole
end

-- Makes as few records as possible of many strings, without copying long ones.
local function enqueue_all(self, texts, count, size)
  if count == 1 then return enqueue(self, texts[1], 1, size) end
  if size <= ONE_WRITE then return enqueue(self, concat(texts, "", 1, count), 1, size) end
  local pieces, bytes = {}, 0
  for i = 1, count do
    local text = texts[i]
    if bytes >= RECORD and bytes + #text > ONE_WRITE then
      pieces, bytes = enqueue_records(self, pieces, bytes)
    end
    if bytes + #text <= ONE_WRITE then
      pieces[#pieces + 1], bytes = text, bytes + #text
    else
      local rest = enqueue_long(self, pieces, bytes, text)
      pieces, bytes = { rest }, #rest
    end
  end
  if bytes > 0 then enqueue(self, concat(pieces), 1, bytes) end
end

--- Moves held bytes into the queue: all of them, or the first `bytes`.
function Output:release(bytes)
  local held = self.held
  if held == 0 or bytes == 0 then return end
  local pieces = self.pieces
  if not bytes or bytes >= held then
    enqueue_all(self, pieces, self.count, held)
    self.pieces, self.count, self.held = {}, 0, 0
    return
  end
  local joined = concat(pieces, "", 1, self.count)
  enqueue(self, joined, 1, bytes)
  self.pieces, self.count, self.held = { sub(joined, bytes + 1) }, 1, held - bytes
end

-- ---- adding

-- The number of held bytes up to the last line end; 0: there is none. Only the last `fresh` strings are new.
local function through_last_line(self, fresh)
  local pieces, behind = self.pieces, 0
  for i = self.count, self.count - fresh + 1, -1 do
    local line_end = match(pieces[i], "^.*\n()") -- without "^" a text without line end costs quadratic time
    if line_end then return self.held - behind - (#pieces[i] - line_end + 1) end
    behind = behind + #pieces[i]
  end
  return 0
end

-- The number of held bytes that must be sent now, by mode: whole records, where the buffer is large enough.
local releasable = {
  no = function(self) return self.held end,
  full = function(self)
    if self.held < self.size then return 0 end
    return self.held < RECORD and self.held or self.held // RECORD * RECORD
  end,
  line = function(self, fresh)
    return self.held < self.size and through_last_line(self, fresh) or self.held
  end,
}

local function keep(self, text)
  if text == "" then return end
  self.count = self.count + 1
  self.pieces[self.count] = text
  self.held = self.held + #text
  self.bytes:setDirect(false)
end

local function release_due(self, fresh)
  local bytes = releasable[self.mode](self, fresh)
  if bytes == 0 then return false end
  self:release(bytes)
  return true
end

--- Adds a string. Returns true where something must be sent.
function Output:put(text)
  if text == "" then return false end
  if self.mode == "no" and self.held == 0 then
    enqueue(self, text, 1, #text)
    return true
  end
  keep(self, text)
  if self.mode == "full" and self.held < self.size then return false end
  return release_due(self, 1)
end

--- Enqueues the bytes of a string from `from` on, which the socket did not take. Returns true where there are any.
function Output:putRest(text, from)
  if from > #text then return false end
  enqueue(self, text, from, #text)
  return true
end

--- Adds many strings.
function Output:putAll(texts, count)
  local before = self.count
  for i = 1, count do keep(self, texts[i]) end
  return release_due(self, self.count - before)
end

return Output
