-- A report on a TLS server:
-- lua5.4 examples/report.lua HOST [PORT] [--json] [--ca FILE] [--timeout SECONDS]
-- Exit status: 0 if the server's certificate can be trusted, 1 if it cannot, 2 if no TLS connection was possible.
local folder = arg[0]:match "^(.*)/" or "."
package.path = folder .. "/?.lua;" .. package.path

local json = require "report.json"
local probe = require "report.probe"
local text = require "report.text"

local function give_up()
  io.stderr:write("usage: report.lua HOST [PORT] [--json] [--ca FILE] [--timeout SECONDS]\n")
  os.exit(2)
end

local given, target = {}, {}
local i = 1
while arg[i] do
  if arg[i] == "--json" then given.json = true
  elseif arg[i] == "--ca" or arg[i] == "--timeout" then
    given[arg[i]:sub(3)] = arg[i + 1] or give_up()
    i = i + 1
  elseif arg[i]:find "^%-" or #target == 2 then give_up()
  else target[#target + 1] = arg[i] end
  i = i + 1
end

local port = math.tointeger(tonumber(target[2] or "443")) or target[2]
local seconds = tonumber(given.timeout or "10")
if not target[1] or not seconds or seconds <= 0 then give_up() end

local report = probe { host = target[1], port = port, caFile = given.ca, timeout = seconds }
print((given.json and json or text)(report))
os.exit(report.failure and 2 or report.trusted and 0 or 1, true)
