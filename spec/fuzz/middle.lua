--- spec/fuzz/middle.lua: a man in the middle of connections that have anything (features): it flips, drops, repeats,
-- reorders, cuts, inserts, splices and fragments records and bytes. The promises are those of spec/fuzz/connection.

local Connection = require "spec.fuzz.connection"
local features = require "spec.fuzz.features"

local HEADER, KEPT = 5, 20

-- ---- records

-- Takes the whole records off `bytes`: a list of them, and the rest.
local function split(bytes)
  local records, at = {}, 1
  while #bytes - at + 1 >= HEADER do
    local length = HEADER + (">I2"):unpack(bytes, at + 3)
    if #bytes - at + 1 < length then break end
    records[#records + 1] = bytes:sub(at, at + length - 1)
    at = at + length
  end
  return records, bytes:sub(at)
end

local function record(kind, version, body)
  return string.char(kind) .. version .. (">s2"):pack(body)
end

local mutations = {}

function mutations.flip(random, bytes)
  local at = random:between(1, #bytes)
  local changed = bytes:byte(at) ~ (1 << random:below(8))
  return bytes:sub(1, at - 1) .. string.char(changed) .. bytes:sub(at + 1)
end

function mutations.drop()
  return ""
end

function mutations.twice(_, bytes)
  return bytes .. bytes
end

function mutations.cut(random, bytes)
  return bytes:sub(1, random:below(#bytes))
end

-- Cut, with a header that fits.
function mutations.shorten(random, bytes)
  if #bytes <= HEADER then return bytes end
  return record(bytes:byte(1), bytes:sub(2, 3), bytes:sub(HEADER + 1, HEADER + random:below(#bytes - HEADER)))
end

function mutations.insert(random, bytes)
  local at = random:below(#bytes + 1)
  return bytes:sub(1, at) .. random:bytes(random:between(1, 20)) .. bytes:sub(at + 1)
end

-- A record of the middle's own in front.
function mutations.invent(random, bytes)
  local body = random:pick { "", "\1", "\2\40", "\1\0", "\0\0\0\0", "\24\0\0\1\0", "\1\0\0\0",
    "\4\0\255\255", random:bytes(30) }
  local version = random:pick { "\3\3", "\3\1", "\3\4", "\0\2" }
  return record(random:pick { 20, 21, 22, 23, 24, 0, 255 }, version, body) .. bytes
end

-- Another record of the connection, in place of this one or behind it.
function mutations.splice(random, bytes, seen)
  local other = random:pick(seen) or bytes
  return random:chance(2) and other or bytes .. other
end

-- Part of another record in this one.
function mutations.graft(random, bytes, seen)
  local other = random:pick(seen) or bytes
  local from, upto = random:between(1, #other), random:between(1, #other)
  local at = random:below(#bytes + 1)
  local part = other:sub(from, upto)
  return bytes:sub(1, at) .. part .. bytes:sub(at + #part + 1)
end

function mutations.fragment(random, bytes)
  local parts, at = {}, HEADER + 1
  while at <= #bytes do
    local length = random:pick { 1, 3, 100 }
    parts[#parts + 1] = record(bytes:byte(1), bytes:sub(2, 3), bytes:sub(at, at + length - 1))
    at = at + length
  end
  return table.concat(parts)
end

-- A field of the header, or of a handshake message's: type, version, length.
function mutations.header(random, bytes)
  local at = random:between(1, math.min(#bytes, 11))
  return bytes:sub(1, at - 1) .. string.char(random:pick { 0, 1, 2, 3, 20, 21, 22, 23, 255 }) .. bytes:sub(at + 1)
end

local names = {}
for name in pairs(mutations) do names[#names + 1] = name end
table.sort(names)

-- ---- the middle

local Middle = {}
Middle.__index = Middle

function Middle:take(from)
  if self.taps then
    local bytes = self.taps[from.name]:recv(65536)
    return type(bytes) == "string" and bytes or ""
  end
  return from.socket:sslDrain() or ""
end

function Middle:give(to, bytes)
  if not self.taps then return to.socket:sslFeed(bytes) end
  local sent = self.taps[to.name]:send(bytes)
  if math.type(sent) == "integer" and sent > 0 and sent < #bytes then self:give(to, bytes:sub(sent + 1)) end
end

function Middle:mutate(bytes)
  local random = self.random
  local name = random:pick(names)
  self.log("  %s (record type %d, %d bytes)", name, bytes:byte(1), #bytes)
  return mutations[name](random, bytes, self.seen)
end

function Middle:move(from, to)
  local bytes = self:take(from)
  local records, rest = split(self.rest[from.name] .. bytes)
  self.rest[from.name] = rest
  local random = self.random
  for i, bytes_of in ipairs(records) do
    self.seen[#self.seen < KEPT and #self.seen + 1 or random:between(1, KEPT)] = bytes_of
    if random:chance(self.rate) then records[i] = self:mutate(bytes_of) end
  end
  if #records > 1 and random:chance(self.rate) then
    local i, j = random:between(1, #records), random:between(1, #records)
    records[i], records[j] = records[j], records[i]
  end
  for _, changed in ipairs(records) do
    if changed ~= "" then self:give(to, changed) end
  end
  if random:chance(self.rate * 20) then self:cut_off(to) end
  return #bytes
end

-- The transport of one end is over.
function Middle:cut_off(to)
  self.log("  the end of what %s gets", to.name)
  if self.taps then self.taps[to.name]:shutdown "w" else to.socket:sslFeedEnd() end
end

return function(random, log)
  local options = features.choose(random)
  if options.transport == "pair" then options.transport = "middle" end
  local connection = Connection.new(random, log, options)
  local middle = setmetatable({ random = random, log = log, rate = random:pick { 4, 12, 40, 1 << 40 }, seen = { "\0" },
    rest = { client = "", server = "" }, taps = options.taps }, Middle)
  connection:run(function()
    return middle:move(connection.client, connection.server) + middle:move(connection.server, connection.client)
  end)
  connection:close()
end
