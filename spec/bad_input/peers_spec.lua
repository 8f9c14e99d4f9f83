-- Peers that speak something else, or stop speaking: at every step a SciSslError that says so, and no confusion with a
-- clean end.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local failed = refusals.failed
local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local function memory(version, options)
  local all = { transport = "memory", version = version }
  for name, value in pairs(options or {}) do all[name] = value end
  return ends.pair(all)
end

local function step(socket, role)
  if role == "connect" then return socket:sslConnect() end
  return socket:sslAccept()
end

-- ---- plain text

local strangers = {
  { name = "an HTTP response", role = "connect", condition = "plain_http",
    bytes = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" },
  { name = "an HTTP request", role = "accept", condition = "plain_http",
    bytes = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" },
  { name = "an HTTP POST", role = "accept", condition = "plain_http",
    bytes = "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n" },
  { name = "an HTTP proxy request", role = "accept", condition = "plain_http",
    bytes = "CONNECT localhost:443 HTTP/1.1\r\n\r\n" },
  { name = "an SSH banner", role = "connect", condition = "not_tls", bytes = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" },
  { name = "an SSH banner", role = "accept", condition = "not_tls", bytes = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" },
  { name = "an SMTP greeting", role = "connect", condition = "not_tls", bytes = "220 mail.example ESMTP ready\r\n" },
  { name = "zeros", role = "connect", condition = "not_tls", bytes = ("\0"):rep(100) },
  { name = "zeros", role = "accept", condition = "not_tls", bytes = ("\0"):rep(100) },
  { name = "terminal codes", role = "connect", condition = "not_tls", bytes = ("\27[2J\7\r\n"):rep(20) },
}

describe("A peer that does not speak TLS", function()
  for _, stranger in ipairs(strangers) do
    it(("but %s fails %s with %s"):format(stranger.name, stranger.role, stranger.condition), function()
      for _, version in ipairs { "TLS", "TLSv1.2", "TLSv1.3" } do
        local client, server = memory(version)
        local socket = stranger.role == "connect" and client or server
        step(socket, stranger.role)
        socket:sslFeed(stranger.bytes)
        local err = failed(stranger.condition, stranger.role, (step(socket, stranger.role)))
        assert.are.equal(err, step(socket, stranger.role))
        assert.is_false(socket:isSecure())
        assert.is_true(socket:close())
      end
    end)

    it(("but %s byte by byte fails %s, too"):format(stranger.name, stranger.role), function()
      local client, server = memory("TLS")
      local socket = stranger.role == "connect" and client or server
      local answer = step(socket, stranger.role)
      for byte in stranger.bytes:gmatch(".") do
        socket:sslFeed(byte)
        answer = step(socket, stranger.role)
        if scissl.isSslError(answer) then break end
      end
      assert.are.equal(stranger.role, refusals.check(answer):phase())
    end)
  end

  it("is quoted in the hint, whatever it says, in plain characters", function()
    local client = memory("TLS")
    client:sslConnect()
    client:sslFeed("\27[2J rubbish " .. ("x"):rep(50))
    local err = failed("not_tls", "connect", (client:sslConnect()))
    assert.truthy(err:errorHint():find("rubbish", 1, true), err:errorHint())
    assert.is_nil(err:errorHint():find("\27", 1, true))
  end)

  it("is told over TCP in both directions, in the clear", function()
    local listener, port = ends.listener()
    local plain = assert(assert(scissl.SciSocket.newStreamSocket()):connect("127.0.0.1", port))
    local server = assert(scissl.SciSslSocket.on(assert(listener:accept()), ends.serverContext()))
    assert(server:sslInitialize())
    assert(plain:send("GET / HTTP/1.0\r\n\r\n"))
    failed("plain_http", "accept", (server:sslAccept()))
    server:close()
    local client = assert(scissl.SciSslSocket.new(ends.clientContext()))
    assert(client:setBlocking(true))
    assert(client:connect("127.0.0.1", port))
    assert(client:sslInitialize())
    assert(assert(listener:accept()):send("HTTP/1.0 200 OK\r\n\r\n"))
    local err = failed("plain_http", "connect", (client:sslConnect()))
    assert.are.equal("127.0.0.1:" .. port, err:subject())
    for _, socket in ipairs { listener, plain, client } do socket:close() end
  end)
end)

-- ---- the handshake cut off

-- The bytes that each side says to the other in a whole handshake, flight by flight.
local function record(version, options)
  local client, server = memory(version, options)
  local said = { connect = {}, accept = {} }
  repeat
    local client_answer, server_answer = client:sslConnect(), server:sslAccept()
    local from_client, from_server = client:sslDrain(), server:sslDrain()
    if #from_client > 0 then table.insert(said.accept, from_client) server:sslFeed(from_client) end
    if #from_server > 0 then table.insert(said.connect, from_server) client:sslFeed(from_server) end
  until client_answer == 1 and server_answer == 1
  return said
end

-- Every length up to the first few hundred and around the borders, and then fewer.
local function lengths(total, borders)
  local chosen = {}
  for n = 0, total do
    if n <= 100 or n % 41 == 0 or total - n <= 40 then chosen[n] = true end
  end
  local sum = 0
  for _, flight in ipairs(borders) do
    sum = sum + #flight
    for n = math.max(0, sum - 8), math.min(total, sum + 8) do chosen[n] = true end
  end
  return chosen
end

for _, version in ipairs(VERSIONS) do
  describe("A peer that closes in mid-handshake, " .. version, function()
    for _, role in ipairs { "connect", "accept" } do
      -- Each run makes its own keys, so that what one end says is new; only how much of it arrives is chosen here.
      it(("after any number of bytes fails %s with handshake_eof #slow"):format(role), function()
        local mutual = { client = { method = version, identity = pki.client },
          server = { method = version, verify = scissl.SSL_VERIFY_PEER } }
        local flights = record(version, mutual)[role]
        local total = #table.concat(flights)
        local checked = 0
        for limit in pairs(lengths(total, flights)) do
          local client, server = memory(version, mutual)
          local socket, peer = client, server
          if role == "accept" then socket, peer = server, client end
          local left = limit
          local moved
          repeat
            step(socket, role)
            step(peer, role == "connect" and "accept" or "connect")
            peer:sslFeed(socket:sslDrain())
            step(peer, role == "connect" and "accept" or "connect")
            local bytes = peer:sslDrain(left)
            left, moved = left - #bytes, #bytes
            socket:sslFeed(bytes)
          until moved == 0
          socket:sslFeedEnd()
          local answer = step(socket, role)
          -- Signatures differ in length: the end of the handshake may come some bytes earlier.
          if limit < total - 12 and answer ~= 1 then
            local err = failed("handshake_eof", role, answer)
            assert.are.equal(err, step(socket, role))
            assert.is_false(socket:isSecure())
            checked = checked + 1
          elseif answer == 1 then
            -- The handshake was whole, with tickets, say, still to come: the cut is met by the first read.
            failed("truncated", "read", (socket:sslRead()))
          end
        end
        assert.is_true(checked > 100, checked)
      end)
    end

    for _, transport in ipairs { "pair", "tcp" } do
      for _, role in ipairs { "connect", "accept" } do
        it(("over %s, at each border of a flight, fails %s"):format(transport, role), function()
          for flights = 0, 3 do
            local client, server = ends.pair { version = version, transport = transport }
            local socket, peer = client, server
            local other = "accept"
            if role == "accept" then socket, peer, other = server, client, "connect" end
            step(socket, role)
            for _ = 1, flights do
              peer:wait("r", 0.05)
              step(peer, other)
              socket:wait("r", 0.05)
              if step(socket, role) == 1 then break end
            end
            local done = step(socket, role) == 1
            assert(peer:shutdown("rw"))
            peer:close()
            if not done then
              assert(socket:wait("r", 30))
              local answer = step(socket, role)
              local err = refusals.check(answer)
              assert.are.equal(role, err:phase())
              assert.truthy(err:condition() == "handshake_eof" or err:condition() == "connection_reset",
                tostring(err))
            end
            socket:close()
          end
        end)
      end
    end
  end)

  describe("A connection that is cut without close_notify, " .. version, function()
    for _, transport in ipairs { "pair", "tcp", "memory" } do
      it("is truncated, after what came before, and stays so, over " .. transport, function()
        local client, server = ends.connected { version = version, transport = transport }
        assert.are.equal(5, server:sslWrite("hello"))
        if transport == "memory" then
          client:sslFeed(server:sslDrain())
          client:sslFeedEnd()
        else assert(server:shutdown("w")) end
        assert.are.equal("hello", ends.read(client, server))
        local err = failed("truncated", "read", (ends.read(client, server)))
        assert.are.equal(err, client:sslRead())
        assert.are.equal(err, client:sslPeek())
        assert.are.equal(scissl.SSL_ERROR_SSL, client:sslGetError(err))
        assert.is_false(client:isSecure())
        assert.is_true(client:close())
      end)

      it("is told from a clean close, over " .. transport, function()
        local client, server = ends.connected { version = version, transport = transport }
        assert.are.equal(5, server:sslWrite("hello"))
        server:close()
        if transport == "memory" then
          client:sslFeed(server:sslDrain())
          client:sslFeedEnd()
        end
        assert.are.equal("hello", ends.read(client, server))
        assert.are.equal(0, ends.read(client, server))
        assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(0))
        assert.are.equal(0, client:sslRead())
        assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(0))
      end)
    end

    it("is truncated in the middle of a record", function()
      local client, server = ends.connected { version = version, transport = "memory" }
      client:sslFeed(server:sslDrain()) -- tickets
      assert.are.equal(1000, server:sslWrite(("x"):rep(1000)))
      client:sslFeed(server:sslDrain(500))
      client:sslFeedEnd()
      failed("truncated", "read", (client:sslRead()))
    end)

    it("is truncated even where the close_notify has been cut", function()
      local client, server = ends.connected { version = version, transport = "memory" }
      client:sslFeed(server:sslDrain())
      assert.are.equal(0, server:sslShutdown())
      local alert = server:sslDrain()
      client:sslFeed(alert:sub(1, -2))
      client:sslFeedEnd()
      failed("truncated", "read", (client:sslRead()))
    end)

    it("does not end writing before it is read", function()
      local client, server = ends.connected { version = version }
      assert(server:shutdown("w"))
      assert.are.equal(2, client:sslWrite("hi"))
      assert.are.equal("hi", ends.read(server, client))
      client:close()
    end)

    it("answers sslShutdown a SciSslError, or that ours is sent, and never a clean end", function()
      local client, server = ends.connected { version = version }
      assert(server:shutdown("w"))
      assert.are.equal(0, client:sslShutdown())
      failed("truncated", "shutdown", (client:sslShutdown()))
    end)
  end)

  describe("Bytes that were changed on the way, " .. version, function()
    it("fail the handshake, or do not matter, wherever they are #slow", function()
      for _, role in ipairs { "connect", "accept" } do
        for at = 1, 400, 7 do
          local client, server = memory(version)
          local socket, peer, other = client, server, "accept"
          if role == "accept" then socket, peer, other = server, client, "connect" end
          local seen, answer = 0, nil
          for _ = 1, 6 do
            answer = step(socket, role)
            peer:sslFeed(socket:sslDrain())
            step(peer, other)
            local bytes = peer:sslDrain()
            local index = at - seen
            if index >= 1 and index <= #bytes then
              bytes = bytes:sub(1, index - 1) .. string.char(bytes:byte(index) ~ 0x15) .. bytes:sub(index + 1)
            end
            seen = seen + #bytes
            socket:sslFeed(bytes)
          end
          if scissl.isSslError(answer) then refusals.check(answer)
          elseif socket:isSecure() and peer:isSecure() then
            -- What was changed is not what counts (a record's legacy version): then they do understand each other.
            assert.are.equal(1, socket:sslWrite("x"))
            assert.are.equal("x", ends.read(peer, socket))
          end
        end
      end
    end)

    it("fail a read with a clear error, and stay failed", function()
      local client, server = ends.connected { version = version, transport = "memory" }
      client:sslFeed(server:sslDrain())
      client:sslRead()
      assert.are.equal(5, server:sslWrite("hello"))
      local bytes = server:sslDrain()
      client:sslFeed(bytes:sub(1, -3) .. string.char(bytes:byte(-2) ~ 1) .. bytes:sub(-1))
      local err = refusals.check(client:sslRead())
      assert.are.same({ "bad_record_mac", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      assert.are.equal(err, client:sslWrite("x"))
      assert.is_false(client:isSecure())
      server:sslFeed(client:sslDrain())
      err = failed("alert_received", "read", (server:sslRead()))
      assert.are.same({ "bad_record_mac", "received" }, { table.unpack({ err:alert() }, 1, 2) })
      assert.truthy(err:errorHint():find("bad_record_mac", 1, true))
    end)
  end)
end
