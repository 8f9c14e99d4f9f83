-- The store of sessions of scissl.connect, where a handshake fails.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local function context_with(setup)
  return ends.serverContext { method = "TLSv1.2", setup = setup }
end

-- Visits a server, which uses one context for each visit; returns what scissl.connect returned.
local function visit(listener, context, sessions, accepts)
  assert(listener:setContext(context))
  local _, port = listener:getSockName()
  local results = ends.run(function()
    local stream, failure = scissl.connect { host = "localhost", port = port, caFile = pki.ca.certificateFile,
      sessions = sessions, waiter = "coroutine", timeout = 30, cipherList = "ECDHE+AESGCM" }
    if not stream then return nil, failure end
    local reused = stream:isSessionReused()
    stream:read "a"
    stream:close()
    return reused
  end, function()
    local stream, failure = listener:accept(30)
    assert.are.equal(accepts, stream ~= nil, tostring(failure))
    if stream then stream:close() end
  end)
  return table.unpack(results[1], 1, 2)
end

describe("The sessions of scissl.connect", function()
  local good = context_with()
  local other = context_with(function(context) assert(context:setCipherList "ECDHE+CHACHA20") end)
  local listener, store

  before_each(function()
    listener = assert(scissl.listen { host = "127.0.0.1", port = 0, waiter = "coroutine", context = good })
    store = scissl.sessions.memory.new()
    assert.is_false(visit(listener, good, store, true))
    assert.is_true(visit(listener, good, store, true))
    assert.are.equal(1, #store)
  end)

  after_each(function() listener:close() end)

  it("are removed where a handshake that offered one ended with an alert", function()
    local made, failure = visit(listener, other, store, false)
    assert.is_nil(made)
    refusals.alert("handshake_failure", "received", failure)
    assert.are.equal(0, #store)
    assert.is_false(visit(listener, good, store, true))
  end)

  it("stay where a connection ended without an alert", function()
    local _, port = listener:getSockName()
    -- The server does not respond before the client has given up.
    local made, failure = scissl.connect { host = "localhost", port = port, caFile = pki.ca.certificateFile,
      sessions = store, timeout = 0.2, cipherList = "ECDHE+AESGCM" }
    refusals.condition("timeout", made, failure)
    assert.is_nil((failure:alert()))
    local accepted, ended = table.unpack(ends.run(function() return listener:accept(30) end)[1], 1, 2)
    assert.is_nil(accepted)
    assert.are.equal("accept", ended:phase(), tostring(ended)) -- the ClientHello has come
    assert.are.equal(1, #store)
    assert.is_true(visit(listener, good, store, true))
  end)

  it("are left alone in a store that has no method for that", function()
    local kept = {
      get = function(_, key) return store:get(key) end,
      put = function(_, key, session) store:put(key, session) end,
    }
    local made, failure = visit(listener, other, kept, false)
    assert.is_nil(made)
    assert.truthy(failure:alert())
    assert.are.equal(1, #store)
  end)
end)
