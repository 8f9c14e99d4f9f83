--- What has arrived and has not been read: a queue of strings that is never joined as a whole.
-- @module scissl.stream.input_buffer

local find, sub, concat = string.find, string.sub, table.concat

local Buffer = {}
Buffer.__index = Buffer

-- Pieces below this size are joined, so that a peer who sends byte by byte cannot make us hold a string for each.
local SMALL = 1024

--- Makes an empty buffer. `size` is the number of bytes in it.
function Buffer.new()
  return setmetatable({ size = 0, first = 1, last = 0, offset = 0, searched = 1, before = 0 }, Buffer)
end

--- Adds a string that is not empty.
function Buffer:put(bytes)
  local last = self.last
  local before = self[last]
  self.size = self.size + #bytes
  if before and #before + #bytes <= SMALL then
    self[last] = before .. bytes
    return
  end
  self[last + 1] = bytes
  self.last = last + 1
end

local function start_again(self)
  for i = self.first, self.last do self[i] = nil end
  self.size, self.first, self.last, self.offset = 0, 1, 0, 0
  self.searched, self.before = 1, 0
end

-- ---- taking out

-- Takes from the first piece alone.
local function take_some(self, count)
  local piece, offset = self[self.first], self.offset
  local bytes = sub(piece, offset + 1, offset + count)
  if offset + #bytes == #piece then
    self[self.first] = nil
    self.first, self.offset = self.first + 1, 0
  else
    self.offset = offset + #bytes
  end
  self.size = self.size - #bytes
  return bytes
end

local function take_whole(self)
  local bytes = self[self.first]
  if self.offset > 0 then bytes = sub(bytes, self.offset + 1) end
  if self.first < self.last then
    local pieces = table.move(self, self.first + 1, self.last, 2, { bytes })
    bytes = concat(pieces)
  end
  start_again(self)
  return bytes
end

--- Takes `count` bytes out, or as many as there are.
function Buffer:take(count)
  if self.size == 0 or count <= 0 then return "" end
  if count >= self.size then return take_whole(self) end
  local bytes = take_some(self, count)
  if #bytes < count then
    local pieces, taken = { bytes }, #bytes
    while taken < count do
      bytes = take_some(self, count - taken)
      pieces[#pieces + 1] = bytes
      taken = taken + #bytes
    end
    bytes = concat(pieces)
  end
  self.searched, self.before = self.first, 0
  return bytes
end

-- Takes a line out that may span several pieces.
local function take_long_line(self, most, kept)
  local length = self:find("\n", true, 0)
  if (length or self.size) > most then return nil, true end
  if not length then return nil end
  local line = self:take(length + kept)
  if kept == 0 then self:take(1) end
  return line
end

--- Takes a line out. Most lines stand in the first piece as a whole: they cost one search and one copy.
-- @tparam integer most bytes that the line may have, without its end
-- @tparam integer kept 1: the result includes the line end; 0: it does not
-- @treturn[1] string
-- @treturn[2] nil the line has not arrived as a whole
-- @treturn[2] ?boolean true: it is longer than `most`
function Buffer:takeLine(most, kept)
  local first = self.first
  local piece, offset = self[first], self.offset
  if not piece or self.searched ~= first then return take_long_line(self, most, kept) end
  local at = find(piece, "\n", offset + 1, true)
  if not at or at - offset - 1 > most then return take_long_line(self, most, kept) end
  self.size = self.size - at + offset
  if at < #piece then
    self.offset = at
  else
    self[first] = nil
    self.first, self.searched, self.offset = first + 1, first + 1, 0
  end
  return sub(piece, offset + 1, at - 1 + kept)
end

-- ---- looking

-- The bytes of piece `index` that have not been taken begin behind this offset.
local function offset_in(self, index)
  return index == self.first and self.offset or 0
end

-- The last `count` bytes before piece `index`, or as many as there are.
local function end_before(self, index, count)
  local bytes = ""
  while #bytes < count and index > self.first do
    index = index - 1
    local from = math.max(offset_in(self, index) + 1, #self[index] - (count - #bytes) + 1)
    bytes = sub(self[index], from) .. bytes
  end
  return bytes
end

-- As string.find in piece `index`, and in `overlap` bytes before it, counting from the piece's first byte.
local function find_in(self, index, wanted, plain, overlap)
  local offset = offset_in(self, index)
  local earlier = overlap > 0 and end_before(self, index, overlap) or ""
  if earlier ~= "" then -- so this is not the first piece
    offset = #earlier
    local start, finish = find(earlier .. self[index], wanted, 1, plain)
    if start then return start - offset, finish - offset end
    return nil
  end
  local start, finish = find(self[index], wanted, offset + 1, plain)
  if start then return start - offset, finish - offset end
end

--- Looks for what ends an item. What was searched before, for the same, is not searched again: the cost grows with the
-- bytes that come, however they are split.
-- @tparam string wanted a Lua pattern
-- @tparam boolean plain it is none: every character stands for itself
-- @tparam integer overlap one less than the bytes that a match may have
-- @treturn[1] integer the number of bytes before it
-- @treturn[1] integer the number of its own bytes
-- @treturn[2] nil it has not come yet
function Buffer:find(wanted, plain, overlap)
  if self.wanted ~= wanted or self.plain ~= plain then
    self.wanted, self.plain, self.searched, self.before = wanted, plain, self.first, 0
  end
  local index, before = self.searched, self.before
  while index <= self.last do
    local start, finish = find_in(self, index, wanted, plain, overlap)
    if start then return before + start - 1, finish - start + 1 end
    if index == self.last then break end -- it may still grow
    before = before + #self[index] - offset_in(self, index)
    index = index + 1
  end
  self.searched, self.before = index, before
  return nil
end

--- Answers the next `count` bytes, or as many as there are, and leaves them.
function Buffer:peek(count)
  local index = self.first
  local bytes = self[index] and sub(self[index], self.offset + 1, self.offset + count) or ""
  while #bytes < count and index < self.last do
    index = index + 1
    bytes = bytes .. sub(self[index], 1, count - #bytes)
  end
  return bytes
end

--- Takes white space away from the beginning, and answers how many bytes that were.
function Buffer:skipSpace()
  local skipped = 0
  while self.size > 0 do
    local piece = self[self.first]
    local count = find(piece, "%S", self.offset + 1)
    count = (count or #piece + 1) - self.offset - 1
    if count == 0 then break end
    self:take(count)
    skipped = skipped + count
  end
  return skipped
end

return Buffer
