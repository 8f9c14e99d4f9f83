-- Line trips: lua5.4 trip.lua LIBRARY CLIENTS TRIPS. Each client sends a line of 60 bytes and reads it back, as often
-- as its share of the trips wants; all clients and the server that echoes are in this one process, over TLS 1.3. The
-- program prints the time of one trip: see clients.lua. What differs from library to library is in
-- libraries/stream_NAME.lua, which returns a table:
--
--    library.open(folder)           prepares contexts from the files in the folder
--    library.run(clients, visit)    runs the loop: a server that echoes lines, and visit(connect) in a coroutine for
--                                   each client. connect() opens a connection and returns two functions:
--                                   exchange(line) sends a line and returns what comes back; close() closes it
--    library.pause()                lets the other coroutines run
--
-- scissl, scissl_copas, scissl_cqueues, scissl_luv: our streams under these loops. cqueues: its own sockets. luasec:
-- LuaSec in a loop of its own. luasec_copas, luasec_select, luasec_blocking: LuaSec in other ways; face_copas and so
-- on: the same programs with scissl.luasec in place of LuaSec. luv has no TLS of its own: luasec_luv is LuaSec that
-- waits by uv_poll.
package.path = arg[0]:match "^(.-)[^/]*$" .. "?.lua;" .. package.path

local line = ("x"):rep(59)
local CONNECTING_MOST = 16 -- at a time: under callgrind, servers do not wait for a thousand handshakes
local connecting = 0

require "clients"(function(connect, library)
  while connecting == CONNECTING_MOST do library.pause() end
  connecting = connecting + 1
  local exchange = connect()
  for _ = 1, 3 do assert(exchange(line) == line) end
  connecting = connecting - 1
  return function(times)
    for _ = 1, times do exchange(line) end
  end
end)
