-- TLS inside TLS: through proxies, over other streams, and over transports of somebody else.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local LONG = 30
local proxy_identity = pki.issue { subject = "CN=proxy", names = { "localhost" }, issuer = pki.otherCa }

-- Moves bytes one way until they end, and says so to the other side.
local function relay(from, to)
  return function()
    while true do
      local bytes = from:read("s")
      if not bytes then break end
      if not to:write(bytes) then break end
    end
    to:closeWrite()
  end
end

-- A proxy that speaks TLS, as parties for ends.run: `accept` reads the request and answers it, `answer(head)` says how
-- (nil: makes the connection). The two that follow move the bytes.
local function proxy_parties(listener, answer)
  local inner, outer
  local ready = {}
  local head
  local function wait_for_both()
    while not ready.done do coroutine.yield(ready.socket, "r", scissl.SciSocket.now() + 0.01) end
  end
  local function accept()
    ready.socket = listener:socket()
    local failure
    inner, failure = listener:accept(LONG)
    if not inner then
      ready.done, ready.failed = true, true
      return nil, failure
    end
    head = inner:readUntil("\r\n\r\n", 16384, true)
    local refusal = answer and answer(head)
    if refusal then
      assert(inner:write(refusal))
      inner:close()
      ready.done, ready.failed = true, true
      return head
    end
    local host, port = head:match("^CONNECT ([^ ]+):(%d+) HTTP/1.1\r\n")
    outer = assert(scissl.plain.connect { host = host, port = math.tointeger(tonumber(port)), waiter = "coroutine" })
    assert(inner:write("HTTP/1.1 200 Connection established\r\n\r\n"))
    ready.done = true
    return head
  end
  local function forth()
    wait_for_both()
    if not ready.failed then relay(inner, outer)() end
  end
  local function back()
    wait_for_both()
    if not ready.failed then relay(outer, inner)() end
  end
  return accept, forth, back
end

-- A client that goes through a proxy of our own to a server of our own. Answers what each of them did.
local function through(client, serve, options)
  options = options or {}
  local target <close>, port = streams.listen(options.server)
  local proxy <close>, proxy_port = streams.listen {
    certificate = proxy_identity.certificate, privateKey = proxy_identity.key,
  }
  local accept, forth, back = proxy_parties(proxy, options.answer)
  local connect = {
    host = "localhost", port = port, caFile = pki.ca.certificateFile, waiter = "coroutine", timeout = LONG,
    proxy = { host = "localhost", port = proxy_port, tls = { caFile = pki.otherCa.certificateFile } },
  }
  for name, value in pairs(options.client or {}) do connect[name] = value end
  for name, value in pairs(options.proxy or {}) do connect.proxy[name] = value end
  local done = false
  local results = ends.run(
    function()
      local answers = table.pack(client(connect, proxy_port, port))
      done = true
      return table.unpack(answers, 1, answers.n)
    end,
    function()
      if options.nobody then return end
      while not done do
        local stream, failure = target:accept(0.05)
        if stream then return serve(stream) end
        if failure:condition() ~= "timeout" then return nil, failure end
      end
    end,
    accept, forth, back)
  return results
end

local function serve_upper(stream)
  for line in stream:lines() do assert(stream:write(line:upper(), "\n")) end
  stream:close()
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A tunnel through a proxy that speaks TLS, " .. version .. ",", function()
    it("verifies names at both layers, and carries what is written", function()
      local results = through(function(connect)
        connect.version = version
        local stream = assert(scissl.connect(connect))
        assert(stream:write("hello\n"))
        local line = stream:read()
        local peer, lower = stream:peerCertificate(), stream.link.lower.socket:peerCertificate()
        assert(stream:close())
        return line, stream, peer, lower
      end, serve_upper)
      assert.are.equal("HELLO", results[1][1])
      assert.are.equal(pki.server.certificate:toPem(), results[1][3]:toPem())
      assert.are.equal(proxy_identity.certificate:toPem(), results[1][4]:toPem())
      assert.truthy(results[3][1]:find("^CONNECT localhost:%d+ HTTP/1.1\r\nHost: localhost:%d+$"), results[3][1])
    end)

    it("carries megabytes both ways", function()
      local text = ("0123456789abcdef"):rep(128 * 1024)
      local results = through(function(connect)
        connect.version = version
        local stream = assert(scissl.connect(connect))
        assert(stream:write(text))
        assert(stream:closeWrite())
        local back = stream:read("a")
        stream:close()
        return back == text
      end, function(stream)
        local got = stream:read("a")
        assert(stream:write(got))
        stream:close()
        return #got
      end)
      assert.is_true(results[1][1])
      assert.are.equal(#text, results[2][1])
    end)

    it("refuses a server with another name", function()
      local results = through(function(connect)
        connect.version = version
        return scissl.connect(connect)
      end, serve_upper, { client = { verifyHost = "elsewhere.example" } })
      assert.is_nil(results[1][1])
      assert.are.equal("certificate_wrong_host", results[1][2]:condition())
      assert.are.equal("elsewhere.example", results[1][2]:subject())
    end)
  end)
end

describe("A tunnel through a proxy that speaks TLS", function()
  it("refuses a proxy that nobody trusts, though the server is trusted", function()
    local results = through(function(connect) return scissl.connect(connect) end, serve_upper,
      { nobody = true, proxy = { tls = { caFile = pki.ca.certificateFile } } })
    assert.is_nil(results[1][1])
    assert.truthy(results[1][2]:condition():find("^certificate_"), results[1][2]:condition())
    assert.is_nil(results[3][1])
  end)

  it("refuses a proxy with another name", function()
    local results = through(function(connect) return scissl.connect(connect) end, serve_upper,
      { nobody = true, proxy = { tls = { caFile = pki.otherCa.certificateFile, verifyHost = "elsewhere.example" } } })
    assert.is_nil(results[1][1])
    assert.are.equal("certificate_wrong_host", results[1][2]:condition())
  end)

  it("refuses a server that only the proxy's CA vouches for", function()
    local results = through(function(connect) return scissl.connect(connect) end, serve_upper,
      { client = { caFile = pki.otherCa.certificateFile } })
    assert.is_nil(results[1][1])
    assert.truthy(results[1][2]:condition():find("^certificate_"), results[1][2]:condition())
  end)

  it("says who it is", function()
    local results = through(function(connect)
      local stream = assert(scissl.connect(connect))
      stream:close()
    end, serve_upper, { proxy = { user = "Aladdin", password = "open sesame" } })
    assert.truthy(results[3][1]:find("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 1, true),
      results[3][1])
  end)

  it("says what a proxy answers that makes no connection", function()
    local results = through(function(connect) return scissl.connect(connect) end, serve_upper, {
      nobody = true,
      answer = function() return "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n" end,
    })
    assert.is_nil(results[1][1])
    assert.are.equal("proxy_refused", results[1][2]:condition())
    assert.are.equal("proxy", results[1][2]:phase())
    assert.truthy(results[1][2]:errorHint():find("407 Proxy Authentication Required", 1, true))
  end)

  it("takes nothing else for a proxy's answer", function()
    for _, answer in ipairs { "220 mail.example ESMTP\r\n\r\n", "HTTP/1.1 200 OK\r\n", "", ("x"):rep(20000) } do
      local results = through(function(connect) return scissl.connect(connect) end, serve_upper,
        { nobody = true, answer = function() return answer end })
      assert.is_nil(results[1][1])
      local condition = results[1][2]:condition()
      assert.is_true(condition == "proxy_malformed" or #answer > 16384 and condition == "line_too_long", condition)
    end
  end)

  it("refuses what the proxy adds behind its answer, in the name of the server", function()
    local results = through(function(connect) return scissl.connect(connect) end, serve_upper,
      { nobody = true, answer = function() return "HTTP/1.1 200 OK\r\n\r\n250 injected\r\n" end })
    assert.is_nil(results[1][1])
    assert.are.equal("unread_data", results[1][2]:condition())
  end)

  it("keeps to the time-out where the proxy is silent", function()
    local silent <close>, port = ends.listener()
    local stream, failure = scissl.connect {
      host = "localhost", port = 443, caFile = pki.ca.certificateFile, timeout = 0.1,
      proxy = { host = "127.0.0.1", port = port },
    }
    assert.is_nil(stream)
    assert.are.equal("timeout", failure:condition())
    assert.is_true(silent:getfd() >= 0)
  end)
end)

describe("A tunnel through a proxy in plain text", function()
  it("is TLS to the server", function()
    local target <close>, port = streams.listen()
    local listener <close>, proxy_port = ends.listener()
    listener:setBlocking(false)
    local results = ends.run(
      function()
        local stream = assert(scissl.connect {
          host = "localhost", port = port, caFile = pki.ca.certificateFile, waiter = "coroutine", timeout = LONG,
          proxy = "http://127.0.0.1:" .. proxy_port,
        })
        assert(stream:write("hello\n"))
        local line = stream:read()
        stream:close()
        return line
      end,
      function() serve_upper(assert(target:accept(LONG))) end,
      function()
        require "scissl.wait.coroutine"(listener, "r")
        local accepted = assert(listener:accept())
        accepted:setBlocking(false)
        local inner = assert(scissl.plain.on(accepted, { waiter = "coroutine" }))
        assert(inner:readUntil("\r\n\r\n", 1000, true))
        local outer = assert(scissl.plain.connect { host = "127.0.0.1", port = port, waiter = "coroutine" })
        assert(inner:write("HTTP/1.1 200 OK\r\n\r\n"))
        local back = coroutine.wrap(relay(outer, inner))
        local forth = coroutine.wrap(relay(inner, outer))
        local forth_socket, forth_events = forth()
        local back_socket, back_events = back()
        while forth_socket or back_socket do
          local waiting = {}
          if forth_socket then waiting[forth_socket] = forth_events end
          if back_socket then waiting[back_socket] = back_events end
          local ready = assert(scissl.SciSocket.poll(waiting, 0))
          if forth_socket and ready[forth_socket] then forth_socket, forth_events = forth(true)
          elseif back_socket and ready[back_socket] then back_socket, back_events = back(true)
          else coroutine.yield(listener, "r", scissl.SciSocket.now() + 0.01) end
        end
      end)
    assert.are.equal("HELLO", results[1][1])
  end)
end)

describe("The option proxy", function()
  local function refused(proxy, words)
    local good, message = pcall(scissl.connect, { host = "localhost", port = 1, proxy = proxy })
    assert.is_false(good)
    assert.truthy(message:find(words, 1, true), message)
  end

  it("refuses what is no proxy", function()
    for _, url in ipairs { "localhost:80", "ftp://x:1", "http://x", "http://x:99999", "http://", "http://x:1/path" } do
      refused(url, "bad option 'proxy'")
    end
    refused({ host = "x" }, "needs host and port")
    refused({ host = "x", port = 1, hots = "y" }, "did you mean 'host'")
    refused({ host = "x", port = 1, password = "p" }, "a password but no user")
  end)

  it("and 'over' exclude each other", function()
    local near = scissl.plain.on((scissl.SciSocket.pair()))
    assert.error_matches(function()
      scissl.connect { host = "localhost", port = 1, proxy = "http://x:1", over = near }
    end, "exclude each other")
  end)

  it("sends no host name that would break the request", function()
    local _ <close>, port = ends.listener()
    local stream, failure = scissl.connect {
      host = "a\r\nX: y", port = 1, proxy = "http://127.0.0.1:" .. port, caFile = pki.ca.certificateFile, timeout = 1,
    }
    assert.is_nil(stream)
    assert.are.equal("bad_host_name", failure:condition())
  end)
end)

describe("TLS over a stream", function()
  local function over_pair(version)
    local client, server = ends.connected { version = version }
    return scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
  end

  local function nested(version)
    local lower, far = over_pair(version)
    local results = ends.run(
      function()
        return scissl.connect {
          over = lower, host = "localhost", caFile = pki.ca.certificateFile, waiter = "coroutine", version = version,
        }
      end,
      function()
        return far:startTls { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key }
      end)
    return assert(results[1][1], results[1][2]), assert(results[2][1], results[2][2]), lower
  end

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("works with a stream of TLS, " .. version, function()
      local near, far = nested(version)
      local results = ends.run(
        function()
          assert(near:write("in", "side\n"))
          return near:read("a")
        end,
        function()
          local line = far:read()
          assert(far:write(line, " twice"))
          return far:close()
        end)
      assert.are.equal("inside twice", results[1][1])
      assert.is_true(near:isSecure())
    end)

    it("ends on both sides, and leaves the stream below as it was, " .. version, function()
      local near, far = nested(version)
      local results = ends.run(
        function()
          assert(near:write("deep\n"))
          assert(near:stopTls())
          return near:read()
        end,
        function()
          assert(far:read() == "deep")
          assert(far:read() == nil)
          assert(far:stopTls())
          assert(far:write("shallow\n"))
        end)
      assert.are.equal("shallow", results[1][1])
      assert.is_true(near:isSecure() and far:isSecure()) -- the lower TLS
    end)
  end

  it("tells a cut from an end", function()
    local near, far = nested()
    far.link.lower:sayEnd() -- the lower layer ends, the upper one has said nothing
    local results = ends.run(function() return near:read() end)
    assert.is_nil(results[1][1])
    assert.are.equal("truncated", results[1][2]:condition())
  end)

  it("makes the stream below refuse what would mix with it", function()
    local _, _, lower = nested()
    local data, failure = lower:read()
    assert.is_nil(data)
    assert.are.equal("carries_tls", failure:condition())
    data, failure = lower:write("x")
    assert.is_nil(data)
    assert.are.equal("carries_tls", failure:condition())
    assert.truthy(lower:peerCertificate())
  end)

  it("refuses one that carries another stream, which goes on", function()
    local near, far, lower = nested()
    for _, begin in ipairs {
      function() return scissl.connect { over = lower, host = "localhost", caFile = pki.ca.certificateFile } end,
      function() return lower:startTls { host = "localhost", caFile = pki.ca.certificateFile } end,
      function() return lower:stopTls() end,
    } do
      local done, failure = begin()
      assert.is_nil(done)
      assert.are.equal("carries_tls", failure:condition())
      assert(near:write "still here\n")
      local results = ends.run(function() return far:read() end)
      assert.are.equal("still here", results[1][1])
    end
  end)

  it("refuses one with unread bytes", function()
    local lower, far = over_pair()
    assert(far:write("one\ntwo\n"))
    local results = ends.run(function() return lower:read() end)
    assert.are.equal("one", results[1][1])
    local stream, failure = scissl.connect { over = lower, host = "localhost", caFile = pki.ca.certificateFile }
    assert.is_nil(stream)
    assert.are.equal("unread_data", failure:condition())
    assert.are.equal("two", lower:read())
  end)

  it("times out, and goes on", function()
    local near, far = nested()
    near:settimeout(0.02)
    local results = ends.run(function() return near:read() end)
    assert.is_nil(results[1][1])
    assert.are.equal("timeout", results[1][2]:condition())
    near:settimeout(nil)
    results = ends.run(function() return near:read() end, function() return far:write("late\n") end)
    assert.are.equal("late", results[1][1])
  end)

  it("works with a transport of somebody else", function()
    local near, far = scissl.SciSocket.pair()
    local closed = false
    local transport = {}
    function transport.receive(_, max)
      local bytes, failure = near:recv(max)
      if bytes == "" then return nil end
      return bytes, failure
    end
    function transport.send(_, bytes) return near:send(bytes) end
    function transport.close() closed = near:close() end
    local server = assert(scissl.plain.on(far, { timeout = LONG }))
    -- One thread plays both: the transport lets the server go on whenever the client waits.
    local served = coroutine.wrap(function()
      server[2] = function() return coroutine.yield() or true end
      far:setBlocking(false)
      server:settimeout(nil)
      assert(server:startTls { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key })
      assert(server:write(server:read():upper(), "\n"))
      server:close()
      return "over"
    end)
    local receive = transport.receive
    function transport.receive(...)
      near:setBlocking(false)
      local bytes, failure = receive(...)
      while not bytes and failure do
        if served() == "over" then near:setBlocking(true) end
        bytes, failure = receive(...)
      end
      return bytes, failure
    end
    local stream = assert(scissl.connect { over = transport, host = "localhost", caFile = pki.ca.certificateFile })
    assert(stream:write("foreign\n"))
    assert.are.equal("FOREIGN", stream:read())
    assert.is_nil((stream:read()))
    assert(stream:close())
    assert.is_true(closed)
  end)

  it("says what a transport of somebody else answers", function()
    local transport = { receive = function() return nil, "no carrier" end, send = function() return true end }
    local stream, failure = scissl.connect { over = transport, host = "localhost", caFile = pki.ca.certificateFile }
    assert.is_nil(stream)
    assert.are.equal("transport_failed", failure:condition())
    assert.truthy(failure:errorHint():find("no carrier", 1, true), failure:errorHint())
    transport.receive = function() return 5 end
    stream, failure = scissl.connect { over = transport, host = "localhost", caFile = pki.ca.certificateFile }
    assert.is_nil(stream)
    assert.are.equal("transport_failed", failure:condition())
    for _, over in ipairs { {}, true, io.stdout, 5 } do
      assert.error_matches(function() scissl.connect { over = over, host = "localhost" } end, "bad option .over.")
    end
  end)

  local unusable = { { usage = 3, selector = 1, matchingType = 1, data = "too short" } }

  it("says which option was rejected, with a store of sessions", function()
    local closed
    local transport = {
      receive = function() return nil end, send = function() return true end, close = function() closed = true end,
    }
    local stream, failure = scissl.connect {
      over = transport, host = "localhost", caFile = pki.ca.certificateFile, tlsa = unusable,
      sessions = scissl.sessions.memory.new(),
    }
    assert.is_nil(stream)
    assert.are.equal("option", failure:phase())
    assert.is_true(closed)
  end)

  it("stores no sessions of the connection below", function()
    local lower, far = over_pair "TLSv1.3"
    ends.run(function() return far:write "hello\n" end, function() return lower:read() end)
    local store = scissl.sessions.memory.new()
    local stream, failure = scissl.connect {
      over = lower, host = "localhost", caFile = pki.ca.certificateFile, tlsa = unusable, sessions = store,
    }
    assert.is_nil(stream)
    assert.are.equal("option", failure:phase())
    assert.are.equal(0, #store)
  end)
end)
