-- Streams in plain text, TLS that begins on them, and that ends again.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSocket = scissl.SciSocket

-- Two plain streams over a pair of sockets, non-blocking and with the waiter "coroutine" unless told otherwise.
local function plain_pair(given, transport)
  given = given or { waiter = "coroutine" }
  local near, far
  if transport == "tcp" then
    local listener, port = ends.listener()
    near = assert(SciSocket.newStreamSocket())
    assert(near:connect("127.0.0.1", port))
    far = assert(listener:accept())
    listener:close()
  else
    near, far = SciSocket.pair()
  end
  if given.waiter == "coroutine" then
    near:setBlocking(false)
    far:setBlocking(false)
  end
  return assert(scissl.plain.on(near, given)), assert(scissl.plain.on(far, given))
end

local function client_options(more)
  local given = { host = "localhost", caFile = pki.ca.certificateFile }
  for name, value in pairs(more or {}) do given[name] = value end
  return given
end

local function server_options(more)
  local given = { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key }
  for name, value in pairs(more or {}) do given[name] = value end
  return given
end

-- Both begin TLS.
local function secure(near, far, near_options, far_options)
  local results = ends.run(
    function() return near:startTls(client_options(near_options)) end,
    function() return far:startTls(server_options(far_options)) end)
  return results[1][1], results[1][2], results[2][1], results[2][2]
end

describe("A plain stream", function()
  it("reads and writes with the manners of files", function()
    local near, far = plain_pair { timeout = 30 }
    assert(near:write("one\n", 2, " three"))
    assert(near:close())
    assert.are.equal("one", far:read())
    assert.are.equal(2, far:read("n"))
    assert.are.equal(" three", far:read("a"))
    assert.is_nil((far:read()))
  end)

  it("says that it is not secure", function()
    local near = plain_pair()
    assert.is_false(near:isSecure())
    assert.is_false(near:isSessionReused())
    assert.is_nil((near:peerCertificate()))
    assert.is_nil((near:version()))
    assert.is_nil((near:sslVerifyCertificate()))
    assert.truthy(tostring(near):find("^SciSslStream: plain text, "), tostring(near))
    assert.is_true(near:getfd() >= 0)
  end)

  it("connects", function()
    local listener <close>, port = ends.listener()
    local near = assert(scissl.plain.connect { host = "localhost", port = port, timeout = 30 })
    local far = assert(scissl.plain.on(assert(listener:accept()), { timeout = 30 }))
    assert(near:write("hello\n"))
    assert.are.equal("hello", far:read())
  end)

  it("says why it does not connect", function()
    local listener, port = ends.listener()
    listener:close()
    local stream, failure = scissl.plain.connect { host = "127.0.0.1", port = port }
    assert.is_nil(stream)
    assert.are.equal("connection_refused", failure:condition())
    assert.are.equal("connect", failure:phase())
  end)

  it("keeps what came before a time-out", function()
    local near, far = plain_pair { timeout = 0.02 }
    assert(near:write("hel"))
    local line, failure = far:read()
    assert.is_nil(line)
    assert.are.equal("timeout", failure:condition())
    assert(near:write("lo\n"))
    assert.are.equal("hello", far:read())
  end)

  it("ends one direction", function()
    local near, far = plain_pair { timeout = 30 }
    assert(near:write("ask"))
    assert(near:closeWrite())
    assert.are.equal("ask", far:read("a"))
    assert(far:write("answer"))
    assert(far:close())
    assert.are.equal("answer", near:read("a"))
  end)

  it("adopts a socket of somebody else, whose own close ends it", function()
    local near, far = SciSocket.pair()
    local closed = 0
    local foreign = { getfd = function() return near:getfd() end, close = function()
      closed = closed + 1
      near:close()
    end }
    local stream = assert(scissl.plain.on(foreign, { timeout = 30 }))
    assert(far:send("hello\n"))
    assert.are.equal("hello", stream:read())
    assert(stream:close())
    assert.are.equal(1, closed)
  end)

  it("does not adopt one that has read bytes ahead, which would be lost", function()
    local near = SciSocket.pair()
    local foreign = { getfd = function() return near:getfd() end, dirty = function() return true end }
    local stream, failure = scissl.plain.on(foreign)
    assert.is_nil(stream)
    assert.are.equal("unread_data", failure:condition())
  end)

  it("is made of no SciSslSocket, and of no stranger", function()
    assert.error_matches(function() scissl.plain.on((ends.connected())) end, "bad argument #1 to 'plain.on'")
    local stream, failure = scissl.plain.on {}
    assert.is_nil(stream)
    assert.are.equal("not_a_socket", failure:condition())
    assert.error_matches(function() scissl.plain.on(SciSocket.pair(), { timeuot = 1 }) end, "did you mean 'timeout'")
    assert.error_matches(function() scissl.plain.connect { host = "x" } end, "option 'port' to 'plain.connect'")
  end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("startTls, " .. version .. ",", function()
    it("goes on as TLS that is verified, in both roles", function()
      local near, far = plain_pair()
      local results = ends.run(
        function()
          assert(near:write("STARTTLS\n"))
          assert(near:read() == "go ahead")
          assert(near:startTls(client_options { version = version }))
          assert(near:write("secret\n"))
          return near:read()
        end,
        function()
          assert(far:read() == "STARTTLS")
          assert(far:write("go ahead\n"))
          assert(far:startTls(server_options { version = version }))
          assert(far:write("for ", far:read(), "\n"))
        end)
      assert.are.equal("for secret", results[1][1])
      assert.is_true(near:isSecure() and far:isSecure())
      assert.are.equal(version, near:version())
      assert.are.equal("localhost", far:serverName())
      assert.are.equal(scissl.X509_V_OK, (near:sslVerifyCertificate()))
    end)

    it("refuses to be secure with the wrong host, and closes", function()
      local near, far = plain_pair()
      local done, failure, _, far_failure = secure(near, far, { host = "elsewhere.example", version = version })
      assert.is_nil(done)
      assert.are.equal("certificate_wrong_host", failure:condition())
      assert.truthy(far_failure or version == "TLSv1.3")
      local text
      text, failure = near:read()
      assert.is_nil(text)
      assert.are.equal("closed", failure:condition())
      text, failure = near:write("in the clear?")
      assert.is_nil(text)
      assert.are.equal("closed", failure:condition())
    end)

    it("refuses bytes that came before it, on either side, and sends nothing", function()
      for _, role in ipairs { "client", "server" } do
        local near, far = plain_pair()
        assert(near:write("STARTTLS\nRSET\n"))
        assert.are.equal("STARTTLS", far:read())
        local given = role == "server" and server_options { version = version } or client_options { version = version }
        local done, failure = far:startTls(given)
        assert.is_nil(done)
        assert.are.equal("plaintext_pending", failure:condition())
        assert.is_false(far:isSecure())
        assert.are.equal("RSET", far:read()) -- still there, and in plain text
        assert(far:write("still plain\n"))
        assert.are.equal("still plain", near:read())
      end
    end)

    it("takes bytes that come in plain text behind it for no data, but for a broken handshake", function()
      local near, far = plain_pair()
      assert(near:write("STARTTLS\n"))
      assert.are.equal("STARTTLS", far:read())
      assert(near:write("RSET\n"))
      local results = ends.run(function() return far:startTls(server_options { version = version }) end)
      assert.is_nil(results[1][1])
      assert.are.equal("not_tls", results[1][2]:condition())
      local text, failure = far:read()
      assert.is_nil(text)
      assert.are.equal("closed", failure:condition())
    end)

    it("sends what was kept back before it, in plain text", function()
      local near, far = SciSocket.pair()
      local stream = assert(scissl.plain.on(near, { timeout = 0.05 }))
      stream:setvbuf("full")
      assert(stream:write("in the clear\n"))
      assert.is_nil((stream:startTls(client_options { version = version })))
      assert.truthy(far:recv(1000):find("^in the clear\n\22\3"))
    end)

    it("works on blocking sockets", function()
      local listener, port = ends.listener()
      local peer <close> = ends.lua(([[
        local scissl = require "scissl"
        local stream = assert(scissl.plain.connect { host = "127.0.0.1", port = %d })
        stream:socket():setBlocking(true)
        print "ready"
        assert(stream:read() == "go ahead")
        assert(stream:startTls { host = "localhost", caFile = %q, version = %q })
        assert(stream:write "secret\n")
        assert(stream:stopTls())
        assert(stream:write "plain\n")
        stream:close()
      ]]):format(port, pki.ca.certificateFile, version), "ready")
      local stream <close> = assert(scissl.plain.on(assert(listener:accept())))
      listener:close()
      assert.is_true(stream:socket():isBlocking())
      assert(stream:write("go ahead\n"))
      assert(stream:startTls(server_options()))
      assert.are.equal("secret", stream:read())
      assert.is_nil((stream:read()))
      assert(stream:stopTls())
      assert.are.equal("plain", stream:read())
      peer:finish()
    end)

    it("resumes sessions of a store", function()
      local sessions = scissl.sessions.memory.new()
      local context = assert(scissl.SciSslContext.new(version))
      assert(context:useCertificate(pki.server.certificate))
      assert(context:usePrivateKey(pki.server.key))
      local reused = {}
      for i = 1, 2 do
        local near, far = plain_pair()
        local results = ends.run(
          function()
            assert(near:startTls(client_options { version = version, sessions = sessions }))
            assert(near:read())
            reused[i] = near:isSessionReused()
            return near:close()
          end,
          function()
            assert(far:startTls { role = "server", context = context })
            assert(far:write("hello\n"))
            return far:read()
          end)
        assert.is_true(results[1][1])
      end
      assert.are.same({ false, true }, reused)
    end)

    it("asks for client certificates", function()
      local near, far = plain_pair()
      local done, failure, served, refusal = secure(near, far,
        { version = version, certificate = pki.client.certificate, privateKey = pki.client.key },
        { caFile = pki.ca.certificateFile })
      assert(done, failure)
      assert(served, refusal)
      assert.truthy(far:peerCertificate())
      near, far = plain_pair()
      served, refusal = select(3, secure(near, far, { version = version }, { caFile = pki.ca.certificateFile }))
      assert.is_nil(served)
      assert.are.equal("client_certificate_missing", refusal:condition())
    end)
  end)

  describe("stopTls, " .. version .. ",", function()
    it("goes on in plain text, and may begin TLS again", function()
      local near, far = plain_pair(nil, "tcp")
      local results = ends.run(
        function()
          for i = 1, 3 do
            assert(near:startTls(client_options { version = version }))
            assert(near:write("secret ", i, "\n"))
            assert(near:stopTls())
            assert(not near:isSecure())
            assert(near:write("plain ", i, "\n"))
            assert(near:read() == "taken")
          end
          return near:close()
        end,
        function()
          local lines = {}
          for _ = 1, 3 do
            assert(far:startTls(server_options { version = version }))
            lines[#lines + 1] = far:read()
            assert(far:read() == nil)
            assert(far:stopTls())
            lines[#lines + 1] = far:read()
            assert(far:write("taken\n"))
          end
          return lines
        end)
      assert.is_true(results[1][1])
      assert.are.same({ "secret 1", "plain 1", "secret 2", "plain 2", "secret 3", "plain 3" }, results[2][1])
    end)

    it("takes plain text right behind the peer's close_notify for plain text, and loses none of it", function()
      local near, far = plain_pair()
      secure(near, far, { version = version })
      local results = ends.run(
        function()
          assert(near:stopTls())
          return near:read("l", "l")
        end,
        function()
          assert(far:read() == nil)
          -- Both in one go: the first has to wait for the second with its close_notify.
          assert(far:stopTls())
          assert(far:write("plain\n", "and more\n"))
        end)
      assert.are.same({ "plain", "and more" }, { results[1][1], results[1][2] })
    end)

    it("refuses while bytes that came by TLS have not been read, and mixes them with nothing", function()
      local near, far = plain_pair()
      secure(near, far, { version = version })
      assert(far:write("secret\nmore\n"))
      local results = ends.run(function() return near:read() end)
      assert.are.equal("secret", results[1][1])
      local done, failure = near:stopTls()
      assert.is_nil(done)
      assert.are.equal("unread_data", failure:condition())
      assert.is_true(near:isSecure())
      assert.are.equal("more", near:read())
    end)

    it("waits with what the peer sends before its close_notify until that has been read", function()
      local near, far = plain_pair()
      secure(near, far, { version = version })
      local results = ends.run(
        function()
          local done, failure = near:stopTls()
          local condition = failure and failure:condition()
          local last, behind = near:read("l"), near:read("l")
          assert(near:stopTls())
          return done, condition, last, behind, near:read()
        end,
        function()
          assert(far:write("last words\n"))
          assert(far:stopTls())
          assert(far:write("plain\n"))
        end)
      assert.are.same({ n = 5, nil, "unread_data", "last words", nil, "plain" }, results[1])
    end)

    it("is refused in plain text", function()
      local near = plain_pair()
      local done, failure = near:stopTls()
      assert.is_nil(done)
      assert.are.equal("not_secure", failure:condition())
    end)

    it("fails where the peer is cut off, and where it never answers", function()
      local near, far = plain_pair()
      secure(near, far, { version = version })
      near:settimeout(0.05)
      local results = ends.run(function() return near:stopTls() end)
      assert.is_nil(results[1][1])
      assert.are.equal("timeout", results[1][2]:condition())
      assert(far:socket():shutdown("w"))
      results = ends.run(function() return near:stopTls() end)
      assert.is_nil(results[1][1])
      assert.are.equal("truncated", results[1][2]:condition())
      assert.is_false((near:write("x")) and true or false)
    end)

    it("works on connections that began with TLS", function()
      local client, server = ends.connected { version = version, transport = "tcp" }
      local near, far = scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
      local results = ends.run(
        function()
          assert(near:stopTls())
          assert(near:write("plain\n"))
          assert(near:read() == "go ahead")
          assert(near:startTls(client_options { version = version }))
          return near:read()
        end,
        function()
          assert(far:read() == nil)
          assert(far:stopTls())
          local line = far:read()
          assert(far:write("go ahead\n"))
          assert(far:startTls(server_options { version = version }))
          assert(far:write(line, " again\n"))
        end)
      assert.are.equal("plain again", results[1][1])
    end)
  end)
end

describe("A stream that begins or ends TLS", function()
  for _, name in ipairs { "startTls", "stopTls" } do
    it("takes no write of another coroutine meanwhile, where it was TLS before: " .. name, function()
      local client, server = ends.connected()
      local near = scissl.stream(client, { waiter = "coroutine" })
      local changing = coroutine.create(function() return near[name](near, client_options()) end)
      assert(coroutine.resume(changing))
      local done, failure = near:write("torn")
      assert.is_nil(done)
      assert.are.equal("busy", failure:condition())
      assert(coroutine.close(changing))
      if name == "stopTls" then return end
      done, failure = near:write("torn")
      assert.is_nil(done)
      assert.are.equal("closed", failure:condition())
      assert.falsy(scissl.stream(server, { timeout = 30 }):read("a"):find "torn")
    end)
  end
end)

describe("startTls", function()
  it("keeps to the stream's time, and closes what is in mid-handshake", function()
    local near, far = plain_pair()
    near:settimeout(0.05)
    local results = ends.run(function() return near:startTls(client_options()) end)
    assert.is_nil(results[1][1])
    assert.are.equal("timeout", results[1][2]:condition())
    assert.are.equal("SciSslStream: closed", tostring(near))
    assert.is_true(#far:read("a") > 0) -- the hello, then the end
  end)

  it("leaves the stream as it was where a file is refused", function()
    local near, far = plain_pair()
    local done, failure = near:startTls(client_options { caFile = "/does/not/exist" })
    assert.is_nil(done)
    assert.are.equal("load", failure:phase())
    assert(near:write("still plain\n"))
    assert.are.equal("still plain", far:read())
  end)

  it("closes the stream where the waiter raises, and says what it raised", function()
    local near = plain_pair { waiter = function() error("broken", 0) end }
    near:socket():setBlocking(false)
    local done, failure = near:startTls(client_options())
    assert.is_nil(done)
    assert.are.equal("bad_waiter", failure:condition())
    assert.truthy(failure:errorHint():find("broken", 1, true), failure:errorHint())
    assert.are.equal("SciSslStream: closed", tostring(near))
  end)

  it("is refused on a closed stream", function()
    local near = plain_pair()
    near:close()
    local done, failure = near:startTls(client_options())
    assert.is_nil(done)
    assert.are.equal("closed", failure:condition())
  end)

  it("refuses what makes no sense", function()
    local near = plain_pair()
    assert.error_matches(function() near:startTls { caFile = "x" } end, "option 'host' to 'startTls' is missing")
    assert.error_matches(function() near:startTls { role = "both" } end, "'client' or 'server' expected, got 'both'")
    assert.error_matches(function() near:startTls { role = "server" } end, "option 'certificate' to 'startTls'")
    assert.error_matches(function() near:startTls { hots = "x" } end, "did you mean 'host'")
    assert.error_matches(function() near:startTls(5) end, "table of options expected")
  end)

  it("points at the caller", function()
    local near = plain_pair()
    for _, given in ipairs { { hots = "x" }, {}, { role = "server" }, { role = "x" } } do
      local _, message = pcall(function() near:startTls(given) end)
      assert.truthy(message:find("starttls_spec.lua", 1, true), message)
    end
  end)
end)
