-- What a peer sends costs work that grows with its bytes, and not with their square, however small the pieces are that
-- it sends them in.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local sockets = require "spec.support.sockets"
local work = require "spec.support.work"
local resp_client = require "scissl.sessions.redis.resp_client"

local LINEAR = 2.5 -- times the work for twice the bytes

-- A client's hello of `size` bytes and some more, in records of one byte.
local function slow_hello(size)
  local client = ends.pair { transport = "memory" }
  client:sslConnect()
  local body = client:sslDrain():sub(10)
  local at = 35
  at = at + 1 + body:byte(at)
  at = at + 2 + body:byte(at) * 256 + body:byte(at + 1)
  at = at + 1 + body:byte(at)
  local extensions = body:sub(at + 2) .. string.pack(">I2s2", 0xfafa, ("q"):rep(size))
  local hello = body:sub(1, at - 1) .. string.pack(">s2", extensions)
  return (("\1" .. string.pack(">s3", hello)):gsub(".", "\22\3\1\0\1%0"))
end

local function served(wire, handlers)
  local _, server = ends.pair { transport = "memory" }
  server:sslFeed(wire)
  server:sslFeedEnd()
  scissl.handshake(server, "accept", handlers)
end

describe("A client's hello", function()
  it("costs as much as it is long, in records of one byte #slow", function()
    local wires = {}
    local function serve(size)
      local called
      served(wires[size], { onClientHello = function() called = true end })
      assert(called)
    end
    for _, size in ipairs { 10000, 20000 } do wires[size] = slow_hello(size) end
    local ratio = work.growth(serve, 10000)
    assert.is_true(ratio < LINEAR, ratio)
  end)

  it("reaches the handler over memory where it is longer on the wire than what one call takes", function()
    local called = false
    served(slow_hello(60000), { onClientHello = function() called = true end })
    assert.is_true(called)
  end)

  it("costs as much as it is long, among fragments that are empty", function()
    local function read(count)
      local records = ("\22\3\1\0\0"):rep(count) .. slow_hello(10)
      assert(scissl.SciSslClientHello.fromRecords(records))
    end
    local ratio = work.growth(read, 10000)
    assert.is_true(ratio < LINEAR, ratio)
  end)

  it("is read once a handshake, however many handlers look at it, and however often", function()
    local hello = require "scissl.tls.client_hello"
    local read, count = hello.fromRecords, 0
    function hello.fromRecords(records)
      count = count + 1
      return read(records)
    end
    local seen = {}
    local function look(socket, about)
      for _ = 1, 3 do seen[#seen + 1] = assert(socket:clientHello()) == about end
    end
    local function look_again(socket, about)
      collectgarbage()
      look(socket, about)
    end
    local client, server = ends.pair()
    local good, raised = pcall(ends.run, function()
      return assert(scissl.handshake(client, "connect", { waiter = "coroutine" }))
    end, function()
      return assert(scissl.handshake(server, "accept", {
        waiter = "coroutine", onClientHello = look, onCertificate = look_again,
        onVerify = function(socket) seen[#seen + 1] = socket:clientHello():serverName() == "localhost" end,
      }))
    end)
    hello.fromRecords = read
    client:close()
    server:close()
    assert(good, raised)
    assert.are.same({ true, true, true, true, true, true, true }, seen)
    assert.are.equal(1, count)
  end)

  it("is forgotten with its handshake, and read again in the next", function()
    local names = {}
    local server
    for _, name in ipairs { "localhost", "example.org" } do
      local client = ends.pair { serverName = name, verifyHost = false, transport = "memory" }
      if not server then
        server = select(2, ends.pair { transport = "memory" })
      else
        assert(server:sslInitialize())
      end
      client:sslConnect()
      server:sslFeed(client:sslDrain())
      assert(server:sslSuspendAt "clientHello")
      server:sslAccept()
      names[#names + 1] = server:clientHello():serverName()
      assert(server:sslRefuse())
      assert.is_true(scissl.isSslError(server:sslAccept()))
      assert.is_nil((server:clientHello()))
      server:sslUnread()
    end
    assert.are.same({ "localhost", "example.org" }, names)
  end)
end)

-- Runs both in a loop of scissl.scheduler; a yield without anything lets the other have a turn. Answers what the first
-- returns.
local function run_both(first, second)
  local loop <close> = scissl.scheduler.new { onError = function(raised) error(raised, 0) end }
  local result
  loop:spawn(function() result = first() end)
  loop:spawn(second)
  assert(loop:run())
  return result
end

-- What `read` makes of `bytes`, which come in pieces of `size`.
local function in_pieces(bytes, size, read)
  local near, far, _ <close> = sockets.pair()
  far:setBlocking(false)
  return run_both(function() return read(near) end, function()
    for i = 1, #bytes, size do
      assert(far:send(bytes, i, math.min(i + size - 1, #bytes)))
      coroutine.yield()
    end
    far:close()
  end)
end

describe("A stream", function()
  local function read_by(make_bytes, ...)
    local formats = table.pack(...)
    return function(size)
      local bytes = make_bytes(size)
      local got = in_pieces(bytes, 16, function(socket)
        local stream = assert(scissl.plain.on(socket, { waiter = "coroutine" }))
        return stream:read(table.unpack(formats))
      end)
      assert(#got > 0)
    end
  end
  local function line(size) return ("x"):rep(size) .. "\n" end

  for name, format in pairs { ["a line"] = "l", ["all"] = "a", ["a line, with its end"] = "L" } do
    it("reads " .. name .. " at a cost that grows with the bytes", function()
      local ratio = work.growth(read_by(line, format), 20000)
      assert.is_true(ratio < LINEAR, ratio)
    end)
  end

  it("reads a count of bytes at a cost that grows with them", function()
    local ratio = work.growth(function(size) read_by(line, size)(size) end, 20000)
    assert.is_true(ratio < LINEAR, ratio)
  end)

  it("looks for a pattern at a cost that grows with the bytes", function()
    local ratio = work.growth(function(size)
      local got = in_pieces(line(size), 16, function(socket)
        return assert(scissl.plain.on(socket, { waiter = "coroutine" })):readUntil("\n", nil, true)
      end)
      assert(#got == size)
    end, 20000)
    assert.is_true(ratio < LINEAR, ratio)
  end)

  it("looks for a Lua pattern at a cost that grows with the bytes", function()
    local ratio = work.growth(function(size)
      local got = in_pieces(line(size), 16, function(socket)
        return assert(scissl.plain.on(socket, { waiter = "coroutine" })):readUntil "\n"
      end)
      assert(#got == size)
    end, 20000)
    assert.is_true(ratio < LINEAR, ratio)
  end)

  it("looks through a text without a line end once, where it keeps lines back", function()
    local new_bytes = getmetatable(require "scissl.core").newBytes
    local text = ("x"):rep(30000)
    local function put(what, times)
      for _ = 1, times do
        local bytes = new_bytes()
        bytes:setMode("line", 1 << 20)
        bytes:add(what)
      end
    end
    put(text .. "\n", 10)
    assert.is_true(work.processor(put, text, 1) <= work.processor(put, text .. "\n", 100))
  end)
end)

describe("The client of Redis", function()
  it("reads a reply at a cost that grows with its bytes", function()
    local function call(size)
      local listener <close>, port = sockets.listening()
      listener:setBlocking(false)
      local reply = ("$%d\r\n%s\r\n"):format(size, ("x"):rep(size))
      local value = run_both(function()
        local client <close> = assert(resp_client.connect { port = port, waiter = "coroutine" })
        return assert(client:get "k")
      end, function()
        assert(coroutine.yield(listener, "r"))
        local plain <close> = assert(listener:accept())
        assert(coroutine.yield(plain, "r"))
        for i = 1, #reply, 16 do
          assert(plain:send(reply, i, math.min(i + 15, #reply)))
          coroutine.yield()
        end
      end)
      assert(#value == size)
    end
    local ratio = work.growth(call, 20000)
    assert.is_true(ratio < LINEAR, ratio)
  end)
end)

describe("copas's face of a socket", function()
  require "spec.support.old_modules".add("copas", "coxpcall")
  local has_copas = pcall(require, "copas")
  if not has_copas then return pending "copas is not installed" end
  local faces = require "scissl.copas"

  -- The bytes are there before the first call.
  local function face_with(text)
    local client, server = ends.connected { transport = "memory" }
    local wire = {}
    for i = 1, #text, 1024 do
      assert(server:sslWrite(text, i, math.min(i + 1023, #text)) > 0)
      wire[#wire + 1] = server:sslDrain()
    end
    return faces.socket(client), client, wire
  end

  it("takes lines at a cost that grows with the bytes", function()
    local ratio = work.growth(function(size)
      local face, client, wire = face_with(("x\n"):rep(size))
      client:sslFeed(table.concat(wire))
      for _ = 1, size do assert(face:receive "*l" == "x") end
    end, 4000)
    assert.is_true(ratio < LINEAR, ratio)
  end)

  it("gathers what comes in many records at a cost that grows with the bytes", function()
    local function gather(size)
      local face, client, wire = face_with(("x"):rep(size))
      local read, at = getmetatable(client).__index.sslRead, 0
      face.ssl = setmetatable({ -- one record a call, as they come
        sslRead = function()
          at = at + 1
          client:sslFeed(wire[at])
          return read(client)
        end,
      }, { __index = function(_, name) return function(_, ...) return client[name](client, ...) end end })
      assert(#face:receive(size) == size)
    end
    local ratio = work.growth(gather, 100000)
    assert.is_true(ratio < LINEAR, ratio)
  end)
end)

describe("A memory transport", function()
  it("moves no more bytes for each that comes, however many wait to be read", function()
    local count, pieces = 300, {}
    local client, server = ends.connected { transport = "memory" }
    assert(client:sslSetReadAhead(false))
    for i = 1, count do
      assert(server:sslWrite "x" > 0)
      pieces[i] = server:sslDrain()
    end
    -- As many bytes come in as a record takes out, time and again.
    local again = ("\0"):rep(#pieces[1])
    local function trickle()
      for _ = 1, count // 3 do
        assert(client:sslRead(1) == "x")
        client:sslFeed(again)
      end
    end
    client:sslFeed(table.concat(pieces))
    local before = work.processor(trickle)
    client:sslFeed(("\0"):rep((8 << 20) - count * #again)) -- so that it is full, whatever powers of two it grows by
    trickle() -- one move is due
    local after = work.processor(trickle)
    assert.is_true(after < 20 * before + 0.001, ("%g and %g"):format(before, after))
  end)
end)
