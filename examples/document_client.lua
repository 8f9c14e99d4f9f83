-- A client that makes each call of the document's protocol itself (see lua/scissl/doc/02-the-documents-protocol.md):
-- lua5.4 examples/document_client.lua HOST PORT TRUSTED_CERTIFICATE_FILE
local scissl = require "scissl"

if #arg ~= 3 then
  io.stderr:write "usage: document_client.lua HOST PORT TRUSTED_CERTIFICATE_FILE\n"
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

local context = assert(scissl.SciSslContext.new "TLS")
assert(assert(context:setVerify(scissl.SSL_VERIFY_PEER)):loadVerifyLocations(arg[3]))

local socket = assert(scissl.SciSslSocket.new(context))
assert(socket:connect(arg[1], tonumber(arg[2])))
assert(socket:sslInitialize())
assert(assert(socket:sslSetServerName(arg[1])):sslSetVerifyHost(arg[1]))
complete(socket, socket.sslConnect)
print(socket, socket:sslVerifyCertificate())

complete(socket, socket.sslWrite, "who are you?")
io.write(complete(socket, socket.sslRead))
socket:close()
