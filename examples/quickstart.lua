-- A server and a client on this machine, each in a coroutine, which verify each other.
local scissl = require "scissl"
local Certificate, PrivateKey = scissl.SciSslX509Certificate, scissl.SciSslPrivateKey

-- A scheduler in a few lines: a coroutine yields `socket, events, deadline` and continues when the socket is ready.
local function run(...)
  local waiting = {}
  local function step(thread, ...)
    local ok, socket, events, deadline = coroutine.resume(thread, ...)
    if not ok then error(debug.traceback(thread, tostring(socket)), 0) end
    if coroutine.status(thread) == "suspended" then
      waiting[thread] = { socket = socket, events = events, deadline = deadline }
    end
  end
  for _, task in ipairs { ... } do step(coroutine.create(task)) end
  while next(waiting) do
    local interests = {}
    for _, wait in pairs(waiting) do interests[wait.socket] = wait.events end
    local ready = assert(scissl.SciSocket.poll(interests, 0.1))
    local now, due = scissl.SciSocket.now(), {}
    for thread, wait in pairs(waiting) do
      if ready[wait.socket] or wait.deadline and wait.deadline <= now then due[thread] = wait end
    end
    for thread, wait in pairs(due) do
      waiting[thread] = nil
      step(thread, ready[wait.socket] ~= nil)
    end
  end
end

local function issue(subject, ca, caKey, options)
  local key = assert(PrivateKey.generate "EC")
  options.subject, options.key, options.issuer, options.issuerKey = subject, key, ca, caKey
  return assert(Certificate.issue(options)), key
end

local function describe(side, stream)
  local code, text = stream:sslVerifyCertificate()
  local peer = stream:peerCertificate()
  print(("  %s sees: %s, %s, peer %s, verification %s (%s), %s"):format(
    side, stream:version(), stream:cipher():name(), peer and peer:subject() or "unknown", code, text,
    stream:isSessionReused() and "resumed" or "full handshake"))
end

print "1. Versions"
print("  " .. scissl._VERSION .. " on " .. _VERSION)
print("  " .. tostring(scissl.OSSslVersion.current()))

print "\n2. A certificate authority, and certificates for a server and a client"
local ca, caKey = issue("CN=quick start CA", nil, nil, { ca = true })
local serverCertificate, serverKey = issue("CN=localhost", ca, caKey, { names = { "localhost", "127.0.0.1" } })
local clientCertificate, clientKey = issue("CN=quick start client", ca, caKey, {})
for _, certificate in ipairs { ca, serverCertificate, clientCertificate } do print("  " .. tostring(certificate)) end
print("  SHA256 of the server's: " .. serverCertificate:fingerprint())

local clientContext = assert(scissl.SciSslContext.new())
assert(clientContext:addTrusted(ca))
assert(clientContext:useCertificate(clientCertificate))
assert(clientContext:usePrivateKey(clientKey))
assert(clientContext:setVerify(scissl.SSL_VERIFY_PEER))

local serverContext = assert(scissl.SciSslContext.new())
assert(serverContext:addTrusted(ca))
assert(serverContext:useCertificate(serverCertificate))
assert(serverContext:usePrivateKey(serverKey))
assert(serverContext:setVerify(scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT))

local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, context = serverContext,
                                        waiter = "coroutine" })
local _, port = listener:getSockName()

local function serve(show)
  local stream, err = listener:accept(10)
  if not stream then
    print("  server rejects: " .. tostring(err))
    return
  end
  if show then describe("server", stream) end
  local line = assert(stream:read "l")
  assert(stream:write("you said: ", line, "\n"))
  stream:close()
end

local session

local function talk(message)
  local stream = assert(scissl.connect { host = "localhost", port = port, context = clientContext, session = session,
                                         timeout = 10, waiter = "coroutine" })
  describe("client", stream)
  assert(stream:write(message, "\n"))
  print("  client reads: " .. assert(stream:read "l"))
  session = stream:getSession()
  stream:close()
end

print "\n3. Mutual TLS: each side verifies the other"
run(function() serve(true) end, function() talk "hello over TLS" end)

print "\n4. A second connection resumes the first one's session"
run(function() serve(true) end, function() talk "hello again" end)

print "\n5. A third client, which does not trust our CA, rejects the server"
run(serve, function()
  local stranger = issue("CN=another CA", nil, nil, { ca = true })
  local stream, err = scissl.connect { host = "localhost", port = port, ca = stranger, timeout = 10,
                                       waiter = "coroutine" }
  assert(not stream, "a certificate of an unknown issuer must be rejected")
  print("  client rejects: " .. tostring(err))
end)
listener:close()
