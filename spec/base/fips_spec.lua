-- The provider `fips` in a library context of its own. Debian 13 and later have it: openssl-provider-fips.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"
local streams = require "spec.support.streams"

local SciSslLibrary, SciSslContext = scissl.SciSslLibrary, scissl.SciSslContext

local modules = shell.lines("openssl version -m")[1]:match '"(.*)"'
local module = modules and modules .. "/fips.so"
local file = module and io.open(module)
if file then file:close() end

if not file then
  describe("The provider fips", function()
    it("is missing, and the error says so", function()
      local err = refusals.condition("provider_missing", assert(SciSslLibrary.new()):load "fips")
      assert.are.equal("fips", err:subject())
      assert.truthy(err:errorHint():find("openssl-provider-fips", 1, true), err:errorHint())
    end)
    pending "works (needs openssl-provider-fips, as of Debian 13)"
  end)
  return
end

-- What `openssl fipsinstall` writes for this machine: the module's checksum, and which checks it makes.
local installed = pki.write ""
assert(os.execute(("openssl fipsinstall -module '%s' -out '%s' >/dev/null 2>&1"):format(module, installed)))

local function configuration_with(settings)
  return pki.write(([[
openssl_conf = all
%s
[all]
providers = them
alg_section = algorithms
[them]
fips = fips_sect
base = base_sect
[base_sect]
activate = 1
[algorithms]
default_properties = fips=yes
]]):format(settings))
end

local function library_with(settings)
  return assert(SciSslLibrary.new()):loadConfig(configuration_with(settings or ".include = " .. installed))
end

local library = assert(library_with())

local function context(make, version, of, setup)
  local made = assert(SciSslContext.new(version, of))
  if make == "server" then
    assert(made:useCertificate(pki.server.certificate):usePrivateKey(pki.server.key))
  end
  assert(made:setVerify(make == "client" and scissl.SSL_VERIFY_PEER or scissl.SSL_VERIFY_NONE))
  assert(made:addTrusted(pki.ca.certificate))
  if setup then setup(made) end
  return made
end

local function meet(client, server, session)
  local near, far = ends.pair { transport = "memory", client = client, server = server, session = session }
  local one, other = ends.handshake(near, far)
  return one, other, near, far
end

local function results(one, other) return { one, other } end

describe("The provider fips", function()
  it("runs, and has passed its self-tests", function()
    local running = {}
    for _, provider in ipairs(library:providers()) do running[provider.name] = provider.running end
    assert.are.same({ fips = true, base = true }, running)
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("does the work of full and resumed connections, " .. version, function()
      local client, server = context("client", version, library), context("server", version, library)
      local one, other, near, far = meet(client, server)
      assert.are.same({ 1, 1 }, { one, other })
      assert.are.equal(scissl.X509_V_OK, (near:sslVerifyCertificate()))
      assert.truthy(near:cipher():name():find "AES")
      far:sslWrite "hello"
      assert.are.equal("hello", ends.read(near, far))
      near:sslWrite "and back"
      assert.are.equal("and back", ends.read(far, near))
      one, other, near = meet(client, server, near:getSession())
      assert.are.same({ 1, 1, true }, { one, other, near:isSessionReused() })
    end)

    it("understands a peer that has the default provider, in both roles, " .. version, function()
      for _, of in ipairs { "client", "server" } do
        local one, other, near = meet(context("client", version, of == "client" and library or nil),
          context("server", version, of == "server" and library or nil))
        assert.are.same({ 1, 1 }, { one, other })
        assert.truthy(near:cipher():name():find "AES")
      end
    end)
  end

  it("has no ChaCha20, and meets no peer that has nothing else", function()
    local function chacha(made) assert(made:setCiphersuites "TLS_CHACHA20_POLY1305_SHA256") end
    local one, other = meet(context("client", "TLSv1.3", nil, chacha), context("server", "TLSv1.3", library))
    refusals.check(one)
    refusals.failed("no_shared_cipher", "accept", other)
    assert.are.same({ 1, 1 }, results(meet(context("client", "TLSv1.3", nil, chacha), context("server", "TLSv1.3"))))
  end)

  it("verifies clients", function()
    local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    local function asking(made) assert(made:setVerify(REQUIRE)) end
    local function own(made) assert(made:useCertificate(pki.client.certificate):usePrivateKey(pki.client.key)) end
    local one, other, _, far = meet(context("client", "TLSv1.3", library, own),
      context("server", "TLSv1.3", library, asking))
    assert.are.same({ 1, 1 }, { one, other })
    assert.are.equal(pki.client.certificate, far:peerCertificate())
  end)

  it("serves scissl.connect and scissl.listen", function()
    local client, server = streams.meet({
      library = library, certificate = pki.server.certificate, privateKey = pki.server.key,
    }, { library = library, caFile = pki.ca.certificateFile }, function(stream, failure)
      assert(stream, tostring(failure))
      local line = stream:read "l"
      stream:write(line, "\n")
      stream:close()
      return line
    end, function(stream, failure)
      assert(stream, tostring(failure))
      stream:write "over fips\n"
      local line = stream:read "l"
      stream:close()
      return line
    end)
    assert.are.same({ "over fips", "over fips" }, { client[1], server[1] })
  end)

  it("has parameters in place of a configuration file, from OpenSSL 3.2 on", function()
    local parameters = {}
    for line in io.lines(installed) do
      local name, value = line:match "^([%w-]+) = (.*)$"
      if name and name ~= "activate" then parameters[name] = value end
    end
    assert.truthy(parameters["module-mac"])
    local other = assert(SciSslLibrary.new())
    local ok, err = other:load("fips", parameters)
    if not ok then return refusals.condition("not_in_this_openssl", ok, err) end
    assert(other:load "base")
    assert.are.same({ 1, 1 }, results(meet(context("client", "TLSv1.3", other), context("server", "TLSv1.3", other))))
  end)

  -- In a process of its own: the module tests itself once, with the first library context that loads it.
  local function start_alone(source)
    local child <close> = ends.start(ends.luaCommand(([[
      local scissl = require "scissl"
      local library = assert(scissl.SciSslLibrary.new())
      local done, failure = %s
      print(done and "done" or failure:condition())
      print(done and "done" or failure:errorHint())
    ]]):format(source)))
    local said = child:finish()
    local condition, hint = said:match "^([^\n]*)\n([^\n]*)"
    assert.truthy(condition, said)
    return condition, hint
  end

  it("does not start without its checksum, and the error names the program that makes one", function()
    local condition, hint = start_alone [[library:load "fips"]]
    assert.are.equal("provider_failed", condition)
    assert.truthy(hint:find("openssl fipsinstall", 1, true), hint)
  end)

  it("does not start with a wrong checksum", function()
    local text <close> = assert(io.open(installed))
    local wrong = text:read("a"):gsub("(module%-mac = )(%x%x)", function(name, byte)
      return name .. (byte == "00" and "01" or "00")
    end)
    local configuration = configuration_with(wrong)
    assert.are.equal("provider_failed", (start_alone(("library:loadConfig %q"):format(configuration))))
    assert.are.equal("done", (start_alone(("library:loadConfig %q")
      :format(configuration_with(".include = " .. installed)))))
  end)

  it("leaves the rest of the program as it is", function()
    assert.are.same({ 1, 1 }, results(meet(context("client", "TLSv1.3", nil, function(made)
      assert(made:setCiphersuites "TLS_CHACHA20_POLY1305_SHA256")
    end), context("server", "TLSv1.3"))))
  end)
end)
