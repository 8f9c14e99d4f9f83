--- Checks tables of options and arguments.
-- An unknown option raises an error that names the nearest known one: a misspelt `verfiy` must not mean "off".
-- @module scissl.base.option_table

local hidden = getmetatable(require "scissl.core")
local find_hole, name_distance = hidden.findHole, hidden.nameDistance

local options = {}

-- ---- the nearest known name

-- Names that other libraries use for these options.
local other_names = {
  address = "host", cacert = "caFile", cert = "certificate", certfile = "certificate", ciphers = "cipherList",
  crt = "certificate", curves = "groups", curveslist = "groups", hostname = "host", key = "privateKey",
  keyfile = "privateKey", password = "passphrase", protocol = "version", servername = "serverName",
  sni = "serverName", trust = "caFile",
}

--- Returns the key of `known` that `name` was probably meant to be.
-- @tparam string name what was written
-- @tparam table known
-- @treturn[1] string
-- @treturn[2] nil where none is near
function options.nearest(name, known)
  local best, least = nil, 1 + #name // 3
  local lower = name:lower()
  local other = other_names[lower]
  if other and known[other] then return other end
  for candidate in pairs(known) do
    -- A difference in length is a lower limit of the distance: a long name costs nothing.
    local apart = math.abs(#name - #candidate)
    local steps = apart > least and apart or name_distance(name, candidate)
    if steps < least or (steps == least and (not best or candidate < best)) then best, least = candidate, steps end
  end
  return best
end

-- ---- kinds of values

local function is_class(value, class)
  local meta = (type(value) == "userdata" or type(value) == "table") and getmetatable(value)
  return type(meta) == "table" and meta.__name == class
end

local function between(least, most)
  return function(value) return math.type(value) == "integer" and value >= least and value <= most end
end

local function list_of(test)
  return function(value)
    if type(value) ~= "table" or find_hole(value) then return false end
    for key, item in pairs(value) do
      if math.type(key) ~= "integer" or not test(item) then return false end
    end
    return true
  end
end

local function is_string(value)
  return type(value) == "string"
end

local function is_command(value)
  return type(value) == "table" and is_string(value[1]) and is_string(value[2]) and #value == 2
end

-- A list of {name, value}, or a table of values by name.
local function are_commands(value)
  if type(value) ~= "table" or find_hole(value) then return false end
  for key, item in pairs(value) do
    local known = math.type(key) == "integer" and is_command(item) or is_string(key) and is_string(item)
    if not known then return false end
  end
  return true
end

local function is_identity(value)
  if type(value) ~= "table" or value.certificate == nil then return false end
  for name, item in pairs(value) do
    local kind = options.identityKinds[name]
    if not kind or not options.is(item, kind) then return false end
  end
  return true
end

-- The fields of each table in a list of identities.
options.identityKinds = {
  certificate = "string|SciSslX509Certificate",
  privateKey = "string|SciSslPrivateKey",
  passphrase = "string|function",
}

-- Whether an object has a field of this name that can be called.
local function has(value, name)
  if type(value) ~= "table" and type(value) ~= "userdata" then return false end
  local good, method = pcall(function() return value[name] end)
  return good and options.is(method, "callable")
end

local function object_with(...)
  local names = { ... }
  return function(value)
    for _, name in ipairs(names) do
      if not has(value, name) then return false end
    end
    return true
  end
end

local kinds = {
  seconds = function(value) return type(value) == "number" and value >= 0 end,
  count = between(1, math.maxinteger),
  length = between(0, math.maxinteger),
  integer = between(math.mininteger, math.maxinteger),
  depth = between(0, 1000),
  level = between(0, 5),
  port = function(value)
    return type(value) == "string" or math.type(value) == "integer" and value >= 0 and value <= 65535
  end,
  localPort = between(0, 65535),
  mtu = between(256, 65507),
  pathMtu = function(value) return value == "path" end,
  retransmission = function(value) return type(value) == "number" and value >= 0.05 and value <= 3600 end,
  keepAlive = between(1, 32767), -- Linux takes no more
  family = function(value) return value == "inet" or value == "inet6" end,
  ocspPolicy = function(value) return value == "none" or value == "request" or value == "require" end,
  profile = function(value)
    return value == "modern" or value == "intermediate" or value == "old" or value == "server"
  end,
  whenFull = function(value) return value == "wait" or value == "refuse" end,
  echRetry = function(value) return type(value) == "boolean" or value == "plain" end,
  psk = function(value)
    if type(value) ~= "table" then return false end
    for field in pairs(value) do
      if field ~= "identity" and field ~= "key" then return false end
    end
    return type(value.identity) == "string" and type(value.key) == "string"
  end,
  psks = function(value)
    if type(value) ~= "table" then return false end
    for identity, key in pairs(value) do
      if type(identity) ~= "string" or type(key) ~= "string" then return false end
    end
    return true
  end,
  library = function(value) return is_class(value, "SciSslLibrary") end,
  strings = list_of(is_string),
  issuers = list_of(function(value) return is_string(value) or is_class(value, "SciSslX509Certificate") end),
  commands = are_commands,
  identities = list_of(is_identity),
  records = list_of(function(value) return type(value) == "table" end),
  events = function(value) return value == "r" or value == "w" or value == "rw" end,
  pollable = function(value)
    return math.type(value) == "integer" or has(value, "getfd") or has(value, "fileno") or has(value, "pollfd")
      or has(value, "socket")
  end,
  luvStream = object_with("read_start", "write", "is_closing"),
  poller = object_with("arm", "disarm", "wait", "close"),
  clientSessions = object_with("get", "put"),
  serverSessions = object_with("serve", "keep", "onClientHello"),
  callable = function(value)
    local meta = getmetatable(value)
    return type(value) == "function" or type(meta) == "table" and meta.__call ~= nil
  end,
}

local words = {
  seconds = "0 or more seconds",
  count = "integer of 1 or more",
  length = "integer of 0 or more",
  depth = "integer from 0 to 1000",
  level = "security level from 0 to 5",
  port = "port from 0 to 65535, or service name,",
  localPort = "integer from 0 to 65535",
  mtu = "bytes from 256 to 65507",
  pathMtu = "'path'",
  retransmission = "seconds from 0.05 to 3600",
  keepAlive = "seconds from 1 to 32767",
  family = "'inet' or 'inet6'",
  library = "SciSslLibrary",
  strings = "list of strings",
  ocspPolicy = "'none', 'request' or 'require'",
  profile = "'modern', 'intermediate', 'old' or 'server'",
  whenFull = "'wait' or 'refuse'",
  echRetry = "boolean or 'plain'",
  psk = "table with the strings identity and key, and nothing else,",
  psks = "table of keys by identities",
  issuers = "list of certificates and names",
  commands = "list of {name, value}, or table of values by name",
  identities = "list of {certificate =, privateKey =, passphrase =}",
  records = "list of tables",
  events = "'r', 'w' or 'rw'",
  pollable = "socket, descriptor, or object with getfd",
  luvStream = "uv_tcp or uv_pipe",
  poller = "object with arm, disarm, wait and close",
  clientSessions = "object with get and put",
  serverSessions = "object with serve, keep and onClientHello",
  callable = "function",
}

-- The alternatives of a kind, split once.
local alternatives = setmetatable({}, {
  __index = function(split, kind)
    local list = {}
    for one in kind:gmatch("[^|]+") do list[#list + 1] = one end
    split[kind] = list
    return list
  end,
})

--- Tells whether `value` is of a kind: a Lua type, a class of scissl, or a key of the table `kinds` above. `false`
-- stands for that value; `|` separates alternatives.
function options.is(value, kind)
  local value_type, meta = type(value), nil
  if value_type == kind then return true end
  for _, one in ipairs(alternatives[kind]) do
    local test = kinds[one]
    if value_type == one or test and test(value) or value == false and one == "false" then return true end
    if not test and (value_type == "userdata" or value_type == "table") then
      meta = meta or getmetatable(value)
      if type(meta) == "table" and meta.__name == one then return true end
    end
  end
  return false
end

--- Returns the description of a kind, for an error message.
function options.expected(kind)
  return (kind:gsub("[^|]+", words):gsub("|", " or "))
end

--- Returns the name of a value's class, or its type, for an error message.
function options.typeOf(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and type(meta.__name) == "string" and meta.__name or type(value)
end

--- Returns what an error message shows of a wrong value: a number itself, since its type may be right; else its class
-- or type, since a text may be a secret.
function options.shown(value)
  return type(value) == "number" and tostring(value) or options.typeOf(value)
end

-- The kinds that are lists.
local lists = { strings = true, issuers = true, commands = true, identities = true, records = true }

--- Returns what is wrong with a value, for an error message: an entry that a list lacks, or its kind.
function options.complaint(value, kind, got)
  local hole
  for one in kind:gmatch "[^|]+" do hole = hole or lists[one] and type(value) == "table" and find_hole(value) end
  if hole then return ("entry %d of the list is missing"):format(hole) end
  return ("%s expected, got %s"):format(options.expected(kind), got)
end

-- Kinds that some numbers are of: their errors show the number, not its type.
local of_numbers = { seconds = true, count = true, length = true, integer = true, number = true, pollable = true }

--- Raises where an argument is of another kind.
-- @tparam integer number which argument
-- @tparam string caller the function's name, for the message
-- @param value
-- @tparam string kind as for `is`
-- @tparam integer level the stack level that the error points at, as for `error` in the caller
function options.checkArgument(number, caller, value, kind, level)
  if options.is(value, kind) then return end
  local got = of_numbers[kind:match "^%a+"] and options.shown(value) or options.typeOf(value)
  error(("bad argument #%d to '%s' (%s)"):format(number, caller, options.complaint(value, kind, got)), level + 1)
end

local function field_of(value, name)
  return value[name]
end

--- Returns whether a value has methods of these names. Values of other libraries may raise where they are asked.
function options.hasMethods(value, ...)
  for _, name in ipairs { ... } do
    local good, method = pcall(field_of, value, name)
    if not (good and options.is(method, "callable")) then return false end
  end
  return true
end

-- How deep the tables of data are that a kind takes. Other tables are objects.
local data_depths = { strings = 1, issuers = 1, commands = 2, identities = 2, records = 2, psk = 1, psks = 1 }

local function copy_of(value, depth)
  if depth == 0 or type(value) ~= "table" then return value end
  local copy = {}
  for key, item in pairs(value) do
    if key == key then copy[key] = copy_of(item, depth - 1) end -- a `__pairs` may give NaN
  end
  return copy
end

--- Returns a value as an option of a kind is read: tables of data become copies, which have no metamethods and which
-- the caller cannot change later.
function options.copy(value, kind)
  if type(value) ~= "table" then return value end
  local depth = 0
  for one in kind:gmatch("[^|]+") do depth = math.max(depth, data_depths[one] or 0) end
  return copy_of(value, depth)
end

local function refuse_unknown(caller, name, known, level)
  local near = type(name) == "string" and options.nearest(name, known)
  error(("unknown option '%s' to '%s'%s"):format(
    tostring(name), caller, near and (" (did you mean '%s'?)"):format(near) or ""), level + 1)
end

local function refuse_kind(caller, name, value, kind, level)
  local problem = options.complaint(value, kind, options.shown(value))
  error(("bad option '%s' to '%s' (%s)"):format(name, caller, problem), level + 1)
end

-- A table without metamethods has the options that it lists.
local function read_plain(caller, given, known, level)
  local own = { host = nil, port = nil, timeout = nil, waiter = nil } -- there is room for so many without growth
  for name, value in next, given do
    local kind = known[name]
    if not kind then refuse_unknown(caller, name, known, level + 1) end
    if type(value) == "table" then value = options.copy(value, kind) end
    if not options.is(value, kind) then refuse_kind(caller, name, value, kind, level + 1) end
    own[name] = value
  end
  return own
end

--- Reads a table of options: each one once, since metamethods may return something else the second time.
-- @tparam string caller the function's name, for the message
-- @param given what the caller got
-- @tparam table known kinds by names
-- @tparam[opt=1] integer level the stack level that the error points at, as for `error` in the caller
-- @tparam[opt] table before those that the caller has read itself
-- @treturn table the options, in a table of its own
-- @raise where `given` is not a table, or has unknown options or options of another kind
function options.read(caller, given, known, level, before)
  level = (level or 1) + 1
  if type(given) ~= "table" then
    error(("bad argument to '%s' (table of options expected, got %s)"):format(caller, options.typeOf(given)), level)
  end
  if getmetatable(given) == nil and not before then
    local own = read_plain(caller, given, known, level) -- a tail call would lose a level
    return own
  end
  for name in pairs(given) do
    if not known[name] then refuse_unknown(caller, name, known, level) end
  end
  local own = {}
  for name, kind in pairs(known) do
    local value = before and before[name]
    if value == nil then value = options.copy(given[name], kind) end
    if value ~= nil and not options.is(value, kind) then refuse_kind(caller, name, value, kind, level) end
    own[name] = value
  end
  return own
end

return options
