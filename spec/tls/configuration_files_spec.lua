-- A configuration's context is as fresh as its files: each kind of file replaced, by rename and in place.
local scissl = require "scissl"
local context_options = require "scissl.tls.context_options"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local Configuration = scissl.SciSslSocketConfiguration

-- Two authorities of one name, so that their files have one name in a directory, and a server of each.
local function authority()
  return pki.issue { subject = "CN=renewed authority", ca = true, issuer = false }
end

local function server_of(issuer)
  return pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = issuer }
end

local first, second = authority(), authority()
local first_server, second_server = server_of(first), server_of(second)

-- ---- what a context has read

local function accepts(context, identity, setup)
  local client, server = ends.pair { transport = "memory", client = context,
    server = { identity = identity, setup = setup } }
  return ends.handshake(client, server) == 1
end

local function trust(context)
  assert(context:setVerify(scissl.SSL_VERIFY_PEER))
  local trusted = { accepts(context, first_server) and "first" or nil }
  if accepts(context, second_server) then trusted[#trusted + 1] = "second" end
  return table.concat(trusted, " ")
end

local function revocation(context)
  assert(context:setVerify(scissl.SSL_VERIFY_PEER))
  return accepts(context, first_server) and "first" or "second" -- the second list has revoked it
end

local function own(context)
  local client = ends.connected { transport = "memory", client = { verify = scissl.SSL_VERIFY_NONE }, server = context }
  local shown = client:peerCertificate()
  return shown == first_server.certificate and "first" or shown == second_server.certificate and "second"
end

local function chain(context)
  local client = ends.connected { transport = "memory", client = { verify = scissl.SSL_VERIFY_NONE }, server = context }
  local shown = client:peerChain()
  return shown[2] == first.certificate and "first" or shown[2] == second.certificate and "second"
end

-- ---- kinds of files: how a configuration names one, what the first and the second hold, and what shows which was read

local function pair_of(identity)
  return identity.certificatePem .. identity.keyPem
end

local function pkcs12_of(identity, name)
  return assert(scissl.SciSslPkcs12.make { key = identity.key, certificate = identity.certificate,
    passphrase = "secret", friendlyName = name, iterations = 1 })
end

local function field(name, more)
  return function(path)
    local fields = { [name] = path }
    for other, value in pairs(more or {}) do fields[other] = value end
    return fields
  end
end

local owns = { first = pair_of(first_server), second = pair_of(second_server), reads = own }
local trusts = { first = first.certificatePem, second = second.certificatePem, reads = trust }
local lists = { first = crl.make { issuer = first }, second = crl.make { issuer = first, revoked = { first_server } },
  reads = revocation }

local function kind(name, contents, fields)
  return { name = name, first = contents.first, second = contents.second, reads = contents.reads, fields = fields }
end

local kinds = {
  kind("caFile", trusts, field "caFile"),
  kind("trustUri, a path", trusts, field "trustUri"),
  kind("trustUri, a file: URI", trusts, function(path) return { trustUri = "file:" .. path } end),
  kind("trustUri, a file:// URI", trusts, function(path) return { trustUri = "file://" .. path } end),
  kind("crlFile", lists, field("crlFile", { ca = first.certificatePem })),
  kind("certificate", owns, field "certificate"),
  kind("certificateFilename", owns, field "certificateFilename"),
  kind("certificateChainFilename", owns, field "certificateChainFilename"),
  kind("certificateChainFilename, an issuer in it", {
    first = first_server.certificatePem .. first.certificatePem .. first_server.keyPem,
    second = second_server.certificatePem .. second.certificatePem .. second_server.keyPem, reads = chain,
  }, field "certificateChainFilename"),
  kind("certificates", owns, function(path) return { certificates = { { certificate = path } } } end),
  kind("pkcs12", {
    first = pkcs12_of(first_server, "a"), second = pkcs12_of(second_server, ("b"):rep(100)), reads = own,
  }, field("pkcs12", { passphrase = "secret" })),
  kind("commands, by name", owns, function(path) return { commands = { Certificate = path, PrivateKey = path } } end),
  kind("commands, a list", owns, function(path)
    return { commands = { { "Certificate", path }, { "PrivateKey", path } } }
  end),
}

local ways = {
  ["renamed over the old one"] = function(text, path)
    assert(os.rename(pki.write(text), path))
  end,
  ["written in place"] = function(text, path)
    -- Another size: the clock of the file system may not have moved since the first was written.
    if text:find "^%-%-%-%-%-BEGIN" then text = text .. "again\n" end
    local file <close> = assert(io.open(path, "wb"))
    assert(file:write(text))
  end,
}

local function names_file(path, failure)
  refusals.check(failure)
  assert.truthy(failure:errorHint():find(path, 1, true), failure:errorHint())
end

for _, is in ipairs(kinds) do
  describe("The file of " .. is.name .. ",", function()
    local path, configuration, before

    local function ask()
      return Configuration.new(is.fields(path)):getSciSslContext()
    end

    before_each(function()
      path = pki.write(is.first)
      configuration = Configuration.new(is.fields(path))
      before = assert(configuration:getSciSslContext())
      assert.are.equal("first", is.reads(before))
    end)

    it("is read once while it stays as it is", function()
      assert.are.equal(before, (assert(configuration:getSciSslContext())))
      assert.are.equal(before, (assert(ask())))
    end)

    for way, replace in pairs(ways) do
      it(way .. ", makes a new context, and the earlier one stays as it is", function()
        replace(is.second, path)
        local after = assert(ask())
        assert.are_not.equal(before, after)
        assert.are.equal("second", is.reads(after))
        assert.are.equal("first", is.reads(before))
        assert.are.equal(after, (assert(configuration:getSciSslContext())))
      end)

      it(way .. ", is an error that names it where it holds garbage, until it is good again", function()
        replace("garbage\n", path)
        for _ = 1, 2 do
          local none, failure = ask()
          assert.is_nil(none)
          -- OpenSSL's commands name themselves.
          names_file(is.name:find "^commands" and "ertificate" or path, failure)
        end
        assert.are.equal("first", is.reads(before))
        replace(is.second, path)
        assert.are.equal("second", is.reads(assert(ask())))
      end)
    end

    it("removed, is an error that names it", function()
      assert(os.remove(path))
      local none, failure = ask()
      assert.is_nil(none)
      names_file(is.name:find "^commands" and "ertificate" or path, failure)
      assert.are.equal("first", is.reads(before))
    end)
  end)
end

describe("The file of a private key", function()
  for name, fields in pairs {
    privateKey = function(path) return { certificate = first_server.certificate, privateKey = path } end,
    privateKeyFilename = function(path)
      return { certificate = first_server.certificate, privateKeyFilename = path }
    end,
    certificates = function(path)
      return { certificates = { { certificate = first_server.certificate, privateKey = path } } }
    end,
  } do
    for way, replace in pairs(ways) do
      it(("(%s), %s, is read again"):format(name, way), function()
        local path = pki.write(first_server.keyPem)
        local configuration = Configuration.new(fields(path))
        local before = assert(configuration:getSciSslContext())
        replace(second_server.keyPem, path)
        local failure = refusals.refused("key_mismatch", "load", nil, configuration:getSciSslContext())
        names_file(path, failure)
        replace(first_server.keyPem, path)
        local after = assert(configuration:getSciSslContext())
        assert.are_not.equal(before, after)
        assert.are.same({ "first", "first" }, { own(before), own(after) })
      end)
    end
  end
end)

-- ---- directories

-- A directory with the certificate, or the CRL, of the name that `openssl rehash` gives it.
local function hash_of(identity)
  local pipe <close> = assert(io.popen("openssl x509 -noout -hash -in " .. identity.certificateFile))
  return assert(pipe:read "l")
end

local directories, name = 0, hash_of(first)

local function directory(entries)
  directories = directories + 1
  local path = ("%s/directory%d"):format(pki.folder(), directories)
  assert(os.execute("mkdir " .. path))
  for entry, text in pairs(entries or {}) do assert(os.rename(pki.write(text), path .. "/" .. entry)) end
  return path
end

describe("A directory (caPath)", function()
  for way, replace in pairs(ways) do
    it("with a certificate " .. way .. " makes a new context, and the earlier one stays as it is", function()
      local path = directory { [name .. ".0"] = first.certificatePem }
      local configuration = Configuration.new { caPath = path }
      local before = assert(configuration:getSciSslContext())
      assert.are.equal("first", trust(before))
      assert.are.equal(before, (assert(configuration:getSciSslContext())))
      replace(second.certificatePem, path .. "/" .. name .. ".0")
      local after = assert(configuration:getSciSslContext())
      assert.are_not.equal(before, after)
      assert.are.same({ "second", "first" }, { trust(after), trust(before) })
    end)

    it("with a certificate behind a link, " .. way .. ", makes a new context", function()
      local target = pki.write(first.certificatePem)
      local path = directory()
      assert(os.execute(("ln -s %s %s/%s.0"):format(target, path, name)))
      local configuration = Configuration.new { caPath = path }
      assert.are.equal("first", trust(assert(configuration:getSciSslContext())))
      replace(second.certificatePem, target)
      assert.are.equal("second", trust(assert(configuration:getSciSslContext())))
    end)

    it("with a CRL " .. way .. " makes a new context", function()
      local path = directory { [name .. ".0"] = first.certificatePem, [name .. ".r0"] = lists.first }
      local configuration = Configuration.new { caPath = path, verifyFlags = "crl_check" }
      assert.are.equal("first", revocation(assert(configuration:getSciSslContext())))
      replace(lists.second, path .. "/" .. name .. ".r0")
      assert.are.equal("second", revocation(assert(configuration:getSciSslContext())))
    end)
  end

  it("with one certificate more, and with one less, makes a new context", function()
    local path = directory { [name .. ".0"] = first.certificatePem }
    local configuration = Configuration.new { caPath = path }
    assert.are.equal("first", trust(assert(configuration:getSciSslContext())))
    assert(os.rename(pki.write(second.certificatePem), path .. "/" .. name .. ".1"))
    assert.are.equal("first second", trust(assert(configuration:getSciSslContext())))
    assert(os.rename(path .. "/" .. name .. ".1", path .. "/" .. name .. ".0"))
    assert.are.equal("second", trust(assert(configuration:getSciSslContext())))
  end)

  it("that is gone is an error that names it", function()
    local path = directory { [name .. ".0"] = first.certificatePem }
    local configuration = Configuration.new { caPath = path }
    local before = assert(configuration:getSciSslContext())
    assert(os.execute("rm -r " .. path))
    refusals.refused("file_missing", "load", path, configuration:getSciSslContext())
    assert.are.equal("", trust(before)) -- what was never looked up is not there any more
  end)

  it("shares the context while names change that OpenSSL does not look for, in another directory", function()
    local path = directory { [name .. ".0"] = first.certificatePem }
    local elsewhere = pki.write("x")
    assert(os.execute(("ln -s %s %s/README"):format(elsewhere, path)))
    local configuration = Configuration.new { caPath = path }
    local before = assert(configuration:getSciSslContext())
    pki.write("another text", elsewhere:match "[^/]+$")
    assert.are.equal(before, (assert(configuration:getSciSslContext())))
  end)
end)

-- ---- the system's trust store: in a process of its own, whose environment names it

-- The child runs `program` with two more functions: trusts() tells whom a default context trusts, change(text, path).
local function in_environment(environment, program)
  local source = ([[
    local scissl = require "scissl"
    local first = { certificate = assert(scissl.SciSslX509Certificate.fromPemFile "%s"),
      key = assert(scissl.SciSslPrivateKey.fromPemFile "%s") }
    local ends = require "spec.support.ends"
    function trusts()
      local context, failure = scissl.SciSslSocketConfiguration.new { defaultTrust = true,
        verify = scissl.SSL_VERIFY_PEER }:getSciSslContext()
      if not context then return failure:condition() .. " " .. failure:subject() end
      local client, server = ends.pair { transport = "memory", client = context, server = { identity = first } }
      local answer = ends.handshake(client, server)
      return answer == 1 and "verified" or answer:condition()
    end
    function change(from, to) assert(os.rename(from, to)) end
    %s]]):format(first_server.certificateFile, first_server.keyFile, program)
  local peer <close> = ends.lua(source, nil, environment)
  return (peer:finish())
end

describe("The system's trust store", function()
  it("in another file than before (SSL_CERT_FILE) makes a new context", function()
    local path, other = pki.write(first.certificatePem), pki.write(second.certificatePem)
    local output = in_environment({ SSL_CERT_FILE = path }, ([[
      print(trusts())
      change("%s", "%s")
      print(trusts())
      os.remove "%s"
      print(trusts())
    ]]):format(other, path, path))
    assert.are.equal(("verified\ncertificate_unknown_issuer\nfile_missing SSL_CERT_FILE=%s\n"):format(path), output)
  end)

  it("in another directory than before (SSL_CERT_DIR) makes a new context", function()
    local path, other = directory { [name .. ".0"] = first.certificatePem }, directory()
    local output = in_environment({ SSL_CERT_DIR = path }, ([[
      print(trusts())
      change("%s/%s.0", "%s/other")
      print(trusts())
      change("%s", "%s.gone")
      print(trusts())
    ]]):format(path, name, other, path, path))
    assert.are.equal(("verified\ncertificate_unknown_issuer\nfile_missing SSL_CERT_DIR=%s\n"):format(path), output)
  end)

  it("may be in several directories, of which some are missing", function()
    local path = directory { [name .. ".0"] = first.certificatePem }
    assert.are.equal("verified\n",
      in_environment({ SSL_CERT_DIR = "/nowhere/a:" .. path .. ":" .. "/nowhere/b" }, "print(trusts())"))
    assert.are.equal("file_missing SSL_CERT_DIR=/nowhere/a:/nowhere/b\n",
      in_environment({ SSL_CERT_DIR = "/nowhere/a:/nowhere/b" }, "print(trusts())"))
  end)

  it("is named by its variable where it is missing", function()
    for _, variable in ipairs { "SSL_CERT_FILE", "SSL_CERT_DIR" } do
      assert.are.equal(("file_missing %s=/nowhere/x\n"):format(variable),
        in_environment({ [variable] = "/nowhere/x" }, "print(trusts())"))
    end
  end)

  it("is the usual one where a variable is empty", function()
    local program = [[
      local file, directories = getmetatable(require "scissl.core").defaultTrust()
      local context = assert(require "scissl".SciSslContext.new():useDefaultTrust())
      print(file, directories, context:describe().trustedCertificates)
    ]]
    local function run(environment, prefix)
      local peer <close> = ends.start(prefix .. ends.luaCommand(program, environment))
      return (peer:finish())
    end
    local usual = run({}, "env -u SSL_CERT_FILE -u SSL_CERT_DIR ")
    assert.truthy(usual:find "^/%S+\t/%S+\t%d+\n$", usual)
    assert.are.equal(usual, run({ SSL_CERT_FILE = "", SSL_CERT_DIR = "" }, ""))
  end)
end)

-- ---- where a context is asked for

local LONG = 30

describe("scissl.connect", function()
  it("refuses a server whose revocation has come into the file since the last connection", function()
    local list = pki.write(crl.make {})
    local peer <close> = ends.openssl(("-cert %s -key %s"):format(pki.server.certificateFile, pki.server.keyFile))
    local function connect()
      return scissl.connect { host = "localhost", port = peer.port, caFile = pki.ca.certificateFile, crlFile = list,
        timeout = LONG }
    end
    assert(connect()):close()
    assert(os.rename(pki.write(crl.make { revoked = { pki.server } }), list))
    refusals.refused("certificate_revoked", "connect", nil, connect())
  end)

  it("trusts the authorities that the file names now", function()
    local authorities = pki.write(pki.ca.certificatePem)
    local peer <close> = ends.openssl(("-cert %s -key %s"):format(pki.server.certificateFile, pki.server.keyFile))
    local function connect()
      return scissl.connect { host = "localhost", port = peer.port, caFile = authorities, timeout = LONG }
    end
    assert(connect()):close()
    assert(os.rename(pki.write(pki.otherCa.certificatePem), authorities))
    refusals.refused("certificate_unknown_issuer", "connect", nil, connect())
  end)
end)

local function shown_by(listener)
  local _, port = listener:getSockName()
  local connecting = { host = "127.0.0.1", port = port, serverName = "localhost", verify = false,
    waiter = "coroutine", timeout = LONG }
  local results = ends.run(
    function() return scissl.connect(connecting) end, function() return listener:accept(LONG) end)
  return assert(results[1][1], results[1][2]):peerCertificate()
end

describe("scissl.listen", function()
  it("shows the certificate that the file holds when it is called, and listeners of before theirs", function()
    local path = pki.write(owns.first)
    local options = { host = "127.0.0.1", port = 0, certificate = path, waiter = "coroutine" }
    local earlier <close> = assert(scissl.listen(options))
    assert(os.rename(pki.write(owns.second), path))
    local later <close> = assert(scissl.listen(options))
    assert.are.equal(first_server.certificate, shown_by(earlier))
    assert.are.equal(second_server.certificate, shown_by(later))
  end)

  it("takes a renewed certificate while it runs, by setContext", function()
    local path = pki.write(owns.first)
    local configuration = Configuration.new { certificate = path }
    local listener <close> = assert(scissl.listen { host = "127.0.0.1", port = 0, configuration = configuration,
      waiter = "coroutine" })
    assert(os.rename(pki.write(owns.second), path))
    assert.are.equal(first_server.certificate, shown_by(listener))
    listener:setContext(assert(configuration:getSciSslContext()))
    assert.are.equal(second_server.certificate, shown_by(listener))
  end)
end)

describe("A map of server names", function()
  it("takes what the same paths hold now, and keeps the earlier context where they hold nothing", function()
    local path = pki.write(owns.first)
    local hosts = assert(scissl.sni.new { localhost = { certificate = path } })
    local listener <close> = assert(scissl.listen { host = "127.0.0.1", port = 0, sni = hosts, waiter = "coroutine" })
    assert.are.equal(first_server.certificate, shown_by(listener))
    assert(os.rename(pki.write("garbage\n"), path))
    refusals.refused("not_pem", "load", path, hosts:set("localhost", { certificate = path }))
    assert.are.equal(first_server.certificate, shown_by(listener))
    assert(os.rename(pki.write(owns.second), path))
    assert(hosts:set("localhost", { certificate = path }))
    assert.are.equal(second_server.certificate, shown_by(listener))
  end)
end)

describe("A context whose files have changed", function()
  it("is let go when the new one is made", function()
    local path = pki.write(owns.first)
    local configuration = Configuration.new { certificate = path }
    local watched = setmetatable({}, { __mode = "k" })
    for i = 1, 3 do
      assert(os.rename(pki.write(owns.first .. ("x"):rep(i) .. "\n"), path))
      watched[assert(configuration:getSciSslContext())] = true
    end
    collectgarbage()
    collectgarbage()
    local alive = 0
    for _ in pairs(watched) do alive = alive + 1 end
    assert.are.equal(1, alive)
  end)

  it("is made anew at the next call where its passphrase function changes the file meanwhile", function()
    local path = pki.write(first_server.certificatePem .. first_server.key:toPem "secret")
    local changed = false
    local configuration = Configuration.new { certificate = path, passphrase = function()
      if not changed then
        changed = true
        assert(os.rename(pki.write(second_server.certificatePem .. second_server.key:toPem "secret"), path))
      end
      return "secret"
    end }
    assert.are.equal("first", own(assert(configuration:getSciSslContext())))
    assert.are.equal("second", own(assert(configuration:getSciSslContext())))
  end)
end)

describe("The file of keylogFile", function()
  it("is written, so that its change makes no new context", function()
    local path = pki.write("")
    local configuration = Configuration.new { keylogFile = path, ca = first.certificatePem }
    local before = assert(configuration:getSciSslContext())
    assert.are.equal("first", trust(before))
    assert.are.equal(before, (assert(configuration:getSciSslContext())))
  end)
end)

describe("Each field of a configuration that loads a file", function()
  it("is among the kinds above", function()
    local covered = { caPath = true, privateKey = true, privateKeyFilename = true, defaultTrust = true,
      keylogFile = true }
    for _, is in ipairs(kinds) do covered[is.name:match "^%w+"] = true end
    -- A field names a file where a path that leads nowhere is an error about a file.
    local missing, found = pki.folder() .. "/missing/file", 0
    for option in pairs(context_options.kinds {}) do
      local made, configuration = pcall(Configuration.new, { [option] = missing })
      if made then
        local context, failure = configuration:getSciSslContext()
        if not context and failure:condition():find "^file_" then
          found = found + 1
          assert.truthy(covered[option], option)
        end
      end
    end
    assert.is_true(found >= 8, found .. " fields")
  end)
end)
