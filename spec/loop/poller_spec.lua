-- SciPoller, in each way that this system has.
local resolver = require "spec.support.resolver"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local LONG = 30
local EBADF = 9

local SciPoller = scissl.SciPoller

local ways = {}
for _, way in ipairs { "epoll", "kqueue", "poll" } do
  local poller = SciPoller.new(way)
  if poller then
    poller:close()
    ways[#ways + 1] = way
  end
end

describe("SciPoller", function()
  it("takes the best way there is", function()
    local poller <close> = SciPoller.new()
    assert.equal(ways[1], poller:way())
  end)

  it("says so where a way is another system's", function()
    local missing = ways[1] == "epoll" and "kqueue" or "epoll"
    sockets.fails_with("not_in_this_system", "open", SciPoller.new(missing))
    assert.error_matches(function() SciPoller.new "select" end, "invalid option 'select'")
  end)
end)

for _, way in ipairs(ways) do
  describe("SciPoller by " .. way, function()
    local function ready(poller, seconds)
      local count, answers = assert(poller:wait(seconds))
      local found = {}
      for i = 1, 2 * count, 2 do found[answers[i]] = (found[answers[i]] or "") .. answers[i + 1] end
      return found
    end

    it("answers what is ready, once", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new(way)
      assert.equal(near:getfd(), poller:arm(near, "r"))
      assert.same({}, ready(poller, 0))
      far:send("x")
      assert.same({ [near:getfd()] = "r" }, ready(poller, LONG))
      assert.same({}, ready(poller, 0.02))
      poller:arm(near, "r")
      assert.same({ [near:getfd()] = "r" }, ready(poller, LONG))
    end)

    it("answers the events that were asked for last", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new(way)
      far:send("x")
      poller:arm(near, "r")
      poller:arm(near, "w")
      assert.same({ [near:getfd()] = "w" }, ready(poller, LONG))
      assert.same({}, ready(poller, 0))
    end)

    it("refuses a number that is no open descriptor at once, however large it is", function()
      local poller <close> = SciPoller.new(way)
      local near, far = sockets.pair()
      local descriptor = near:getfd()
      near:close()
      far:close()
      for _, number in ipairs { descriptor, 999999, 50000000, 0x7fffffff } do
        local armed, failure = poller:arm(number, "r")
        assert.is_nil(armed)
        assert.same({ "wait", EBADF }, { failure:phase(), (failure:errno()) })
      end
      assert.is_nil((poller:arm(0x80000000, "r")))
    end)

    it("forgets what is disarmed", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new(way)
      poller:arm(near, "rw")
      assert.equal(poller, poller:disarm(near:getfd()))
      poller:disarm(near:getfd()):disarm(999999):disarm(-1)
      far:send("x")
      assert.same({}, ready(poller, 0))
    end)

    it("counts one that has hung up as ready", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new(way)
      poller:arm(near, "r")
      far:close()
      assert.matches("r", ready(poller, LONG)[near:getfd()])
    end)

    it("takes a descriptor that came back as another socket for what it is now", function()
      local poller <close> = SciPoller.new(way)
      local descriptor
      for _ = 1, 3 do
        local near, far, _ <close> = sockets.pair()
        descriptor = descriptor or near:getfd()
        assert.equal(descriptor, near:getfd())
        poller:arm(near, "r")
        if way ~= "poll" then assert.same({}, ready(poller, 0)) end
        far:send("x")
        assert.same({ [descriptor] = "r" }, ready(poller, LONG))
      end
    end)

    it("serves hundreds, more than one call answers", function()
      local poller <close> = SciPoller.new(way)
      local kept, seen, count = {}, {}, 0
      for i = 1, 300 do
        local near, far = require "scissl.core".SciSocket.pair()
        kept[2 * i - 1], kept[2 * i] = near, far
        poller:arm(near, "w")
      end
      while count < 300 do
        for descriptor in pairs(ready(poller, LONG)) do
          assert.is_nil(seen[descriptor])
          seen[descriptor], count = true, count + 1
        end
      end
      for _, socket in ipairs(kept) do socket:close() end
      assert.same({}, ready(poller, 0))
    end)

    it("writes into the table that it is given", function()
      local near, _, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new(way)
      local answers = { "old", "old", "stays" }
      poller:arm(near, "w")
      local count, same = poller:wait(LONG, answers)
      assert.equal(answers, same)
      assert.same({ 1, { near:getfd(), "w", "stays" } }, { count, answers })
    end)

    it("keeps its time", function()
      local poller <close> = SciPoller.new(way)
      local before = require "scissl.core".SciSocket.now()
      assert.same({}, ready(poller, 0.03))
      assert.is_true(require "scissl.core".SciSocket.now() - before >= 0.03)
    end)

    it("refuses closed sockets, objects without a descriptor, and other events", function()
      local near, _, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new(way)
      assert.error_matches(function() poller:arm(near, "x") end, "'r', 'w' or 'rw' expected")
      assert.error_matches(function() poller:arm("near", "r") end, "descriptor or object with getfd expected")
      sockets.fails_with("not_a_socket", "wait", poller:arm({}, "r"))
      near:close()
      sockets.fails_with("closed", "wait", poller:arm(near, "r"))
    end)

    it("is closed twice without harm, and says so afterwards", function()
      local near, _, _ <close> = sockets.pair()
      local poller = SciPoller.new(way)
      assert.is_true(poller:close() and poller:close())
      sockets.fails_with("closed", "wait", poller:arm(near, "r"))
      sockets.fails_with("closed", "wait", poller:wait(0))
      assert.equal(-1, poller:getfd())
      assert.is_nil(poller:way())
      assert.equal("SciPoller: closed", tostring(poller))
    end)

    it("survives an object that closes it while it is asked", function()
      local near, _, _ <close> = sockets.pair()
      local poller = SciPoller.new(way)
      sockets.fails_with("closed", "wait", poller:arm({ getfd = function()
        poller:close()
        return near:getfd()
      end }, "r"))
    end)
  end)
end

local EPOLLIN = 1

-- Whether the kernel watches a descriptor for reading. What it was told to report once has no such bit afterwards.
local function watched(poller, descriptor)
  local file <close> = assert(io.open("/proc/self/fdinfo/" .. poller:getfd()))
  local events = file:read "a":match("tfd:%s+" .. descriptor .. " events:%s+(%x+)")
  return events ~= nil and tonumber(events, 16) & EPOLLIN ~= 0
end

if ways[1] == "epoll" then
  describe("SciPoller by epoll", function()
    it("goes on watching a socket of ours that was ready, so that waiting again is no system call", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new "epoll"
      local descriptor = poller:arm(near, "r")
      for _ = 1, 3 do
        far:send("x")
        assert.equal(1, (poller:wait(LONG)))
        near:recv(1)
        assert.is_true(watched(poller, descriptor))
        assert.equal(0, (poller:wait(0)))
        poller:arm(near, "r")
      end
    end)

    it("watches no more what is ready and nobody waits for", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new "epoll"
      local descriptor = poller:arm(near, "r")
      far:send("x")
      assert.equal(1, (poller:wait(LONG)))
      assert.is_true(watched(poller, descriptor))
      local began = scissl.SciSocket.now()
      assert.equal(0, (poller:wait(0.02)))
      assert.is_true(scissl.SciSocket.now() - began >= 0.02)
      assert.is_false(watched(poller, descriptor))
      poller:arm(near, "r")
      assert.equal(1, (poller:wait(LONG)))
    end)

    it("drops a socket that is closed, or closed with the one above it", function()
      for _, close in ipairs {
        function(socket) socket:close() end,
        function(socket) local _ <close> = socket end,
        function(socket) assert(scissl.SciSocket.on(socket)):close() end,
      } do
        local near, far = assert(scissl.SciSocket.pair())
        local poller <close> = SciPoller.new "epoll"
        local copy <close> = scissl.SciSocket.on(near, true) -- the kernel would go on watching what this refers to
        local descriptor = poller:arm(near, "r")
        assert.is_true(watched(poller, descriptor))
        close(near)
        assert.is_false(watched(poller, descriptor))
        far:send("x")
        assert.equal(0, (poller:wait(0)))
        far:close()
        assert.is_true(copy:getfd() >= 0)
      end
    end)

    it("drops a socket that is collected", function()
      local poller <close> = SciPoller.new "epoll"
      local descriptor
      do
        local near, far = assert(scissl.SciSocket.pair())
        descriptor = poller:arm(near, "r")
        far:close()
      end
      collectgarbage()
      collectgarbage()
      assert.is_false(watched(poller, descriptor))
    end)

    it("does not take the next socket of a number for the one before", function()
      local near, far = assert(scissl.SciSocket.pair())
      local poller <close> = SciPoller.new "epoll"
      local descriptor = poller:arm(near, "r")
      near:close()
      far:close()
      near, far = assert(scissl.SciSocket.pair())
      local near_end <close> = near
      local far_end <close> = far
      local again = near:getfd() == descriptor and near or far
      assert.equal(descriptor, again:getfd())
      assert.equal(descriptor, poller:arm(again, "r"))
      local other = again == near_end and far_end or near_end
      other:send("x")
      assert.equal(1, (poller:wait(LONG)))
    end)

    it("leaves to others what they own: a descriptor by its number is watched once", function()
      local near, far, _ <close> = sockets.pair()
      local poller <close> = SciPoller.new "epoll"
      poller:arm(near:getfd(), "r")
      far:send("x")
      assert.equal(1, (poller:wait(LONG)))
      assert.equal(0, (poller:wait(0)))
      poller:arm(near, "r")
      assert.equal(1, (poller:wait(LONG)))
      poller:arm(near:getfd(), "r")
      assert.equal(1, (poller:wait(LONG)))
    end)
  end)
end

describe("SciPoller in a child that fork makes", function()
  local missing = resolver.missing()
  if missing then return pending("leaves its parent's waits as they are: " .. missing) end

  it("leaves its parent's waits as they are where it closes what it has inherited", function()
    assert.equal("0\n" .. ("1\n"):rep(#ways), resolver.run(([[
      local scissl = require "scissl"
      local waits = {}
      for way in ("%s"):gmatch "%%a+" do
        local poller, near, far = scissl.SciPoller.new(way), scissl.SciSocket.pair()
        assert(poller:arm(near, "r"))
        waits[#waits + 1] = { poller = poller, near = near, far = far }
      end
      local number = resolver.fork()
      if number == 0 then
        for _, one in ipairs(waits) do one.near:close() end
        resolver.exit(0)
      end
      print(resolver.wait(number))
      for _, one in ipairs(waits) do
        one.far:send "x"
        print((one.poller:wait(%d)))
      end
    ]]):format(table.concat(ways, " "), LONG)))
  end)
end)
