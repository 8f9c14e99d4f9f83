-- A coroutine of copas that ends while it waits.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local scissl = require "scissl"

local SciSocket = scissl.SciSocket

local copas_loop
for _, loop in ipairs(loops.all) do
  if loop.name == "copas" then copas_loop = loop end
end

local function pause(seconds)
  local near, far = assert(SciSocket.pair())
  local ready, failure = scissl.wait.on(near, "r", { timeout = seconds, waiter = "copas" })
  near:close()
  far:close()
  assert.is_nil(ready)
  assert.equal("timeout", failure:condition())
end

describe("The waiter 'copas'", function()
  local it = loops.it(copas_loop)

  it("sleeps where a coroutine was closed that waited until a deadline", function()
    local copas = require "copas"
    local near, far = assert(SciSocket.pair())
    local rounds = 0
    copas_loop.run(function()
      local thread
      copas.addthread(function()
        copas.setErrorHandler(function() end)
        thread = coroutine.running()
        scissl.wait.on(near, "r", { timeout = 0.02, waiter = "copas" })
      end)
      pause(0.001)
      assert(coroutine.close(thread))
      pause(0.04)
      local step = copas.step
      function copas.step(...)
        rounds = rounds + 1
        return step(...)
      end
      pause(0.1)
      copas.step = step
      assert(far:send "!")
      assert.is_true(scissl.wait.on(near, "r", { timeout = 20, waiter = "copas" }))
    end)
    near:close()
    far:close()
    assert.is_true(rounds < 20, rounds)
  end)

  -- Lets a coroutine begin to wait for `near`, and ends it by `stop(thread)`.
  local function begin_and_end(copas, near, timeout, stop)
    local thread
    copas.addthread(function()
      copas.setErrorHandler(function() end)
      thread = coroutine.running()
      scissl.wait.on(near, "r", { timeout = timeout, waiter = "copas" })
    end)
    pause(0.001)
    stop(thread)
  end

  -- The number of the next descriptor.
  local function free_number()
    local socket <close> = assert(SciSocket.newStreamSocket())
    return socket:getfd()
  end

  for _, way in ipairs { "closed", "removed" } do
    local found, copas = pcall(require, "copas")
    local missing = way == "removed" and not (found and copas.removethread)
    local case = missing and function(name) pending(name .. " (this copas cannot)") end or it

    case(("serves a socket whose coroutine was %s, as one that was never waited for"):format(way), function()
      local near, far = assert(SciSocket.pair())
      local function stop(thread)
        if way == "closed" then assert(coroutine.close(thread)) else copas.removethread(thread) end
      end
      copas_loop.run(function()
        for _, timeout in ipairs { false, 60 } do
          begin_and_end(copas, near, timeout or nil, stop)
          assert.equal(0, scissl.wait.cancel(near))
          collectgarbage()
          collectgarbage()
          local free, used = free_number(), nil
          begin_and_end(copas, near, timeout or nil, function(thread)
            used = free_number()
            stop(thread)
          end)
          assert.equal(free, used) -- the wait has made no copy of the descriptor
          assert(far:send "!")
          assert.is_true(scissl.wait.on(near, "r", { timeout = 20, waiter = "copas" }))
          assert.equal("!", near:recv(1))
        end
      end)
      near:close()
      far:close()
    end)
  end
end)

describe("A stream under copas", function()
  local it = loops.it(copas_loop)
  local found, copas = pcall(require, "copas")
  local case = found and copas.removethread and it
    or function(name) pending(name .. " (this copas cannot remove coroutines)") end

  local function pair()
    local client, server = ends.connected()
    return scissl.stream(client, { waiter = "copas", timeout = 30 }),
      scissl.stream(server, { waiter = "copas", timeout = 30 })
  end

  -- A coroutine that waits until copas has removed it.
  local function remove(work)
    local thread = copas.addthread(work)
    copas.pause(0.001)
    copas.removethread(thread)
    copas.pause(0.001)
  end

  local function with_streams(test)
    copas_loop.run(function()
      local client, server = pair()
      test(client, server)
      client:close()
      server:close()
    end)
  end

  case("is read by others after the coroutine that read was removed", function()
    for _, read in ipairs { function(stream) return stream:read() end, function(stream) return stream:lines()() end,
      function(stream) return stream:read(20) end, function(stream) return stream:readUntil "\n" end } do
      with_streams(function(client, server)
        local ended = false
        assert(client:write "begun ")
        remove(function()
          read(server)
          ended = true
        end)
        for i = 1, 3 do
          assert(client:write(i, "\n"))
          assert.equal(i == 1 and "begun 1" or tostring(i), (assert(server:read())))
        end
        copas.addthread(function()
          copas.pause(0.001)
          assert(client:write "late\n")
        end)
        assert.equal("late", (assert(server:read())))
        assert.is_false(ended)
      end)
    end
  end)

  case("stays busy for those who read beside a coroutine that goes on", function()
    with_streams(function(client, server)
      local got
      copas.addthread(function() got = server:read() end)
      copas.pause(0.001)
      local line, failure = server:read()
      assert.is_nil(line)
      assert.equal("busy", failure:condition())
      assert(client:write "line\n")
      copas.pause(0.02)
      assert.equal("line", got)
    end)
  end)

  case("stays busy where a reader that was removed before is closed", function()
    with_streams(function(client, server)
      local removed, got
      copas.addthread(function()
        removed = coroutine.running()
        server:read "n"
      end)
      copas.pause(0.001)
      copas.removethread(removed)
      copas.addthread(function() got = server:read() end)
      copas.pause(0.001)
      assert(coroutine.close(removed))
      local line, failure = server:read(1)
      assert.is_nil(line)
      assert.equal("busy", failure:condition())
      assert(client:write "line\n")
      copas.pause(0.02)
      assert.equal("line", got)
    end)
  end)

  case("may start TLS after its reader was removed, and stays busy after one that was in startTls", function()
    copas_loop.run(function()
      local near, far = assert(SciSocket.pair())
      local client <close> = scissl.plain.on(near, { waiter = "copas", timeout = 30 })
      local server <close> = scissl.plain.on(far, { waiter = "copas", timeout = 30 })
      remove(function() server:read() end)
      copas.addthread(function()
        assert(client:startTls { host = "localhost", caFile = pki.ca.certificateFile })
        assert(client:write "secret\n")
      end)
      assert(server:startTls { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key })
      assert.equal("secret", (assert(server:read())))
    end)
    copas_loop.run(function()
      local near, far = assert(SciSocket.pair())
      local client <close> = scissl.plain.on(near, { waiter = "copas", timeout = 30 })
      local server <close> = scissl.plain.on(far, { waiter = "copas", timeout = 30 })
      remove(function() client:startTls { host = "localhost", caFile = pki.ca.certificateFile } end)
      assert(server:write "plain\n")
      for call, argument in pairs { read = "l", write = "plain", startTls = { host = "localhost" } } do
        local done, failure = client[call](client, argument)
        assert.is_nil(done)
        assert.equal("busy", failure:condition())
      end
    end)
  end)
end)

describe("A listener under copas whose serving coroutine has ended", function()
  local found, copas = pcall(require, "copas")

  for _, way in ipairs { "closed", "removed" } do
    local missing = way == "removed" and not (found and copas.removethread)
    local case = missing and function(name) pending(name .. " (this copas cannot)") end or loops.it(copas_loop)

    local function listen()
      local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
        privateKey = pki.server.key, waiter = "copas", timeout = 30 })
      return listener, select(2, listener:getSockName())
    end

    local function connect(port)
      return assert(scissl.connect { host = "localhost", port = port, ca = pki.ca.certificate, waiter = "copas",
        timeout = 30 })
    end

    -- Serves `listener` in a coroutine until that is ended. Returns a connection that it has served and that stays.
    local function serve_and_end(listener, port, handler)
      local thread
      copas.addthread(function()
        copas.setErrorHandler(function() end)
        thread = coroutine.running()
        listener:serve(handler)
      end)
      local stream = connect(port)
      assert.equal("first", stream:read())
      if way == "closed" then assert(coroutine.close(thread)) else copas.removethread(thread) end
      pause(0.001)
      return stream
    end

    case("serves again: " .. way, function()
      copas_loop.run(function()
        local listener, port = listen()
        local first = serve_and_end(listener, port, function(stream)
          stream:write "first\n"
          stream:write(stream:read(), "\n")
        end)
        local results
        copas.addthread(function()
          results = table.pack(listener:serve(function(stream) stream:write "second\n" end))
        end)
        local second = connect(port)
        assert.equal("second", second:read())
        assert(first:write "still there\n") -- the handler of before goes on, and ends
        assert.equal("still there", first:read())
        assert.is_nil((first:read()))
        first:close()
        second:close()
        listener:stop(30)
        while not results do pause(0.001) end
        assert.same({ n = 2, true, 0 }, results)
      end)
    end)

    case("is closed by stop: " .. way, function()
      copas_loop.run(function()
        local listener, port = listen()
        local first = serve_and_end(listener, port, function(stream) stream:write "first\n" end)
        assert.is_true(listener:stop(30))
        local again, failure = scissl.connect { host = "127.0.0.1", port = port, waiter = "copas", timeout = 30 }
        assert.is_nil(again)
        assert.equal("connection_refused", failure:condition())
        first:close()
      end)
    end)
  end
end)
