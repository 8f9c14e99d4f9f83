--- The messages of a TLS connection in words, for people who watch it.
-- @module scissl.repl.narrate

local Hello = require "scissl.tls.client_hello"
local alert_words = require "scissl.base.alert_words"
local registry = require "scissl.tls.registry"
local utc = require "scissl.base.utc"

local narrate = {}

-- ---- reading the messages that are not encrypted

-- RFC 8446, section 4, and RFC 5246, section 7.4.
local message_types = {
  HelloRequest = 0, ClientHello = 1, ServerHello = 2, NewSessionTicket = 4, EndOfEarlyData = 5, EncryptedExtensions = 8,
  Certificate = 11, ServerKeyExchange = 12, CertificateRequest = 13, ServerHelloDone = 14, CertificateVerify = 15,
  ClientKeyExchange = 16, Finished = 20, CertificateStatus = 22, KeyUpdate = 24,
}

--- Returns whether the bytes are a complete handshake message of that name.
function narrate.isMessage(name, bytes)
  if #bytes < 4 then return false end
  local head = string.unpack(">I4", bytes)
  return head >> 24 == message_types[name] and head & 0xffffff == #bytes - 4
end

local function group_name(number)
  return registry.groups[number] or ("group 0x%04x"):format(number)
end

local RETRY = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" -- of RFC 8446, section 4.1.3
local ALPN, SUPPORTED_VERSIONS, KEY_SHARE, PRE_SHARED_KEY = 16, 43, 51, 41

local function cipher_name(id)
  return registry.ciphers "name"[id] or ("suite 0x%04x"):format(id)
end

-- The contents of a ServerHello; nil where its bytes are unknown.
local function read_server_hello(payload)
  if not payload then return nil end
  local version, random, session, cipher, _, position = string.unpack(">I2c32s1I2B", payload, 5)
  local hello = {
    version = version, cipher = cipher_name(cipher), session = session, retry = random:sub(1, #RETRY) == RETRY,
  }
  if position > #payload then return hello end
  local extensions = string.unpack(">s2", payload, position)
  position = 1
  while position <= #extensions do
    local kind, data
    kind, data, position = string.unpack(">I2s2", extensions, position)
    if kind == SUPPORTED_VERSIONS then hello.version = string.unpack(">I2", data) end
    if kind == KEY_SHARE then hello.group = group_name((string.unpack(">I2", data))) end
    if kind == PRE_SHARED_KEY then hello.resumes = true end
    if kind == ALPN then hello.alpn = string.unpack(">s1", data, 3) end
  end
  return hello
end

-- ---- words

local version_words = {
  ["TLSv1.3"] = "TLS 1.3", ["TLSv1.2"] = "TLS 1.2", ["TLSv1.1"] = "TLS 1.1", TLSv1 = "TLS 1.0", SSLv3 = "SSL 3",
}

local function plural(count, word)
  return ("%d %s%s"):format(count, word, count == 1 and "" or "s")
end

local function either(list)
  if #list < 2 then return list[1] or "none" end
  return table.concat(list, ", ", 1, #list - 1) .. " or " .. list[#list]
end

local SESSION_TICKET = 35

local function offers_session(hello, versions)
  if hello:offersPreSharedKey() then return true end
  local ticket = hello:extension(SESSION_TICKET)
  return ticket and ticket ~= "" or versions[1] ~= "TLS 1.3" and hello:sessionId() ~= ""
end

local words = {}

function words.ClientHello(event)
  local hello = event.record and Hello.fromRecords(event.record)
  if not hello then return "what the client supports" end
  event.session = hello:sessionId()
  local versions, shares, alpn = hello:versions(), hello:keyShares(), hello:alpn()
  for i, version in ipairs(versions) do versions[i] = version_words[version] or version end
  local name = hello:serverName()
  local parts = { either(versions), name and "SNI " .. name or "no SNI", plural(#hello:cipherSuites(), "suite") }
  if shares[1] then parts[#parts + 1] = "key share for " .. table.concat(shares, " and ") end
  if alpn[1] then parts[#parts + 1] = "ALPN " .. either(alpn) end
  if offers_session(hello, versions) then parts[#parts + 1] = "offers to resume a session" end
  if hello:offersEarlyData() then parts[#parts + 1] = "early data follows" end
  return table.concat(parts, ", ")
end

-- Up to TLS 1.2 a server that resumes repeats the client's session id; in TLS 1.3 it always does.
local function resumes(hello, event)
  if hello.version == 0x304 then return hello.resumes end
  return hello.session ~= "" and hello.session == event.offered
end

function words.ServerHello(event)
  local hello = read_server_hello(event.payload)
  if not hello then return "what the server has chosen" end
  if hello.retry then return "a retry: it needs a key share for " .. (hello.group or "another group") end
  local parts = { hello.version == 0x304 and "TLS 1.3" or version_words[event.version] or "an older version" }
  parts[#parts + 1] = hello.cipher
  if hello.group then parts[#parts + 1] = "key share for " .. hello.group end
  if hello.alpn then parts[#parts + 1] = "ALPN " .. hello.alpn end
  if resumes(hello, event) then parts[#parts + 1] = "resumes the session" end
  return table.concat(parts, ", ")
end

-- A message with nothing but the reply to the server name has at most this many bytes.
local NOTHING_ELSE = 10

--- Returns whether the words become better after the handshake.
function narrate.isUnsettled(event)
  return event.name == "EncryptedExtensions" and event.length > NOTHING_ELSE
end

function words.EncryptedExtensions(event, socket)
  local protocol = socket:alpnProtocol()
  local more = protocol and "ALPN " .. protocol or event.length > NOTHING_ELSE and "further settings"
  return "encrypted from here on; " .. (more or "no further settings")
end

function words.CertificateRequest() return "asks the client for a certificate" end

local EMPTY = 8 -- a Certificate message without a certificate has at most so many bytes

function words.Certificate(event, socket)
  local certificate = event.length > EMPTY and socket:localCertificate()
  if not certificate then return "none: this end has no certificate" end
  local text = ("%s, signed by %s, valid until %s"):format(certificate:subject(),
    certificate:subject() == certificate:issuer() and "itself" or certificate:issuer(),
    utc.day(certificate:notAfter()))
  local more = #socket:localChain() - 1
  return more > 0 and ("%s, and %s above it"):format(text, plural(more, "certificate")) or text
end

function words.CertificateVerify(_, socket)
  local certificate = socket:localCertificate()
  local kind = certificate and certificate:keyType() or "private"
  return ("signed with that certificate's %s key"):format(kind)
end

local NAMED_CURVE = 3

function words.ServerKeyExchange(event)
  local payload = event.payload
  if payload and #payload > 7 and payload:byte(5) == NAMED_CURVE then
    local group = group_name((string.unpack(">I2", payload, 6)))
    return ("key share for %s, signed with that key"):format(group)
  end
  return "the server's share of the key exchange"
end

function words.ServerHelloDone() return "the client continues" end

function words.ClientKeyExchange() return "the client's key share: both ends can compute the keys now" end

function words.ChangeCipherSpec(event)
  if event.version == "TLSv1.3" then return "has no meaning in TLS 1.3; sent for old middleboxes" end
  return "encrypted from here on"
end

function words.Finished() return "a digest of all messages: it shows that none was changed" end

function words.NewSessionTicket(_, socket)
  local session = socket:getSession()
  local seconds = session and session:timeout()
  return "the client can resume with it" .. (seconds and (", for %d seconds"):format(seconds) or "")
end

function words.CertificateStatus() return "the OCSP response of the certificate's issuer" end
function words.EndOfEarlyData() return "end of the early data" end
function words.KeyUpdate() return "new keys for everything that this end sends from here on" end
function words.HelloRequest() return "asks the client to renegotiate" end

--- Returns what a message means.
-- @tparam table event as `SciSslSocket:traceEvents` returns it, with its `payload` and `record` where they are not
--  encrypted, and the session id that the client has `offered`; receives the `session` id of a ClientHello
-- @tparam SciSslSocket socket whose message it is
-- @treturn string
function narrate.words(event, socket)
  if event.kind == "alert" then return "alert: " .. alert_words.meaning(event.name) end
  local describe = words[event.name]
  return describe and describe(event, socket) or "scissl has no explanation of it"
end

local SHOWN = 44

--- Returns how application data is shown: its beginning, without control characters.
function narrate.data(bytes)
  local text = bytes:sub(1, SHOWN):gsub("[^\32-\126]", function(byte)
    return ({ ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" })[byte] or ("\\x%02x"):format(byte:byte())
  end)
  return ('"%s"%s'):format(text, #bytes > SHOWN and " …" or "")
end

-- ---- lines

local WIDTH, NAME, LENGTH = 80, 19, 5
local INDENT = (" "):rep(2 + NAME + 1 + LENGTH + 2)

-- Cuts a text into lines; a word that is too long for a line has its own.
local function wrap(text, width)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    if line ~= "" and #line + 1 + #word > width then lines[#lines + 1], line = line, "" end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line
  return lines
end

narrate.wrap = wrap

-- The other end chooses some of the words.
local function harmless(text)
  return (text:gsub("[%c\127]", "?"))
end

local message_line = ("  %%-%ds %%%dd  %%s"):format(NAME, LENGTH)

local function add_message(lines, message)
  local text = harmless(message.words)
  local parts = message.kind == "data" and { text } or wrap(text, WIDTH - #INDENT)
  lines[#lines + 1] = message_line:format(message.name, message.length, parts[1])
  for i = 2, #parts do lines[#lines + 1] = INDENT .. parts[i] end
end

-- The arrows are one column wide, and three bytes long.
local heads = { client = "client → server        bytes", server = "client ← server        bytes" }

--- Returns messages as lines for a person: a head for each flight, then its messages.
-- @tparam {table,...} said
-- @tparam integer first the first of them to show
-- @treturn {string,...}
function narrate.lines(said, first)
  local lines, before = {}, nil
  for i = first, #said do
    local message = said[i]
    if message.from ~= before then lines[#lines + 1] = heads[message.from] end
    before = message.from
    add_message(lines, message)
  end
  return lines
end

return narrate
