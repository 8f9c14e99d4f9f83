-- Speaks verified TLS through a SOCKS5 proxy (RFC 1928, RFC 1929), and writes what the server sends to standard output:
-- lua5.4 examples/socks5_client.lua PROXY_HOST PROXY_PORT HOST PORT [TRUSTED_CERTIFICATE_FILE [USER PASSWORD]]
-- The proxy looks up the host. It sees host and port, and no plain text.
local scissl = require "scissl"

local proxy_host, proxy_port, host, port, ca_file, user, password = table.unpack(arg)
if not port then
  io.stderr:write("usage: socks5_client.lua PROXY_HOST PROXY_PORT HOST PORT ",
    "[TRUSTED_CERTIFICATE_FILE [USER PASSWORD]]\n")
  os.exit(2)
end
local replies = {
  "the proxy failed", "the proxy's rules forbid it", "network unreachable", "host unreachable", "connection refused",
  "too many hops", "command not supported", "address type not supported",
}

local function sign_in(stream)
  assert(stream:write(user and "\5\2\0\2" or "\5\1\0")) -- the methods: none, or user and password
  local version, method = assert(stream:readExactly(2)):byte(1, 2)
  if version ~= 5 then error("this is no SOCKS5 proxy", 0) end
  if method == 0 then return end
  if method ~= 2 or not user then error("the proxy wants another kind of authentication", 0) end
  assert(stream:write("\1", string.pack("s1s1", user, password or "")))
  if assert(stream:readExactly(2)):byte(2) ~= 0 then error("the proxy rejected user and password", 0) end
end

local function ask_for(stream)
  assert(stream:write("\5\1\0\3", string.pack(">s1I2", host, math.tointeger(tonumber(port)))))
  local _, reply, _, kind = assert(stream:readExactly(4)):byte(1, 4)
  if reply ~= 0 then error(replies[reply] or "the proxy refused", 0) end
  local length = kind == 1 and 4 or kind == 4 and 16 or assert(stream:readExactly(1)):byte()
  assert(stream:readExactly(length + 2)) -- the address and the port that the proxy uses
end

local carrier = assert(scissl.plain.connect { host = proxy_host, port = tonumber(proxy_port), timeout = 10 })
sign_in(carrier)
ask_for(carrier)
local stream <close> = assert(scissl.connect { host = host, over = carrier, caFile = ca_file, timeout = 10 })
stream:write "hello through SOCKS5\n"
io.write(stream:read "L" or "")
