-- Document row S1: close.
local scissl = require "scissl"
local ends = require "spec.support.ends"

-- What the other end of a socket sees when that is closed.
local function assert_ended(far)
  assert(far:wait("r", 10))
  assert.equal("", far:recv(1))
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("close (S1), " .. version, function()
    it("sends a close_notify before it closes the socket below", function()
      local client, server = ends.connected { version = version, transport = "tcp" }
      assert.is_true(client:close())
      local answer = ends.read(server, client)
      assert.equal(0, answer)
      assert.equal(scissl.SSL_ERROR_ZERO_RETURN, server:sslGetError(answer))
    end)

    it("leaves the close_notify of a memory transport to be drained", function()
      local client, server = ends.connected { version = version, transport = "memory" }
      client:close()
      server:sslFeed(client:sslDrain())
      assert.equal(0, server:sslRead())
    end)

    it("is harmless twice", function()
      local client, server = ends.connected { version = version }
      assert.is_true(client:close())
      assert.is_true(client:close())
      assert.equal(0, ends.read(server, client))
    end)

    it("is harmless in mid-handshake", function()
      local client, server = ends.pair { version = version }
      client:sslConnect()
      server:sslAccept()
      assert.is_true(server:close())
      assert.is_true(client:close())
    end)

    it("is harmless after a fatal error, and sends no close_notify then", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      server:sslFeed "GET / HTTP/1.1\r\n\r\n"
      assert.is_true(scissl.isSslError(server:sslAccept()))
      server:sslDrain()
      assert.is_true(server:close())
      assert.equal("", server:sslDrain())
      assert.is_true(client:close())
    end)

    it("does not block a non-blocking socket whose peer does not read", function()
      local client, server = ends.connected { version = version }
      local data, answer = ("x"):rep(1 << 20), 1
      while answer > 0 do answer = client:sslWrite(data) end
      assert.is_true(client:close())
      assert.is_false(client:isSecure())
      server:close()
    end)

    it("ends isSecure, and forgets the cipher", function()
      local client = ends.connected { version = version }
      assert.is_true(client:isSecure())
      client:close()
      assert.is_false(client:isSecure())
      assert.is_nil(client:cipher())
    end)

    it("loses nothing that was written before, though the client has never read", function()
      local client, server = ends.connected { version = version, transport = "tcp" }
      local data = ("0123456789"):rep(1000)
      assert.equal(#data, client:sslWrite(data))
      client:close()
      local got = {}
      local bytes = ends.read(server, client)
      while type(bytes) == "string" do
        got[#got + 1] = bytes
        bytes = ends.read(server, client)
      end
      assert.equal(data, table.concat(got))
      assert.equal(0, bytes)
    end)

    it("works on a blocking socket", function()
      local client, server = ends.connected { version = version }
      client:setBlocking(true)
      assert.is_true(client:close())
      assert.equal(0, ends.read(server, client))
    end)

    it("is what a <close> variable does", function()
      local client, server = ends.connected { version = version }
      do local closing <close> = client end -- luacheck: ignore
      assert.equal(0, ends.read(server, client))
    end)

    it("is not what the garbage collector does: it speaks to nobody", function()
      local server
      do
        local client
        client, server = ends.connected { version = version }
        client:getSession() -- takes the tickets in: what is left unread becomes a reset
      end
      collectgarbage()
      collectgarbage()
      local answer = ends.read(server)
      assert.is_true(scissl.isSslError(answer), tostring(answer))
      assert.equal("truncated", answer:condition())
    end)
  end)
end

describe("close (S1)", function()
  it("is harmless on a socket that was never initialized", function()
    local socket = assert(scissl.SciSslSocket.new(ends.clientContext()))
    assert.is_true(socket:close())
    assert.equal(-1, socket:getfd())
  end)

  it("then calls the close of the socket below", function()
    local near, far = assert(scissl.SciSocket.pair())
    local socket = assert(scissl.SciSslSocket.on(near, ends.clientContext()))
    socket:close()
    assert.equal(-1, near:getfd())
    assert_ended(far)
  end)

  it("calls a foreign object's own close, once", function()
    local near, far = assert(scissl.SciSocket.pair())
    local closed = 0
    local foreign = { getfd = function() return near:getfd() end }
    function foreign.close()
      closed = closed + 1
      near:close()
    end
    local socket = assert(scissl.SciSslSocket.on(foreign, ends.clientContext()))
    socket:close()
    socket:close()
    assert.equal(1, closed)
    assert_ended(far)
  end)

  it("closes a descriptor number that it was given", function()
    local near, far = assert(scissl.SciSocket.pair())
    local keeper = assert(scissl.SciSocket.on(near, true)) -- a duplicate of its own, as somebody's bare descriptor
    near:close()
    local socket = assert(scissl.SciSslSocket.on(keeper, ends.clientContext()))
    socket:close()
    assert_ended(far)
  end)
end)
