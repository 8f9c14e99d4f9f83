-- Streams that the garbage collector takes.
local scissl = require "scissl"
local collector = require "spec.support.collector"
local ends = require "spec.support.ends"

local now = scissl.SciSocket.now

describe("A stream that is collected", function()
  it("neither waits nor speaks, with output that is jammed #slow", function()
    local client, server = ends.connected { transport = "tcp" }
    do
      local stream = scissl.stream(client, { timeout = 0.02 })
      stream:setvbuf("full", 100 * 1024 * 1024)
      assert(stream:write("kept back"))
      assert(stream:setvbuf("no"))
      assert.is_nil((stream:write(("x"):rep(16 * 1024 * 1024))))
    end
    client = nil -- luacheck: ignore 311
    local start = now()
    collectgarbage()
    collectgarbage()
    assert.is_true(now() - start < 20)
    local far = scissl.stream(server, { timeout = 30 })
    local _, failure = far:read("a")
    assert.is_true(scissl.isSslError(failure))
    assert.truthy(({ truncated = true, connection_reset = true })[failure:condition()], failure:condition())
  end)

  it("may be used by a finalizer that runs after its own", function()
    local uses = {
      close = function(stream) return stream:close() end,
      read = function(stream) return stream:read() end,
      readUntil = function(stream) return stream:readUntil "x" end,
      write = function(stream) return stream:write "x" end,
      dirty = function(stream) return stream:dirty() end,
      events = function(stream) return stream:events() end,
    }
    for name, use in pairs(uses) do
      local good, result, failure
      local holder = setmetatable({}, { __gc = function(self) good, result, failure = pcall(use, self.stream) end })
      local client, server = ends.connected() -- luacheck: ignore 211
      holder.stream = scissl.stream(client, { timeout = 30 })
      holder, client = nil, nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      assert.is_true(good, name)
      if name:find "^read" or name == "write" then
        assert.is_nil(result)
        assert.are.equal("closed", failure:condition())
      end
    end
  end)

  it("in the middle of its operations is no harm #slow", function()
    for _ = 1, 30 do
      local client, server = ends.connected()
      local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
      local reading = coroutine.wrap(function() return far:read("a") end)
      local writing = coroutine.wrap(function() return near:write(("x"):rep(4 * 1024 * 1024)) end)
      reading()
      writing()
      reading, writing, near, far, client, server = nil, nil, nil, nil, nil, nil -- luacheck: ignore 311
      collectgarbage()
    end
  end)

  it("may be collected around at any step", function()
    local client, server = ends.connected { transport = "tcp" }
    local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
    local calm = collector.hurry(1, 1000)
    local results = ends.run(
      function()
        near:setvbuf("full")
        for i = 1, 2000 do assert(near:write(i, "\n")) end
        assert(near:writev { ("a"):rep(70000), "\n", ("b"):rep(70000), "\n" })
        return near:close()
      end,
      function()
        local count = 0
        for _ in far:lines() do
          count = count + 1
          if count % 100 == 0 then collectgarbage("step") end
        end
        return count
      end)
    calm()
    assert.are.equal(2002, results[2][1])
  end)
end)
