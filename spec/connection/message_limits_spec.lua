local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local ROLES = { client = true, server = true }
local ONE_BUFFER = 66560 + 16384 -- bytes that OpenSSL may have read ahead when a limit is exceeded

-- Two ends of TLS 1.3 over memory, the one that floods first. What belongs to the handshake has been read.
local function flooded(role, options)
  options = options or {}
  local client, server = ends.connected {
    transport = "memory", version = "TLSv1.3", client = options.client, server = options.server,
  }
  for _, way in ipairs { { client, server }, { server, client } } do
    assert.equal(5, way[1]:sslWrite("hello"))
    assert.equal("hello", ends.read(way[2], way[1]))
  end
  if role == "client" then return server, client end
  return client, server
end

-- What `count` calls of `message` make for the peer of `socket`.
local function make(socket, count, message)
  local records = {}
  for i = 1, count do
    assert.equal(1, message(socket))
    records[i] = socket:sslDrain()
  end
  return table.concat(records)
end

-- Twice what a call may take before it notices.
local function make_many(socket, message)
  local record = make(socket, 1, message)
  return record .. make(socket, 2 * ONE_BUFFER // #record, message)
end

local function update(socket) return socket:sslKeyUpdate(false) end
local function asking_update(socket) return socket:sslKeyUpdate(true) end
local function ticket(socket) return socket:sslSendTickets(1) end

local function assert_ended(socket, condition)
  local failure = socket:sslRead()
  assert.is_true(scissl.isSslError(failure), tostring(failure))
  assert.equal(condition, failure:condition())
  assert.equal("read", failure:phase())
  assert.equal(failure, socket:sslRead())
  return failure
end

-- By name: who floods, what with, how many are allowed in a row, and what says that there were too many.
local floods = {
  { "KeyUpdates", ROLES, update, 32, "too_many_key_updates" },
  { "KeyUpdates that ask for an answer", ROLES, asking_update, 32, "too_many_key_updates" },
  { "session tickets", { server = true }, ticket, 32, "too_many_tickets" },
}

for _, flood in ipairs(floods) do
  local name, roles, message, most, condition = table.unpack(flood)
  for flooder in pairs(roles) do
    describe(("%s of a %s"):format(name, flooder), function()
      local role = flooder == "client" and "server" or "client"

      it(("go through where there are %d in a row"):format(most), function()
        local peer, socket = flooded(role)
        socket:sslFeed(make(peer, most, message))
        assert.equal(-scissl.SSL_ERROR_WANT_READ, socket:sslRead())
        assert.is_false(socket:dirty())
        peer:sslWrite("on we go")
        socket:sslFeed(peer:sslDrain())
        assert.equal("on we go", socket:sslRead())
      end)

      it("begin to count anew behind data", function()
        local peer, socket = flooded(role)
        for _ = 1, 3 do
          socket:sslFeed(make(peer, most, message))
          assert.equal(-scissl.SSL_ERROR_WANT_READ, socket:sslRead())
          peer:sslWrite("data")
          socket:sslFeed(peer:sslDrain())
          assert.equal("data", socket:sslRead())
        end
      end)

      it("end the connection where there are more, with an alert", function()
        local peer, socket = flooded(role)
        socket:sslFeed(make(peer, most + 1, message))
        local _, direction = assert_ended(socket, condition):alert()
        assert.equal("sent", direction)
        peer:sslFeed(socket:sslDrain())
        local alert
        alert, direction = peer:sslRead():alert()
        assert.same({ "unexpected_message", "received" }, { alert, direction })
      end)

      it("end it where they come one by one", function()
        local peer, socket = flooded(role)
        for _ = 1, most do
          socket:sslFeed(make(peer, 1, message))
          assert.equal(-scissl.SSL_ERROR_WANT_READ, socket:sslRead())
        end
        socket:sslFeed(make(peer, 1, message))
        assert_ended(socket, condition)
      end)

      for _, call in ipairs { "sslRead", "sslPeek", "dirty", "sslPending", "sslReadSized", "sslShutdown" } do
        it("stop a call of " .. call .. " within what has been read ahead #slow", function()
          local peer, socket = flooded(role)
          local bytes = make_many(peer, message)
          socket:sslFeed(bytes)
          socket[call](socket, call == "sslReadSized" and 100000 or nil)
          assert_ended(socket, condition)
          assert.is_true(#bytes - #socket:sslUnread() <= ONE_BUFFER)
        end)
      end

      it("are named by their hint", function()
        local peer, socket = flooded(role)
        socket:sslFeed(make(peer, most + 1, message))
        assert.is_truthy(socket:sslRead():errorHint():find "costs this side time")
      end)
    end)
  end
end

describe("requests for a certificate behind the handshake", function()
  -- Has the server ask once, and the client reply; returns what the client's read returned.
  local function ask(client, server)
    assert.equal(1, server:sslVerifyClientPostHandshake())
    client:sslFeed(server:sslDrain())
    local answer = client:sslRead()
    server:sslFeed(client:sslDrain())
    assert.equal(-scissl.SSL_ERROR_WANT_READ, server:sslRead())
    return answer
  end

  it("end the connection where there are more than 8", function()
    local server, client = flooded("client", {
      client = { identity = pki.client, setup = function(context) context:setPostHandshakeAuth(true) end },
      server = { verify = scissl.SSL_VERIFY_PEER },
    })
    for _ = 1, 8 do assert.equal(-scissl.SSL_ERROR_WANT_READ, ask(client, server)) end
    assert.equal(1, server:sslVerifyClientPostHandshake())
    client:sslFeed(server:sslDrain())
    assert_ended(client, "too_many_certificate_requests")
  end)
end)

-- A ClientHello of TLS 1.2 and 1.3 that `padding` bytes make long, in records of one byte each.
local function fragmented_hello(padding)
  local context = ends.clientContext()
  local client = assert(scissl.SciSslSocket.onMemory(context):sslInitialize())
  client:sslConnect()
  local message = client:sslDrain():sub(6)
  -- Its extensions are last, with their length before them; what stands before that has lengths of its own.
  local at = 4 + 2 + 32
  at = at + 1 + message:byte(at + 1)
  at = at + 2 + string.unpack(">I2", message, at + 1)
  at = at + 1 + message:byte(at + 1)
  local extensions = string.unpack(">s2", message, at + 1) .. string.pack(">I2s2", 21, ("\0"):rep(padding))
  local body = message:sub(5, at) .. string.pack(">s2", extensions)
  return ("\1" .. string.pack(">I3", #body) .. body):gsub(".", "\22\3\1\0\1%0", nil), client
end

describe("a ClientHello in records of one byte", function()
  local READ_LIMIT = 262144 -- bytes that one call reads from the transport

  it("is not read to its end by one call, and dirty says so", function()
    local bytes = fragmented_hello(60000)
    local server = assert(scissl.SciSslSocket.onMemory(ends.serverContext()):sslInitialize())
    server:sslFeed(bytes)
    assert.equal(-scissl.SSL_ERROR_WANT_READ, server:sslAccept())
    assert.is_true(server:dirty())
    assert.equal(0, server:timeout())
    assert.equal("", server:sslDrain())
    assert.equal(-scissl.SSL_ERROR_WANT_READ, server:sslAccept())
    assert.is_false(server:dirty())
    assert.is_true(#server:sslDrain() > 0)
    assert.is_true(#bytes > READ_LIMIT and #bytes < 2 * READ_LIMIT)
  end)

  it("lets a descriptor announce what one call has left", function()
    local near, far = assert(scissl.SciSocket.pair())
    near:setBlocking(false)
    far:setBlocking(false)
    local server = assert(scissl.SciSslSocket.on(far, ends.serverContext()):sslInitialize())
    near:setSockOpt("SO_SNDBUF", 1 << 20)
    local bytes, at = fragmented_hello(60000), 1
    local calls = 0
    while at <= #bytes do
      at = at + (near:send(bytes, at) or 0)
      assert.equal(-scissl.SSL_ERROR_WANT_READ, server:sslAccept())
      calls = calls + 1
    end
    while server:wait("r", 0) do
      assert.equal(-scissl.SSL_ERROR_WANT_READ, server:sslAccept())
      calls = calls + 1
    end
    assert.is_true(near:wait("r", 0) ~= nil)
    assert.is_true(calls >= 2)
  end)
end)
