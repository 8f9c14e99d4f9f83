local scissl = require "scissl"
local ends = require "spec.support.ends"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

-- Both ends over memory, the handshake and its tickets behind them.
local function settled(version, setup)
  local client, server = ends.connected {
    transport = "memory", version = version,
    client = ends.clientContext { method = version, setup = setup },
    server = ends.serverContext { method = version, setup = setup },
  }
  assert.equal(-scissl.SSL_ERROR_WANT_READ, client:sslRead())
  return client, server
end

-- What one side has for the other, as its bytes.
local function record(socket, text)
  assert.equal(#text, socket:sslWrite(text))
  return socket:sslDrain()
end

for _, version in ipairs(VERSIONS) do
  describe("sslRead, " .. version, function()
    it("answers the records that one read of the transport brings in one string", function()
      local client, server = ends.connected { version = version }
      for i = 1, 100 do assert.equal(6, server:sslWrite(("%06d"):format(i))) end
      local got = ends.read(client, server)
      assert.equal(600, #got)
      assert.equal("000001", got:sub(1, 6))
      assert.equal("000100", got:sub(-6))
    end)

    it("answers max bytes at the most, and the rest next time", function()
      local client, server = settled(version)
      client:sslFeed(record(server, "hello") .. record(server, "world"))
      assert.equal("hel", client:sslRead(3))
      assert.equal("lo", client:sslRead(2))
      assert.equal("world", client:sslRead(1 << 60))
    end)

    it("leaves with sslPeek what it answers", function()
      local client, server = settled(version)
      client:sslFeed(record(server, "hello"))
      assert.equal("he", client:sslPeek(2))
      assert.equal("hello", client:sslPeek())
      assert.equal("hello", client:sslRead())
    end)

    it("answers the bytes first and then the failure that came along with them", function()
      local client, server = settled(version)
      local first, second = record(server, "good"), record(server, "never")
      client:sslFeed(first .. second:sub(1, -2) .. string.char(second:byte(-1) ~ 1))
      assert.equal("good", client:sslRead())
      local failure = client:sslRead()
      assert.is_true(scissl.isSslError(failure))
      assert.equal("read", failure:phase())
      assert.equal(failure, client:sslRead())
    end)
  end)

  describe("dirty and sslPending, " .. version, function()
    it("say nothing is there before anything has come", function()
      local client = settled(version)
      assert.is_false(client:dirty())
      assert.equal(0, client:sslPending())
      assert.is_nil(client:timeout())
    end)

    it("say what is there while a record has been read in part", function()
      local client, server = settled(version)
      client:sslFeed(record(server, "hello"))
      assert.equal("he", client:sslRead(2))
      assert.is_true(client:dirty())
      assert.equal(3, client:sslPending())
      assert.equal(0, client:timeout())
    end)

    it("tell a whole record that waits behind another from a piece of one", function()
      local client, server = ends.connected { version = version }
      assert.equal(5, server:sslWrite "first")
      assert.equal(6, server:sslWrite "second")
      assert(client:wait "r")
      assert.equal("first", client:sslRead(5))
      assert.is_true(client:dirty())
      assert.equal(6, client:sslPending())
      assert.equal("second", client:sslRead())
      assert.is_false(client:dirty())
    end)

    it("do not call a piece of a record something to read", function()
      local client, server = settled(version)
      local whole = record(server, "hello")
      client:sslFeed(whole:sub(1, -2))
      assert.is_false(client:dirty())
      assert.equal(0, client:sslPending())
      client:sslFeed(whole:sub(-1))
      assert.is_true(client:dirty())
      assert.equal("hello", client:sslRead())
    end)

    it("keep the code of an earlier answer as it was", function()
      local client, server = settled(version)
      local answer = client:sslRead()
      client:sslFeed(record(server, "hello"):sub(1, -2))
      client:dirty()
      assert.equal(scissl.SSL_ERROR_WANT_READ, client:sslGetError(answer))
      assert.equal(scissl.SSL_ERROR_WANT_READ, client:sslGetError(-1))
    end)

    it("announce the peer's close that came along with its last bytes, until it is read", function()
      local client, server = settled(version)
      local last = record(server, "bye")
      server:sslShutdown()
      client:sslFeed(last .. server:sslDrain())
      assert.equal("bye", client:sslRead(3))
      assert.is_true(client:dirty())
      assert.is_true(client:dirty())
      assert.equal(0, client:sslRead())
      assert.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(0))
      assert.is_false(client:dirty())
    end)

    it("do not announce a close again that has been read, whatever lies behind it and whatever looks ahead", function()
      local client, server = settled(version)
      server:sslShutdown()
      client:sslFeed(server:sslDrain() .. "what nothing may read")
      assert.equal(0, client:sslRead())
      for _, look in ipairs { "dirty", "sslPending", "getSession", "newSessions" } do
        client[look](client)
        assert.is_false(client:dirty(), look)
        assert.is_nil(client:timeout(), look)
      end
    end)

    it("announce a failure that came along with the last bytes", function()
      local client, server = settled(version)
      local first, second = record(server, "good"), record(server, "never")
      client:sslFeed(first .. second:sub(1, -2) .. string.char(second:byte(-1) ~ 1))
      assert.equal("good", client:sslRead(4))
      assert.is_true(client:dirty())
      assert.is_true(scissl.isSslError(client:sslRead()))
    end)
  end)

  describe("sslWrite, " .. version, function()
    it("takes offsets as string.sub does", function()
      local client, server = settled(version)
      for _, range in ipairs { { 2, 4 }, { -3 }, { 0, 2 }, { 4, 100 }, { -100, -4 } } do
        local expected = ("hello"):sub(table.unpack(range))
        assert.equal(#expected, server:sslWrite("hello", table.unpack(range)))
        client:sslFeed(server:sslDrain())
        assert.equal(expected, client:sslRead())
      end
    end)

    it("takes a part where the transport takes a part, and the rest from there", function()
      local client, server = settled(version)
      local data, sent, got = ("0123456789"):rep(100000), 0, {}
      while sent < #data do
        local answer = server:sslWrite(data, sent + 1)
        assert.is_false(scissl.isSslError(answer))
        if answer > 0 then sent = sent + answer
        else assert.equal(scissl.SSL_ERROR_WANT_WRITE, server:sslGetError(answer)) end
        client:sslFeed(server:sslDrain())
        local bytes = client:sslRead()
        while type(bytes) == "string" do
          got[#got + 1] = bytes
          bytes = client:sslRead()
        end
      end
      assert.equal(data, table.concat(got))
    end)

    it("says in events that it waits for the transport to take more", function()
      local _, server = settled(version)
      local data, answer = ("x"):rep(1 << 20), 1
      while answer > 0 do answer = server:sslWrite(data) end
      assert.equal("w", server:events())
    end)
  end)
end

describe("a renegotiation that begins behind the last bytes, TLSv1.2", function()
  it("is answered without another read", function()
    local client, server = settled("TLSv1.2", function(context)
      assert(context:setRenegotiation(true))
    end)
    assert.equal(5, client:sslWrite "hello")
    client:sslRenegotiate()
    server:sslFeed(client:sslDrain())
    assert.equal("hello", server:sslRead(5))
    server:dirty()
    assert.is_true(#server:sslDrain() > 0)
  end)
end)
