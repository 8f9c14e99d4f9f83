--- scissl.connect
local stream = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", timeout = 10 })
stream:write "hello\n"
print(stream:read()) --> you said: hello
stream:close()

--- scissl.listen
local listener = assert(scissl.listen {
  host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key",
  caFile = "ca.pem", verify = "optional", -- a client may send a certificate, or none
})
listener:close()

--- scissl.handshake
local socket = assert(scissl.SciSslSocket.new(clientContext))
assert(socket:connect("127.0.0.1", port))
assert(socket:sslInitialize())
assert(socket:sslSetVerifyHost "localhost")
assert(scissl.handshake(socket, "connect", { timeout = 10 }))
print(socket:isSecure()) --> true

--- scissl.stream
local stream = scissl.stream(client, { timeout = 5, maxLine = 8192 })
server:sslWrite "hello\n"
print(stream:read()) --> hello

--- scissl.sni.new
local hosts = assert(scissl.sni.new {
  ["www.example.org"] = { certificate = "server.pem", privateKey = "server.key" },
  ["*.example.org"] = serverContext,
  ["*"] = serverContext,
})
print(hosts:find "a.example.org" == serverContext) --> true

--- scissl.sessions.file.new
local kept = scissl.sessions.file.new { path = "sessions" } -- lasts from one run of the program to the next
print(kept) --> SciSslSessionFile: sessions

--- scissl.sessions.memory.new
local store = scissl.sessions.memory.new()
for _ = 1, 2 do
  local stream = assert(scissl.connect { host = "localhost", port = port, caFile = "ca.pem", sessions = store })
  stream:write "hello\n"
  stream:read()
  print(stream:isSessionReused())
  stream:close()
end
--> false
--> true

--- scissl.isSslError
print(scissl.isSslError(err), scissl.isSslError "an error") --> true false

--- scissl.randomBytes
print(#scissl.randomBytes(32)) --> 32

--- scissl.defaultTrust
local trust = scissl.defaultTrust()
print(trust.fileVariable, #trust.directories > 0) --> SSL_CERT_FILE true

--- scissl.digest
print(#scissl.digest("SHA256", "hello")) --> 32

--- scissl.help, scissl.help.text
scissl.help "SciSslStream:read" -- prints the entry; scissl.help() lists what there is
print(scissl.help.text "SSL_VERIFY_PEER") --> scissl.SSL_VERIFY_PEER = 1…
print(scissl.help.text "sslConect") --> nil nothing has the name 'sslConect'; did you mean 'sslConnect'?

--- scissl.seal, scissl.unseal
local secret = ("s"):rep(32) -- use 32 random bytes
local sealed = assert(scissl.seal(secret, "the bytes", "session 12"))
print(scissl.unseal(secret, sealed, "session 12")) --> the bytes
print(select(2, scissl.unseal(secret, sealed, "session 13")):condition()) --> not_sealed

--- scissl.try
local c, s = scissl.try()
print(c:sslConnect() <= 0, c:sslGetError(-1) == scissl.SSL_ERROR_WANT_READ) --> true true
s:sslAccept()
print(c:sslConnect()) --> 1

--- scissl.explain
print(scissl.explain "certificate_expired") --> …
print(scissl.explain(scissl.SSL_ERROR_WANT_READ)) --> …

--- scissl.plain.listen
local listener <close> = assert(scissl.plain.listen { host = "127.0.0.1", port = 0 })
local _, port = listener:getSockName()
local client = assert(scissl.plain.connect { host = "127.0.0.1", port = port })
client:write "hello\n"
print(listener:accept():read()) --> hello

--- scissl.plain.connect, scissl.plain.on
local near, far = assert(scissl.SciSocket.pair())
local stream = assert(scissl.plain.on(near)) -- or scissl.plain.connect { host = …, port = … }
far:send "in plain text\n"
print(stream:read()) --> in plain text

--- scissl.scheduler.new, scissl.scheduler.running
local loop = assert(scissl.scheduler.new())
loop:spawn(function() print(scissl.scheduler.running() == loop) end) --> true
assert(loop:run())

--- scissl.sessions.redis.new
local store = scissl.sessions.redis.new { host = "127.0.0.1", secret = ("s"):rep(32), timeout = 0.1 }
print(store) --> …
store:close()

--- scissl.datagram.connect
local association, failure = scissl.datagram.connect {
  host = "127.0.0.1", port = 9, psk = { identity = "sensor", key = "sixteen bytes ..." }, timeout = 1,
}
if not association then print(failure:phase()) end --> connect

--- scissl.datagram.listen
local server = assert(scissl.datagram.listen {
  host = "127.0.0.1", port = 0, psk = { sensor = "sixteen bytes ..." }, maxPeers = 1000, idleTimeout = 60,
})
server:close()
