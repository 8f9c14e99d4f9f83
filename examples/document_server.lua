-- The document's protocol as a server, with its own loop:
-- lua5.4 examples/document_server.lua PORT CERTIFICATE_FILE (which it writes, for the client to trust)
local scissl = require "scissl"

local function check(value) -- a SciSslError is an answer, not an exception
  if scissl.isSslError(value) then error(tostring(value), 0) end
  return value
end

local function complete(socket, call, ...) -- repeats a call until it is no longer "not yet"
  local answer = check(call(socket, ...))
  while math.type(answer) == "integer" and answer < 0 do
    local code = socket:sslGetError(answer)
    assert(socket:wait(code == scissl.SSL_ERROR_WANT_WRITE and "w" or "r"))
    answer = check(call(socket, ...))
  end
  return answer
end

local key = assert(scissl.SciSslPrivateKey.generate "EC")
local certificate = assert(scissl.SciSslX509Certificate.issue {
  subject = "CN=localhost", names = { "localhost", "127.0.0.1" }, key = key })
assert(io.open(arg[2], "w")):write(certificate:toPem()):close()

local context = assert(scissl.SciSslContext.new "TLS")
assert(assert(context:useCertificate(certificate)):usePrivateKey(key))

local listener = assert(scissl.SciSslSocket.new(context))
assert(assert(listener:bind("127.0.0.1", tonumber(arg[1]))):listen())
print("listening on", listener:getSockName())
assert(listener:wait "r")

local socket = assert(listener:accept())
assert(socket:sslInitialize())
complete(socket, socket.sslAccept)
print(socket, "asks", complete(socket, socket.sslRead))
complete(socket, socket.sslWrite, "hello from " .. socket:cipher():name() .. "\n")
socket:close()
