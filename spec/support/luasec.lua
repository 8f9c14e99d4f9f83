--- spec/support/luasec.lua: scissl.luasec and the real LuaSec, for specs that run with both.
--
--    local luasec = require "spec.support.luasec"
--
--    luasec.ours, luasec.real     the modules; `real` is nil where LuaSec is not installed
--    for name, client, server in luasec.combinations() do      ours with ours, and ours with the real one in both roles
--    for name, ssl in luasec.implementations() do
--    near, far = luasec.sockets()               two connected sockets of LuaSocket
--    parameters = luasec.server{ … }            those of a server (pki.server) or a client, and the given ones
--    parameters = luasec.client{ … }
--    run = luasec.connect{ clientSsl=, serverSsl=, client=, server=, before= }
--        makes both ends, calls before(client, server), and does the handshake without blocking. run.client and
--        run.server: the connections; run.clientAnswer, run.clientProblem, run.serverAnswer, run.serverProblem: the
--        results of dohandshake
--    luasec.wait(connection[, other])           waits until one of them can be read

local SciSocket = require "scissl.core".SciSocket
local pki = require "spec.support.pki"
local socket = require "socket"

local luasec = { ours = require "scissl.luasec" }

local found, real = pcall(require, "ssl")
luasec.real = found and real or nil

local PATIENCE, STEP = 30, 0.05 -- seconds

function luasec.implementations()
  local list = { { "ours", luasec.ours }, luasec.real and { "the real one", luasec.real } }
  local at = 0
  return function()
    at = at + 1
    if list[at] then return table.unpack(list[at]) end
  end
end

function luasec.combinations()
  local list = { { "ours with ours", luasec.ours, luasec.ours } }
  if luasec.real then
    list[2] = { "our client with LuaSec's server", luasec.ours, luasec.real }
    list[3] = { "LuaSec's client with our server", luasec.real, luasec.ours }
    list[4] = { "LuaSec with LuaSec", luasec.real, luasec.real }
  end
  local at = 0
  return function()
    at = at + 1
    if list[at] then return table.unpack(list[at]) end
  end
end

function luasec.sockets()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  local near = assert(socket.connect("127.0.0.1", port))
  local far = assert(listener:accept())
  listener:close()
  return near, far
end

local function with(given, parameters)
  for name, value in pairs(given or {}) do parameters[name] = value or nil end
  return parameters
end

function luasec.server(given)
  return with(given, {
    mode = "server", protocol = "any", key = pki.server.keyFile, certificate = pki.server.certificateFile,
  })
end

function luasec.client(given)
  return with(given, { mode = "client", protocol = "any" })
end

function luasec.wait(...)
  local interests = {}
  for _, connection in ipairs { ... } do interests[math.tointeger(connection:getfd())] = "r" end
  assert(SciSocket.poll(interests, STEP))
end

local function goes_on(answer, problem)
  return answer == nil or (not answer and (problem == "wantread" or problem == "wantwrite"))
end

function luasec.connect(options)
  local near, far = luasec.sockets()
  local run = {
    client = assert(options.clientSsl.wrap(near, options.client or luasec.client())),
    server = assert(options.serverSsl.wrap(far, options.server or luasec.server())),
  }
  local client, server = run.client, run.server
  client:settimeout(0)
  server:settimeout(0)
  if options.before then options.before(client, server) end
  local limit = SciSocket.now() + PATIENCE
  repeat
    if goes_on(run.clientAnswer, run.clientProblem) then run.clientAnswer, run.clientProblem = client:dohandshake() end
    if goes_on(run.serverAnswer, run.serverProblem) then run.serverAnswer, run.serverProblem = server:dohandshake() end
    local client_waits = goes_on(run.clientAnswer, run.clientProblem)
    local server_waits = goes_on(run.serverAnswer, run.serverProblem)
    if client_waits and server_waits then luasec.wait(client, server)
    elseif client_waits then luasec.wait(client)
    elseif server_waits then luasec.wait(server) end
  until not client_waits and not server_waits or SciSocket.now() > limit
  client:settimeout(PATIENCE)
  server:settimeout(PATIENCE)
  return run
end

return luasec
