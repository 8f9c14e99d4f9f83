--- spec/support/redis.lua: a real Redis on the loopback, and servers that share their sessions through it.
--
--    local redis = require "spec.support.redis"
--
--    redis.present()              whether the program may be used; only `sh spec/run.sh all` uses it
--    server = redis.start{ tcp= } ready, on a Unix-domain socket, server.path, and with tcp = true also on server.port;
--                                with tls = true by TLS, where it asks for certificates of pki.ca
--        server:kill()            kills it; server:again() starts it on the same path, empty
--        server:stop()            ends it; also what <close> does
--        server:hold(), server:resume()    pauses it: it accepts connections and sends no reply
--        text = server:ask(…)     its reply to a command
--    redis.secret                 the secret of the fleet
--    client = redis.luaRedis(server, timeout)      lua-redis; nil where that is not installed
--
--    far = redis.server{ store=, more= }   a TLS server in a process of its own, far.port; it sends each client a line
--        that tells whether the session was resumed. `store` is Lua text: options for scissl.sessions.redis.new;
--        `more`: for listen
--    meet = redis.visit(port, { version=, session= })  → reused (the same on both sides), the next session

local core = require "scissl.core"
local scissl = require "scissl"
local ends = require "spec.support.ends"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"

local redis = {}

redis.secret = ("a secret the secret of the fleet's "):rep(2)

-- Debian's redis-tools has the whole program under another name.
local function program()
  for _, name in ipairs { "redis-server", "redis-check-rdb" } do
    local pipe <close> = assert(io.popen(("command -v %s 2>/dev/null"):format(name)))
    local path = pipe:read "l"
    if path then return path end
  end
end

function redis.present()
  return (os.getenv "SCISSL_ALL" or os.getenv "SCISSL_PROGRAMS") ~= nil and program() ~= nil
end

local Server = {}
Server.__index = Server

local ARGUMENTS = "--save '' --appendonly no --daemonize no --bind 127.0.0.1 --loglevel notice"
local count = 0

-- The port was free a moment ago; another process may take it before Redis does.
local function free_port()
  local listener, port = ends.listener()
  listener:close()
  return port
end

local function tls_arguments(port)
  return ("--port 0 --tls-port %d --tls-cert-file %s --tls-key-file %s --tls-ca-cert-file %s"):format(port,
    pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile)
end

local function run(self, port)
  local command = ("%s/redis-server %s --unixsocket %s --dir %s %s"):format(pki.folder(),
    self.tls and tls_arguments(port) or ("--port %d"):format(port), self.path, pki.folder(), ARGUMENTS)
  self.peer = ends.start(command, "eady to accept (connections)")
  self.port = port > 0 and port or nil
  return self
end

function redis.start(given)
  os.execute(("ln -sf %s %s/redis-server"):format(program(), pki.folder()))
  count = count + 1
  local self = setmetatable({ path = ("%s/redis%d.sock"):format(pki.folder(), count) }, Server)
  self.tls = given and given.tls
  if not (given and (given.tcp or given.tls)) then return run(self, 0) end
  local good, reason
  for _ = 1, 10 do
    good, reason = pcall(run, self, free_port())
    if good then return self end
  end
  error(reason)
end

local function signal(self, name)
  assert(os.execute(("kill -%s %d"):format(name, self.peer.pid)))
end

function Server:kill()
  signal(self, "KILL")
  self.peer:finish()
end

function Server:again()
  return run(self, self.port or 0)
end

function Server:hold() signal(self, "STOP") end
function Server:resume() signal(self, "CONT") end

function Server:stop()
  if self.peer.ended then return end
  signal(self, "KILL")
  self.peer:finish()
end

Server.__close = Server.stop

function Server:ask(...)
  local client <close> = assert(require "scissl.sessions.redis.resp_client".connect { path = self.path, timeout = 30 })
  return assert(client:call(...))
end

function redis.luaRedis(server, timeout)
  local path = old_modules.find "redis"
  return path and dofile(path).connect { host = "127.0.0.1", port = server.port, timeout = timeout }
end

-- ---- servers

local SERVER = [[
local scissl = require "scissl"
local listener
local given = { %s }
given.sessions = scissl.sessions.redis.new { %s }
given.host, given.port, given.timeout = "127.0.0.1", 0, 30
given.certificate, given.privateKey = %q, %q
listener = assert(scissl.listen(given))
print((select(2, listener:getSockName())))
io.stdout:flush()
while true do
  local stream, failure = listener:accept()
  if stream then
    stream:write(tostring(stream:isSessionReused()), "\n")
    stream:read "l"
    stream:close()
  else
    print("FAILED " .. tostring(failure))
    io.stdout:flush()
  end
end
]]

function redis.server(given)
  return ends.lua(SERVER:format(given.more or "", given.store, pki.server.certificateFile, pki.server.keyFile),
    "^(%d+)%s*$")
end

function redis.visit(port, given)
  local stream = assert(scissl.connect {
    host = "127.0.0.1", port = port, ca = pki.ca.certificate, version = given.version, session = given.session,
    timeout = 30, options = given.noTicket and core.SSL_OP_NO_TICKET or nil,
  })
  local line = assert(stream:read "l")
  local reused, session = stream:isSessionReused(), stream:getSession()
  assert(line == tostring(reused), "server and client do not agree: " .. line)
  assert(stream:write "bye\n")
  stream:close()
  return reused, session
end

return redis
