--- What a client offers in its ClientHello, parsed from the received bytes: OpenSSL skips what it does not know, and a
-- fingerprint needs it.
-- @classmod SciSslClientHello

local core = require "scissl.core"
local hexadecimal = require "scissl.base.hexadecimal"
local receiver = require "scissl.base.receiver"
local registry = require "scissl.tls.registry"

local Hello = { __name = "SciSslClientHello" }
Hello.__index = Hello

-- ---- numbers of RFC 8446 and IANA's registries

local EXTENSION = {
  serverName = 0, groups = 10, pointFormats = 11, signatureAlgorithms = 13, alpn = 16, preSharedKey = 41,
  earlyData = 42, versions = 43, keyShares = 51,
}

-- Reserved values that clients send so that servers keep ignoring unknown ones (RFC 8701).
local function is_grease(number)
  return number & 0x0f0f == 0x0a0a and number >> 8 == number & 0xff
end

-- ---- reading

local HANDSHAKE, CLIENT_HELLO = 22, 1

-- The ClientHello in the records; nil where there is none, or only a part. However small the records are, the pieces
-- are joined twice at most.
local function message_of(records)
  local parts, position, have, needed = {}, 1, 0, nil
  while position + 5 <= #records and records:byte(position) == HANDSHAKE do
    local fragment, after = string.unpack(">s2", records, position + 3)
    parts[#parts + 1], position, have = fragment, after, have + #fragment
    if not needed and have >= 4 then
      local head = string.unpack(">I4", table.concat(parts))
      if head >> 24 ~= CLIENT_HELLO then return nil end
      needed = 4 + (head & 0xffffff)
    end
    if needed and have >= needed then return table.concat(parts):sub(5, needed) end
  end
end

-- The same of DTLS, which is one record with the whole message; and true: it has a cookie.
local function datagram_message_of(records)
  local content = string.unpack(">s2", records, 12)
  local kind, length, offset, size = string.unpack(">B I3 xx I3 I3", content)
  local message = content:sub(13)
  if records:byte() ~= HANDSHAKE or kind ~= CLIENT_HELLO or offset ~= 0 or size ~= length then return nil end
  if #message >= length then return message:sub(1, length), true end
end

local function numbers(bytes)
  local list = {}
  for i = 1, #bytes - 1, 2 do list[#list + 1] = string.unpack(">I2", bytes, i) end
  return list
end

local function extensions_of(bytes)
  local list, position = {}, 1
  while position <= #bytes do
    local kind, data
    kind, data, position = string.unpack(">I2s2", bytes, position)
    list[#list + 1] = { type = kind, data = data }
  end
  return list
end

local function parse(message, has_cookie)
  local version, random, session, position = string.unpack(">I2c32s1", message)
  if has_cookie then position = select(2, string.unpack(">s1", message, position)) end
  local ciphers, compression
  ciphers, compression, position = string.unpack(">s2s1", message, position)
  return {
    version = version,
    randomBytes = random,
    session = session,
    ciphers = numbers(ciphers),
    compression = { compression:byte(1, -1) },
    list = position <= #message and extensions_of((string.unpack(">s2", message, position))) or {},
  }
end

--- Parses the records that hold a ClientHello.
-- @function SciSslClientHello.fromRecords
-- @tparam string records see `SciSslSocket:clientHelloRecords`
-- @treturn[1] SciSslClientHello
-- @treturn[2] nil
-- @treturn[2] SciSslError condition `malformed_hello`
function Hello.fromRecords(records)
  local message_in = type(records) == "string" and records:byte(2) == 254 and datagram_message_of or message_of
  local good, hello = pcall(function() return parse(assert(message_in(records))) end)
  if good then return setmetatable(hello, Hello) end
  return nil, core.SciSslError.new { phase = "accept", condition = "malformed_hello" }
end

-- The result of `reader` for an extension's bytes; `missing` where the extension is missing or malformed.
local function extension_as(hello, kind, missing, reader)
  local data = hello:extension(kind)
  if not data then return missing end
  local good, value = pcall(reader, data)
  if good then return value end
  return missing
end

local function number_list(hello, kind, length_format)
  return extension_as(hello, kind, {}, function(data) return numbers((string.unpack(length_format, data))) end)
end

-- ---- what the client offers

local function named(list, names)
  local texts = {}
  for i, number in ipairs(list) do
    texts[i] = is_grease(number) and "GREASE" or names[number] or ("0x%04x"):format(number)
  end
  return texts
end

--- Returns the host name that the client asks for (SNI).
-- @function SciSslClientHello:serverName
-- @treturn ?string as received; nil where the client sends none
-- @see RFC 6066, section 3
function Hello:serverName()
  return extension_as(self, EXTENSION.serverName, nil, function(data)
    local list = string.unpack(">s2", data)
    local kind, name = string.unpack(">Bs2", list)
    return kind == 0 and name or nil
  end)
end

--- Returns the application protocols that the client offers, most preferred first.
-- @function SciSslClientHello:alpn
-- @treturn {string,...}
-- @see RFC 7301
function Hello:alpn()
  return extension_as(self, EXTENSION.alpn, {}, function(data)
    local list, names, position = string.unpack(">s2", data), {}, 1
    while position <= #list do names[#names + 1], position = string.unpack(">s1", list, position) end
    return names
  end)
end

local function version_numbers(hello)
  local list = number_list(hello, EXTENSION.versions, ">s1")
  return list[1] and list or { hello.version }
end

--- Returns the protocol versions that the client offers, most preferred first. Clients without TLS 1.3 send only their
-- highest.
-- @function SciSslClientHello:versions
-- @treturn {string,...} `"TLSv1.3"`, `"TLSv1.2"` …, `"GREASE"`, or the number in hexadecimal
function Hello:versions()
  return named(version_numbers(self), registry.versions)
end

--- Returns the cipher suites, most preferred first.
-- @function SciSslClientHello:cipherSuites
-- @treturn {string,...} the names of the RFCs; `"GREASE"`; `"0x…"` for those that this OpenSSL does not know
function Hello:cipherSuites()
  return named(self.ciphers, registry.ciphers "standardName")
end

--- Returns the numbers of the cipher suites, most preferred first.
-- @function SciSslClientHello:cipherSuiteIds
-- @treturn {integer,...}
function Hello:cipherSuiteIds()
  return table.move(self.ciphers, 1, #self.ciphers, 1, {})
end

--- Returns the groups for the key exchange, most preferred first.
-- @function SciSslClientHello:groups
-- @treturn {string,...} such as `"x25519"`; `"GREASE"`; `"0x…"`
function Hello:groups()
  return named(number_list(self, EXTENSION.groups, ">s2"), registry.groups)
end

--- Returns the groups for which the client has sent a key share (TLS 1.3).
-- @function SciSslClientHello:keyShares
-- @treturn {string,...}
function Hello:keyShares()
  return extension_as(self, EXTENSION.keyShares, {}, function(data)
    local list, groups, position = string.unpack(">s2", data), {}, 1
    while position <= #list do
      local group, _, after = string.unpack(">I2s2", list, position)
      groups[#groups + 1], position = group, after
    end
    return named(groups, registry.groups)
  end)
end

--- Returns the signature algorithms that the client accepts, most preferred first.
-- @function SciSslClientHello:signatureAlgorithms
-- @treturn {string,...} the names of RFC 8446, section 4.2.3; `"GREASE"`; `"0x…"`
function Hello:signatureAlgorithms()
  return named(number_list(self, EXTENSION.signatureAlgorithms, ">s2"), registry.signatures)
end

--- Returns the session id. In TLS 1.3 it has no meaning.
-- @function SciSslClientHello:sessionId
-- @treturn string raw bytes, 0 to 32
function Hello:sessionId()
  return self.session
end

--- Returns the client's random.
-- @function SciSslClientHello:random
-- @treturn string 32 raw bytes
function Hello:random()
  return self.randomBytes
end

--- Returns the compression methods; today null (0) alone.
-- @function SciSslClientHello:compressionMethods
-- @treturn {integer,...}
function Hello:compressionMethods()
  return table.move(self.compression, 1, #self.compression, 1, {})
end

--- Tells whether the client sends early data (TLS 1.3).
-- @function SciSslClientHello:offersEarlyData
-- @treturn boolean
function Hello:offersEarlyData()
  return self:extension(EXTENSION.earlyData) ~= nil
end

--- Tells whether the client offers to resume a session, or another pre-shared key (TLS 1.3).
-- @function SciSslClientHello:offersPreSharedKey
-- @treturn boolean
function Hello:offersPreSharedKey()
  return self:extension(EXTENSION.preSharedKey) ~= nil
end

--- Returns all extensions, in the order in which the client sent them.
-- @function SciSslClientHello:extensions
-- @treturn {table,...} `type` (integer) and `data` (string, raw bytes)
function Hello:extensions()
  local copy = {}
  for i, one in ipairs(self.list) do copy[i] = { type = one.type, data = one.data } end
  return copy
end

--- Returns the data of one extension.
-- @function SciSslClientHello:extension
-- @tparam integer kind its number in the registry of TLS extensions
-- @treturn ?string raw bytes; nil where the client did not send it
function Hello:extension(kind)
  for _, one in ipairs(self.list) do
    if one.type == kind then return one.data end
  end
end

-- ---- fingerprints

local function without_grease(list)
  local kept = {}
  for _, number in ipairs(list) do
    if not is_grease(number) then kept[#kept + 1] = number end
  end
  return kept
end

local function extension_types(hello)
  local types = {}
  for i, one in ipairs(hello.list) do types[i] = one.type end
  return without_grease(types)
end

--- Returns the text whose digest is the JA3 fingerprint: version, cipher suites, extensions, groups and point formats.
-- @function SciSslClientHello:ja3Text
-- @treturn string such as `"771,4865-4866,0-10-11,29-23,0"`
function Hello:ja3Text()
  local formats = extension_as(self, EXTENSION.pointFormats, {}, function(data)
    return { string.unpack(">s1", data):byte(1, -1) }
  end)
  local parts = {
    without_grease(self.ciphers), extension_types(self),
    without_grease(number_list(self, EXTENSION.groups, ">s2")), formats,
  }
  for i, part in ipairs(parts) do parts[i] = table.concat(part, "-") end
  return ("%d,%s"):format(self.version, table.concat(parts, ","))
end

--- Returns the JA3 fingerprint of the client: the same for all connections of one client program.
-- @function SciSslClientHello:ja3
-- @treturn ?string 32 hexadecimal digits; nil where OpenSSL has no MD5
function Hello:ja3()
  local digest = core.digest("MD5", self:ja3Text())
  return digest and hexadecimal(digest)
end

local function hex_list(list)
  local texts = {}
  for i, number in ipairs(list) do texts[i] = ("%04x"):format(number) end
  return texts
end

local function short_digest(text)
  if text == "" then return ("0"):rep(12) end
  return hexadecimal(core.digest("SHA256", text)):sub(1, 12)
end

local ja4_versions = {
  [0x304] = "13", [0x303] = "12", [0x302] = "11", [0x301] = "10", [0x300] = "s3",
  [0xfeff] = "d1", [0xfefd] = "d2", [0xfefc] = "d3",
}

local function alpn_ends(hello)
  local name = hello:alpn()[1]
  if not name or name == "" then return "00" end
  local first, last = name:sub(1, 1), name:sub(-1)
  if first:find "%w" and last:find "%w" then return first .. last end
  local digits = hexadecimal(name)
  return digits:sub(1, 1) .. digits:sub(-1)
end

--- Returns a fingerprint in the manner of JA4: its beginning is readable, and it does not depend on the order of the
-- extensions, which browsers shuffle.
-- @function SciSslClientHello:ja4
-- @treturn string such as `"t13d1516h2_8daaf6152771_e5627efa2ab1"`
function Hello:ja4()
  local versions = without_grease(version_numbers(self))
  local datagrams = self.version >> 8 == 0xfe -- the numbers of DTLS become less
  local highest = (datagrams and math.min or math.max)(self.version, table.unpack(versions))
  local ciphers, kinds = without_grease(self.ciphers), extension_types(self)
  local head = ("%s%s%s%02d%02d%s"):format(datagrams and "d" or "t", ja4_versions[highest] or "00",
    self:serverName() and "d" or "i", math.min(#ciphers, 99), math.min(#kinds, 99), alpn_ends(self))
  local cipher_texts, others = hex_list(ciphers), {}
  table.sort(cipher_texts)
  for _, kind in ipairs(kinds) do
    if kind ~= EXTENSION.serverName and kind ~= EXTENSION.alpn then others[#others + 1] = kind end
  end
  local other_texts = hex_list(others)
  table.sort(other_texts)
  local signatures = hex_list(without_grease(number_list(self, EXTENSION.signatureAlgorithms, ">s2")))
  local tail = table.concat(other_texts, ",")
  if tail ~= "" and signatures[1] then tail = tail .. "_" .. table.concat(signatures, ",") end
  return ("%s_%s_%s"):format(head, short_digest(table.concat(cipher_texts, ",")), short_digest(tail))
end

function Hello:__tostring()
  return ("SciSslClientHello: %s, %s, %s"):format(self:serverName() or "no server name",
    table.concat(self:versions(), " "), self:ja4())
end

return receiver.guard(Hello, { fromRecords = true })
