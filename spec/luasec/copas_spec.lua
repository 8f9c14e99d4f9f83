-- copas, with LuaSec's connections: Debian's old 1.2, or a current one where that is on the path. Each program runs
-- in a process of its own, with ours and with the real LuaSec.

local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"

old_modules.add("copas", "coxpcall")
local copas_file = old_modules.find "copas"

local function source_of(file)
  local handle = assert(io.open(file))
  local text = handle:read "a"
  handle:close()
  return text
end

local knows_tls = copas_file and source_of(copas_file):find("dohandshake", 1, true) ~= nil

-- What old copas has to be told: it knows one reason to wait, which is "timeout".
local for_old_copas = [[
local Patient = {}
Patient.__index = Patient
local function patient(connection) return setmetatable({ connection = connection }, Patient) end
local function in_old_words(answer, problem, partial)
  if problem == "wantread" or problem == "wantwrite" then problem = "timeout" end
  return answer, problem, partial
end
function Patient:getfd() return self.connection:getfd() end
function Patient:dirty() return self.connection:dirty() end
function Patient:settimeout(seconds) return self.connection:settimeout(seconds) end
function Patient:close() return self.connection:close() end
function Patient:send(...) return in_old_words(self.connection:send(...)) end
function Patient:receive(...)
  if not self.secure then
    local done, problem = in_old_words(self.connection:dohandshake())
    if not done then return nil, problem end
    self.secure = true
    return "secure"
  end
  return in_old_words(self.connection:receive(...))
end
local function secure(plain, context)
  plain:settimeout(0)
  local connection = patient(assert(ssl.wrap(plain, context)))
  connection:settimeout(0)
  assert(copas.receive(connection) == "secure")
  return copas.wrap(connection)
end
]]

local for_new_copas = [[
local function secure(plain, context)
  local connection = copas.wrap(plain, context)
  assert(connection:dohandshake())
  return connection
end
]]

local program = [[
package.path = %q
local ssl = %s
local copas, socket = require "copas", require "socket"
%s
local server_context = assert(ssl.newcontext { mode = "server", protocol = "any", key = %q, certificate = %q })
local client_context = assert(ssl.newcontext { mode = "client", protocol = "any", verify = "peer", cafile = %q })
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()

local CLIENTS, LINES = 20, 5
local echoed, done = 0, 0

copas.addserver(listener, function(plain)
  local connection = secure(plain, server_context)
  while true do
    local line = connection:receive "*l"
    if not line then break end
    connection:send(line:upper() .. "\n")
  end
end)

-- One that connects and says nothing must not hold up the others.
local silent = assert(socket.connect("127.0.0.1", port))

for client = 1, CLIENTS do
  copas.addthread(function()
    local connection = secure(assert(socket.connect("127.0.0.1", port)), client_context)
    for i = 1, LINES do
      local line = ("client %%d line %%d "):format(client, i) .. ("x"):rep(20000)
      connection:send(line .. "\n")
      assert(connection:receive "*l" == line:upper())
      echoed = echoed + 1
    end
    done = done + 1
  end)
end

while done < CLIENTS do copas.step(1) end
silent:close()
print(("echoed %%d"):format(echoed))
os.exit(0)
]]

local implementations = { { "ours", '(require "scissl.luasec").install()' } }
if luasec.real then implementations[2] = { "the real one", 'require "ssl"' } end

describe("copas serves and asks over LuaSec,", function()
  if not copas_file then return pending "copas is not installed" end
  for _, one in ipairs(implementations) do
    it(one[1], function()
      local source = program:format(package.path, one[2], knows_tls and for_new_copas or for_old_copas,
        pki.server.keyFile, pki.server.certificateFile, pki.ca.certificateFile)
      local peer <close> = ends.lua(source)
      local output, how, code = peer:finish()
      assert.are.same({ "echoed 100\n", "exit", 0 }, { output, how, code })
    end)
  end
end)

if not luasec.real then pending "LuaSec is not installed: copas has not been run with it" end
