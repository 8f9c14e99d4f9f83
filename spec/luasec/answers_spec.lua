-- What LuaSec's functions answer, one by one: ours and the real ones are asked the same and must say the same.

local core = require "scissl.core"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

-- Parameters that LuaSec refuses, and how. Words in parentheses differ where OpenSSL has none of its own for LuaSec.
local refused = {
  { { protocol = "x" }, "invalid protocol (x)" },
  { { key = "/nonexistent" }, "error loading private key" },
  { { certificate = "/nonexistent" }, "error loading certificate" },
  { { cafile = "/nonexistent" }, "error loading CA locations" },
  { { ciphers = "x" }, "error setting cipher list (no cipher match)" },
  { { ciphersuites = "x" }, "error setting cipher list (no cipher match)" },
  { { verify = "x" }, "invalid verify option (x)" },
  { { verify = { "peer", "y" } }, "invalid verify option (y)" },
  { { verify = 3 }, "invalid verify option (3)" },
  { { options = "x" }, "invalid option (x)" },
  { { options = { "all", "y" } }, "invalid option (y)" },
  { { curve = "x" }, "elliptic curve 'x' not supported" },
  { { curveslist = "x" }, "unknown elliptic curve in \"x\"" },
  { { verifyext = "x" }, "invalid verify option (x)" },
  { { alpn = {} }, "invalid ALPN list (empty)" },
  { { alpn = { "" } }, "invalid ALPN name (empty string)" },
  { { alpn = { ("x"):rep(256) } }, "invalid ALPN name (length > 255)" },
  { { alpn = 3 }, "invalid ALPN parameter" },
  { { mode = "client", alpn = 3 }, "invalid ALPN parameter" },
  { { mode = "client", alpn = "" }, "invalid ALPN name (empty string)" },
  { { dhparam = "x" }, "invalid DH parameter type" },
  { { password = 3 }, "invalid password type" },
}

local accepted = {
  {}, { certificate = false, key = false }, { verify = "none" }, { verify = { "peer", "client_once" } },
  { verify = "fail_if_no_peer_cert" }, { verifyext = { "lsec_continue", "lsec_ignore_purpose", "crl_check_chain" } },
  { depth = 3 }, { dane = true }, { dane = { "no_ee_namechecks" } }, { protocol = "sslv23" }, { protocol = "tlsv1" },
  { protocol = "tlsv1_1" }, { protocol = "tlsv1_2" }, { protocol = "tlsv1_3" }, { capath = "/" },
  { options = "cipher_server_preference" }, { curveslist = "X25519:P-256" }, { curve = "prime256v1" },
  { mode = "client", alpn = "h2" }, { alpn = { "h2" } }, { alpn = print }, { password = "unused" },
  { ciphers = "HIGH" }, { ciphersuites = "TLS_AES_128_GCM_SHA256" },
}

for name, ssl in luasec.implementations() do
  describe("newcontext of LuaSec, " .. name .. ",", function()
    it("refuses in these words", function()
      for _, case in ipairs(refused) do
        local context, problem = ssl.newcontext(luasec.server(case[1]))
        assert.is_nil(context)
        assert.are.equal(case[2], problem:sub(1, #case[2]))
      end
    end)

    it("accepts what there is", function()
      for i, parameters in ipairs(accepted) do
        local context, problem = ssl.newcontext(luasec.server(parameters))
        assert(context, ("parameters %d: %s"):format(i, problem))
        assert.are.equal("SSL context: ", tostring(context):sub(1, 13))
      end
    end)

    it("knows every option that it lists", function()
      for option in pairs(ssl.config.options) do
        assert(ssl.newcontext { mode = "client", protocol = "any", options = option }, option)
      end
    end)

    it("raises where mode or protocol is missing", function()
      assert.error_matches(function() ssl.newcontext { mode = "client" } end, "bad argument #1 to 'create'")
      assert.error_matches(function() ssl.newcontext { protocol = "any" } end, "bad argument #2 to 'setmode'")
      assert.error_matches(function() ssl.wrap((luasec.sockets()), nil) end, "bad argument #1 to 'create'")
    end)

    it("has no use for a key that is another's", function()
      local context, problem = ssl.newcontext(luasec.server { key = pki.client.keyFile })
      assert.is_nil(context)
      assert.are.equal("private key does not match public key", problem)
    end)

    it("needs the right password", function()
      local file = pki.write(pki.server.key:toPem "secret")
      local function load(password) return ssl.newcontext(luasec.server { key = file, password = password }) end
      assert(load "secret")
      assert(load(function() return "secret" end))
      for _, bad in ipairs { "wrong", function() return "wrong" end, function() return nil end } do
        local context, problem = load(bad)
        assert.is_nil(context)
        assert.are.equal("error loading private key", problem:sub(1, 25))
      end
    end)
  end)

  describe("A certificate of LuaSec, " .. name .. ",", function()
    local identity, certificate

    setup(function()
      identity = pki.issue {
        subject = "CN=names,O=Jos\u{e9},C=DE", key = pki.rsaKey(), serial = "0A0B0C",
        names = { "a.example", "*.b.example", "192.0.2.1", "2001:db8::1" },
        notBefore = 951782400, notAfter = 4107542399,
      }
      certificate = ssl.loadcertificate(identity.certificatePem)
    end)

    it("has names with identifiers", function()
      assert.are.same({
        { oid = "2.5.4.6", name = "countryName", value = "DE" },
        { oid = "2.5.4.10", name = "organizationName", value = "Jos\u{e9}" },
        { oid = "2.5.4.3", name = "commonName", value = "names" },
      }, certificate:subject())
      assert.are.same({ { oid = "2.5.4.3", name = "commonName", value = "scissl test authority" } },
        certificate:issuer())
    end)

    it("has alternative names", function()
      local names = certificate:extensions()["2.5.29.17"]
      assert.are.equal("X509v3 Subject Alternative Name", names.name)
      assert.are.same({ "a.example", "*.b.example" }, names.dNSName)
      assert.are.same({ "192.0.2.1", "2001:db8::1" }, names.iPAddress)
      assert.are.same({}, ssl.loadcertificate(pki.ca.certificatePem):extensions())
    end)

    it("has dates in words", function()
      assert.are.equal("Feb 29 00:00:00 2000 GMT", certificate:notbefore())
      assert.are.equal("Feb 28 23:59:59 2100 GMT", certificate:notafter())
      local reaches_2100 = not name:find "real" or pcall(os.date, "!*t", 4107542399) -- the real one compares C's time_t
      assert.are.same({ false, true, reaches_2100, false }, {
        certificate:validat(951782399), certificate:validat(951782400),
        certificate:validat(4107542399), certificate:validat(4107542400),
      })
    end)

    it("has a serial number, digests, a key, a signature, and a text", function()
      assert.are.equal("0A0B0C", certificate:serial())
      assert.are.equal(certificate:digest(), certificate:digest "sha1")
      assert.are.equal(128, #certificate:digest "sha512")
      assert.are.same({ nil, "digest algorithm not supported (md5)" }, { certificate:digest "md5" })
      assert.are.same({ identity.certificate:publicPem(), "RSA", identity.certificate:keyBits() },
        { certificate:pubkey() })
      assert.are.equal("ecdsa-with-SHA256", certificate:getsignaturename())
      assert.are.equal(identity.certificatePem, certificate:pem())
      assert.are.equal("X509 certificate: ", tostring(certificate):sub(1, 18))
      assert.is_nil((ssl.loadcertificate "nothing"))
    end)

    it("knows what kinds of keys there are", function()
      for kind, expected in pairs { EC = "EC", Ed25519 = "Unknown" } do
        local one = pki.issue { subject = "CN=x", key = core.SciSslPrivateKey.generate(kind) }
        assert.are.equal(expected, (select(2, ssl.loadcertificate(one.certificatePem):pubkey())))
      end
    end)

    it("tells whom it has issued", function()
      local middle = pki.issue { subject = "CN=middle", ca = true }
      local leaf = ssl.loadcertificate(pki.issue { subject = "CN=leaf", issuer = middle }.certificatePem)
      local ca, between = ssl.loadcertificate(pki.ca.certificatePem), ssl.loadcertificate(middle.certificatePem)
      assert.is_true((ca:issued(between)))
      assert.is_true((ca:issued(leaf, between)))
      assert.are.same({ nil, "unable to get local issuer certificate" }, { ca:issued(leaf) })
      assert.error_matches(function() ca:issued "text" end, "bad argument #1 to 'issued'")
    end)

    it("answers texts as they are, or in UTF-8", function()
      assert.is_true(certificate:setencode "utf8")
      assert.are.equal("Jos\u{e9}", certificate:subject()[2].value)
      assert.is_true(certificate:setencode "ai5")
      assert.is_false(certificate:setencode "latin1")
    end)
  end)

  describe("A connection of LuaSec, " .. name .. ",", function()
    local function connected()
      local run = luasec.connect { clientSsl = ssl, serverSsl = luasec.ours }
      return run.client, run.server
    end

    it("answers nothing before its handshake and after close", function()
      local near, far = luasec.sockets()
      local fresh = assert(ssl.wrap(near, luasec.client()))
      assert.are.equal(-1, near:getfd())
      local closed = connected()
      closed:close()
      closed:close()
      assert.are.equal(-1, closed:getfd())
      assert.are.equal(" (closed)", tostring(closed):sub(-9))
      for _, connection in ipairs { fresh, closed } do
        assert.are.same({ nil, "closed", "" }, { connection:receive() })
        assert.are.same({ nil, "closed", "ab" }, { connection:receive(3, "ab") })
        assert.are.same({ nil, "closed", 0 }, { connection:send "x" })
        assert.are.same({ nil, "closed", 1 }, { connection:send("abc", 2) })
        assert.are.equal(0, (connection:send ""))
        assert.are.same({ nil, "closed" }, { connection:getpeercertificate() })
        assert.are.same({ nil, "closed" }, { connection:getpeerchain() })
        assert.are.same({ false, "closed" }, { connection:getpeerverification() })
        assert.are.same({ nil, "closed" }, { connection:getfinished() })
        assert.are.same({ nil, "closed" }, { connection:info() })
        assert.are.equal("nothing", connection:want())
        assert.is_false(connection:dirty())
      end
      far:close()
    end)

    it("counts bytes and seconds", function()
      local client, server = connected()
      client:send "12345\n"
      server:send "ab\r\ncd"
      assert.are.equal("ab", (client:receive()))
      local received, sent, age = client:getstats()
      assert.are.same({ 4, 6 }, { received, sent })
      assert.is_true(age >= 0 and age < 3600)
      assert.are.equal(1, client:setstats(10, 20, 4000))
      received, sent, age = client:getstats()
      assert.are.same({ 10, 20 }, { received, sent })
      assert.is_true(age >= 4000 and age < 7600)
    end)

    it("takes time-outs in two modes, and no others", function()
      local client, server = connected()
      assert.are.equal(1, client:settimeout(1))
      assert.are.equal(1, client:settimeout(1, "t"))
      assert.are.equal(1, client:settimeout(nil, "b"))
      assert.error_matches(function() client:settimeout(1, "x") end, "bad argument #2 to 'settimeout'")
      assert.error_matches(function() client:settimeout "soon" end, "bad argument #1 to 'settimeout'")
      client:settimeout(0.02, "t")
      assert.are.equal("wantread", (select(2, client:receive())))
      client:settimeout(-1, "t")
      client:settimeout(0.02)
      assert.are.equal("wantread", (select(2, client:receive())))
      server:close() -- not before: a connection that is collected is closed
    end)

    it("refuses certificates by bad numbers, and has none where there is none", function()
      local client, server = connected()
      assert.are.same({ nil, "invalid certificate index" }, { client:getpeercertificate(0) })
      assert.is_nil((client:getpeercertificate(9)))
      assert.is_nil((server:getpeercertificate()))
      assert.is_nil((client:getalpn()))
      assert.is_nil((client:getsniname()))
      assert.is_true((server:getpeerverification()))
    end)

    it("tells an end that was cut from one that was meant", function()
      local client, server = connected()
      server:send "part"
      local descriptor = math.tointeger(server:getfd())
      assert(core.SciSocket.on { getfd = function() return descriptor end }:shutdown "rw")
      assert.are.same({ nil, "unexpected eof while reading", "part" }, { client:receive "*l" })
      client, server = connected()
      server:send "part"
      server:close()
      assert.are.same({ nil, "closed", "part" }, { client:receive "*l" })
    end)
  end)
end

describe("scissl.luasec", function()
  it("has what LuaSec has", function()
    for _, name in ipairs { "newcontext", "wrap", "loadcertificate" } do
      assert.are.equal("function", type(luasec.ours[name]))
    end
    assert.are.equal("1.3.2", luasec.ours._VERSION)
    if not luasec.real then return pending "LuaSec is not installed" end
    for name, value in pairs(luasec.real) do assert.are.equal(type(value), type(luasec.ours[name]), name) end
    for name, set in pairs(luasec.real.config) do
      if name ~= "curves" and name ~= "options" then
        local ours = luasec.ours.config[name]
        for value in pairs(set) do assert.truthy(ours[value], value) end
        for value in pairs(ours) do assert.truthy(set[value] or value == "psk", value) end -- LuaSec has it from 1.3 on
      end
    end
    for name in pairs(luasec.real.config.options) do assert.is_true(luasec.ours.config.options[name], name) end
    -- LuaSec's list is that of an older OpenSSL where this one has brought more.
    local of_openssl = {}
    for name in pairs(core) do of_openssl[tostring(name):lower()] = true end
    for name in pairs(luasec.ours.config.options) do
      assert.truthy(luasec.real.config.options[name] or of_openssl["ssl_op_" .. name], name)
    end
    for name in pairs(luasec.ours.config.curves) do
      assert(luasec.ours.newcontext { mode = "client", protocol = "any", curve = name }, name)
    end
    local registry = debug.getregistry()
    local ours = assert(luasec.ours.wrap((luasec.sockets()), luasec.client()))
    local certificate = luasec.ours.loadcertificate(pki.ca.certificatePem)
    for name in pairs(registry["SSL:Connection"].__index) do assert.is_function(ours[name], name) end
    for name in pairs(registry["SSL:Certificate"].__index) do assert.is_function(certificate[name], name) end
    -- LuaSec has these from 1.3 on.
    local newer = { getlocalcertificate = true, getlocalchain = true, exportkeyingmaterial = true }
    for name in pairs(getmetatable(ours).__index) do
      assert.truthy(registry["SSL:Connection"].__index[name] or newer[name], name)
    end
    for name in pairs(getmetatable(certificate).__index) do
      assert.truthy(registry["SSL:Certificate"].__index[name], name)
    end
    for module in pairs { core = 1, context = 1, x509 = 1 } do
      for name, value in pairs(require("ssl." .. module)) do
        assert.are.equal(type(value), type(require("scissl.luasec." .. module)[name]), name)
      end
    end
  end)

  it("takes the place of LuaSec's modules", function()
    local kept = {}
    local names = { "ssl", "ssl.core", "ssl.context", "ssl.x509", "ssl.config", "ssl.https" }
    for _, name in ipairs(names) do kept[name] = package.loaded[name] end
    local preloaded = package.preload["ssl.https"]
    assert.are.equal(luasec.ours, luasec.ours.install())
    assert.are.equal(luasec.ours, require "ssl")
    assert.are.equal(luasec.ours.config, require "ssl.config")
    assert.are.equal(luasec.ours.loadcertificate, require "ssl.x509".load)
    assert.are.equal(require "scissl.luasec.https", require "ssl.https")
    for _, name in ipairs(names) do package.loaded[name] = kept[name] end
    package.preload["ssl.https"] = preloaded
  end)

  it("builds connections from ssl.core, as LuaSec's own wrap does", function()
    local low, context = require "scissl.luasec.core", require "scissl.luasec.context"
    local made = context.create "any"
    assert.are.same({ nil, "invalid mode" }, { low.create(made) })
    assert.is_true(context.setmode(made, "client"))
    assert.are.same({ false, "invalid mode (x)" }, { context.setmode(made, "x") })
    local connection = assert(low.create(made))
    connection:sni "localhost"
    local near = luasec.sockets()
    low.setfd(connection, near:getfd())
    near:setfd(low.SOCKET_INVALID)
    assert.are.equal("localhost", connection:getsniname())
    low.setmethod("greet", function(self) return "hello from " .. self:getfd() end)
    assert.are.equal("hello from " .. connection:getfd(), connection:greet())
    low.setmethod("greet", nil)
  end)

  it("wraps sockets of others as well", function()
    local near, far = core.SciSocket.pair()
    local client = assert(luasec.ours.wrap(near, luasec.client()))
    local server = assert(luasec.ours.wrap(far, luasec.server()))
    client:settimeout(0)
    local done, problem = client:dohandshake()
    assert.are.same({ false, "wantread" }, { done, problem })
    server:settimeout(0)
    server:dohandshake()
    assert.is_true((client:dohandshake()))
  end)
end)
