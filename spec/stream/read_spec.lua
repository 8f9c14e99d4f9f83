-- Streams that read: maxima, limits, patterns, deadlines, and peers that mean no good.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pair_of_streams = require "spec.support.streams".pair

local now = scissl.SciSocket.now

local function streams(server_options, pair_options)
  return pair_of_streams(nil, server_options, pair_options)
end

-- What `read(server)` answers after the peer has written `text` and closed.
local function after(text, read, server_options)
  local client, server = streams(server_options)
  assert(client:write(text))
  assert(client:close())
  return read(server)
end

describe("A format with a maximum", function()
  it("limits a line, which is kept", function()
    after("12345678901\nok\n", function(stream)
      local line, failure = stream:read("l:10")
      assert.is_nil(line)
      assert.are.equal("line_too_long", failure:condition())
      assert.are.equal("12345678901", stream:read("l:11"))
      assert.are.equal("ok\n", stream:read("L:2"))
    end)
  end)

  it("lets a line be longer than maxLine", function()
    after(("x"):rep(100) .. "\n", function(stream)
      assert.is_nil((stream:read()))
      assert.are.equal(("x"):rep(100), stream:read("*l:100"))
    end, { maxLine = 10 })
  end)

  it("limits all that comes, which is kept", function()
    after(("x"):rep(1000), function(stream)
      local all, failure = stream:read("a:999")
      assert.is_nil(all)
      assert.are.equal("too_much_data", failure:condition())
      assert.are.equal(("x"):rep(1000), stream:read("a:1000"))
    end)
  end)

  it("limits the spaces before a numeral", function()
    after((" "):rep(100) .. "7", function(stream)
      local number, failure = stream:read("n:5")
      assert.is_nil(number)
      assert.are.equal("line_too_long", failure:condition())
    end, { maxLine = 5 })
  end)

  it("limits what there is", function()
    after("abcdef", function(stream)
      assert.are.same({ "ab", "cdef" }, { stream:read("s:2", "s") })
      assert.is_nil((stream:read("s")))
    end)
  end)

  it("may be more than 32 bits count", function()
    for _, most in ipairs { 1 << 32, (1 << 32) + 2, math.maxinteger } do
      after("abcdef", function(stream) assert.are.equal("abcdef", stream:read("s:" .. most)) end)
      after("abcdef", function(stream) assert.are.equal("abcdef", stream:read("a:" .. most)) end)
      after("abcdef\n", function(stream) assert.are.equal("abcdef", stream:read("l:" .. most)) end)
      after("abcdef", function(stream) assert.are.equal("abcdef", stream:read(most)) end)
    end
  end)

  it("is refused where it is no number", function()
    local stream = streams()
    for _, format in ipairs { "l:", "l:x", "a:-1", "l:1.5", "x:5" } do
      assert.error_matches(function() stream:read(format) end, "invalid format", nil, nil, format)
    end
  end)
end)

describe("Format 's'", function()
  it("reads what there is as soon as there is any", function()
    local client, server = streams()
    assert(client:write("some"))
    assert.are.equal("some", server:read("s"))
    assert(client:write("more"))
    assert.are.equal("more", server:read("s"))
  end)
end)

describe("A numeral", function()
  -- What Lua's own files make of the same text.
  local function of_file(text, ...)
    local file <close> = assert(io.tmpfile())
    file:write(text)
    file:seek("set")
    return table.pack(file:read(...))
  end

  for _, text in ipairs {
    "+7,", "--7", "0x", "0xg", "1e", "1e+", "1e5x", ".", "..5", "5.", "0x.p1", "0x1p-2 ", "00012", "1.5.5", "-.5e-1z",
    "e5", ("1"):rep(200), ("1"):rep(201) .. " 5", "nan", "0b1", "\t\n\v\f\r 3", "1_000",
  } do
    it(("is read as Lua's files read it: %q"):format(text:sub(1, 20)), function()
      local got = table.pack(after(text, function(stream) return stream:read("n", "a") end))
      local wanted = of_file(text, "n", "a")
      assert.are.equal(wanted[1], got[1])
      -- A numeral that is none leaves what Lua leaves.
      if wanted[1] == nil then return end
      assert.are.equal(wanted[2], got[2])
    end)
  end

  it("may come byte by byte", function()
    local client, server = ends.connected()
    local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
    local results = ends.run(
      function() return far:read("n", "n") end,
      function()
        for byte in ("  -12.5e1   0x1F;"):gmatch "." do assert(near:write(byte)) end
      end)
    assert.are.same({ -125.0, 31 }, { results[1][1], results[1][2] })
  end)
end)

describe("readUntil", function()
  it("reads up to a plain text, and takes it", function()
    after("head.tail.", function(stream)
      assert.are.same({ "head", "." }, { stream:readUntil(".", nil, true) })
      assert.are.same({ "tail", "." }, { stream:readUntil(".", nil, true) })
      assert.is_nil((stream:readUntil(".", nil, true)))
    end)
  end)

  it("reads up to a pattern, and answers what matched", function()
    after("a=1;b=22;c", function(stream)
      assert.are.same({ "a", "=1;" }, { stream:readUntil("=%d+;") })
      assert.are.same({ "b", "=22;" }, { stream:readUntil("=%d+;") })
      assert.are.same({ "c" }, { stream:readUntil("=%d+;") })
    end)
  end)

  it("answers the rest alone where the stream ends", function()
    after("no end", function(stream)
      assert.are.same({ n = 1, "no end" }, table.pack(stream:readUntil("\r\n", nil, true)))
    end)
  end)

  it("finds what is split anywhere, and what is split everywhere", function()
    for _, plain in ipairs { true, false } do
      local text = "one\r\ntwo\r\r\nthree\r\n\r\n"
      for cut = 1, #text - 1 do
        local client, server = streams()
        assert(client:write(text:sub(1, cut)))
        assert.are.equal("", server:read(0))
        assert(client:write(text:sub(cut + 1)))
        local got = {}
        for i = 1, 4 do got[i] = server:readUntil("\r\n", nil, plain) end
        assert.are.same({ "one", "two\r", "three", "" }, got)
      end
      local client, server = ends.connected()
      local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
      local results = ends.run(
        function() return far:readUntil("\r\n\r\n", nil, plain) end,
        function()
          for byte in text:gmatch "." do assert(near:write(byte)) end
        end)
      assert.are.same({ "one\r\ntwo\r\r\nthree", "\r\n\r\n" }, { results[1][1], results[1][2] })
    end
  end)

  it("goes together with the other ways to read", function()
    after("line\nrest of a line;5\n", function(stream)
      assert.are.equal("line", stream:read())
      assert.are.equal("rest", stream:readUntil(" ", nil, true))
      assert.are.equal("of a line", (stream:readUntil(";")))
      assert.are.equal(5, stream:read("n"))
      assert.are.equal("\n", stream:read("L"))
    end)
  end)

  it("has a maximum, behind which nothing is lost", function()
    after("0123456789;", function(stream)
      local text, failure = stream:readUntil(";", 9, true)
      assert.is_nil(text)
      assert.are.equal("line_too_long", failure:condition())
      assert.are.same({ "0123456789", ";" }, { stream:readUntil(";", 10, true) })
    end)
  end)

  it("has a maximum before the match has come", function()
    local client, server = streams()
    assert(client:write(("x"):rep(100)))
    local text, failure = server:readUntil("\r\n", 98, true)
    assert.is_nil(text)
    assert.are.equal("line_too_long", failure:condition())
  end)

  it("refuses patterns that make no sense", function()
    local stream = streams()
    for pattern, words in pairs {
      ["[a"] = "malformed", ["^x"] = "without ^", ["x*"] = "matches the empty string", [""] = "matches the empty",
    } do
      assert.error_matches(function() stream:readUntil(pattern) end, words)
    end
    assert.error_matches(function() stream:readUntil(5) end, "string expected, got number")
    assert.error_matches(function() stream:readUntil(";", 0) end, "bad argument #2 to 'readUntil'")
    assert.error_matches(function() stream:readUntil("", nil, true) end, "matches the empty string")
  end)
end)

describe("Buffered bytes", function()
  it("are limited for 'a', so that no peer can fill our memory", function()
    local client, server = ends.connected { transport = "tcp" }
    local near = scissl.stream(client, { waiter = "coroutine" })
    local far = scissl.stream(server, { waiter = "coroutine", maxBuffer = 100000 })
    local written = 0
    local results = ends.run(
      function()
        local all, failure = far:read("a")
        local held = far[1]:size()
        far:close()
        return all, failure, held
      end,
      function()
        local text = ("x"):rep(65536)
        while written < 1 << 30 and near:write(text) do written = written + #text end
      end)
    assert.is_nil(results[1][1])
    assert.are.equal("too_much_data", results[1][2]:condition())
    assert.is_true(results[1][3] < 100000 + 2 * 65536)
  end)

  it("are limited for a line that never ends", function()
    local client, server = ends.connected { transport = "tcp" }
    local near = scissl.stream(client, { waiter = "coroutine" })
    local far = scissl.stream(server, { waiter = "coroutine" })
    local results = ends.run(
      function()
        local line, failure = far:read()
        local held = far[1]:size()
        far:close()
        return line, failure, held
      end,
      function()
        local text = ("x"):rep(65536)
        for _ = 1, 1 << 14 do
          if not near:write(text) then return end
        end
      end)
    assert.is_nil(results[1][1])
    assert.are.equal("line_too_long", results[1][2]:condition())
    assert.is_true(results[1][3] < (1 << 20) + 2 * 65536)
  end)
end)

describe("A peer that drips", function()
  it("is ended by the operation's time, not by each byte's", function()
    local client, server = ends.connected()
    local near = scissl.stream(client, { waiter = "coroutine" })
    local far = scissl.stream(server, { waiter = "coroutine", timeout = 0.3 })
    local ended = false
    local results = ends.run(
      function()
        local line, failure = far:read()
        ended = true
        return line, failure
      end,
      function()
        local bytes = 0
        while not ended do -- a byte whenever the other has taken the last
          assert(near:write("x"))
          bytes = bytes + 1
          require "scissl.wait.coroutine"(near:socket(), "r", now() + 0.02)
        end
        return bytes
      end)
    assert.is_nil(results[1][1])
    assert.are.equal("timeout", results[1][2]:condition())
    assert.is_true(results[2][1] > 1)
    far:settimeout(nil)
    assert(near:write("!\n"))
    assert.are.equal(("x"):rep(results[2][1]) .. "!", far:read()) -- and nothing was lost
  end)

  it("does not hold up others", function()
    local client, server = ends.connected()
    local other_client, other_server = ends.connected()
    local dripping = scissl.stream(client, { waiter = "coroutine" })
    local dripped = scissl.stream(server, { waiter = "coroutine" })
    local quick = scissl.stream(other_client, { waiter = "coroutine" })
    local served = scissl.stream(other_server, { waiter = "coroutine" })
    local over = false
    local results = ends.run(
      function() return dripped:read("l") end,
      function()
        while not over do
          assert(dripping:write("."))
          require "scissl.wait.coroutine"(dripping:socket(), "r", now() + 0.01)
        end
        assert(dripping:write("\n"))
      end,
      function()
        local count = 0
        for line in served:lines() do
          assert(served:write(line, "\n"))
          count = count + 1
        end
        return count
      end,
      function()
        for i = 1, 50 do
          assert(quick:write(i, "\n"))
          assert(quick:read() == tostring(i))
        end
        quick:close()
        over = true
      end)
    assert.are.equal(50, results[3][1])
    assert.truthy(results[1][1]:find("^%.+$"))
  end)
end)

describe("A peer that floods", function()
  it("lets others have their turn", function()
    -- Its bytes are always there: only a reader that waits now and then, though it need not, lets others run.
    local waits, chunks = 0, 0
    local flood = {
      secure = false,
      socket = {},
      receive = function()
        chunks = chunks + 1
        if chunks <= 1000 then return ("x\n"):rep(100) end
      end,
      send = function() return nil end,
      await = function()
        waits = waits + 1
        return true
      end,
      dirty = function() return false end,
      events = function() return "r" end,
      base = function() return {} end,
    }
    flood[1] = getmetatable(require "scissl.core").newLink(flood)
    local stream = require "scissl.stream".make(nil, {}, 1, flood)
    local lines = 0
    for _ in stream:lines() do lines = lines + 1 end
    assert.are.equal(100000, lines)
    assert.is_true(waits >= 30, "waited " .. waits .. " times")
  end)
end)

describe("A stream's deadline", function()
  it("ends each later operation", function()
    local client, server = streams()
    local deadline = now() + 0.05
    assert.are.equal(server, server:setdeadline(deadline))
    local line, failure = server:read()
    assert.is_nil(line)
    assert.are.equal("timeout", failure:condition())
    assert.is_true(now() >= deadline)
    line, failure = server:read()
    assert.is_nil(line)
    assert.are.equal("timeout", failure:condition())
    server:setdeadline(nil)
    assert(client:write("kept\n"))
    assert.are.equal("kept", server:read())
  end)

  it("ends writes, too", function()
    local client, server <close> = streams(nil, { transport = "tcp" })
    assert.is_true(server:isSecure())
    client:setdeadline(now() + 0.05)
    local done, failure = client:write(("x"):rep(16 * 1024 * 1024))
    assert.is_nil(done)
    assert.are.equal("timeout", failure:condition())
  end)

  it("leaves the time-out its own, and the earlier one counts", function()
    local _, server = streams()
    server:setdeadline(now() + 3600):settimeout(0.05)
    local _, failure = server:read()
    assert.are.equal("timeout", failure:condition())
    server:setdeadline(now() + 0.05):settimeout(3600)
    _, failure = server:read()
    assert.are.equal("timeout", failure:condition())
  end)

  it("ends reads where it is negative: the clock began at 0", function()
    local _, server = streams()
    server:setdeadline(-1)
    local line, failure = server:read()
    assert.is_nil(line)
    assert.are.equal("timeout", failure:condition())
  end)

  it("is none where it is infinite", function()
    local client, server = streams()
    server:setdeadline(math.huge)
    assert(client:write("one\n"))
    assert.are.equal("one", server:read())
  end)

  it("reads what is there though it has passed", function()
    local client, server = streams()
    assert(client:write("one\ntwo\n"))
    assert.are.equal("one", server:read())
    server:setdeadline(now() - 1)
    assert.are.equal("two", server:read())
  end)

  it("makes a blocking socket non-blocking", function()
    local client = ends.connected()
    client:setBlocking(true)
    scissl.stream(client):setdeadline(now() + 1)
    assert.is_false(client:isBlocking())
  end)

  it("is refused where it is no moment", function()
    local client = streams()
    assert.error_matches(function() client:setdeadline("1") end, "bad argument #1 to 'setdeadline'")
    assert.error_matches(function() client:setdeadline(0 / 0) end, "bad argument #1 to 'setdeadline'")
  end)
end)

describe("A waiter", function()
  local function failing(waiter)
    local client, server = ends.connected()
    local stream = scissl.stream(server, { waiter = waiter, timeout = 30 })
    return stream, scissl.stream(client, { waiter = "poll", timeout = 30 })
  end

  it("that gives up ends that one operation, and nothing is lost", function()
    local stream, peer = failing(function() return nil, "no time" end)
    assert(peer:write("hel"))
    local line, failure = stream:read()
    assert.is_nil(line)
    assert.are.equal("cancelled", failure:condition())
    assert.are.equal("no time", failure:cause())
    assert(peer:write("lo\n"))
    assert.are.equal("hello", stream:read())
  end)

  -- Each ends the read that needed it, and the next read finds what has come by then.
  for what, waiter in pairs {
    ["that lies"] = function() return true end,
    ["that answers rubbish"] = function() return {} end,
    ["that answers other rubbish"] = function() return "ready" end,
    ["that raises"] = function() error("broken", 0) end,
    ["that raises no text"] = function() error({}) end,
  } do
    it(what .. " ends that one operation with a clear error, and nothing is lost", function()
      local stream, peer = failing(waiter)
      stream:settimeout(nil)
      assert(peer:write("hel"))
      local line, failure = stream:read()
      assert.is_nil(line)
      assert.are.equal("bad_waiter", failure:condition())
      assert.are.equal("read", failure:phase())
      assert(peer:write("lo\n"))
      assert.are.equal("hello", stream:read())
    end)

    it(what .. " ends a write with a clear error, and the rest goes out later", function()
      local client, server = ends.connected { transport = "tcp" }
      local stream = scissl.stream(client, { waiter = waiter })
      local text = ("0123456789abcdef"):rep(1024 * 1024)
      local done, failure = stream:write(text)
      assert.is_nil(done)
      assert.are.equal("bad_waiter", failure:condition())
      assert.are.equal("write", failure:phase())
      stream[2] = require "scissl.wait.coroutine"
      local far = scissl.stream(server, { waiter = "coroutine" })
      local results = ends.run(function() return stream:close() end, function() return far:read("a") end)
      assert.is_true(results[1][1])
      assert.is_true(results[2][1] == text)
    end)
  end
end)
