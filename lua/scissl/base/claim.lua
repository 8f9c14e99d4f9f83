--- A lock that one coroutine at a time can hold. It is released when its `<close>` variable goes out of scope: at the
-- end of the block, after an error, and when the coroutine is closed.
--
--    if claim:isTaken() then return refuse … end
--    local _ <close> = claim:take()
-- @module scissl.base.claim

local running, status = coroutine.running, coroutine.status

local Claim = {}
Claim.__index = Claim

--- Makes a claim that no coroutine holds. The field `by` is the coroutine that holds it.
function Claim.new()
  return setmetatable({}, Claim)
end

--- Tells whether another coroutine holds it. A coroutine that has died of an error holds nothing.
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
