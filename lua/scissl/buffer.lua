--- What has arrived and has not been read: a queue of strings that is never joined as a whole.
-- @module scissl.buffer

local Buffer = {}
Buffer.__index = Buffer

-- Pieces below this size are joined, so that a peer who sends byte by byte cannot make us hold a string for each.
local SMALL = 1024

--- Makes an empty buffer. `size` is the number of bytes in it.
function Buffer.new()
  return setmetatable({ size = 0, first = 1, last = 0, offset = 0, searched = 1, searched_bytes = 0 }, Buffer)
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
  self.searched, self.searched_bytes = 1, 0
end

-- Takes from the first piece alone.
local function take_some(self, count)
  local piece, offset = self[self.first], self.offset
  local bytes = piece:sub(offset + 1, offset + count)
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
  if self.offset > 0 then bytes = bytes:sub(self.offset + 1) end
  if self.first < self.last then
    local pieces = table.move(self, self.first + 1, self.last, 2, { bytes })
    bytes = table.concat(pieces)
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
    bytes = table.concat(pieces)
  end
  self.searched, self.searched_bytes = self.first, 0
  return bytes
end

-- The bytes of piece `index` that have not been taken begin behind this offset.
local function offset_in(self, index)
  return index == self.first and self.offset or 0
end

--- Answers how many bytes a line has, its end included; nil where no line has ended yet.
-- What was searched before is not searched again.
function Buffer:line()
  local index, before = self.searched, self.searched_bytes
  if index < self.first then index, before = self.first, 0 end
  while index <= self.last do
    local offset = offset_in(self, index)
    local found = self[index]:find("\n", offset + 1, true)
    if found then return before + found - offset end
    if index == self.last then break end -- it may still grow
    before = before + #self[index] - offset
    index = index + 1
  end
  self.searched, self.searched_bytes = index, before
  return nil
end

--- Answers the byte at `position`, 1 being the next to be taken; nil where it has not arrived.
function Buffer:byte(position)
  local index = self.first
  while index <= self.last do
    local offset = offset_in(self, index)
    local length = #self[index] - offset
    if position <= length then return self[index]:byte(offset + position) end
    position, index = position - length, index + 1
  end
  return nil
end

return Buffer
