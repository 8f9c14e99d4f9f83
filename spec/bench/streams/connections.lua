-- Whole connections: lua5.4 connections.lua LIBRARY CLIENTS CONNECTIONS. Each client connects, sends a line of 60
-- bytes, reads it back and closes, again and again; all clients and the server that echoes are in this one process,
-- over TLS 1.3 with full handshakes. What is printed is for one connection: see clients.lua. For the libraries see
-- trip.lua.
package.path = arg[0]:match "^(.-)[^/]*$" .. "?.lua;" .. package.path

local line = ("x"):rep(59)

require "clients"(function(connect)
  local function visit(times)
    for _ = 1, times do
      local exchange, close = connect()
      assert(exchange(line) == line)
      close()
    end
  end
  visit(3)
  return visit
end)
