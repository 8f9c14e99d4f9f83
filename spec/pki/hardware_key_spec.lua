-- Keys that stay in a token: SoftHSM, by PKCS #11 and OpenSSL's provider for it. Debian 13 has both.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"

local SciSslLibrary, SciSslContext = scissl.SciSslLibrary, scissl.SciSslContext
local SciSslPrivateKey = scissl.SciSslPrivateKey

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local MODULES = { "/usr/lib/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so" }

local function first_file(names)
  for _, name in ipairs(names) do
    local file = io.open(name)
    if file then
      file:close()
      return name
    end
  end
end

local module = first_file(MODULES)
local provider = first_file { (shell.lines("openssl version -m")[1]:match '"(.*)"' or "") .. "/pkcs11.so" }
local with_token = module and provider and ends.has "softhsm2-util" and it or pending

local TOKEN, PIN = "spec", "1234"

-- A token in a folder of its own, with the keys `keys` by name. SoftHSM finds it by SOFTHSM2_CONF.
local tokens = 0
local function make_token(keys)
  tokens = tokens + 1
  local folder = pki.folder() .. "/token" .. tokens
  assert(os.execute("mkdir -p " .. folder))
  local conf = pki.write(("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n"):format(folder))
  local function run(command)
    assert(os.execute(("SOFTHSM2_CONF=%s %s >/dev/null 2>&1"):format(conf, command)), command)
  end
  run(("softhsm2-util --init-token --free --label %s --pin %s --so-pin 4321"):format(TOKEN, PIN))
  local id = 0
  for name, key in pairs(keys) do
    id = id + 1
    run(("softhsm2-util --import %s --token %s --pin %s --label %s --id %02x"):format(
      pki.write(key:toPem()), TOKEN, PIN, name, id))
  end
  return conf
end

-- What a program with such a token does, in a process of its own: the environment names the token.
local function run_with_token(conf, source)
  local program = ("SOFTHSM2_CONF=%s PKCS11_PROVIDER_MODULE=%s %s"):format(conf, module, ends.luaCommand(source))
  local child <close> = ends.start("env " .. program)
  local output, how, code = child:finish()
  assert.are.same({ "exit", 0 }, { how, code }, output)
  return output
end

describe("A key in a token", function()
  with_token("makes connections as a server and as a client, by its URI", function()
    local server_key = assert(SciSslPrivateKey.generate("EC", "P-256"))
    local client_key = assert(SciSslPrivateKey.generate("RSA", 2048))
    local server = pki.issue { subject = "CN=localhost", names = { "localhost" }, key = server_key }
    local client = pki.issue { subject = "CN=client", key = client_key }
    local conf = make_token { server = server_key, client = client_key }
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      local output = run_with_token(conf, ([[
        local scissl = require "scissl"
        local library = assert(scissl.SciSslLibrary.new())
        assert(library:load "default")
        assert(library:load "pkcs11")
        local function key(name)
          return assert(scissl.SciSslPrivateKey.fromUri(
            ("pkcs11:token=%s;object=%%s;type=private"):format(name), "%s", library))
        end
        local function context(certificate, name)
          local context = assert(scissl.SciSslContext.new("%s", library))
          assert(context:setVerify(%d))
          assert(context:loadVerifyLocations "%s")
          assert(context:useCertificateFile(certificate))
          return assert(context:usePrivateKey(key(name)))
        end
        local client = assert(scissl.SciSslSocket.onMemory(context("%s", "client"))):sslInitialize()
        local server = assert(scissl.SciSslSocket.onMemory(context("%s", "server"))):sslInitialize()
        assert(client:sslSetVerifyHost "localhost")
        local a, b
        for _ = 1, 10 do
          a = client:sslConnect()
          server:sslFeed(client:sslDrain())
          b = server:sslAccept()
          client:sslFeed(server:sslDrain())
        end
        assert(a == 1 and b == 1, tostring(a) .. tostring(b))
        print(client:version(), client:peerCertificate():subject(), server:peerCertificate():subject())
      ]]):format(TOKEN, PIN, version, REQUIRE, pki.ca.certificateFile,
        pki.write(client.certificate:toPem()), pki.write(server.certificate:toPem())))
      assert.are.equal(("%s\tCN=localhost\tCN=client\n"):format(version), output)
    end
  end)

  with_token("says what is wrong with its URI or its PIN", function()
    local conf = make_token { server = pki.server.key }
    local output = run_with_token(conf, ([[
      local scissl = require "scissl"
      local library = assert(scissl.SciSslLibrary.new():load "default")
      local function condition(uri, pin)
        local key, failure = scissl.SciSslPrivateKey.fromUri(uri, pin, library)
        return key and "a key" or failure:condition()
      end
      print(condition("pkcs11:token=%s;object=server;type=private", "%s"))
      assert(library:load "pkcs11")
      print(condition("pkcs11:token=%s;object=server;type=private", "no PIN"))
      print(condition("pkcs11:token=%s;object=nothing;type=private", "%s"))
      print(condition("pkcs11:token=%s;object=server;type=private", "%s"))
    ]]):format(TOKEN, PIN, TOKEN, TOKEN, PIN, TOKEN, PIN))
    assert.are.equal("unknown_scheme\npassphrase_wrong\npassphrase_wrong\na key\n", output)
  end)

  with_token("needs the provider in the library, and its parameters can be given", function()
    local conf = make_token { server = pki.server.key }
    local child <close> = ends.start(("env SOFTHSM2_CONF=%s %s"):format(conf, ends.luaCommand(([[
      local scissl = require "scissl"
      local library = assert(scissl.SciSslLibrary.new():load "default")
      local loaded, failure = library:load("pkcs11", { ["pkcs11-module-path"] = "%s" })
      if loaded then
        local key = scissl.SciSslPrivateKey.fromUri("pkcs11:token=%s;object=server;type=private", "%s", library)
        print(key ~= nil)
      else
        print(failure:condition() == "not_in_this_openssl")
      end
    ]]):format(module, TOKEN, PIN))))
    assert.are.equal("true\n", (child:finish()))
  end)
end)

describe("examples/hardware_key_server.lua", function()
  with_token("serves with a key in a token", function()
    local conf = make_token { server = pki.server.key }
    local program = ends.luaCommand(([[
      arg = { "0", "%s", "pkcs11:token=%s;object=server;type=private", "%s" }
      dofile "examples/hardware_key_server.lua"
    ]]):format(pki.server.certificateFile, TOKEN, PIN))
    local server <close> = ends.start(
      ("env SOFTHSM2_CONF=%s PKCS11_PROVIDER_MODULE=%s %s"):format(conf, module, program), "port (%d+)")
    local stream <close> = assert(scissl.connect { host = "localhost", port = server.port, ca = pki.ca.certificate })
    assert(stream:write "hello\n")
    assert.are.equal("hello", stream:read "l")
  end)
end)

describe("A key in a token that nothing can reach", function()
  it("is told by its scheme", function()
    refusals.condition("unknown_scheme", SciSslPrivateKey.fromUri("pkcs11:object=x", "1234"))
    local library = assert(SciSslLibrary.new():load "default")
    refusals.condition("unknown_scheme", SciSslPrivateKey.fromUri("pkcs11:object=x", "1234", library))
    refusals.condition("unknown_scheme", SciSslContext.new("TLS", library):addTrustedUri "pkcs11:object=x")
  end)
end)
