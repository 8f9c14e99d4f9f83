--- A queue: values in the order of their arrival, each of which may leave at any time. `count` says how many there are.
-- @module scissl.base.arrival_queue

local queue = {}

--- Makes an empty queue.
function queue.new()
  return { first = 1, last = 0, count = 0 }
end

--- Appends a value. Returns its place, for `leave`. Where memory runs out nothing has changed.
function queue.enter(self, value)
  local place = self.last + 1
  self[place] = value
  self.last, self.count = place, self.count + 1
  return place
end

--- Makes room for the next value: then `enter` needs no memory.
function queue.reserve(self)
  self[self.last + 1] = false
end

--- Removes the value at a place.
function queue.leave(self, place)
  self[place], self.count = nil, self.count - 1
  if self.count == 0 then self.first, self.last = 1, 0 end -- so that its places are used again
  while self.first <= self.last and not self[self.first] do self.first = self.first + 1 end
end

--- Returns the value that has been there longest; nil: there is none.
function queue.oldest(self)
  return self[self.first] or nil
end

return queue
