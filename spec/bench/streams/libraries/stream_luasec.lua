-- LuaSec on LuaSocket, with a loop of its own that waits by select(2); see trip.lua.
local socket = require "socket"
local ssl = require "ssl"

local library = {}
local client_context, server_context

function library.open(folder)
  client_context = assert(ssl.newcontext {
    mode = "client", protocol = "tlsv1_3", verify = "peer", cafile = folder .. "/ca.pem", options = "all",
  })
  server_context = assert(ssl.newcontext {
    mode = "server", protocol = "tlsv1_3", certificate = folder .. "/server.pem", key = folder .. "/server.key",
    options = "all",
  })
end

-- ---- the loop: a coroutine waits by yielding a socket and what for; without a socket it lets the others run

local running, readers, writers = {}, {}, {}
local waiting = { wantread = {}, wantwrite = {} } -- coroutines by sockets, by what LuaSec returned
waiting.timeout = waiting.wantread -- what LuaSocket returned

local function wait(of, reason)
  if not waiting[reason] then error(reason) end
  coroutine.yield(of, reason)
end

local function go_on(thread, ...)
  local good, of, reason = coroutine.resume(thread, ...)
  if not good then error(debug.traceback(thread, of), 0) end
  if of then waiting[reason][of] = thread
  elseif coroutine.status(thread) ~= "dead" then running[#running + 1] = thread end
end

local function spawn(work, ...)
  go_on(coroutine.create(work), ...)
end

local function list(of, into)
  local count = 0
  for one in pairs(of) do
    count = count + 1
    into[count] = one
  end
  for i = count + 1, #into do into[i] = nil end
  return into
end

local function wake(ready, of)
  for _, one in ipairs(ready) do
    local thread = of[one]
    of[one] = nil
    go_on(thread)
  end
end

local function step()
  local due = running
  running = {}
  for _, thread in ipairs(due) do go_on(thread) end
  local readable, writable = socket.select(list(waiting.wantread, readers), list(waiting.wantwrite, writers),
    running[1] and 0 or nil)
  wake(readable, waiting.wantread)
  wake(writable, waiting.wantwrite)
end

-- ---- connections

local function secure(plain, context)
  assert(plain:setoption("tcp-nodelay", true))
  local wrapped = assert(ssl.wrap(plain, context))
  wrapped:settimeout(0)
  while true do
    local done, reason = wrapped:dohandshake()
    if done then return wrapped end
    wait(wrapped, reason)
  end
end

local function send(wrapped, text)
  local from = 1
  while true do
    local last, reason, partial = wrapped:send(text, from)
    if last then return end
    from = partial + 1
    wait(wrapped, reason)
  end
end

-- Returns nil where the peer has closed.
local function receive(wrapped)
  local got = ""
  while true do
    local line, reason, partial = wrapped:receive("*l", got)
    if line then return line end
    if reason == "closed" then return nil end
    got = partial
    wait(wrapped, reason)
  end
end

local function echo(plain)
  local wrapped = secure(plain, server_context)
  for line in receive, wrapped do send(wrapped, line .. "\n") end
  wrapped:close()
end

local function serve(listener)
  while true do
    local plain = listener:accept()
    if plain then spawn(echo, plain)
    else wait(listener, "timeout") end
  end
end

function library.run(clients, visit)
  local listener = assert(socket.bind("127.0.0.1", 0, 1024))
  listener:settimeout(0)
  local port = select(2, listener:getsockname())
  local function connect()
    local plain = assert(socket.tcp())
    assert(plain:connect("127.0.0.1", port))
    local wrapped = secure(plain, client_context)
    local function exchange(line)
      send(wrapped, line .. "\n")
      return receive(wrapped)
    end
    return exchange, function() wrapped:close() end
  end
  spawn(serve, listener)
  for _ = 1, clients do spawn(visit, connect) end
  while true do step() end
end

function library.pause()
  coroutine.yield()
end

return library
