--- Makes a SciSslDatagramListener: `scissl.datagram.listen`.
-- @module scissl.datagram.listen

local core = require "scissl.core"
local Listener = require "scissl.datagram.listener"
local contexts = require "scissl.server.contexts"
local context_options = require "scissl.tls.context_options"
local inner = require "scissl.datagram.listener_parts"
local datagram_options = require "scissl.datagram.datagram_options"
local new_peers = require "scissl.datagram.peers"
local new_turns = require "scissl.datagram.turns"
local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"

local SciSocket, SciSslError = core.SciSocket, core.SciSslError

local HANDSHAKE_SECONDS, IDLE_SECONDS = 30, 300
local MAX_CERT_LIST = 32768 -- bytes of the certificates of a client
local MAX_PEERS, MAX_HANDSHAKES, MAX_FROM_ONE, MAX_MESSAGES = 10000, 1000, 250, 64

local own_options = {
  host = "string",
  port = "port",
  reusePort = "boolean",
  socket = "integer|table|userdata",
  timeout = "seconds",
  handshakeTimeout = "seconds",
  idleTimeout = "seconds",
  maxPeers = "count",
  maxHandshakes = "count",
  maxHandshakesFromOne = "count",
  maxMessages = "count",
  verify = "string|integer",
  psk = "psks|function",
  sni = "table",
  onClientHello = "callable",
  onCertificate = "callable",
  onVerify = "callable",
  waiter = "string|callable",
}
for name, kind in pairs(datagram_options.kinds) do own_options[name] = kind end
local known_options = context_options.kinds(own_options)
known_options.ocsp = nil -- for clients

-- ---- contexts

-- The contexts of server names that are described by fields are those of DTLS.
local function with_versions(given)
  local sni = given.sni
  if not sni or getmetatable(sni) then return given end
  given.sni = {}
  for name, value in pairs(sni) do
    local described = type(value) == "table" and not getmetatable(value) and not value.version
    if described then
      local copy = { version = given.version or "DTLS" }
      for field, one in pairs(value) do copy[field] = one end
      value = copy
    end
    given.sni[name] = value
  end
  return given
end

-- Returns what `contexts.make` returns.
local function make_contexts(given, level)
  local made, failure = contexts.make("scissl.datagram.listen", with_versions(given), level + 1)
  if not made then return nil, failure end
  local fit = datagram_options.isForDatagrams(made.context)
  for _, context in pairs(made.sni and made.sni.contexts or {}) do
    fit = fit and datagram_options.isForDatagrams(context)
  end
  if fit then return made end
  return nil, SciSslError.new { phase = "listen", condition = "not_dtls" }
end

local function bind(given)
  local host = given.host or "*"
  local addresses, failure = SciSocket.resolve(host == "*" and "0.0.0.0" or host, given.port)
  if not addresses then return nil, failure end
  local plain
  plain, failure = SciSocket.newDatagramSocket(addresses[1].family)
  if not plain then return nil, failure end
  local done = true
  if given.reusePort then done, failure = plain:setSockOpt("SO_REUSEPORT", true) end
  if done then done, failure = plain:bind(addresses[1].address, addresses[1].port) end
  if done then return plain end
  plain:close()
  return nil, failure
end

local function open(given)
  local plain, failure
  if given.socket then plain, failure = SciSocket.on(given.socket) else plain, failure = bind(given) end
  if not plain then return nil, failure end
  if not plain:isDatagram() then return nil, SciSslError.new { phase = "adopt", condition = "not_datagrams" } end
  local done
  done, failure = plain:setBlocking(false)
  if done then return plain end
  plain:close()
  return nil, failure
end

local function check_place(given)
  if given.socket and (given.port or given.host) then
    error("options 'socket' and 'port' to 'scissl.datagram.listen' exclude each other", 3)
  end
  if not (given.socket or given.port) then error("option 'port' to 'scissl.datagram.listen' is missing", 3) end
end

--- Receives from many peers of DTLS on one UDP socket. A peer has to show by a cookie that it receives at its address
-- before anything is kept of it.
-- @function scissl.datagram.listen
-- @tparam table given options:
--
-- * `port` (needed): number; 0: the system chooses one; or the name of a service
-- * `host`: name or address of this machine; `"*"` (default): all IPv4 addresses; `"::"`: all addresses
-- * `socket`: in place of `host` and `port`, a bound datagram socket, as `SciSocket.on` takes it
-- * `reusePort`: true: other processes may bind the same address and port (SO_REUSEPORT)
-- * `certificate`, `privateKey`, `passphrase`, `pkcs12`, `certificates`: the server's own. Needed, unless `psk`
-- * `psk`: keys by identities, or a function that finds them (see `SciSslContext:setPskServer`). Without `cipherList`
--   the cipher suites are those with authenticated encryption, and without DHE. What CoAP demands of small devices,
--   TLS_PSK_WITH_AES_128_CCM_8, needs `cipherList = "PSK-AES128-CCM8:@SECLEVEL=0"` on both sides
-- * `sni`, `onClientHello`, `onCertificate`, `onVerify`: as for `scissl.listen`; the contexts are of DTLS. A handler is
--   called while the server works, and the other peers wait for it
-- * `caFile`, `caPath`, `ca`, `trustUri`, `verify`: certificates of clients, as for `scissl.listen`
-- * `version`: `"DTLS"` (default), `"DTLSv1.2"` or `"DTLSv1"`
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, whose version is one of DTLS, in place
--   of all fields of one
-- * `sessionTimeout`: as in SciSslSocketConfiguration
-- * `timeout`: seconds for each `receive` of the associations; without it there is no limit
-- * `handshakeTimeout`: seconds for each handshake (30)
-- * `idleTimeout`: seconds without a message of the peer after which an association ends, with the condition `idle`
--   (300; `math.huge`: never). Datagrams that anyone can have sent do not count
-- * `maxPeers`: associations at a time (10,000); more are not begun
-- * `maxHandshakes`: handshakes that may be unfinished at a time (1,000); beyond that, the oldest one ends
--   (`too_many_handshakes`)
-- * `maxHandshakesFromOne`: those from one network: 24 bits of an IPv4 address, or 64 bits of an IPv6 address (250)
-- * `maxMessages`: messages of a peer that may wait for `receive` (64); more are dropped
-- * `mtu` (a number), `retransmission`: as for `scissl.datagram.connect`
-- * `waiter`: how to wait (see `scissl.wait`)
--
-- @treturn[1] SciSslDatagramListener
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`: a file or setting was rejected; `host_not_found`, `address_in_use` …
-- @raise for unknown options and wrong types, a missing certificate, and `verify` without a CA
return function(given)
  given = options.read("scissl.datagram.listen", given, known_options, 2)
  check_place(given)
  local waiter = wait.find(given.waiter, 2)
  given = datagram_options.forServer(given)
  local made, failure = make_contexts(given, 2)
  if not made then return nil, failure end
  local plain
  plain, failure = open(given)
  if not plain then return nil, failure end
  local listener = {
    plain = plain, waiter = waiter, timeout = given.timeout, fresh = {}, first = 1, last = 0,
    given = made.given, context = made.context, sni = made.sni, onClientHello = made.onClientHello,
  }
  listener.peers = new_peers {
    plain = plain, context = made.context, listener = listener, handlers = {
      onClientHello = made.onClientHello, onCertificate = given.onCertificate, onVerify = given.onVerify,
    }, waiter = waiter, timeout = given.timeout,
    handshakeTimeout = given.handshakeTimeout or HANDSHAKE_SECONDS, idleTimeout = given.idleTimeout or IDLE_SECONDS,
    maxPeers = given.maxPeers or MAX_PEERS, maxHandshakes = given.maxHandshakes or MAX_HANDSHAKES,
    maxHandshakesFromOne = given.maxHandshakesFromOne or MAX_FROM_ONE,
    maxCertList = not given.context and MAX_CERT_LIST or nil, -- a context has its own
    mayAsk = given.onClientHello ~= nil, -- for a certificate
    inboxSize = given.maxMessages or MAX_MESSAGES, mtu = given.mtu, retransmission = given.retransmission,
    onAccept = function(host, port) return inner.mayBegin(listener, host, port) end,
    onEnd = function(association, carried) inner.noteEnd(listener, association, carried) end,
    onMessage = function(association) inner.noteMessage(listener, association) end,
    onAssociation = function(association) inner.noteAssociation(listener, association) end,
    onFailure = function(failed, association) inner.noteFailure(listener, failed, association) end,
  }
  listener.turns = new_turns(listener.peers, waiter)
  return setmetatable(listener, Listener)
end
