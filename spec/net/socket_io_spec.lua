-- SciSocket: send, recv and shutdown.
local core = require "scissl.core"
local ends = require "spec.support.ends"
local sockets = require "spec.support.sockets"

local new, pair, tcp = sockets.new, sockets.pair, sockets.tcp
local listening = sockets.listening
local refusal, fails_with, wants = sockets.refusal, sockets.fails_with, sockets.wants

describe("send", function()
  it("answers the number of bytes", function()
    local client, server, _ <close> = tcp()
    assert.equal(5, client:send("hello"))
    assert.equal("hello", server:recv(100))
  end)

  it("sends the part that i and j name, as string.sub", function()
    local near, far, _ <close> = pair()
    local ranges = { { 2 }, { 2, 3 }, { -2 }, { -3, -2 }, { 0, 100 }, { math.mininteger, math.maxinteger } }
    for _, range in ipairs(ranges) do
      local part = ("hello"):sub(table.unpack(range))
      assert.equal(#part, near:send("hello", table.unpack(range)))
      assert.equal(part, far:recv(100))
    end
  end)

  it("answers 0 for no bytes", function()
    local near, _, _ <close> = pair()
    assert.equal(0, near:send(""))
    assert.equal(0, near:send("hello", 4, 2))
  end)

  it("keeps every byte as it is", function()
    local near, far, _ <close> = pair()
    local bytes = {}
    for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
    near:send(table.concat(bytes))
    assert.equal(table.concat(bytes), far:recv(1000))
  end)

  it("sends all on a blocking socket, however much it is", function()
    local listener, port, _ <close> = listening()
    local peer <close> = ends.lua(([[
      local SciSocket = require "scissl.core".SciSocket
      local socket, count = assert(SciSocket.newStreamSocket():connect("127.0.0.1", %d)), 0
      repeat
        local bytes = assert(socket:recv(65536))
        count = count + #bytes
      until bytes == ""
      print(count)
    ]]):format(port))
    local socket <close> = assert(listener:accept())
    local data = ("x"):rep(8 * 1024 * 1024)
    assert.equal(#data, socket:send(data))
    socket:shutdown("w")
    assert.matches("^8388608%s", peer:finish(), nil)
  end)

  it("sends what fits on a non-blocking socket, then says not_ready #slow", function()
    local near, _, _ <close> = pair()
    near:setBlocking(false)
    local data = ("x"):rep(64 * 1024 * 1024)
    local sent = assert(near:send(data))
    assert.is_true(sent > 0 and sent < #data)
    wants(core.SSL_ERROR_WANT_WRITE, near:send(data))
  end)

  it("answers a SciSslError and raises no SIGPIPE where the peer is gone", function()
    local near, far, _ <close> = pair()
    far:close()
    for _ = 1, 3 do fails_with("broken_pipe", "send", near:send("is anybody there?")) end
  end)

  it("raises no SIGPIPE over TCP, and says who is gone", function()
    local client, server, _ <close> = tcp()
    local host, port = client:getPeerName()
    server:setSockOpt("SO_LINGER", 0)
    server:close()
    assert.is_truthy(client:wait("r", 10))
    for _ = 1, 3 do
      local condition, phase, subject = refusal(client:send("is anybody there?"))
      assert.is_true(condition == "broken_pipe" or condition == "connection_reset")
      assert.equal("send", phase)
      assert.equal(("%s:%d"):format(host, port), subject)
    end
  end)

  it("raises for what is no string", function()
    local near, _, _ <close> = pair()
    assert.error_matches(function() near:send() end, "string expected")
    assert.error_matches(function() near:send {} end, "string expected")
  end)

  it("answers what was sent where SO_SNDTIMEO expires, then timeout #slow", function()
    local near, _, _ <close> = pair()
    assert(near:setSockOpt("SO_SNDTIMEO", 0.02))
    local data = ("x"):rep(64 * 1024 * 1024)
    local sent = assert(near:send(data))
    assert.is_true(sent > 0 and sent < #data)
    fails_with("timeout", "send", near:send(data))
  end)
end)

describe("recv", function()
  it("answers what there is, up to max", function()
    local near, far, _ <close> = pair()
    near:send("hello")
    assert.equal("he", far:recv(2))
    assert.equal("llo", far:recv(100))
  end)

  it("answers the empty string at the end of the stream, again and again", function()
    local near, far, _ <close> = pair()
    near:shutdown("w")
    assert.equal("", far:recv(100))
    assert.equal("", far:recv(100))
  end)

  it("answers the empty string for max 0 without waiting", function()
    local _, far, _ <close> = pair()
    assert.equal("", far:recv(0))
  end)

  it("says not_ready where a non-blocking socket has nothing", function()
    local _, far, _ <close> = pair()
    far:setBlocking(false)
    wants(core.SSL_ERROR_WANT_READ, far:recv(1))
  end)

  it("takes the largest max there is without allocating it", function()
    local near, far, _ <close> = pair()
    near:send("x")
    sockets.collect()
    local before = collectgarbage("count")
    assert.equal("x", far:recv(math.maxinteger))
    assert.is_true(collectgarbage("count") - before < 16)
  end)

  it("brings 65536 bytes at the most in one call", function()
    local near, far, _ <close> = pair()
    near:setBlocking(false)
    assert.is_true(near:send(("x"):rep(100000)) > 65536)
    local got = 0
    repeat
      local bytes = assert(far:recv(100000))
      assert.is_true(#bytes <= 65536)
      got = got + #bytes
    until not far:wait("r", 0)
    assert.is_true(got > 65536)
  end)

  it("raises for a negative max, and for none", function()
    local _, far, _ <close> = pair()
    assert.error_matches(function() far:recv(-1) end, "0 or more")
    assert.error_matches(function() far:recv() end, "number expected")
  end)

  it("tells a reset connection from the end of the stream", function()
    local client, server, _ <close> = tcp()
    server:setSockOpt("SO_LINGER", 0)
    server:close()
    fails_with("connection_reset", "recv", client:recv(1))
  end)

  it("refuses a socket that is not connected", function()
    local socket <close> = new()
    fails_with("not_connected", "recv", socket:recv(1))
  end)

  it("says timeout where SO_RCVTIMEO expires", function()
    local _, far, _ <close> = pair()
    assert(far:setSockOpt("SO_RCVTIMEO", 0.02))
    fails_with("timeout", "recv", far:recv(1))
  end)
end)

describe("shutdown", function()
  it("ends the stream for the peer and still receives", function()
    local near, far, _ <close> = pair()
    assert.equal(near, near:shutdown("w"))
    assert.equal("", far:recv(1))
    far:send("late")
    assert.equal("late", near:recv(100))
    fails_with("broken_pipe", "send", near:send("x"))
  end)

  it("ends receiving", function()
    local near, _, _ <close> = pair()
    assert(near:shutdown("r"))
    assert.equal("", near:recv(1))
  end)

  it("ends both", function()
    local near, far, _ <close> = pair()
    assert(near:shutdown("rw"))
    assert.equal("", near:recv(1))
    assert.equal("", far:recv(1))
  end)

  it("refuses a socket that is not connected", function()
    local socket <close> = new()
    fails_with("not_connected", "shutdown", socket:shutdown("w"))
  end)

  it("raises for another direction", function()
    local near, _, _ <close> = pair()
    assert.error_matches(function() near:shutdown("x") end, "invalid option")
    assert.error_matches(function() near:shutdown() end, "string expected")
  end)
end)
