-- scissl.handshake, the retry loop, and the waiters.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local now = scissl.SciSocket.now

-- A server that never says a word.
-- Neither end may be collected, and so closed, while the other one is in use.
local companions = setmetatable({}, { __mode = "k" })

local function silent_pair(version)
  local client, server = ends.pair { version = version }
  companions[client], companions[server] = server, client
  return client, server
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("scissl.handshake, " .. version, function()
    it("finishes both ends in coroutines of one thread", function()
      local client, server = ends.pair { version = version }
      local results = ends.run(
        function() return scissl.handshake(client, "connect", { waiter = "coroutine" }) end,
        function() return scissl.handshake(server, "accept", { waiter = "coroutine" }) end)
      assert.are.equal(client, results[1][1])
      assert.are.equal(server, results[2][1])
      assert.are.equal(version, client:version())
      assert.is_true(server:isSecure())
    end)

    it("finishes over TCP that is still connecting", function()
      local client, server = ends.pair { version = version, transport = "tcp" }
      local results = ends.run(
        function() return scissl.handshake(client, "connect", { waiter = "coroutine", timeout = 30 }) end,
        function() return scissl.handshake(server, "accept", { waiter = "coroutine", timeout = 30 }) end)
      assert.are.equal(client, results[1][1])
      assert.are.equal(server, results[2][1])
    end)

    it("sleeps in poll by default", function()
      local method = version == "TLSv1.2" and "-tls1_2" or "-tls1_3"
      local peer <close> = ends.openssl(("-cert %s -key %s %s"):format(
        pki.server.certificateFile, pki.server.keyFile, method))
      local client = assert(scissl.SciSslSocket.new(ends.clientContext()))
      assert(client:connect("127.0.0.1", peer.port))
      assert(client:sslInitialize())
      assert(client:sslSetVerifyHost("localhost"))
      assert.are.equal(client, assert(scissl.handshake(client, "connect", { timeout = 30 })))
      assert.are.equal(version, client:version())
      client:close()
    end)

    it("answers the SciSslError that ended the handshake", function()
      local client, server = ends.pair { version = version, client = { trust = false } }
      local results = ends.run(
        function() return scissl.handshake(client, "connect", { waiter = "coroutine" }) end,
        function() return scissl.handshake(server, "accept", { waiter = "coroutine" }) end)
      assert.is_nil(results[1][1])
      assert.are.equal("certificate_unknown_issuer", results[1][2]:condition())
      assert.are.equal("connect", results[1][2]:phase())
      assert.is_nil(results[2][1])
      assert.are.equal("unknown_ca", (results[2][2]:alert()))
      assert.are.equal("accept", results[2][2]:phase())
    end)
  end)
end

describe("scissl.handshake's time-out", function()
  it("ends the wait for a silent server, naming phase and seconds", function()
    local client = silent_pair()
    local done, failure = scissl.handshake(client, "connect", { timeout = 0.05 })
    assert.is_nil(done)
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("connect", failure:phase())
    assert.truthy(failure:errorHint():find("0.05 seconds", 1, true), failure:errorHint())
  end)

  it("ends the wait for a silent client, naming the phase", function()
    local _, server = silent_pair()
    local done, failure = scissl.handshake(server, "accept", { timeout = 0.05 })
    assert.is_nil(done)
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("accept", failure:phase())
  end)

  it("does not come early", function()
    local client = silent_pair()
    local start = now()
    scissl.handshake(client, "connect", { timeout = 0.05 })
    assert.is_true(now() - start >= 0.05)
  end)

  it("of 0 tries once", function()
    local client, server = silent_pair()
    local _, failure = scissl.handshake(client, "connect", { timeout = 0 })
    assert.are.equal("timeout", failure:condition())
    assert.is_true(ends.notYet(server, server:sslAccept())) -- the hello was sent
  end)

  it("takes a deadline that has passed for a time-out", function()
    local client = silent_pair()
    local _, failure = scissl.handshake(client, "connect", { deadline = now() - 1 })
    assert.are.equal("timeout", failure:condition())
  end)

  it("leaves the socket to go on with", function()
    local client, server = silent_pair()
    assert.is_nil((scissl.handshake(client, "connect", { timeout = 0 })))
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  end)

  it("holds a blocking socket to it, and leaves it blocking", function()
    local near, far = assert(scissl.SciSocket.pair())
    assert.is_true(near:isBlocking())
    local client = assert(scissl.SciSslSocket.on(near, ends.clientContext()))
    assert(client:sslInitialize())
    local _, failure = scissl.handshake(client, "connect", { timeout = 0.05 })
    assert.are.equal("timeout", failure:condition())
    assert.is_true(client:isBlocking())
    far:close()
  end)
end)

describe("A waiter", function()
  it("is called with the socket, what it waits for, and the deadline", function()
    local client = silent_pair()
    local seen
    local deadline = now() + 30
    scissl.handshake(client, "connect", {
      deadline = deadline,
      waiter = function(...)
        seen = table.pack(...)
        return nil
      end,
    })
    assert.are.same({ n = 3, client, "r", deadline }, seen)
  end)

  it("may be an object that can be called", function()
    local client = silent_pair()
    local waiter = setmetatable({}, { __call = function() return nil, "no" end })
    local _, failure = scissl.handshake(client, "connect", { waiter = waiter })
    assert.are.equal("cancelled", failure:condition())
  end)

  it("that gives up without a deadline has cancelled the handshake, which is no time-out", function()
    local client = silent_pair()
    local _, failure = scissl.handshake(client, "connect", { waiter = function() return nil end })
    assert.are.equal("cancelled", failure:condition())
  end)

  it("that says why it gives up is quoted", function()
    local client = silent_pair()
    local _, failure = scissl.handshake(client, "connect", { waiter = function() return nil, "loop stopped" end })
    assert.are.equal("cancelled", failure:condition())
    assert.are.equal("loop stopped", failure:cause())
    assert.truthy(failure:errorHint():find("loop stopped", 1, true))
  end)

  it("that answers a SciSslError of its own has it passed on", function()
    local client = silent_pair()
    local mine = scissl.SciSslError.new { phase = "connect", condition = "system", message = "mine" }
    local _, failure = scissl.handshake(client, "connect", { waiter = function() return nil, mine end })
    assert.are.equal(mine, failure)
  end)

  it("that lies is stopped by the deadline", function()
    local client = silent_pair()
    local _, failure = scissl.handshake(client, "connect", { timeout = 0.05, waiter = function(socket)
      socket:wait("r", 0.01)
      return true
    end })
    assert.are.equal("timeout", failure:condition())
  end)

  it("named 'coroutine' is refused outside of a coroutine", function()
    local client = silent_pair()
    local thread = coroutine.wrap(function() return coroutine.isyieldable() end)
    assert.is_true(thread())
    if coroutine.isyieldable() then return end -- run inside one by whoever runs the specs
    assert.error_matches(function() scissl.handshake(client, "connect", { waiter = "coroutine" }) end,
      "inside a coroutine")
  end)

  it("for memory transports moves the bytes itself", function()
    local client, server = ends.pair { transport = "memory" }
    local function shuttle()
      server:sslAccept()
      return ends.shuttle(client, server) > 0
    end
    assert.are.equal(client, assert(scissl.handshake(client, "connect", { waiter = shuttle })))
    ends.shuttle(client, server)
    assert.are.equal(1, server:sslAccept())
  end)
end)

describe("scissl.handshake refuses", function()
  local client = silent_pair()

  it("a second coroutine, also after the one was closed that had died in the handshake before", function()
    local socket = silent_pair()
    local function begin(waiter)
      local thread = coroutine.create(function() return scissl.handshake(socket, "connect", { waiter = waiter }) end)
      return thread, coroutine.resume(thread)
    end
    local died, good = begin(function()
      debug.sethook(function() -- as where memory runs out
        if debug.getinfo(2, "f").func == socket.sslConnect then error "not enough memory" end
      end, "c")
      return true
    end)
    assert.is_false(good)
    local goes_on = begin(coroutine.yield)
    coroutine.close(died)
    local _, resumed, done, failure = begin(coroutine.yield)
    assert.is_true(resumed)
    assert.same({ nil, "busy" }, { done, failure and failure:condition() })
    coroutine.close(goes_on)
    local last, started = begin(coroutine.yield)
    assert.same({ true, "suspended" }, { started, coroutine.status(last) })
  end)

  it("another role", function()
    assert.error_matches(function() scissl.handshake(client, "listen") end,
      "'connect' or 'accept' expected, got listen")
  end)

  it("an unknown option, with the one that was probably meant", function()
    assert.error_matches(function() scissl.handshake(client, "connect", { timeuot = 1 }) end,
      "unknown option 'timeuot' to 'handshake' %(did you mean 'timeout'%?%)")
  end)

  it("an unknown option that resembles nothing, without a guess", function()
    local _, message = pcall(scissl.handshake, client, "connect", { colour = 1 })
    assert.truthy(message:find("unknown option 'colour' to 'handshake'$"), message)
  end)

  it("options of the wrong type", function()
    assert.error_matches(function() scissl.handshake(client, "connect", { timeout = "1" }) end,
      "bad option 'timeout' to 'handshake' %(0 or more seconds expected, got string%)")
    assert.error_matches(function() scissl.handshake(client, "connect", { timeout = -1 }) end, "bad option 'timeout'")
    assert.error_matches(function() scissl.handshake(client, "connect", 5) end, "table of options expected, got number")
  end)

  it("a waiter that nobody knows", function()
    assert.error_matches(function() scissl.handshake(client, "connect", { waiter = "pool" }) end, "unknown waiter")
  end)

  it("pointing at the caller", function()
    local _, message = pcall(function() scissl.handshake(client, "connect", { timeuot = 1 }) end)
    assert.truthy(message:find("handshake_spec.lua", 1, true), message)
  end)
end)
