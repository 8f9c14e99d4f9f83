--- LuaSec's `ssl.core`, which LuaSec's own Lua code and some programs use.
-- @module scissl.luasec.core

local connection = require "scissl.luasec.connection"

local core = {}

--- The value of an invalid descriptor.
core.SOCKET_INVALID = -1

--- Makes a connection without a descriptor.
-- @function scissl.luasec.core.create
core.create = connection.create

--- Sets the descriptor of a connection, before its handshake.
-- @function scissl.luasec.core.setfd
core.setfd = connection.setfd

--- Adds a method to all connections.
function core.setmethod(name, method)
  connection.methods[name] = method
end

--- Returns the compression: none.
-- @function scissl.luasec.core.compression
core.compression = connection.compression

--- Returns the cipher's description, its bits, those of its algorithm, and the protocol.
-- @function scissl.luasec.core.info
core.info = connection.info

--- Returns what implements this.
function core.copyright()
  return "scissl, in the place of LuaSec 1.3.2"
end

return core
