--- The options that say how a client reaches its server, for `scissl.connect` and `scissl.plain.connect`.
-- @module scissl.client.dial_options

local SciSocket = require "scissl.core".SciSocket

local dial_options = {}

--- Kinds of the options.
dial_options.kinds = {
  path = "string",
  family = "family",
  localAddress = "string",
  localPort = "localPort",
  keepAlive = "boolean|keepAlive",
  resolver = "callable",
}

-- What a connection that is not made by TCP from here cannot have.
local excluded = {
  path = {
    "port", "proxy", "over", "proxyFromEnvironment", "family", "localAddress", "localPort", "keepAlive", "resolver",
  },
  over = {
    "proxy", "proxyFromEnvironment", "family", "localAddress", "localPort", "keepAlive", "resolver", "echRetry",
  },
}

local instead, nothing = { "path", "over" }, {}

local function check_exclusion(caller, given, level)
  for _, name in ipairs(instead) do
    local others = given[name] ~= nil and excluded[name] or nothing
    for _, other in ipairs(others) do
      if given[other] ~= nil and given[other] ~= false then
        error(("options '%s' and '%s' to '%s' exclude each other"):format(name, other, caller), level)
      end
    end
  end
end

local function check_local_address(caller, given, level)
  local address = given.localAddress
  if address == nil then return end
  local family = SciSocket.addressFamily(address)
  if not family then error(("bad option 'localAddress' to '%s' (IP address expected)"):format(caller), level) end
  if given.family and given.family ~= family then
    error(("option 'localAddress' to '%s' is not of the family '%s'"):format(caller, given.family), level)
  end
end

--- Checks the options.
-- @raise where they exclude each other, or `localAddress` is no address
function dial_options.check(caller, given, level)
  level = (level or 1) + 2
  check_exclusion(caller, given, level)
  check_local_address(caller, given, level)
end

--- Copies them into the record that `scissl.client.tcp_dial` gets.
function dial_options.apply(run, given)
  run.path, run.resolver, run.keepAlive = given.path, given.resolver, given.keepAlive
  run.localAddress, run.localPort = given.localAddress, given.localPort
  run.family = given.family or given.localAddress and SciSocket.addressFamily(given.localAddress)
end

return dial_options
