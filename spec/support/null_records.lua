--- spec/support/null_records.lua: records of TLS 1.2 that no library sends, to test a receiver with them.
--
-- The cipher NULL-SHA256 does not encrypt. With the master secret, which a key log contains, each record can be made.
--
--    local null = require "spec.support.null_records"
--
--    sender, receiver = null.connected("client" | "server"[, options])   two ends over memory, the first in that role,
--        after a handshake with NULL-SHA256; options `client` and `server` as for ends.connected
--    sender:record(type, text)    the bytes of the next record of `sender` (22: handshake, 21: alert, 23: data)
--    sender:records(type, text, count)   `count` such records
--    sender.socket                its SciSslSocket, which must not send anything itself from then on
--    sender.hello                 the client's ClientHello, a handshake message

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local null = {}

-- ---- SHA-256 and HMAC

local K = {}
do
  local function fraction(x) return math.floor((x - math.floor(x)) * 2 ^ 32) end
  local n = 2
  while #K < 64 do
    local prime = true
    for divisor = 2, math.floor(n ^ 0.5) do prime = prime and n % divisor ~= 0 end
    if prime then K[#K + 1] = fraction(n ^ (1 / 3)) end
    n = n + 1
  end
end

local START = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }

local function rotate(x, n) return (x >> n | x << (32 - n)) & 0xffffffff end

local function compress(state, text, at)
  local w = { string.unpack(">" .. ("I4"):rep(16), text, at) }
  for i = 17, 64 do
    local x, y = w[i - 15], w[i - 2]
    local s0 = rotate(x, 7) ~ rotate(x, 18) ~ x >> 3
    local s1 = rotate(y, 17) ~ rotate(y, 19) ~ y >> 10
    w[i] = w[i - 16] + s0 + w[i - 7] + s1 & 0xffffffff
  end
  local a, b, c, d, e, f, g, h = table.unpack(state)
  for i = 1, 64 do
    local s1 = rotate(e, 6) ~ rotate(e, 11) ~ rotate(e, 25)
    local t1 = h + s1 + (e & f ~ ~e & g) + K[i] + w[i]
    local s0 = rotate(a, 2) ~ rotate(a, 13) ~ rotate(a, 22)
    local t2 = s0 + (a & b ~ a & c ~ b & c)
    a, b, c, d, e, f, g, h = t1 + t2 & 0xffffffff, a, b, c, d + t1 & 0xffffffff, e, f, g
  end
  local added = { a, b, c, d, e, f, g, h }
  for i = 1, 8 do added[i] = added[i] + state[i] & 0xffffffff end
  return added
end

local function sha256(text)
  local state, length = START, #text
  text = text .. "\128" .. ("\0"):rep(-(length + 9) % 64) .. string.pack(">I8", length * 8)
  for at = 1, #text, 64 do state = compress(state, text, at) end
  return string.pack(">" .. ("I4"):rep(8), table.unpack(state))
end

local function padded(key, byte)
  return ((key .. ("\0"):rep(64 - #key)):gsub(".", function(c) return string.char(c:byte() ~ byte) end))
end

local function hmac(key)
  local inner, outer = padded(key, 0x36), padded(key, 0x5c)
  return function(text) return sha256(outer .. sha256(inner .. text)) end
end

-- RFC 5246, section 5.
local function expand(secret, seed, length)
  local mac, a, out = hmac(secret), seed, ""
  while #out < length do
    a = mac(a)
    out = out .. mac(a .. seed)
  end
  return out:sub(1, length)
end

-- ---- two ends

local function from_hexadecimal(text)
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local Sender = {}
Sender.__index = Sender

function Sender:record(type, text)
  local head = string.pack(">BI2", type, 0x0303)
  local mac = self.mac(string.pack(">I8", self.number) .. head .. string.pack(">s2", text))
  self.number = self.number + 1
  return head .. string.pack(">s2", text .. mac)
end

function Sender:records(type, text, count)
  local records = {}
  for i = 1, count do records[i] = self:record(type, text) end
  return table.concat(records)
end

local rsa -- an identity, made once

local function prepared(given, identity)
  local options = {}
  for name, value in pairs(given or {}) do options[name] = value end
  options.method, options.identity = "TLSv1.2", options.identity or identity
  options.setup = function(context)
    context:setKeylog(true)
    context:setCipherList "NULL-SHA256:@SECLEVEL=0"
    context:setOptions "no_encrypt_then_mac" -- with it OpenSSL does not decrypt empty records
    if given and given.setup then given.setup(context) end
  end
  return options
end

function null.connected(role, given)
  given = given or {}
  rsa = rsa or pki.issue {
    subject = "CN=localhost", names = { "localhost" }, key = pki.rsaKey(),
  }
  local client, server = ends.pair {
    transport = "memory", client = prepared(given.client), server = prepared(given.server, rsa),
  }
  assert(client:sslConnect() <= 0)
  local hello = client:sslDrain()
  local message, randoms = hello:sub(6), hello:sub(12, 43)
  server:sslFeed(hello)
  assert(server:sslAccept() <= 0)
  hello = server:sslDrain()
  randoms = hello:sub(12, 43) .. randoms
  client:sslFeed(hello)
  local client_answer, server_answer = ends.handshake(client, server)
  assert(client_answer == 1 and server_answer == 1, tostring(client_answer))
  local secret = from_hexadecimal(table.concat(client:keylogLines(), "\n"):match "CLIENT_RANDOM %x+ (%x+)")
  local keys = expand(secret, "key expansion" .. randoms, 64)
  local socket, receiver = client, server
  if role == "server" then socket, receiver = server, client end
  local key = role == "server" and keys:sub(33, 64) or keys:sub(1, 32)
  return setmetatable({ socket = socket, hello = message, mac = hmac(key), number = 1 }, Sender), receiver
end

return null
