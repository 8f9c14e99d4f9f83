-- Long strings that a stream returns. On Lua 5.5 the memory into which it read becomes the string.
local ends = require "spec.support.ends"
local scarce = require "spec.support.scarce"
local streams = require "spec.support.streams"

local MIB = 1024 * 1024
local LENGTH = 5 * MIB
local EXTERNAL = _VERSION ~= "Lua 5.4" -- Lua makes strings of memory that it did not allocate

-- So many bytes, of which no two runs of a page are the same.
local function make_text(length)
  local numbers = {}
  for i = 1, length // 8 + 1 do numbers[i] = ("%07d "):format(i) end
  return table.concat(numbers):sub(1, length)
end

local text = make_text(LENGTH)

-- What `read(far)` returns after the peer has written these strings and closed.
local function after(make, read, ...)
  local near, far = make()
  local strings = table.pack(...)
  local results = ends.run(
    function() return read(far) end,
    function()
      assert(near:write(table.unpack(strings)))
      assert(near:flush())
      return near:close()
    end)
  far:close()
  return table.unpack(results[1], 1, results[1].n)
end

for kind, make in pairs(streams.kinds) do
  describe(("Long strings, %s,"):format(kind), function()
    it("are all that comes", function()
      assert.is_true(text == after(make, function(far) return far:read("a") end, text))
    end)

    it("are followed by what came with them", function()
      local all, rest, last = after(make, function(far)
        local all = far:read(LENGTH)
        return all, far:read(3), far:read("a")
      end, text, "abc", "and the rest")
      assert.is_true(text == all)
      assert.are.same({ "abc", "and the rest" }, { rest, last })
    end)

    it("begin behind what was taken before", function()
      local first, all, last = after(make, function(far) return far:read("l", LENGTH, "l") end, "head\n", text, "end\n")
      assert.is_true(text == all)
      assert.are.same({ "head", "end" }, { first, last })
    end)

    it("are lines, without and with their ends", function()
      local lines = after(make, function(far)
        return { far:read(("l:%d"):format(LENGTH), ("L:%d"):format(LENGTH), "l") }
      end, text, "\n", text, "\n", "end\n")
      assert.is_true(lines[1] == text)
      assert.is_true(lines[2] == text .. "\n")
      assert.are.equal("end", lines[3])
    end)
  end)
end

-- A stream that has received these bytes, and whose peer has closed.
local function filled(...)
  local near, far = streams.kinds.TLS()
  local strings = table.pack(...)
  ends.run(
    function()
      local received, failure, events
      repeat
        received, failure, events = far[1]:receive()
        if events then coroutine.yield(far:socket(), events) end
      until not received and not events
      assert(not failure, failure)
    end,
    function()
      assert(near:write(table.unpack(strings)))
      return near:close()
    end)
  return far
end

describe("Memory of long strings", function()
  it("may run out: nothing is lost", function()
    local short, why = scarce.load()
    if not short then return pending(why) end
    for _, behind in ipairs { "", "a", "a few bytes" } do
      local far = filled(text, behind)
      local taken
      local function take() taken = far[1]:take(LENGTH) end
      scarce.each(function(n)
        local failed, good = short.lua(n, false, take)
        if good then return 0 end -- the collector does without some memory
        assert.are.equal(LENGTH + #behind, far[1]:size())
        return failed
      end)
      assert.is_true(taken == text)
      assert.are.equal(behind, far[1]:take(#behind))
      assert.are.equal(LENGTH + #behind, far[1]:taken())
      far:close()
    end
  end)

  it("is not copied where Lua takes it as it is", function()
    if not EXTERNAL then return pending "Lua 5.4 copies it" end
    local far = filled(text)
    collectgarbage()
    collectgarbage "stop"
    local before = collectgarbage "count"
    local all = far:read("a")
    local grown = collectgarbage "count" - before
    collectgarbage "restart"
    assert.is_true(all == text)
    assert.is_true(grown < 64, grown .. " KiB")
    far:close()
  end)

  it("is as large as the string", function()
    if not EXTERNAL then return pending "Lua 5.4 copies it" end
    local far = filled(text, "rest")
    local all = far[1]:take(LENGTH)
    assert.is_true(all == text)
    assert.are.equal(4, far[1]:size())
    assert.are.equal("rest", far[1]:take(4))
    far:close()
  end)

  it("is given back while a program reads on #slow", function()
    local status = io.open "/proc/self/status"
    if not status then return pending "the system does not say how much memory is in use" end
    status:close()
    local function resident()
      local file <close> = assert(io.open "/proc/self/status")
      return tonumber(file:read "a":match "VmRSS:%s*(%d+)") // 1024
    end
    local near, far = streams.kinds.TLS()
    local before, most = resident(), 0
    ends.run(
      function()
        for _ = 1, 60 do
          assert(far:read(LENGTH) == text)
          most = math.max(most, resident() - before)
        end
      end,
      function()
        for _ = 1, 60 do assert(near:write(text)) end
      end)
    assert.is_true(most < 60 * LENGTH // MIB // 2, most .. " MiB")
    near:close()
    far:close()
  end)
end)
