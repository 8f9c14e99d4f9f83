-- Servers under many clients at once: the system's queue, silent clients, memory after a wave. Counts, no seconds.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSocket = scissl.SciSocket
local LONG = 60

local function listen(options)
  local given = {
    host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
    waiter = "coroutine", timeout = LONG,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  local listener = assert(scissl.listen(given))
  return listener, select(2, listener:getSockName())
end

local function connect(port)
  return assert(scissl.connect {
    host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG,
  })
end

local function run(...)
  local loop = assert(scissl.scheduler.new { onError = function(raised) error(raised, 0) end })
  for _, f in ipairs { ... } do loop:spawn(f, loop) end
  assert(loop:run())
end

local function number_in(path)
  local file <close> = io.open(path)
  return file and file:read "n"
end

describe("A listener", function()
  it("lets 600 clients connect before it accepts the first one #slow", function()
    local most = number_in "/proc/sys/net/core/somaxconn"
    if not most or most < 700 then return pending("the system allows fewer connections to wait") end
    local _ <close>, port = listen()
    local clients, established = {}, 0
    for i = 1, 600 do
      clients[i] = assert(SciSocket.newStreamSocket())
      clients[i]:setBlocking(false)
      clients[i]:connect("127.0.0.1", port)
    end
    for _, client in ipairs(clients) do
      -- Where the queue is full, the system drops the first packet, and sends it again a second later.
      if client:wait("w", 0) then established = established + 1 end
      client:close()
    end
    assert.equal(600, established)
  end)

  it("serves 100 clients beside 200 that never finish their handshakes #slow", function()
    local listener, port = listen { maxHandshakesFromOne = 300 }
    local silent, answered, handshaking = {}, 0, nil
    local function client(loop)
      local stream <close> = connect(port)
      stream:write "hello\n"
      assert(stream:read() == "hello")
      answered = answered + 1
      while answered < 100 do loop:sleep(0) end -- so that all are served at a time
    end
    local parties = {}
    parties[1] = function()
      listener:serve(function(stream)
        for line in stream:lines "L" do stream:write(line) end
      end, { maxConnections = 100, onError = function() end })
    end
    parties[2] = function(loop)
      for i = 1, 200 do
        silent[i] = assert(SciSocket.newStreamSocket())
        assert(silent[i]:connect("127.0.0.1", port))
      end
      while listener:statistics().handshaking < 200 do loop:sleep(0) end
      for _ = 1, 100 do loop:spawn(client, loop) end
      while answered < 100 do loop:sleep(0) end
      handshaking = listener:statistics().handshaking
      listener:close()
      for _, socket in ipairs(silent) do socket:close() end
    end
    run(table.unpack(parties))
    assert.same({ 100, 200 }, { answered, handshaking })
  end)

  it("finds the unfinished handshakes at a cost that does not grow with those that have finished", function()
    local connections = require "scissl.server.connections"()
    local socket = SciSocket.pair()
    for _ = 1, 20000 do connections:beginHandshake(socket):close() end
    local last <close> = connections:beginHandshake(socket) -- luacheck: ignore 211
    local steps = 0
    debug.sethook(function() steps = steps + 1 end, "", 100)
    local found = connections:unfinishedSockets()
    debug.sethook()
    assert.same({ socket }, found)
    assert.is_true(steps < 10, steps)
    socket:close()
  end)
end)

-- ---- memory

-- Serves until it has been asked for the second time; prints its memory before, with all clients, and afterwards.
local SERVER = [[
  local scissl = require "scissl"
  local clients = %d
  local function resident()
    local file <close> = io.open "/proc/self/status"
    return file:read "a":match "VmRSS:%%s*(%%d+)"
  end
  local function tell(what)
    collectgarbage()
    collectgarbage()
    print(("%%s %%d %%.0f"):format(what, resident(), collectgarbage "count"))
    io.stdout:flush()
  end
  local loop = assert(scissl.scheduler.new())
  local listener = assert(scissl.listen {
    host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q, waiter = "coroutine",
    maxHandshakes = clients, maxHandshakesFromOne = clients,
  })
  print("port " .. select(2, listener:getSockName()))
  tell "before"
  local open, closed = 0, 0
  loop:spawn(function()
    listener:serve(function(stream)
      for line in stream:lines "L" do stream:write(line) end
    end, {
      onHandshake = function()
        open = open + 1
        if open == clients then tell "open" end
      end,
      onClose = function()
        closed = closed + 1
        if closed == clients then listener:close() end
      end,
    })
  end)
  assert(loop:run())
  tell "closed"
  print("coroutines " .. loop:size())
]]

describe("Memory", function()
  local trims = getmetatable(require "scissl.core").trimHeap()
  local instrumented = os.getenv "SCISSL_RUN" == "sanitized" -- its allocator keeps what is freed for a while
  local with_it = trims and not instrumented and io.open "/proc/self/status" and it or pending

  with_it("comes back after a wave of 600 connections #slow", function()
    local count = 600
    local server <close> = ends.lua(SERVER:format(count, pki.server.certificateFile, pki.server.keyFile), "^port (%d+)")
    local clients = {}
    local function client()
      local stream = connect(server.port)
      stream:write "hello\n"
      assert(stream:read() == "hello")
      clients[#clients + 1] = stream
    end
    local parties = {}
    for i = 1, count do parties[i] = client end
    run(table.unpack(parties))
    run(function()
      for _, stream in ipairs(clients) do stream:close() end
    end)
    local said = server:finish()
    local function memory(what)
      local resident, lua = said:match(what .. " (%d+) (%d+)")
      return tonumber(resident), tonumber(lua)
    end
    local before, lua_before = memory "before"
    local open, lua_open = memory "open"
    local closed, lua_closed = memory "closed"
    assert.is_true(open - before > 10 * count, said) -- 10 KiB for each connection at least: it was a wave
    assert.is_true(closed - before < (open - before) / 3, said)
    assert.is_true(lua_closed - lua_before < (lua_open - lua_before) / 3, said)
    assert.matches("coroutines 0\n", said)
  end)
end)
