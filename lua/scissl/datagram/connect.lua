--- A client of DTLS.
-- @module scissl.datagram.connect

local core = require "scissl.core"
local Association = require "scissl.datagram.association"
local client = require "scissl.client.client_options"
local context_options = require "scissl.tls.context_options"
local datagram_options = require "scissl.datagram.datagram_options"
local handshake = require "scissl.tls.handshake_loop"
local options = require "scissl.base.option_table"
local resolve = require "scissl.client.resolve"
local wait = require "scissl.loop.wait"

local SciSslSocket = core.SciSslSocket

local LONGEST, USUAL = 65507, 1232 -- bytes of a datagram
local PATH = 16384 -- at most, where the path says how many
local COOKIE = 64 -- bytes that a ClientHello with a cookie has more
local ANY = { inet = "0.0.0.0", inet6 = "::" }

-- Where nothing can be reached at an address, the next one is tried. One that is silent takes the whole time.
local tried_again = { connection_refused = true, host_unreachable = true, address_not_available = true }

-- Bytes of a datagram for the peer that a socket is connected to.
local function longest_to(socket, mtu)
  if math.type(mtu) == "integer" then return mtu end
  return mtu == "path" and math.min(socket:pathMtu() or USUAL, PATH) or USUAL
end

-- A server that keeps nothing of a client before its cookie drops a ClientHello in several datagrams, and a ticket that
-- holds the certificate of a client may be long. Then the handshake is a full one.
local function leave_out_long_session(run, socket)
  local given = run.given
  if not given.session then return true end
  local trial <close> = SciSslSocket.onMemory(run.context)
  if not (client.prepare(trial, run) and trial:sslSetMtu(LONGEST)) then return true end
  trial:sslConnect()
  if #trial:sslDrain() + COOKIE > longest_to(socket, given.mtu) then given.session = nil end
  return true
end

local function prepare(run, address)
  local socket, failure = SciSslSocket.new(run.context, address.family)
  if not socket then return nil, failure end
  local given, ready = run.given, true
  if not socket:isDatagram() then
    ready, failure = nil, core.SciSslError.new { phase = "connect", condition = "not_dtls" }
  end
  if ready and (given.localAddress or given.localPort) then
    ready, failure = socket:bind(given.localAddress or ANY[address.family], given.localPort or 0)
  end
  if ready then ready, failure = socket:connect(address.address, address.port) end
  if ready then ready = leave_out_long_session(run, socket) end
  if ready then ready, failure = client.prepare(socket, run) end
  if ready then ready, failure = datagram_options.apply(socket, given) end
  if ready then return socket end
  socket:close()
  return nil, failure
end

local function handlers_of(given)
  if not (given.onCertificate or given.onVerify) then return nil end
  return { onCertificate = given.onCertificate, onVerify = given.onVerify }
end

local function try(run, address)
  local socket, failure = prepare(run, address)
  if not socket then return nil, failure end
  local done
  done, failure = handshake(socket, "connect", run.waiter, run.timeout, run.deadline, handlers_of(run.given))
  if done then return socket end
  socket:close()
  return nil, failure
end

local function connect(run)
  local addresses, failure = resolve.find(run, run.family)
  if not addresses then return nil, failure end
  local socket
  for _, address in ipairs(addresses) do
    socket, failure = try(run, address)
    if socket or not tried_again[failure:condition()] then break end
  end
  if not socket then return nil, failure end
  return setmetatable({ socket_ = socket, waiter = run.waiter, timeout = run.timeout }, Association)
end

local own_options = {
  port = "port",
  timeout = "seconds",
  waiter = "string|callable",
  family = "family",
  localAddress = "string",
  localPort = "localPort",
  resolver = "callable",
}
for name, kind in pairs(client.optionKinds) do own_options[name] = kind end
for name, kind in pairs(datagram_options.kinds) do own_options[name] = kind end
own_options.mtu = "mtu|pathMtu" -- a server has no path
own_options.replayable, own_options.sessions, own_options.echConfigs = nil, nil, nil -- TLS 1.3 has these
local known_options = context_options.kinds(own_options)

--- Makes an association with a server of DTLS. The server's certificate must be issued by a trusted CA and name the
-- host, as for `scissl.connect`; or both ends have a pre-shared key.
-- @function scissl.datagram.connect
-- @tparam table given options:
--
-- * `host` (needed): name or address. The addresses of a name are tried one after the other, where nothing receives at
--   one
-- * `port` (needed): number, or the name of a service
-- * `timeout`: seconds for look-up and handshake together, then for each `receive`. Without it there is no limit, but
--   a handshake gives up after twelve retransmissions without a reply, which takes minutes
-- * `mtu`: bytes of a datagram at most, 256 … 65,507 (1,232), or `"path"`: what the system knows of the path (see
--   `SciSslSocket:sslSetMtu`)
-- * `retransmission`: seconds until a flight of the handshake is sent again, the first time, 0.05 … 3600 (1; see
--   `SciSslSocket:sslSetRetransmission`)
-- * `family`, `localAddress`, `localPort`, `resolver`, `waiter`: as for `scissl.connect`
-- * `version`: `"DTLS"` (default), `"DTLSv1.2"` or `"DTLSv1"`
-- * `psk`: a pre-shared key: a table with `identity` and `key`, or a function (see `SciSslContext:setPskClient`)
-- * `verifyHost`, `allowCommonName`, `serverName`, `verify`, `session`, `tlsa`, `onCertificate`, `onVerify`: as for
--   `scissl.connect`. A `session` whose ClientHello needs more than one datagram is not offered: servers drop that
-- * `configuration`, `context`: a SciSslSocketConfiguration, or a SciSslContext, whose version is one of DTLS, in place
--   of all fields of one
-- * `sessionTimeout`: as in SciSslSocketConfiguration
--
-- @treturn[1] SciSslAssociation
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `load`, `resolve` or `connect`: `timeout`, `no_reply`, `connection_refused`,
--  `certificate_wrong_host` …
-- @raise for unknown options and wrong types
return function(given)
  given = options.read("scissl.datagram.connect", given, known_options, 2)
  if not given.host then error("option 'host' to 'scissl.datagram.connect' is missing", 2) end
  if not given.port then error("option 'port' to 'scissl.datagram.connect' is missing", 2) end
  given = datagram_options.withVersion(given)
  local waiter = wait.find(given.waiter, 2)
  local run, failure = client.new("scissl.datagram.connect", given, given.port, 2)
  if not run then return nil, failure end
  run.waiter, run.timeout, run.deadline = waiter, given.timeout, wait.deadline(given.timeout)
  run.family, run.resolver = given.family, given.resolver
  return connect(run)
end
