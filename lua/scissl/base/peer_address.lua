--- The address and port of the peer, for errors.
-- @module scissl.base.peer_address

local core = require "scissl.core"

local classes = { SciSocket = true, SciSslSocket = true }

--- Returns the peer of a socket.
-- @param socket a SciSocket, a SciSslSocket, or an object of another library
-- @treturn ?string as `SciSocket:peerAddress`; nil for other objects
return function(socket)
  local meta = type(socket) == "userdata" and getmetatable(socket)
  return meta and classes[meta.__name] and core.SciSocket.peerAddress(socket) or nil
end
