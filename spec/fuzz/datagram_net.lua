--- spec/fuzz/datagram_net.lua: a network for the fuzzer of datagrams: it flips, cuts, drops, doubles, delays, splits,
-- joins and invents datagrams, and sends again what it has seen.
--
--    local net = Net.new(random, log, rate)    one datagram of `rate` is changed
--    list = net:pass(datagram)                 what arrives in its place, in this order
--    datagram = net:garbage()

local HEADER, KEPT = 13, 40

-- ---- records

local function records_of(datagram)
  local list, at = {}, 1
  while #datagram - at + 1 >= HEADER do
    local length = HEADER + (">I2"):unpack(datagram, at + 11)
    list[#list + 1] = datagram:sub(at, at + length - 1)
    at = at + length
  end
  return list, datagram:sub(at)
end

local function record(kind, version, epoch, number, body)
  return string.char(kind) .. version .. (">I2 I6 s2"):pack(epoch, number, body)
end

local function put(bytes, at, more)
  return bytes:sub(1, at - 1) .. more .. bytes:sub(at + #more)
end

local function random_record(random)
  local body = random:pick {
    "", "\1", "\2\40", "\1\0", "\1\100", random:bytes(30), ("x"):rep(random:between(1, 2000)),
    (">B I3 I2 I3 I3"):pack(random:pick { 0, 1, 2, 3, 11, 14, 16, 20 }, random:pick { 0, 1, 40, 20000, 0xffffff },
      random:below(16), random:pick { 0, 0, 1, 19999 }, random:pick { 0, 1, 40 }) .. random:bytes(random:below(41)),
  }
  return record(random:pick { 20, 21, 22, 22, 22, 23, 24, 25, 0, 63, 255 },
    random:pick { "\254\253", "\254\255", "\3\3", "\1\0", "\0\0" }, random:pick { 0, 0, 1, 1, 2, 65535 },
    random:pick { random:below(10), random:below(1 << 20), (1 << 48) - 1 }, body)
end

local mutations = {}

function mutations.flip(random, datagram)
  local at = random:between(1, #datagram)
  return { put(datagram, at, string.char(datagram:byte(at) ~ (1 << random:below(8)))) }
end

function mutations.drop()
  return {}
end

function mutations.twice(_, datagram)
  return { datagram, datagram }
end

function mutations.cut(random, datagram)
  return { datagram:sub(1, random:below(#datagram)) }
end

function mutations.lengthen(random, datagram)
  return { datagram .. random:bytes(random:pick { 1, 12, 13, 60 }) }
end

function mutations.split(_, datagram)
  local list, rest = records_of(datagram)
  if rest ~= "" then list[#list + 1] = rest end
  return list
end

function mutations.split_backwards(random, datagram)
  local list, back = mutations.split(random, datagram), {}
  for i = #list, 1, -1 do back[#back + 1] = list[i] end
  return back
end

-- A field of the header of a record, or of a message of the handshake.
function mutations.header(random, datagram)
  local at = random:between(1, math.min(#datagram, HEADER + 12))
  return { put(datagram, at, string.char(random:pick { 0, 1, 2, 3, 11, 16, 20, 21, 22, 23, 253, 254, 255 })) }
end

-- Another epoch or number.
function mutations.renumber(random, datagram)
  if #datagram < HEADER then return { datagram } end
  return { put(datagram, 4, (">I2 I6"):pack(random:pick { 0, 1, 2, 65535 },
    random:pick { 0, 1, random:below(100), (1 << 48) - 1 })) }
end

-- One message of the handshake in fragments, which overlap, and may lack one.
function mutations.fragment(random, datagram)
  if #datagram < HEADER + 12 or datagram:byte(1) ~= 22 then return { datagram } end
  local kind, length, sequence = (">B I3 I2"):unpack(datagram, HEADER + 1)
  local body, list, at = datagram:sub(HEADER + 13), {}, 0
  local step = random:pick { 1, 7, 100, 500 }
  if #body // step > 60 then step = 100 end
  while at < #body do
    local part = body:sub(at + 1, at + step + random:below(4))
    local number = random:below(2000)
    if not random:chance(20) then
      list[#list + 1] = record(22, "\254\253", 0, number,
        (">B I3 I2 I3 I3"):pack(kind, length, sequence, at, #part) .. part)
    end
    at = at + step
  end
  return list
end

function mutations.invent(random, datagram)
  return random:chance(2) and { random_record(random), datagram } or { random_record(random) .. datagram }
end

function mutations.again(random, datagram, seen)
  return { random:pick(seen) or datagram, datagram, random:pick(seen) }
end

function mutations.join(random, datagram, seen)
  return { datagram .. (random:pick(seen) or ""), (random:pick(seen) or "") .. datagram }
end

function mutations.graft(random, datagram, seen)
  local other = random:pick(seen) or datagram
  local from = random:between(1, #other)
  local at = random:between(1, #datagram)
  return { put(datagram, at, other:sub(from, from + random:below(60))) }
end

local names = {}
for name in pairs(mutations) do names[#names + 1] = name end
table.sort(names)

-- ---- the network

local Net = {}
Net.__index = Net

function Net.new(random, log, rate)
  return setmetatable({ random = random, log = log, rate = rate, seen = {}, held = nil }, Net)
end

function Net:pass(datagram)
  local random, list = self.random, { datagram }
  self.seen[#self.seen < KEPT and #self.seen + 1 or random:between(1, KEPT)] = datagram
  if random:chance(self.rate) then
    local name = random:pick(names)
    self.log("  %s (%d bytes, type %d)", name, #datagram, datagram:byte(1))
    list = mutations[name](random, datagram, self.seen)
  end
  if self.held then
    list[#list + 1] = self.held
    self.held = nil
  elseif random:chance(self.rate) and list[1] then
    self.held = table.remove(list)
  end
  local kept = {}
  for _, one in ipairs(list) do
    if #one > 0 and #one < 65000 then kept[#kept + 1] = one end
  end
  return kept
end

function Net:garbage()
  local random = self.random
  if random:chance(3) then return random:bytes(random:between(1, 100)) end
  if random:chance(2) then return random_record(random) end
  local datagram = random:pick(self.seen) or random_record(random)
  return mutations[random:pick { "flip", "header", "renumber", "graft" }](random, datagram, self.seen)[1]
end

return Net
