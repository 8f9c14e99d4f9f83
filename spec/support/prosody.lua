--- spec/support/prosody.lua: Prosody, the XMPP server, on Lua 5.4, with the real LuaSec or with scissl.luasec.
--
--    local prosody = require "spec.support.prosody"
--
--    prosody.isThere()                          whether it is installed for this Lua
--    prosody.version                            its version: 0.12, 13.0 …; nil where it is not installed
--    prosody.backends                           the network backends that can be used here
--    prosody.hearsSignals(backend)              whether it reloads and ends by signals with this network backend
--    server <close> = prosody.start{ backend = "epoll" | "select" | "event", ours = boolean, host =, identity = }
--        it serves `host` ("localhost" by default, with pki.server), whose users have the password "secret":
--        server.port.c2s, .direct, .s2s, .s2sDirect, .https; the account is "user"
--    server:route(host, ports)                  where it finds another server: ports.s2s, ports.s2sDirect
--    server:use(identity)                       replaces the certificate, and tells the server to read it again
--    server:terminate()                         sends SIGTERM: it waits until its clients have ended their streams
--    output, how, code = server:finish()        waits for its end
--    server:kill()                              by SIGKILL; also where it goes out of scope
--    prosody.util(name)                         one of Prosody's own modules in C, such as "hashes"

local ends = require "spec.support.ends"
local files = require "spec.support.files"
local pki = require "spec.support.pki"
local SciSocket = require "scissl.core".SciSocket

local prosody = {}

-- Below the root, or where spec/support/setup.sh has unpacked its package: installed, it would start with the system.
local PROGRAM, SOURCE = "/usr/bin/prosody", "/usr/lib/prosody"
local PLACES = { "build/unpacked", "" }

local function here()
  local pipe = assert(io.popen "pwd -P")
  local folder = pipe:read "l"
  pipe:close()
  return folder
end

-- The first line of the program names the Lua that Debian's modules are for.
local function find()
  for _, place in ipairs(PLACES) do
    local text = files.read(place .. PROGRAM)
    if text and text:match "^[^\n]*":find("lua" .. _VERSION:match "%d.%d", 1, true) then
      return place ~= "" and here() .. "/" .. place or "", text
    end
  end
end

local place, program = find()

--- Whether it is there, with what its modules in C need.
function prosody.isThere()
  if not place or os.getenv "SCISSL_RUN" == "sanitized" then return false end -- its modules in C keep memory
  local needed <close> = assert(io.popen(("ldd %q 2>&1"):format(place .. SOURCE .. "/util/encodings.so")))
  return not needed:read "a":find("not found", 1, true) and package.searchpath("lxp", package.cpath) ~= nil
end

prosody.version = place and tonumber(files.read(place .. SOURCE .. "/prosody.version"):match "^%d+%.%d+")

prosody.backends = { "epoll", "select" }
if package.searchpath("luaevent.core", package.cpath) then prosody.backends[3] = "event" end

-- Since 13 the select backend notes signals in a coroutine that has ended, and nothing else happens.
function prosody.hearsSignals(backend)
  return backend ~= "select" or prosody.version < 13
end

function prosody.util(name)
  local open = assert(package.loadlib(("%s%s/util/%s.so"):format(place, SOURCE, name), "luaopen_util_" .. name))
  return open()
end

local configuration = [[
run_as_root = true
pidfile = "%s/prosody.pid"
data_path = "%s/data"
certificates = "%s"
network_backend = "%s"
interfaces = { "127.0.0.1" }
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "bosh", "websocket", "posix", "s2s_auth_certs",
  "routes" }
plugin_paths = { "%s" }
modules_disabled = { "s2s_bidi" }
authentication = "internal_plain"
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = true
ssl = { certificate = "%s/cert.pem", key = "%s/key.pem", cafile = "%s" }
c2s_ports = { %d }
c2s_direct_tls_ports = { %d }
s2s_ports = { %d }
s2s_direct_tls_ports = { %d }
https_ports = { %d }
http_ports = {}
http_default_host = "%s"
log = { { levels = { min = "warn" }, to = "console" } }
VirtualHost "%s"
]]

-- A module of Prosody, instead of a name server.
local routes = [=[
module:set_global()
local service, basic = require "net.resolvers.service", require "net.resolvers.basic"
local PORTS = { ["xmpp-server"] = "s2s", ["xmpps-server"] = "s2sDirect" }
function service.new(host, name, kind, extra)
  local port = (dofile(%q)[host] or {})[PORTS[name]]
  if port then return basic.new("127.0.0.1", port, kind, extra) end
  return { hostname = host, next = function(_, found) found(nil) end }
end
]=]

-- Prosody drops relative folders from the paths.
local launcher = [[
local function absolute(paths)
  return (paths:gsub("[^;]+", function(path) return path:find "^/" and path or %q .. "/" .. path end))
end
package.path = absolute(package.path)
package.cpath = absolute(package.cpath)
%s
arg = { [0] = "prosody", "-F", "--config", %q }
dofile(%q)
]]

local function write(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  file:close()
end

local Server = {}
Server.__index = Server

local function put_identity(self, identity)
  write(self.folder .. "/key.pem", identity.key:toPem())
  write(self.folder .. "/cert.pem", identity.certificatePem)
end

local count = 0

-- A port that is free, and below those that systems hand out by themselves: Prosody takes it some seconds later. Each
-- process looks in a hundred of its own.
local next_port

local function free_port()
  if not next_port then
    local pipe <close> = assert(io.popen "echo $PPID")
    next_port = 12000 + pipe:read "n" % 200 * 100
  end
  while true do
    local port = next_port
    next_port = next_port + 1
    local socket <close> = assert(SciSocket.newStreamSocket())
    if socket:bind("127.0.0.1", port) then return port end
  end
end

local SERVICES = { "c2s", "direct", "s2s", "s2sDirect", "https" }

local function prepare(given)
  count = count + 1
  local folder = ("%s/prosody%d"):format(pki.folder(), count)
  local self = setmetatable({ folder = folder, host = given.host or "localhost", backend = given.backend, port = {},
    routes = {} }, Server)
  local accounts = ("%s/data/%s/accounts"):format(folder, (self.host:gsub("%.", "%%2e")))
  assert(os.execute(("mkdir -p '%s'"):format(accounts)))
  write(accounts .. "/user.dat", 'return { ["password"] = "secret" };\n')
  put_identity(self, given.identity or pki.server)
  for _, service in ipairs(SERVICES) do self.port[service] = free_port() end
  local port = self.port
  write(folder .. "/prosody.cfg.lua", configuration:format(folder, folder, folder, given.backend, folder, folder,
    folder, pki.ca.certificateFile, port.c2s, port.direct, port.s2s, port.s2sDirect, port.https, self.host, self.host))
  write(folder .. "/mod_routes.lua", routes:format(folder .. "/routes.lua"))
  self:route(self.host, port)
  write(folder .. "/prosody.lua", (program:gsub("'" .. SOURCE, "'" .. place .. SOURCE)))
  return self
end

-- Whether all services listen, and signals are expected, which is so when the process has written its number.
local function is_ready(self)
  local file = io.open(self.folder .. "/prosody.pid")
  if not file then return false end
  file:close()
  for _, port in pairs(self.port) do
    local socket = assert(SciSocket.newStreamSocket())
    local done = socket:connect("127.0.0.1", port)
    socket:close()
    if not done then return false end
  end
  return true
end

local function state_of(self)
  local pipe = assert(io.popen(("ps -o stat= -p %d"):format(self.peer.pid)))
  local state = pipe:read "a"
  pipe:close()
  return state:sub(1, 1)
end

local function has_ended(self)
  local state = state_of(self)
  return state == "" or state == "Z"
end

function prosody.start(given)
  local self = prepare(given)
  local install = given.ours and 'require "scissl.luasec".install()' or ""
  self.peer = ends.lua(launcher:format(here(), install, self.folder .. "/prosody.cfg.lua",
    self.folder .. "/prosody.lua"))
  while not is_ready(self) do
    if has_ended(self) then error("Prosody has ended:\n" .. (self.peer:finish())) end
    os.execute "sleep 0.05"
  end
  return self
end

function Server:route(host, ports)
  self.routes[host] = ("[%q] = { s2s = %s, s2sDirect = %s },\n"):format(host, ports.s2s, ports.s2sDirect)
  local lines = {}
  for _, line in pairs(self.routes) do lines[#lines + 1] = line end
  write(self.folder .. "/routes.lua", ("return {\n%s}\n"):format(table.concat(lines)))
end

function Server:use(identity)
  put_identity(self, identity)
  assert(os.execute(("kill -HUP %d"):format(self.peer.pid)))
end

-- Prosody's handlers run wherever the program stands, as after a send and before that is noted, unless it waits.
function Server:terminate()
  while state_of(self):find "[RD]" do os.execute "sleep 0.05" end
  os.execute(("kill -TERM %d 2>/dev/null"):format(self.peer.pid))
end

function Server:finish()
  self.stopped = true
  return self.peer:finish()
end

function Server:kill()
  if self.stopped then return end
  os.execute(("kill -KILL %d 2>/dev/null"):format(self.peer.pid))
  self:finish()
end

Server.__close = Server.kill

return prosody
