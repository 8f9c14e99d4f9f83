--- What LuaSec says where scissl returns a SciSslError.
-- @module scissl.luasec.failure

local text_of = require "scissl.base.safe_text"

-- LuaSocket's words for what the system reports, by SciSslError's conditions.
local words = {
  connection_reset = "closed",
  connection_aborted = "closed",
  connection_timeout = "timeout",
  connection_refused = "connection refused",
  closed = "closed",
  handshake_needed = "closed",
  write_pending = "bad write retry",
  shutdown_sent = "protocol is shutdown",
}

--- The one string that LuaSec returns for a failure.
-- @function scissl.luasec.failure
-- @tparam SciSslError failure
-- @treturn string never empty
return function(failure)
  local condition = failure:condition()
  if words[condition] then return words[condition] end
  if failure:cause() ~= nil then return text_of(failure:cause()):match "^[^\n]*" end
  local _, text = failure:errno()
  return failure:reason() or text or failure:message() or condition
end
