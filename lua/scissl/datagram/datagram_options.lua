--- The options that clients and servers of DTLS share.
-- @module scissl.datagram.datagram_options

local datagram_options = {}

--- Kinds of the options.
datagram_options.kinds = { mtu = "count", retransmission = "seconds" }

--- Returns a copy of the options in which the version is one of DTLS, unless a context or a configuration says it.
function datagram_options.withVersion(given)
  local copy = {}
  for name, value in pairs(given) do copy[name] = value end
  if not (given.context or given.configuration or given.version) then copy.version = "DTLS" end
  return copy
end

--- Sets up a socket that is initialized. Returns it; or nil and a SciSslError.
function datagram_options.apply(socket, given)
  local ready, failure = socket, nil
  if given.mtu then ready, failure = socket:sslSetMtu(given.mtu) end
  if ready and given.retransmission then ready, failure = socket:sslSetRetransmission(given.retransmission) end
  return ready, failure
end

return datagram_options
