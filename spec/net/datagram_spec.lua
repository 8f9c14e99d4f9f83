-- SciSocket for datagrams: newDatagramSocket, pair, sendTo, recvFrom, isDatagram.
local core = require "scissl.core"
local sockets = require "spec.support.sockets"

local SciSocket = core.SciSocket
local fails_with, wants = sockets.fails_with, sockets.wants

local function bound(family, host)
  local socket = assert(SciSocket.newDatagramSocket(family))
  assert(socket:bind(host or "127.0.0.1", 0))
  local _, port = assert(socket:getSockName())
  return socket, port, socket
end

describe("newDatagramSocket", function()
  it("sends and receives datagrams with addresses", function()
    local near, near_port, _ <close> = bound()
    local far, far_port, _ <close> = bound()
    assert.equal(5, near:sendTo("hello", "127.0.0.1", far_port))
    assert.same({ "hello", "127.0.0.1", near_port }, { far:recvFrom() })
    assert.equal(3, far:sendTo("yes", "127.0.0.1", near_port))
    assert.same({ "yes", "127.0.0.1", far_port }, { near:recvFrom() })
  end)

  it("keeps datagrams apart, empty and large ones", function()
    local near <close> = bound()
    local far, port, _ <close> = bound()
    local large = ("x"):rep(60000)
    for _, data in ipairs { "one", "", large, "two" } do assert.equal(#data, near:sendTo(data, "127.0.0.1", port)) end
    for _, data in ipairs { "one", "", large, "two" } do assert.equal(data, (far:recvFrom())) end
  end)

  it("says that a datagram is too long", function()
    local near <close> = bound()
    fails_with("message_too_long", "send", near:sendTo(("x"):rep(70000), "127.0.0.1", 9))
  end)

  it("serves IPv6", function()
    if not sockets.has_ipv6() then return pending("there is no IPv6 here") end
    local near, port, _ <close> = bound("inet6", "::1")
    local far <close> = bound("inet6", "::1")
    assert.equal(2, far:sendTo("v6", "::1", port))
    local data, host = near:recvFrom()
    assert.same({ "v6", "::1" }, { data, host })
  end)

  it("serves Unix-domain sockets", function()
    local path = sockets.path()
    local near <close> = SciSocket.newDatagramSocket "unix"
    local far <close> = SciSocket.newDatagramSocket "unix"
    assert(near:bind(path))
    assert.equal(4, far:sendTo("path", path))
    assert.same({ "path", "", 0 }, { near:recvFrom() })
    os.remove(path)
  end)

  it("receives Unix-domain datagrams whole that are longer than a UDP one can be", function()
    local path = sockets.path()
    local near <close> = SciSocket.newDatagramSocket "unix"
    local far <close> = SciSocket.newDatagramSocket "unix"
    assert(near:bind(path))
    if not far:sendTo(("x"):rep(150000), path) then return pending "this system has no such datagrams" end
    assert.equal(150000, #near:recvFrom())
    local adopted <close> = SciSocket.on(near:getfd(), false)
    for _, receiver in ipairs { near, adopted } do
      for _, length in ipairs { 65535, 65536, 65537, 150000 } do
        local data = ("x"):rep(length - 3) .. "end"
        assert.equal(length, far:sendTo(data, path))
        assert.is_true(data == receiver:recvFrom())
      end
    end
    assert.equal(5, far:sendTo("after", path))
    assert.same({ "after", "", 0 }, { near:recvFrom() })
    os.remove(path)
  end)

  it("is connected to one peer by connect", function()
    local near, near_port, _ <close> = bound()
    local far, far_port, _ <close> = bound()
    local stranger <close> = bound()
    assert(near:connect("127.0.0.1", far_port))
    assert.equal("127.0.0.1:" .. far_port, near:peerAddress())
    stranger:sendTo("not for you", "127.0.0.1", near_port)
    assert.equal(2, near:send "hi")
    assert.equal("hi", (far:recvFrom()))
    far:sendTo("back", "127.0.0.1", near_port)
    assert.equal("back", near:recv(100))
  end)

  it("is not ready where nothing has come", function()
    local near <close> = bound()
    assert(near:setBlocking(false))
    wants(core.SSL_ERROR_WANT_READ, near:recvFrom())
  end)

  it("does not share its address", function()
    local near, port, _ <close> = bound()
    local other <close> = SciSocket.newDatagramSocket()
    fails_with("address_in_use", "bind", other:bind("127.0.0.1", port))
    assert.is_true(near:isDatagram())
  end)

  it("refuses what a stream cannot do, and a closed socket", function()
    local stream <close> = SciSocket.newStreamSocket()
    assert.is_false(stream:isDatagram())
    fails_with("not_datagrams", "send", stream:sendTo("x", "127.0.0.1", 9))
    fails_with("not_datagrams", "recv", stream:recvFrom())
    local near = bound()
    near:close()
    fails_with("closed", "send", near:sendTo("x", "127.0.0.1", 9))
    fails_with("closed", "recv", near:recvFrom())
    assert.error_matches(function() near:sendTo(nil, "127.0.0.1", 9) end, "bad argument #1")
    assert.error_matches(function() near:sendTo("x", {}, 9) end, "bad argument #2")
  end)

  it("comes in pairs", function()
    local near, far = SciSocket.pair "datagram"
    assert.equal(1, near:send "a")
    assert.equal(2, near:send "bc")
    assert.equal("a", far:recv(10))
    assert.equal("bc", far:recv(10))
    assert.is_true(far:isDatagram())
    assert.error_matches(function() SciSocket.pair "datagrams" end, "bad argument #1")
  end)
end)
