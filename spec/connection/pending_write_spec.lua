local scissl = require "scissl"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"

local pattern = payload.pattern

local PIECE = 20000

local function allow_renegotiation(context) context:setRenegotiation(true) end

-- Two ends in the role `writer` and the other one; what belongs to the handshake has been read.
local function connected(version, writer, transport)
  local client, server = ends.connected {
    version = version, transport = transport,
    client = { method = version, setup = allow_renegotiation },
    server = { method = version, setup = allow_renegotiation },
  }
  for _, way in ipairs { { client, server }, { server, client } } do
    assert.equal(5, way[1]:sslWrite("hello"))
    assert.equal("hello", ends.read(way[2], way[1]))
  end
  if writer == "client" then return client, server end
  return server, client
end

-- Writes until the transport takes no more; returns all that has been given, and the rest that must come again.
local function fill(socket)
  local text, written = pattern(PIECE), {}
  while true do
    local from = 1
    while from <= PIECE do
      local count = socket:sslWrite(text, from)
      assert.is_true(math.type(count) == "integer", tostring(count))
      if count <= 0 then
        assert.equal(scissl.SSL_ERROR_WANT_WRITE, socket:sslGetError(count))
        written[#written + 1] = text
        return table.concat(written), text:sub(from)
      end
      from = from + count
    end
    written[#written + 1] = text
  end
end

-- Repeats the pending write and reads on both sides until the peer has all of `text`. Returns what it has got.
local function finish(socket, peer, text, rest)
  local got, size, deadline = {}, 0, scissl.SciSocket.now() + 30
  while size < #text do
    assert(scissl.SciSocket.now() < deadline, "the bytes do not come")
    if rest ~= "" then
      local count = socket:sslWrite(rest)
      assert(not scissl.isSslError(count), count)
      if count > 0 then rest = rest:sub(count + 1) end
    else
      local answer = socket:sslRead()
      assert(ends.notYet(socket, answer) or answer:find "^!+$", answer)
    end
    if not peer:getfd() or peer:getfd() < 0 then ends.shuttle(socket, peer) end
    local bytes = peer:sslRead()
    assert(type(bytes) == "string" or ends.notYet(peer, bytes), bytes)
    if type(bytes) == "string" then
      got[#got + 1] = bytes
      size = size + #bytes
    end
  end
  return table.concat(got)
end

local function exchange(socket, peer)
  for _, way in ipairs { { socket, peer }, { peer, socket } } do
    assert.equal(7, way[1]:sslWrite("goes on"))
    assert.equal("goes on", ends.read(way[2], way[1]))
  end
end

for _, transport in ipairs { "pair", "tcp", "memory" } do
  for _, writer in ipairs { "client", "server" } do
    local where = (", %s over %s"):format(writer, transport)

    describe("A write that is pending" .. where, function()
      for _, count in ipairs { 1, 2, 5 } do
        it(("is finished behind %d KeyUpdates that ask for an answer"):format(count), function()
          local socket, peer = connected("TLSv1.3", writer, transport)
          local text, rest = fill(socket)
          for _ = 1, count do
            assert.equal(1, peer:sslKeyUpdate(true))
            assert.equal(1, peer:sslWrite("!"))
            if transport == "memory" then socket:sslFeed(peer:sslDrain()) end
            local answer = socket:sslRead()
            assert.is_false(scissl.isSslError(answer), tostring(answer))
          end
          assert.equal(text, finish(socket, peer, text, rest))
        end)
      end

      if writer == "client" then it("is finished behind a renegotiation that the server asks for", function()
        local socket, peer = connected("TLSv1.2", writer, transport)
        local text, rest = fill(socket)
        local asked = peer:sslRenegotiate()
        assert.is_false(scissl.isSslError(asked), tostring(asked))
        if transport == "memory" then socket:sslFeed(peer:sslDrain()) end
        local answer = socket:sslRead()
        assert.is_true(ends.notYet(socket, answer), tostring(answer))
        assert.equal(text, finish(socket, peer, text, rest))
      end) end

      -- The renegotiation that OpenSSL begins there has to send, and the transport takes nothing. (TCP may take more a
      -- moment later: the system makes its buffers larger.)
      local jams = writer == "client" and transport ~= "tcp"
      if jams then it("lets events say so behind data and such a request", function()
        local socket, peer = connected("TLSv1.2", writer, transport)
        local text, rest = fill(socket)
        assert.equal(4, peer:sslWrite "data")
        assert.is_false(scissl.isSslError(peer:sslRenegotiate()))
        if transport == "memory" then socket:sslFeed(peer:sslDrain()) end
        assert.equal("data", socket:sslRead())
        assert.equal("w", socket:events())
        assert.equal(text, finish(socket, peer, text, rest))
        exchange(socket, peer)
        assert.equal("r", socket:events())
      end) end

      it("must come again with the same bytes", function()
        local socket, peer = connected("TLSv1.3", writer, transport)
        local text, rest = fill(socket)
        assert.equal("write_pending", socket:sslWrite("other bytes"):condition())
        assert.equal(text, finish(socket, peer, text, rest))
        exchange(socket, peer)
      end)
    end)
  end
end

describe("A peer that asks for KeyUpdates and reads nothing", function()
  it("gets no more answers than the transport takes, and no more of it is read", function()
    local socket, peer = connected("TLSv1.3", "server", "pair")
    local _, rest = fill(socket)
    local waits
    for _ = 1, 8 do
      peer:sslKeyUpdate(true)
      local answer = socket:sslRead()
      assert.is_true(ends.notYet(socket, answer), tostring(answer))
      waits = socket:sslGetError(answer)
    end
    assert.equal(scissl.SSL_ERROR_WANT_WRITE, waits)
    assert.equal("w", socket:events())
    assert.equal(-scissl.SSL_ERROR_WANT_WRITE, socket:sslWrite(rest))
  end)

  it("does not have a stream's read wait in vain for what cannot be read", function()
    local near, far = connected("TLSv1.3", "server", "pair")
    local waits = 0
    local stream = scissl.stream(near, { timeout = 0.05, waiter = function(socket, events, deadline)
      waits = waits + 1
      return scissl.SciSocket.wait(socket, events, math.max(0, deadline - scissl.SciSocket.now())) and true
    end })
    local failure
    repeat failure = select(2, stream:write(pattern(PIECE))) until failure
    assert.equal("timeout", failure:condition())
    for _ = 1, 8 do far:sslKeyUpdate(true) end
    waits = 0
    assert.equal("timeout", select(2, stream:read("l")):condition())
    assert.is_true(waits <= 3, waits .. " waits")
  end)
end)
