--- LuaSocket's select with the methods of SciPoller, for `scissl.scheduler`. It works for descriptors below 1024, and
-- each wait takes time for every descriptor.
-- @module scissl.loop.select_poller

local core = require "scissl.core"
local receiver = require "scissl.base.receiver"
local select = require "socket".select

local SciSslError = core.SciSslError

local Poller = { __name = "SciSelectPoller" }
Poller.__index = Poller

local LIMIT = 1024 -- FD_SETSIZE, which cannot be asked for

-- An object for LuaSocket's select, which calls `getfd`.
local Place = {}
Place.__index = Place

function Place:getfd()
  return self.descriptor
end

local function descriptor_of(target)
  if type(target) == "number" then return target end
  return target:getfd()
end

function Poller:arm(target, events)
  local descriptor = descriptor_of(target)
  if descriptor < 0 then return nil, SciSslError.new { phase = "wait", condition = "closed" } end
  if descriptor >= LIMIT then
    return nil, SciSslError.new {
      phase = "wait",
      condition = "too_many",
      message = ("LuaSocket's select cannot wait for descriptor %d"):format(descriptor),
    }
  end
  local place = self.places[descriptor] or setmetatable({ descriptor = descriptor }, Place)
  place.events = events
  self.places[descriptor] = place
  return descriptor
end

function Poller:disarm(descriptor)
  self.places[descriptor] = nil
  return self
end

local function collect(self)
  local readers, writers = {}, {}
  for _, place in pairs(self.places) do
    if place.events ~= "w" then readers[#readers + 1] = place end
    if place.events ~= "r" then writers[#writers + 1] = place end
  end
  return readers, writers
end

function Poller:wait(seconds, found)
  local readers, writers = collect(self)
  local readable, writable = select(readers, writers, seconds)
  found = found or {}
  local count = 0
  local function put(place, events)
    if self.places[place.descriptor] ~= place then return end -- reported for reading already
    self.places[place.descriptor] = nil
    found[2 * count + 1], found[2 * count + 2] = place.descriptor, events
    count = count + 1
  end
  for _, place in ipairs(readable) do put(place, writable[place] and "rw" or "r") end
  for _, place in ipairs(writable) do put(place, "w") end
  return count, found
end

function Poller:close()
  self.places = {}
  return true
end

receiver.guard(Poller)

return {
  new = function() return setmetatable({ places = {} }, Poller) end,
}
