local scissl = require "scissl"
local ends = require "spec.support.ends"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"
local core = require "scissl.core"

describe("require 'scissl'", function()
  it("answers the classes, each of them the core's", function()
    for _, name in ipairs { "SciSocket", "SciSslSocket", "SciSslContext", "SciSslCipher", "SciSslError", "OSSslSession",
                            "SciSslX509Certificate", "SciSslPrivateKey", "OSSslVersion" } do
      assert.equal("table", type(scissl[name]), name)
      assert.equal(core[name], scissl[name])
    end
  end)

  it("answers the constants under OpenSSL's names", function()
    assert.equal(0, scissl.SSL_VERIFY_NONE)
    assert.equal(1, scissl.SSL_VERIFY_PEER)
    assert.equal(2, scissl.SSL_ERROR_WANT_READ)
    assert.equal(0x0304, scissl.TLS1_3_VERSION)
    assert.equal(10, scissl.X509_V_ERR_CERT_HAS_EXPIRED)
    assert.is_true(scissl.SSL_OP_NO_TICKET ~= 0)
  end)

  it("answers what is written in Lua when it is first used", function()
    assert.equal("function", type(scissl.connect))
    assert.equal(scissl.connect, require "scissl.connect")
    assert.equal("table", type(scissl.SciSslSocketConfiguration))
  end)

  it("names every public module, and each of them loads under its name", function()
    local file <close> = assert(io.open "lua/scissl/init.lua")
    local list = file:read "a":match "Programs may `require` these modules by name:(.-)All other modules"
    local listed, needs = {}, { copas = "copas", cqueues = "cqueues", luv = "luv", select = "socket",
                                https = "socket.http" }
    for name in list:gmatch "`(scissl[%w%.]+)`" do
      listed[name] = true
      local other = needs[name:match "%w+$"]
      local there = other and package.searchpath(other, package.path) and old_modules.find(other)
      if not other or there or package.searchpath(other, package.cpath) then
        assert.not_nil(require(name), name)
      else
        assert(package.searchpath(name, package.path))
      end
    end
    local pipe <close> = assert(io.popen "cd lua; ls scissl/*.lua scissl/wait/*.lua")
    for path in pipe:lines() do
      local name = path:gsub("/", "."):gsub("%.lua$", ""):gsub("%.init$", "")
      if name ~= "scissl" and name ~= "scissl.hint" then assert.is_true(listed[name], name) end
    end
  end)

  it("answers nil for a name that it has not got", function()
    assert.is_nil(scissl.SSL_VERIFY_PERE)
  end)

  it("sets no global", function()
    local before = {}
    for name in pairs(_G) do before[name] = true end
    package.loaded["scissl"], package.loaded["scissl.connect"] = nil, nil
    assert.equal("function", type(require "scissl".connect))
    for name in pairs(_G) do assert.is_true(before[name], name) end
  end)

  it("tells a SciSslError from other values", function()
    local _, err = scissl.SciSslContext.new "TLSv9"
    assert.is_true(scissl.isSslError(err))
    assert.is_false(scissl.isSslError("TLSv9"))
    assert.is_false(scissl.isSslError(nil))
    assert.is_false(scissl.isSslError(scissl.SciSslContext.new()))
  end)

  it("answers not_in_this_openssl, and what it needs, for what a later one has brought", function()
    local context = assert(scissl.SciSslContext.new())
    local missing = {
      ["X25519MLKEM768"] = function(name) return context:setGroups(name) end,
      ["ML-DSA-65"] = scissl.SciSslPrivateKey.generate,
      ["mldsa65"] = function() return context:setSignatureAlgorithms "ML-DSA-65" end,
    }
    for name, ask in pairs(missing) do
      local answer, err = ask(name)
      if answer == nil then
        assert.equal("not_in_this_openssl", err:condition())
        local version = scissl.OSSslVersion.current():text():match "%d+%.%d+%.%d+"
        assert.equal(("not in this OpenSSL (%s): needs OpenSSL 3.5"):format(version), err:message())
      end
    end
    local before = context:describe()
    assert.is_nil((context:setGroups "P-256:no-such:X25519MLKEM768"))
    assert.same(before, context:describe())
    -- What looks like one of these, and is none, is unknown to an OpenSSL that has them.
    local has = scissl.features.X25519MLKEM768
    for condition, ask in pairs {
      unknown_group = function() return context:setGroups "X25519MLKEM999" end,
      unknown_signature_algorithm = function() return context:setSignatureAlgorithms "ML-DSA-1" end,
      unknown_algorithm = function() return scissl.SciSslPrivateKey.generate "SLH-DSA-1" end,
    } do
      local _, err = ask()
      assert.equal(has and condition or "not_in_this_openssl", err:condition())
    end
    assert.equal("unknown_group", select(2, context:setGroups "no-such"):condition())
  end)

  it("makes connections with whatever keys this OpenSSL offers, without knowing them by name #slow", function()
    for _, algorithm in ipairs { "EC", "RSA", "RSA-PSS", "Ed25519", "Ed448", "ML-DSA-65" } do
      if scissl.features[algorithm] ~= false then
        local identity = pki.issue { subject = "CN=localhost", names = { "localhost" },
          key = assert(scissl.SciSslPrivateKey.generate(algorithm)) }
        local client, server = ends.connected { transport = "memory", version = "TLSv1.3",
          server = { identity = identity } }
        assert.equal(identity.certificate, client:peerCertificate(), algorithm)
        client:close()
        server:close()
      end
    end
  end)

  it("says in features what this OpenSSL can do", function()
    assert.is_true(scissl.features["TLSv1.2"])
    assert.is_true(scissl.features["TLSv1.3"])
    assert.is_true(scissl.features["X25519"])
    assert.equal(scissl.features.X25519MLKEM768, scissl.SciSslContext.new():setGroups "X25519MLKEM768" ~= nil)
    assert.equal(scissl.features["ML-DSA-65"], scissl.SciSslPrivateKey.generate "ML-DSA-65" ~= nil)
    local socket = scissl.SciSslSocket.onMemory(scissl.SciSslContext.new())
    local able = socket:sslInitialize():sslSuspendAt "verify"
    assert.equal(scissl.features.suspendAtVerify, able ~= nil)
    for name, value in pairs(scissl.features) do assert.equal("boolean", type(value), name) end
  end)
end)
