--- spec/fuzz/arguments.lua: what the API fuzzer calls functions with: mostly what the stubs say, else anything at all.
--
--    list = arguments.of(fuzz, signature)     signature of spec/fuzz/stubs, or nil; a table.pack
--
-- `fuzz` has `random`, `pool` (objects), `any(class)` (an object of the pool) and `act()` (calls something).

local core = require "scissl.core"
local samples = require "spec.fuzz.samples"
local stubs = require "spec.fuzz.stubs"
local pki = require "spec.support.pki"

local arguments = {}

local texts, bytes, files = samples.list(samples.text), samples.list(samples.der), samples.list(samples.file)
for _, file in ipairs { "written1", "written2" } do files[#files + 1] = pki.folder() .. "/" .. file end

local NUMBERS = { 0, 1, 2, 3, 7, 16, 255, 256, 512, 1024, 4096, 16384, 65535, 65536, -1, -2, 2 ^ 31 | 0, 2 ^ 32 | 0,
  math.maxinteger, math.mininteger, 1.5, -0.5, 1e308, 1 / 0, -1 / 0, 0 / 0, 1.0, "1", "0x10" }
local WORDS = { "", "x", "r", "w", "rw", "l", "L", "n", "a", "h2", "http/1.1", "localhost", "127.0.0.1", "::1",
  "TLSv1.2", "TLSv1.3", "TLS", "secret", "SHA256", "SHA384", "MD5", "P-256", "X25519:P-256", "EC", "Ed25519", "verify",
  "clientHello",
  "certificate", "connect", "accept", "client", "server", "both", "off", "require", "request", "none", "full", "line",
  "ALL:@SECLEVEL=0", "TLS_AES_128_GCM_SHA256", "ecdsa_secp256r1_sha256", "no_ticket", "crl_check", "sslserver",
  "tls-exporter", "tls-unique", "tls-server-end-point", "EXPORTER-x", "Options", "CN=a,O=b", "CN=a\\", "1.2.3", "01",
  "SO_RCVBUF", "TCP_NODELAY", "SO_LINGER", "a@b", "*.example", ".example", "[::1]", "2 1 1", "a\0b", "\xff\xfe",
  "bad_certificate", "poll", "epoll", "coroutine", "inet", "inet6", "unix", "SIGUSR1", "SIGWINCH", "SIGKILL", "wait",
  "refuse", "modern", "old", "server", ("k"):rep(80), ("x"):rep(300), ("x"):rep(20000), "%", "%s", "\r\n" }

-- Nothing here waits long, leaves this machine, or writes outside of the temporary folder: these parameters, by name,
-- get these values alone, and are never left out. `false` stands for nil.
local SHORT = { 0, 0, 0.001, -1, 0 / 0, "x" }
local HOSTS = { "127.0.0.1", "::1", "[::1]", "localhost", "", "a\0b", "300.1.1.1", 1, true, pki.folder() .. "/unix" }
local fixed = {
  seconds = SHORT, timeout = SHORT, pause = { 0, 0.001 }, deadline = { 0, -1, 0 / 0 }, moment = { 0, -1, 0 / 0 },
  host = HOSTS, port = { 0, 1, -1, 65536, 1.5, "http", "x", true }, path = files, caFile = files, caPath = files,
  file = false, -- handles are made below
  waiter = { "poll", "nonsense", 1 }, proxy = { false }, over = { false },
  -- a descriptor number that is adopted is closed: none that another object owns
  transport = "transport", socket = "transport",
  parameter = { false, 1024, "P-256", "nonsense", -1, true }, -- larger RSA keys take seconds
  iterations = { 1, 2, -1, "x" },
}

local function nothing() end

-- A function that a call may get: it returns anything, raises anything, or calls anything.
local function callback(fuzz)
  local random = fuzz.random:fork()
  return function(...)
    if random:chance(3) then fuzz.act(random) end
    if random:chance(4) then error(random:pick { fuzz.token, "text", false, select("#", ...) }, 0) end
    return arguments.anything(fuzz, random), arguments.anything(fuzz, random)
  end
end

-- A table whose metamethods raise, act, or lie.
local function hostile(fuzz)
  local random = fuzz.random
  local meta = {}
  for _, event in ipairs { "__index", "__len", "__pairs", "__tostring", "__eq", "__call", "__name", "__close", "__gc",
    "getfd", "__metatable" } do
    if random:chance(2) then meta[event] = callback(fuzz) end
  end
  if random:chance(4) then meta.__name = random:pick(WORDS) end
  if random:chance(4) then meta.__len = function() return random:pick(NUMBERS) end end
  if random:chance(4) then meta.__index = function() return arguments.anything(fuzz, random) end end
  return setmetatable({}, meta)
end

-- An object with a descriptor: of one of the pool's, or of none.
local function owner(fuzz)
  local socket = fuzz.any "SciSocket"
  local descriptor = socket and fuzz.random:chance(3) and socket or nil
  local function getfd()
    if descriptor then return descriptor:getfd() end
    return fuzz.random:pick { -1, 1.5, "x", 2 ^ 40 | 0, false }
  end
  return { [fuzz.random:pick { "getfd", "fileno", "pollfd" }] = getfd, close = callback(fuzz) }
end

local function transport(fuzz)
  local kind = fuzz.random:below(4)
  if kind == 0 then return owner(fuzz) end
  if kind == 1 then return fuzz.random:pick { -1, 1.5, "x", 2 ^ 31 | 0, 2 ^ 40 | 0 } end
  return fuzz.any(fuzz.random:pick { "SciSocket", "SciSslSocket", "SciSslStream" })
end

local function list(fuzz, make)
  local made = {}
  for i = 1, fuzz.random:below(4) do made[i] = make() end
  return made
end

local function absurd(fuzz)
  local random = fuzz.random
  local kind = random:below(12)
  if kind == 0 then return nil end
  if kind == 1 then return random:chance(2) end
  if kind == 2 then return random:pick(NUMBERS) end
  if kind == 3 then return random:pick(WORDS) end
  if kind == 4 then return random:pick(texts) end
  if kind == 5 then return random:pick(bytes) end
  if kind == 6 then return random:bytes(random:below(64)) end
  if kind == 7 then return callback(fuzz) end
  if kind == 8 then return hostile(fuzz) end
  if kind == 9 then return coroutine.create(nothing) end
  if kind == 10 then return list(fuzz, function() return absurd(fuzz) end) end
  return random:pick(fuzz.pool)
end

--- Anything at all, drawn from `random`.
function arguments.anything(fuzz, random)
  return absurd(setmetatable({ random = random }, { __index = fuzz }))
end

local by_type = {
  string = function(fuzz, parameter)
    local name = parameter.name:lower()
    if name:find "pem" or name:find "text" then return fuzz.random:pick(texts) end
    if name:find "der" or name:find "bytes" then return fuzz.random:pick(bytes) end
    if name:find "file" or name:find "path" or name:find "uri" then return fuzz.random:pick(files) end
    if #parameter.words > 0 and fuzz.random:chance(2) then return fuzz.random:pick(parameter.words) end
    return fuzz.random:pick(WORDS)
  end,
  integer = function(fuzz) return fuzz.random:pick(NUMBERS) end,
  number = function(fuzz) return fuzz.random:pick(NUMBERS) end,
  boolean = function(fuzz) return fuzz.random:chance(2) end,
  ["function"] = callback,
  thread = function() return coroutine.create(nothing) end,
  any = absurd,
  ["file*"] = function(fuzz)
    local file = io.open(fuzz.random:pick(files), "rb")
    if file and fuzz.random:chance(4) then file:close() end
    return file
  end,
}

local function options(fuzz, parameters)
  local table_of = {}
  for _, parameter in ipairs(parameters) do
    if fixed[parameter.name] or fuzz.random:chance(4) then
      table_of[parameter.name] = arguments.one(fuzz, parameter)
    end
  end
  return table_of
end

function by_type.table(fuzz, parameter)
  local parameters = {}
  for i, word in ipairs(parameter.words) do parameters[i] = { name = word, types = { "any" }, words = {} } end
  return options(fuzz, parameters)
end

local function of_type(fuzz, parameter, kind)
  local element = kind:match "^%(?(.-)%)?%[%]$"
  if element then return list(fuzz, function() return of_type(fuzz, parameter, element) end) end
  if by_type[kind] then return by_type[kind](fuzz, parameter) end
  if kind:find "Options$" then return options(fuzz, stubs.fields[kind]) end
  return fuzz.any(kind)
end

-- An argument for `parameter`.
function arguments.one(fuzz, parameter)
  local only = fixed[parameter.name]
  if only == "transport" then return transport(fuzz) end
  if only then return fuzz.random:pick(only) or nil end
  if fuzz.random:chance(6) and only == nil then return absurd(fuzz) end
  return of_type(fuzz, parameter, fuzz.random:pick(parameter.types))
end

-- How many parameters there must be at the least, so that no time-out is missing.
local function fewest(parameters)
  for i = #parameters, 1, -1 do
    if fixed[parameters[i].name] or parameters[i].types[1]:find "Options" then return i end
  end
  return 0
end

function arguments.of(fuzz, signature)
  local made = {}
  if not signature then
    local n = fuzz.random:below(4)
    for i = 1, n do made[i] = absurd(fuzz) end
    made.n = n
    return made
  end
  local parameters = signature.parameters
  made.n = #parameters
  for i, parameter in ipairs(parameters) do made[i] = arguments.one(fuzz, parameter) end
  if fuzz.random:chance(8) then made.n = math.max(fewest(parameters), fuzz.random:below(made.n + 1)) end
  return made
end

arguments.core = core

return arguments
