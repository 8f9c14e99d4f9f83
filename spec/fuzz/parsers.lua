--- spec/fuzz/parsers.lua: every parser, with good examples that are changed by bytes, and by DER tree.
-- Promises: no crash, no hang; each returns an object, or nil and a SciSslError with a condition; the methods of what
-- was parsed do not fail otherwise.

local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local der = require "spec.fuzz.der"
local samples = require "spec.fuzz.samples"

local Certificate, Key = scissl.SciSslX509Certificate, scissl.SciSslPrivateKey

local ca, own = pki.ca.certificate, pki.server.certificate

-- ---- bytes that come from a peer of another protocol

local listener, port = ends.listener()

-- A waiter of one connection: the first time it accepts, sends `bytes`, and closes.
local function peer_that_says(bytes)
  local peer
  return function(socket, events)
    if not peer then
      peer = assert(listener:accept())
      peer:send(bytes)
      peer:close()
    end
    return socket:wait(events, 0)
  end
end

local function redis(bytes)
  local client, failure = require "scissl.sessions.redis.resp_client".connect { port = port, timeout = 1 }
  if not client then return nil, failure end
  local peer <close> = assert(listener:accept())
  peer:send(bytes)
  peer:shutdown "w"
  local value
  for _ = 1, 3 do value, failure = client:get "x" end
  client:close()
  return value, failure
end

local function through_proxy(bytes)
  local stream, failure = scissl.connect { host = "localhost", port = 1, timeout = 1, caFile = pki.ca.certificateFile,
    proxy = "http://127.0.0.1:" .. port, waiter = peer_that_says(bytes) }
  if stream then stream:close() end
  return stream, failure
end

local function server_says(bytes)
  local client = ends.pair { transport = "memory", version = "TLSv1.2" }
  client:sslConnect()
  client:sslFeed(bytes)
  client:sslFeedEnd()
  local answer = client:sslConnect()
  client:close()
  return scissl.isSslError(answer) and nil or answer, scissl.isSslError(answer) and answer or nil
end

-- ---- the parsers

local function context(method, ...)
  local more = table.pack(...)
  return function(bytes)
    local made = assert(scissl.SciSslContext.new())
    return made[method](made, bytes, table.unpack(more, 1, more.n))
  end
end

local function through_file(parse)
  return function(bytes) return parse(pki.write(bytes, "parsed")) end
end

local function with_socket(method)
  return function(bytes)
    local client, server = ends.pair { transport = "memory" }
    local value, failure = method(client, bytes)
    client:close()
    server:close()
    return value, failure
  end
end

local function subject(text)
  return Certificate.issue { subject = text, key = pki.server.key }
end

local function name(text)
  return Certificate.issue { subject = "CN=x", names = { text }, key = pki.server.key }
end

local texts, bytes = samples.text, samples.der
local secret = ("k"):rep(32)
local hello = samples.hello "TLSv1.2"

-- A parser, its kind of changes ("pem", "der", "bytes"), good examples.
local parsers = {
  { Certificate.fromPem, "pem", texts.certificate, texts.own },
  { Certificate.chainFromPem, "pem", texts.chain },
  { Certificate.fromDer, "der", bytes.certificate, bytes.own },
  { Key.fromPem, "pem", texts.key },
  { function(text) return Key.fromPem(text, "secret") end, "pem", texts.encryptedKey },
  { Key.fromDer, "der", bytes.key },
  { through_file(Key.fromUri), "pem", texts.key },
  { scissl.SciSslX509Crl.fromPem, "pem", texts.crl },
  { scissl.SciSslX509Crl.fromDer, "der", bytes.crl },
  { scissl.SciSslX509Request.fromPem, "pem", texts.request },
  { scissl.SciSslX509Request.fromDer, "der", bytes.request },
  { scissl.OSSslSession.fromPem, "pem", texts.session12, texts.session13 },
  { scissl.OSSslSession.fromDer, "der", bytes.session12, bytes.session13 },
  { function(text) return scissl.SciSslPkcs12.parse(text, "secret") end, "der", bytes.pkcs12 },
  { scissl.SciSslOcsp.parse, "der", bytes.ocsp },
  { function(text) return scissl.SciSslOcsp.check(text, { certificate = own, issuer = ca }) end, "der", bytes.ocsp },
  { context "setOcspResponse", "der", bytes.ocsp },
  { context "addTrusted", "der", bytes.certificate },
  { context "addCrl", "der", bytes.crl },
  { context("usePkcs12", "secret"), "der", bytes.pkcs12 },
  { through_file(context "loadVerifyLocations"), "pem", texts.chain },
  { through_file(context "useCertificateChainFile"), "pem", texts.chain },
  { through_file(context "loadCrlFile"), "pem", texts.crl },
  { function(text) return scissl.SciSslClientHello.fromRecords(text) end, "bytes", hello, samples.hello "TLSv1.3" },
  { server_says, "bytes", "HTTP/1.0 400 Bad Request\r\n\r\n", "\21\3\3\0\2\2\40", "\22\3\3\0\4\14\0\0\0", hello },
  { redis, "bytes", "$5\r\nhello\r\n+OK\r\n:12\r\n", "-ERR no\r\n$-1\r\n", "*2\r\n$1\r\na\r\n$1\r\nb\r\n" },
  { through_proxy, "bytes", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", "HTTP/1.1 407 no\r\n\r\n" },
  { function(text) return require "scissl.client.proxy".read(text, 1) end, "bytes", "http://u:p%41@127.0.0.1:80",
    "https://[::1]:1/" },
  { function(text) return scissl.unseal(secret, text, "p") end, "bytes", scissl.seal(secret, "some text", "p") },
  { with_socket(function(socket, text)
    socket:sslSetDane "localhost"
    return socket:sslAddTlsa(3, 1, #text % 3, text)
  end), "bytes", ("x"):rep(32), bytes.own },
  { context "setCipherList", "bytes", "ECDHE+AESGCM:!aNULL:@STRENGTH", "ALL:-RC4:+AES:@SECLEVEL=1" },
  { context "setCiphersuites", "bytes", "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256" },
  { context "setGroups", "bytes", "X25519:P-256" },
  { context "setSignatureAlgorithms", "bytes", "ecdsa_secp256r1_sha256:RSA-PSS+SHA256" },
  { context("setCommand", "-SessionTicket,ServerPreference"), "bytes", "Options", "MinProtocol" },
  { context "setVerifyEmail", "bytes", "a@example.com" },
  { context "setVerifyIp", "bytes", "127.0.0.1", "2001:db8::1", "fe80::1%lo" },
  { function(text) return context "setVerifyHosts" { text } end, "bytes", "*.example.com", "xn--bcher-kva.example" },
  { function(text) return context "setAcceptedIssuers" { text } end, "bytes", "CN=a,O=b+OU=\\#c" },
  { function(text) return own:matchesHost(text) end, "bytes", "localhost", "www.example.com." },
  { function(text) return own:matchesIp(text) end, "bytes", "127.0.0.1", "::ffff:127.0.0.1", "[::1]" },
  { with_socket(function(socket, text) return socket:sslSetVerifyHost(text) end), "bytes", "localhost", "[::1]" },
  { with_socket(function(socket, text) return socket:sslSetServerName(text) end), "bytes", "localhost" },
  { subject, "bytes", "CN=a,O=b\\,c+OU=\\41\\C3\\A4", "1.2.3=#0403616263" },
  { name, "bytes", "www.example.com", "192.0.2.1", "mailto:a@b", "https://a/b", "::1" },
  { scissl.explain, "bytes", "handshake_failure", "SSL_ERROR_WANT_READ" },
}

-- ---- changes

local function flip(random, text)
  local at = random:between(1, #text)
  return text:sub(1, at - 1) .. string.char(text:byte(at) ~ (1 << random:below(8))) .. text:sub(at + 1)
end

local byte_changes = {
  flip,
  function(random, text) return text:sub(1, random:below(#text + 1)) end,
  function(random, text)
    local at = random:below(#text + 1)
    return text:sub(1, at) .. random:bytes(random:pick { 1, 2, 8 }) .. text:sub(at + 1)
  end,
  function(random, text) -- a piece away, or twice, or as long as nobody expects
    local from = random:between(1, #text)
    local upto = random:between(from, math.min(#text, from + random:pick { 1, 20, 1000 }))
    local times = random:pick { 0, 2, 2, 10000 // (upto - from + 1) }
    return text:sub(1, from - 1) .. text:sub(from, upto):rep(times) .. text:sub(upto + 1)
  end,
  function(random, text)
    local at = random:between(1, #text)
    return text:sub(1, at - 1) .. random:pick { "\0", "\255", "\r\n", "\127\255\255\255", "%", ":", "=", "\\" }
      .. text:sub(at + 1)
  end,
}

local function change_bytes(random, text)
  for _ = 1, random:pick { 1, 1, 2, 4 } do
    if text ~= "" then text = random:pick(byte_changes)(random, text) end
  end
  return text
end

local function change_tree(random, text)
  local tree = der.parse(text)
  if not tree or random:chance(4) then return change_bytes(random, text) end
  der.mutate(random, tree)
  return der.encode(tree)
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local values = {}
for i = 1, #LETTERS do values[LETTERS:sub(i, i)] = i - 1 end

local function from_base64(text)
  return (text:gsub("[^%w+/]", ""):gsub("..?.?.?", function(four)
    local bits = 0
    for i = 1, 4 do bits = bits << 6 | (values[four:sub(i, i)] or 0) end
    return (">I3"):pack(bits):sub(1, #four - 1)
  end))
end

local function to_base64(text)
  local letters = text:gsub("..?.?", function(three)
    local bits = (">I3"):unpack(three .. ("\0"):rep(3 - #three))
    local four = {}
    for i = 0, #three do
      local at = (bits >> (18 - 6 * i) & 63) + 1
      four[i + 1] = LETTERS:sub(at, at)
    end
    return table.concat(four) .. ("="):rep(3 - #three)
  end)
  return (letters:gsub(("."):rep(64), "%0\n")) .. "\n"
end

-- The body of one of the blocks, as DER.
local function change_pem(random, text)
  if random:chance(2) then return change_bytes(random, text) end
  return (text:gsub("(%-%-%-%-%-\n)([%w+/=\n]+)(%-%-%-%-%-END)", function(before, body, after)
    if random:chance(2) then return nil end
    return before .. to_base64(change_tree(random, from_base64(body))):gsub("\n\n$", "\n") .. after
  end))
end

local changes = { pem = change_pem, der = change_tree, bytes = change_bytes }

-- ---- a run

local function check(err)
  assert(scissl.isSslError(err), "a failure that is no SciSslError: " .. tostring(err))
  assert(#err:condition() > 0 and #err:errorHint() > 0, "a failure without a condition or a hint")
end

-- Only what the caller does wrong may be raised: a text with a NUL byte, a name that cannot be one.
local function call(f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then
    if results[2] == nil and results[3] ~= nil and type(results[3]) ~= "string" then check(results[3]) end
    return results[2]
  end
  if tostring(results[2]):find "lua/scissl/[%w_/]+%.lua:%d+: attempt to" then error(results[2], 0) end
end

-- The system's trust store has nothing of what was parsed, and reading it takes 50 times as long as all the rest.
local unused = { close = true, useDefaultTrust = true }

local function use(object)
  if type(object) ~= "userdata" then return end
  for method, f in pairs(debug.getmetatable(object).__index) do
    if not unused[method] then call(f, object) end
  end
  call(tostring, object)
end

return function(random, log)
  local which = random:between(1, #parsers)
  local parser = parsers[which]
  local good = parser[random:between(3, #parser)]
  for _ = 1, 20 do
    local changed = changes[parser[2]](random, good)
    log("parser %d: %q", which, #changed < 5000 and changed or #changed)
    use(call(parser[1], changed))
  end
end
