--- Methods of SciSslStream that return what its socket and its TLS connection know, without waiting.
-- @module scissl.stream.queries

local link = require "scissl.stream.link"
local options = require "scissl.base.option_table"
local peer_of = require "scissl.base.peer_address"
local SciSslError = require "scissl.core".SciSslError

local base_of = link.base

local Queries = {}

local BYTES <const> = 1 -- of a stream

--- Returns the stream's socket, for what a stream cannot do. Bytes that the stream has read ahead are not in it.
-- @function SciSslStream:socket
-- @treturn SciSslSocket|SciSocket a SciSocket before `startTls` and after `stopTls`
function Queries:socket()
  return (link.socket(self))
end

--- Returns the early data that the client has sent. An attacker may have recorded it and sent it again.
-- @function SciSslStream:replayableData
-- @treturn string empty where there was none
function Queries:replayableData()
  return self.replayable or ""
end

-- ---- a message of a known length

--- Reads exactly `count` bytes: where fewer come, that is an error.
-- @function SciSslStream:readExactly
-- @tparam integer count 0 or more
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `read`: `short_read`: the peer has ended its data; `truncated`: it did so without
--  close_notify; or as `read`
-- @treturn[2] ?string the bytes that came, in the first two cases
function Queries:readExactly(count)
  options.checkArgument(1, "readExactly", count, "length", 2)
  if count == 0 then return "" end
  local bytes, failure, partial = self:read(count)
  if failure then return nil, failure, partial end
  bytes = bytes or ""
  if #bytes == count then return bytes end
  return nil, SciSslError.new {
    phase = "read", condition = "short_read", peer = peer_of(base_of(self)),
    message = ("the data ended after %d of %d bytes"):format(#bytes, count),
  }, bytes
end

-- ---- what loops ask for

--- Tells whether bytes have been read ahead, so that a read may succeed although the descriptor is not readable.
-- @function SciSslStream:dirty
-- @treturn boolean
function Queries:dirty()
  return self[BYTES]:size() > 0 or link.of(self):dirty()
end

--- Returns the events that the stream waits for on the descriptor, as cqueues asks for them.
-- @function SciSslStream:events
-- @treturn string `"r"` or `"w"`
function Queries:events()
  return link.of(self):events()
end

--- Returns how long a loop may wait for the descriptor, as cqueues asks for it.
-- @function SciSslStream:timeout
-- @treturn ?number 0 where the stream is `dirty`; nil: no limit
function Queries:timeout()
  if self:dirty() then return 0 end
  return nil
end

-- ---- what the sockets know

-- These return what the socket with the descriptor returns.
for _, name in ipairs { "getPeerName", "getSockName", "getfd", "pollfd" } do
  Queries[name] = function(self, ...)
    local socket = base_of(self)
    if socket[name] then return socket[name](socket, ...) end
    return nil, "the transport has none"
  end
end

-- These return what the SciSslSocket returns; nil in plain text.
for _, name in ipairs {
  "alpnProtocol", "certificateTypes", "cipher", "daneAuthority", "earlyDataStatus", "echStatus", "getContext",
  "getSession", "keylogLines", "localCertificate", "localChain", "ocspResponse", "peerCertificate", "peerChain",
  "peerRawPublicKey", "pskIdentity", "serverName", "sslVerifyCertificate", "sslVerifyOcsp", "version",
} do
  Queries[name] = function(self, ...)
    local socket, is_secure = link.socket(self)
    if is_secure then return socket[name](socket, ...) end
    return nil, "the stream is not secure"
  end
end

--- Tells whether the stream is TLS, with its handshake done.
-- @function SciSslStream:isSecure
-- @treturn boolean
function Queries:isSecure()
  local socket, is_secure = link.socket(self)
  return is_secure and socket:isSecure()
end

--- Tells whether the handshake resumed a session.
-- @function SciSslStream:isSessionReused
-- @treturn boolean
function Queries:isSessionReused()
  local socket, is_secure = link.socket(self)
  return is_secure and socket:isSessionReused()
end

return Queries
