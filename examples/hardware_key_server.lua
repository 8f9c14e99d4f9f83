-- An echo server whose private key stays in a token, such as a smart card, a hardware security module or SoftHSM.
--   lua5.4 examples/hardware_key_server.lua PORT CERTIFICATE_FILE KEY_URI [PIN]
-- KEY_URI is like "pkcs11:token=web;object=server;type=private" (RFC 7512). OpenSSL's provider `pkcs11` must be
-- installed (Debian 13: pkcs11-provider). The environment variable PKCS11_PROVIDER_MODULE names the PKCS #11 module of
-- the token, such as /usr/lib/softhsm/libsofthsm2.so.
local scissl = require "scissl"

if #arg < 3 then
  print "usage: hardware_key_server.lua PORT CERTIFICATE_FILE KEY_URI [PIN]"
  os.exit(2)
end

local library = assert(scissl.SciSslLibrary.new())
assert(library:load "default") -- for everything but the key
assert(library:load "pkcs11")
local key = assert(scissl.SciSslPrivateKey.fromUri(arg[3], arg[4], library))

local listener = assert(scissl.listen {
  host = "127.0.0.1", port = tonumber(arg[1]), library = library, certificate = arg[2], privateKey = key,
})
print(("listening on %s port %d"):format(listener:getSockName()))
io.stdout:flush()

assert(listener:serve(function(stream)
  for line in stream:lines "L" do
    if not stream:write(line) then return end
  end
end))
