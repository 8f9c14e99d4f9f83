-- What a client's hello says, and the fingerprints that are made of it.
local scissl = require "scissl"
local ends = require "spec.support.ends"

local Hello = scissl.SciSslClientHello

local function list16(numbers)
  local parts = {}
  for i, number in ipairs(numbers) do parts[i] = string.pack(">I2", number) end
  return table.concat(parts)
end

local function extension(kind, data) return string.pack(">I2s2", kind, data) end

-- The message of a hello with these cipher suites and extensions, whole.
local function message(ciphers, extensions, session)
  local body = string.pack(">I2", 0x303) .. ("R"):rep(32)
    .. string.pack(">s1s2s1", session or "", list16(ciphers), "\0")
    .. (extensions and string.pack(">s2", table.concat(extensions)) or "")
  return string.pack(">I4", 1 << 24 | #body) .. body
end

-- The same in records of `size` bytes at the most.
local function records(bytes, size)
  local parts = {}
  for i = 1, #bytes, size or 16384 do
    parts[#parts + 1] = "\22\3\1" .. string.pack(">s2", bytes:sub(i, i + (size or 16384) - 1))
  end
  return table.concat(parts)
end

local server_name = extension(0, string.pack(">s2", string.pack(">Bs2", 0, "example.org")))
local alpn = extension(16, string.pack(">s2", string.pack("s1s1", "h2", "http/1.1")))

-- A browser's hello, whose fingerprint is the example in JA4's description.
local function browser()
  local ciphers = {
    0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
    0x002f, 0x0035,
  }
  local extensions = {
    extension(0x2a2a, ""), server_name, extension(0x0017, ""), extension(0xff01, "\0"),
    extension(0x000a, string.pack(">s2", list16 { 0x3a3a, 29, 23, 24 })),
    extension(0x000b, string.pack("s1", "\0")), extension(0x0023, ""), alpn, extension(0x0005, "\1\0\0\0\0"),
    extension(0x000d, string.pack(">s2", list16 {
      0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
    })),
    extension(0x0012, ""), extension(0x0033, string.pack(">s2", string.pack(">I2s2", 29, ("k"):rep(32)))),
    extension(0x002d, "\1\1"), extension(0x002b, string.pack(">s1", list16 { 0x4a4a, 0x0304, 0x0303 })),
    extension(0x001b, "\2\0\2"), extension(0x4469, "\0\3\2h2"), extension(0x5a5a, "\0"), extension(0x0015, "\0"),
  }
  return message(ciphers, extensions, ("S"):rep(32))
end

describe("SciSslClientHello", function()
  local hello = assert(Hello.fromRecords(records(browser())))

  it("answers the server name", function() assert.are.equal("example.org", hello:serverName()) end)
  it("answers the protocols", function() assert.are.same({ "h2", "http/1.1" }, hello:alpn()) end)
  it("answers the versions", function()
    assert.are.same({ "GREASE", "TLSv1.3", "TLSv1.2" }, hello:versions())
  end)
  it("answers the cipher suites by name and number", function()
    assert.are.equal("GREASE", hello:cipherSuites()[1])
    assert.are.equal("TLS_AES_128_GCM_SHA256", hello:cipherSuites()[2])
    assert.are.equal("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", hello:cipherSuites()[6])
    assert.are.equal(0xc02f, hello:cipherSuiteIds()[6])
    assert.are.equal(16, #hello:cipherSuiteIds())
  end)
  it("answers the groups, and those with a key", function()
    assert.are.same({ "GREASE", "x25519", "secp256r1", "secp384r1" }, hello:groups())
    assert.are.same({ "x25519" }, hello:keyShares())
  end)
  it("answers the signature algorithms", function()
    assert.are.same({
      "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256", "rsa_pkcs1_sha256", "ecdsa_secp384r1_sha384",
      "rsa_pss_rsae_sha384", "rsa_pkcs1_sha384", "rsa_pss_rsae_sha512", "rsa_pkcs1_sha512",
    }, hello:signatureAlgorithms())
  end)
  it("answers session id, random and compression methods", function()
    assert.are.equal(("S"):rep(32), hello:sessionId())
    assert.are.equal(("R"):rep(32), hello:random())
    assert.are.same({ 0 }, hello:compressionMethods())
  end)
  it("answers the extensions in their order, those that nobody knows among them", function()
    local extensions = hello:extensions()
    assert.are.equal(18, #extensions)
    assert.are.same({ type = 0x2a2a, data = "" }, extensions[1])
    assert.are.same({ type = 0x4469, data = "\0\3\2h2" }, extensions[16])
    assert.are.equal("\1\1", hello:extension(0x2d))
    assert.is_nil(hello:extension(999))
  end)
  it("gives copies away", function()
    hello:extensions()[1].data = "changed"
    hello:cipherSuiteIds()[1] = 0
    assert.are.equal("", hello:extensions()[1].data)
    assert.are.equal(0x1a1a, hello:cipherSuiteIds()[1])
  end)
  it("tells early data and pre-shared keys", function()
    assert.is_false(hello:offersEarlyData())
    assert.is_false(hello:offersPreSharedKey())
    local other = assert(Hello.fromRecords(records(message({ 1 }, { extension(42, ""), extension(41, "x") }))))
    assert.is_true(other:offersEarlyData())
    assert.is_true(other:offersPreSharedKey())
  end)
  it("makes the fingerprint JA3, without what changes from connection to connection", function()
    local text = "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
      .. "0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513-21,29-23-24,0"
    assert.are.equal(text, hello:ja3Text())
    assert.are.equal(32, #hello:ja3())
    assert.truthy(hello:ja3():find "^%x+$")
  end)
  it("makes the fingerprint JA4", function()
    assert.are.equal("t13d1516h2_8daaf6152771_e5627efa2ab1", hello:ja4())
  end)
  it("knows DTLS 1.3, which a client may offer beside the versions of OpenSSL", function()
    local versions = extension(0x002b, string.pack(">s1", list16 { 0xfefc, 0xfefd }))
    local body = "\254\253" .. ("R"):rep(32) .. string.pack(">s1s1s2s1", "", "", list16 { 0x1301 }, "\0")
      .. string.pack(">s2", server_name .. versions)
    local whole = string.pack(">B I3 I2 I3 I3", 1, #body, 0, 0, #body) .. body
    local offer = assert(Hello.fromRecords(string.pack(">B c2 I2 I6 s2", 22, "\254\255", 0, 0, whole)))
    assert.are.same({ "DTLSv1.3", "DTLSv1.2" }, offer:versions())
    assert.matches("^dd3d010200_", offer:ja4())
  end)
  it("prints host, versions and fingerprint", function()
    assert.are.equal("SciSslClientHello: example.org, GREASE TLSv1.3 TLSv1.2, t13d1516h2_8daaf6152771_e5627efa2ab1",
      tostring(hello))
  end)

  it("reads a hello that comes in many records", function()
    for _, size in ipairs { 1, 3, 100 } do
      assert.are.equal(hello:ja4(), assert(Hello.fromRecords(records(browser(), size))):ja4())
    end
  end)

  it("reads a hello without extensions", function()
    local old = assert(Hello.fromRecords(records(message { 0x2f, 0x1234 })))
    assert.are.same({}, old:extensions())
    assert.is_nil(old:serverName())
    assert.are.same({ "TLSv1.2" }, old:versions())
    assert.are.same({ "TLS_RSA_WITH_AES_128_CBC_SHA", "0x1234" }, old:cipherSuites())
    assert.are.equal("771,47-4660,,,", old:ja3Text())
    assert.truthy(old:ja4():find "^t12i020000_%x+_000000000000$")
  end)

  it("reads what follows the hello as no part of it", function()
    local first = assert(Hello.fromRecords(records(browser()) .. records(browser()) .. "\23\3\3\0\1x"))
    assert.are.equal(18, #first:extensions())
  end)

  it("answers malformed_hello for every hello that is cut off", function()
    local whole = records(browser())
    for length = 0, #whole - 1 do
      local ok, err = Hello.fromRecords(whole:sub(1, length))
      assert.is_nil(ok)
      assert.are.equal("malformed_hello", err:condition())
    end
  end)

  it("answers something or malformed_hello, and never raises, whatever bit is flipped #slow", function()
    local whole = records(browser())
    local methods = {
      "serverName", "alpn", "versions", "cipherSuites", "groups", "keyShares", "signatureAlgorithms", "extensions",
      "ja3", "ja4",
    }
    for position = 1, #whole do
      for bit = 0, 7 do
        local flipped = whole:sub(1, position - 1) .. string.char(whole:byte(position) ~ 1 << bit)
          .. whole:sub(position + 1)
        local one, err = Hello.fromRecords(flipped)
        if one then
          for _, method in ipairs(methods) do one[method](one) end
          tostring(one)
        else assert.are.equal("malformed_hello", err:condition()) end
      end
    end
  end)

  it("answers malformed_hello for bytes that are none", function()
    for _, bytes in ipairs { "", "GET / HTTP/1.0\r\n\r\n", ("\0"):rep(100), "\22\3\1\0\4\2\0\0\0", "\22\3\1\0\0" } do
      local ok, err = Hello.fromRecords(bytes)
      assert.is_nil(ok)
      assert.are.equal("malformed_hello", err:condition())
    end
  end)

  it("says GREASE for versions that are nothing else", function()
    local odd = assert(Hello.fromRecords(records(message({ 0x0a0a }, {
      extension(43, string.pack(">s1", list16 { 0x0a0a })),
    }))))
    assert.are.same({ "GREASE" }, odd:versions())
    assert.truthy(odd:ja4():find "^t12i")
  end)
end)

describe("The hello of a connection", function()
  it("is the one that the foreign client sent", function()
    local listener, port = ends.listener()
    local _ <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -servername other.example "
      .. "-alpn h2,http/1.1 -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256 "
      .. "-groups P-384:X25519"):format(port))
    assert(listener:wait("r", 30))
    local server = assert(scissl.SciSslSocket.on(listener:accept(), ends.serverContext()))
    server:sslInitialize()
    server:sslSuspendAt "clientHello"
    assert.are.equal(-scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB, server:sslAccept())
    local hello = assert(server:clientHello())
    assert.are.equal("other.example", hello:serverName())
    assert.are.same({ "h2", "http/1.1" }, hello:alpn())
    assert.are.same({ "TLSv1.3" }, hello:versions())
    assert.are.same({ "secp384r1", "x25519" }, hello:groups())
    assert.are.equal("TLS_CHACHA20_POLY1305_SHA256", hello:cipherSuites()[1])
    assert.truthy(hello:ja4():find(("^t13d%02d%%d%%dh2_"):format(#hello:cipherSuites())))
    server:close()
    listener:close()
  end)

  it("of ours offers OpenSSL's own groups in its order, and no others, unless told otherwise", function()
    local function hello_of(begin, server)
      server:sslInitialize()
      server:sslSuspendAt "clientHello"
      local answer
      repeat
        begin()
        answer = server:sslAccept()
      until not ends.notYet(server, answer)
      return assert(server:clientHello())
    end
    local listener, port = ends.listener()
    local foreign <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d"):format(port))
    assert.truthy(foreign)
    assert(listener:wait("r", 30))
    local accepted = assert(listener:accept())
    accepted:setBlocking(true)
    local theirs = assert(scissl.SciSslSocket.on(accepted, ends.serverContext()))
    local near, far = ends.pair { transport = "memory" }
    local groups = hello_of(function() end, theirs):groups()
    local ours = hello_of(function()
      near:sslConnect()
      ends.shuttle(near, far)
    end, far):groups()
    assert.is_true(#groups > 3)
    assert.are.same(groups, ours)
    theirs:close()
    near:close()
    far:close()
    listener:close()
  end)
end)

describe("scissl.digest", function()
  local function hex(bytes) return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

  it("computes digests", function()
    assert.are.equal("900150983cd24fb0d6963f7d28e17f72", hex(scissl.digest("MD5", "abc")))
    assert.are.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      hex(scissl.digest("SHA256", "abc")))
    assert.are.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      hex(scissl.digest("SHA256", "")))
  end)

  it("answers unknown_digest for others", function()
    for _, name in ipairs { "", "nonsense" } do
      local ok, err = scissl.digest(name, "abc")
      assert.is_nil(ok)
      assert.are.equal("unknown_digest", err:condition())
    end
    assert.error_matches(function() scissl.digest("MD5\0", "abc") end, "bad argument #1 to 'digest'")
    assert.error_matches(function() scissl.digest "MD5" end, "bad argument #2 to 'digest'")
  end)
end)

describe("SciSslCipher.known", function()
  it("answers the suites of all versions, allowed or not", function()
    local names = {}
    for _, cipher in ipairs(assert(scissl.SciSslCipher.known())) do names[cipher:standardName()] = true end
    assert.is_true(names.TLS_AES_128_GCM_SHA256)
    assert.is_true(names.TLS_AES_128_CCM_8_SHA256)
    assert.is_true(names.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
    assert.is_true(names.TLS_RSA_WITH_NULL_SHA256)
  end)
end)
