-- Our server for load.c: lua5.4 server.lua VERSION prints its port, and answers each kibibyte with one.
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

local waiting = { [listener] = "r" } -- what each socket waits for
local got = {} -- bytes of the request that is coming in, by socket
local shaken = {}

local function take_in()
  local accepted = assert(listener:accept())
  local socket = assert(SciSslSocket.on(accepted:setBlocking(false), context))
  assert(socket:sslInitialize())
  waiting[socket], got[socket] = "r", 0
end

local function drop(socket)
  waiting[socket], got[socket], shaken[socket] = nil, nil, nil
  socket:close()
end

local function answer(socket, bytes)
  local all = got[socket] + #bytes
  for _ = 1, all // #MESSAGE do
    if socket:sslWrite(MESSAGE) ~= #MESSAGE then return drop(socket) end
  end
  got[socket] = all % #MESSAGE
end

local function serve(socket)
  if not shaken[socket] then
    local done = socket:sslAccept()
    if isSslError(done) then return drop(socket) end
    shaken[socket] = done == 1
    return
  end
  local bytes = socket:sslRead()
  if type(bytes) == "string" then return answer(socket, bytes) end
  if bytes == 0 or isSslError(bytes) then drop(socket) end
end

io.stdout:write(select(2, listener:getSockName()), "\n"):flush()
while true do
  for socket in pairs(assert(SciSocket.poll(waiting))) do
    if socket == listener then take_in() else serve(socket) end
  end
end
