-- A scissl server for load.c: lua5.4 server.lua VERSION prints its port, and answers each kibibyte with another.
local scissl = require "scissl"
local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local isSslError = scissl.isSslError
local folder = os.getenv "BENCH_FOLDER"
local MESSAGE = ("x"):rep(1024)

local context = assert(scissl.SciSslContext.new(arg[1]))
assert(context:useCertificateFile(folder .. "/server.pem"))
assert(context:usePrivateKeyFile(folder .. "/server.key"))
local listener = assert(SciSocket.newStreamSocket())
assert(listener:bind("127.0.0.1", 0))
assert(listener:listen(1024))

local poller = assert(scissl.SciPoller.new())
local connections = {} -- by descriptor: { socket =, got = bytes of the incomplete request, shaken = }

local function take_in()
  local accepted = assert(listener:accept())
  local socket = assert(SciSslSocket.on(accepted:setBlocking(false), context))
  assert(socket:sslInitialize())
  connections[assert(poller:arm(socket, "r"))] = { socket = socket, got = 0, shaken = false }
end

-- False: the connection has ended.
local function answer(connection, bytes)
  local all = connection.got + #bytes
  for _ = 1, all // #MESSAGE do
    if connection.socket:sslWrite(MESSAGE) ~= #MESSAGE then return false end
  end
  connection.got = all % #MESSAGE
  return true
end

local function serve(connection)
  local socket = connection.socket
  if not connection.shaken then
    local done = socket:sslAccept()
    connection.shaken = done == 1
    return not isSslError(done)
  end
  local bytes = socket:sslRead()
  if type(bytes) == "string" then return answer(connection, bytes) end
  return bytes ~= 0 and not isSslError(bytes)
end

io.stdout:write(select(2, listener:getSockName()), "\n"):flush()
local door = assert(poller:arm(listener, "r"))
local ready = {}
while true do
  for i = 1, 2 * assert(poller:wait(nil, ready)), 2 do
    local descriptor = ready[i]
    local connection = connections[descriptor]
    if descriptor == door then
      take_in()
      poller:arm(listener, "r")
    elseif serve(connection) then
      poller:arm(descriptor, "r")
    else
      connections[descriptor] = nil
      connection.socket:close()
    end
  end
end
