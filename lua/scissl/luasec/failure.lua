--- LuaSec's error strings for SciSslErrors.
-- @module scissl.luasec.failure

local text_of = require "scissl.base.safe_text"

-- LuaSocket's error strings by the conditions of SciSslError.
local words = {
  connection_reset = "closed",
  connection_aborted = "closed",
  connection_timeout = "timeout",
  connection_refused = "connection refused",
  closed = "closed",
  not_connected = "Transport endpoint is not connected",
  handshake_needed = "closed",
  write_pending = "bad write retry",
  shutdown_sent = "protocol is shutdown",
}

--- Returns LuaSec's error string for a failure.
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
