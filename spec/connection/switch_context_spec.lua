-- sslSetContext, while the handshake is suspended at the client's hello: what comes from the new context, and what the
-- socket keeps.
local core = require "scissl.core"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"
local pki = require "spec.support.pki"

local records = payload.records

-- A handshake whose server goes on with `context`. `prepare(server)` comes before it, `tell(server)` behind the switch.
local function switched(options)
  local client, server = ends.pair {
    version = options.version or "TLSv1.3", transport = options.transport or "memory", client = options.client,
  }
  if options.prepare then options.prepare(server) end
  assert(server:sslSuspendAt "clientHello")
  local _, answer = ends.handshake(client, server)
  assert.are.equal(core.SSL_ERROR_WANT_CLIENT_HELLO_CB, server:sslGetError(answer))
  assert(server:sslSetContext(options.context or ends.serverContext()))
  assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  return client, server
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A server that has changed its context, " .. version .. ",", function()
    it("goes on reading no further than it must", function()
      local client, server = switched { version = version, transport = "pair", prepare = function(server)
        assert(server:sslSetReadAhead(false))
      end }
      assert.is_true(ends.notYet(server, server:sslRead()))
      client:sslWrite "first"
      client:sslWrite "second"
      assert.are.equal("first", server:sslRead())
      assert.is_false(server:dirty())
      assert.truthy(next(assert(core.SciSocket.poll({ [server] = "r" }, 0))))
      assert.are.equal("second", server:sslRead())
    end)

    it("reads ahead where it was not told otherwise", function()
      local client, server = switched { version = version, transport = "pair" }
      client:sslWrite "first"
      client:sslWrite "second"
      assert.are.equal("f", server:sslRead(1))
      assert.is_nil(next(assert(core.SciSocket.poll({ [server:getfd()] = "r" }, 0))))
    end)

    it("goes on with short records", function()
      local client, server = switched { version = version, prepare = function(server)
        server:sslSetRecordSizing(512)
      end }
      ends.shuttle(client, server)
      server:sslWrite(("x"):rep(2048))
      assert.are.equal(4, #records(server:sslDrain()))
    end)

    it("goes on with the trace", function()
      local _, server = switched { version = version, prepare = function(server) server:sslTrace(true) end }
      assert.is_true(#server:traceEvents() > 0)
    end)

    it("goes on with what is put into tickets", function()
      local client_context = ends.clientContext { method = version }
      local context = ends.serverContext { method = version }
      local client, server = switched { version = version, client = client_context, context = context,
        prepare = function(server) assert(server:sslSetTicketAppData "kept") end }
      ends.read(client, server)
      local again, other = ends.pair { transport = "memory", client = client_context, server = context }
      again:setSession(client:getSession())
      assert.are.same({ 1, 1 }, { ends.handshake(again, other) })
      assert.are.equal("kept", other:ticketAppData())
    end)

    it("verifies as the new context says", function()
      local _, server = switched { version = version, client = { identity = pki.client },
        context = ends.serverContext { verify = core.SSL_VERIFY_PEER | core.SSL_VERIFY_FAIL_IF_NO_PEER_CERT } }
      assert.are.equal(core.X509_V_OK, (server:sslVerifyCertificate()))
    end)

    it("has the protocols, the ciphers and the session time-out of the new context", function()
      local client, server = switched { version = version,
        client = { setup = function(context) context:setAlpn { "one", "two" } end },
        context = ends.serverContext { setup = function(context)
          context:setAlpn { "two" }
          context:setCipherList "ECDHE-ECDSA-AES256-GCM-SHA384"
          context:setCiphersuites "TLS_CHACHA20_POLY1305_SHA256"
          context:setTimeout(77)
        end } }
      assert.are.equal("two", client:alpnProtocol())
      assert.are.equal(version == "TLSv1.2" and "ECDHE-ECDSA-AES256-GCM-SHA384" or "TLS_CHACHA20_POLY1305_SHA256",
        client:cipher():name())
      if version == "TLSv1.3" then assert.are.equal(77, server:getSession():timeout()) end
    end)

    it("keeps secrets where the new context does", function()
      local _, server = switched { version = version,
        context = ends.serverContext { setup = function(context) context:setKeylog(true) end } }
      assert.is_true(#server:keylogLines() > 0)
    end)
  end)
end

describe("A server of TLS 1.3 that has changed its context", function()
  it("sends as many tickets as the new one says", function()
    local client, server = switched { context = ends.serverContext { setup = function(context)
      context:setNumTickets(5)
    end } }
    ends.shuttle(client, server)
    assert.are.equal(5, #client:newSessions())
  end)

  it("takes as much early data as the new one says", function()
    local client, server = switched { context = ends.serverContext { setup = function(context)
      context:setMaxReplayableData(123)
    end } }
    ends.shuttle(client, server)
    assert.are.equal(123, client:getSession():maxReplayableData())
  end)
end)

describe("sslInitialize", function()
  it("lets the socket read ahead again", function()
    local client, server = ends.pair { transport = "pair" }
    assert(server:sslSetReadAhead(false))
    assert(server:sslInitialize())
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    client:sslWrite "first"
    client:sslWrite "second"
    assert.are.equal("f", server:sslRead(1))
    assert.is_nil(next(assert(core.SciSocket.poll({ [server:getfd()] = "r" }, 0))))
  end)
end)
