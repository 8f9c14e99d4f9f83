--- LuaSec's `ssl.core`, which LuaSec's own Lua code and some programs use.
-- @module scissl.luasec.core

local connection = require "scissl.luasec.connection"
local peer = require "scissl.luasec.peer"

local core = {}

--- The value of an invalid descriptor.
core.SOCKET_INVALID = -1

--- Makes a connection without a descriptor.
-- @function scissl.luasec.core.create
core.create = connection.create

--- Sets the descriptor of a connection.
function core.setfd(conn, descriptor)
  if conn.tls then error("bad argument #1 to 'setfd' (invalid SSL object state)", 2) end
  local done, problem = connection.attach(conn, descriptor)
  if not done then error(problem, 2) end
end

--- Adds a method to all connections.
function core.setmethod(name, method)
  connection.methods[name] = method
end

--- Returns the compression: none.
-- @function scissl.luasec.core.compression
core.compression = peer.compression

--- Returns the cipher's description, its bits, those of its algorithm, and the protocol.
-- @function scissl.luasec.core.info
core.info = peer.describe

--- Returns what implements this.
function core.copyright()
  return "scissl, in the place of LuaSec 1.3.0"
end

return core
