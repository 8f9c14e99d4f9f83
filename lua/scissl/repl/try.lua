--- A server and a client to play with, in one process.
-- @module scissl.repl.try

local core = require "scissl.core"
local Configuration = require "scissl.tls.configuration"
local Conversation = require "scissl.repl.conversation"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"

local Certificate, PrivateKey, SciSslSocket = core.SciSslX509Certificate, core.SciSslPrivateKey, core.SciSslSocket

local DAY = 24 * 60 * 60

-- ---- certificates

local function issue(fields)
  fields.key = assert(PrivateKey.generate "EC")
  return assert(Certificate.issue(fields)), fields.key
end

local names = { "localhost", "127.0.0.1", "::1" }

-- The kinds of the server's certificate.
local kinds = {
  good = function() return { subject = "CN=localhost", names = names } end,
  expired = function()
    local now = os.time()
    return { subject = "CN=localhost", names = names, notBefore = now - 10 * DAY, notAfter = now - DAY }
  end,
  wrongHost = function() return { subject = "CN=elsewhere.example", names = { "elsewhere.example" } } end,
  selfSigned = function() return { subject = "CN=localhost", names = names, alone = true } end,
}

local Pieces = { __name = "SciSslTryPieces" }
Pieces.__index = Pieces

function Pieces:__tostring()
  if getmetatable(self) ~= Pieces then receiver.check(self, Pieces.__name, "__tostring") end
  local present = {}
  for name in pairs(self) do present[#present + 1] = name end
  table.sort(present)
  return "SciSslTryPieces: " .. table.concat(present, ", ")
end

local function make_server_certificate(pieces, kind)
  local fields = kinds[kind]()
  if not fields.alone then fields.issuer, fields.issuerKey = pieces.ca, pieces.caKey end
  fields.alone = nil
  pieces.serverCertificate, pieces.serverKey = issue(fields)
end

-- ---- contexts

local function make_context(fields, more)
  for name, value in pairs(more or {}) do fields[name] = value end
  return assert(Configuration.new(fields):getSciSslContext())
end

local function make_pieces(given)
  local pieces = setmetatable({}, Pieces)
  pieces.ca, pieces.caKey = issue { subject = "CN=throw-away CA", ca = true }
  make_server_certificate(pieces, given.certificate or "good")
  local client = { version = given.version, alpn = given.alpn, verify = core.SSL_VERIFY_PEER,
    ca = given.trust ~= false and pieces.ca or nil }
  if given.verify == false then client.verify = core.SSL_VERIFY_NONE end
  local server = { version = given.version, alpn = given.alpn, certificate = pieces.serverCertificate,
    privateKey = pieces.serverKey }
  if given.clientCertificate ~= nil then
    server.ca = pieces.ca
    server.verify = core.SSL_VERIFY_PEER | core.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
  end
  if given.clientCertificate then
    pieces.clientCertificate, pieces.clientKey = issue { subject = "CN=client", issuer = pieces.ca,
      issuerKey = pieces.caKey }
    client.certificate, client.privateKey = pieces.clientCertificate, pieces.clientKey
  end
  pieces.clientContext = make_context(client, given.client)
  pieces.serverContext = make_context(server, given.server)
  return pieces
end

-- ---- the two ends

local known_options = {
  version = "string",
  certificate = "string",
  clientCertificate = "boolean",
  trust = "boolean",
  verify = "boolean",
  serverName = "string|false",
  alpn = "strings",
  client = "table",
  server = "table",
  pieces = "SciSslTryPieces",
  session = "OSSslSession",
  step = "string",
  trace = "boolean",
}

local made_with_pieces = {
  "version", "certificate", "clientCertificate", "trust", "verify", "alpn", "client", "server",
}

local function check(given)
  given = options.read("scissl.try", given, known_options, 3)
  if given.certificate and not kinds[given.certificate] then
    error(("bad option 'certificate' to 'scissl.try' ('good', 'expired', 'wrongHost' or 'selfSigned' expected, "
      .. "got '%s')"):format(given.certificate), 3)
  end
  if given.step and given.step ~= "flight" and given.step ~= "message" then
    error(("bad option 'step' to 'scissl.try' ('flight' or 'message' expected, got '%s')"):format(given.step), 3)
  end
  for _, name in ipairs(given.pieces and made_with_pieces or {}) do
    if given[name] ~= nil then
      error(("options 'pieces' and '%s' to 'scissl.try' exclude each other"):format(name), 3)
    end
  end
  return given
end

local function initialize(socket)
  assert(socket:sslInitialize())
  return assert(socket:sslTrace(true))
end

--- Makes a CA for this test, and a client and a server that are connected within this process.
-- Call `c:sslConnect()`, `c:sslGetError(-1)`, `s:sslAccept()` and so on in turn, and look at `c:trace()`. The bytes
-- move by themselves: each call first receives what the other end has sent.
-- @function scissl.try
-- @tparam[opt] table given options:
--
-- * `version`: the only protocol version of both, such as `"TLSv1.2"`
-- * `alpn`: list of the application protocols of both
-- * `step`: `"flight"` (default): a call receives all that the other end has sent; `"message"`: one message of it, so
--   that you repeat the call for each message
-- * `trace`: true: prints each message when it is sent
-- * `certificate`: the kind of the server's certificate: `"good"` (default), `"expired"`, `"wrongHost"`, `"selfSigned"`
-- * `trust`: false: the client does not trust the CA
-- * `verify`: false: the client verifies nothing
-- * `clientCertificate`: true: the server requires a certificate, and the client has one; false: the server requires
--   one, and the client has none
-- * `serverName`: the name that the client asks for and verifies (`"localhost"`); false: none
-- * `client`, `server`: further fields of a SciSslSocketConfiguration for each
-- * `session`: an OSSslSession for the client to resume
-- * `pieces`: the third value of an earlier call, so that the server knows the session
--
-- @treturn SciSslTrySocket the client: all methods of a SciSslSocket, and `trace`
-- @treturn SciSslTrySocket the server
-- @treturn SciSslTryPieces the parts of both: `ca`, `caKey`, `serverCertificate`, `serverKey`, `clientContext`,
--  `serverContext`, and perhaps `clientCertificate`, `clientKey`
-- @raise for unknown options and settings that OpenSSL rejects
-- @usage
-- > c, s = scissl.try()
-- > c:sslConnect()      --> -2
-- > c:sslGetError(-1)   --> 2, which is scissl.SSL_ERROR_WANT_READ
-- > s:sslAccept()
-- > c:trace()
return function(given)
  given = check(given or {})
  local pieces = given.pieces or make_pieces(given)
  local client = initialize(assert(SciSslSocket.onMemory(pieces.clientContext)))
  local server = initialize(assert(SciSslSocket.onMemory(pieces.serverContext)))
  local name = given.serverName
  if name == nil then name = "localhost" end
  if name then
    assert(client:sslSetServerName(name))
    assert(client:sslSetVerifyHost(name))
  end
  if given.session then assert(client:setSession(given.session)) end
  local near, far = Conversation.new(client, server, { step = given.step, live = given.trace, write = print })
  return near, far, pieces
end
