-- Library contexts of OpenSSL, with providers of their own.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"
local streams = require "spec.support.streams"

local SciSslLibrary, SciSslContext = scissl.SciSslLibrary, scissl.SciSslContext
local SciSslPrivateKey = scissl.SciSslPrivateKey

local function names(library)
  local found = {}
  for i, provider in ipairs(library:providers()) do found[i] = provider.name end
  table.sort(found)
  return found
end

-- The folder of OpenSSL's modules.
local function modules()
  return assert(shell.lines("openssl version -m")[1]:match '"(.*)"')
end

local function has_module(name)
  local file = io.open(("%s/%s.so"):format(modules(), name))
  if file then file:close() end
  return file ~= nil
end

local with_legacy = has_module "legacy" and it or pending

-- Both ends of a connection whose contexts are of `library`.
local function pair(library, version)
  local client = assert(SciSslContext.new(version, library))
  assert(client:setVerify(scissl.SSL_VERIFY_PEER))
  assert(client:addTrusted(pki.ca.certificate))
  local server = assert(SciSslContext.new(version, library))
  assert(server:useCertificate(pki.server.certificate))
  assert(server:usePrivateKey(pki.server.key))
  return ends.pair { transport = "memory", client = client, server = server }
end

describe("SciSslLibrary", function()
  it("has OpenSSL's own provider where no other is loaded", function()
    local library = assert(SciSslLibrary.new())
    assert(SciSslContext.new("TLS", library))
    local provider = library:providers()[1]
    assert.are.same({ "default", true }, { provider.name, provider.running })
    assert.truthy(provider.version:find "^%d+%.%d+")
    assert.are.equal("SciSslLibrary: 0 loaded", tostring(library))
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("does the work of connections, full and resumed, " .. version, function()
      local library = assert(SciSslLibrary.new())
      assert.are.equal(library, library:load "default")
      assert.are.same({ "default" }, names(library))
      local client, server = pair(library, version)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
      server:sslWrite "hello"
      assert.are.equal("hello", ends.read(client, server))
      local session = assert(client:getSession())
      local again, other = ends.pair {
        transport = "memory", client = client:getContext(), server = server:getContext(),
      }
      assert(again:setSession(session))
      assert.are.same({ 1, 1 }, { ends.handshake(again, other) })
      assert.is_true(again:isSessionReused())
    end)
  end

  it("stays while something uses it, and its name is gone", function()
    local client, server = pair(assert(SciSslLibrary.new():load "default"), "TLSv1.3")
    collectgarbage()
    collectgarbage()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("is freed after what was made before it and uses it", function()
    local child <close> = ends.start(ends.luaCommand(([[
      local scissl = require "scissl"
      local older = assert(scissl.SciSslContext.new())
      local library = assert(scissl.SciSslLibrary.new():load "default")
      local key = assert(scissl.SciSslPrivateKey.fromUri("%s", nil, library))
      assert(older:usePrivateKey(key))
      print "done"
    ]]):format(pki.server.keyFile)))
    assert.are.same({ "done\n", "exit", 0 }, { child:finish() })
  end)

  it("is refused to a finalizer that runs after it was freed", function()
    local child <close> = ends.start(ends.luaCommand [[
      local kept = {}
      local last = setmetatable({}, { __gc = function()
        local library, scissl = kept.library, kept.scissl
        print(pcall(tostring, library))
        print(pcall(library.providers, library))
        print(pcall(library.load, library, "default"))
        print(pcall(scissl.SciSslContext.new, "TLS", library))
      end })
      local scissl = require "scissl"
      kept.scissl, kept.library = scissl, assert(scissl.SciSslLibrary.new():load "default")
      _G.last = last
    ]])
    local said, reason, code = child:finish()
    assert.are.same({ "exit", 0 }, { reason, code })
    local _, count = said:gsub("false\t[^\n]*the library has been freed with the Lua state%)\n", "")
    assert.are.equal(4, count, said)
  end)

  with_legacy("loads what OpenSSL does not load by itself", function()
    local library = assert(SciSslLibrary.new():load "legacy")
    assert.are.same({ "legacy" }, names(library))
    refusals.check(select(2, SciSslContext.new("TLS", library))) -- it has nothing that TLS needs
    assert(library:load "default")
    assert.are.same({ "default", "legacy" }, names(library))
    assert.are.same({ 1, 1 }, { ends.handshake(pair(library, "TLSv1.3")) })
    assert.are.equal("SciSslLibrary: 2 loaded", tostring(library))
  end)

  it("does not change what the rest of the program has", function()
    assert(SciSslLibrary.new():load "default"):setProperties "fips=yes"
    assert(SciSslContext.new())
    assert(SciSslPrivateKey.generate "Ed25519")
  end)

  it("says that a provider is missing, and goes on without it", function()
    local library = assert(SciSslLibrary.new():load "default")
    local err = refusals.condition("provider_missing", library:load "no such provider")
    assert.are.equal("no such provider", err:subject())
    assert.are.equal("library", err:phase())
    assert.are.same({ "default" }, names(library))
    assert(SciSslContext.new("TLS", library))
  end)

  it("has nothing where the first provider is missing", function()
    local library = assert(SciSslLibrary.new())
    refusals.condition("provider_missing", library:load "no such provider")
    refusals.check(select(2, SciSslContext.new("TLS", library)))
  end)

  it("looks for providers in a folder of one's own", function()
    local library = assert(SciSslLibrary.new():setProviderPath(pki.folder()))
    refusals.condition("provider_missing", library:load "legacy")
    if has_module "legacy" then
      assert(library:setProviderPath(modules()):load "legacy")
      assert.are.same({ "legacy" }, names(library))
    end
  end)

  it("says that a module does not start", function()
    local module = assert(package.searchpath("scissl.core", package.cpath)) -- a module, but of no provider
    assert(os.execute(("cp '%s' '%s/broken.so'"):format(module, pki.folder())))
    local library = assert(SciSslLibrary.new():setProviderPath(pki.folder()))
    local ok, err = library:load "broken"
    assert.is_nil(ok)
    assert.truthy(err:condition() == "provider_failed" or err:condition() == "provider_missing", err:condition())
  end)

  it("reads a configuration file", function()
    local library = assert(SciSslLibrary.new())
    assert(library:loadConfig(pki.write [[
openssl_conf = all
[all]
providers = them
[them]
base = on
default = on
[on]
activate = 1
]]))
    assert.are.same({ "base", "default" }, names(library))
    refusals.condition("file_missing", library:loadConfig "/nonexistent/openssl.cnf")
    local err = refusals.condition("malformed_config", library:loadConfig(pki.write "openssl_conf = [\n[x\n"))
    assert.truthy(err:subject())
  end)

  it("names a provider of the configuration file that does not start", function()
    local function with(lines)
      return assert(SciSslLibrary.new()):loadConfig(pki.write(([[
openssl_conf = all
[all]
providers = them
[them]
default = on
one.nosuch = other
[on]
activate = 1
[other]
%s]]):format(lines)))
    end
    local err = refusals.condition("provider_failed", with "activate = 1\n")
    assert.are.equal("nosuch", err:subject())
    err = refusals.condition("provider_failed", with "activate = yes\nidentity = missing\n")
    assert.are.equal("missing", err:subject())
    for _, lines in ipairs { "", "activate = 1\nsoft_load = 1\n" } do
      assert.are.same({ "default" }, names(assert(with(lines))))
    end
  end)

  it("starts no provider that the configuration file turns off, or says that this OpenSSL would", function()
    local ignores = scissl.OSSslVersion.current():number() < 0x30200000
    for _, word in ipairs { "0", "no", "off", "false" } do
      local library = assert(SciSslLibrary.new())
      local loaded, err = library:loadConfig(pki.write(([[
openssl_conf = all
[all]
providers = them
[them]
default = on
base = other
[on]
activate = 1
[other]
activate = %s
]]):format(word)))
      if ignores then
        refusals.condition("not_in_this_openssl", loaded, err)
        assert.are.equal("base", err:subject())
      else
        assert.are.equal(library, loaded)
      end
      assert.are.same({ "default" }, names(library))
    end
  end)

  it("uses the implementations that were asked for", function()
    local library = assert(SciSslLibrary.new():load "default")
    assert(library:setProperties "fips=yes")
    refusals.check(select(2, SciSslContext.new("TLS", library)))
    assert(library:setProperties "?fips=yes")
    assert.are.same({ 1, 1 }, { ends.handshake(pair(library, "TLSv1.3")) })
    refusals.condition("malformed_properties", library:setProperties "=")
    assert(library:setProperties "")
  end)

  it("loads fips where it is installed, or says that it is not", function()
    local library = assert(SciSslLibrary.new())
    local ok, err = library:load "fips"
    if not ok then
      assert.are.equal(has_module "fips" and "provider_failed" or "provider_missing", err:condition())
      return
    end
    assert(library:load "base")
    assert(library:setProperties "fips=yes")
    assert.are.same({ 1, 1 }, { ends.handshake(pair(library, "TLSv1.3")) })
  end)

  it("finds keys and trusted certificates by URI", function()
    local library = assert(SciSslLibrary.new():load "default")
    assert.are.equal(pki.server.key, assert(SciSslPrivateKey.fromUri(pki.server.keyFile, nil, library)))
    assert(SciSslContext.new("TLS", library):addTrustedUri("file:" .. pki.ca.certificateFile))
    refusals.condition("unknown_scheme", SciSslPrivateKey.fromUri("pkcs11:object=none", nil, library))
  end)

  it("is an option of clients, servers and configurations", function()
    local library = assert(SciSslLibrary.new():load "default")
    local function configuration(of)
      return scissl.SciSslSocketConfiguration.new { library = of, caFile = pki.ca.certificateFile }
    end
    local one, other = configuration(library), configuration(assert(SciSslLibrary.new():load "default"))
    assert.are.equal(library, one:library())
    assert.are.equal(one:getSciSslContext(), configuration(library):getSciSslContext())
    assert.are_not.equal(one:getSciSslContext(), other:getSciSslContext())
    assert.are_not.equal(one, other)
    local listener <close>, port = streams.listen { waiter = "coroutine", library = library }
    local scheduler = loops.all[1]
    local line = scheduler.run(function()
      local stream <close> = assert(scissl.connect { host = "127.0.0.1", port = port, waiter = scheduler.waiter,
        library = library, caFile = pki.ca.certificateFile, verifyHost = "localhost" })
      return stream:read "l"
    end, function()
      local stream <close> = assert(listener:accept())
      return stream:write "hello\n"
    end)
    assert.are.equal("hello", line[1][1])
    assert.error_matches(function() scissl.SciSslSocketConfiguration.new { library = "fips" } end,
      "SciSslLibrary expected")
  end)

  it("has parameters for providers from OpenSSL 3.2 on", function()
    local library = assert(SciSslLibrary.new())
    local ok, err = library:load("default", { one = "1" })
    if not ok then refusals.condition("not_in_this_openssl", ok, err) end
    for _, parameters in ipairs { "x", 1, true } do
      assert.error_matches(function() library:load("default", parameters) end, "bad argument #2 to 'load'")
    end
    if ok then
      for _, parameters in ipairs { { 1 }, { a = 1 }, { a = {} } } do
        assert.error_matches(function() library:load("default", parameters) end, "bad argument #2 to 'load'")
      end
    end
  end)

  it("raises for wrong arguments", function()
    local library = assert(SciSslLibrary.new())
    for _, method in ipairs { "load", "loadConfig", "setProviderPath", "setProperties" } do
      for _, value in ipairs { {}, true, "a\0b" } do
        assert.error_matches(function() library[method](library, value) end, "bad argument #%d to '")
      end
    end
    assert.error_matches(function() SciSslContext.new("TLS", "fips") end, "bad argument #2 to 'new'")
    assert.error_matches(function() SciSslPrivateKey.fromUri("file:x", nil, {}) end, "bad argument #3 to 'fromUri'")
    assert.error_matches(function() SciSslLibrary.load({}, "fips") end, "SciSslLibrary expected")
  end)
end)
