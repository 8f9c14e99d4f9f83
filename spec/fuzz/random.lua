--- spec/fuzz/random.lua: numbers that follow from (seed, n) alone, whatever the code under test does with math.random.
--
--    local random = Random.new(seed, n)
--    random:below(n)        0 … n-1          random:between(a, b)   a … b
--    random:chance(p)       true in one of p random:pick(list)      an element; nil where there is none
--    random:bytes(n)        a string         random:fork()          another, which follows from this one

local Random = {}
Random.__index = Random

-- splitmix64
local function mix(x)
  x = (x ~ (x >> 30)) * 0xbf58476d1ce4e5b9
  x = (x ~ (x >> 27)) * 0x94d049bb133111eb
  return x ~ (x >> 31)
end

function Random.new(seed, n)
  return setmetatable({ state = mix(mix(seed) + n) }, Random)
end

function Random:next()
  self.state = self.state + 0x9e3779b97f4a7c15
  return mix(self.state)
end

function Random:below(n)
  return (self:next() >> 1) % n
end

function Random:between(least, most)
  return least + self:below(most - least + 1)
end

function Random:chance(p)
  return self:below(p) == 0
end

function Random:pick(list)
  if #list > 0 then return list[1 + self:below(#list)] end
end

function Random:bytes(n)
  local bytes = {}
  for i = 1, n do bytes[i] = string.char(self:below(256)) end
  return table.concat(bytes)
end

function Random:fork()
  return Random.new(self:next(), 0)
end

return Random
