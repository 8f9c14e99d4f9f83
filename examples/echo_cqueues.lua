-- An echo server under cqueues.
--   lua5.4 examples/echo_cqueues.lua [PORT [CERTIFICATE_FILE KEY_FILE]]
-- Without a certificate it makes a self-signed one. To connect: openssl s_client -quiet -connect localhost:PORT
local cqueues = require "cqueues"
local scissl = require "scissl"

local certificate, key = arg[2], arg[3]
if not certificate then
  key = assert(scissl.SciSslPrivateKey.generate "EC")
  certificate = assert(scissl.SciSslX509Certificate.issue {
    subject = "CN=localhost", names = { "localhost", "127.0.0.1" }, key = key,
  })
end

local listener = assert(scissl.listen {
  host = "127.0.0.1", port = tonumber(arg[1]) or 0, certificate = certificate, privateKey = key,
  waiter = "cqueues",
  backlog = 1024,
})
print(("listening on %s port %d"):format(listener:getSockName()))
io.stdout:flush()

local function echo(stream) -- runs in a coroutine of its own
  for line in stream:lines "L" do
    if not stream:write(line) then return end
  end
end

local loop = cqueues.new()
loop:wrap(function() assert(listener:serve(echo)) end)
assert(loop:loop())
