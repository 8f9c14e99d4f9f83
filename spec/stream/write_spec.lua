-- Streams that write: how what is written leaves, and when.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"
local streams = require "spec.support.streams"

local options = { waiter = "poll", timeout = 30 }

-- A stream, its peer, and a socket that sees the bytes which the peer's descriptor gets.
local function watched(version)
  local client, server = ends.connected { version = version }
  local wire = assert(scissl.SciSocket.on(server, true))
  assert(wire:setBlocking(false))
  return scissl.stream(client, options), scissl.stream(server, options), wire
end

-- The number of bytes in each application data record on the wire. They are taken from the peer.
local function records(wire)
  local bytes = {}
  while true do
    local some = wire:recv(65536)
    if not some or some == "" then break end
    bytes[#bytes + 1] = some
  end
  local lengths, kinds = payload.records(table.concat(bytes))
  local ours = {}
  for i, kind in ipairs(kinds) do
    if kind == 23 then ours[#ours + 1] = lengths[i] end
  end
  return ours
end

-- What a record of `length` bytes adds to those that were written; the cipher decides it, and it is small.
local function carries(length, written)
  return length >= written and length <= written + 64
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("What a stream writes, " .. version .. ",", function()
    it("leaves as one record where several arguments fit", function()
      local stream, _, wire = watched(version)
      assert(stream:write("GET ", "/", " HTTP/", 1.1, "\r\n\r\n"))
      local lengths = records(wire)
      assert.are.equal(1, #lengths)
      assert.is_true(carries(lengths[1], #"GET / HTTP/1.1\r\n\r\n"))
    end)

    it("leaves at once without a buffer", function()
      local stream, _, wire = watched(version)
      for _ = 1, 3 do assert(stream:write("x")) end
      assert.are.equal(3, #records(wire))
    end)

    it("leaves in full records with a full buffer", function()
      local stream, _, wire = watched(version)
      assert(stream:setvbuf("full"))
      for i = 1, 5000 do assert(stream:write(("%09d\n"):format(i))) end -- 50000 bytes
      local lengths = records(wire)
      assert.are.equal(3, #lengths)
      for i = 1, 3 do assert.is_true(carries(lengths[i], 16384), "record of " .. lengths[i]) end
      assert(stream:flush())
      lengths = records(wire)
      assert.are.equal(1, #lengths)
      assert.is_true(carries(lengths[1], 50000 - 3 * 16384))
    end)

    it("leaves in the fewest records by writev, whatever the pieces", function()
      local stream, _, wire = watched(version)
      local pieces = { "small", ("a"):rep(100000), 12, ("b"):rep(3), ("c"):rep(70000), "" }
      local size = 5 + 100000 + 2 + 3 + 70000
      assert(stream:writev(pieces))
      local lengths = records(wire)
      assert.are.equal((size + 16383) // 16384, #lengths)
      for i = 1, #lengths - 1 do assert.is_true(carries(lengths[i], 16384), "record of " .. lengths[i]) end
    end)
  end)
end

describe("writev", function()
  it("writes the list, in order", function()
    local client, server = watched()
    assert.are.equal(client, client:writev { "one ", 2, " three\n" })
    assert.are.equal("one 2 three", server:read())
  end)

  it("writes lists of every shape whole #slow", function()
    local client, server = ends.connected { transport = "tcp" }
    local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
    local lists = {}
    for seed = 1, 40 do
      local list = {}
      for i = 1, 1 + seed * 7 % 23 do
        local size = ({ 0, 1, 100, 16383, 16384, 16385, 65536, 70001 })[1 + (seed * i * i + seed) % 8]
        list[i] = string.char(97 + (seed + i) % 26):rep(size)
      end
      lists[seed] = list
    end
    local all = {}
    for _, list in ipairs(lists) do all[#all + 1] = table.concat(list) end
    local results = ends.run(
      function()
        for _, list in ipairs(lists) do assert(near:writev(list)) end
        return near:close()
      end,
      function() return far:read("a") end)
    assert.is_true(results[2][1] == table.concat(all))
  end)

  it("writes nothing of an empty list", function()
    local client, server = watched()
    assert.are.equal(client, client:writev {})
    assert(client:close())
    assert.are.equal("", server:read("a"))
  end)

  it("refuses what is no list of texts, and sends nothing of it", function()
    local client, server = watched()
    assert.error_matches(function() client:writev("x") end,
      "bad argument #1 to 'writev' %(table expected, got string%)")
    assert.error_matches(function() client:writev { "x", {} } end,
      "bad argument #2 to 'writev' %(string expected, got table%)")
    assert(client:close())
    assert.are.equal("", server:read("a"))
  end)
end)

describe("setvbuf", function()
  it("keeps short texts back until flush", function()
    local client, _, wire = watched()
    assert.are.equal(client, client:setvbuf("full"))
    assert(client:write("kept"))
    assert.are.same({}, records(wire))
    assert(client:flush())
    assert.are.equal(1, #records(wire))
  end)

  it("sends what is kept before close", function()
    local client, server = watched()
    assert(client:setvbuf("full"))
    assert(client:write("kept"))
    assert(client:close())
    assert.are.equal("kept", server:read("a"))
  end)

  it("sends what is kept while a read waits, which would wait for ever otherwise", function()
    local client, server = ends.connected()
    local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
    assert(near:setvbuf("full"))
    local results = ends.run(
      function()
        assert(near:write("question\n"))
        return near:read()
      end,
      function() assert(far:write("answer to ", far:read(), "\n")) end)
    assert.are.equal("answer to question", results[1][1])
  end)

  it("sends whole lines in mode 'line', and keeps the rest", function()
    local client, _, wire = watched()
    assert(client:setvbuf("line"))
    assert(client:write("no end"))
    assert.are.same({}, records(wire))
    assert(client:write(" yet\nand ", "more\nand a"))
    local lengths = records(wire)
    assert.are.equal(1, #lengths)
    assert.is_true(carries(lengths[1], #"no end yet\nand more\n"))
    assert(client:flush())
    assert.is_true(carries(records(wire)[1], #"and a"))
  end)

  it("sends what fills its size in mode 'line', though no line ends", function()
    local client, _, wire = watched()
    assert(client:setvbuf("line", 10))
    assert(client:write("0123456789ab"))
    assert.are.equal(1, #records(wire))
  end)

  it("sends what fills a small size", function()
    local client, _, wire = watched()
    assert(client:setvbuf("full", 10))
    assert(client:write("012345678"))
    assert.are.same({}, records(wire))
    assert(client:write("9"))
    assert.are.equal(1, #records(wire))
  end)

  it("sends what was kept when it changes", function()
    local client, _, wire = watched()
    assert(client:setvbuf("full"))
    assert(client:write("kept"))
    assert(client:setvbuf("no"))
    assert.are.equal(1, #records(wire))
    assert(client:write("at once"))
    assert.are.equal(1, #records(wire))
  end)

  it("loses and moves nothing, in any mode", function()
    for _, mode in ipairs { "no", "full", "line" } do
      local client, server = ends.connected { transport = "tcp" }
      local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
      assert(near:setvbuf(mode, 5000))
      local all = {}
      for i = 1, 3000 do all[i] = ("%d%s%s"):format(i, ("x"):rep(i * i % 97), i % 3 == 0 and "\n" or "") end
      local results = ends.run(
        function()
          for i = 1, #all, 2 do assert(near:write(all[i], all[i + 1] or "")) end
          return near:close()
        end,
        function() return far:read("a") end)
      assert.is_true(results[2][1] == table.concat(all), mode)
    end
  end)

  it("refuses other modes and sizes", function()
    local client = watched()
    assert.error_matches(function() client:setvbuf("some") end, "bad argument #1 to 'setvbuf'.*got some")
    assert.error_matches(function() client:setvbuf() end, "bad argument #1 to 'setvbuf'.*got nil")
    assert.error_matches(function() client:setvbuf("full", 0) end, "bad argument #2 to 'setvbuf'")
  end)
end)

describe("seek", function()
  it("is refused with words", function()
    local client = watched()
    local position, failure = client:seek("set", 0)
    assert.is_nil(position)
    assert.are.equal("not_seekable", failure:condition())
    assert.truthy(failure:errorHint():find("position", 1, true), failure:errorHint())
  end)
end)

describe("What waits to be sent", function()
  local function jammed(limit)
    local client, server = ends.connected { transport = "tcp" }
    local near = scissl.stream(client, { timeout = 0.02, maxBuffer = limit })
    local text = ("0123456789abcdef"):rep(1024 * 1024)
    local done, failure = near:write(text)
    assert.is_nil(done)
    assert.are.equal("timeout", failure:condition())
    return near, scissl.stream(server, { waiter = "coroutine" }), text
  end

  it("is limited, so that no peer can fill our memory by not reading", function()
    local near = jammed(1000)
    local done, failure = near:write("more")
    assert.is_nil(done)
    assert.are.equal("output_full", failure:condition())
    done, failure = near:writev { "more" }
    assert.is_nil(done)
    assert.are.equal("output_full", failure:condition())
  end)

  it("goes out once and in order, without what was refused", function()
    local near, far, text = jammed(1000)
    assert.is_nil((near:write("refused")))
    near[2] = require "scissl.wait.coroutine"
    near:settimeout(nil)
    local results = ends.run(
      function()
        assert(near:write("taken"))
        return near:close()
      end,
      function() return far:read("a") end)
    assert.is_true(results[1][1])
    assert.is_true(results[2][1] == text .. "taken")
  end)

  for kind, make in pairs(streams.kinds) do
    it(("is all or nothing of a write that memory runs out in: %s #slow"):format(kind), function()
      local scarce, why = require "spec.support.scarce".load()
      if not scarce then return pending(why) end
      local numbers = {}
      for i = 1, 50000 do numbers[i] = ("%08d"):format(i) end
      local text = table.concat(numbers)
      local near, far = make()
      local function read_to_end()
        local pieces = {}
        repeat pieces[#pieces + 1] = far:read("s") until pieces[#pieces]:find "end$"
        return table.concat(pieces)
      end
      local function round(mode, before, n, ...)
        near:setvbuf("no")
        near:settimeout(0)
        near[2] = require "scissl.wait.poll"
        near:write(before)
        near:setvbuf(mode)
        local failed, good = scarce.lua(n, false, near.write, near, ...)
        near[2] = require "scissl.wait.coroutine"
        near:settimeout(nil)
        local results = ends.run(
          function()
            assert(near:write("end"))
            return near:flush()
          end,
          read_to_end)
        local all = before .. table.concat { ... } .. "end"
        assert.is_true(results[2][1] == all or not good and results[2][1] == before .. "end", mode .. " " .. n)
        return failed
      end
      for _, mode in ipairs { "no", "full", "line" } do
        for _, before in ipairs { "", text } do
          require "spec.support.scarce".each(function(n) return round(mode, before, n, text) end)
          require "spec.support.scarce".each(function(n) return round(mode, before, n, "1", text, 2, text) end)
        end
      end
    end)
  end

  it("goes out while a read waits", function()
    local near, far, text = jammed()
    near[2] = require "scissl.wait.coroutine"
    near:settimeout(nil)
    local results = ends.run(
      function() return near:read() end,
      function()
        local first = far:read(#text // 2)
        assert(far:write("half\n"))
        return first
      end)
    assert.are.equal("half", results[1][1])
    assert.is_true(results[2][1] == text:sub(1, #text // 2))
  end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("closeWrite, " .. version .. ",", function()
    it("tells the peer that nothing more comes, and leaves the stream to be read", function()
      local client, server = watched(version)
      assert(client:write("all there is"))
      assert.are.equal(client, client:closeWrite())
      assert.are.equal("all there is", server:read("a"))
      assert(server:write("and the answer"))
      assert(server:close())
      assert.are.equal("and the answer", client:read("a"))
      assert.is_true(client:close())
    end)

    it("sends what is kept before", function()
      local client, server = watched(version)
      assert(client:setvbuf("full"))
      assert(client:write("kept"))
      assert(client:closeWrite())
      assert.are.equal("kept", server:read("a"))
    end)

    it("refuses what is written afterwards", function()
      local client = watched(version)
      assert(client:closeWrite())
      local done, failure = client:write("x")
      assert.is_nil(done)
      assert.are.equal("shutdown_sent", failure:condition())
    end)

    it("is harmless twice", function()
      local client = watched(version)
      assert(client:closeWrite())
      assert.are.equal(client, client:closeWrite())
    end)
  end)
end

-- One string many times, so that the sum of the lengths is a little more than 32 bits can count.
describe("A list with more bytes than 32 bits can count", function()
  local narrow = string.packsize "T" == 4
  local it = narrow and it or function(name) pending(name .. " (only where size_t has 32 bits)") end

  for _, length in ipairs { 1000, 16 * 1024 * 1024 } do
    it(("is refused by streams and sockets, strings of %d bytes"):format(length), function()
      local client, server = watched "TLSv1.3"
      local text = ("x"):rep(length)
      local list = {}
      for i = 1, (1 << 32) // length + 1 do list[i] = text end
      assert.error_matches(function() client:writev(list) end, "not enough memory")
      assert.error_matches(function() client:socket():sslWritev(list) end, "more bytes than memory has")
      assert(client:write "whole\n")
      assert.are.equal("whole", server:read())
    end)
  end
end)
