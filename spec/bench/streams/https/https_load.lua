-- Requests in a fixed number: lua5.4 https_load.lua PORT CONNECTIONS ROUNDS. In each round every connection sends a
-- request, then every connection reads its response. The instructions of the server hardly depend on anything else.
local port, connections, rounds = tonumber(arg[1]), tonumber(arg[2]), tonumber(arg[3])
local scissl = require "scissl"
local REQUEST = ("GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"):format(port)
local PATIENCE = 300 -- seconds

local caFile = os.getenv "BENCH_FOLDER" .. "/ca.pem"
local streams = {}
for i = 1, connections do
  streams[i] = assert(scissl.connect { host = "127.0.0.1", port = port, caFile = caFile, timeout = PATIENCE })
end

local function read_response(stream)
  local head = assert(stream:readUntil("\r\n\r\n", nil, true))
  return assert(stream:read(tonumber(head:lower():match "content%-length: *(%d+)")))
end

for _ = 1, rounds do
  for _, stream in ipairs(streams) do assert(stream:write(REQUEST)) end
  for _, stream in ipairs(streams) do assert(read_response(stream) == "Hello, world!\n") end
end
for _, stream in ipairs(streams) do stream:close() end
print(connections * rounds)
