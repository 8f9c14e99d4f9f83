--- Which scheduler runs a coroutine just now. A round may run within another one.
-- @module scissl.loop.rounds

local rounds = {}

local current

local Round = {}
local kept, depth = {}, 0 -- rounds are used again, by depth

function Round.__close(round)
  current, depth, round.previous = round.previous, depth - 1, false
end

--- Begins a round of `loop`. It ends with the to-be-closed variable that gets what this returns, after an error too.
function rounds.begin(loop)
  local round = kept[depth + 1] or setmetatable({ previous = false }, Round)
  kept[depth + 1] = round
  depth, round.previous = depth + 1, current
  current = loop
  return round
end

--- Returns the loop of the innermost round; nil: there is none.
function rounds.running()
  return current
end

return rounds
