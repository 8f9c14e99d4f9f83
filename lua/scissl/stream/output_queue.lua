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
  self.texts, self.froms, self.tos = { false }, { 0 }, { 0 } -- the rest of a write has its place without more memory
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
  self.texts[tail], self.froms[tail], self.tos[tail] = text, from, to
  self.tail = tail -- last: where memory runs out before, nothing has changed
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

--- Takes over the rest of a string that C has begun to write. It comes first.
function Output:takeRest()
  local bytes = self.bytes
  local text, from = bytes:rest()
  if not text then return end
  local tail = self.tail + 1
  self.texts[tail], self.froms[tail], self.tos[tail] = text, from, #text
  bytes:dropRest() -- behind this nothing can fail
  self.tail = tail
  self.queued = self.queued + #text - from + 1
end

-- ---- records

-- These make a list of parts, each a string, its first byte and its last: `parts.n` values. Memory may run out in them,
-- and finalizers may write to the stream, so they change nothing else.

local function add_part(parts, text, from, to)
  local n = parts.n
  parts[n + 1], parts[n + 2], parts[n + 3] = text, from, to
  parts.n = n + 3
end

-- Adds a long string, behind `few` bytes in `pieces` that share its first record. Returns its bytes behind the last
-- whole record, which share the next one.
local function add_long(parts, pieces, few, text)
  local lent = few > 0 and RECORD - few or 0
  if few > 0 then
    pieces[#pieces + 1] = sub(text, 1, lent)
    add_part(parts, concat(pieces), 1, RECORD)
  end
  local whole = (#text - lent) // RECORD * RECORD
  if whole > 0 then add_part(parts, text, lent + 1, lent + whole) end
  return sub(text, lent + whole + 1)
end

-- Adds the whole records in `pieces`. Returns the rest as a new list, and its number of bytes.
local function add_records(parts, pieces, bytes)
  local joined = concat(pieces)
  local whole = bytes // RECORD * RECORD
  if whole > 0 then add_part(parts, joined, 1, whole) end
  return { sub(joined, whole + 1) }, bytes - whole
end

-- Makes as few records as possible of many strings, without copying long ones.
local function add_all(parts, texts, count, size)
  if count == 1 then return add_part(parts, texts[1], 1, size) end
  if size <= ONE_WRITE then return add_part(parts, concat(texts, "", 1, count), 1, size) end
  local pieces, bytes = {}, 0
  for i = 1, count do
    local text = texts[i]
    if bytes >= RECORD and bytes + #text > ONE_WRITE then
      pieces, bytes = add_records(parts, pieces, bytes)
    end
    if bytes + #text <= ONE_WRITE then
      pieces[#pieces + 1], bytes = text, bytes + #text
    else
      local rest = add_long(parts, pieces, bytes, text)
      pieces, bytes = { rest }, #rest
    end
  end
  if bytes > 0 then add_part(parts, concat(pieces), 1, bytes) end
end

-- Enqueues the parts: all that is held back, except `rest`. No function is called before the end, so that no finalizer
-- runs; where memory runs out, nothing has changed.
local function enqueue_parts(self, parts, rest)
  local texts, froms, tos = self.texts, self.froms, self.tos
  local tail, bytes = self.tail, 0
  for i = 1, parts.n, 3 do
    tail = tail + 1
    texts[tail], froms[tail], tos[tail] = parts[i], parts[i + 1], parts[i + 2]
    bytes = bytes + tos[tail] - froms[tail] + 1
  end
  self.tail, self.queued = tail, self.queued + bytes
  self.pieces, self.count, self.held = rest, #rest, self.held - bytes
  self.bytes:setDirect(false)
end

--- Moves held bytes into the queue: all of them, or the first `bytes`.
function Output:release(bytes)
  local held, pieces, count = self.held, self.pieces, self.count
  if held == 0 or bytes == 0 then return end
  local parts, rest = { n = 0 }, {}
  if not bytes or bytes >= held then
    add_all(parts, pieces, count, held)
  else
    local joined = concat(pieces, "", 1, count)
    add_part(parts, joined, 1, bytes)
    rest[1] = sub(joined, bytes + 1)
  end
  if self.pieces ~= pieces then return end -- a finalizer has released them
  for i = count + 1, self.count do rest[#rest + 1] = pieces[i] end -- a finalizer has added them
  enqueue_parts(self, parts, rest)
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
  local count = self.count + 1
  self.pieces[count] = text
  self.count, self.held = count, self.held + #text
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
  self:takeRest()
  if text == "" then return false end
  if self.mode == "no" and self.held == 0 then
    enqueue(self, text, 1, #text)
    return true
  end
  keep(self, text)
  if self.mode == "full" and self.held < self.size then return false end
  return release_due(self, 1)
end

--- Adds many strings.
function Output:putAll(texts, count)
  self:takeRest()
  local pieces, before, held = self.pieces, self.count, self.held
  local last = before
  for i = 1, count do
    if texts[i] ~= "" then
      last = last + 1
      pieces[last], held = texts[i], held + #texts[i]
    end
  end
  self.count, self.held = last, held
  self.bytes:setDirect(false)
  return release_due(self, last - before)
end

return Output
