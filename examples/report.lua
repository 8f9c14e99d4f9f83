-- A report on a TLS server:
-- lua5.4 examples/report.lua HOST[:PORT] [--json] [--ca FILE] [--timeout SECONDS] [--ech LIST]
-- LIST: the ECHConfigList of the host in base64, to hide its name.
-- The port may also be an argument of its own. An IPv6 address with a port is [ADDRESS]:PORT.
-- Exit status: 0 if the server's certificate can be trusted, 1 if it cannot, 2 if no TLS connection was possible.
local folder = arg[0]:match "^(.*)/" or "."
package.path = folder .. "/?.lua;" .. package.path

local json = require "report.json"
local probe = require "report.probe"
local text = require "report.text"

local function give_up()
  io.stderr:write("usage: report.lua HOST[:PORT] [--json] [--ca FILE] [--timeout SECONDS] [--ech LIST]\n")
  os.exit(2)
end

local given, target = {}, {}
local i = 1
while arg[i] do
  if arg[i] == "--json" then given.json = true
  elseif arg[i] == "--ca" or arg[i] == "--timeout" or arg[i] == "--ech" then
    given[arg[i]:sub(3)] = arg[i + 1] or give_up()
    i = i + 1
  elseif arg[i]:find "^%-" or #target == 2 then give_up()
  else target[#target + 1] = arg[i] end
  i = i + 1
end

-- "host", "host:port", "[::1]:port", "[::1]", or "::1", which has more than one colon.
local function split(name)
  local address, rest = name:match "^%[(.-)%](.*)$"
  if address then return address, rest ~= "" and (rest:match "^:(.+)$" or give_up()) or nil end
  local host, port = name:match "^([^:]+):([^:]+)$"
  return host or name, port
end

local host, port = split(target[1] or give_up())
if port and target[2] then give_up() end
port = port or target[2] or "443"
port = math.tointeger(tonumber(port)) or port
local seconds = tonumber(given.timeout or "10")
if not seconds or seconds <= 0 then give_up() end

local report = probe { host = host, port = port, caFile = given.ca, timeout = seconds, ech = given.ech }
print((given.json and json or text)(report))
os.exit(report.failure and 2 or report.trusted and 0 or 1, true)
