-- Bad files, keys, certificates and passphrases: each loader names the trouble, and its context stays as it was.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local judge = require "spec.support.judge"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local sockets = require "spec.support.sockets"

local SciSslContext, SciSslPrivateKey = scissl.SciSslContext, scissl.SciSslPrivateKey
local refused = refusals.refused

-- Both contexts, connected: what was good before must be good still.
local function connects(client, server)
  local near <close> = ends.connected { transport = "memory", client = client, server = server }
  local chain = near:peerChain()
  return chain[1], #chain
end

local function serves_as_before(server, chain_length)
  local certificate, count = connects(ends.clientContext(), server)
  assert.are.equal(pki.server.certificate, certificate)
  assert.are.equal(chain_length or 2, count) -- 2: with the authority, where the server knows it
end

local function trusts_as_before(client)
  assert.are.equal(pki.server.certificate, (connects(client, ends.serverContext())))
  local near, far = ends.pair { transport = "memory", client = client,
    server = { identity = pki.strangeServer } }
  refusals.failed("certificate_unknown_issuer", "connect", (ends.handshake(near, far)))
  near:close()
end

-- How each loader takes a file, what it wants to find there, and how to see that its context has not changed.
local loaders = {
  useCertificateFile = { wants = "certificate", context = ends.serverContext, unchanged = serves_as_before },
  useCertificateChainFile = { wants = "certificate", context = ends.serverContext, unchanged = serves_as_before },
  usePrivateKeyFile = { wants = "key", context = ends.serverContext, unchanged = serves_as_before },
  loadVerifyLocations = { wants = "certificate", context = ends.clientContext, unchanged = trusts_as_before },
}

local broken = "-----BEGIN %s-----\nAAAA\n-----END %s-----\n"

local function garbage(length)
  local bytes = {}
  for i = 1, length do bytes[i] = string.char((i * 167 + i // 7) % 256) end
  return table.concat(bytes)
end

-- Files that nobody can use, and the condition of each for a loader that wants a certificate, and one that wants a key.
local files = {
  { name = "a missing file", path = function() return pki.folder() .. "/missing.pem" end, "file_missing" },
  { name = "a path through a file", path = function() return pki.server.keyFile .. "/x.pem" end, "file_missing" },
  { name = "an empty path", path = function() return "" end, "file_missing" },
  { name = "a path that is too long", path = function() return ("x"):rep(5000) end, "file_unreadable" },
  { name = "an empty file", path = function() return pki.write("") end, "file_empty" },
  { name = "a directory", path = pki.folder, "file_directory" },
  { name = "an unreadable file", path = function()
    local path = sockets.path() -- which not even root can open
    assert(sockets.new("unix"):bind(path))
    return path
  end, "file_unreadable" },
  { name = "a file of garbage", path = function() return pki.write(garbage(4000)) end, "not_pem" },
  { name = "a file of NUL bytes", path = function() return pki.write(("\0"):rep(4000)) end, "not_pem" },
  { name = "a text", path = function() return pki.write("dear server,\n") end, "not_pem" },
  { name = "a certificate in DER", path = function() return pki.write(pki.client.certificate:toDer()) end, "not_pem",
    trusted = false },
  { name = "a key in DER", path = function() return pki.write(pki.client.key:toDer()) end, "not_pem",
    trusted = "not_certificate" },
  { name = "a damaged certificate", path = function() return pki.write(broken:gsub("%%s", "CERTIFICATE")) end,
    "malformed_certificate", "not_private_key" },
  { name = "a damaged key", path = function() return pki.write(broken:gsub("%%s", "PRIVATE KEY")) end,
    "not_certificate", "malformed_key" },
  { name = "a certificate that is cut off", path = function()
    return pki.write(pki.client.certificatePem:sub(1, 200))
  end, "malformed_certificate", "malformed_key" },
  { name = "a key that is cut off", path = function() return pki.write(pki.client.keyPem:sub(1, 60)) end,
    "malformed_certificate", "malformed_key" },
}

for loader, is in pairs(loaders) do
  describe(loader, function()
    for _, file in ipairs(files) do
      local condition = is.wants == "key" and file[2] or file[1]
      if loader == "loadVerifyLocations" and file.trusted ~= nil then condition = file.trusted end
      local test = condition and it or function() end -- trust may come in DER
      test(("answers %s for %s, by its name, and leaves the context as it was"):format(condition, file.name), function()
        local context, path = is.context(), file.path()
        refused(condition, "load", path, context[loader](context, path))
        is.unchanged(context)
      end)
    end

    it("answers file_unreadable for a file without permissions, and leaves the context as it was", function()
      local path = pki.write(pki.client.keyPem)
      assert(os.execute("chmod 0 " .. path))
      local file = io.open(path)
      if file then
        file:close()
        return pending("root can read every file")
      end
      local context = is.context()
      refused("file_unreadable", "load", path, context[loader](context, path))
      is.unchanged(context)
    end)

    it("raises for a path with a NUL byte, and for what is no path", function()
      local context = is.context()
      assert.error_matches(function() context[loader](context, pki.server.certificateFile .. "\0") end, "NUL byte")
      assert.error_matches(function() context[loader](context, {}) end, "bad argument #2 to")
      assert.error_matches(function() context[loader](context) end, "bad argument #2 to")
      is.unchanged(context)
    end)
  end)
end

describe("A certificate loader", function()
  for _, loader in ipairs { "useCertificateFile", "useCertificateChainFile", "loadVerifyLocations" } do
    it("says that a key was given for a certificate, " .. loader, function()
      local context = loaders[loader].context()
      refused("not_certificate", "load", pki.client.keyFile, context[loader](context, pki.client.keyFile))
      loaders[loader].unchanged(context)
    end)

    it("uses nothing of a file whose second certificate is damaged, " .. loader, function()
      local context = loaders[loader].context()
      local path = pki.write(pki.otherCa.certificatePem .. broken:gsub("%%s", "CERTIFICATE"))
      refused("malformed_certificate", "load", path, context[loader](context, path))
      loaders[loader].unchanged(context)
    end)
  end

  it("uses nothing of a chain whose issuer the security level forbids", function()
    local weak = pki.issue { subject = "CN=weak", ca = true, issuer = false,
      key = assert(SciSslPrivateKey.generate("RSA", 1024)) }
    local context = ends.serverContext()
    context:setSecurityLevel(2)
    local pem = pki.client.certificatePem .. weak.certificatePem
    local path = pki.write(pem)
    refused("security_level", "load", path, context:useCertificateChainFile(path))
    serves_as_before(context)
    refused("security_level", "load", nil, context:useCertificate(pem))
    serves_as_before(context)
  end)
end)

describe("usePrivateKeyFile", function()
  it("says that a certificate was given for a key", function()
    local context = ends.serverContext()
    local path = pki.server.certificateFile
    refused("not_private_key", "load", path, context:usePrivateKeyFile(path))
    serves_as_before(context)
  end)

  it("says that a public key was given for a key", function()
    local public = judge.openssl("pkey -pubout -in %s", pki.server.keyFile)
    local path = pki.write(public)
    refused("not_private_key", "load", path, ends.serverContext():usePrivateKeyFile(path))
  end)
end)

describe("loadVerifyLocations", function()
  for name, path in pairs { missing = "/missing", file = nil } do
    it("answers for a directory that is " .. name, function()
      local context = ends.clientContext()
      refused("file_missing", "load", pki.folder() .. path,
        context:loadVerifyLocations(nil, pki.folder() .. path))
      trusts_as_before(context)
    end)
  end

  it("answers file_not_directory for a file where a directory is due", function()
    local context = ends.clientContext()
    local path = pki.ca.certificateFile
    refused("file_not_directory", "load", path, context:loadVerifyLocations(nil, path))
    trusts_as_before(context)
  end)

  it("trusts nobody of a good file together with a bad directory", function()
    local context = ends.clientContext()
    local missing = pki.folder() .. "/missing"
    refused("file_missing", "load", missing, context:loadVerifyLocations(pki.otherCa.certificateFile, missing))
    trusts_as_before(context)
  end)

  it("trusts nobody of a good directory together with a bad file", function()
    local context = ends.clientContext()
    local folder, missing = pki.folder() .. "/hashed", pki.folder() .. "/missing.pem"
    assert(os.execute("mkdir -p " .. folder))
    local hash = judge.openssl("x509 -noout -subject_hash -in %s", pki.otherCa.certificateFile):match("%x+")
    pki.write(pki.otherCa.certificatePem, "hashed/" .. hash .. ".0")
    refused("file_missing", "load", missing, context:loadVerifyLocations(missing, folder))
    trusts_as_before(context)
  end)

  it("trusts nobody where the directory holds no certificates", function()
    local folder = pki.folder() .. "/empty"
    assert(os.execute("mkdir -p " .. folder))
    local context = ends.clientContext()
    assert.are.equal(context, context:loadVerifyLocations(nil, folder))
    trusts_as_before(context)
  end)

  it("raises where neither file nor directory is given", function()
    assert.error_matches(function() ends.clientContext():loadVerifyLocations() end,
      "bad argument #1 to 'loadVerifyLocations'")
    assert.error_matches(function() ends.clientContext():loadVerifyLocations(nil, nil) end,
      "bad argument #1 to 'loadVerifyLocations'")
  end)
end)

describe("addTrusted", function()
  for name, text in pairs {
    ["the empty string"] = "",
    ["a text"] = "dear client,\n",
  } do
    it("answers not_pem for " .. name, function()
      local context = ends.clientContext()
      refused("not_pem", "load", nil, context:addTrusted(text))
      trusts_as_before(context)
    end)
  end

  it("answers not_certificate for a key", function()
    local context = ends.clientContext()
    refused("not_certificate", "load", nil, context:addTrusted(pki.otherCa.keyPem))
    trusts_as_before(context)
  end)

  it("raises for objects of other classes", function()
    local context = ends.clientContext()
    for _, value in ipairs { pki.otherCa.key, context, {}, true } do
      assert.error_matches(function() context:addTrusted(value) end, "bad argument #1 to 'addTrusted'")
    end
    trusts_as_before(context)
  end)
end)

describe("SSL_CERT_FILE", function()
  local program = [[
    local scissl = require "scissl"
    local context = assert(scissl.SciSslContext.new())
    local answer, err = context:useDefaultTrust()
    print(answer == context, err and err:condition(), err and err:phase(), err and err:subject())
    local stream
    stream, err = scissl.connect { host = "127.0.0.1", port = 1, timeout = 5 }
    print(stream, err:condition(), err:phase(), err:subject())
  ]]

  local function run(path)
    local peer <close> = ends.lua(program, nil, { SSL_CERT_FILE = path })
    return (peer:finish())
  end

  for _, file in ipairs(files) do
    if file[1]:find("^file_") and file.name ~= "an empty path" then
      it(("answers %s for %s, by its name, where it is used"):format(file[1], file.name), function()
        local path = file.path()
        local expected = ("%s\tload\tSSL_CERT_FILE=%s\n"):format(file[1], path)
        assert.are.equal("false\t" .. expected .. "nil\t" .. expected, run(path))
      end)
    end
  end

  it("that can be read says nothing", function()
    assert.are.equal("true\tnil\tnil\tnil\nnil\tconnection_refused\tconnect\t127.0.0.1:1\n",
      run(pki.ca.certificateFile))
  end)

  it("of garbage is no trust, and no silence", function()
    local path = pki.write(garbage(4000))
    local expected = ("not_pem\tload\tSSL_CERT_FILE=%s\n"):format(path)
    assert.are.equal("false\t" .. expected .. "nil\t" .. expected, run(path))
  end)
end)

describe("PEM where DER is due, and the reverse,", function()
  local certificate, key = pki.client.certificate, pki.client.key

  it("is told for certificates", function()
    refused("not_der", "load", nil, scissl.SciSslX509Certificate.fromDer(certificate:toPem()))
    refused("not_pem", "load", nil, scissl.SciSslX509Certificate.fromPem(certificate:toDer()))
    refused("not_pem", "load", nil, ends.serverContext():useCertificate(certificate:toDer()))
  end)

  it("is told for keys", function()
    refused("not_der", "load", nil, SciSslPrivateKey.fromDer(key:toPem()))
    refused("not_pem", "load", nil, SciSslPrivateKey.fromPem(key:toDer()))
    refused("not_pem", "load", nil, ends.serverContext():usePrivateKey(key:toDer()))
  end)

  it("is told for sessions", function()
    local client <close> = ends.connected { version = "TLSv1.2" }
    local session = assert(client:getSession())
    refused("not_der", "load", nil, scissl.OSSslSession.fromDer(session:toPem()))
    refused("not_pem", "load", nil, scissl.OSSslSession.fromPem(session:toDer()))
  end)
end)

describe("The key of another certificate", function()
  it("is refused after the certificate, and the context stays as it was", function()
    local context = ends.serverContext()
    refused("key_mismatch", "load", pki.client.keyFile, context:usePrivateKeyFile(pki.client.keyFile))
    serves_as_before(context)
    refused("key_mismatch", "load", nil, context:usePrivateKey(pki.client.key))
    serves_as_before(context)
    refused("key_mismatch", "load", nil, context:usePrivateKey(pki.client.keyPem))
    serves_as_before(context)
  end)

  it("is refused before the certificate, and the right certificate is taken after that", function()
    for _, use in ipairs {
      function(context) return context:useCertificate(pki.client.certificate) end,
      function(context) return context:useCertificate(pki.client.certificatePem) end,
      function(context) return context:useCertificateFile(pki.client.certificateFile) end,
      function(context) return context:useCertificateChainFile(pki.client.certificateFile) end,
    } do
      local context = assert(SciSslContext.new())
      assert(context:usePrivateKey(pki.server.key))
      refused("key_mismatch", "load", nil, use(context))
      assert(context:useCertificate(pki.server.certificate))
      serves_as_before(context, 1)
    end
  end)

  it("is refused where it is of another kind #slow", function()
    local rsa = pki.rsaKey()
    local context = ends.serverContext()
    local answer, err = context:usePrivateKey(rsa)
    -- A second identity, of another kind, may begin with its key: then nothing of the first has changed.
    if answer then assert.are.equal(context, answer) else refused("key_mismatch", "load", nil, answer, err) end
    serves_as_before(context)
  end)
end)

describe("An encrypted key", function()
  local encrypted = pki.server.key:toPem("secret")
  local function fresh()
    local context = assert(SciSslContext.new())
    assert(context:useCertificate(pki.server.certificate))
    return context
  end

  local ways = {
    usePrivateKeyFile = function(context, ...) return context:usePrivateKeyFile(pki.write(encrypted), ...) end,
    usePrivateKey = function(context, ...) return context:usePrivateKey(encrypted, ...) end,
  }

  for name, use in pairs(ways) do
    it("is refused without its passphrase, and taken with it, " .. name, function()
      local context = fresh()
      refused("passphrase_missing", "load", nil, use(context))
      refused("passphrase_missing", "load", nil, use(context, nil))
      assert.are.equal(context, use(context, "secret"))
      serves_as_before(context, 1)
    end)

    it("is refused with a wrong passphrase, and the context stays as it was, " .. name, function()
      local context = ends.serverContext()
      for _, wrong in ipairs { "", "Secret", "secret ", ("x"):rep(1000), garbage(100) } do
        refused("passphrase_wrong", "load", nil, use(context, wrong))
      end
      refused("passphrase_too_long", "load", nil, use(context, ("x"):rep(100000)))
      serves_as_before(context)
    end)

    it("is refused where the passphrase function fails, with the reason for the cause, " .. name, function()
      local context = ends.serverContext()
      local reason = { "no passphrase today" }
      local err = refused("passphrase_function", "load", nil, use(context, function() error(reason) end))
      assert.are.equal(reason, err:cause())
      for _, rubbish in ipairs { 42, true, {}, print } do
        refused("passphrase_function", "load", nil, use(context, function() return rubbish end))
      end
      serves_as_before(context)
    end)

    it("is refused where the passphrase function closes the context, " .. name, function()
      local context = ends.serverContext()
      refused("closed", "load", nil, use(context, function()
        getmetatable(context).__close(context)
        return "secret"
      end))
    end)

    it("is refused where the passphrase function is another's hook into this context, " .. name, function()
      local context = ends.serverContext()
      assert.are.equal(context, use(context, function()
        refused("passphrase_wrong", "load", nil, use(context, "wrong"))
        return "secret"
      end))
      serves_as_before(context)
    end)

    it("raises for a passphrase that is neither string nor function, " .. name, function()
      local context = ends.serverContext()
      for _, rubbish in ipairs { 42, true, {} } do
        assert.error_matches(function() use(context, rubbish) end, "bad argument #2 to")
      end
      serves_as_before(context)
    end)
  end

  it("never shows its passphrase in the error", function()
    local context = ends.serverContext()
    local err = refused("passphrase_wrong", "load", nil, context:usePrivateKey(encrypted, "my-wrong-secret"))
    assert.is_nil(tostring(err):find("my-wrong-secret", 1, true))
    err = refused("passphrase_function", "load", nil, context:usePrivateKey(encrypted, function() return 987654321 end))
    assert.is_nil(tostring(err):find("987654321", 1, true))
  end)

  local program = [[
    local scissl = require "scissl"
    local path = assert(os.getenv "KEY_FILE")
    local file = assert(io.open(path))
    local pem = file:read("a")
    local context = assert(scissl.SciSslContext.new())
    local function tell(answer, err) io.write(answer and "read" or err:condition(), "\n") end
    tell(context:usePrivateKeyFile(path))
    tell(context:usePrivateKeyFile(path, "wrong"))
    tell(context:usePrivateKeyFile(path, function() end))
    tell(context:usePrivateKey(pem))
    tell(scissl.SciSslPrivateKey.fromPem(pem))
    tell(scissl.SciSslX509Certificate.fromPem(pem))
    tell(scissl.OSSslSession.fromPem(pem))
    tell(context:addTrusted(pem))
    tell(context:useCertificateFile(path))
  ]]

  local told = table.concat({ "passphrase_missing", "passphrase_wrong", "passphrase_function", "passphrase_missing",
    "passphrase_missing", "not_certificate", "not_session", "not_certificate", "not_certificate" }, "\n") .. "\n"

  local function run(format)
    local command = ends.luaCommand(program, { KEY_FILE = pki.write(encrypted) })
    local peer <close> = ends.start(format:format(command))
    return (peer:finish():gsub("\r", ""))
  end

  it("is never asked about where there is no terminal", function()
    if not ends.has "setsid" then return pending("setsid is not installed") end
    assert.are.equal(told, run("setsid -w %s"))
  end)

  it("is never asked about where standard input is closed", function()
    assert.are.equal(told, run("%s <&-"))
  end)

  it("is never asked about on a terminal", function()
    if not ends.has "script" then return pending("script (util-linux) is not installed") end
    local command = pki.write("exec " .. ends.luaCommand(program, { KEY_FILE = pki.write(encrypted) }) .. "\n")
    local peer <close> = ends.start(("script -qec 'sh %s' /dev/null </dev/null"):format(command))
    -- The terminal shows the end of its input in its own way.
    assert.are.equal(told, (peer:finish():gsub("\r", ""):gsub("^%^D[\b]*", "")))
  end)
end)
