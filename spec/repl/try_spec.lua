-- scissl.try(): a server and a client to play with, whose bytes move by themselves.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local texts = require "spec.support.texts"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

-- Repeats both calls until neither says "not yet".
local function shake(c, s)
  local client_answer, server_answer
  for _ = 1, 40 do
    client_answer, server_answer = c:sslConnect(), s:sslAccept()
    if not (ends.notYet(c, client_answer) or ends.notYet(s, server_answer)) then break end
  end
  return client_answer, server_answer
end

local function names(said, from)
  local list = {}
  for _, message in ipairs(said) do
    if message.from == from then list[#list + 1] = message.name end
  end
  return list
end

local function words_of(said, name)
  for _, message in ipairs(said) do
    if message.name == name then return message.words end
  end
end

describe("scissl.try()", function()
  for _, version in ipairs(VERSIONS) do
    it("hands over two ends whose bytes move by themselves, " .. version, function()
      local c, s = scissl.try { version = version }
      local answer = c:sslConnect()
      assert.is_true(answer < 0)
      assert.are.equal(scissl.SSL_ERROR_WANT_READ, c:sslGetError(-1))
      assert.is_true(s:sslAccept() < 0)
      assert.are.same({ 1, 1 }, { shake(c, s) })
      assert.are.equal(version, c:version())
      assert.are.equal(scissl.X509_V_OK, (c:sslVerifyCertificate()))
      assert.are.equal(5, c:sslWrite "hello")
      assert.are.equal("hello", s:sslRead())
      assert.are.equal(4, s:sslWrite "well")
      assert.are.equal("well", c:sslRead())
      assert.is_true(c:close())
      assert.are.equal(0, s:sslRead())
      assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, s:sslGetError(0))
      assert.is_true(s:close())
    end)

    it("resumes with the pieces and the session of an earlier one, " .. version, function()
      local c, s, pieces = scissl.try { version = version }
      shake(c, s)
      s:sslWrite "tickets come along"
      c:sslRead()
      local again, server = scissl.try { pieces = pieces, session = c:getSession() }
      assert.are.same({ 1, 1 }, { shake(again, server) })
      assert.is_true(again:isSessionReused())
      texts.has(words_of(again:said(), "ClientHello"), "offers to resume a session")
      texts.has(words_of(again:said(), "ServerHello"), "resumes the session")
      assert.is_nil(words_of(again:said(), "Certificate"))
    end)

    it("has a client certificate where it is asked for one, " .. version, function()
      local c, s, pieces = scissl.try { version = version, clientCertificate = true }
      assert.are.same({ 1, 1 }, { shake(c, s) })
      assert.are.equal(pieces.clientCertificate, s:peerCertificate())
    end)

    it("shows what a server says to a client without a certificate, " .. version, function()
      local c, s = scissl.try { version = version, clientCertificate = false }
      local _, refusal = shake(c, s)
      assert.are.equal("client_certificate_missing", refusal:condition())
      local alert = version == "TLSv1.3" and "certificate_required" or "handshake_failure"
      texts.has(words_of(c:said(), alert), "certificate")
      local own
      for _, message in ipairs(c:said()) do
        if message.from == "client" and message.name == "Certificate" then own = message.words end
      end
      texts.has(own, "none")
    end)
  end

  it("gives each failing certificate its own failure", function()
    local conditions = { expired = "certificate_expired", wrongHost = "certificate_wrong_host",
      selfSigned = "certificate_self_signed" }
    for kind, condition in pairs(conditions) do
      local c, s = scissl.try { certificate = kind }
      assert.are.equal(condition, (shake(c, s)):condition())
    end
    local c, s = scissl.try { trust = false }
    assert.are.equal("certificate_unknown_issuer", (shake(c, s)):condition())
    c, s = scissl.try { trust = false, verify = false }
    assert.are.same({ 1, 1 }, { shake(c, s) })
  end)

  it("agrees on a protocol, and takes further fields of each side's configuration", function()
    local c, s = scissl.try { version = "TLSv1.2", alpn = { "h2", "http/1.1" },
      client = { cipherList = "ECDHE-ECDSA-AES128-GCM-SHA256" } }
    shake(c, s)
    assert.are.same({ "h2", "ECDHE-ECDSA-AES128-GCM-SHA256" }, { s:alpnProtocol(), s:cipher():name() })
  end)

  it("names what it is made of", function()
    local _, _, pieces = scissl.try()
    assert.are.equal(
      "SciSslTryPieces: ca, caKey, clientContext, serverCertificate, serverContext, serverKey", tostring(pieces))
    assert.is_true(pieces.serverCertificate:matchesHost "localhost")
  end)

  it("shows its ends as what they are, and hands out the sockets within", function()
    local c, s = scissl.try { version = "TLSv1.3" }
    assert.are.equal("SciSslSocket: initialized", tostring(c))
    shake(c, s)
    assert.truthy(tostring(s):find("SciSslSocket: server, TLSv1.3", 1, true))
    assert.are.equal(scissl.SciSslSocket, getmetatable(c:socket()).__index)
  end)

  it("answers the end, and not the socket within, where a method answers its receiver", function()
    local c = scissl.try()
    assert.are.equal(c, c:sslSetServerName "localhost")
  end)

  it("has nothing where the class has nothing", function()
    local c = scissl.try()
    assert.is_nil(c.sslConect)
  end)

  it("can be started anew on the same ends", function()
    local c, s = scissl.try()
    shake(c, s)
    for _ = 1, 3 do
      c:sslShutdown()
      s:sslShutdown()
    end
    assert(c:sslInitialize())
    assert(s:sslInitialize())
    assert.are.same({ 1, 1 }, { shake(c, s) })
  end)

  it("closes its ends when they go out of scope", function()
    local keep
    do
      local c <close>, s = scissl.try()
      shake(c, s)
      keep = s
    end
    assert.are.equal(0, keep:sslRead())
  end)

  it("refuses options by name, with the nearest known one", function()
    local function refused(words, given)
      local good, raised = pcall(scissl.try, given)
      assert.is_false(good)
      texts.has(raised, words)
    end
    refused("unknown option 'versoin' to 'scissl.try' (did you mean 'version'?)", { versoin = "TLSv1.2" })
    refused("'good', 'expired', 'wrongHost' or 'selfSigned' expected, got 'bad'", { certificate = "bad" })
    refused("'flight' or 'message' expected", { step = "byte" })
    refused("did you mean 'cipherList'?", { client = { cipherLits = "ALL" } })
    local _, _, pieces = scissl.try()
    refused("options 'pieces' and 'version' to 'scissl.try' exclude each other", { pieces = pieces, version = "TLS" })
  end)

  it("tells who forgets the colon", function()
    local c = scissl.try()
    local good, raised = pcall(c.sslConnect)
    assert.is_false(good)
    texts.has(raised, "call it with a colon: c:sslConnect()")
  end)
end)

describe("The trace of scissl.try()", function()
  local expected = {
    ["TLSv1.2"] = {
      client = { "ClientHello", "ClientKeyExchange", "ChangeCipherSpec", "Finished", "data", "close_notify" },
      server = { "ServerHello", "Certificate", "ServerKeyExchange", "ServerHelloDone", "NewSessionTicket",
        "ChangeCipherSpec", "Finished" },
    },
    ["TLSv1.3"] = {
      client = { "ClientHello", "ChangeCipherSpec", "Finished", "data", "close_notify" },
      server = { "ServerHello", "ChangeCipherSpec", "EncryptedExtensions", "Certificate", "CertificateVerify",
        "Finished", "NewSessionTicket", "NewSessionTicket" },
    },
  }

  for _, version in ipairs(VERSIONS) do
    it("notes each message of each side in order, " .. version, function()
      local c, s = scissl.try { version = version }
      shake(c, s)
      c:sslWrite "hello"
      c:close()
      assert.are.same(expected[version], { client = names(c:said(), "client"), server = names(c:said(), "server") })
      assert.are.same(c:said(), s:said())
    end)

    it("says what the hellos hold, " .. version, function()
      local c, s = scissl.try { version = version, alpn = { "h2" } }
      shake(c, s)
      local client, server = words_of(c:said(), "ClientHello"), words_of(c:said(), "ServerHello")
      texts.has(client, version == "TLSv1.3" and "TLS 1.3, " or "TLS 1.2, ")
      texts.has(client, "SNI localhost")
      assert.truthy(client:find "%d+ suites")
      texts.has(client, "ALPN h2")
      texts.has(server, c:cipher():name())
      texts.has(words_of(c:said(), version == "TLSv1.3" and "EncryptedExtensions" or "ServerHello"), "ALPN h2")
      texts.has(words_of(c:said(), "Certificate"), "CN=localhost, signed by CN=throw-away CA, valid until 2")
      texts.has(version == "TLSv1.3" and server or words_of(c:said(), "ServerKeyExchange"),
        "key share for " .. c:negotiatedGroup())
    end)
  end

  it("tells a retry for another group from a ServerHello", function()
    local c, s = scissl.try { version = "TLSv1.3", client = { groups = "X25519:P-384" }, server = { groups = "P-384" } }
    shake(c, s)
    texts.has(words_of(c:said(), "ServerHello"), "a retry: it needs a key share for secp384r1")
  end)

  it("notes alerts, key updates and data with their words", function()
    local c, s = scissl.try { certificate = "expired" }
    shake(c, s)
    texts.has(words_of(c:said(), "certificate_expired"), "has expired")
    c, s = scissl.try { version = "TLSv1.3" }
    shake(c, s)
    c:sslKeyUpdate()
    c:sslWrite "\27[2J\n"
    texts.has(words_of(c:said(), "KeyUpdate"), "new keys")
    assert.are.equal('"\\x1b[2J\\n"', words_of(c:said(), "data"))
    c:sslWrite("hello world", 7, -1)
    assert.are.equal('"world"', c:said()[#c:said()].words)
  end)

  it("fits a terminal of 80 columns and has no control characters but its line ends", function()
    for _, version in ipairs(VERSIONS) do
      local c, s = scissl.try { version = version, alpn = { "h2", "evil\27]0;x\7" }, clientCertificate = true }
      shake(c, s)
      s:sslWrite(("x"):rep(500))
      c:close()
      for line in (c:traceText() .. "\n"):gmatch "(.-)\n" do
        assert.is_nil(line:find "[%c\127]", line)
        assert.is_true(utf8.len(line) <= 80, line)
      end
    end
  end)

  it("prints what is new, everything, or each message as it goes", function()
    local printed = {}
    local real = print
    _G.print = function(line) printed[#printed + 1] = line end
    local good, raised = pcall(function()
      local c, s = scissl.try { version = "TLSv1.3" }
      c:trace()
      texts.has(printed[1], "Nothing was sent yet")
      c:sslConnect()
      c:trace()
      texts.has(printed[2], "client → server")
      texts.has(printed[3], "ClientHello")
      local count = #printed
      c:trace()
      texts.has(printed[count + 1], "Nothing new")
      s:trace "all"
      texts.has(printed[count + 2], "client → server")
      c:trace(true)
      count = #printed
      s:sslAccept()
      texts.has(printed[count + 1], "client ← server")
      texts.has(printed[count + 2], "ServerHello")
      c:trace(false)
      count = #printed
      c:sslConnect()
      assert.are.equal(count, #printed)
      assert.error_matches(function() c:trace "some" end, "bad argument #1 to 'trace'")
    end)
    _G.print = real
    assert(good, raised)
  end)

  it("goes on one message at a time where it is told to", function()
    for _, version in ipairs(VERSIONS) do
      local c, s = scissl.try { version = version, step = "message" }
      c:sslConnect()
      s:sslAccept()
      local calls = 0
      repeat
        c:sslConnect()
        calls = calls + 1
        local said = c:said()
      until said[#said].from == "client" or calls > 40
      local flight = { ["TLSv1.2"] = 4, ["TLSv1.3"] = 6 }
      assert.are.equal(flight[version], calls)
      assert.are.same({ 1, 1 }, { shake(c, s) })
    end
  end)
end)

describe("lua5.4 -l scissl -i", function()
  -- What the interpreter prints when a person types these lines.
  local function typed(lines)
    local head, file = ends.luaCommand(lines):match "^(.*) ('[^']*')$"
    local pipe <close> = assert(io.popen(("%s -l scissl -i <%s 2>&1"):format(head, file)))
    return pipe:read "a"
  end

  it("lets a person watch a handshake", function()
    local shown = typed [[
c, s = scissl.try { version = "TLSv1.3" }
c:sslConnect()
c:sslGetError(-1) == scissl.SSL_ERROR_WANT_READ
s:sslAccept()
c:sslConnect()
s:sslAccept()
c
c:trace()
scissl.explain(c:sslVerifyCertificate())
]]
    texts.has(shown, "-2")
    texts.has(shown, "true")
    texts.has(shown, "SciSslSocket: client, TLSv1.3, TLS_AES_256_GCM_SHA384, peer CN=localhost verified")
    texts.has(shown, "ClientHello")
    texts.has(shown, "NewSessionTicket")
    texts.has(shown, "X509_V_OK (0)")
    assert.is_nil(shown:find("stdin:", 1, true), shown)
  end)
end)
