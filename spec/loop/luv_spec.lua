-- TLS over luv's own streams, by the memory transport.
local ends = require "spec.support.ends"
local scissl = require "scissl"

local LONG = 30

local found, luv = pcall(require, "luv")
local it = found and it or function(name) pending(name .. " (luv is not installed)") end

-- A luv listener whose connections `serve(handle)` gets in a coroutine, and its port.
local function listen(serve)
  local server = luv.new_tcp()
  assert(server:bind("127.0.0.1", 0))
  assert(server:listen(128, function(failure)
    assert(not failure, failure)
    local handle = luv.new_tcp()
    assert(server:accept(handle))
    coroutine.wrap(serve)(handle)
  end))
  return server, server:getsockname().port
end

local function connect(port, talk)
  local handle = luv.new_tcp()
  handle:connect("127.0.0.1", port, coroutine.wrap(function(failure)
    assert(not failure, failure)
    talk(handle)
  end))
end

-- Runs a server and a client until both have ended; answers what they answer.
local function converse(serve, talk)
  local over_luv = require "scissl.luv"
  local results, left = {}, 2
  local function note(index, f)
    return function(handle)
      results[index] = table.pack(xpcall(f, debug.traceback, over_luv, handle))
      left = left - 1
    end
  end
  local server, port = listen(note("server", serve))
  connect(port, note("client", talk))
  local alarm = luv.new_timer()
  local late = false
  alarm:start(60000, 0, function() late = true end)
  while left > 0 and not late do luv.run("once") end
  alarm:close()
  server:close()
  luv.run("nowait")
  luv.run("nowait")
  assert.is_false(late, "no end came")
  for _, result in pairs(results) do if not result[1] then error(result[2], 0) end end
  return results.client[2], results.server[2], results
end

local function server_options() return { context = ends.serverContext(), timeout = LONG } end
local function client_options() return { context = ends.clientContext(), verifyHost = "localhost", timeout = LONG } end

describe("scissl.luv", function()
  it("speaks TLS over uv_tcp, both ways", function()
    local client, server = converse(function(over_luv, handle)
      local stream = assert(over_luv.accept(handle, server_options()))
      local line = stream:read()
      assert(stream:write("you said ", line, "\n"))
      local rest = stream:read()
      stream:close()
      return tostring(rest) .. line
    end, function(over_luv, handle)
      local stream = assert(over_luv.connect(handle, client_options()))
      assert(stream:write "hello\n")
      local line = stream:read()
      stream:close()
      return line
    end)
    assert.same({ "you said hello", "nilhello" }, { client, server })
  end)

  it("moves megabytes, and a slow reader makes the writer wait", function()
    local size = 4 * 1024 * 1024
    local client, server = converse(function(over_luv, handle)
      local stream = assert(over_luv.accept(handle, server_options()))
      local got = 0
      while got < size do got = got + #assert(stream:read(64 * 1024)) end
      assert(stream:write("got ", got, "\n"))
      stream:read()
      stream:close()
      return got
    end, function(over_luv, handle)
      local stream = assert(over_luv.connect(handle, client_options()))
      local most = 0
      local piece = ("x"):rep(64 * 1024)
      for _ = 1, size // #piece do
        assert(stream:write(piece))
        most = math.max(most, luv.stream_get_write_queue_size(handle))
      end
      local line = stream:read()
      stream:close()
      assert(most < 1024 * 1024, "held " .. most)
      return line
    end)
    assert.same({ "got " .. size, size }, { client, server })
  end)

  it("hands on what every way to write has written", function()
    local client, server = converse(function(over_luv, handle)
      local stream = assert(over_luv.accept(handle, server_options()))
      local text = stream:read "a"
      stream:close()
      return text
    end, function(over_luv, handle)
      local stream = assert(over_luv.connect(handle, client_options()))
      local left = {}
      local function note(done)
        assert(done)
        left[#left + 1] = #stream:socket():sslDrain()
      end
      note(stream:writev { "some", " words" })
      note(stream:setvbuf "no")
      note(stream:closeWrite())
      stream:read()
      stream:close()
      return table.concat(left, " ")
    end)
    assert.same({ "0 0 0", "some words" }, { client, server })
  end)

  it("verifies, and both sides are told", function()
    local client, server = converse(function(over_luv, handle)
      local stream, failure = over_luv.accept(handle, server_options())
      if not stream then return failure end
      local line
      line, failure = stream:read()
      stream:close()
      return line or failure
    end, function(over_luv, handle)
      local given = client_options()
      given.verifyHost = "elsewhere.example"
      local stream, failure = over_luv.connect(handle, given)
      assert(not stream)
      return failure:condition()
    end)
    assert.equal("certificate_wrong_host", client)
    assert.is_true(scissl.isSslError(server))
  end)

  it("has time-outs", function()
    local over
    local _, _, results = converse(function(_, handle)
      while not over do
        local thread = coroutine.running()
        local timer = luv.new_timer()
        timer:start(10, 0, function()
          timer:close()
          coroutine.resume(thread)
        end)
        coroutine.yield()
      end
      handle:close()
    end, function(over_luv, handle)
      local given = client_options()
      given.timeout = 0.05
      local stream, failure = over_luv.connect(handle, given)
      over = true
      return stream == nil and failure:condition()
    end)
    assert.equal("timeout", results.client[2])
  end)

  it("tells a cut connection from an end", function()
    local client = converse(function(over_luv, handle)
      local stream = assert(over_luv.accept(handle, server_options()))
      assert(stream:write "cut\n")
      handle:shutdown(function() handle:close() end)
    end, function(over_luv, handle)
      local stream = assert(over_luv.connect(handle, client_options()))
      local line = stream:read()
      local nothing, failure = stream:read()
      stream:close()
      return line .. tostring(nothing) .. failure:condition()
    end)
    assert.equal("cutniltruncated", client)
  end)

  it("refuses unknown and missing options", function()
    local over_luv = require "scissl.luv"
    assert.error_matches(function() over_luv.accept(nil, { contxt = 1 }) end, "did you mean 'context'")
    assert.error_matches(function() over_luv.connect(nil, {}) end, "'context' to 'luv.connect' is missing")
    assert.error_matches(function() over_luv.connect(nil, { context = ends.clientContext() }) end,
      "'verifyHost' to 'luv.connect' is missing")
  end)
end)

describe("The waiter for luv", function()
  local SciSocket = scissl.SciSocket
  local wait = scissl.wait
  local given = { waiter = "luv", timeout = LONG }

  -- Runs `f` in a coroutine, and luv's loop until that has nothing to do; returns what `f` returns.
  local function run(f)
    local results
    coroutine.wrap(function() results = table.pack(xpcall(f, debug.traceback)) end)()
    luv.run()
    assert(results and results[1], results and results[2] or "the loop has ended before its coroutine")
    return table.unpack(results, 2, results.n)
  end

  it("lets the loop end where nothing waits, though connections are open and had time-outs", function()
    local near, far = SciSocket.pair()
    near:setBlocking(false)
    assert(far:send "xy")
    local started = SciSocket.now()
    run(function()
      for _ = 1, 2 do
        assert(wait.on(near, "r", given))
        assert(near:recv(1))
      end
    end)
    assert.is_true(SciSocket.now() - started < LONG)
    near:close()
    far:close()
  end)

  it("leaves the number of a socket that is closed at once to luv's own handles", function()
    local server, port = listen(function(handle)
      handle:write("from luv")
      handle:shutdown(function() handle:close() end)
    end)
    local got, before, after = run(function()
      local near, far = SciSocket.pair()
      local thread = coroutine.running()
      assert(far:send "x")
      assert(wait.on(near, "r", given))
      local descriptor = near:getfd()
      near:close()
      local handle, text = luv.new_tcp(), ""
      handle:connect("127.0.0.1", port, function(failure)
        assert(not failure, failure)
        handle:read_start(function(_, bytes)
          text = text .. (bytes or "")
          if not bytes then handle:close(function() coroutine.resume(thread) end) end
        end)
      end)
      local number = handle:fileno()
      coroutine.yield()
      server:close()
      far:close()
      return text, descriptor, number
    end)
    assert.equal("from luv", got)
    assert.equal(before, after)
  end)

  it("waits for the next socket of a number that was closed without our knowledge", function()
    assert.equal("next", run(function()
      local pair = assert(luv.socketpair())
      local number = pair[1]
      assert(luv.fs_write(pair[2], "x"))
      assert(wait.on(number, "r", given))
      assert(luv.fs_close(number))
      local reader, writer = SciSocket.pair()
      assert.equal(number, reader:getfd())
      reader:setBlocking(false)
      coroutine.wrap(function()
        assert(wait.on(writer, "w", given))
        assert(writer:send "next")
      end)()
      assert(wait.on(reader, "r", given))
      local text = reader:recv(4)
      reader:close()
      writer:close()
      assert(luv.fs_close(pair[2]))
      return text
    end))
  end)
end)
