--- What a server writes about failures that the program does not handle: a line each on stderr, and a count in place of
-- the lines that would be too many.
-- @module scissl.server.failure_log

local core = require "scissl.core"
local text_of = require "scissl.base.safe_text"

local now = core.SciSocket.now

local LINES, SECONDS = 10, 10 -- lines in so many seconds

local began, written, left_out = -math.huge, 0, 0

local function say(line)
  io.stderr:write("scissl: ", line, "\n")
end

--- Writes a failure.
-- @function scissl.server.failure_log
-- @param failure
-- @tparam string phase `"handler"`: an error in the program, which is always written; `"handshake"`, `"accept"`
return function(failure, phase)
  if phase == "handler" then return say(text_of(failure)) end
  if now() - began >= SECONDS then
    if left_out > 0 then say(("%d more connections have failed"):format(left_out)) end
    began, written, left_out = now(), 0, 0
  end
  written = written + 1
  if written <= LINES then say(text_of(failure)) else left_out = left_out + 1 end
end
