--- spec/support/pki.lua: a certificate authority and certificates that it has signed, made once per process (EC P-256).
--
--    local pki = require "spec.support.pki"
--
--    pki.ca             the authority                     pki.otherCa      one that the specs do not trust
--    pki.server         localhost, 127.0.0.1, ::1         pki.client       CN=client
--    pki.wrongHost      server for elsewhere.example      pki.stranger     client, signed by otherCa
--    pki.expired        server, until yesterday           pki.strangeServer  server, signed by otherCa
--    pki.notYetValid    server, from tomorrow             pki.selfSigned   server, its own issuer
--    pki.expiredClient, pki.notYetValidClient, pki.selfSignedClient   the same for clients
--
-- Each is an identity, made at its first use:
--
--    .certificate .key            SciSslX509Certificate, SciSslPrivateKey
--    .certificatePem .keyPem      texts
--    .certificateFile .keyFile    paths of files with these texts
--
--    pki.makeAll()                makes all of them now, with their texts and files
--    pki.issue{ subject=, names=, issuer=, … }   another identity. Fields as for SciSslX509Certificate.issue, but
--                                 `issuer` is an identity (default pki.ca; false: self-signed) and `key` may be missing
--    pki.rsaKey()                 one of 2048 bits for a whole run: making it takes as long as hundreds of EC keys
--    pki.write(text[, name])      writes `text` into a file of the temporary folder; returns its path
--    pki.folder()                 that folder; it is removed when the process ends

local core = require "scissl.core"
local files = require "spec.support.files"

local pki = {}

local DAY = 24 * 60 * 60

-- ---- the temporary folder

local folder

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

function pki.folder()
  if not folder then
    local pipe = assert(io.popen("mktemp -d"))
    local path = pipe:read("l")
    pipe:close()
    assert(path and path ~= "", "mktemp -d made no folder")
    folder = path
    -- Collected when the state closes; the file counter below keeps it alive until then.
    pki.sweeper = setmetatable({}, { __gc = function() os.execute("rm -rf " .. quoted(path)) end })
  end
  return folder
end

local written = 0

function pki.write(text, name)
  written = written + 1
  local path = ("%s/%s"):format(pki.folder(), name or ("file%d"):format(written))
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
  return path
end

-- ---- keys

local rsa_key

-- The files of a run share the key by a file in the run's folder. Where two make it at once, each uses its own.
function pki.rsaKey()
  if rsa_key then return rsa_key end
  local run = os.getenv "SCISSL_RUN"
  local path = run and ("build/runs/%s/rsa.pem"):format(run)
  local text = path and files.read(path)
  rsa_key = assert(text and core.SciSslPrivateKey.fromPem(text) or core.SciSslPrivateKey.generate("RSA", 2048))
  if path and not text then files.replace(path, rsa_key:toPem(), pki.folder():match "[^/]+$") end
  return rsa_key
end

-- ---- identities

local made_when_asked = {
  certificatePem = function(identity) return identity.certificate:toPem() end,
  keyPem = function(identity) return identity.key:toPem() end,
  certificateFile = function(identity) return pki.write(identity.certificatePem) end,
  keyFile = function(identity) return pki.write(identity.keyPem) end,
}

local identity_meta = {
  __index = function(identity, field)
    local make = made_when_asked[field]
    if not make then return nil end
    local value = make(identity)
    identity[field] = value
    return value
  end,
}

function pki.issue(fields)
  local request = {}
  for name, value in pairs(fields) do request[name] = value end
  request.key = request.key or assert(core.SciSslPrivateKey.generate("EC", "P-256"))
  local issuer = request.issuer
  if issuer == nil then issuer = pki.ca end
  request.issuer = issuer and issuer.certificate or nil
  request.issuerKey = issuer and issuer.key or nil
  local certificate = assert(core.SciSslX509Certificate.issue(request))
  return setmetatable({ certificate = certificate, key = request.key }, identity_meta)
end

local local_names = { "localhost", "127.0.0.1", "::1" }

local function past(fields)
  fields.notBefore, fields.notAfter = os.time() - 10 * DAY, os.time() - DAY
  return fields
end

local function future(fields)
  fields.notBefore, fields.notAfter = os.time() + DAY, os.time() + 10 * DAY
  return fields
end

local function server(fields)
  fields.subject = "CN=localhost"
  fields.names = fields.names or local_names
  return fields
end

local function client(fields)
  fields.subject = "CN=client"
  return fields
end

local known = {
  ca = function() return { subject = "CN=scissl test authority", ca = true, issuer = false } end,
  otherCa = function() return { subject = "CN=another authority", ca = true, issuer = false } end,
  server = function() return server {} end,
  wrongHost = function() return { subject = "CN=elsewhere.example", names = { "elsewhere.example", "192.0.2.1" } } end,
  expired = function() return past(server {}) end,
  notYetValid = function() return future(server {}) end,
  selfSigned = function() return server { issuer = false } end,
  strangeServer = function() return server { issuer = pki.otherCa } end,
  client = function() return client {} end,
  stranger = function() return client { issuer = pki.otherCa } end,
  expiredClient = function() return past(client {}) end,
  notYetValidClient = function() return future(client {}) end,
  selfSignedClient = function() return client { issuer = false } end,
}

function pki.makeAll()
  for name in pairs(known) do
    local identity = pki[name]
    for field in pairs(made_when_asked) do assert(identity[field]) end
  end
end

return setmetatable(pki, {
  __index = function(_, name)
    local fields = known[name]
    if not fields then return nil end
    local identity = pki.issue(fields())
    rawset(pki, name, identity)
    return identity
  end,
})
