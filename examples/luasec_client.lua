-- A program for LuaSec. Only its first line is new: `install` makes it run on scissl, `strict` makes it safe.
--
--    lua5.4 examples/luasec_client.lua HOST PORT [CAFILE]

require "scissl.luasec".install().strict(true)

local socket = require "socket"
local ssl = require "ssl"

local host, port, cafile = table.unpack(arg)
if not port then
  io.stderr:write "usage: luasec_client.lua HOST PORT [CAFILE]\n"
  os.exit(2)
end

local function connect()
  local connection = assert(socket.connect(host, port))
  connection = assert(ssl.wrap(connection, { mode = "client", protocol = "any", cafile = cafile }))
  connection:sni(host)
  connection:settimeout(10)
  local done, problem = connection:dohandshake()
  if done then return connection end
  io.stderr:write(("%s:%s: %s\n"):format(host, port, problem))
  os.exit(1)
end

local connection = connect()

local info = connection:info()
for _, field in ipairs { "protocol", "cipher", "bits" } do print(field, info[field]) end

for i, certificate in ipairs(connection:getpeerchain()) do
  print(("certificate %d"):format(i))
  for _, part in ipairs(certificate:subject()) do print("", part.name, part.value) end
  print("", "until", certificate:notafter())
  print("", "sha256", certificate:digest "sha256")
end

connection:close()
