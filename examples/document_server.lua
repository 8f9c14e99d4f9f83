-- A server that makes each call of the document's protocol itself (see lua/scissl/doc/02-the-documents-protocol.md):
-- lua5.4 examples/document_server.lua PORT CERTIFICATE_FILE    It writes the certificate file, for the client to trust.
local scissl = require "scissl"

if #arg ~= 2 then
  io.stderr:write "usage: document_server.lua PORT CERTIFICATE_FILE\n"
  os.exit(2)
end

local function check(value) -- a SciSslError is a returned value; nothing is raised
  if scissl.isSslError(value) then error(tostring(value), 0) end
  return value
end

local function complete(socket, call, ...) -- repeats a call until it is done
  local value = check(call(socket, ...))
  while math.type(value) == "integer" and value < 0 do -- not ready
    local code = socket:sslGetError(value)
    assert(socket:wait(code == scissl.SSL_ERROR_WANT_WRITE and "w" or "r"))
    value = check(call(socket, ...))
  end
  return value
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
