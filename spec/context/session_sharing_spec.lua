-- Sessions that several contexts share, and sockets that are gone.
local scissl = require "scissl"
local ends = require "spec.support.ends"

local function sharing(store)
  return ends.serverContext { method = "TLSv1.2", setup = function(context)
    context:setOptions(scissl.SSL_OP_NO_TICKET):setSessionIdContext "shared"
    context:setSessionStore(function(id) return store[id] end)
  end }
end

local function meet(client_context, server_context, session)
  local client, server = ends.meet {
    client = client_context, server = server_context, session = session, transport = "memory",
  }
  return client, server:newSessions()
end

describe("A session that two contexts cache", function()
  it("can be flushed from both, found in a store or added", function()
    local store = {}
    local one, other, client_context = sharing(store), sharing(store), ends.clientContext { method = "TLSv1.2" }
    local client, made = meet(client_context, one)
    store[made[1]:id()] = made[1]
    assert.is_true((meet(client_context, other, client:getSession())):isSessionReused())
    local third = sharing {}
    assert.is_true(third:addSession(made[1]))
    assert.is_false(third:addSession(made[1]))
    for _ = 1, 3 do meet(client_context, one) meet(client_context, other) end
    for _, context in ipairs { one, other, third } do
      context:flushSessions(os.time() + 1000000)
      assert.are.equal(0, context:sessionStatistics().number)
    end
  end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  it("newSessions answers none on a closed socket, " .. version, function()
    local client, server = ends.connected { version = version, transport = "memory" }
    client:close()
    server:close()
    assert.are.same({}, client:newSessions())
    assert.are.same({}, server:newSessions())
  end)
end
