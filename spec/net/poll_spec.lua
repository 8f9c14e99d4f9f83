local core = require "scissl.core"
local ends = require "spec.support.ends"
local sockets = require "spec.support.sockets"

local SciSocket = core.SciSocket
local pair, listening = sockets.pair, sockets.listening

local function fails_with(condition, ...)
  sockets.fails_with(condition, "wait", ...)
end

local function seconds_of(action)
  local before = SciSocket.now()
  action()
  return SciSocket.now() - before
end

describe("SciSocket.now", function()
  it("answers seconds as a float that never go back", function()
    local last = SciSocket.now()
    assert.equal("float", math.type(last))
    for _ = 1, 1000 do
      local now = SciSocket.now()
      assert.is_true(now >= last)
      last = now
    end
  end)

  it("tells moments apart that are less than a millisecond apart", function()
    local least = math.huge
    for _ = 1, 1000 do -- of which one at the least is not interrupted
      local start = SciSocket.now()
      local now
      repeat now = SciSocket.now() until now > start
      least = math.min(least, now - start)
    end
    assert.is_true(least < 0.001)
  end)
end)

describe("wait", function()
  it("answers w for a socket that can be written", function()
    local near, _, _ <close> = pair()
    assert.equal("w", near:wait("w"))
  end)

  it("answers r once there is something to read", function()
    local near, far, _ <close> = pair()
    far:send("x")
    assert.equal("r", near:wait("r"))
  end)

  it("answers those of several events that are there", function()
    local near, far, _ <close> = pair()
    assert.equal("w", near:wait("rw"))
    far:send("x")
    assert.equal("rw", near:wait("rw"))
    assert.equal("rw", near:wait("wr"))
  end)

  it("does not answer what was not asked", function()
    local near, far, _ <close> = pair()
    far:send("x")
    assert.equal("w", near:wait("w"))
  end)

  it("answers r where the peer has ended the stream", function()
    local near, far, _ <close> = pair()
    far:shutdown("w")
    assert.equal("r", near:wait("r"))
  end)

  it("counts a socket that has hung up as ready for whatever was asked", function()
    local near, far, _ <close> = pair()
    far:close()
    assert.equal("r", near:wait("r"))
    assert.equal("w", near:wait("w"))
    assert.equal("rw", near:wait("rw"))
  end)

  it("answers r for a listening socket that somebody connects to", function()
    local listener, port, _ <close> = listening()
    fails_with("timeout", listener:wait("r", 0))
    local _ <close> = assert(sockets.new():connect("127.0.0.1", port))
    assert.equal("r", listener:wait("r", 10))
  end)

  it("answers timeout when the time has passed, and not before", function()
    local near, _, _ <close> = pair()
    local took = seconds_of(function() fails_with("timeout", near:wait("r", 0.05)) end)
    assert.is_true(took >= 0.05)
  end)

  it("does not wait for a time-out of 0", function()
    local near, _, _ <close> = pair()
    fails_with("timeout", near:wait("r", 0))
  end)

  it("waits at least as long as it is told where that is less than a millisecond", function()
    local near, _, _ <close> = pair()
    local took = seconds_of(function() near:wait("r", 0.0001) end)
    assert.is_true(took >= 0.0001)
  end)

  it("takes a time-out without an end", function()
    local near, far, _ <close> = pair()
    far:send("x")
    assert.equal("r", near:wait("r", math.huge))
    assert.equal("r", near:wait("r", 1e300))
  end)

  it("says whom it waited for", function()
    local _, port, _ <close> = listening()
    local client <close> = assert(sockets.new():connect("127.0.0.1", port))
    local _, failure = client:wait("r", 0)
    assert.equal("127.0.0.1:" .. port, failure:subject())
  end)

  it("refuses a closed socket", function()
    local near, _, _ <close> = pair()
    near:close()
    fails_with("closed", near:wait("r"))
  end)

  it("raises for other events", function()
    local near, _, _ <close> = pair()
    for _, events in ipairs { "", "x", "rr", "rwx", "r\0", 1, true } do
      assert.error_matches(function() near:wait(events, 0) end, "'r', 'w' or 'rw' expected")
    end
    assert.error_matches(function() near:wait() end, "'r', 'w' or 'rw' expected")
  end)

  it("raises for an impossible time-out", function()
    local near, _, _ <close> = pair()
    assert.error_matches(function() near:wait("r", -1) end, "0 or more")
    assert.error_matches(function() near:wait("r", 0 / 0) end, "0 or more")
    assert.error_matches(function() near:wait("r", "soon") end, "number expected")
  end)
end)

describe("SciSocket.poll", function()
  it("answers the events of those that are ready, by the same keys", function()
    local near, far, _ <close> = pair()
    local other, _, _ <close> = pair()
    near:send("x")
    assert.same({ [far] = "r", [near] = "w" }, SciSocket.poll { [far] = "r", [near] = "rw", [other] = "r" })
  end)

  it("answers an empty table when the time has passed", function()
    local near, far, _ <close> = pair()
    local took = seconds_of(function() assert.same({}, SciSocket.poll({ [near] = "r", [far] = "r" }, 0.05)) end)
    assert.is_true(took >= 0.05)
  end)

  it("takes descriptor numbers", function()
    local near, _, _ <close> = pair()
    assert.same({ [near:getfd()] = "w" }, SciSocket.poll { [near:getfd()] = "rw" })
  end)

  for _, method in ipairs { "getfd", "fileno", "pollfd" } do
    it("takes objects with " .. method, function()
      local near, _, _ <close> = pair()
      local object = { [method] = function() return near:getfd() end }
      assert.equal("w", assert(SciSocket.poll { [object] = "w" })[object])
    end)
  end

  it("takes a socket by two keys", function()
    local near, _, _ <close> = pair()
    assert.same({ [near] = "w", [near:getfd()] = "w" }, SciSocket.poll { [near] = "w", [near:getfd()] = "rw" })
  end)

  it("sleeps where nobody is asked", function()
    assert.is_true(seconds_of(function() assert.same({}, SciSocket.poll({}, 0.02)) end) >= 0.02)
  end)

  it("counts one that has hung up as ready for whatever was asked", function()
    local near, far, _ <close> = pair()
    far:close()
    assert.same({ [near] = "rw" }, SciSocket.poll { [near] = "rw" })
  end)

  it("leaves the caller's table as it is", function()
    local near, far, _ <close> = pair()
    local interests = { [near] = "r", [far] = "rw" }
    SciSocket.poll(interests, 0)
    assert.same({ [near] = "r", [far] = "rw" }, interests)
  end)

  it("serves many", function()
    local interests, kept = {}, {}
    for i = 1, 200 do
      local near, far = SciSocket.pair()
      kept[#kept + 1], kept[#kept + 2] = near, far
      interests[near] = "r"
      if i % 2 == 0 then far:send("x") end
    end
    local count = 0
    for _ in pairs(assert(SciSocket.poll(interests, 0))) do count = count + 1 end
    for _, socket in ipairs(kept) do socket:close() end
    assert.equal(100, count)
  end)

  it("refuses a closed socket rather than wait for it", function()
    local near, far, _ <close> = pair()
    far:close()
    fails_with("closed", SciSocket.poll { [near] = "r", [far] = "r" })
  end)

  it("refuses a number that is no open descriptor, and says which", function()
    local value, failure = SciSocket.poll { [999999] = "r" }
    fails_with("closed", value, failure)
    assert.equal("descriptor 999999", failure:subject())
    fails_with("closed", SciSocket.poll { [-1] = "r" })
  end)

  it("refuses an object that has no descriptor", function()
    fails_with("not_a_socket", SciSocket.poll { [{}] = "r" })
  end)

  it("raises for other events, and for other keys", function()
    local near, _, _ <close> = pair()
    assert.error_matches(function() SciSocket.poll { [near] = "x" } end, "'r', 'w' or 'rw' expected")
    assert.error_matches(function() SciSocket.poll { [near] = true } end, "'r', 'w' or 'rw' expected")
    assert.error_matches(function() SciSocket.poll { near = "r" } end, "for keys")
    assert.error_matches(function() SciSocket.poll { near } end, "'r', 'w' or 'rw' expected")
    assert.error_matches(function() SciSocket.poll() end, "table expected")
  end)

  it("raises for an impossible time-out", function()
    assert.error_matches(function() SciSocket.poll({}, -1) end, "0 or more")
  end)

  it("survives an object that empties the table while it is asked", function()
    local near, far, _ <close> = pair()
    local interests = { [near] = "r", [far] = "r" }
    local object = { getfd = function()
      for key in pairs(interests) do interests[key] = nil end
      collectgarbage()
      return near:getfd()
    end }
    interests[object] = "w"
    assert.error_matches(function() SciSocket.poll(interests, 0) end, "'r', 'w' or 'rw' expected")
  end)
end)

describe("a signal during a wait", function()
  it("does not make the wait shorter", function()
    local found, luv = pcall(require, "luv")
    if not found or not luv.new_signal then return pending("luv is not installed") end
    local peer <close> = ends.lua([[
      local luv = require "luv"
      local SciSocket = require "scissl.core".SciSocket
      local near, far = SciSocket.pair()
      local signal = luv.new_signal()
      signal:start("sigusr1", function() end)
      local storm = io.popen("exec >/dev/null 2>&1; while kill -USR1 $PPID; do sleep 0.01; done", "w")
      local before = SciSocket.now()
      local value, failure = near:wait("r", 0.1)
      local took = SciSocket.now() - before
      print(value, failure:condition(), took >= 0.1)
      io.stdout:flush()
      os.exit(0, false)
    ]])
    assert.equal("nil\ttimeout\ttrue\n", (peer:finish()))
  end)

  it("lets Ctrl-C end a wait without an end", function()
    local peer <close> = ends.lua([[
      local near, far = require "scissl.core".SciSocket.pair()
      print "ready"
      io.stdout:flush()
      near:wait("r")
    ]], "^(ready)")
    os.execute(("kill -INT %d"):format(peer.pid))
    assert.matches("interrupted!", (peer:finish()))
  end)

  it("lets Ctrl-C end a poll without an end", function()
    local peer <close> = ends.lua([[
      local SciSocket = require "scissl.core".SciSocket
      local near, far = SciSocket.pair()
      print "ready"
      io.stdout:flush()
      SciSocket.poll { [near] = "r", [far] = "r" }
    ]], "^(ready)")
    os.execute(("kill -INT %d"):format(peer.pid))
    assert.matches("interrupted!", (peer:finish()))
  end)
end)
