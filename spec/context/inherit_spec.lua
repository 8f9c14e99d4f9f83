-- A context that takes over the sessions of an older one: ticket keys, the session id context, cached sessions.
local scissl = require "scissl"
local ends = require "spec.support.ends"

local SciSslContext = scissl.SciSslContext

local function server_context(version, setup)
  return ends.serverContext { method = version, setup = setup }
end

local function meet(client_context, context, session)
  local client, _, client_answer, server_answer = ends.meet {
    client = client_context, server = context, session = session, transport = "memory",
  }
  assert.are.same({ 1, 1 }, { client_answer, server_answer })
  return client:isSessionReused(), client:getSession()
end

local function without_tickets(context) context:setOptions "no_ticket" end

local function with_a_ring(context) context:setTicketKeys { SciSslContext.newTicketKey() } end

local ways = {
  ["tickets of OpenSSL's own keys"] = function() end,
  ["tickets of a ring"] = with_a_ring,
  ["cached sessions"] = without_tickets,
}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("inheritSessions, " .. version, function()
    for way, setup in pairs(ways) do
      it("lets a client resume: " .. way, function()
        local client_context, older = ends.clientContext { method = version }, server_context(version, setup)
        local _, session = meet(client_context, older)
        local newer = server_context(version, setup)
        assert.is_false((meet(client_context, newer, session)))
        assert.are.equal(newer, newer:inheritSessions(older))
        assert.is_true((meet(client_context, newer, session)))
      end)

      it("leaves the older context as it is: " .. way, function()
        local client_context, older = ends.clientContext { method = version }, server_context(version, setup)
        local _, session = meet(client_context, older)
        local newer = assert(server_context(version, setup):inheritSessions(older))
        newer:rotateTicketKeys(SciSslContext.newTicketKey(), 1)
        newer:flushSessions((1 << 31) - 1)
        assert.is_true((meet(client_context, older, session)))
      end)
    end
  end)
end

local rings = {
  ["none"] = function() end,
  ["a ring"] = with_a_ring,
}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  for older_has, set_older in pairs(rings) do
    for newer_has, set_newer in pairs(rings) do
      it(("inheritSessions takes tickets of the older context, which has %s, and keeps the own keys, %s, %s")
        :format(older_has, newer_has, version), function()
        local client_context, older = ends.clientContext { method = version }, server_context(version, set_older)
        local newer, peer = server_context(version), server_context(version)
        local secret = SciSslContext.newTicketKey()
        if set_newer == with_a_ring then
          newer:setTicketKeys { secret }
          peer:setTicketKeys { secret }
        end
        for _, context in ipairs { older, newer, peer } do
          context:setSessionIdContext "x"
          context:setSessionCacheMode("server", false) -- tickets alone
        end
        local _, from_older = meet(client_context, older)
        local _, from_peer = meet(client_context, peer)
        assert(newer:inheritSessions(older))
        assert.is_true((meet(client_context, newer, from_older)))
        local _, from_newer = meet(client_context, newer)
        assert.is_true((meet(client_context, newer, from_newer)))
        if set_newer ~= with_a_ring then return end
        assert.is_true((meet(client_context, newer, from_peer))) -- of a fleet that has the same keys
        _, from_newer = meet(client_context, newer)
        assert.is_true((meet(client_context, peer, from_newer)))
      end)
    end
  end
end

describe("inheritSessions", function()
  it("keeps 16 ticket keys at most, the own ones first", function()
    local client_context, older = ends.clientContext { method = "TLSv1.3" }, server_context("TLSv1.3")
    local newer, secrets = server_context("TLSv1.3"), {}
    for i = 1, 16 do secrets[i] = SciSslContext.newTicketKey() end
    newer:setTicketKeys(secrets)
    for _, context in ipairs { older, newer } do context:setSessionCacheMode("server", false) end
    local _, of_older = meet(client_context, older)
    assert(newer:inheritSessions(older))
    assert.is_false((meet(client_context, newer, of_older)))
    table.remove(secrets)
    newer:setTicketKeys(secrets)
    for _ = 1, 2 do assert(newer:inheritSessions(older)) end -- the second time nothing is new
    assert.is_true((meet(client_context, newer, of_older)))
  end)

  it("takes over the session store and the replay guard, unless it has its own", function()
    local older, newer = SciSslContext.new(), SciSslContext.new()
    older:setSessionStore(function() end)
    older:setReplayGuard(function() return true end)
    assert(newer:inheritSessions(older))
    assert.is_true(newer:describe().sessionStore)
    assert.is_true(newer:describe().replayGuard)
  end)

  it("lets no recorded early data be read by both contexts", function()
    local function with_early_data(context) context:setMaxReplayableData(1000) end
    local client_context = ends.clientContext { method = "TLSv1.3" }
    local older = server_context("TLSv1.3", with_early_data)
    local client, server = ends.connected { client = client_context, server = older, transport = "memory" }
    server:sslWrite "x"
    ends.read(client, server)
    local session = client:getSession()
    local newer = assert(server_context("TLSv1.3", with_early_data):inheritSessions(older))
    local newest = assert(server_context("TLSv1.3", with_early_data):inheritSessions(older))
    local function pair_with(context)
      return ends.pair { client = client_context, server = context, transport = "memory" }
    end
    client = pair_with(older)
    assert(client:setSession(session))
    client:sslWriteReplayable "pay 10"
    client:sslConnect()
    local recorded, times = client:sslDrain(), 0
    for _, context in ipairs { newer, older, newer, older } do
      local _, victim = pair_with(context)
      victim:sslFeed(recorded)
      if victim:sslReadReplayable() == "pay 10" then times = times + 1 end
    end
    assert.are.equal(1, times)
    client, server = pair_with(newest)
    assert(client:setSession(session))
    client:sslWriteReplayable "GET /"
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.same({ true, "rejected" }, { client:isSessionReused(), client:earlyDataStatus() })
    server:sslWrite "x"
    ends.read(client, server)
    session = client:getSession()
    client, server = pair_with(newest)
    assert(client:setSession(session))
    client:sslWriteReplayable "GET /"
    ends.shuttle(client, server)
    assert.are.equal("GET /", server:sslReadReplayable())
  end)

  it("of itself changes nothing", function()
    local context = SciSslContext.new()
    assert.are.equal(context, context:inheritSessions(context))
  end)

  it("takes a context", function()
    assert.has_error(function() SciSslContext.new():inheritSessions "older" end,
      "bad argument #1 to 'inheritSessions' (SciSslContext expected, got string)")
  end)
end)
