-- The document's protocol as a client, with its own loop:
-- lua5.4 examples/document_client.lua HOST PORT TRUSTED_CERTIFICATE_FILE
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
