-- Calls out of turn, and lengths that make no sense: an answer that says what is missing, and nothing lost.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local refusals = require "spec.support.refusals"
local sockets = require "spec.support.sockets"

local SciSslSocket = scissl.SciSslSocket
local failed, refused = refusals.failed, refusals.refused
local VERSIONS = { "TLSv1.2", "TLSv1.3" }

-- Every document-level call, with the phase that its SciSslError names.
local calls = {
  connect = function(socket) return socket:sslConnect() end,
  accept = function(socket) return socket:sslAccept() end,
  read = function(socket) return socket:sslRead() end,
  write = function(socket) return socket:sslWrite("x") end,
  shutdown = function(socket) return socket:sslShutdown() end,
  renegotiate = function(socket) return socket:sslRenegotiate() end,
  keyUpdate = function(socket) return socket:sslKeyUpdate() end,
}

local data_calls = { "read", "write", "shutdown", "renegotiate", "keyUpdate" }

local function pair(options)
  local client, server = ends.pair(options)
  return client, server, setmetatable({}, { __close = function()
    client:close()
    server:close()
  end })
end

local function connected(options)
  local client, server = ends.connected(options)
  return client, server, setmetatable({}, { __close = function()
    client:close()
    server:close()
  end })
end

for _, transport in ipairs { "pair", "tcp", "memory" } do
  describe("Over " .. transport .. ", every call", function()
    it("after close answers closed, again and again", function()
      for _, version in ipairs(VERSIONS) do
        local client, server = ends.connected { version = version, transport = transport }
        client:close()
        server:close()
        for _ = 1, 2 do
          for phase, call in pairs(calls) do failed("closed", phase, call(client)) end
          failed("closed", "read", client:sslPeek())
          failed("closed", "write", client:sslWrite(""))
          failed("closed", "read", client:sslRead(0))
          refused("closed", "initialize", nil, client:sslInitialize())
        end
        assert.are.equal(0, client:sslPending())
        assert.is_false(client:dirty())
        assert.is_false(client:isSecure())
        assert.is_nil(client:cipher())
        assert.is_nil(client:version())
        assert.is_nil(client:peerCertificate())
        assert.are.same({}, client:peerChain())
        assert.is_nil(client:getSession())
        assert.is_nil(client:alpnProtocol())
        assert.is_nil(client:serverName())
        assert.is_nil((client:sslVerifyCertificate()))
        assert.is_true(client:close())
      end
    end)

    it("before sslInitialize answers not_initialized", function()
      local client, server, _ <close> = pair { transport = transport, initialize = false }
      for phase, call in pairs(calls) do failed("not_initialized", phase, call(client)) end
      failed("not_initialized", "read", client:sslPeek())
      assert(client:sslInitialize())
      assert(server:sslInitialize())
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("but the handshake, before the handshake, answers handshake_needed", function()
      local client, server, _ <close> = pair { transport = transport }
      for round = 1, 2 do
        for _, phase in ipairs(data_calls) do failed("handshake_needed", phase, calls[phase](client)) end
        failed("handshake_needed", "read", client:sslPeek())
        if round == 1 then assert.is_true(client:sslConnect() < 0) end
      end
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)
  end)
end

describe("A listening socket", function()
  it("carries no data: every call says so", function()
    local socket <close> = assert(SciSslSocket.new(ends.serverContext()))
    assert(socket:bind("127.0.0.1", 0))
    assert(socket:listen())
    for phase, call in pairs(calls) do failed("not_initialized", phase, call(socket)) end
    assert(socket:sslInitialize())
    for _, call in pairs(calls) do assert.are.equal("listening", refusals.check(call(socket)):condition()) end
    assert.are.equal("listening", (sockets.refusal(socket:send("x"))))
    assert.are.equal("listening", (sockets.refusal(socket:recv(1))))
  end)

  it("that a SciSslSocket has been put upon says so, too", function()
    local listener = ends.listener()
    local socket <close> = assert(SciSslSocket.on(listener, ends.serverContext()))
    assert(socket:sslInitialize())
    for _, call in pairs(calls) do assert.are.equal("listening", refusals.check(call(socket)):condition()) end
  end)

  it("still accepts afterwards", function()
    local listener <close> = assert(SciSslSocket.new(ends.serverContext()))
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen())
    assert(listener:sslInitialize())
    assert.are.equal("listening", refusals.check(listener:sslAccept()):condition())
    local _, port = listener:getSockName()
    local client <close> = assert(SciSslSocket.new(ends.clientContext()))
    assert(client:connect("127.0.0.1", port))
    assert(client:sslInitialize())
    assert(listener:wait("r", 30))
    local server <close> = assert(listener:accept())
    assert(server:sslInitialize())
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)
end)

describe("A socket that was never connected", function()
  it("says so", function()
    local socket <close> = assert(SciSslSocket.new(ends.clientContext()))
    assert(socket:sslInitialize())
    for _, call in pairs(calls) do assert.are.equal("not_connected", refusals.check(call(socket)):condition()) end
  end)
end)

for _, version in ipairs(VERSIONS) do
  describe("Lengths, " .. version, function()
    it("of nothing: a write of no bytes answers 0, and sends nothing", function()
      local client, server, _ <close> = connected { version = version, transport = "memory" }
      ends.shuttle(client, server)
      local most, least = math.maxinteger, math.mininteger
      for _, arguments in ipairs { { "" }, { "hello", 6 }, { "hello", 3, 2 }, { "hello", 1, 0 }, { "hello", 100, 200 },
        { "hello", most }, { "hello", 1, least }, { "hello", most, least } } do
        local answer = client:sslWrite(table.unpack(arguments))
        assert.are.equal(0, answer)
        assert.are.equal(scissl.SSL_ERROR_NONE, client:sslGetError(answer))
        assert.are.equal("", client:sslDrain())
      end
      assert.are.equal(2, client:sslWrite("hi"))
      assert.are.equal("hi", ends.read(server, client))
    end)

    it("of nothing: a read of no bytes answers none, and leaves what is there", function()
      local client, server, _ <close> = connected { version = version }
      assert.are.equal("", client:sslRead(0))
      assert.are.equal("", client:sslPeek(0))
      assert.are.equal(2, server:sslWrite("hi"))
      assert.are.equal("r", client:wait("r", 30))
      assert.are.equal("", client:sslRead(0))
      assert.are.equal("hi", ends.read(client, server))
    end)

    it("that are negative, or none, raise, and lose nothing", function()
      local client, server, _ <close> = connected { version = version }
      assert.are.equal(2, server:sslWrite("hi"))
      for _, max in ipairs { -1, math.mininteger, 1.5, "many", {} } do
        assert.error_matches(function() client:sslRead(max) end, "bad argument #1 to 'sslRead'")
        assert.error_matches(function() client:sslPeek(max) end, "bad argument #1 to 'sslPeek'")
      end
      for _, offset in ipairs { 1.5, "many", {} } do
        assert.error_matches(function() client:sslWrite("x", offset) end, "bad argument #2 to 'sslWrite'")
        assert.error_matches(function() client:sslWrite("x", 1, offset) end, "bad argument #3 to 'sslWrite'")
      end
      for _, data in ipairs { {}, true, print } do
        assert.error_matches(function() client:sslWrite(data) end, "bad argument #1 to 'sslWrite'")
      end
      assert.error_matches(function() client:sslWrite() end, "bad argument #1 to 'sslWrite'")
      assert.error_matches(function() client:sslWrite(nil) end, "bad argument #1 to 'sslWrite'")
      assert.are.equal("hi", ends.read(client, server))
      assert.are.equal(2, client:sslWrite("ok"))
      assert.are.equal("ok", ends.read(server, client))
    end)

    it("that are huge are what there is", function()
      local client, server, _ <close> = connected { version = version }
      for _, max in ipairs { 1 << 31, 1 << 32, (1 << 32) + 1, math.maxinteger } do
        assert.are.equal(2, server:sslWrite("hi"))
        assert.are.equal("hi", ends.read(client, server, max))
      end
    end)

    it("of offsets are string.sub's", function()
      local client, server, _ <close> = connected { version = version }
      local text = "0123456789"
      for _, i in ipairs { math.mininteger, -100, -10, -3, -1, 0, 1, 2, 10 } do
        for _, j in ipairs { -9, -1, 1, 5, 10, 11, math.maxinteger } do
          local part = text:sub(i, j)
          assert.are.equal(#part, client:sslWrite(text, i, j))
          if part ~= "" then assert.are.equal(part, ends.read(server, client)) end
        end
      end
    end)
  end)

  describe("A write of 100 MiB #slow, " .. version, function()
    local SIZE = 100 * 1024 * 1024

    it("to a reader in the same thread brings every byte in order", function()
      local client, server, _ <close> = connected { version = version }
      local block = {}
      for i = 1, 65536 do block[i] = ("%07x\n"):format(i) end
      local data = table.concat(block):rep(SIZE // (8 * 65536))
      assert.are.equal(SIZE, #data)
      local sent, got, wrong = 0, 0, 0
      while got < SIZE do
        if sent < SIZE then
          local answer = client:sslWrite(data, sent + 1)
          if math.type(answer) == "integer" and answer > 0 then sent = sent + answer
          else assert.is_true(ends.notYet(client, answer), tostring(answer)) end
        end
        local bytes = server:sslRead()
        if type(bytes) == "string" then
          if bytes ~= data:sub(got + 1, got + #bytes) then wrong = wrong + 1 end
          got = got + #bytes
        else assert.is_true(ends.notYet(server, bytes), tostring(bytes)) end
      end
      assert.are.same({ SIZE, SIZE, 0 }, { sent, got, wrong })
    end)
  end)

  describe("A write that answered \"not yet\", " .. version, function()
    -- Fills the transport until a write is refused; answers what was sent, and the string that must come again.
    local function fill(client, size)
      local sent = 0
      while true do
        local text = ("%08d"):format(sent % 100000000):rep(size // 8)
        local answer = client:sslWrite(text)
        if ends.notYet(client, answer) then return sent, text end
        assert.is_true(answer > 0, tostring(answer))
        sent = sent + answer
        if answer < #text then
          text = text:sub(answer + 1)
          answer = client:sslWrite(text)
          if ends.notYet(client, answer) then return sent, text end
          sent = sent + answer
        end
      end
    end

    it("takes other bytes for a mistake, and then the right ones, and none is lost", function()
      local client, server, _ <close> = connected { version = version }
      local sent, text = fill(client, 65536)
      failed("write_pending", "write", client:sslWrite("something else"))
      failed("write_pending", "write", client:sslWrite(""))
      failed("write_pending", "write", client:sslWrite(("x"):rep(#text)))
      failed("write_pending", "write", client:sslWrite(text, 1, 10))
      failed("write_pending", "shutdown", client:sslShutdown())
      assert.is_true(ends.notYet(client, client:sslWrite(text)))
      local got, again = 0, 0
      while got < sent + #text do
        if again < #text then
          local answer = client:sslWrite(text, again + 1)
          if math.type(answer) == "integer" and answer > 0 then again = again + answer
          else assert.is_true(ends.notYet(client, answer), tostring(answer)) end
        end
        local bytes = server:sslRead()
        if type(bytes) == "string" then got = got + #bytes
        else assert.is_true(ends.notYet(server, bytes), tostring(bytes)) end
      end
      assert.are.same({ sent + #text, #text }, { got, again })
      assert.are.equal(3, client:sslWrite("end"))
      assert.are.equal("end", ends.read(server, client))
    end)

    it("takes the same bytes in another string, after the first one has been collected", function()
      local client, server, _ <close> = connected { version = version }
      local sent, text = fill(client, 65536)
      local halves = { text:sub(1, 1000), text:sub(1001) }
      text = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      local got, last = 0, ""
      local again = table.concat(halves)
      local done = false
      while got < sent + #again do
        if not done then
          local answer = client:sslWrite(again, 1 + (type(done) == "number" and done or 0))
          if math.type(answer) == "integer" and answer > 0 then
            again, sent = again:sub(answer + 1), sent + answer
            done = again == ""
          else assert.is_true(ends.notYet(client, answer), tostring(answer)) end
        end
        local bytes = server:sslRead()
        if type(bytes) == "string" then got, last = got + #bytes, bytes end
      end
      assert.is_true(#last > 0)
      assert.are.equal(halves[2]:sub(-4), last:sub(-4))
    end)

    it("is dropped by close, which does not wait", function()
      local client, server, _ <close> = connected { version = version }
      fill(client, 65536)
      assert.is_true(client:close())
      local answer
      repeat answer = ends.read(server, client) until type(answer) ~= "string"
      failed("truncated", "read", answer)
    end)
  end)

  describe("After our close_notify, " .. version, function()
    it("nothing can be written, and what the peer still sends is read", function()
      local client, server, _ <close> = connected { version = version }
      assert.are.equal(0, client:sslShutdown())
      failed("shutdown_sent", "write", client:sslWrite("late"))
      assert.are.equal(0, ends.read(server, client))
      assert.are.equal(3, server:sslWrite("bye"))
      assert.are.equal("bye", ends.read(client, server))
      assert.are.equal(1, server:sslShutdown())
      assert.are.equal(0, ends.read(client, server))
      assert.are.equal(1, client:sslShutdown())
    end)
  end)

  describe("A key update and a renegotiation, " .. version, function()
    it("say which protocol has them", function()
      local client, server, _ <close> = connected { version = version }
      if version == "TLSv1.3" then
        failed("protocol_version", "renegotiate", client:sslRenegotiate())
        assert.are.equal(1, server:sslKeyUpdate())
      else failed("protocol_version", "keyUpdate", client:sslKeyUpdate()) end
      assert.are.equal(2, client:sslWrite("hi"))
      assert.are.equal("hi", ends.read(server, client))
    end)
  end)
end

describe("A memory transport", function()
  it("refuses what is fed after close", function()
    local client, server, _ <close> = pair { transport = "memory" }
    client:close()
    refused("closed", "read", nil, client:sslFeed("x"))
    assert.are.equal("", client:sslDrain())
    server:close()
  end)

  it("takes nothing, and gives nothing for 0", function()
    local client, server, _ <close> = pair { transport = "memory" }
    assert.are.equal(0, client:sslFeed(""))
    assert.is_true(client:sslConnect() < 0)
    assert.are.equal("", client:sslDrain(0))
    assert.error_matches(function() client:sslDrain(-1) end, "bad argument #1 to 'sslDrain'")
    assert.error_matches(function() client:sslDrain(1.5) end, "bad argument #1 to 'sslDrain'")
    assert.error_matches(function() client:sslFeed({}) end, "bad argument #1 to 'sslFeed'")
    assert.is_true(#client:sslDrain(math.maxinteger) > 100)
    server:close()
  end)

  it("is the only one that is fed and drained", function()
    local client, server, _ <close> = pair {}
    assert.error_matches(function() client:sslFeed("x") end, "calling 'sslFeed' on bad self")
    assert.error_matches(function() client:sslDrain() end, "calling 'sslDrain' on bad self")
    assert.error_matches(function() server:sslFeedEnd() end, "calling 'sslFeedEnd' on bad self")
  end)
end)

describe("A receiver that only looks like one", function()
  for class, method in pairs { SciSslSocket = "^ssl%u", SciSocket = "^[gs]etSockOpt$", SciSslContext = "^[gs]et%u" } do
    it("is no " .. class .. ": each method raises", function()
      local metatable = getmetatable(class == "SciSocket" and assert(scissl.SciSocket.newStreamSocket())
        or class == "SciSslSocket" and SciSslSocket.onMemory(scissl.SciSslContext.new()) or scissl.SciSslContext.new())
      local count = 0
      for name, call in pairs(metatable.__index) do
        if name:find(method) then
          for _, impostor in ipairs { setmetatable({}, metatable), {}, io.stdout, "text", 1 } do
            local done, message = pcall(call, impostor)
            assert.is_false(done, name)
            assert.is_truthy(message:find("expected", 1, true), name .. ": " .. message)
          end
          count = count + 1
        end
      end
      assert.is_true(count > 1)
    end)
  end
end)
