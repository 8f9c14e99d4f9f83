--- spec/fuzz/api.lua: calls random methods of random objects with plausible and absurd arguments, from functions that
-- methods call, and from finalizers. What is called is found by reflection, so that new methods are called as well.
--
-- Promises: no crash, no hang, no leak; every SciSslError that is returned has a condition and a hint; no
-- wrong argument makes a line of lua/scissl fail.

local scissl = require "scissl"
local arguments = require "spec.fuzz.arguments"
local stubs = require "spec.fuzz.stubs"
local world = require "spec.fuzz.world"
local forget_contexts = require "scissl.tls.configuration".forgetContexts

local CALLS, NESTED, DEPTH, POOL = 60, 100, 3, 40

-- What is never called, and why.
local excluded = {
  ["SciSocket:setBlocking"] = "a blocking socket without a peer waits for ever",
  ["SciScheduler:run"] = "runs until its coroutines have ended; step does the same, and returns",
  ["SciSslListener:serve"] = "returns when the listener is closed",
  ["SciSslDatagramListener:serve"] = "returns when the listener is closed",
  ["SciSslDatagramListener:accept"] = "waits for a client",
  ["SciSslAssociation:receive"] = "waits for a message",
  ["scissl.datagram.connect"] = "waits for a server",
  ["scissl.luasec.install"] = "changes what `require` gives to the whole process",
  ["scissl.copas.socket"] = "runs under copas alone",
  ["scissl.copas.server"] = "runs under copas alone",
  ["scissl.wait.ready"] = "calls a function that is no waiter",
  ["scissl.sessions.redis.new"] = "connects when it is first used; parsers fuzzes its protocol",
}

-- ---- what there is to call

local function class_of(value)
  local meta = debug.getmetatable(value)
  if type(value) ~= "userdata" and type(value) ~= "table" or type(meta) ~= "table" then return nil end
  local name = rawget(meta, "__name")
  local ours = type(name) == "string" and (name:find "^Sci" or name:find "^OSS")
  return ours and name or nil, meta
end

local function find_signature(class, name)
  return stubs.functions[class .. ":" .. name] or class == "SciSslSocket" and stubs.functions["SciSocket:" .. name]
    or nil
end

local methods_of = {}

-- The functions of a class and its metamethods, by name.
local function methods(value)
  local class, meta = class_of(value)
  if methods_of[class] then return methods_of[class] end
  local list = {}
  local index = rawget(meta, "__index")
  for _, source in ipairs { type(index) == "table" and index or {}, meta } do
    for name, value_of in pairs(source) do
      local full = class .. ":" .. tostring(name)
      local is_static = stubs.functions[class .. "." .. tostring(name)]
        or class == "SciSslSocket" and stubs.functions["SciSocket." .. tostring(name)] -- inherited: poll() would wait
      if type(value_of) == "function" and not (excluded[full] or excluded["SciSocket:" .. name] or is_static) then
        local signature = find_signature(class, name)
        list[#list + 1] = { name = name, full = full, call = value_of, method = true, signature = signature }
      end
    end
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  methods_of[class] = list
  return list
end

-- Functions that need no object.
local statics = {}

local function resolve(owner)
  local value = scissl[owner]
  if value == nil then
    local ok, module = pcall(require, owner)
    value = ok and module or nil
  end
  return value
end

for full, signature in pairs(stubs.functions) do
  local owner = resolve(signature.owner)
  local call = not signature.method and owner and owner[signature.name]
  if call and not excluded[full] then
    statics[#statics + 1] = { name = signature.name, full = full, call = call, signature = signature }
  end
end
for class, value in pairs(arguments.core) do
  for name, call in pairs(type(value) == "table" and value or {}) do
    local full = class .. "." .. name
    local known = stubs.functions[full] or stubs.functions["SciSocket." .. name] or find_signature(class, name)
      or excluded[class .. ":" .. name]
    if type(call) == "function" and not known then statics[#statics + 1] = { name = name, full = full, call = call } end
  end
end
table.sort(statics, function(a, b) return a.full < b.full end)

scissl.help.text() -- reads all stubs, once

-- ---- what calls return

local Fuzz = {}
Fuzz.__index = Fuzz

local function short(value)
  local text = type(value) == "string" and ("%q"):format(value):gsub("\\\n", "\\n")
    or class_of(value) or type(value) == "number" and tostring(value) or type(value)
  return #text > 60 and text:sub(1, 57) .. "…" or text
end

-- Keeps what a call has made, so that nothing that was made waits.
local function tame(value)
  local class = class_of(value)
  if class == "SciSocket" or class == "SciSslSocket" then
    pcall(value.setBlocking, value, false)
  elseif class == "SciSslStream" or class == "SciSslLuasecConnection" then
    pcall(value.settimeout, value, 0.001)
  end
end

function Fuzz:keep(value)
  if not class_of(value) then return end
  tame(value)
  if #self.pool < POOL then self.pool[#self.pool + 1] = value
  else self.pool[1 + self.random:below(POOL)] = value end
end

local function check_error(err)
  local condition, hint = err:condition(), err:errorHint()
  assert(type(condition) == "string" and condition ~= "", "an error without a condition")
  -- The text of a cause may be another one each time.
  assert(#hint > 0 and (hint == tostring(err) or err:cause() ~= nil), "an error without a hint")
end

-- Whether an argument has metamethods of its own, and so may be something else each time that it is looked at.
local function is_shifty(made)
  for i = 1, made.n do
    local meta = type(made[i]) == "table" and debug.getmetatable(made[i])
    if meta and not class_of(made[i]) then return true end
  end
  return false
end

-- A wrong argument is refused by name; it must not come as far as the lines that use it. (A table inside of another may
-- have a `__pairs` that returns rubbish.)
local function check_raised(raised, made)
  local text = type(raised) == "string" and raised or ""
  local found = text:find "lua/scissl/[%w_/]+%.lua:%d+: attempt to" and not text:find("for iterator", 1, true)
  if found and not is_shifty(made) then error(text, 0) end
end

function Fuzz:check(made, ok, ...)
  if not ok then return check_raised((...), made) end
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if scissl.isSslError(value) then check_error(value) end
    self:keep(value)
    if type(value) == "table" and not class_of(value) then
      for _, item in next, value do self:keep(item) end
    end
  end
end

-- ---- calls

local function choose(self, random)
  if random:chance(4) then return random:pick(statics) end
  local object = random:pick(self.pool)
  if not object then return random:pick(statics) end
  return random:pick(methods(object)), object
end

-- By the number of the argument: options without which these calls may wait for ever.
local waits = { ["scissl.handshake"] = 3, ["scissl.wait.on"] = 3, ["scissl.connect"] = 1 }

local function limit(target, made)
  local i = waits[target.full]
  if not i then return end
  if made[i] == nil then made[i], made.n = {}, math.max(made.n, i) end
  local plain = type(made[i]) == "table" and not debug.getmetatable(made[i])
  if plain and made[i].timeout == nil then made[i].timeout = 0.001 end
end

local function invoke(self, target, made)
  if self.random:chance(8) and self.depth == 0 then
    -- in a coroutine, which is left where it waits
    local thread = coroutine.create(function(...) return target.call(...) end)
    local results = table.pack(coroutine.resume(thread, table.unpack(made, 1, made.n)))
    if coroutine.status(thread) == "suspended" then return false end
    return table.unpack(results, 1, results.n)
  end
  return pcall(target.call, table.unpack(made, 1, made.n))
end

function Fuzz:call(random)
  local outer = self.random
  self.random = random
  local target, object = choose(self, random)
  local made = arguments.of(self, target.signature)
  if target.method then
    -- A wrong receiver now and then.
    if random:chance(30) then object = arguments.anything(self, random) end
    table.insert(made, 1, object == nil and false or object)
    if object == nil then made[1] = nil end
    made.n = made.n + 1
  end
  limit(target, made)
  local words = {}
  for i = 1, made.n do words[i] = short(made[i]) end
  self.log("%s%s(%s)", ("  "):rep(self.depth), target.full, table.concat(words, ", "))
  self:check(made, invoke(self, target, made))
  self.random = outer
end

-- What functions and finalizers do while a call is made.
function Fuzz:nested(random)
  if self.depth >= DEPTH or self.nestedCalls >= NESTED or self.over then return end
  self.nestedCalls = self.nestedCalls + 1
  self.depth = self.depth + 1
  local ok, err = pcall(self.call, self, random)
  self.depth = self.depth - 1
  if not ok then self.finding = self.finding or tostring(err) end
end

local function arm(fuzz, random, delay)
  setmetatable({}, { __gc = function()
    if fuzz.over then return end
    if delay > 0 then return arm(fuzz, random, delay - 1) end
    fuzz:nested(random)
  end })
end

local function new_fuzz(random, log)
  local fuzz = setmetatable({ random = random, log = log, pool = {}, depth = 0, nestedCalls = 0, token = {} }, Fuzz)
  function fuzz.any(class)
    local of_class = {}
    for _, object in ipairs(fuzz.pool) do
      if class_of(object) == class then of_class[#of_class + 1] = object end
    end
    return fuzz.random:pick(of_class)
  end
  function fuzz.act(other) fuzz:nested(other) end
  return fuzz
end

local function populate(fuzz)
  for _ = 1, 3 + fuzz.random:below(6) do
    for _, object in pairs { fuzz.random:pick(world)(fuzz.random) } do fuzz:keep(object) end
  end
end

return function(random, log)
  forget_contexts() -- shared ones, which may have been closed
  collectgarbage()
  local fuzz = new_fuzz(random, log)
  populate(fuzz)
  local pressed = random:chance(2)
  -- Every value that is made runs the collector, so that finalizers come wherever something is made.
  if pressed then collectgarbage("incremental", 1, 1000) end
  for _ = 1, CALLS do
    if random:chance(3) then arm(fuzz, random:fork(), random:below(8)) end
    fuzz:call(random)
    if fuzz.finding then break end
  end
  fuzz.over = true
  fuzz.pool = {}
  collectgarbage("incremental", 200, 100)
  collectgarbage()
  if fuzz.finding then error(fuzz.finding, 0) end
end
