--- Which coroutine is in the midst of something that one can do at a time. It is given back when its variable goes out
-- of scope, whatever ends that: an error, or the coroutine's own end.
--
--    if claim:isTaken() then return refuse … end
--    local _ <close> = claim:take()
-- @module scissl.base.claim

local running, status = coroutine.running, coroutine.status

local Claim = {}
Claim.__index = Claim

--- Makes a claim that no coroutine has; one that has it is in the field `by`.
function Claim.new()
  return setmetatable({}, Claim)
end

--- Tells whether another coroutine has it. One that has died of an error has not.
function Claim:isTaken()
  local by = self.by
  return by ~= nil and by ~= running() and status(by) ~= "dead"
end

--- Takes it for the running coroutine.
-- @treturn Claim itself, for a `<close>` variable
function Claim:take()
  self.by = running()
  return self
end

function Claim:__close()
  self.by = nil
end

return Claim
