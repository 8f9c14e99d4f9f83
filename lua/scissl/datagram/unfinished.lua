--- The unfinished handshakes of a server of DTLS: how many there may be, and when each has to be looked after. All work
-- here is bounded by the logarithm of their number.
-- @module scissl.datagram.unfinished

local network_of = require "scissl.base.network"
local queue = require "scissl.base.arrival_queue"

local Unfinished = {}
Unfinished.__index = Unfinished

-- ---- by time: a heap, the earliest `dueAt` first; each association knows its place

local function sift(heap, place, association)
  local at, size = association.dueAt, #heap
  while place > 1 and heap[place // 2].dueAt > at do
    heap[place] = heap[place // 2]
    heap[place].place = place
    place = place // 2
  end
  while 2 * place <= size do
    local below = 2 * place
    if below < size and heap[below + 1].dueAt < heap[below].dueAt then below = below + 1 end
    if at <= heap[below].dueAt then break end
    heap[place] = heap[below]
    heap[place].place = place
    place = below
  end
  heap[place], association.place = association, place
end

--- Sets when an association has to be looked after.
function Unfinished:setDue(association, at)
  association.dueAt = at
  sift(self.heap, association.place, association)
end

--- Returns when the next one has to be looked after, and which; nil: there is none.
function Unfinished:nextDue()
  local first = self.heap[1]
  if first then return first.dueAt, first end
end

-- ---- who they are

local function name_of(host)
  return network_of(host, true) or "" -- a Unix-domain socket
end

--- Returns the association that has to end before one of this host may begin, and why; nil: there is room.
function Unfinished:inTheWay(host)
  local own = self.networks[name_of(host)]
  if own and own.count >= self.mostFromOne then
    return queue.oldest(own), ("%d peers of this network had not finished their handshakes"):format(own.count)
  end
  if self.all.count >= self.most then
    return queue.oldest(self.all), ("%d peers had not finished their handshakes"):format(self.all.count)
  end
end

--- Notes an association that begins its handshake; its field `dueAt` says when it has to be looked after. Where memory
-- runs out, it is not noted.
function Unfinished:add(association)
  local network, heap, all = name_of(association.host), self.heap, self.all
  local own = self.networks[network] or queue.new()
  self.networks[network], association.network = own, network
  association.ownTurn, association.turn, association.place = false, false, false
  queue.reserve(own)
  queue.reserve(all)
  heap[#heap + 1] = association -- what follows needs no memory
  association.ownTurn, association.turn = queue.enter(own, association), queue.enter(all, association)
  sift(heap, #heap, association)
end

--- Forgets an association, if it is here. Returns whether it was.
function Unfinished:remove(association)
  local heap, place = self.heap, association.place
  if not place then return false end
  local last = table.remove(heap)
  if last ~= association then sift(heap, place, last) end
  local own = self.networks[association.network]
  queue.leave(own, association.ownTurn)
  queue.leave(self.all, association.turn)
  if own.count == 0 then self.networks[association.network] = nil end
  association.place = nil
  return true
end

--- Returns how many there are.
function Unfinished:count()
  return self.all.count
end

--- Makes the note of a server.
-- @tparam integer most how many there may be
-- @tparam integer most_from_one how many of one network: 24 bits of IPv4, 64 bits of IPv6
return function(most, most_from_one)
  return setmetatable({
    most = most, mostFromOne = most_from_one, all = queue.new(), networks = {}, heap = {},
  }, Unfinished)
end
