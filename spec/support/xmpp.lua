--- spec/support/xmpp.lua: a client of an XMPP server, word by word.
--
--    local xmpp = require "spec.support.xmpp"
--
--    text = xmpp.plain(xml)                     equal for XML that says the same: in order of the alphabet, without ids
--    options = xmpp.options(port[, given])      for scissl.connect to a port that has TLS from the beginning
--    text = xmpp.header(to[, { namespace=, from= }])     what begins a stream
--    text = xmpp.ask(stream, text, mark)        sends the text; what is received up to the mark, and with it
--    stream, features, proceed = xmpp.startTls(port[, { namespace=, from=, tls= }])
--    outcome, nonce = xmpp.scram(stream, password[, binding[, kind]])    authenticates "user" by SCRAM-SHA-1, with the
--                                               channel binding of this kind (default: "tls-unique") where its value is
--                                               given: "success" or "failure"
--    stream = xmpp.login(server)                a session of "user" on a server of spec.support.prosody, by direct TLS

local pki = require "spec.support.pki"
local prosody = require "spec.support.prosody"
local scissl = require "scissl"

local xmpp = {}

local SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
local TIMEOUT = 30

-- Attributes that are others each time.
local CHANGING = { id = true, sid = true, authid = true }

local function sort_attributes(inside)
  local attributes = {}
  for name, _, value in inside:gmatch "([%w:_-]+)=(['\"])(.-)%2" do
    attributes[#attributes + 1] = ("%s='%s'"):format(name, CHANGING[name] and "" or value)
  end
  table.sort(attributes)
  return table.concat(attributes, " ")
end

-- What XML says: its tags and texts in order of the alphabet, since Prosody makes attributes, features and mechanisms
-- of tables whose order is another in each process.
function xmpp.plain(text)
  local parts = {}
  for tag, content in ("<>" .. text):gmatch "<([^>]*)>([^<]*)" do
    local name, inside = tag:match "^([^%s]*)%s*(.*)$"
    parts[#parts + 1] = (("<%s %s> %s"):format(name or "", sort_attributes(inside or ""), content))
  end
  table.sort(parts)
  return table.concat(parts, "\n")
end

function xmpp.options(port, given)
  local made = { host = "127.0.0.1", port = port, serverName = "localhost", caFile = pki.ca.certificateFile,
    timeout = TIMEOUT }
  for name, value in pairs(given or {}) do made[name] = value end
  return made
end

function xmpp.header(to, given)
  given = given or {}
  return ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='%s'%s " ..
    "xmlns:stream='http://etherx.jabber.org/streams'>"):format(to, given.namespace or "jabber:client",
    given.from and (" from='%s'"):format(given.from) or "")
end

function xmpp.ask(stream, text, mark)
  assert(stream:write(text))
  local said, found = stream:readUntil(mark, 1 << 16, true)
  return (said or "") .. (found or "")
end

function xmpp.startTls(port, given)
  local stream = assert(scissl.plain.connect { host = "127.0.0.1", port = port, timeout = TIMEOUT })
  local features = xmpp.ask(stream, xmpp.header("localhost", given), "</stream:features>")
  local proceed = xmpp.ask(stream, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", ">")
  local tls = { host = "localhost", caFile = pki.ca.certificateFile }
  for name, value in pairs(given and given.tls or {}) do tls[name] = value end
  assert(stream:startTls(tls))
  return stream, features, proceed
end

-- ---- authentication (RFC 5802), with channel binding

local function exclusive_or(a, b)
  local bytes = {}
  for i = 1, #a do bytes[i] = string.char(a:byte(i) ~ b:byte(i)) end
  return table.concat(bytes)
end

function xmpp.scram(stream, password, binding, kind)
  local hashes, base64 = prosody.util "hashes", prosody.util "encodings".base64
  local mechanism = binding and "SCRAM-SHA-1-PLUS" or "SCRAM-SHA-1"
  local begin = binding and ("p=%s,,"):format(kind or "tls-unique") or "n,,"
  local bare = "n=user,r=abcdefgh"
  local challenge = xmpp.ask(stream, ("<auth xmlns='%s' mechanism='%s'>%s</auth>"):format(SASL, mechanism,
    base64.encode(begin .. bare)), "</challenge>")
  local first = base64.decode(challenge:match ">([^<]+)</challenge>")
  local nonce, salt, rounds = first:match "^r=([^,]*),s=([^,]*),i=(%d+)"
  local salted = hashes.pbkdf2_hmac_sha1(password, base64.decode(salt), tonumber(rounds))
  local key = hashes.hmac_sha1(salted, "Client Key")
  local final = ("c=%s,r=%s"):format(base64.encode(begin .. (binding or "")), nonce)
  local signed = hashes.hmac_sha1(hashes.sha1(key), bare .. "," .. first .. "," .. final)
  local proof = base64.encode(exclusive_or(key, signed))
  local answer = xmpp.ask(stream, ("<response xmlns='%s'>%s</response>"):format(SASL,
    base64.encode(("%s,p=%s"):format(final, proof))), ">")
  local outcome = answer:match "<(%a+)"
  stream:readUntil(("</%s>"):format(outcome), 1 << 16, true)
  return outcome, nonce:sub(1, 8)
end

--- Its resource is "here", and it is there for messages.
function xmpp.login(server)
  local host = server.host
  local stream = assert(scissl.connect(xmpp.options(server.port.direct, { serverName = host })))
  xmpp.ask(stream, xmpp.header(host), "</stream:features>")
  assert(xmpp.scram(stream, "secret") == "success")
  xmpp.ask(stream, xmpp.header(host), "</stream:features>")
  assert(stream:write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" ..
    "<resource>here</resource></bind></iq><presence/>" ..
    "<iq type='get' id='p' to='" .. host .. "'><ping xmlns='urn:xmpp:ping'/></iq>"))
  assert(stream:readUntil("<iq [^>]*id='p'[^>]*>", 1 << 16))
  return stream
end

return xmpp
