--- LuaSec's `ssl.core`: what its own Lua code, and some programs, build upon.
-- @module scissl.luasec.core

local connection = require "scissl.luasec.connection"
local peer = require "scissl.luasec.peer"

local core = {}

--- The number of a descriptor that is none.
core.SOCKET_INVALID = -1

--- Makes a connection without a descriptor.
-- @function scissl.luasec.core.create
core.create = connection.create

--- Gives it one.
function core.setfd(conn, descriptor)
  if conn.tls then error("bad argument #1 to 'setfd' (invalid SSL object state)", 2) end
  local done, problem = connection.attach(conn, descriptor)
  if not done then error(problem, 2) end
end

--- Adds a method to all connections.
function core.setmethod(name, method)
  connection.methods[name] = method
end

--- The compression that was agreed on: none.
-- @function scissl.luasec.core.compression
core.compression = peer.compression

--- The cipher's description, its bits, its algorithm's, and the protocol.
-- @function scissl.luasec.core.info
core.info = peer.describe

--- Who has made this.
function core.copyright()
  return "scissl, in the place of LuaSec 1.3.0"
end

return core
