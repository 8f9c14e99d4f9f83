--- Whether a loop that we know has resumed the running coroutine.
-- @module scissl.loop.inside

local loaded = package.loaded

-- By name of the waiter: true or false; nil: this release of the loop cannot say so (copas before 3, luv before 1.39).
local is_inside = {}

function is_inside.coroutine()
  local scheduler = loaded["scissl.loop.scheduler"]
  return scheduler and scheduler.running() ~= nil or false
end

function is_inside.copas()
  if type(loaded.copas) ~= "table" then return false end
  return loaded.copas.running
end

function is_inside.cqueues()
  local cqueues = loaded.cqueues
  return type(cqueues) == "table" and cqueues.running and cqueues.running() ~= nil or false
end

function is_inside.luv()
  local luv = loaded.luv
  if type(luv) ~= "table" then return false end
  if not luv.loop_mode then return nil end
  return luv.loop_mode() ~= nil
end

local inside = {}

--- Returns the name of the waiter whose loop has resumed the running coroutine; nil: none has, or it cannot say so.
-- @treturn ?string
function inside.name()
  for name, ask in pairs(is_inside) do
    if ask() then return name end
  end
end

return inside
