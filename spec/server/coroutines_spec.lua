-- The coroutines of listener:serve in our own loop: those that make handshakes are used again, and keep nothing.
local pki = require "spec.support.pki"
local scissl = require "scissl"

-- Runs visit(connect, loop, seen, port) beside a server that echoes lines; `seen` has the coroutines of its handlers.
local function beside_server(visit, options, on_error)
  local loop = assert(scissl.scheduler.new { onError = function(raised) error(raised, 0) end })
  local seen = setmetatable({}, { __mode = "k" })
  local given = { host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
    waiter = "coroutine" }
  for name, value in pairs(options or {}) do given[name] = value end
  local listener = assert(scissl.listen(given))
  local _, port = listener:getSockName()
  loop:spawn(function()
    assert(listener:serve(function(stream)
      seen[coroutine.running()] = stream
      for line in stream:lines() do stream:write(line, "\n") end
    end, { onError = on_error }))
  end)
  loop:spawn(function()
    visit(function()
      local stream = assert(scissl.connect {
        host = "127.0.0.1", port = port, ca = pki.ca.certificate, waiter = "coroutine",
      })
      assert(stream:write "a line\n")
      assert.are.equal("a line", stream:read())
      return stream
    end, loop, seen, port)
    listener:close()
  end)
  assert(loop:run())
  return loop
end

local function count(list)
  local number = 0
  for _ in pairs(list) do number = number + 1 end
  return number
end

-- Lets the server notice that its clients have gone.
local function settle(loop, size)
  while loop:size() > size do loop:sleep(0) end
  collectgarbage()
  collectgarbage()
end

describe("listener:serve", function()
  it("serves hundreds that wait for their turn, and whose handlers do not wait, in one coroutine", function()
    local loop = assert(scissl.scheduler.new { onError = function(raised) error(raised, 0) end })
    local listener = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, waiter = "coroutine", backlog = 1024 })
    local _, port = listener:getSockName()
    local clients, served, threads = {}, 0, {}
    for i = 1, 300 do
      clients[i] = assert(scissl.SciSocket.newStreamSocket())
      assert(clients[i]:connect("127.0.0.1", port))
    end
    loop:spawn(function()
      assert(listener:serve(function()
        served = served + 1
        threads[coroutine.running()] = true
        if served == 1 then loop:sleep(0) end -- the others are accepted, and wait
        if served == #clients then listener:close() end
      end, { maxConnections = 1 }))
    end)
    assert(loop:run())
    assert.are.equal(300, served)
    assert.are.equal(1, count(threads))
    for _, client in ipairs(clients) do client:close() end
  end)

  it("gives each handler a coroutine of its own, and none of them stays", function()
    local loop = beside_server(function(connect, loop, seen)
      local before = loop:size()
      for _ = 1, 3 do
        local streams = {}
        for i = 1, 20 do streams[i] = connect() end
        assert.are.equal(20, count(seen))
        assert.are.equal(before + 20, loop:size())
        for _, stream in ipairs(streams) do stream:close() end
        settle(loop, before)
        assert.are.equal(0, count(seen))
      end
    end)
    assert.are.equal(0, loop:size())
  end)

  it("keeps nothing of a connection that has ended", function()
    local kept = setmetatable({}, { __mode = "k" })
    beside_server(function(connect, loop, seen)
      local before = loop:size()
      for _ = 1, 5 do
        local stream = connect()
        for _, served in pairs(seen) do kept[served], kept[served:socket()] = true, true end
        assert.are.equal(2, count(kept))
        stream:close()
        settle(loop, before)
        assert.are.equal(0, count(kept))
      end
    end)
  end)

  it("keeps nothing of clients that have gone before their handshakes", function()
    local kept, failed = setmetatable({}, { __mode = "k" }), 0
    beside_server(function(_, loop, _, port)
      local before = loop:size()
      for i = 1, 3 do
        local plain = assert(scissl.SciSocket.newStreamSocket())
        assert(plain:connect("127.0.0.1", port))
        plain:close()
        while failed < i do loop:sleep(0) end
      end
      settle(loop, before)
      assert.are.equal(0, count(kept))
    end, nil, function(_, _, socket) kept[socket], failed = true, failed + 1 end)
  end)

  it("closes a connection for which there is no memory for a coroutine, and serves the next one", function()
    local raised, ended = nil, nil
    beside_server(function(connect, loop)
      local before, spawn = loop:size(), loop.spawn
      connect():close()
      settle(loop, before)
      function loop.spawn()
        loop.spawn = spawn
        error("not enough memory", 0)
      end
      ended = not pcall(connect)
      connect():close()
      settle(loop, before)
    end, nil, function(failure) raised = failure end)
    assert.are.equal("not enough memory", raised)
    assert.is_true(ended)
  end)

  it("serves the client that waits where the coroutine of another one was closed", function()
    local loop = assert(scissl.scheduler.new { onError = function(raised)
      if not tostring(raised):find "dead coroutine" then error(raised, 0) end -- the closed one
    end })
    local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
      privateKey = pki.server.key, waiter = "coroutine" })
    local _, port = listener:getSockName()
    local threads, open, got, cut = {}, {}, {}, nil
    loop:spawn(function()
      cut = select(2, assert(listener:serve(function(stream)
        threads[#threads + 1] = coroutine.running()
        stream:write "served\n"
        stream:read()
      end, { maxConnections = 1 })))
    end)
    for _ = 1, 2 do
      loop:spawn(function()
        local stream = assert(scissl.connect { host = "127.0.0.1", port = port, ca = pki.ca.certificate,
          waiter = "coroutine" })
        open[#open + 1] = stream
        local line = stream:read()
        got[#got + 1] = line
      end)
    end
    loop:spawn(function()
      while #got < 1 or listener:statistics().handshakes < 2 do loop:sleep(0) end
      assert.equal(1, #threads)
      assert(coroutine.close(threads[1]))
      for _ = 1, 1000 do
        if #got == 2 then break end
        loop:sleep(0)
      end
      for _, stream in ipairs(open) do stream:close() end
      listener:stop()
    end)
    assert(loop:run())
    assert.same({ "served", "served" }, got)
    assert.equal(2, #threads)
    assert.equal(0, cut)
  end)

  it("does not use the coroutine again that a handler of the handshake may have kept", function()
    local threads = {}
    beside_server(function(connect, loop)
      local before = loop:size()
      for _ = 1, 2 do connect():close() end
      settle(loop, before)
      for _, thread in ipairs(threads) do assert.are.equal("dead", coroutine.status(thread)) end
    end, { onClientHello = function() threads[#threads + 1] = coroutine.running() end })
    assert.are.equal(2, #threads)
    assert.are_not.equal(threads[1], threads[2])
  end)
end)
