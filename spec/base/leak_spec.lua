-- What stays of 10,000 connections: nothing.
local core = require "scissl.core"
local ends = require "spec.support.ends"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local function resident()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmRSS:%s*(%d+)")
    if kilobytes then return tonumber(kilobytes) end
  end
end

local function can_measure()
  local status = io.open("/proc/self/status")
  if not status then return pending("memory: no /proc here") end
  status:close()
  if os.getenv "SCISSL_RUN" == "sanitized" or os.getenv "SCISSL_RUN" == "valgrind" then
    return pending("memory: the tools of this run keep what is freed")
  end
  return true
end

local function pass_lines(client, server)
  assert.are.equal(5, client:sslWrite("hello"))
  assert.are.equal("hello", ends.read(server, client))
  assert.are.equal(5, server:sslWrite("there"))
  assert.are.equal("there", ends.read(client, server))
end

describe("10,000 sequential connections #slow", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("leave the process's memory where it was after the first 1,000, " .. version, function()
      if not can_measure() then return end
      local client_context = ends.clientContext { method = version }
      local server_context = ends.serverContext { method = version }
      local session
      local function connect(i)
        local client, server = ends.pair { client = client_context, server = server_context }
        if session and i % 10 ~= 0 then assert(client:setSession(session)) end -- as most clients do
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        pass_lines(client, server)
        session = client:getSession()
        if i % 3 ~= 0 then client:close() end -- the others go by the collector
        if i % 3 ~= 1 then server:close() end
      end
      for i = 1, 1000 do connect(i) end
      collectgarbage()
      collectgarbage()
      local descriptor, before = sockets.lowest_free(), resident()
      for i = 1001, 10000 do connect(i) end
      collectgarbage()
      collectgarbage()
      assert.are.equal(descriptor, sockets.lowest_free())
      -- A server's cache of sessions may still be growing, and is bounded: 20,480 of them.
      local grown = resident() - before
      assert.is_true(grown < 2048, grown .. " KiB more")
    end)
  end
end)

describe("idle connections #slow", function()
  local contexts, open

  before_each(function()
    local version = { method = "TLSv1.3" }
    contexts = { client = ends.clientContext(version), server = ends.serverContext(version) }
    open = {}
  end)

  after_each(function()
    for _, pair in ipairs(open) do
      pair[1]:close()
      pair[2]:close()
    end
  end)

  -- OpenSSL 3.2 and later have an object of 4.4 kB for each direction (4 for a pair), and from 3.5 on each end keeps an
  -- ML-KEM key of 7 kB for temporaryKey: without record buffers a pair is 44 KiB with 3.0, 74 with 3.5, 89 with 4.0.
  local before_3_2 = core.OSSslVersion.current():text():find "OpenSSL 3%.[01]%."
  local MOST = before_3_2 and 48 or 96 -- KiB; each record buffer would add 16

  local function measure()
    collectgarbage()
    collectgarbage()
    getmetatable(core).trimHeap()
    return resident()
  end

  local function connect(count)
    for _ = 1, count do
      local client, server = ends.pair(contexts)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      pass_lines(client, server)
      table.insert(open, { client, server })
    end
    return measure()
  end

  it("hold no record buffers, of 16 KiB and more, however many places are free for those of busy ones", function()
    if not can_measure() then return end
    local before = connect(20)
    local each = (connect(200) - before) / 200
    assert.is_true(each < MOST, each .. " KiB for a pair")
  end)

  local function keep_one_busy()
    for _ = 1, 10000 do pass_lines(open[1][1], open[1][2]) end
  end

  -- Session tickets come with the first line, in records without data.
  it("of streams under a scheduler hold none after messages without data", function()
    if not can_measure() then return end
    local before, each
    local loop = assert(scissl.scheduler.new { onError = function(raised) error(raised, 0) end })
    local listener = assert(scissl.listen {
      host = "127.0.0.1", port = 0, context = contexts.server, waiter = "coroutine", backlog = 512,
    })
    local _, port = listener:getSockName()
    loop:spawn(listener.serve, listener, function(stream)
      for line in stream:lines() do stream:write(line, "\n") end
    end)
    local streams = {}
    local function connect_streams(count)
      for _ = 1, count do
        local stream = assert(scissl.connect {
          host = "127.0.0.1", port = port, context = contexts.client, verifyHost = false, waiter = "coroutine",
        })
        table.insert(streams, stream)
        assert(stream:write "a line\n")
        assert.are.equal("a line", stream:read "l")
      end
      return measure()
    end
    loop:spawn(function()
      before = connect_streams(100)
      each = (connect_streams(200) - before) / 200
      for _, stream in ipairs(streams) do stream:close() end
      listener:close()
    end)
    assert(loop:run())
    assert.is_true(each < MOST, each .. " KiB for a pair")
  end)

  it("give their record buffers back when others have been busy for long", function()
    if not before_3_2 then return pending "buffers that a busy one gets after its handshake: not since OpenSSL 3.2" end
    if not can_measure() then return end
    local idle = connect(64)
    for _ = 1, 3 do
      for _, pair in ipairs(open) do pass_lines(pair[1], pair[2]) end
    end
    local busy = measure() - idle
    keep_one_busy()
    local kept = measure() - idle
    assert.is_true(busy > 256, "busy ones have no buffers of their own: " .. busy .. " KiB")
    assert.is_true(kept < busy / 4, ("%d of %d KiB are left"):format(kept, busy))
  end)
end)

-- In a process of its own, in which a full collection is quick.
local finalizer_source = [[
local ends = require "spec.support.ends"
local function resident()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s*(%d+)"
    if kilobytes then return tonumber(kilobytes) end
  end
end
local server_context = ends.serverContext { method = "TLSv1.2" }
local function connect()
  local client, server
  do
    local context = ends.clientContext { method = "TLSv1.2" }
    setmetatable({}, { __gc = function() -- runs before the context's own finalizer
      client, server = ends.pair { client = context, server = server_context, transport = "memory" }
    end })
  end
  collectgarbage()
  local answer = ends.handshake(client, server)
  assert(answer == 1, tostring(answer))
  client:close()
  server:close()
end
local function connect_often(times)
  for _ = 1, times do connect() end
  collectgarbage()
  collectgarbage()
  return resident()
end
local before = connect_often(300)
print(connect_often(1000) - before)
]]

describe("A context that is collected", function()
  it("keeps nothing of a connection that a finalizer has begun with it before #slow", function()
    if not can_measure() then return end
    local peer <close> = ends.lua(finalizer_source)
    local grown = assert(tonumber((peer:finish())))
    assert.is_true(grown < 1024, grown .. " KiB more")
  end)
end)
