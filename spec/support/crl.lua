--- spec/support/crl.lua: certificate revocation lists, made with the program openssl.
--
--    local crl = require "spec.support.crl"
--
--    pem = crl.make{ issuer=, revoked=, lastUpdate=, nextUpdate= }
--        issuer      identity of spec/support/pki (default pki.ca)     revoked     list of identities
--        lastUpdate, nextUpdate   seconds since the epoch (an hour ago, in a day)
--    der = crl.toDer(pem)

local pki = require "spec.support.pki"

local crl = {}

local HOUR, DAY = 60 * 60, 24 * 60 * 60

local configuration = [[
[ca]
default_ca = own
[own]
database = %s
default_md = sha256
]]

local function asn1_time(seconds)
  return os.date("!%Y%m%d%H%M%SZ", seconds)
end

local function database(revoked)
  local lines = {}
  for i, identity in ipairs(revoked) do
    local serial = identity.certificate:serial()
    if #serial % 2 == 1 then serial = "0" .. serial end
    lines[i] = ("R\t%s\t%s\t%s\tunknown\t/CN=%d\n"):format(
      os.date("!%y%m%d%H%M%SZ", os.time() + DAY), os.date("!%y%m%d%H%M%SZ", os.time() - HOUR), serial, i)
  end
  return table.concat(lines)
end

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  assert(pipe:close(), output)
  return output
end

function crl.make(fields)
  fields = fields or {}
  local issuer, now = fields.issuer or pki.ca, os.time()
  local index = pki.write(database(fields.revoked or {}))
  local settings, answer = pki.write(configuration:format(index)), pki.write("")
  run(("openssl ca -gencrl -config %s -cert %s -keyfile %s -crl_lastupdate %s -crl_nextupdate %s -out %s"):format(
    settings, issuer.certificateFile, issuer.keyFile, asn1_time(fields.lastUpdate or now - HOUR),
    asn1_time(fields.nextUpdate or now + DAY), answer))
  local file <close> = assert(io.open(answer, "rb"))
  return file:read("a")
end

function crl.toDer(pem)
  local from, to = pki.write(pem), pki.write("")
  run(("openssl crl -in %s -outform DER -out %s"):format(from, to))
  local file <close> = assert(io.open(to, "rb"))
  return file:read("a")
end

return crl
