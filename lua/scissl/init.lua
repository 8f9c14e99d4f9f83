--- Secure sockets for Lua on OpenSSL 3 and later.
-- The classes (`SciSocket`, `SciSslSocket`, `SciSslContext` …) and the constants, under OpenSSL's own names, come from
-- `scissl.core`. Each is made, and each part that is written in Lua is loaded, when it is first used.
--
-- Programs may `require` these modules by name: `scissl.connect`, `scissl.listen`, `scissl.handshake`,
-- `scissl.datagram`,
-- `scissl.stream`, `scissl.plain`, `scissl.sni`, `scissl.sessions`, `scissl.sessions.memory`, `scissl.sessions.file`,
-- `scissl.sessions.redis`,
-- `scissl.scheduler`, `scissl.signals`, `scissl.wait`, `scissl.wait.poll`, `scissl.wait.select`,
-- `scissl.wait.coroutine`, `scissl.wait.copas`, `scissl.wait.cqueues`, `scissl.wait.luv`, `scissl.copas`, `scissl.luv`,
-- `scissl.features`, `scissl.help`, `scissl.luasec`, `scissl.luasec.core`, `scissl.luasec.context`,
-- `scissl.luasec.x509`, `scissl.luasec.config`, `scissl.luasec.https`. All other modules are internal: any release
-- may change them.
-- @module scissl

local core = require "scissl.core"

-- Names of the public face, and the modules that they come from.
local written_in_lua = {
  connect = "scissl.client.connect",
  listen = "scissl.server.listen",
  handshake = "scissl.tls.handshake",
  datagram = "scissl.datagram",
  defaultTrust = "scissl.tls.default_trust",
  stream = "scissl.stream.stream",
  plain = "scissl.stream.plain",
  features = "scissl.features",
  sni = "scissl.server.sni_map",
  SciSslClientHello = "scissl.tls.client_hello",
  sessions = "scissl.sessions",
  help = "scissl.repl.help",
  scheduler = "scissl.loop.scheduler",
  signals = "scissl.loop.signals",
  wait = "scissl.loop.wait_api",
  SciSslSocketConfiguration = "scissl.tls.configuration",
  try = "scissl.repl.try",
  explain = "scissl.repl.explain",
}

local SciSslError, SciSslSocket, SciSignals = {}, {}, {}

local hellos = setmetatable({}, { __mode = "kv" }) -- by socket: what its records were read as

--- One line that tells a person what went wrong and what to do about it. `tostring(err)` is the same line.
-- @function SciSslError:errorHint
-- @treturn string never empty
function SciSslError.errorHint(err)
  require "scissl.base.receiver".check(err, "SciSslError", "errorHint", 2)
  return require "scissl.hint"(err)
end

--- Returns what the client offers, while the handshake is suspended at `"clientHello"` (see `sslSuspendAt`), or at a
-- later station of the same handshake.
-- @function SciSslSocket:clientHello
-- @treturn[1] SciSslClientHello
-- @treturn[2] nil where the handshake is not suspended, or was never to be suspended at `"clientHello"`
-- @treturn[2] ?SciSslError condition `malformed_hello`
function SciSslSocket:clientHello()
  require "scissl.base.receiver".check(self, "SciSslSocket", "clientHello", 2)
  local records = self:clientHelloRecords()
  if not records then return nil end
  local known = hellos[self]
  if known and known.records == records then return known end
  local hello, failure = require "scissl.tls.client_hello".fromRecords(records)
  if not hello then return nil, failure end
  hello.records, hellos[self] = records, hello
  return hello
end

--- Waits for a signal, in the way that the option `waiter` of `scissl.signals.new` names.
-- @function SciSignals:wait
-- @tparam[opt] number timeout seconds; without it, no limit
-- @treturn[1] string the name of the signal that arrived first
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `wait`: `timeout`, `cancelled`, `closed`; or as `take`
-- @raise for anything but 0 or more seconds
function SciSignals:wait(timeout)
  require "scissl.base.receiver".check(self, "SciSignals", "wait", 2)
  return require "scissl.loop.signal_wait".wait(self, timeout, 2)
end

-- The classes are made when they are first used, and get these methods then.
local extend = getmetatable(core).extend
extend("SciSslError", SciSslError)
extend("SciSslSocket", SciSslSocket)
extend("SciSignals", SciSignals)

local function find(scissl, name)
  local module = written_in_lua[name]
  local value
  if module then value = require(module) else value = core[name] end
  rawset(scissl, name, value)
  return value
end

local scissl = { _VERSION = "scissl 0.1.0" }

local NAMES = "2a9ede15" -- in C; spec/support/reference/generate.lua writes it

-- Without this, a core.so that was not compiled again fails later: "attempt to call a nil value".
if getmetatable(core).build ~= scissl._VERSION .. " " .. NAMES then
  require "scissl.base.other_build"(scissl._VERSION, debug.getinfo(1, "S").short_src)
end

return setmetatable(scissl, { __index = find })
