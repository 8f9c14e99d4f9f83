-- Sessions that the client keeps for the server: keys that several servers share, how many, and what is inside.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSslContext = scissl.SciSslContext

-- A server's context with these ticket keys, which files its sessions where all of them do.
local function keyed(version, ...)
  local keys = { ... }
  return ends.serverContext { method = version, setup = function(context)
    context:setSessionIdContext "fleet"
    if keys[1] then context:setTicketKeys(keys) end
  end }
end

-- One connection; answers whether it was resumed, the session to go on with, and both ends.
local function meet(client_context, server_context, session, prepare)
  local client, server, client_answer, server_answer = ends.meet {
    client = client_context, server = server_context, session = session, prepare = prepare, transport = "memory",
  }
  assert.are.same({ 1, 1 }, { client_answer, server_answer })
  return client:isSessionReused(), client:getSession(), client, server
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Ticket keys, " .. version, function()
    local one, two, three = SciSslContext.newTicketKey(), SciSslContext.newTicketKey(), SciSslContext.newTicketKey()
    local client_context
    before_each(function() client_context = ends.clientContext { method = version } end)

    it("that two servers share let a client resume at the other", function()
      local _, session = meet(client_context, keyed(version, one))
      assert.is_true((meet(client_context, keyed(version, one), session)))
    end)

    it("that differ lead to a full handshake", function()
      local _, session = meet(client_context, keyed(version, one))
      assert.is_false((meet(client_context, keyed(version, two), session)))
    end)

    it("open what an older key of the ring has sealed, and renew it", function()
      local _, session = meet(client_context, keyed(version, one))
      local resumed, renewed = meet(client_context, keyed(version, two, one), session)
      assert.is_true(resumed)
      assert.is_true((meet(client_context, keyed(version, two), renewed)))
    end)

    it("rotate in a live server without a ticket that fails, until its key has left the ring", function()
      local server_context = keyed(version, one)
      local _, session = meet(client_context, server_context)
      server_context:rotateTicketKeys(two)
      assert.is_true((meet(client_context, server_context, session)))
      server_context:rotateTicketKeys(three, 2)
      assert.is_false((meet(client_context, server_context, session)))
    end)

    it("reach connections that were initialized before they were set", function()
      local server_context = keyed(version, one)
      local _, session = meet(client_context, server_context, nil, function() server_context:setTicketKeys { two } end)
      assert.is_true((meet(client_context, keyed(version, two), session)))
    end)

    it("may be set where there were none", function()
      local server_context = keyed(version)
      server_context:rotateTicketKeys(one)
      local _, session = meet(client_context, server_context)
      assert.is_true((meet(client_context, keyed(version, one), session)))
    end)

    it("let a client resume at another process", function()
      local source = ([[
        package.path = %q
        local scissl = require "scissl"
        local ends = require "spec.support.ends"
        local listener, port = ends.listener()
        local context = scissl.SciSslContext.new %q
        assert(context:useCertificateFile %q)
        assert(context:usePrivateKeyFile %q)
        context:setSessionIdContext "fleet"
        context:setTicketKeys { io.open(%q, "rb"):read "a" }
        print("ready " .. port)
        local plain = assert(listener:accept())
        local server = assert(scissl.SciSslSocket.on(plain, context))
        server:sslInitialize()
        assert(scissl.handshake(server, "accept"))
        server:sslWrite(tostring(server:isSessionReused()))
        server:close()
      ]]):format(package.path, version, pki.server.certificateFile, pki.server.keyFile, pki.write(one))
      local _, session = meet(client_context, keyed(version, one))
      local peer <close> = ends.lua(source, "^ready (%d+)")
      local client = assert(scissl.SciSslSocket.new(client_context))
      assert(client:connect("127.0.0.1", peer.port))
      client:sslInitialize()
      client:setSession(session)
      client:sslSetServerName "localhost"
      assert(scissl.handshake(client, "connect", { timeout = 60 }))
      assert.are.equal("true", ends.read(client))
      client:close()
    end)
  end)

  describe("Data in tickets, " .. version, function()
    it("come back when the session is resumed", function()
      local client_context, server_context = ends.clientContext { method = version }, keyed(version)
      local _, session, _, server = meet(client_context, server_context, nil, function(one)
        assert.are.equal(one, one:sslSetTicketAppData "user=42\0more")
      end)
      assert.is_nil(server:ticketAppData())
      local resumed, _, _, second = meet(client_context, server_context, session)
      assert.is_true(resumed)
      assert.are.equal("user=42\0more", second:ticketAppData())
    end)

    it("are not there where nobody has put any", function()
      local client_context, server_context = ends.clientContext { method = version }, keyed(version)
      local _, session = meet(client_context, server_context)
      local _, _, _, second = meet(client_context, server_context, session)
      assert.is_nil(second:ticketAppData())
    end)
  end)
end

describe("Ticket keys", function()
  local context = SciSslContext.new()

  it("are random and 80 bytes long", function()
    assert.are.equal(80, #SciSslContext.newTicketKey())
    assert.are_not.equal(SciSslContext.newTicketKey(), SciSslContext.newTicketKey())
  end)

  it("refuse what is none, and stay as they were", function()
    local good = SciSslContext.newTicketKey()
    for _, keys in ipairs { {}, { "short" }, { good, 1 }, { good, good .. "x" }, "text", { ("x"):rep(79) } } do
      assert.error_matches(function() context:setTicketKeys(keys) end, "bad argument #1 to 'setTicketKeys'")
    end
    local many = {}
    for i = 1, 17 do many[i] = good end
    assert.error_matches(function() context:setTicketKeys(many) end, "bad argument #1 to 'setTicketKeys'")
    for _, key in ipairs { "", "short", 1, {} } do
      assert.error_matches(function() context:rotateTicketKeys(key) end, "bad argument #1 to 'rotateTicketKeys'")
    end
    for _, keep in ipairs { 0, 17, 1.5 } do
      assert.error_matches(function() context:rotateTicketKeys(good, keep) end, "bad argument #2 to 'rotateTicketKeys'")
    end
  end)
end)

describe("The number of tickets (TLS 1.3)", function()
  local function sessions_with(setup, act)
    local client, server = ends.connected {
      version = "TLSv1.3", transport = "memory", server = { setup = setup },
    }
    if act then act(server, client) end
    ends.shuttle(client, server)
    return #client:newSessions()
  end

  it("is 2 at first, and what was set then", function()
    assert.are.equal(2, sessions_with())
    for _, count in ipairs { 0, 1, 5 } do
      assert.are.equal(count, sessions_with(function(context)
        assert.are.equal(context, context:setNumTickets(count))
        assert.are.equal(count, context:getNumTickets())
      end))
    end
  end)

  it("grows where the server sends more", function()
    assert.are.equal(5, sessions_with(nil, function(server) assert.are.equal(1, server:sslSendTickets(3)) end))
    assert.are.equal(1, sessions_with(function(context) context:setNumTickets(0) end, function(server)
      assert.are.equal(1, server:sslSendTickets())
    end))
  end)

  it("keeps 8 sessions for the client, the newest", function()
    local client, server = ends.connected { version = "TLSv1.3", transport = "memory" }
    server:sslSendTickets(20)
    ends.shuttle(client, server)
    local sessions = client:newSessions()
    assert.are.equal(8, #sessions)
    assert.are.equal(client:getSession(), sessions[8])
    assert.are.same({}, client:newSessions())
  end)

  it("refuses numbers that are none", function()
    local context = SciSslContext.new()
    for _, count in ipairs { -1, 256, 1.5, "two" } do
      assert.error_matches(function() context:setNumTickets(count) end, "bad argument #1 to 'setNumTickets'")
    end
    local _, server = ends.connected()
    for _, count in ipairs { 0, 256, -1, "two" } do
      assert.error_matches(function() server:sslSendTickets(count) end, "bad argument #1 to 'sslSendTickets'")
    end
  end)

  it("cannot be raised by a client, without TLS 1.3, before the handshake or after the end", function()
    local client, server = ends.connected()
    assert.are.equal("wrong_role", client:sslSendTickets():condition())
    server:close()
    assert.are.equal("closed", server:sslSendTickets():condition())
    local _, old = ends.connected { version = "TLSv1.2" }
    assert.are.equal("protocol_version", old:sslSendTickets():condition())
    local _, fresh = ends.pair()
    assert.are.equal("handshake_needed", fresh:sslSendTickets():condition())
  end)
end)

describe("sslSetTicketAppData", function()
  it("refuses what does not fit", function()
    local _, server = ends.pair()
    assert.error_matches(function() server:sslSetTicketAppData {} end, "bad argument #1 to 'sslSetTicketAppData'")
    assert.error_matches(function() server:sslSetTicketAppData(("x"):rep(32769)) end,
      "bad argument #1 to 'sslSetTicketAppData'")
    assert.are.equal(server, server:sslSetTicketAppData(nil))
    server:close()
    assert.are.equal("closed", select(2, server:sslSetTicketAppData "x"):condition())
    local _, fresh = ends.pair { initialize = false }
    assert.are.equal("not_initialized", select(2, fresh:sslSetTicketAppData "x"):condition())
  end)
end)
