--- The proxy that environment variables name, as curl reads them: `https_proxy`, then `all_proxy`, each also in upper
-- case; `no_proxy` lists hosts that are reached directly. `http_proxy` is for plain HTTP and is not read.
-- @module scissl.client.proxy_environment

local SciSocket = require "scissl.core".SciSocket

local environment = {}

-- An empty variable is one that is not set.
local function read(name)
  for _, spelling in ipairs { name, name:upper() } do
    local value = os.getenv(spelling)
    if value and value ~= "" then return value, spelling end
  end
end

-- The bits of an address as a text of "0" and "1"; nil where it is none.
local function bits_of(address)
  local octets = { address:match "^(%d+)%.(%d+)%.(%d+)%.(%d+)$" }
  if #octets ~= 4 then return nil end
  local bits = {}
  for i, octet in ipairs(octets) do
    local number = tonumber(octet)
    if number > 255 then return nil end
    for bit = 7, 0, -1 do bits[#bits + 1] = number >> bit & 1 end
    octets[i] = number
  end
  return table.concat(bits)
end

-- Whether an address belongs to a network such as 10.0.0.0/8.
local function is_in_network(host, entry)
  local network, length = entry:match "^([%d.]+)/(%d+)$"
  local own, other = bits_of(host), network and bits_of(network)
  length = tonumber(length)
  if not own or not other or length > 32 then return false end
  return own:sub(1, length) == other:sub(1, length)
end

-- "example.org" and ".example.org" mean the host and all hosts below it.
local function matches(host, entry)
  entry = entry:lower():gsub("^%[(.*)%]$", "%1"):gsub("%.$", "")
  if entry == host or is_in_network(host, entry) then return true end
  if SciSocket.addressFamily(host) then return false end
  local name = entry:gsub("^%.", "")
  return name ~= "" and (host == name or host:sub(-#name - 1) == "." .. name)
end

--- Tells whether `no_proxy` names a host.
-- @tparam string host without brackets
-- @treturn boolean
function environment.excludes(host)
  local list = read "no_proxy"
  if not list then return false end
  host = host:lower():gsub("%.$", "")
  for entry in list:gmatch "[^%s,]+" do
    if entry == "*" or matches(host, entry) then return true end
  end
  return false
end

--- Finds the proxy for a host.
-- @tparam string host without brackets
-- @treturn[1] string what the variable says, with `http://` where it names no scheme
-- @treturn[1] string the variable
-- @treturn[2] nil there is none
function environment.find(host)
  if environment.excludes(host) then return nil end
  local url, name = read "https_proxy"
  if not url then url, name = read "all_proxy" end
  if not url then return nil end
  if not url:find "^%a[%w+.-]*://" then url = "http://" .. url end
  return url, name
end

return environment
