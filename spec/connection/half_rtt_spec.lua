-- Data that a server of TLS 1.3 sends before the client's last message has come ("0.5-RTT data").
local scissl = require "scissl"
local ends = require "spec.support.ends"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

-- Both ends, the server after its first flight.
local function begun(options)
  options = options or {}
  options.version = options.version or "TLSv1.3"
  options.transport = "memory"
  local client, server = ends.pair(options)
  client:sslConnect()
  ends.shuttle(client, server)
  return client, server, server:sslReadReplayable()
end

local function read_what_came(socket)
  local parts = {}
  local part = socket:sslRead()
  while type(part) == "string" do
    parts[#parts + 1] = part
    part = socket:sslRead()
  end
  return table.concat(parts)
end

describe("Half-RTT data (TLS 1.3)", function()
  it("comes before the server has received anything but the ClientHello", function()
    local client, server, over = begun()
    assert.are.equal(0, over)
    assert.are.equal(9, server:sslWriteHalfRtt "greeting\n")
    assert.are.equal(3, server:sslWriteHalfRtt("-abc-", 2, 4))
    local received = server:statistics().bytesReceived
    ends.shuttle(server, client)
    assert.are.equal(1, client:sslConnect())
    assert.are.equal("greeting\nabc", read_what_came(client))
    assert.are.equal(received, server:statistics().bytesReceived)
    assert.is_false(server:isSecure())
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    server:sslWrite "later"
    assert.are.equal("later", ends.read(client, server))
    client:sslWrite "well"
    assert.are.equal("well", ends.read(server, client))
  end)

  it("comes to openssl s_client", function()
    local listener <close>, port = ends.listener()
    local peer <close> = peers.opensslClient("TLSv1.3", port)
    local transport = assert(listener:accept())
    assert(transport:setBlocking(true))
    local socket <close> = assert(scissl.SciSslSocket.on(transport, ends.serverContext { method = "TLSv1.3" }))
    assert(socket:sslInitialize())
    assert.are.equal(0, socket:sslReadReplayable())
    assert.are.equal(6, socket:sslWriteHalfRtt "hello\n")
    assert.are.equal(1, socket:sslAccept())
    socket:close()
    local output = peer:finish()
    assert.truthy(output:find("hello", 1, true), output)
  end)

  it("has its time after the early data and before the end of the handshake", function()
    local client, server = ends.pair { version = "TLSv1.3", transport = "memory" }
    refusals.answer("early_data_first", server:sslWriteHalfRtt "x")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    refusals.answer("too_late", server:sslWriteHalfRtt "x")
    refusals.answer("wrong_role", client:sslWriteHalfRtt "x")
    server:close()
    refusals.answer("closed", server:sslWriteHalfRtt "x")
  end)

  it("is too late up to TLS 1.2, where the handshake is done when there is no early data", function()
    local client, server = ends.pair { version = "TLSv1.2", transport = "memory" }
    local over
    repeat
      client:sslConnect()
      ends.shuttle(client, server)
      over = server:sslReadReplayable()
    until over == 0 or scissl.isSslError(over)
    assert.are.equal(0, over)
    refusals.answer("too_late", server:sslWriteHalfRtt "x")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("is not sent by a server that verifies its clients", function()
    local client, server, over = begun {
      client = { identity = pki.client }, server = { verify = REQUIRE, trust = pki.ca },
    }
    assert.are.equal(0, over)
    refusals.answer("client_unverified", server:sslWriteHalfRtt "x")
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("raises for what is no string", function()
    local _, server = begun()
    for _, value in ipairs { {}, true, print } do
      assert.error_matches(function() server:sslWriteHalfRtt(value) end, "bad argument #1 to 'sslWriteHalfRtt'")
    end
  end)
end)
