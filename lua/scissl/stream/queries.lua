--- Methods of SciSslStream that ask its socket and its TLS connection, and wait for nothing.
-- @module scissl.stream.queries

local Queries = {}

--- Answers the socket underneath, for what a stream does not do. What the stream has read ahead is not in it.
-- @function SciSslStream:socket
-- @treturn SciSslSocket|SciSocket a SciSocket before `startTls` and after `stopTls`
function Queries:socket()
  return self.link.socket
end

--- Answers what the client has sent before the handshake was done (early data). It may have been recorded and sent
-- again by somebody else.
-- @function SciSslStream:replayableData
-- @treturn string empty where there was none
function Queries:replayableData()
  return self.replayable or ""
end

-- ---- what loops ask

--- Answers whether bytes have been read ahead, so that a read may succeed though the descriptor is not readable.
-- @function SciSslStream:dirty
-- @treturn boolean
function Queries:dirty()
  return self.bytes:size() > 0 or self.link:dirty()
end

--- Answers what the stream waits for on the descriptor, in the manner of cqueues.
-- @function SciSslStream:events
-- @treturn string `"r"` or `"w"`
function Queries:events()
  return self.link:events()
end

--- Answers how long a loop may wait for the descriptor, in the manner of cqueues.
-- @function SciSslStream:timeout
-- @treturn ?number 0 where the stream is `dirty`; nil: as long as it likes
function Queries:timeout()
  if self:dirty() then return 0 end
  return nil
end

-- ---- what the sockets know

-- These answer what the socket with the descriptor answers.
for _, name in ipairs { "getPeerName", "getSockName", "getfd", "pollfd" } do
  Queries[name] = function(self, ...)
    local socket = self.link:base()
    if socket[name] then return socket[name](socket, ...) end
    return nil, "the transport has none"
  end
end

-- These answer what the SciSslSocket answers; nil in plain text.
for _, name in ipairs {
  "alpnProtocol", "cipher", "daneAuthority", "earlyDataStatus", "getSession", "keylogLines", "localCertificate",
  "localChain", "ocspResponse", "peerCertificate", "peerChain", "pskIdentity", "serverName", "sslVerifyCertificate",
  "sslVerifyOcsp", "version",
} do
  Queries[name] = function(self, ...)
    local socket = self.link.socket
    if self.link.secure then return socket[name](socket, ...) end
    return nil, "the stream is not secure"
  end
end

--- Answers whether the stream is TLS now, its handshake done.
-- @function SciSslStream:isSecure
-- @treturn boolean
function Queries:isSecure()
  return self.link.secure and self.link.socket:isSecure()
end

--- Answers whether the handshake resumed a session.
-- @function SciSslStream:isSessionReused
-- @treturn boolean
function Queries:isSessionReused()
  return self.link.secure and self.link.socket:isSessionReused()
end

return Queries
