-- The handlers of scissl.handshake: Lua that runs between the steps of a handshake, never inside OpenSSL.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local SciSocket = scissl.SciSocket

local cases = {
  { "accept", "onClientHello" }, { "accept", "onCertificate" }, { "accept", "onVerify" },
  { "connect", "onCertificate" }, { "connect", "onVerify" },
}

-- Does both handshakes in two coroutines; answers for each end its socket or its SciSslError.
local function shake(client, server, client_options, server_options)
  local function party(socket, role, options)
    return function()
      local given = { waiter = "coroutine" }
      for name, value in pairs(options or {}) do given[name] = value end
      local done, failure = scissl.handshake(socket, role, given)
      if not done then socket:close() end
      return done or failure
    end
  end
  local results = ends.run(party(client, "connect", client_options), party(server, "accept", server_options))
  return results[1][1], results[2][1]
end

-- An address for a coroutine to wait at: it is readable at once.
local function yield_a_while()
  local near, far = SciSocket.pair()
  far:send "x"
  assert(near:setBlocking(false))
  coroutine.yield(near, "r")
  near:close()
  far:close()
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Handlers, " .. version, function()
    it("are called in order, with the socket and what there is to know", function()
      local called = {}
      local client, server = ends.pair { version = version }
      local client_done, server_done = shake(client, server, {
        onVerify = function(socket, verdict)
          assert.are.equal(client, socket)
          called[#called + 1] = "client verdict " .. tostring(verdict.ok)
        end,
      }, {
        onClientHello = function(socket, hello)
          assert.are.equal(server, socket)
          called[#called + 1] = "hello of " .. hello:serverName()
        end,
        onCertificate = function(socket, hello)
          assert.are.equal(server, socket)
          called[#called + 1] = "certificate for " .. hello:serverName()
        end,
        onVerify = function(socket, verdict)
          assert.are.equal(server, socket)
          called[#called + 1] = ("server verdict with %d certificates"):format(#verdict.chain)
        end,
      })
      assert.are.equal(client, client_done)
      assert.are.equal(server, server_done)
      assert.are.same({
        "hello of localhost", "certificate for localhost", "client verdict true", "server verdict with 0 certificates",
      }, called)
    end)

    it("may yield", function()
      local yields = 0
      local function yielding()
        yield_a_while()
        yields = yields + 1
      end
      local client, server = ends.pair { version = version }
      local client_done, server_done = shake(client, server, { onVerify = yielding },
        { onClientHello = yielding, onCertificate = yielding, onVerify = yielding })
      assert.are.equal(client, client_done)
      assert.are.equal(server, server_done)
      assert.are.equal(4, yields)
    end)

    it("may collect garbage", function()
      local function collecting()
        collectgarbage()
        collectgarbage()
      end
      local client, server = ends.pair { version = version }
      local client_done, server_done = shake(client, server, { onVerify = collecting },
        { onClientHello = collecting, onCertificate = collecting, onVerify = collecting })
      assert.are.equal(client, client_done)
      assert.are.equal(server, server_done)
    end)

    it("may do another handshake meanwhile", function()
      local function another()
        local client, server = ends.pair { version = version }
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        client:close()
        server:close()
      end
      local client, server = ends.pair { version = version }
      local client_done, server_done = shake(client, server, { onVerify = another },
        { onClientHello = another, onCertificate = another, onVerify = another })
      assert.are.equal(client, client_done)
      assert.are.equal(server, server_done)
    end)

    for _, case in ipairs(cases) do
      local role, name = case[1], case[2]
      local words = ("%s (%s)"):format(name, role)

      -- What the end with the handler got, and the other one.
      local function with(handler)
        local client, server = ends.pair { version = version, server = { verify = scissl.SSL_VERIFY_PEER } }
        local client_done, server_done
        if role == "accept" then client_done, server_done = shake(client, server, nil, { [name] = handler })
        else client_done, server_done = shake(client, server, { [name] = handler }) end
        if role == "accept" then return server_done, client_done, server, client end
        return client_done, server_done, client, server
      end

      it(words .. " that raises ends the handshake, and is the cause, with its traceback", function()
        local function failing_on_purpose() error "boom" end
        local failure, other = with(failing_on_purpose)
        assert.are.equal("handler_failed", failure:condition())
        assert.are.equal(role, failure:phase())
        assert.truthy(failure:cause():find("boom", 1, true))
        assert.truthy(failure:cause():find("stack traceback", 1, true))
        assert.truthy(failure:traceback():find("handlers_spec.lua", 1, true))
        assert.truthy(tostring(failure):find("boom", 1, true))
        if name ~= "onVerify" or role == "connect" then assert.is_true(scissl.isSslError(other)) end
      end)

      it(words .. " that raises a value keeps that value", function()
        local value = {}
        local failure = with(function() error(value) end)
        assert.are.equal(value, failure:cause())
        assert.truthy(failure:traceback():find("stack traceback", 1, true))
      end)

      it(words .. " that raises after a yield ends the handshake, too", function()
        local failure = with(function()
          yield_a_while()
          error "late"
        end)
        assert.truthy(failure:cause():find("late", 1, true))
      end)

      it(words .. " that answers nil and a SciSslError fails for that one", function()
        local reason = scissl.SciSslError.new { condition = "not_found" }
        local failure = with(function() return nil, reason end)
        assert.are.equal("handler_failed", failure:condition())
        assert.are.equal(reason, failure:cause())
      end)

      for _, rubbish in ipairs { 42, {}, print, coroutine.create(print) } do
        it(("%s that answers a %s fails"):format(words, type(rubbish)), function()
          local failure = with(function() return rubbish end)
          assert.is_true(scissl.isSslError(failure))
          assert.are.equal("handler_failed", failure:condition())
        end)
      end

      it(words .. " that closes the socket ends the handshake", function()
        local failure = with(function(socket) socket:close() end)
        assert.are.equal("closed", failure:condition())
      end)

      it(words .. " that closes the socket and raises says what it raised", function()
        local failure = with(function(socket)
          socket:close()
          error "after all"
        end)
        assert.are.equal("handler_failed", failure:condition())
        assert.truthy(failure:cause():find("after all", 1, true))
      end)

      it(words .. " that initializes the socket again begins anew, and leaves nothing behind", function()
        local failure = with(function(socket) return nil, select(2, socket:sslInitialize()) end)
        assert.are.equal("handler_failed", failure:condition())
        assert.are.equal("handshake_under_way", failure:cause():condition())
      end)

      it(words .. " that answers false refuses, with its reason", function()
        local failure = with(function() return false, "access_denied", "go away" end)
        assert.are.same({ "refused", "go away" }, { failure:condition(), failure:message() })
      end)

      it(words .. " that names an alert that there is not fails", function()
        local failure = with(function() return false, "no_such_alert" end)
        assert.are.equal("handler_failed", failure:condition())
        assert.truthy(tostring(failure:cause()):find("alert", 1, true))
      end)

      it(words .. " may do the same step itself, which goes on without its answer", function()
        local again
        local done, other, own_end, other_end = with(function(socket)
          if role == "accept" then again = socket:sslAccept() else again = socket:sslConnect() end
        end)
        assert.are.equal(own_end, done)
        assert.are.equal(other_end, other)
        assert.are.equal("integer", math.type(again))
      end)

      it(words .. " may collect garbage and drop what it was given", function()
        local done, _, own_end = with(function()
          collectgarbage()
          collectgarbage()
        end)
        assert.are.equal(own_end, done)
      end)
    end

    it("onClientHello chooses a context", function()
      local other = ends.serverContext { identity = pki.wrongHost, method = version }
      local client, server = ends.pair {
        version = version, serverName = "elsewhere.example", verifyHost = "elsewhere.example",
      }
      local client_done = shake(client, server, nil, { onClientHello = function() return other end })
      assert.are.equal(client, client_done)
      assert.are.equal("CN=elsewhere.example", client:peerCertificate():subject())
    end)

    it("onCertificate supplies a server's certificate, here after a look-up that yields", function()
      local client, server = ends.pair { version = version, server = { identity = false } }
      local client_done = shake(client, server, nil, {
        onCertificate = function(_, hello)
          yield_a_while()
          local identity = ({ localhost = pki.server })[hello:serverName()]
          return identity.certificate, identity.key
        end,
      })
      assert.are.equal(client, client_done)
    end)

    it("onCertificate supplies a client's", function()
      local client, server = ends.pair { version = version, server = { verify = scissl.SSL_VERIFY_PEER } }
      local about
      local _, server_done = shake(client, server, {
        onCertificate = function(_, issuers)
          about = issuers
          return pki.client.certificate, pki.client.key
        end,
      })
      assert.are.equal(server, server_done)
      assert.are.equal("table", type(about))
      assert.are.equal("CN=client", server:peerCertificate():subject())
    end)

    it("onCertificate whose certificate does not fit its key fails", function()
      local client, server = ends.pair { version = version, server = { identity = false } }
      local _, failure = shake(client, server, nil, {
        onCertificate = function() return pki.server.certificate, pki.client.key end,
      })
      assert.are.equal("handler_failed", failure:condition())
      assert.are.equal("key_mismatch", failure:cause():condition())
    end)

    it("onVerify approves on a client what OpenSSL would not", function()
      local client, server = ends.pair { version = version, server = { identity = pki.selfSigned } }
      local pin = pki.selfSigned.certificate:fingerprint()
      local client_done = shake(client, server, {
        onVerify = function(_, verdict) return verdict.chain[1]:fingerprint() == pin end,
      })
      assert.are.equal(client, client_done)
    end)

    it("onVerify refuses on a client what OpenSSL would take, and the server gets the alert", function()
      local client, server = ends.pair { version = version }
      local failure, server_failure = shake(client, server, {
        onVerify = function() return false, "certificate_revoked" end,
      })
      assert.are.equal("refused", failure:condition())
      assert.are.equal("certificate_revoked", (server_failure:alert()))
    end)

    it("are not needed where nobody has asked for them", function()
      local client, server = ends.pair { version = version }
      local client_done, server_done = shake(client, server)
      assert.are.same({ client, server }, { client_done, server_done })
    end)

    it("that are missing where the socket was told to be suspended are an error with words", function()
      local client, server = ends.pair { version = version }
      server:sslSuspendAt "verify"
      local _, failure = shake(client, server)
      assert.are.equal("not_served", failure:condition())
    end)
  end)
end

describe("scissl.handshake's handlers", function()
  it("have to be functions", function()
    local client = ends.pair()
    for _, case in ipairs(cases) do
      assert.error_matches(function() scissl.handshake(client, case[1], { [case[2]] = 1 }) end, "bad option '")
    end
  end)

  it("cannot be given to a handshake that is under way", function()
    local client, server = ends.pair { transport = "memory" }
    client:sslConnect()
    local done, failure = scissl.handshake(client, "connect", { onVerify = print })
    assert.is_nil(done)
    assert.are.equal("handshake_under_way", failure:condition())
    server:close()
  end)
end)

describe("A hundred handshakes", function()
  it("with handlers that yield go on side by side #slow", function()
    local context, server_context = ends.clientContext(), ends.serverContext()
    local under_way, most = 0, 0
    local function handler()
      under_way = under_way + 1
      most = math.max(most, under_way)
      yield_a_while()
      under_way = under_way - 1
    end
    local parties = {}
    for _ = 1, 100 do
      local client, server = ends.pair { client = context, server = server_context }
      parties[#parties + 1] = function()
        return scissl.handshake(client, "connect", { waiter = "coroutine", onVerify = handler })
      end
      parties[#parties + 1] = function()
        return scissl.handshake(server, "accept", {
          waiter = "coroutine", onClientHello = handler, onCertificate = handler, onVerify = handler,
        })
      end
    end
    for _, result in ipairs(ends.run(table.unpack(parties))) do assert.truthy(result[1], tostring(result[2])) end
    assert.is_true(most > 50)
  end)
end)

describe("scissl.listen and scissl.connect", function()
  -- Runs a server for one client; answers what each of them got.
  local function meet(listen_options, connect_options)
    connect_options.host = "127.0.0.1"
    connect_options.ca = connect_options.ca or pki.ca.certificate
    local client, server = streams.meet(listen_options, connect_options, function(stream, failure)
      if not stream then return failure end
      stream:write "hello\n"
      stream:close()
    end, function(stream, failure)
      if not stream then return failure end
      local line = stream:read "l"
      stream:close()
      return line
    end)
    return client[1], server[1]
  end

  it("call onVerify on both sides", function()
    local seen = {}
    local line = meet({
      certificate = pki.server.certificate, privateKey = pki.server.key, ca = pki.ca.certificate,
      onVerify = function(_, verdict) seen.server = verdict.chain[1]:subject() end,
    }, {
      certificate = pki.client.certificate, privateKey = pki.client.key,
      onVerify = function(_, verdict) seen.client = verdict.chain[1]:subject() end,
    })
    assert.are.equal("hello", line)
    assert.are.same({ server = "CN=client", client = "CN=localhost" }, seen)
  end)

  it("call onClientHello and onCertificate", function()
    local seen = {}
    local line = meet({
      onClientHello = function(_, hello) seen.hello = hello:versions()[1] end,
      onCertificate = function() return pki.server.certificate, pki.server.key end,
      ca = pki.ca.certificate,
    }, {
      onCertificate = function(_, issuers)
        seen.issuers = issuers
        return pki.client.certificate, pki.client.key
      end,
    })
    assert.are.equal("hello", line)
    assert.are.equal("TLSv1.3", seen.hello)
    assert.are.equal("table", type(seen.issuers))
  end)

  it("change the context of a live server for connections that come later", function()
    local first = ends.serverContext()
    local second = ends.serverContext { identity = pki.issue {
      subject = "CN=renewed", names = { "localhost", "127.0.0.1" },
    } }
    local listener <close> = assert(scissl.listen {
      host = "127.0.0.1", port = 0, context = first, waiter = "coroutine",
    })
    local _, port = listener:getSockName()
    local function subject()
      local results = ends.run(function() return assert(listener:accept()) end, function()
        return assert(scissl.connect {
          host = "127.0.0.1", port = port, ca = pki.ca.certificate, waiter = "coroutine",
        })
      end)
      return results[2][1], results[1][1]
    end
    local stream, accepted = subject()
    assert.are.equal("CN=localhost", stream:peerCertificate():subject())
    assert.are.equal(listener, listener:setContext(second))
    assert.are.equal(second, listener:getContext())
    local renewed, renewed_accepted = subject()
    assert.are.equal("CN=renewed", renewed:peerCertificate():subject())
    accepted:write "still here\n"
    assert.are.equal("still here", stream:read "l")
    for _, one in ipairs { stream, accepted, renewed, renewed_accepted } do one:close() end
    assert.error_matches(function() listener:setContext {} end, "option 'certificate' to 'setContext' is missing")
    assert.error_matches(function() listener:setContext() end, "bad argument #1 to 'setContext'")
  end)
end)
