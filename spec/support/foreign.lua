--- spec/support/foreign.lua: our end of a connection with a peer in another process.
--
--    local foreign = require "spec.support.foreign"
--
--    socket, err = foreign.dial(port, context[, options])       a client of ours after its handshake, non-blocking
--        `port` may be the path of a Unix-domain socket
--        options: serverName, verifyHost ("localhost" by default, false: not set), session,
--        handlers: { onCertificate=, … }, as scissl.handshake takes them; prepare(socket), before the handshake
--    socket, err = foreign.serve(listener, context[, handlers[, prepare]])
--                                                               the next connection of a listener, after its handshake
--        both return nil, SciSslError when the handshake fails; the socket is closed then
--    context = foreign.clientContext(version[, options])        of ends.clientContext, ends.serverContext
--    context = foreign.serverContext(version[, options])
--    err = foreign.refusal(foreign.dial(…))                     the SciSslError of a refused client: of its handshake,
--                                                               or, in TLS 1.3, of its first read
--    foreign.write(socket, text)                                all of it
--    text, last = foreign.read(socket, pattern)                 reads until the pattern matches, or until sslRead
--                                                               returns no bytes; `last` is its last value
--    foreign.wait(socket, answer)                               waits for what a not-ready answer asks for
--    line = foreign.expect(peer, pattern)                       reads a peer's output up to the line that matches, and
--                                                               appends it to peer.output (see ends.start)

local assert = require "luassert"
local scissl = require "scissl"
local ends = require "spec.support.ends"

local foreign = {}

local LONG = 30

local function shaken(socket, role, handlers)
  local given = { timeout = LONG }
  for name, handler in pairs(handlers or {}) do given[name] = handler end
  local done, err = scissl.handshake(socket, role, given)
  if done then return socket end
  socket:close()
  return nil, err
end

local function with_method(version, options)
  local all = { method = version }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

function foreign.clientContext(version, options) return ends.clientContext(with_method(version, options)) end
function foreign.serverContext(version, options) return ends.serverContext(with_method(version, options)) end

function foreign.dial(port, context, options)
  options = options or {}
  local socket
  if type(port) == "string" then
    socket = assert(scissl.SciSslSocket.new(context, "unix"))
    assert(socket:connect(port))
  else
    socket = assert(scissl.SciSslSocket.new(context))
    assert(socket:connect("127.0.0.1", port))
  end
  assert(socket:sslInitialize())
  local name, host = options.serverName, options.verifyHost
  if name == nil then name = "localhost" end
  if host == nil then host = "localhost" end
  if name then assert(socket:sslSetServerName(name)) end
  if host then assert(socket:sslSetVerifyHost(host)) end
  if options.session then assert(socket:setSession(options.session)) end
  if options.prepare then options.prepare(socket) end
  return shaken(socket, "connect", options.handlers)
end

function foreign.serve(listener, context, handlers, prepare)
  assert(listener:wait("r", LONG))
  local plain = assert(listener:accept())
  assert(plain:setBlocking(false))
  local socket = assert(scissl.SciSslSocket.on(plain, context))
  assert(socket:sslInitialize())
  if prepare then prepare(socket) end
  return shaken(socket, "accept", handlers)
end

function foreign.wait(socket, answer)
  local events = socket:sslGetError(answer) == scissl.SSL_ERROR_WANT_WRITE and "w" or "r"
  assert(socket:wait(events, LONG))
end

function foreign.write(socket, text)
  local sent = 0
  while sent < #text do
    local answer = socket:sslWrite(text, sent + 1)
    if ends.notYet(socket, answer) then foreign.wait(socket, answer)
    else
      assert.are.equal("integer", math.type(answer), tostring(answer))
      sent = sent + answer
    end
  end
end

function foreign.read(socket, pattern)
  local parts = ""
  while true do
    local answer = ends.read(socket)
    if type(answer) ~= "string" then return parts, answer end
    parts = parts .. answer
    if pattern and parts:find(pattern) then return parts, answer end
  end
end

function foreign.refusal(socket, err)
  if not socket then return err end
  local _, last = foreign.read(socket)
  socket:close()
  return last
end

function foreign.expect(peer, pattern)
  repeat
    local line = peer.pipe:read("L")
    assert(line, "the peer ended before it printed " .. pattern .. ":\n" .. peer.output)
    peer.output = peer.output .. line
    if line:find(pattern) then return line end
  until false
end

return foreign
