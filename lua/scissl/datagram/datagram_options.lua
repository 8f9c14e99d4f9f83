--- The options that clients and servers of DTLS share.
-- @module scissl.datagram.datagram_options

local core = require "scissl.core"

local datagram_options = {}

--- Kinds of the options.
datagram_options.kinds = { mtu = "mtu", retransmission = "retransmission" }

--- Returns a copy of the options in which the version is one of DTLS, unless a context or a configuration says it.
function datagram_options.withVersion(given)
  local copy = {}
  for name, value in pairs(given) do copy[name] = value end
  if not (given.context or given.configuration or given.version) then copy.version = "DTLS" end
  return copy
end

-- OpenSSL begins with DHE-PSK, in groups of up to 8,192 bits: a handshake would cost a hundred times as much.
local PSK_SUITES = table.concat({
  "ECDHE-PSK-CHACHA20-POLY1305", "PSK-AES128-GCM-SHA256", "PSK-AES256-GCM-SHA384", "PSK-CHACHA20-POLY1305",
  "PSK-AES128-CCM", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
}, ":")

--- The same for a server, with cipher suites for pre-shared keys where none are named.
function datagram_options.forServer(given)
  local copy = datagram_options.withVersion(given)
  local chosen = given.cipherList or given.profile or given.commands or given.configuration or given.context
  if given.psk and not chosen then copy.cipherList = PSK_SUITES end
  return copy
end

--- Sets up a socket that is initialized. Returns it; or nil and a SciSslError.
function datagram_options.apply(socket, given)
  local ready, failure = socket, nil
  if given.mtu then ready, failure = socket:sslSetMtu(given.mtu) end
  if ready and given.retransmission then ready, failure = socket:sslSetRetransmission(given.retransmission) end
  return ready, failure
end

--- Returns whether a context is one of DTLS.
function datagram_options.isForDatagrams(context)
  return core.SciSslSocket.onMemory(context):isDatagram()
end

return datagram_options
