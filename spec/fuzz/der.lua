--- spec/fuzz/der.lua: DER as a tree, mutated and encoded again with lengths that fit.
--
--    tree = der.parse(bytes)        nil where they are no DER
--    bytes = der.encode(tree)
--    der.mutate(random, tree)       changes the tree
--
-- A node has `tag` (bytes), and `content` or `children`. What stands in OCTET STRINGs and BIT STRINGs is parsed, too.

local der = {}

local OCTETS, BITS = "\4", "\3"
local LARGE = 1000 -- nodes of a tree that grows no more

local parse_all

-- The node at `at`, and where the next one begins; nil where there is none.
local function parse_one(bytes, at, depth)
  local first = bytes:byte(at)
  local length = bytes:byte(at + 1)
  if not length or first & 0x1f == 0x1f then return nil end
  local from = at + 2
  if length >= 0x80 then
    local count = length & 0x7f
    if count == 0 or count > 4 or from + count - 1 > #bytes then return nil end
    length, from = (">I" .. count):unpack(bytes, from), from + count
  end
  if from + length - 1 > #bytes then return nil end
  local node = { tag = string.char(first), content = bytes:sub(from, from + length - 1) }
  local nested = node.content
  if node.tag == BITS then node.unused, nested = nested:sub(1, 1), nested:sub(2) end
  if depth > 0 and (first & 0x20 ~= 0 or (node.tag == OCTETS or node.tag == BITS) and #nested > 1) then
    node.children = parse_all(nested, depth - 1)
  end
  return node, from + length
end

function parse_all(bytes, depth)
  local nodes, at = {}, 1
  while at <= #bytes do
    local node, following = parse_one(bytes, at, depth)
    if not node then return nil end
    nodes[#nodes + 1], at = node, following
  end
  return nodes
end

function der.parse(bytes)
  local nodes = parse_all(bytes, 30)
  return nodes and { tag = "", children = nodes }
end

local function length_of(content)
  if #content < 0x80 then return string.char(#content) end
  local digits = (">I4"):pack(#content):gsub("^\0+", "")
  return string.char(0x80 | #digits) .. digits
end

function der.encode(node)
  local content = node.content
  if node.children then
    local parts = {}
    for i, child in ipairs(node.children) do parts[i] = der.encode(child) end
    content = (node.unused or "") .. table.concat(parts)
  end
  if node.tag == "" then return content end
  return node.tag .. (node.length or length_of(content)) .. content
end

-- Every place in the tree; no more than a bit above LARGE.
local function collect(node, list)
  for i, child in ipairs(node.children or {}) do
    if #list > LARGE then break end
    list[#list + 1] = { parent = node, at = i, node = child }
    collect(child, list)
  end
  return list
end

local function copy(node)
  local made = {}
  for name, value in pairs(node) do made[name] = value end
  if node.children then
    made.children = {}
    for i, child in ipairs(node.children) do made.children[i] = copy(child) end
  end
  return made
end

local CONTENTS = { "", "\0", "\255", "\128", "\1\1", ("\255"):rep(21), ("\0"):rep(300), "\0\0\0", "a\0b", "\42\134\72",
  "99991231235959Z", "000000000000Z", "\127\255\255\255\255\255\255\255", "\128\128\128\128\1" }
local TAGS = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1c, 0x1e, 0x24, 0x30, 0x31,
  0x80, 0x82, 0x86, 0x87, 0xa0, 0xa1, 0xa3, 0xa4 }

local changes = {}

function changes.delete(_, place) table.remove(place.parent.children, place.at) end
function changes.twice(_, place) table.insert(place.parent.children, place.at, copy(place.node)) end
function changes.tag(random, place) place.node.tag = string.char(random:pick(TAGS)) end
function changes.empty(_, place) place.node.children, place.node.content = nil, "" end

function changes.many(random, place)
  for _ = 1, random:pick { 10, 500 } do table.insert(place.parent.children, place.at, place.node) end
end

function changes.content(random, place)
  place.node.children, place.node.content = nil, random:pick(CONTENTS)
end

function changes.flip(random, place)
  local content = place.node.content
  if place.node.children or content == "" then return end
  local at = random:between(1, #content)
  place.node.content = content:sub(1, at - 1) .. string.char(random:below(256)) .. content:sub(at + 1)
end

function changes.replace(random, place, places)
  place.parent.children[place.at] = copy(random:pick(places).node)
end

function changes.nest(random, place)
  local node = place.node
  for _ = 1, random:pick { 1, 10, 200 } do node = { tag = "\48", children = { node } } end
  place.parent.children[place.at] = node
end

function changes.length(random, place)
  local lengths = { "\128", "\129\1", "\132\255\255\255\255", "\0", "\136\127\255\255\255\255\255\255\255", "\130\0\1" }
  place.node.length = random:pick(lengths)
end

local names = {}
for name in pairs(changes) do names[#names + 1] = name end
table.sort(names)

function der.mutate(random, tree)
  for _ = 1, random:pick { 1, 1, 1, 2, 5 } do
    local places = collect(tree, {})
    if #places == 0 or #places > LARGE then return end
    changes[random:pick(names)](random, random:pick(places), places)
  end
end

return der
