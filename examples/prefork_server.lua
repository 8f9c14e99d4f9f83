-- A server of several processes on one port. Any worker can serve a client, and resume the client's session.
-- lua5.4 examples/prefork_server.lua PORT CERTIFICATE_FILE KEY_FILE [WORKERS]    port 0: any; 4 workers
--
-- Lua cannot fork, so the supervisor starts each worker as a program. The workers inherit the supervisor's listening
-- socket, so no connection is lost when a worker dies. Each worker has a connection to the supervisor, which sends the
-- shared ticket keys over it. When that connection ends, the other side has ended: the supervisor starts a new worker;
-- and after a SIGTERM to the supervisor, the workers finish their connections and end.
local scissl = require "scissl"
local SciSocket, SciSslContext = scissl.SciSocket, scissl.SciSslContext

local HOST, ROTATION, KEYS, KEY_BYTES = "127.0.0.1", 3 * 60 * 60, 3, 80

-- ---- a worker

local function respond(stream, pid)
  repeat
    local line = stream:read "l"
    if not line then return end
  until line == "" or line == "\r"
  stream:write("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", ("worker %s, %s\n"):format(pid,
    stream:isSessionReused() and "resumed" or "full handshake"))
end

local function serve_one(listener, pid)
  local stream, failure = listener:accept(0)
  if not stream then return failure:phase() ~= "listen" end -- no client waits, or its handshake failed
  respond(stream, pid)
  stream:close()
  return true
end

-- The keys arrive in blocks of one length; nil: the supervisor has ended.
local function receive_keys(control)
  local block = ""
  while #block < KEYS * KEY_BYTES do
    local bytes = control:recv(KEYS * KEY_BYTES - #block)
    if not bytes or bytes == "" then return nil end
    block = block .. bytes
  end
  local keys = {}
  for i = 1, KEYS do keys[i] = block:sub((i - 1) * KEY_BYTES + 1, i * KEY_BYTES) end
  return keys
end

local function work(folder, descriptor, certificate, key, pid)
  local control = assert(SciSocket.newStreamSocket "unix")
  assert(control:connect(folder .. "/control"))
  assert(control:send(pid .. "\n"))
  local keys = receive_keys(control)
  local listener = assert(scissl.listen { socket = tonumber(descriptor), certificate = certificate, privateKey = key,
                                          timeout = 10 })
  listener:getContext():setSessionIdContext "prefork"
  while keys do
    listener:getContext():setTicketKeys(keys)
    assert(control:send "ready\n")
    repeat
      local ready = assert(SciSocket.poll { [listener:socket()] = "r", [control] = "r" })
      if ready[listener:socket()] then serve_one(listener, pid) end
    until ready[control]
    keys = receive_keys(control)
  end
  while serve_one(listener, pid) do end -- the clients in the queue
  listener:close()
  os.remove(folder .. "/control")
  os.remove(folder)
end

-- ---- the supervisor

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function start_worker(folder, listening)
  local first = 0
  while arg[first - 1] do first = first - 1 end
  local words = { arg[first], arg[0], "--worker", folder, tostring(listening:getfd()), arg[2], arg[3] }
  for i, word in ipairs(words) do words[i] = quoted(word) end
  os.execute([[sh -c 'exec "$0" "$@" $$' ]] .. table.concat(words, " ") .. " &")
end

local function say(...)
  print(...)
  io.stdout:flush()
end

local function new_keys(old)
  local keys = { assert(SciSslContext.newTicketKey()) }
  for i = 2, KEYS do keys[i] = old and old[i - 1] or assert(SciSslContext.newTicketKey()) end
  return keys
end

local function listen(port)
  local listening = assert(SciSocket.newStreamSocket())
  assert(listening:bind(HOST, port))
  assert(listening:listen())
  return assert(listening:setInheritable(true))
end

local function supervise(count)
  local listening <close> = listen(tonumber(arg[1]))
  local _, port = assert(listening:getSockName())
  local pipe = assert(io.popen "mktemp -d") -- readable by this user only
  local folder = pipe:read "l"
  pipe:close()
  local control = assert(SciSocket.newStreamSocket "unix")
  assert(assert(control:bind(folder .. "/control")):listen())
  say("listening on " .. port)

  local keys, change = new_keys(), SciSocket.now() + ROTATION
  local workers, missing, pause = {}, count, 0
  while true do
    while missing > 0 and SciSocket.now() >= pause do
      start_worker(folder, listening)
      missing = missing - 1
    end
    local interests = { [control] = "r" }
    for worker in pairs(workers) do interests[worker] = "r" end
    local due = missing > 0 and math.min(pause, change) or change
    local ready = SciSocket.poll(interests, math.max(0, due - SciSocket.now())) or {}
    if ready[control] then
      local worker = assert(control:accept())
      workers[worker] = SciSocket.now()
      worker:send(table.concat(keys))
    end
    for worker, began in pairs(workers) do
      local text = ready[worker] and worker:recv(1000)
      if text and text ~= "" then say("worker " .. text:gsub("%s+", " ")) end
      if ready[worker] and (not text or text == "") then
        worker:close()
        workers[worker] = nil
        missing = missing + 1
        if SciSocket.now() - began < 1 then pause = SciSocket.now() + 1 end -- perhaps it cannot start at all
      end
    end
    if SciSocket.now() >= change then
      keys, change = new_keys(keys), SciSocket.now() + ROTATION
      for worker in pairs(workers) do worker:send(table.concat(keys)) end
    end
  end
end

if arg[1] == "--worker" then return work(table.unpack(arg, 2, 6)) end
local count = math.tointeger(tonumber(arg[4] or 4))
if #arg < 3 or #arg > 4 or not math.tointeger(tonumber(arg[1])) or not count or count < 1 then
  io.stderr:write "usage: prefork_server.lua PORT CERTIFICATE_FILE KEY_FILE [WORKERS]\n"
  os.exit(2)
end
supervise(count)
