-- Tests a server, one connection after the other, and returns a table of the results.
local scissl = require "scissl"

local function merge(first, second)
  local all = {}
  for name, value in pairs(first) do all[name] = value end
  for name, value in pairs(second) do all[name] = value end
  return all
end

local GIVES_UP = 3 -- time-outs after which the test ends

-- Opens a connection for one test. The server was verified before.
local function open(target, options)
  if target.silent >= GIVES_UP then return nil end
  local base = { host = target.host, port = target.port, timeout = target.timeout, verify = false }
  local stream, failure = scissl.connect(merge(base, options))
  if failure and failure:condition() == "timeout" then target.silent = target.silent + 1 end
  return stream
end

-- ---- certificates

local DAY = 24 * 60 * 60

-- On systems of 32 bits, os.date raises for times after 2038.
local function day(seconds)
  local known, text = pcall(os.date, "!%Y-%m-%d", seconds)
  return seconds and (known and text or "after 2038")
end

local function describe_certificate(certificate)
  local names = {}
  for i, one in ipairs(certificate:subjectAltNames() or {}) do names[i] = tostring(one.value) end
  local before, after = certificate:notBefore(), certificate:notAfter()
  return {
    subject = certificate:subject() or "",
    issuer = certificate:issuer() or "",
    names = names,
    notBefore = day(before),
    notAfter = day(after),
    daysLeft = after and (after - os.time()) // DAY,
    keyType = certificate:keyType(),
    keyBits = certificate:keyBits(),
    keyGroup = certificate:keyGroup(),
    signatureAlgorithm = certificate:signatureAlgorithm(),
    serial = certificate:serial(),
    sha256 = certificate:fingerprint(),
    spkiPin = certificate:spkiPin(),
    selfSigned = certificate:isSelfSigned(),
    timestamps = #(certificate:signedCertificateTimestamps() or {}),
  }
end

local function describe_chain(certificates)
  local chain = {}
  for i, certificate in ipairs(certificates) do chain[i] = describe_certificate(certificate) end
  return chain
end

-- ---- the first connection: the server's identity, and whether it can be trusted

local function verified(target, options, report)
  local began = scissl.SciSocket.now()
  local stream, failure = scissl.connect(merge({
    host = target.host, port = target.port, timeout = target.timeout, caFile = target.caFile,
    echConfigs = target.ech, echRetry = false,
    onVerify = function(_, verdict)
      report.verifyResult, report.verifyText = verdict.code, verdict.text
      report.trusted, report.chain = verdict.ok, describe_chain(verdict.chain or {})
      return true -- continue the test; the report has the verification error
    end,
    onCertificate = function(_, issuers)
      report.clientCertificate = { asked = true, issuers = issuers }
    end,
  }, options))
  report.milliseconds = (scissl.SciSocket.now() - began) * 1000
  return stream, failure
end

-- Settings that a server may need before it responds at all, tried one after the other.
local ways = {
  { ocsp = "request", alpn = { "h2", "http/1.1" } },
  { alpn = { "http/1.1" } },
  {},
  { minProtocol = "TLSv1", cipherList = "ALL", securityLevel = 0 },
}

local no_use = { -- trying other settings cannot help
  host_not_found = true, connection_refused = true, host_unreachable = true, timeout = true, not_tls = true,
  plain_http = true, bad_host_name = true, file_missing = true, not_pem = true,
}

local function describe_verdict(report)
  local code = report.verifyResult
  if not code or code == scissl.X509_V_OK then return end
  local hint = scissl.SciSslError.new { phase = "verify", verifyResult = code }:errorHint()
  report.why = hint:gsub("^[^:]*: ", "")
end

local function describe_ocsp(stream)
  if not stream:ocspResponse() then return { stapled = false } end
  local result, failure = stream:sslVerifyOcsp()
  if not result then return { stapled = true, problem = failure:errorHint() } end
  return { stapled = true, status = result.status, thisUpdate = day(result.thisUpdate),
    nextUpdate = day(result.nextUpdate) }
end

-- Hides the name with the keys that the server names in place of those that were given: `report.echKeys` is "outdated"
-- then, and "rejected" where it names none, or where its certificate is not for its public name.
local function hidden(target, options, report)
  local stream, failure = verified(target, options, report)
  if stream or failure:condition() ~= "ech_rejected" then return stream, failure end
  target.ech = failure:data()
  report.echKeys = target.ech and "outdated" or "rejected"
  return verified(target, options, report)
end

local function first_look(target, report)
  local stream, failure, reason
  for _, way in ipairs(ways) do
    stream, failure = hidden(target, way, report)
    if stream then break end
    reason = reason or failure
    if failure:condition() == "certificate_revoked" then report.revoked = true end
    if no_use[failure:condition()] then break end
  end
  describe_verdict(report)
  if not stream then
    report.failure = { condition = reason:condition(), hint = reason:errorHint() }
    return false
  end
  local socket <close> = stream
  report.address = stream:getPeerName()
  report.version = stream:version()
  report.cipher = stream:cipher():name()
  report.group = stream:socket():negotiatedGroup()
  if target.ech then report.hidden = stream:echStatus() end
  report.signature = stream:socket():peerSignatureScheme()
  report.ocsp = describe_ocsp(stream)
  if report.revoked then
    report.trusted, report.ocsp = false, { stapled = true, status = "revoked" }
    report.why = "the server itself staples the proof that its certificate was revoked"
  end
  return socket ~= nil
end

-- ---- what else the server accepts

local protocols = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" }

local function takes(target, options)
  local stream = open(target, options)
  if not stream then return nil end
  local facts = {
    version = stream:version(), cipher = stream:cipher():name(), alpn = stream:alpnProtocol(),
    group = stream:socket():negotiatedGroup(),
  }
  stream:close()
  return facts
end

local function known_ciphers(of_13)
  local names = {}
  for _, cipher in ipairs(scissl.SciSslCipher.known()) do
    if (cipher:version() == "TLSv1.3") == of_13 then names[#names + 1] = cipher:name() end
  end
  return names
end

local function cipher_options(version, names)
  local list = table.concat(names, ":")
  if version == "TLSv1.3" then return { version = version, ciphersuites = list, securityLevel = 0 } end
  return { version = version, cipherList = list, securityLevel = 0 }
end

-- Offers all, removes what the server has chosen, and offers the rest, until the server chooses none.
local function ciphers_of(target, version)
  local left, found = known_ciphers(version == "TLSv1.3"), {}
  while left[1] do
    local facts = takes(target, cipher_options(version, left))
    if not facts then break end
    found[#found + 1] = facts.cipher
    local rest = {}
    for _, name in ipairs(left) do
      if name ~= facts.cipher then rest[#rest + 1] = name end
    end
    if #rest == #left then break end
    left = rest
  end
  return found
end

-- Offers the first and the last of the list in reverse order, to see whether the server follows the client's order.
local function whose_order(target, version, found)
  if #found < 2 then return nil end
  local facts = takes(target, cipher_options(version, { found[#found], found[1] }))
  return facts and (facts.cipher == found[1] and "server" or "client")
end

local function ask_protocols(target, report)
  report.protocols = {}
  for i, version in ipairs(protocols) do
    local ciphers = ciphers_of(target, version)
    report.protocols[i] = {
      version = version,
      accepted = ciphers[1] ~= nil,
      ciphers = ciphers,
      order = whose_order(target, version, ciphers),
    }
  end
end

local groups = { "X25519MLKEM768", "X25519", "P-256", "X448", "P-521", "P-384", "ffdhe2048", "ffdhe3072" }

local function ask_groups(target, report)
  report.groups = {}
  if not report.group then return end
  for _, name in ipairs(groups) do
    local facts = takes(target, { groups = name, version = report.version, securityLevel = 0 })
    if facts and facts.group then report.groups[#report.groups + 1] = facts.group end
  end
end

-- A client that sends random bytes in place of an encrypted ClientHello learns the keys of a server that decrypts them.
local function ask_ech(target, report)
  if not scissl.features.ECH then return end
  local stream = open(target, { options = "ech_grease", minProtocol = "TLSv1.3" })
  if not stream then return end
  report.ech = { accepted = stream:echStatus().status == "grease_retry" }
  stream:close()
end

local function ask_alpn(target, report)
  report.alpn = {}
  for _, name in ipairs { "h2", "http/1.1" } do
    local facts = takes(target, { alpn = { name } })
    if facts and facts.alpn == name then report.alpn[#report.alpn + 1] = name end
  end
end

local TICKETS, GLANCE = 1, 0.05 -- seconds that the tickets of TLS 1.3 may take, and that one look for them takes

-- In TLS 1.3 tickets arrive after the handshake, and only a read receives them.
local function await_session(stream)
  local deadline = scissl.SciSocket.now() + TICKETS
  stream:settimeout(GLANCE)
  while scissl.SciSocket.now() < deadline do
    local session = stream:getSession()
    if session and session:isResumable() then return end
    local _, failure = stream:read(0)
    if failure and failure:condition() ~= "timeout" then return end
  end
end

local function resumes(target, version)
  local sessions = scissl.sessions.memory.new()
  local again = { sessions = sessions, version = version, securityLevel = 0, cipherList = "ALL" }
  local first = open(target, again)
  if not first then return nil end
  await_session(first)
  first:close()
  local second = open(target, again)
  if not second then return nil end
  local session = second:getSession()
  local facts = { version = version, resumed = second:isSessionReused(),
    lifetime = session and session:ticketLifetime(), earlyData = session and session:maxReplayableData() or 0 }
  second:close()
  return facts
end

local function ask_resumption(target, report)
  report.resumption = {}
  for _, protocol in ipairs(report.protocols) do
    if protocol.accepted then
      report.resumption[#report.resumption + 1] = resumes(target, protocol.version)
    end
  end
end

-- ---- warnings

local function note(report, text, ...)
  report.attention[#report.attention + 1] = text:format(...)
end

local SOON = 30 -- days

local function look_at_chain(report)
  for i, certificate in ipairs(report.chain or {}) do
    local left = certificate.daysLeft
    if left and left >= 0 and left < SOON and i == 1 then note(report, "The certificate expires in %d days.", left) end
    if certificate.keyType == "RSA" and (certificate.keyBits or 0) < 2048 then
      note(report, "%s has an RSA key of %d bits; 2048 bits is the safe minimum.", certificate.subject,
        certificate.keyBits)
    end
    local weak = certificate.signatureAlgorithm:upper():find "SHA1$" or certificate.signatureAlgorithm:find "MD5"
    if weak and not certificate.selfSigned then
      note(report, "%s is signed with %s, which can be forged.", certificate.subject, certificate.signatureAlgorithm)
    end
  end
end

local ciphers_by_name = {}
for _, cipher in ipairs(scissl.SciSslCipher.known()) do ciphers_by_name[cipher:name()] = cipher end

local function count_ciphers(protocol, test)
  local count = 0
  for _, name in ipairs(protocol.ciphers) do
    if test(ciphers_by_name[name]) then count = count + 1 end
  end
  return count
end

local function is_anonymous(cipher) return cipher:authentication():find "null" ~= nil end

local lasting = { rsa = true, psk = true } -- key exchanges that use the same key each time

local function look_at_ciphers(report, protocol)
  local lasts = count_ciphers(protocol, function(cipher) return lasting[cipher:keyExchange()] end)
  local anonymous = count_ciphers(protocol, is_anonymous)
  local plain = count_ciphers(protocol, function(cipher) return cipher:bits() < 112 end)
  local version = protocol.version:gsub("^TLSv", "TLS ")
  if lasts > 0 then
    note(report, "In %s, ciphers without forward secrecy: %d. Recorded connections can be decrypted with the key.",
      version, lasts)
  end
  if anonymous > 0 then note(report, "In %s, ciphers without authentication: %d.", version, anonymous) end
  if plain > 0 then note(report, "In %s, ciphers that are weak or encrypt nothing: %d.", version, plain) end
end

local function look_at_protocols(report)
  local modern = false
  for _, protocol in ipairs(report.protocols) do
    local version, old = protocol.version, protocol.version == "TLSv1" or protocol.version == "TLSv1.1"
    if protocol.accepted and old then
      local name = version == "TLSv1" and "TLS 1.0" or "TLS 1.1"
      note(report, "It still accepts %s, which must not be used any more (RFC 8996).", name)
    end
    look_at_ciphers(report, protocol)
    if version == "TLSv1.3" then modern = protocol.accepted end
  end
  if not modern then note(report, "It does not accept TLS 1.3.") end
end

local function look(target, report)
  report.attention = {}
  look_at_chain(report)
  look_at_protocols(report)
  if target.silent > 0 then
    note(report, "It did not respond in time to some of the tests: the report may be incomplete.")
  end
  local resumed = false
  for _, one in ipairs(report.resumption) do resumed = resumed or one.resumed end
  if not resumed then note(report, "It resumes no sessions: each connection makes a full handshake.") end
end

return function(target)
  local report = { host = target.host, port = target.port, trusted = false, time = os.date "!%Y-%m-%dT%H:%M:%SZ" }
  target.silent = 0
  if not first_look(target, report) then return report end
  ask_protocols(target, report)
  ask_groups(target, report)
  ask_alpn(target, report)
  ask_ech(target, report)
  ask_resumption(target, report)
  look(target, report)
  return report
end
