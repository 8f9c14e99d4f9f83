-- examples/report.lua: what it says of servers of each kind.
local ends = require "spec.support.ends"
local examples = require "spec.support.examples"
local pki = require "spec.support.pki"
local texts = require "spec.support.texts"

local function report(port, ...)
  return examples.run("report.lua", "localhost", port, "--ca", pki.ca.certificateFile, "--timeout", "30", ...)
end

-- A server of ours in a process of its own, whose standard output nobody has to read. `options`: Lua text, fields of
-- scissl.listen.
local function serve(options, identity)
  identity = identity or pki.server
  return ends.lua(([[
local scissl = require "scissl"
local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q, %s })
print("ready " .. select(2, listener:getSockName()))
io.stdout:flush()
while true do
  local stream = listener:accept()
  if stream then
    stream:read "l"
    stream:close()
  end
end
]]):format(identity.certificateFile, identity.keyFile, options or ""), "^ready (%d+)")
end

-- openssl s_server, for reports that need few connections: it tells each to a pipe that nobody reads.
local function openssl(arguments)
  return ends.openssl(("-cert %s -key %s %s"):format(pki.server.certificateFile, pki.server.keyFile, arguments))
end

local function fits(text)
  for line in text:gmatch "[^\n]*" do
    assert.is_true(utf8.len(line) <= 80, line)
    assert.is_nil(line:find "[%c\127]", line)
  end
end

describe("examples/report.lua #slow", function()
  it("tells whether a server accepts hidden names, and what was hidden", function()
    local scissl = require "scissl"
    if not scissl.features.ECH then
      local server <close> = serve()
      local text = report(server.port)
      assert.is_nil(text:find("Encrypted Client Hello", 1, true))
      return
    end
    local key, configs = scissl.SciSslContext.newEchKey { publicName = "localhost" }
    local server <close> = serve(("echKeys = { %q }"):format(key))
    local list = getmetatable(require "scissl.core").base64(configs)
    local text, code = report(server.port, "--ech", list)
    assert.are.equal(0, code, text)
    texts.has(text, "hidden names accepts Encrypted Client Hello")
    texts.has(text, "this connection ECH success: hidden localhost, in plain text localhost")
    local plain <close> = serve()
    texts.has(report(plain.port), "hidden names no Encrypted Client Hello")
    text, code = report(plain.port, "--ech", list)
    assert.are.equal(0, code, text)
    texts.has(text, "given ECH keys rejected: this connection shows the name in plain text")
    local _, old = scissl.SciSslContext.newEchKey { publicName = "localhost" }
    text, code = report(server.port, "--ech", getmetatable(require "scissl.core").base64(old))
    assert.are.equal(0, code, text)
    texts.has(text, "given ECH keys outdated: the server has named others")
    texts.has(text, "this connection ECH success: hidden localhost, in plain text localhost")
  end)

  it("tells all about a server that can be trusted", function()
    local server <close> = serve [[alpn = { "http/1.1" }]]
    local text, code = report(server.port)
    assert.are.equal(0, code, text)
    texts.has(text, "TRUSTED")
    assert.is_nil(text:find "NOT TRUSTED")
    texts.has(text, "the certificate is for localhost")
    texts.has(text, "negotiated TLS 1.3, TLS_AES_256_GCM_SHA384")
    local group = text:match "key exchange%s+(%S+)"
    assert.are.equal(require "scissl".features.X25519MLKEM768, group == "X25519MLKEM768")
    texts.has(text, ("key exchange %s (it accepts %s, "):format(group, group))
    texts.has(text, "x25519, secp256r1")
    texts.has(text, "signed with ecdsa_secp256r1_sha256")
    texts.has(text, "ALPN http/1.1")
    texts.has(text, "OCSP no response is stapled")
    texts.has(text, "resumes TLS 1.2 yes")
    texts.has(text, "resumes TLS 1.3 yes")
    texts.has(text, "1 CN=localhost for localhost, 127.0.0.1, ::1 signed by CN=scissl test authority")
    assert.truthy(text:find "valid +%d%d%d%d%-%d%d%-%d%d to %d%d%d%d%-%d%d%-%d%d, %d+ days left")
    texts.has(text, "TLS 1.0 no")
    texts.has(text, "TLS_CHACHA20_POLY1305_SHA256")
    texts.has(text, "ECDHE-ECDSA-AES256-GCM-SHA384")
    fits(text)
  end)

  it("says why a server cannot be trusted, and looks further all the same", function()
    local reasons = {
      { pki.expired, "has expired", ", expired " },
      { pki.wrongHost, "is for another host name", "for elsewhere.example, 192.0.2.1" },
      { pki.strangeServer, "No trusted CA signed", "signed by CN=another authority" },
      { pki.selfSigned, "is self-signed", "signed by itself" },
    }
    for _, reason in ipairs(reasons) do
      local server <close> = serve([[version = "TLSv1.3"]], reason[1])
      local text, code = report(server.port)
      assert.are.equal(1, code, text)
      texts.has(text, "NOT TRUSTED")
      texts.has(text, reason[2])
      texts.has(text, reason[3])
      texts.has(text, "negotiated TLS 1.3")
      fits(text)
    end
  end)

  it("works with a server of TLS 1.2 alone, and names its order and what it lacks", function()
    local server <close> = openssl("-tls1_2 -serverpref "
      .. "-cipher ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    local text, code = report(server.port)
    assert.are.equal(0, code, text)
    texts.has(text, "TLS 1.2 2 ciphers, in the server's order "
      .. "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384")
    texts.has(text, "TLS 1.3 no")
    texts.has(text, "It does not accept TLS 1.3.")
  end)

  it("names what is out of date: protocols, and ciphers without forward secrecy #slow", function()
    local rsa = pki.issue { subject = "CN=localhost", names = { "localhost" },
      key = require "scissl".SciSslPrivateKey.generate "RSA" }
    local server <close> = serve([[cipherList = "ALL", securityLevel = 0, minProtocol = "TLSv1"]], rsa)
    local text, code = report(server.port)
    assert.are.equal(0, code, text)
    texts.has(text, "It still accepts TLS 1.0")
    texts.has(text, "It still accepts TLS 1.1")
    texts.has(text, "In TLS 1.2, ciphers without forward secrecy: ")
    texts.has(text, "In TLS 1.2, ciphers without authentication: ")
  end)

  it("asks for the host by name (SNI)", function()
    local server <close> = serve(
      [[onClientHello = function(_, hello) return hello:serverName() == "localhost", "unrecognized_name" end]])
    local text, code = report(server.port)
    assert.are.equal(0, code, text)
    local refused
    refused, code = examples.run("report.lua", "127.0.0.1", server.port, "--ca", pki.ca.certificateFile)
    assert.are.equal(2, code, refused)
    texts.has(refused, "NO CONNECTION")
    texts.has(refused, "server name (SNI)")
  end)

  it("says who asks for client certificates, and shows the chain even where it gets no further", function()
    local server <close> = serve(("version = 'TLSv1.2', caFile = %q"):format(pki.ca.certificateFile))
    local text, code = report(server.port)
    assert.are.equal(2, code, text)
    texts.has(text, "client's cert. requested, signed by CN=scissl test authority")
    texts.has(text, "1 CN=localhost")
  end)

  it("says that nobody listens, that it is no TLS, or that there is no such host", function()
    local listener, port = ends.listener()
    listener:close()
    local text, code = report(port)
    assert.are.equal(2, code)
    texts.has(text, "NO CONNECTION")
    texts.has(text, "o server listens there")
    text, code = examples.run("report.lua", "no-such-host.invalid", "443", "--timeout", "5")
    assert.are.equal(2, code)
    texts.has(text, "no-such-host.invalid")
    local plain <close> = ends.lua([[
local listener = assert(require "scissl".SciSocket.newStreamSocket())
assert(assert(listener:bind("127.0.0.1", 0)):listen())
print("ready " .. select(2, listener:getSockName()))
io.stdout:flush()
while true do
  local socket = assert(listener:accept())
  socket:send "HTTP/1.0 400 Bad Request\r\n\r\n"
  socket:close()
end
]], "^ready (%d+)")
    text, code = report(plain.port)
    assert.are.equal(2, code, text)
    texts.has(text, "NO CONNECTION")
  end)

  it("answers programs in JSON", function()
    local server <close> = serve()
    local text, code = report(server.port, "--json")
    assert.are.equal(0, code, text)
    texts.has(text, '"trusted": true')
    texts.has(text, '"host": "localhost"')
    texts.has(text, '"names": [ "localhost", "127.0.0.1", "::1" ]')
    texts.has(text, '"resumed": true')
    if ends.has "python3" then
      local parsed = ends.start("python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[\"version\"])' "
        .. pki.write(text))
      assert.are.equal("TLSv1.3\n", (parsed:finish()))
    end
  end)

  it("lets no server play with the terminal, or break the JSON", function()
    local evil = pki.issue { subject = [[CN=\1B]0\;evil\07\"]], names = { "localhost" } }
    local server <close> = serve([[version = "TLSv1.3"]], evil)
    local text = report(server.port)
    fits(text)
    texts.has(text, "evil")
    assert.is_nil(report(server.port, "--json"):find "[\0-\9\11-\31]")
  end)

  it("takes HOST:PORT, and an IPv6 address in brackets", function()
    local server <close> = serve [[version = "TLSv1.3"]]
    for _, host in ipairs { "localhost", "127.0.0.1" } do
      local text, code = examples.run("report.lua", host .. ":" .. server.port, "--ca", pki.ca.certificateFile)
      assert.are.equal(0, code, text)
      texts.has(text, "TRUSTED")
    end
    local listener, port = ends.listener()
    listener:close()
    for _, host in ipairs { "[::1]:" .. port, "[::1]", "::1" } do
      local text, code = examples.run("report.lua", host, host:find("]:", 1, true) and "--json" or port, "--json")
      assert.are.equal(2, code, text)
      texts.has(text, '"host": "::1"')
      texts.has(text, ('"port": %d'):format(port))
    end
  end)

  it("refuses arguments that it does not know", function()
    local unknown = { {}, { "--jsno", "localhost" }, { "a", "1", "b" }, { "a", "--timeout", "0" }, { "a:1", "2" },
      { "[::1]443" }, { "[::1]:" } }
    for _, arguments in ipairs(unknown) do
      local output, code = examples.run("report.lua", table.unpack(arguments))
      assert.are.equal(2, code)
      texts.has(output, "usage:")
    end
  end)
end)
