-- scissl's streams: see bulk.lua.
local scissl = require "scissl"

local library = {}

function library.connect(port, folder)
  return assert(scissl.connect { host = "127.0.0.1", port = port, caFile = folder .. "/ca.pem", version = "TLSv1.3" })
end

function library.lines(connection)
  local count = 0
  for _ in connection:lines() do count = count + 1 end
  return count
end

function library.read_all(connection)
  return assert(connection:read("a"))
end

function library.write_all(connection, text)
  assert(connection:write(text))
end

return library
