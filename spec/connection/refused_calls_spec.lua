require "scissl" -- errorHint
local core = require "scissl.core"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

-- Sends a few bytes in both directions.
local function assert_alive(client, server)
  for _, pair in ipairs { { client, server }, { server, client } } do
    local from, to = table.unpack(pair)
    local taken = from:sslWrite "ping"
    assert.are.equal(4, taken, tostring(taken))
    assert.are.equal("ping", ends.read(to, from))
    assert.is_true(from:isSecure())
  end
end

local function connected(version, options)
  options = options or {}
  return ends.connected { version = version, transport = "memory", client = options.client, server = options.server }
end

-- A write that the transport does not take: a memory transport holds so many bytes.
local function block(socket)
  local data = ("x"):rep(16384)
  local answer
  repeat answer = socket:sslWrite(data) until type(answer) ~= "number" or answer <= 0
  assert.is_true(ends.notYet(socket, answer))
  return data
end

local function unblock(socket, data, peer)
  ends.shuttle(socket, peer)
  assert.are.equal(#data, socket:sslWrite(data))
  ends.shuttle(socket, peer)
  while type(peer:sslRead()) == "string" do ends.shuttle(socket, peer) end
end

-- name, version, condition, and the refused call
local refused_calls = {
  { "sslRenegotiate of a client that does not allow it", "TLSv1.2", "renegotiation_refused",
    function(client) return client:sslRenegotiate() end },
  { "sslRenegotiate of a server that does not allow it", "TLSv1.2", "renegotiation_refused",
    function(_, server) return server:sslRenegotiate() end },
  { "sslRenegotiate", "TLSv1.3", "protocol_version", function(client) return client:sslRenegotiate() end },
  { "sslKeyUpdate", "TLSv1.2", "protocol_version", function(client) return client:sslKeyUpdate() end },
  { "sslVerifyClientPostHandshake, which the client does not do", "TLSv1.3", "post_handshake_refused",
    function(_, server) return server:sslVerifyClientPostHandshake() end,
    { server = { verify = core.SSL_VERIFY_PEER } } },
  { "sslVerifyClientPostHandshake of a client", "TLSv1.3", "wrong_role",
    function(client) return client:sslVerifyClientPostHandshake() end },
  { "sslVerifyClientPostHandshake", "TLSv1.2", "protocol_version",
    function(_, server) return server:sslVerifyClientPostHandshake() end },
  { "sslSendTickets of a client", "TLSv1.3", "wrong_role", function(client) return client:sslSendTickets() end },
  { "sslSendTickets", "TLSv1.2", "protocol_version", function(_, server) return server:sslSendTickets() end },
  { "sslAccept of a client", "TLSv1.3", "wrong_role", function(client) return client:sslAccept() end },
  { "sslConnect of a server", "TLSv1.3", "wrong_role", function(_, server) return server:sslConnect() end },
  { "sslWriteReplayable", "TLSv1.3", "too_late", function(client) return client:sslWriteReplayable "early" end },
  { "sslReadReplayable", "TLSv1.3", "too_late", function(_, server) return server:sslReadReplayable() end },
  { "sslInitialize", "TLSv1.3", "handshake_under_way", function(client) return select(2, client:sslInitialize()) end },
  { "send", "TLSv1.3", "handshake_under_way", function(client) return select(2, client:send "plain") end },
  { "sslSetVerify", "TLSv1.3", "handshake_under_way",
    function(client) return select(2, client:sslSetVerify(core.SSL_VERIFY_NONE)) end },
  { "sslUseCertificate", "TLSv1.3", "handshake_under_way",
    function(client) return select(2, client:sslUseCertificate(pki.client.certificate, pki.client.key)) end },
  { "sslSetContext", "TLSv1.3", "not_suspended",
    function(_, server) return select(2, server:sslSetContext(ends.serverContext())) end },
  { "sslRefuse", "TLSv1.3", "not_suspended", function(_, server) return select(2, server:sslRefuse()) end },
}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  table.insert(refused_calls, { "sslWrite of other bytes than those that must come again", version, "write_pending",
    function(client, server)
      local data = block(client)
      local answer = client:sslWrite "other"
      unblock(client, data, server)
      return answer
    end })
  table.insert(refused_calls, { "sslShutdown behind a write that must come again", version, "write_pending",
    function(client, server)
      local data = block(client)
      local answer = client:sslShutdown()
      unblock(client, data, server)
      return answer
    end })
end

table.insert(refused_calls, { "sslKeyUpdate behind a write that must come again", "TLSv1.3", "write_pending",
  function(client, server)
    local data = block(client)
    local answer = client:sslKeyUpdate()
    unblock(client, data, server)
    return answer
  end })

local function allow(context) context:setRenegotiation(true) end

table.insert(refused_calls, { "sslShutdown in the middle of a renegotiation", "TLSv1.2", "handshake_pending",
  function(client, server)
    assert.is_true(ends.notYet(client, client:sslRenegotiate()))
    local answer = client:sslShutdown()
    repeat
      client:sslRead()
      server:sslRead()
    until ends.shuttle(client, server) == 0
    return answer
  end, { client = { setup = allow }, server = { setup = allow } } })

describe("A refused call leaves the connection as it was:", function()
  for _, case in ipairs(refused_calls) do
    local name, version, condition, call, options = table.unpack(case, 1, 5)
    it(("%s, %s"):format(name, version), function()
      local client, server = connected(version, options)
      local failure = refusals.check(call(client, server))
      assert.are.equal(condition, failure:condition())
      assert_alive(client, server)
    end)
  end
end)

-- Those that end the connection, or put bytes into it, when they are given what they expect.
local ending = {
  close = true, sslShutdown = true, sslFeed = true, sslFeedEnd = true, sslDrain = true, sslUnread = true,
}

local absurd = { {}, { n = 1 }, { -1 }, { 0 }, { 1 << 62 }, { 0 / 0 }, { "x" }, { "\0" }, { false }, { true }, { {} },
  { print }, { io.stdout, -1 }, { "x", "y", "z" }, { {}, {} } }

describe("No call with absurd arguments ends the connection,", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it(version, function()
      local methods = {}
      for name in pairs(core.SciSslSocket) do
        if not ending[name] and not name:find "^__" then methods[#methods + 1] = name end
      end
      table.sort(methods)
      assert.is_true(#methods > 60)
      local client, server = connected(version)
      local constructors = { new = true, on = true, onMemory = true }
      for _, name in ipairs(methods) do
        for _, arguments in ipairs(absurd) do
          for _, socket in ipairs(constructors[name] and {} or { client, server }) do
            pcall(socket[name], socket, table.unpack(arguments, 1, #arguments))
            ends.shuttle(client, server)
          end
        end
        while type(client:sslRead()) == "string" do end
        while type(server:sslRead()) == "string" do end
        assert.is_true(client:isSecure() and server:isSecure(), name)
      end
      assert_alive(client, server)
    end)
  end
end)

for _, transport in ipairs { "memory", "pair" } do
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    describe(("sslShutdown with unread data, %s, %s,"):format(version, transport), function()
      local function half_closed()
        local client, server = ends.connected { version = version, transport = transport }
        assert.are.equal(9, server:sslWrite "important")
        assert.are.equal(0, client:sslShutdown())
        if transport == "memory" then ends.shuttle(client, server) end
        return client, server
      end

      it("is refused, as often as it is called", function()
        local client = half_closed()
        for _ = 1, 3 do refusals.failed("unread_data", "shutdown", client:sslShutdown()) end
      end)

      it("leaves the data to be read", function()
        local client, server = half_closed()
        client:sslShutdown()
        assert.are.equal("important", ends.read(client, server))
      end)

      it("is completed once they have been read and the peer has closed", function()
        local client, server = half_closed()
        client:sslShutdown()
        ends.read(client, server)
        assert.is_true(ends.notYet(client, client:sslShutdown()))
        assert.are.equal(0, ends.read(server, client))
        assert.are.equal(4, server:sslWrite "more")
        assert.are.equal(1, server:sslShutdown())
        if transport == "memory" then ends.shuttle(client, server) end
        refusals.failed("unread_data", "shutdown", client:sslShutdown())
        assert.are.equal("more", ends.read(client, server))
        assert.are.equal(1, client:sslShutdown())
        assert.are.equal(0, client:sslRead())
      end)
    end)
  end
end

describe("A close_notify that the transport does not take", function()
  it("leaves what the peer has sent to be read", function()
    local client, server = ends.connected { transport = "pair" }
    assert.are.equal(9, server:sslWrite "important")
    server:shutdown "r" -- writes to it fail from now on
    refusals.failed("broken_pipe", "shutdown", client:sslShutdown())
    assert.are.equal("important", ends.read(client, server))
  end)
end)

describe("sslShutdown into a transport that is full", function()
  it("is not ready until the close_notify has left", function()
    local LIMIT <const>, RECORD <const> = 262144, 16384 -- what a memory transport holds
    local client, server = connected "TLSv1.3"
    ends.shuttle(client, server)
    client:sslWrite "x"
    local overhead = #client:sslDrain() - 1
    local left = LIMIT
    while left > 0 do
      local size = math.min(RECORD, left - overhead)
      assert.are.equal(size, client:sslWrite(("x"):rep(size)))
      left = left - size - overhead
    end
    for _ = 1, 3 do
      local answer = client:sslShutdown()
      assert.are.equal(core.SSL_ERROR_WANT_WRITE, client:sslGetError(answer))
    end
    assert.are.equal(LIMIT, #client:sslDrain())
    assert.are.equal(0, client:sslShutdown())
    assert.is_true(#client:sslDrain() > 0)
  end)
end)
