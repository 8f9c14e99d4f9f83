-- The field `profile` of a configuration, and what scissl.listen allows without one.
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local scissl = require "scissl"
local streams = require "spec.support.streams"

local Configuration = scissl.SciSslSocketConfiguration

local function described(fields)
  return assert(Configuration.new(fields):getSciSslContext()):describe()
end

local function options_of(fields)
  return assert(Configuration.new(fields):getSciSslContext()):getOptions()
end

local function listening(fields)
  if not fields.psk then fields.certificate, fields.privateKey = pki.server.certificate, pki.server.key end
  return fields
end

local function trusting(fields)
  fields.ca = pki.ca.certificate
  return fields
end

-- The protocol and the cipher that both ends agreed on; or what the client and the server returned as their errors.
local function agreed(server, client)
  local asked, served = streams.meet(listening(server), trusting(client))
  local stream = asked[1]
  if not (stream and served[1]) then return nil, asked[2], served[2] end
  local version, cipher = stream:version(), stream:cipher():name()
  stream:close()
  served[1]:close()
  return version, cipher
end

-- Suites whose name has one of these words use CBC, or a key exchange without forward secrecy.
local function weak(ciphers)
  local found = {}
  for _, name in ipairs(ciphers) do
    if not name:find "GCM" and not name:find "CHACHA20" or not name:find "^ECDHE%-" then found[#found + 1] = name end
  end
  return found
end

describe("The profile 'modern'", function()
  it("is TLS 1.3 with Mozilla's suites", function()
    local set = described { profile = "modern" }
    assert.are.equal("TLSv1.3", set.minProtocol)
    assert.are.same({ "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" },
      set.ciphersuites)
  end)

  it("rejects a client of TLS 1.2", function()
    local _, client = agreed({ profile = "modern" }, { maxProtocol = "TLSv1.2" })
    refusals.condition("protocol_version", nil, client)
  end)

  it("prefers X25519MLKEM768 where OpenSSL has it", function()
    local groups = described { profile = "modern" }.groups
    assert.are.equal(scissl.features.X25519MLKEM768 and "X25519MLKEM768:X25519:P-256:P-384" or "X25519:P-256:P-384",
      groups)
  end)
end)

describe("The profile 'intermediate'", function()
  it("is TLS 1.2 and later, with authenticated encryption and forward secrecy only", function()
    local set = described { profile = "intermediate" }
    assert.are.equal("TLSv1.2", set.minProtocol)
    assert.are.equal(6, #set.ciphers)
    assert.are.same({}, weak(set.ciphers))
  end)

  it("serves TLS 1.2 in the client's order", function()
    local version, cipher = agreed({ profile = "intermediate", maxProtocol = "TLSv1.2" },
      { cipherList = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384" })
    assert.are.equal("TLSv1.2", version)
    assert.matches("AES256%-GCM", cipher)
  end)
end)

describe("The profile 'old'", function()
  it("serves TLS 1.0", function()
    if not scissl.features.TLSv1 then return pending "this OpenSSL has no TLS 1.0" end
    assert.are.equal("TLSv1", (agreed({ profile = "old" }, { profile = "old", maxProtocol = "TLSv1" })))
  end)

  it("has the server's order and security level 0", function()
    assert.are.equal(0, described { profile = "old" }.securityLevel)
    assert.are_not.equal(0, options_of { profile = "old" } & scissl.SSL_OP_CIPHER_SERVER_PREFERENCE)
  end)
end)

describe("A profile", function()
  it("gives way to the fields of the configuration", function()
    local set = described { profile = "intermediate", minProtocol = "TLSv1.3", groups = "P-384" }
    assert.are.same({ "TLSv1.3", "P-384" }, { set.minProtocol, set.groups })
  end)

  it("adds its options to those of the configuration", function()
    local options = options_of { profile = "server", options = "no_ticket" }
    local both = scissl.SSL_OP_NO_TICKET | scissl.SSL_OP_CIPHER_SERVER_PREFERENCE
    assert.are.equal(both, options & both)
  end)

  it("has one of four names", function()
    assert.has_error(function() Configuration.new { profile = "modren" } end,
      "bad option 'profile' to 'SciSslSocketConfiguration.new' ('modern', 'intermediate', 'old' or 'server' expected, "
        .. "got string)")
    assert.has_error(function() Configuration.new {}:profile "none" end,
      "bad argument #1 to 'profile' ('modern', 'intermediate', 'old' or 'server' expected, got string)")
  end)

  it("is part of what makes configurations equal", function()
    assert.are.equal(Configuration.new { profile = "old" }, Configuration.new { profile = "old" })
    assert.are_not.equal(Configuration.new { profile = "old" }, Configuration.new {})
  end)
end)

describe("scissl.listen without a profile", function()

  local function client(cipher_list)
    return { cipherList = cipher_list, maxProtocol = "TLSv1.2" }
  end

  it("rejects a client that offers CBC suites only", function()
    local _, refused, why = agreed({}, client "ECDHE+AES:!AESGCM:!AESCCM:!ARIA")
    refusals.condition("alert_received", nil, refused)
    refusals.condition("no_shared_cipher", nil, why)
  end)

  it("chooses by the server's order", function()
    local _, cipher = agreed({}, client("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
      .. "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"))
    assert.matches("AES128%-GCM", cipher)
  end)

  it("chooses ChaCha20 for a client that puts it first", function()
    local _, cipher = agreed({}, client "ECDHE+CHACHA20:ECDHE+AESGCM")
    assert.matches("CHACHA20", cipher)
  end)

  it("keeps a cipher list of the program", function()
    local _, cipher = agreed({ cipherList = "ECDHE+AES:!AESGCM:!AESCCM" }, client "ECDHE+AES:!AESGCM:!AESCCM")
    assert.matches("%-SHA", cipher)
  end)

  it("serves pre-shared keys in TLS 1.2", function()
    local psk = { identity = "me", key = ("k"):rep(32) }
    local version, cipher = agreed({ psk = { me = psk.key }, maxProtocol = "TLSv1.2" },
      { psk = psk, cipherList = "PSK", maxProtocol = "TLSv1.2", verify = false })
    assert.are.equal("TLSv1.2", version)
    assert.matches("PSK", cipher)
  end)

  -- What the server has chosen, and its key exchange.
  local function with_key(list)
    local psk = { identity = "me", key = ("k"):rep(32) }
    local asked, served = streams.meet({ psk = { me = psk.key } },
      { psk = psk, cipherList = list, version = "TLSv1.2", verify = false })
    local stream = assert(asked[1], tostring(asked[2]))
    local cipher, key = stream:cipher():name(), stream:socket():temporaryKey()
    stream:close()
    served[1]:close()
    return cipher, key
  end

  it("chooses ECDHE for pre-shared keys, and DHE in a small group where the client has nothing else", function()
    local cipher, key = with_key(nil)
    assert.are.equal("ECDHE-PSK-CHACHA20-POLY1305", cipher)
    assert.are.equal("X25519", key.type)
    cipher, key = with_key "DHE-PSK-AES256-GCM-SHA384:DHE-PSK-AES128-GCM-SHA256"
    assert.are.same({ "DHE-PSK-AES128-GCM-SHA256", "DH", 2048 }, { cipher, key.type, key.bits })
    for _, name in ipairs { "PSK-AES128-CCM", "PSK-AES128-GCM-SHA256", "ECDHE-PSK-AES128-CBC-SHA256" } do
      assert.are.equal(name, (with_key(name .. ":@SECLEVEL=0")))
    end
  end)

  it("serves TLS 1.0 where the program asks for it", function()
    if not scissl.features.TLSv1 then return pending "this OpenSSL has no TLS 1.0" end
    local old = { version = "TLSv1", securityLevel = 0 }
    assert.are.equal("TLSv1", (agreed(old, { version = "TLSv1", securityLevel = 0 })))
  end)

  it("treats the contexts of an SNI map alike", function()
    local fields = { certificate = pki.server.certificatePem, privateKey = pki.server.keyPem }
    for _, context in ipairs { fields, Configuration.new(fields) } do
      assert.are.same({}, weak(scissl.sni.new { ["a.example"] = context }:find("a.example"):describe().ciphers))
    end
  end)

  it("leaves a context of the program as it is", function()
    local context = assert(Configuration.new {
      certificate = pki.server.certificatePem, privateKey = pki.server.keyPem,
    }:getSciSslContext())
    local before = context:describe().ciphers
    local listener <close> = assert(scissl.listen { host = "127.0.0.1", port = 0, context = context })
    assert.are.same(before, listener:getContext():describe().ciphers)
  end)

  it("has nothing but suites with forward secrecy", function()
    local listener <close> = assert(scissl.listen(listening { host = "127.0.0.1", port = 0 }))
    assert.are.same({}, weak(listener:getContext():describe().ciphers))
  end)
end)
