-- The option enable_ktls: the kernel encrypts what is sent, where it can; where it cannot, nothing else is different.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"
local pki = require "spec.support.pki"

local pattern, pump = payload.pattern, payload.pump

local SciSslSocket = scissl.SciSslSocket
local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local RECORD = 16384
local PATIENCE = 30

-- ---- connections that ask for it

local function ask(context)
  assert(context:setOptions "enable_ktls")
end

-- `more`: further options of ends.connected. The sockets hold little, so that writes have to wait.
local function connected(version, more)
  local options = { transport = "tcp", client = { method = version, setup = ask },
                    server = { method = version, setup = ask } }
  for name, value in pairs(more or {}) do options[name] = value end
  local client, server = ends.connected(options)
  if options.transport == "tcp" then
    client:setSockOpt("SO_SNDBUF", 65536)
    server:setSockOpt("SO_SNDBUF", 65536)
  end
  return client, server
end

local has_ktls = scissl.features.kTLS and connected "TLSv1.3":ktls()

local function in_kernel(promise, body)
  it(promise, function()
    if not has_ktls then return pending("kTLS: this kernel has none (Linux, module tls)") end
    body()
  end)
end

-- ---- bytes

local function condition(answer)
  assert(scissl.isSslError(answer), tostring(answer))
  return answer:condition()
end

-- Writes until the transport takes no more. Answers how many bytes it has taken.
local function fill(write)
  local sent = 0
  while true do
    local answer = write(sent)
    assert(not scissl.isSslError(answer), answer)
    if answer <= 0 then return sent end
    sent = sent + answer
  end
end

-- Lets what is freed be used by others.
local function stir()
  collectgarbage()
  local text = "!"
  for i = 1, 20 do text = text:sub(1, 1):rep(RECORD + i * 8) end
  return text
end

local function signals()
  local file <close> = io.open "/proc/self/status"
  return file and file:read "a":match "SigPnd:.-SigCgt:%s*%x+"
end

-- ---- the wire

-- A client and a server whose bytes pass through our hands: client, server, and the socket between them. The server is
-- on memory.
local function wired(version)
  local listener, port = ends.listener()
  local client = assert(SciSslSocket.new(ends.clientContext { method = version, setup = ask }))
  assert(client:connect("127.0.0.1", port))
  local wire = assert(listener:accept())
  listener:close()
  local server = assert(SciSslSocket.onMemory(ends.serverContext { method = version }))
  assert(client:sslInitialize())
  assert(server:sslInitialize())
  assert(client:sslSetServerName "localhost" and client:sslSetVerifyHost "localhost")
  local shaken, accepted
  repeat
    if shaken ~= 1 then shaken = client:sslConnect() end
    if accepted ~= 1 then
      server:sslFeed(assert(wire:recv(65536)))
      accepted = server:sslAccept()
      local answer = server:sslDrain()
      if answer ~= "" then
        assert(wire:send(answer))
        assert(client:wait("r", PATIENCE))
      end
    end
  until shaken == 1 and accepted == 1
  return client, server, wire
end

-- Takes `size` bytes of application data from the wire. Answers them, and the lengths of their records.
local function take(server, wire, size)
  local raw, read = "", ""
  while #read < size do
    local bytes = assert(wire:recv(65536))
    raw = raw .. bytes
    server:sslFeed(bytes)
    local answer = server:sslRead()
    while type(answer) == "string" do
      read = read .. answer
      answer = server:sslRead()
    end
  end
  local lengths, at = {}, 1
  while at < #raw do
    lengths[#lengths + 1] = string.unpack(">I2", raw, at + 3)
    at = at + 5 + lengths[#lengths]
  end
  return read, lengths
end

-- ---- whoever encrypts

for _, version in ipairs(VERSIONS) do
  describe("With enable_ktls #slow, " .. version .. ",", function()
    it("ktls tells whether the kernel encrypts, and that it does not decrypt", function()
      for _, socket in ipairs { connected(version) } do
        local sends, receives = socket:ktls()
        assert.equal(has_ktls, sends)
        assert.is_false(receives)
      end
    end)

    it("bytes arrive as they were written, both ways", function()
      local client, server = connected(version)
      for _, ways in ipairs { { client, server }, { server, client } } do
        local from, to = table.unpack(ways)
        local text = pattern(1500000, 1)
        local arrived, waited = pump(from, to, #text, function(sent) return from:sslWrite(text, sent + 1) end)
        assert.is_true(waited)
        assert.is_true(text == arrived)
      end
    end)

    -- The last message of the handshake and these bytes come in one.
    it("bytes that follow the handshake at once arrive", function()
      local client, server = ends.pair { transport = "tcp", client = { method = version, setup = ask },
                                         server = { method = version, setup = ask } }
      local sides = { { client, client.sslConnect }, { server, server.sslAccept } }
      local first, second
      repeat
        for i, side in ipairs(sides) do
          local answer = side[2](side[1])
          assert.is_true(answer == 1 or ends.notYet(side[1], answer))
          if answer == 1 then
            first, second = side, sides[3 - i]
            break
          end
        end
      until first
      assert.equal(7, first[1]:sslWrite "at once")
      local answer
      repeat
        answer = second[2](second[1])
        assert.is_true(answer == 1 or ends.notYet(second[1], answer))
      until answer == 1
      assert.equal("at once", ends.read(second[1], first[1]))
    end)

    it("strings of a table arrive as they were written", function()
      local client, server = connected(version)
      local all, arrived, waited = payload.pumpStrings(client, server)
      assert.is_true(waited)
      assert.is_true(all == arrived)
    end)

    it("files arrive as they are, and stand where they stood", function()
      local client, server = connected(version)
      local text = pattern(3000000, 2)
      local file <close> = assert(io.open(pki.write(text)))
      local arrived, waited = pump(client, server, #text, function(sent) return client:sendfile(file, sent) end)
      assert.is_true(waited)
      assert.is_true(text == arrived)
      assert.equal(0, file:seek())
      assert.equal(10, client:sendfile(file, 5, 10))
      assert.equal(text:sub(6, 15), ends.read(server, client))
      assert.equal(7, client:sendfile(file, #text - 7, 1000))
      assert.equal(text:sub(-7), ends.read(server, client))
      assert.equal(0, client:sendfile(file, #text))
      assert.equal(0, client:sendfile(file, 0, 0))
    end)

    it("a blocking socket sends a file in one call", function()
      local client, server = connected(version)
      local text = pattern(50000, 3)
      local file <close> = assert(io.open(pki.write(text)))
      client:setBlocking(true)
      assert.equal(#text, client:sendfile(file))
      assert.is_true(text == pump(client, server, #text, nil, #text))
    end)

    it("what is wrong with a file is answered, and the connection goes on", function()
      local client, server = connected(version)
      local folder <close> = assert(io.open(pki.folder()))
      local failure = client:sendfile(folder)
      assert.is_true(scissl.isSslError(failure))
      assert.equal("write", failure:phase())
      assert.equal(2, client:sslWrite "go")
      assert.equal("go", ends.read(server, client))
    end)

    it("a write that was not yet taken may come again from other memory", function()
      local client, server = connected(version)
      local text = pattern(1000000, 4)
      local sent = fill(function(sent) return client:sslWrite(text:sub(sent + 1)) end)
      stir()
      local arrived = pump(client, server, #text, function(done)
        local answer = client:sslWrite(text:sub(done + 1))
        stir()
        return answer
      end, sent)
      assert.is_true(text == arrived)
    end)

    it("a table that was not yet taken may come again after other sockets have written", function()
      local client, server = connected(version)
      local other, other_server = connected(version)
      local strings = {}
      for i = 1, 20000 do strings[i] = pattern(50, i) end
      local all = table.concat(strings)
      local sent = fill(function(done) return client:sslWritev(strings, done) end)
      assert.is_true(sent < #all)
      local arrived = pump(client, server, #all, function(done)
        assert.equal(6000, other:sslWritev { ("?"):rep(3000), ("!"):rep(3000) })
        local answer = client:sslWritev(strings, done)
        assert.equal(6000, #ends.read(other_server, other))
        return answer
      end, sent)
      assert.is_true(all == arrived)
    end)

    it("sendfile goes on where sslWrite was not yet taken", function()
      local client, server = connected(version)
      local text = pattern(1000000, 5)
      local file <close> = assert(io.open(pki.write(text)))
      local sent = fill(function(done) return client:sslWrite(text, done + 1) end)
      assert.is_true(text == pump(client, server, #text, function(done) return client:sendfile(file, done) end, sent))
    end)

    it("a file that is not what was not yet taken is refused", function()
      local client, server = connected(version)
      local text = pattern(1000000, 6)
      local file <close> = assert(io.open(pki.write(("?"):rep(100000))))
      local sent = fill(function(done) return client:sslWrite(text, done + 1) end)
      assert.equal("write_pending", condition(client:sendfile(file)))
      local arrived = pump(client, server, #text, function(done) return client:sslWrite(text, done + 1) end, sent)
      assert.is_true(text == arrived)
    end)

    it("a peer that has gone raises no SIGPIPE, and signals stay as they were", function()
      local client, server = connected(version)
      local file <close> = assert(io.open(pki.write(pattern(100000, 7))))
      local before = signals()
      server:setSockOpt("SO_LINGER", 0)
      server:close()
      assert(client:wait("r", PATIENCE))
      for _ = 1, 3 do
        local failure = client:sendfile(file)
        assert.is_truthy(({ broken_pipe = true, connection_reset = true })[condition(failure)])
        assert.equal("write", failure:phase())
      end
      client:sslShutdown()
      assert.is_true(client:close())
      assert.equal(before, signals())
    end)

    it("close_notify ends both directions", function()
      local client, server = connected(version)
      client:sslRead() -- the tickets
      assert.equal(0, client:sslShutdown())
      assert.equal(0, ends.read(server, client))
      assert.equal(scissl.SSL_ERROR_ZERO_RETURN, server:sslGetError(0))
      assert.equal(3, server:sslWrite "bye")
      assert.equal("bye", ends.read(client, server))
      assert.equal(1, server:sslShutdown())
      assert.equal(0, ends.read(client, server))
      assert.equal(1, client:sslShutdown())
    end)

    it("close sends close_notify", function()
      local client, server = connected(version)
      server:close()
      assert.equal(0, ends.read(client, server))
      assert.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(0))
    end)

    it("nothing follows our close_notify", function()
      local client, server = connected(version)
      local file <close> = assert(io.open(pki.write "text"))
      client:sslShutdown()
      assert.equal("shutdown_sent", condition(client:sendfile(file)))
      server:close() -- not before: a socket that is collected is closed
    end)

    it("sessions are resumed", function()
      local client_context = ends.clientContext { method = version, setup = ask }
      local server_context = ends.serverContext { method = version, setup = ask }
      local client, server = connected(version, { client = client_context, server = server_context })
      assert.equal(2, server:sslWrite "hi")
      assert.equal("hi", ends.read(client, server))
      local session = client:getSession()
      client, server = ends.pair { transport = "tcp", client = client_context, server = server_context }
      assert(client:setSession(session))
      assert.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_true(client:isSessionReused())
      assert.equal(has_ktls, (server:ktls()))
      assert.equal(2, server:sslWrite "ho")
      assert.equal("ho", ends.read(client, server))
    end)

    it("the alert that refuses a client arrives", function()
      local client, server = ends.pair {
        transport = "tcp",
        client = { method = version, setup = ask },
        server = { method = version, setup = ask,
                   verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT },
      }
      local answer = ends.handshake(client, server)
      if answer == 1 then answer = ends.read(client, server) end
      assert.equal("client_certificate_missing", version == "TLSv1.3" and condition(answer) or
        condition(answer) == "alert_received" and "client_certificate_missing")
    end)

    it("sockets that give their buffers back lose nothing", function()
      local pairs_, text = {}, pattern(20000, 8)
      for i = 1, 40 do pairs_[i] = { connected(version) } end
      for _ = 1, 2 do
        for _, pair in ipairs(pairs_) do assert.equal(#text, pair[1]:sslWrite(text)) end
        for _, pair in ipairs(pairs_) do
          assert.is_true(text == pump(pair[1], pair[2], #text, nil, #text))
        end
      end
    end)

    it("records are as short as sslSetRecordSizing has them", function()
      local client, server, wire = wired(version)
      local text = pattern(9000, 9)
      client:sslSetRecordSizing(1300, 3900)
      assert.equal(#text, client:sslWrite(text))
      local arrived, lengths = take(server, wire, #text)
      assert.is_true(text == arrived)
      assert.equal(4, #lengths)
      for i = 1, 3 do assert.is_true(lengths[i] > 1300 and lengths[i] <= 1300 + 64) end
    end)

    it("long writes leave in full records", function()
      local client, server, wire = wired(version)
      local text = pattern(2 * RECORD + 100, 10)
      assert.equal(#text, client:sslWrite(text))
      local arrived, lengths = take(server, wire, #text)
      assert.is_true(text == arrived)
      assert.equal(3, #lengths)
    end)
  end)

  describe("Without the kernel, " .. version .. ",", function()
    it("go connections that do not ask for it", function()
      local client = ends.connected { version = version, transport = "tcp" }
      assert.same({ false, false }, { client:ktls() })
    end)

    for _, transport in ipairs { "pair", "memory" } do
      it("go connections over the transport " .. transport, function()
        local client, server = connected(version, { transport = transport })
        assert.same({ false, false }, { client:ktls() })
        assert.equal(5, client:sslWrite "hello")
        assert.equal("hello", ends.read(server, client))
      end)
    end

    it("go records that are shortened", function()
      local client, server = connected(version, { client = { method = version, setup = function(context)
        ask(context)
        context:setMaxSendFragment(1000)
      end } })
      assert.same({ false, false }, { client:ktls() })
      assert.equal(has_ktls, (server:ktls()))
      assert.equal(5, client:sslWrite "hello")
      assert.equal("hello", ends.read(server, client))
    end)
  end)

  -- ---- what only the kernel's keys forbid

  describe("With the kernel's keys, " .. version .. ",", function()
    in_kernel("both ends send through it", function()
      local client, server = connected(version)
      assert.same({ true, false }, { client:ktls() })
      assert.same({ true, false }, { server:ktls() })
    end)

    in_kernel("no new ones are made, and the connection goes on", function()
      local client, server = connected(version)
      local answer
      if version == "TLSv1.3" then answer = client:sslKeyUpdate() else answer = client:sslRenegotiate() end
      assert.equal("ktls", condition(answer))
      assert.equal(2, client:sslWrite "go")
      assert.equal("go", ends.read(server, client))
    end)

    in_kernel("another connection over the descriptor is refused, and plain bytes", function()
      local client, server = connected(version)
      client:sslRead()
      client:sslShutdown()
      ends.read(server, client)
      server:sslShutdown()
      ends.read(client, server)
      client:sslShutdown()
      local answer, failure = client:send "plain"
      assert.is_nil(answer)
      assert.equal("ktls", failure:condition())
      answer, failure = client:sslInitialize()
      assert.is_nil(answer)
      assert.equal("ktls", failure:condition())
      local other <close> = assert(scissl.SciSocket.on(client, true))
      answer, failure = other:send "plain"
      assert.is_nil(answer)
      assert.equal("ktls", failure:condition())
      answer, failure = SciSslSocket.on(other, scissl.SciSslContext.new()):sslInitialize()
      assert.is_nil(answer)
      assert.equal("ktls", failure:condition())
    end)
  end)
end

describe("With the kernel's keys, TLSv1.3,", function()
  -- The server's are OpenSSL's.
  local function half()
    return connected("TLSv1.3", { server = { method = "TLSv1.3" } })
  end

  in_kernel("the peer may renew its own", function()
    local client, server = half()
    assert.equal(1, server:sslKeyUpdate())
    assert.equal(2, server:sslWrite "hi")
    assert.equal("hi", ends.read(client, server))
    assert.equal(2, client:sslWrite "ho")
    assert.equal("ho", ends.read(server, client))
  end)

  for _, way in ipairs { "sslWrite", "sendfile" } do
    in_kernel("a peer that asks for new ones ends the connection, at " .. way, function()
      local client, server = half()
      local file <close> = assert(io.open(pki.write "text"))
      assert.equal(1, server:sslKeyUpdate(true))
      assert.equal(2, server:sslWrite "hi")
      assert.equal("hi", ends.read(client, server))
      for _ = 1, 2 do assert.equal("ktls", condition(client[way](client, way == "sslWrite" and "text" or file))) end
      assert.is_true(client:close())
      assert.equal("truncated", condition(ends.read(server, client)))
    end)
  end

  in_kernel("a server may ask for a certificate after the handshake", function()
    local client, server = connected("TLSv1.3", {
      client = { identity = pki.client, setup = function(context)
        ask(context)
        context:setPostHandshakeAuth(true)
      end },
      server = { method = "TLSv1.3", setup = ask,
                 verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_POST_HANDSHAKE },
    })
    assert.is_nil(server:peerCertificate())
    assert.equal(1, server:sslVerifyClientPostHandshake())
    assert.equal(2, server:sslWrite "hi")
    assert.equal("hi", ends.read(client, server))
    assert.equal(2, client:sslWrite "ho")
    assert.equal("ho", ends.read(server, client))
    assert.equal(pki.client.certificate, server:peerCertificate())
  end)
end)
