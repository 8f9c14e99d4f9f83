--- spec/support/ends.lua: two ends of a connection in one thread, and foreign peers in other processes.
--
--    local ends = require "spec.support.ends"
--
-- Contexts (raise when they cannot be made):
--    ends.serverContext{ method=, identity=, trust=, verify=, setup= }   default: pki.server, SSL_VERIFY_NONE
--    ends.clientContext{ method=, identity=, trust=, verify=, setup= }   default: trusts pki.ca, SSL_VERIFY_PEER
--        method    "TLS" (default) … "TLSv1.3"      identity  of spec/support/pki; false: none
--        trust     identity, or false: none         verify    flags
--        setup     function(context), for everything else
--
-- Two non-blocking SciSslSockets, connected and initialized, before the handshake:
--    client, server = ends.pair{ transport=, version=, client=, server=, serverName=, verifyHost=, session=,
--                                initialize= }
--        transport     "pair" (default), "tcp", "memory"; for DTLS "datagrams", "udp", "memory"
--        version       method of the contexts that are made when client, server are not contexts themselves
--        client, server   a context, or a table of options for clientContext / serverContext
--        serverName, verifyHost   "localhost" by default, false: not set
--        session       that the client brings, or nil
--        initialize    false: leaves sslInitialize to the caller
--    client, server = ends.connected{ … }      the same, after a handshake that must succeed on both sides
--    client, server = ends.memory{ … }         the same, over memory
--    client, server, clientAnswer, serverAnswer = ends.meet{ …, prepare= }   the same, after a handshake that may fail;
--        where it succeeds, the client has read a byte from the server, and with it the tickets of TLS 1.3
--        prepare       function(server, client), before the handshake
--
-- The document's protocol by hand:
--    clientAnswer, serverAnswer = ends.handshake(client, server[, chunk])
--        repeats sslConnect and sslAccept until neither is "not ready"; returns the last result of each, for an end
--        that never finishes its last not-ready integer. `chunk`: bytes moved at a time between memory transports
--    ends.shuttle(a, b[, chunk])   moves bytes between memory transports, both ways; returns their number
--    ends.read(socket, peer[, max])    sslRead, repeated while it is not ready, for some seconds at most
--    ends.notYet(socket, answer)   whether the result means "not ready": repeat the call
--
-- Several parties in one thread, each with the waiter "coroutine":
--    results = ends.run(f, g, …)   runs each function in a coroutine until all have returned; returns the table.pack
--                                  of each one's results. Raises the error of one of them, and an error when none
--                                  can go on
--
-- A listening SciSocket on a port of 127.0.0.1 that the kernel chose:
--    listener, port = ends.listener()
--
-- Foreign peers:
--    peer = ends.start(command[, ready])    runs the shell command. `ready` is a Lua pattern: returns when a line of
--                                           the output matches; its captures are in peer.captures (and peer.port)
--    peer = ends.openssl(arguments)         `openssl s_server -accept 127.0.0.1:0 …`, ready, with peer.port
--    peer = ends.lua(source[, ready[, environment]])   a Lua program with scissl on its paths
--    environment = ends.leaking()   for programs whose libraries leak by themselves
--    command = ends.luaCommand(source[, environment])   the same as a shell command, for ends.start and io.popen
--        peer:write(text)     to its standard input, which stays open until the end
--        peer:finish()        waits until it ends by itself; returns its output (with stderr), "exit"|"signal", code
--        peer:stop()          ends it; returns the same. <close> does this as well
--    ends.has(program)        whether `program` is installed

local core = require "scissl.core"
local pki = require "spec.support.pki"

local ends = {}

local SciSocket, SciSslSocket, SciSslContext = core.SciSocket, core.SciSslSocket, core.SciSslContext

-- Seconds until a step that must happen counts as failed, on the slowest machine; and seconds to wait where nothing
-- must come.
local PATIENCE, QUIET = 30, 0.1

-- ---- contexts

local function make_context(options, identity, trust, verify)
  local context = assert(SciSslContext.new(options.method))
  if options.identity ~= nil then identity = options.identity end
  if options.trust ~= nil then trust = options.trust end
  if identity then
    assert(context:useCertificate(identity.certificate))
    assert(context:usePrivateKey(identity.key))
  end
  if trust then assert(context:addTrusted(trust.certificate)) end
  assert(context:setVerify(options.verify or verify))
  if options.setup then options.setup(context) end
  return context
end

function ends.serverContext(options)
  return make_context(options or {}, pki.server, pki.ca, core.SSL_VERIFY_NONE)
end

function ends.clientContext(options)
  return make_context(options or {}, nil, pki.ca, core.SSL_VERIFY_PEER)
end

-- ---- two ends

function ends.listener()
  local listener = assert(SciSocket.newStreamSocket("inet"))
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(16))
  local _, port = assert(listener:getSockName())
  return listener, port
end

local transports = {}

function transports.pair(client_context, server_context)
  local near, far = assert(SciSocket.pair())
  near:setBlocking(false)
  far:setBlocking(false)
  return assert(SciSslSocket.on(near, client_context)), assert(SciSslSocket.on(far, server_context))
end

function transports.tcp(client_context, server_context)
  local listener, port = ends.listener()
  local client = assert(SciSslSocket.new(client_context))
  assert(client:connect("127.0.0.1", port))
  local accepted = assert(listener:accept())
  listener:close()
  accepted:setBlocking(false)
  return client, assert(SciSslSocket.on(accepted, server_context))
end

function transports.datagrams(client_context, server_context)
  local near, far = assert(SciSocket.pair "datagram")
  near:setBlocking(false)
  far:setBlocking(false)
  return assert(SciSslSocket.on(near, client_context)), assert(SciSslSocket.on(far, server_context))
end

function transports.udp(client_context, server_context)
  local near = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
  local far = assert(SciSocket.newDatagramSocket():bind("127.0.0.1", 0))
  assert(near:connect(far:getSockName()))
  assert(far:connect(near:getSockName()))
  near:setBlocking(false)
  far:setBlocking(false)
  return assert(SciSslSocket.on(near, client_context)), assert(SciSslSocket.on(far, server_context))
end

function transports.memory(client_context, server_context)
  return assert(SciSslSocket.onMemory(client_context)), assert(SciSslSocket.onMemory(server_context))
end

local function context_for(given, version, make)
  if type(given) == "userdata" then return given end
  local options = { method = version }
  for name, value in pairs(given or {}) do options[name] = value end
  return make(options)
end

function ends.pair(options)
  options = options or {}
  local client, server = transports[options.transport or "pair"](
    context_for(options.client, options.version, ends.clientContext),
    context_for(options.server, options.version, ends.serverContext))
  if options.initialize == false then return client, server end
  assert(client:sslInitialize())
  assert(server:sslInitialize())
  local name, host = options.serverName, options.verifyHost
  if name == nil then name = "localhost" end
  if host == nil then host = "localhost" end
  if name then assert(client:sslSetServerName(name)) end
  if host then assert(client:sslSetVerifyHost(host)) end
  if options.session then assert(client:setSession(options.session)) end
  return client, server
end

-- ---- the protocol by hand

function ends.notYet(socket, answer)
  if math.type(answer) ~= "integer" or answer > 0 then return false end
  local code = socket:sslGetError(answer)
  return code == core.SSL_ERROR_WANT_READ or code == core.SSL_ERROR_WANT_WRITE
end

local function is_memory(socket)
  return not socket:getfd() or socket:getfd() < 0
end

local function move(from, to, chunk)
  local moved = 0
  while true do
    local bytes = from:sslDrain(chunk)
    if not bytes or bytes == "" then return moved end
    to:sslFeed(bytes)
    moved = moved + #bytes
    if chunk then return moved end
  end
end

function ends.shuttle(a, b, chunk)
  return move(a, b, chunk) + move(b, a, chunk)
end

-- What `socket` waits for after `answer`, for SciSocket.poll.
local function wanted(socket, answer)
  return socket:sslGetError(answer) == core.SSL_ERROR_WANT_WRITE and "w" or "r"
end

local function wait(waiting, seconds)
  local ready = assert(SciSocket.poll(waiting, seconds))
  return next(ready) ~= nil
end

function ends.handshake(client, server, chunk)
  local client_answer, server_answer
  local memory = is_memory(client)
  while true do
    local client_waits = client_answer == nil or ends.notYet(client, client_answer)
    local server_waits = server_answer == nil or ends.notYet(server, server_answer)
    if client_waits then client_answer = client:sslConnect() end
    if server_waits then server_answer = server:sslAccept() end
    client_waits, server_waits = ends.notYet(client, client_answer), ends.notYet(server, server_answer)
    if memory then
      local moved = ends.shuttle(client, server, chunk)
      if moved == 0 then return client_answer, server_answer end
    else
      if not (client_waits or server_waits) then return client_answer, server_answer end
      local waiting = {}
      if client_waits then waiting[client] = wanted(client, client_answer) end
      if server_waits then waiting[server] = wanted(server, server_answer) end
      -- Where both wait and no bytes are on the way, they wait for ever. An end that has failed may have sent nothing.
      local both = client_waits and server_waits
      if not wait(waiting, both and PATIENCE or QUIET) then return client_answer, server_answer end
    end
  end
end

function ends.connected(options)
  local client, server = ends.pair(options)
  local client_answer, server_answer = ends.handshake(client, server)
  assert(client_answer == 1, "client: " .. tostring(client_answer))
  assert(server_answer == 1, "server: " .. tostring(server_answer))
  return client, server
end

function ends.memory(options)
  options.transport = "memory"
  return ends.connected(options)
end

function ends.read(socket, peer, max)
  local deadline = SciSocket.now() + PATIENCE
  while true do
    local answer = socket:sslRead(max)
    if not ends.notYet(socket, answer) then return answer end
    if is_memory(socket) then
      if ends.shuttle(socket, peer) == 0 then return answer end
    elseif not wait({ [socket] = wanted(socket, answer) }, math.max(0, deadline - SciSocket.now())) then
      return answer
    end
  end
end

function ends.meet(options)
  local client, server = ends.pair(options)
  if options.prepare then options.prepare(server, client) end
  local client_answer, server_answer = ends.handshake(client, server)
  if client_answer == 1 and server_answer == 1 then
    assert(server:sslWrite "x" == 1)
    assert(ends.read(client, server) == "x")
  end
  return client, server, client_answer, server_answer
end

-- ---- several parties

-- Resumes one party, and stores in it what it waits for now, or its results.
local function resume(party, ...)
  local yielded = table.pack(coroutine.resume(party.thread, ...))
  if not yielded[1] then error(debug.traceback(party.thread, tostring(yielded[2])), 0) end
  if coroutine.status(party.thread) == "dead" then
    party.result = table.pack(table.unpack(yielded, 2, yielded.n))
    party.socket = nil
  else
    party.socket, party.events, party.deadline = yielded[2], yielded[3], yielded[4]
  end
end

-- The sockets that parties wait for, with their events; and the first deadline.
local function collect(parties)
  local waiting, deadline = {}, SciSocket.now() + PATIENCE
  for _, party in ipairs(parties) do
    local socket = party.socket
    if socket then
      local events = waiting[socket]
      waiting[socket] = events and events ~= party.events and "rw" or party.events
      deadline = math.min(deadline, party.deadline or deadline)
    end
  end
  return waiting, deadline
end

local function is_ready(party, ready)
  local events = ready[party.socket]
  return events and events:find("[" .. party.events .. "]") ~= nil
end

function ends.run(...)
  local parties = {}
  for i, f in ipairs { ... } do
    parties[i] = { thread = coroutine.create(f) }
    resume(parties[i])
  end
  while true do
    local waiting, deadline = collect(parties)
    if not next(waiting) then break end
    local ready = assert(SciSocket.poll(waiting, math.max(0, deadline - SciSocket.now())))
    local moved = false
    for _, party in ipairs(parties) do
      local able = party.socket and is_ready(party, ready)
      local late = party.socket and party.deadline and SciSocket.now() >= party.deadline
      if able or late then
        moved = true
        resume(party, able)
      end
    end
    if not moved and SciSocket.now() >= deadline then error("none of the parties can go on", 2) end
  end
  local results = {}
  for i, party in ipairs(parties) do results[i] = party.result end
  return results
end

-- ---- foreign peers

local Peer = {}
Peer.__index = Peer

function Peer:write(text)
  assert(self.input:write(text))
  self.input:flush()
end

function Peer:finish()
  if self.ended then return table.unpack(self.ended) end
  self.output = self.output .. (self.pipe:read("a") or "")
  local _, how, code = self.pipe:close()
  self.input:close()
  os.remove(self.fifo)
  self.ended = { self.output, how, code }
  return self.output, how, code
end

function Peer:stop()
  if not self.ended then os.execute(("kill %d 2>/dev/null"):format(self.pid)) end
  return self:finish()
end

Peer.__close = Peer.stop
Peer.__gc = Peer.stop

local fifos = 0

local function start(command, ready)
  fifos = fifos + 1
  local fifo = ("%s/fifo%d"):format(pki.folder(), fifos)
  assert(os.execute("mkfifo " .. fifo))
  -- A FIFO that is opened in both directions neither blocks nor ends: the peer's standard input stays open.
  local pipe = assert(io.popen(("echo $$; exec 2>&1 <>%s; exec %s"):format(fifo, command), "r"))
  local peer = setmetatable({ pipe = pipe, fifo = fifo, output = "", pid = pipe:read("n", "l") }, Peer)
  peer.input = assert(io.open(fifo, "r+"))
  while ready do
    local line = pipe:read("L")
    if not line then
      error(("%s ended before it was ready:\n%s"):format(command, (peer:finish())), 3)
    end
    peer.output = peer.output .. line
    local captures = { line:match(ready) }
    if captures[1] then
      peer.captures, peer.port, ready = captures, tonumber(captures[1]), nil
    end
  end
  return peer
end

function ends.start(command, ready)
  -- The runtime of a sanitizer, preloaded for our own process, must not get into foreign programs.
  return start("env -u LD_PRELOAD " .. command, ready)
end

function ends.openssl(arguments)
  return ends.start("openssl s_server -accept 127.0.0.1:0 " .. arguments, "^ACCEPT .*:(%d+)")
end

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function interpreter()
  local lowest = 0
  while arg and arg[lowest - 1] do lowest = lowest - 1 end
  local name = arg and arg[lowest]
  return name and name:find("lua") and name or "lua" .. _VERSION:match "%d+%.%d+"
end

function ends.luaCommand(source, environment)
  local words = { "env", "LUA_PATH=" .. quoted(package.path), "LUA_CPATH=" .. quoted(package.cpath) }
  for name, value in pairs(environment or {}) do words[#words + 1] = name .. "=" .. quoted(value) end
  words[#words + 1] = quoted(interpreter())
  words[#words + 1] = quoted(pki.write(source))
  return table.concat(words, " ")
end

-- The sanitizer looks for all faults but leaks.
function ends.leaking()
  return { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0" }
end

function ends.lua(source, ready, environment)
  return start(ends.luaCommand(source, environment), ready)
end

function ends.has(program)
  return (os.execute(("command -v %s >/dev/null 2>&1"):format(program))) == true
end

return ends
