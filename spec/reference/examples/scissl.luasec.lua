--- scissl.luasec.newcontext, scissl.luasec.wrap
local ssl = require "scissl.luasec"
local tcp = assert(scissl.SciSocket.newStreamSocket())
assert(tcp:connect("127.0.0.1", port))
local context = assert(ssl.newcontext {
  mode = "client", protocol = "any", cafile = "ca.pem", verify = "peer", verifyhost = "localhost",
})
local conn = assert(ssl.wrap(tcp, context))
assert(conn:dohandshake())
conn:send "hello\n"
print((conn:receive "*l")) --> you said: hello
conn:close()

--- scissl.luasec.loadcertificate
print(require "scissl.luasec".loadcertificate(certificate:toPem()):serial()) --> …

--- scissl.luasec.strict
local ssl = require "scissl.luasec"
print(ssl.strict(true)) --> true -- verifies chain and host name, in the whole program
ssl.strict(false)

--- scissl.luasec.install
require "scissl.luasec".install()
print(require "ssl" == require "scissl.luasec") --> true
