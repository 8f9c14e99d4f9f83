-- scissl: see driver.lua.
local scissl = require "scissl"
local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local sslWrite, sslRead = SciSslSocket.sslWrite, SciSslSocket.sslRead

local first = tonumber(os.getenv "BENCH_FIRST_RECORDS") -- bytes, for sslSetRecordSizing
local adapter = { now = SciSocket.now }
local client_context, server_context, listener, port

function adapter.open(version, folder)
  client_context = assert(scissl.SciSslContext.new(version))
  server_context = assert(scissl.SciSslContext.new(version))
  for _, context in ipairs { client_context, server_context } do assert(context:setGroups "X25519:P-256") end
  assert(client_context:loadVerifyLocations(folder .. "/ca.pem"))
  assert(client_context:setVerify(scissl.SSL_VERIFY_PEER))
  assert(server_context:useCertificateFile(folder .. "/server.pem"))
  assert(server_context:usePrivateKeyFile(folder .. "/server.key"))
  listener = assert(SciSslSocket.new(server_context))
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(1024))
  port = select(2, listener:getSockName())
end

local function shake_hands(client, server)
  local client_done, server_done
  repeat
    if client_done ~= 1 then client_done = client:sslConnect() end
    if server_done ~= 1 then server_done = server:sslAccept() end
    if type(client_done) ~= "number" then error(client_done) end
    if type(server_done) ~= "number" then error(server_done) end
  until client_done == 1 and server_done == 1
end

function adapter.pair(session)
  local client = assert(SciSslSocket.new(client_context))
  assert(client:connect("127.0.0.1", port))
  local server, failure
  repeat
    server, failure = listener:accept()
    assert(server or failure:condition() == "not_ready", failure) -- TCP may still be connecting
  until server
  assert(client:sslInitialize())
  assert(server:sslInitialize())
  if session then assert(client:setSession(session)) end
  shake_hands(client, server)
  assert(not session or client:isSessionReused())
  if first then client:sslSetRecordSizing(first, math.maxinteger) end
  return client, server
end

function adapter.session(client)
  return client:getSession()
end

-- A SciSslError cannot be compared with a number and has no length: that raises an error.
function adapter.write(socket, data, i)
  local answer = sslWrite(socket, data, i)
  return answer > 0 and answer or 0
end

local NOT_YET = -scissl.SSL_ERROR_WANT_READ

function adapter.read(socket)
  local answer = sslRead(socket)
  if answer == NOT_YET then return 0 end
  return #answer
end

function adapter.close(client, server)
  client:close()
  server:close()
end

function adapter.plain(from, to, data, count, reads)
  for _ = 1, count do
    from:sslWrite(data)
    if reads then to:sslRead() end
  end
end

return adapter
