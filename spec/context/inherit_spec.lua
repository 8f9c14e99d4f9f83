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
        newer:flushSessions(math.maxinteger)
        assert.is_true((meet(client_context, older, session)))
      end)
    end
  end)
end

describe("inheritSessions", function()
  it("takes over the session store and the replay guard, unless it has its own", function()
    local older, newer = SciSslContext.new(), SciSslContext.new()
    older:setSessionStore(function() end)
    older:setReplayGuard(function() return true end)
    assert(newer:inheritSessions(older))
    assert.is_true(newer:describe().sessionStore)
    assert.is_true(newer:describe().replayGuard)
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
