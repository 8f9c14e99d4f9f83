-- Streams whose calls are interrupted: by finalizers, by handlers inside of OpenSSL's calls, by waiters.
local scissl = require "scissl"
local collector = require "spec.support.collector"
local ends = require "spec.support.ends"
local streams = require "spec.support.streams"

-- Calls `step` until a finalizer that calls `act` has run in the midst of it, or beside it, `times` times.
local function interrupt(times, act, step)
  local count = 0
  local function leave()
    setmetatable({}, { __gc = function()
      count = count + 1
      act()
    end })
  end
  for _ = 1, 3000 do
    leave()
    step()
    if count >= times then return end
  end
  error "no finalizer has run"
end

describe("A stream that a finalizer closes", function()
  it("in the midst of a write is closed, and the write an error", function()
    local piece = ("x"):rep(30000)
    for _ = 1, 20 do
      local client, server = ends.connected()
      local stream = scissl.stream(client, { timeout = 30 })
      interrupt(1, function() stream:close() end, function()
        local done, failure = stream:write(piece, piece)
        if not done then assert.are.equal("closed", failure:condition()) end
        repeat local bytes = server:sslRead() until type(bytes) ~= "string"
      end)
      assert.are.equal(-1, client:getfd())
      server:close()
    end
  end)

  it("in the midst of a read is closed", function()
    for _ = 1, 20 do
      local client, server = ends.connected()
      local stream, raised = scissl.stream(client, { timeout = 30 }), nil
      interrupt(1, function()
        local good, why = pcall(stream.close, stream)
        if not good then raised = why end
      end, function()
        server:sslWrite(("x"):rep(16000) .. "\n")
        local line, failure = stream:read()
        if line then assert.are.equal(16000, #line) else assert.are.equal("closed", failure:condition()) end
      end)
      assert.is_nil(raised)
      assert.are.equal(-1, client:getfd())
      server:close()
    end
  end)
end)

-- Each line stands in `all` once and whole, and those of each letter in order.
local function check_lines(all, counts)
  local seen = {}
  for letter, number, rest in all:gmatch "(%a)(%d+)(x*)\n" do
    seen[letter] = (seen[letter] or 0) + 1
    assert(tonumber(number) == seen[letter], ("%s%s comes after %s%d"):format(letter, number, letter, seen[letter] - 1))
    assert(#rest == tonumber(number) * 7919 % 70001 or letter ~= "a", ("a%s has lost some of its bytes"):format(number))
  end
  assert.are.same(counts, seen)
  assert.are.equal("", (all:gsub("%a%d+x*\n", "")))
end

describe("A write that a finalizer interrupts with another one", function()
  for kind, make in pairs(streams.kinds) do
    it(("is sent once and in order, and so is the other: %s #slow"):format(kind), function()
      local near, far = make()
      local counts = { a = 0, f = 0 }
      local function write_another()
        if coroutine.running() and counts.a >= 300 then return end
        counts.f = counts.f + 1
        near:write("f", counts.f, "\n")
      end
      local function leave() setmetatable({}, { __gc = write_another }) end
      near:settimeout(0)
      local got = {}
      local calm = collector.hurry(50, 400, 8)
      for i = 1, 300 do
        for _ = 1, 10 do leave() end
        counts.a = i
        local size = i * 7919 % 70001
        near:setvbuf(({ "no", "full", "line" })[i % 3 + 1])
        if i % 2 == 0 then near:write("a" .. i, ("x"):rep(size), "\n")
        else near:write("a" .. i .. ("x"):rep(size) .. "\n") end
        far:settimeout(0)
        if i % 7 == 0 then got[#got + 1] = far:read("s") end
      end
      calm()
      collectgarbage()
      near:settimeout(nil)
      far:settimeout(nil)
      local results = ends.run(
        function() return near:close() end,
        function() return far:read("a") end)
      assert.is_true(results[1][1], tostring(results[1][2]))
      check_lines(table.concat(got) .. results[2][1], counts)
      assert.is_true(counts.f > 100)
      far:close()
    end)
  end
end)

describe("A read", function()
  it("may wait any number of times #slow", function()
    local near, far = assert(scissl.SciSocket.pair())
    local waits = 0
    local stream = assert(scissl.plain.on(near, { waiter = function()
      waits = waits + 1
      return far:send(waits < 60000 and "x" or "\n") == 1
    end }))
    assert.are.equal(59999, #assert(stream:read()))
    stream:close()
    far:close()
  end)

  it("does not wait for what has been peeked at", function()
    local client, server = ends.connected()
    local stream = scissl.stream(client, { waiter = "coroutine", timeout = 30 })
    for _ = 1, 3 do
      local line, yields = nil, 0
      assert.are.equal(4, server:sslWrite "one\n")
      assert.are.equal("one\n", ends.read(client, server, 0) and client:sslPeek())
      local reading = coroutine.create(function() line = stream:read() end)
      while not line and yields < 3 do
        assert(coroutine.resume(reading, true))
        yields = yields + 1
      end
      assert.are.equal(1, yields)
      assert.are.equal("one", line)
    end
    stream:close()
    server:close()
  end)

  it("goes on with TLS that its waiter has started, and reports that TLS's errors", function()
    local near, far = assert(scissl.SciSocket.pair())
    far:setBlocking(false)
    local server = assert(scissl.SciSslSocket.on(far, ends.serverContext()))
    assert(server:sslInitialize())
    local stream, started
    stream = assert(scissl.plain.on(near, { timeout = 30, waiter = function()
      if started == nil then
        started = false
        started = stream:startTls { host = "localhost", verify = false }
        assert.are.equal(1, server:sslAccept())
        assert.are.equal(8, server:sslWrite "one\ntwo\n")
        far:close()
      else
        server:sslAccept()
      end
      return true
    end }))
    assert.are.equal("one", (stream:read()))
    assert.are.equal("two", (stream:read()))
    assert.are.equal(stream, started)
    for _ = 1, 2 do
      local line, failure = stream:read()
      assert.is_nil(line)
      assert.are.equal("truncated", failure:condition())
    end
    stream:close()
  end)
end)

-- Two ends of TLS 1.2 with a key known before. `handler()` is called when the client renegotiates.
local function renegotiating(handler)
  local key, running = ("k"):rep(32), false
  local function allow(context)
    assert(context:setCipherList "PSK-AES128-GCM-SHA256:@SECLEVEL=0")
    context:clearOptions(scissl.SSL_OP_NO_RENEGOTIATION)
    context:setOptions(scissl.SSL_OP_ALLOW_CLIENT_RENEGOTIATION | scissl.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION)
  end
  local client, server = ends.connected {
    version = "TLSv1.2",
    verifyHost = false,
    client = { method = "TLSv1.2", trust = false, verify = scissl.SSL_VERIFY_NONE, setup = function(context)
      allow(context)
      assert(context:setPskClient("id", key))
    end },
    server = { method = "TLSv1.2", setup = function(context)
      allow(context)
      assert(context:setPskServer(function()
        if running then handler() end
        return key
      end))
    end },
  }
  running = true
  return client, server
end

-- Reads all that the peer sends, in the midst of which a handler calls `act(stream)`. Returns the results of that.
local function act_in_handler(act)
  local stream, done, refusal
  local client, server = renegotiating(function() done, refusal = act(stream) end)
  stream = scissl.stream(server, { waiter = "coroutine" })
  local text
  local reading = coroutine.create(function() text = stream:read(45000) end)
  assert(coroutine.resume(reading))
  for i = 1, 2 do assert.are.equal(15000, client:sslWrite(tostring(i):rep(15000))) end
  assert(coroutine.resume(reading, true))
  client:sslRenegotiate()
  for _ = 1, 4 do
    client:sslRead()
    assert(coroutine.resume(reading, true))
  end
  assert.are.equal(15000, client:sslWrite(("3"):rep(15000)))
  assert(coroutine.resume(reading, true))
  assert.are.equal(("1"):rep(15000) .. ("2"):rep(15000) .. ("3"):rep(15000), text)
  assert.is_true(stream:close())
  client:close()
  return done, refusal
end

describe("A handler that OpenSSL calls in the midst of a stream's read", function()
  for name, act in pairs {
    ["reads no bytes of it"] = function(stream) return stream:read "s" end,
    ["does not close it"] = function(stream) return stream:close() end,
  } do
    it(name, function()
      local done, refusal = act_in_handler(act)
      assert.is_nil(done)
      assert.truthy(({ busy = true, in_callback = true })[refusal:condition()], tostring(refusal))
    end)
  end

  it("frees no bytes of it", function()
    act_in_handler(function(stream)
      local bytes = rawget(stream, 1)
      getmetatable(bytes).__gc(bytes)
      return true
    end)
  end)
end)

describe("A handler that OpenSSL calls in the midst of a stream's write", function()
  -- Writes `texts` while the client renegotiates: OpenSSL calls the handler, which writes, before it takes the bytes.
  -- Returns what the client has received, which are `more` bytes more.
  local function write_meanwhile(handler, texts, mode, more)
    local stream
    local client, server = renegotiating(function() handler(stream) end)
    stream = scissl.stream(server, { waiter = "coroutine" })
    stream:setvbuf(mode, 10000000)
    client:sslRenegotiate()
    assert(coroutine.resume(coroutine.create(function() return stream:read() end)))
    client:sslRead()
    local writing = coroutine.create(function()
      return assert(assert(stream:write(table.unpack(texts))):flush()):flush() -- the second: what the handler wrote
    end)
    local came, left = {}, #table.concat(texts) + more
    while left > 0 do
      if coroutine.status(writing) == "suspended" then assert(coroutine.resume(writing, true)) end
      local bytes = client:sslRead()
      if type(bytes) == "string" then
        came[#came + 1] = bytes
        left = left - #bytes
      else assert.is_true(math.type(bytes) == "integer" and bytes < 0, tostring(bytes)) end
    end
    stream:close()
    client:close()
    return table.concat(came)
  end

  local x, y = ("x"):rep(60000), ("y"):rep(60000)
  for name, texts in pairs {
    ["short texts"] = { ("1"):rep(15000), ("2"):rep(15000), ("3"):rep(15000) },
    ["one short text"] = { ("1"):rep(40000) },
    ["a long text"] = { ("1"):rep(4000000) },
  } do
    for _, mode in ipairs { "no", "full" } do
      it(("writes behind %s, mode %q"):format(name, mode), function()
        local came = write_meanwhile(function(stream)
          for _ = 1, 3 do assert.are.equal(stream, stream:write(x, y)) end
        end, texts, mode, 6 * 60000)
        assert.is_true(came == table.concat(texts) .. (x .. y):rep(3))
      end)
    end
  end
end)

describe("A handler that OpenSSL calls in the midst of a stream's read, and that writes,", function()
  it("has it sent when that read is over", function()
    local stream, written
    local client, server = renegotiating(function() written = stream:write("a", "b") end)
    stream = scissl.stream(server, { waiter = "coroutine" })
    stream:settimeout(0)
    client:sslRenegotiate()
    local came = {}
    for _ = 1, 4 do
      stream:read "s"
      local bytes = client:sslRead()
      came[#came + 1] = type(bytes) == "string" and bytes or nil
    end
    assert.are.equal(stream, written)
    assert(stream:flush())
    repeat
      local bytes = client:sslRead()
      came[#came + 1] = type(bytes) == "string" and bytes or nil
    until type(bytes) ~= "string"
    assert.are.equal("ab", table.concat(came))
    stream:close()
    client:close()
  end)
end)
