-- scissl.listen: a TLS server in one call.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local LONG = 30

-- A client of ours, as a party for ends.run.
local function client(port, options)
  return function()
    local all = { host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile, timeout = LONG,
      waiter = "coroutine" }
    for name, value in pairs(options or {}) do all[name] = value end
    return scissl.connect(all)
  end
end

local client_identity = { certificate = pki.client.certificate, privateKey = pki.client.key }
local stranger_identity = { certificate = pki.stranger.certificate, privateKey = pki.stranger.key }

describe("scissl.listen", function()
  it("answers where it listens", function()
    local listener <close>, port = streams.listen()
    assert.are.same({ "127.0.0.1", port }, { listener:getSockName() })
    assert.is_true(port > 0)
    assert.are.equal("SciSslListener: 127.0.0.1 port " .. port, tostring(listener))
  end)

  it("accepts streams", function()
    local listener <close>, port = streams.listen()
    local results = ends.run(
      function() return client(port)():read() end,
      function()
        local stream = assert(listener:accept(LONG))
        assert(stream:write("hello\n"))
        return stream
      end)
    assert.are.equal("hello", results[1][1])
    assert.is_true(results[2][1]:isSecure())
  end)

  it("serves foreign clients: openssl s_client", function()
    local listener <close>, port = streams.listen { waiter = "poll", timeout = LONG }
    local command = "openssl s_client -connect 127.0.0.1:%d -CAfile %s -verify_return_error -quiet"
    local peer <close> = ends.start(command:format(port, pki.ca.certificateFile))
    local stream <close> = assert(listener:accept(LONG))
    peer:write("from the client\n")
    assert.are.equal("from the client", stream:read())
  end)

  it("serves foreign clients: curl", function()
    if not ends.has "curl" then return pending("curl is not installed") end
    local listener <close>, port = streams.listen { waiter = "poll", timeout = LONG }
    local command = "curl --noproxy '*' --ipv4 --silent --show-error --cacert %s https://localhost:%d/"
    local peer <close> = ends.start(command:format(pki.ca.certificateFile, port))
    do
      local stream <close> = assert(listener:accept(LONG))
      for line in stream:lines() do
        if line == "\r" then break end
      end
      assert(stream:write("HTTP/1.0 200 OK\r\n\r\nserved\n"))
    end
    assert.are.equal("served\n", (peer:finish()))
  end)

  it("listens on IPv6", function()
    local listener, failure = scissl.listen {
      port = 0, host = "::1", certificate = pki.server.certificate, privateKey = pki.server.key, waiter = "coroutine",
    }
    if not listener then return pending("no IPv6 here: " .. tostring(failure)) end
    local address, port = listener:getSockName()
    assert.are.equal("::1", address)
    local results = ends.run(client(port, { host = "[::1]" }), function() return listener:accept(LONG) end)
    assert(results[1][1], results[1][2])
    assert.is_nil(results[2][1]:serverName())
    listener:close()
  end)

  it("keeps the connections that were accepted when it closes", function()
    local listener, port = streams.listen()
    local results = ends.run(client(port), function() return listener:accept(LONG) end)
    listener:close()
    local near, far = results[1][1], results[2][1]
    results = ends.run(
      function() return near:read() end,
      function() return far:write("still here\n") end)
    assert.are.equal("still here", results[1][1])
  end)

  it("is closed at the end of a block, and twice without harm", function()
    local escaped, port
    do
      local listener <close>, at = streams.listen()
      escaped, port = listener, at
    end
    assert.is_true(escaped:close())
    assert.are.equal("SciSslListener: closed", tostring(escaped))
    local stream, failure = scissl.connect { host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile }
    assert.is_nil(stream)
    assert.are.equal("connection_refused", failure:condition())
  end)

  it("answers an error when it accepts after close", function()
    local listener = streams.listen()
    listener:close()
    local stream, failure = listener:accept(0)
    assert.is_nil(stream)
    assert.are.equal("closed", failure:condition())
  end)
end)

describe("A listener's accept", function()
  it("ends the wait for a connection after its time-out, in a phase of its own", function()
    local listener <close> = streams.listen { waiter = "poll" }
    local stream, failure = listener:accept(0.05)
    assert.is_nil(stream)
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("listen", failure:phase())
  end)

  it("ends a handshake with a silent client after the listener's time-out", function()
    local listener <close>, port = streams.listen { waiter = "poll", timeout = 0.05 }
    local silent = assert(scissl.SciSocket.newStreamSocket())
    assert(silent:connect("127.0.0.1", port))
    local stream, failure = listener:accept(LONG)
    assert.is_nil(stream)
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("accept", failure:phase())
    silent:setBlocking(false)
    assert.are.equal("", (silent:recv(1))) -- it has been closed
    silent:close()
  end)

  it("goes on after handshakes that failed", function()
    local listener <close>, port = streams.listen { timeout = LONG }
    local results = ends.run(client(port, { caFile = pki.otherCa.certificateFile }),
      function() return listener:accept(LONG) end)
    assert.is_nil(results[2][1])
    assert.are.equal("unknown_ca", (results[2][2]:alert()))
    results = ends.run(client(port), function() return listener:accept(LONG) end)
    assert.is_true(results[2][1]:isSecure())
  end)

  it("goes on after a client that speaks HTTP, one that speaks rubbish and one that says nothing", function()
    local listener <close>, port = streams.listen { waiter = "poll", timeout = LONG }
    for text, condition in pairs {
      ["GET / HTTP/1.0\r\n\r\n"] = "plain_http", ["what is this?\n"] = "not_tls", [""] = "handshake_eof",
    } do
      local plain = assert(scissl.SciSocket.newStreamSocket())
      assert(plain:connect("127.0.0.1", port))
      if text ~= "" then assert(plain:send(text)) end
      plain:shutdown("w")
      local stream, failure = listener:accept(LONG)
      assert.is_nil(stream)
      assert.are.equal(condition, failure:condition(), tostring(failure))
      assert.are.equal("accept", failure:phase())
      plain:close()
    end
    listener.waiter = require "scissl.wait.coroutine"
    local results = ends.run(client(port), function() return listener:accept(LONG) end)
    assert.is_true(results[2][1]:isSecure())
  end)

  it("refuses what is no time-out", function()
    local listener <close> = streams.listen()
    assert.error_matches(function() listener:accept("1") end, "bad argument #1 to 'accept'")
    assert.error_matches(function() listener:acceptSocket(-1) end, "bad argument #1 to 'acceptSocket'")
  end)
end)

describe("A listener's acceptSocket", function()
  it("leaves the handshake to the caller, who may do several at once", function()
    local listener <close>, port = streams.listen()
    -- A silent client comes first and must not hold up the other.
    local silent = assert(scissl.SciSocket.newStreamSocket())
    assert(silent:connect("127.0.0.1", port))
    local first = assert(listener:acceptSocket())
    local results = ends.run(
      function() return scissl.handshake(first, "accept", { waiter = "coroutine", timeout = 0.2 }) end,
      client(port),
      function()
        local socket = assert(listener:acceptSocket(LONG))
        return scissl.handshake(socket, "accept", { waiter = "coroutine", timeout = LONG })
      end)
    assert.are.equal("timeout", results[1][2]:condition())
    assert.is_true(results[2][1]:isSecure())
    assert.is_true(results[3][1]:isSecure())
    silent:close()
  end)
end)

describe("A listener's verify", function()
  -- What client and server meet; in TLS 1.3 the client learns of a refusal when it reads.
  local function meet(server_options, client_options)
    local listener <close>, port = streams.listen(server_options)
    local results = ends.run(
      function()
        local stream, failure = client(port, client_options)()
        if not stream then return nil, failure end
        local data
        data, failure = stream:read("a")
        return data, failure
      end,
      function()
        local stream, failure = listener:accept(LONG)
        if stream then stream:close() end
        return stream, failure
      end)
    return results[1][1], results[1][2], results[2][1], results[2][2]
  end

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    local trusting = { caFile = pki.ca.certificateFile, version = version }
    local function with(verify)
      return { caFile = trusting.caFile, version = version, verify = verify }
    end

    it("'require' takes a client with a good certificate, " .. version, function()
      local data, failure = meet(with "require", client_identity)
      assert.are.equal("", data, tostring(failure))
    end)

    it("'require' is what naming a CA means, " .. version, function()
      local data, failure, stream, refusal = meet(trusting)
      assert.is_nil(data)
      assert.are.equal("received", (select(2, failure:alert())))
      assert.is_nil(stream)
      assert.are.equal("client_certificate_missing", refusal:condition())
    end)

    it("'optional' takes a client without one, " .. version, function()
      local data, failure = meet(with "optional")
      assert.are.equal("", data, tostring(failure))
    end)

    it("'optional' refuses a certificate of a stranger, " .. version, function()
      local data, failure, stream, refusal = meet(with "optional", stranger_identity)
      assert.is_nil(data)
      assert.are.equal("client_certificate_refused", failure:condition())
      assert.is_nil(stream)
      assert.are.equal("certificate_unknown_issuer", refusal:condition())
    end)

    it("'none' asks for none, " .. version, function()
      local data, failure = meet(with "none", stranger_identity)
      assert.are.equal("", data, tostring(failure))
    end)
  end

  it("may be OpenSSL's flags", function()
    local data, failure = meet({ caFile = pki.ca.certificateFile,
      verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT }, client_identity)
    assert.are.equal("", data, tostring(failure))
  end)

  it("of another word is refused", function()
    assert.error_matches(function() streams.listen { verify = "peer", caFile = pki.ca.certificateFile } end,
      "'none', 'optional', 'require' or flags expected, got 'peer'")
  end)

  it("needs to be told whose certificates are good", function()
    assert.error_matches(function() streams.listen { verify = "require" } end, "caFile, caPath or ca")
  end)
end)

describe("scissl.listen answers a SciSslError", function()
  it("where another listens already", function()
    local listener <close>, port = streams.listen()
    local second, failure = scissl.listen {
      port = port, host = "127.0.0.1", certificate = pki.server.certificate, privateKey = pki.server.key,
    }
    assert.is_nil(second)
    assert.are.equal("address_in_use", failure:condition())
    listener:close()
  end)

  it("for a host that is not known", function()
    local listener, failure = scissl.listen {
      port = 0, host = "no-such-host.invalid", certificate = pki.server.certificate, privateKey = pki.server.key,
    }
    assert.is_nil(listener)
    assert.are.equal("host_not_found", failure:condition())
  end)

  it("for a certificate that is not there, and a key of another", function()
    local listener, failure = scissl.listen { port = 0, certificate = "/nowhere/server.pem" }
    assert.is_nil(listener)
    assert.are.equal("file_missing", failure:condition())
    listener, failure = scissl.listen { port = 0, certificate = pki.server.certificate, privateKey = pki.client.key }
    assert.is_nil(listener)
    assert.are.equal("key_mismatch", failure:condition())
  end)
end)

describe("scissl.listen refuses, as the caller's mistake,", function()
  it("a missing port or certificate", function()
    assert.error_matches(function() scissl.listen { certificate = "x" } end,
      "option 'port' to 'scissl.listen' is missing")
    assert.error_matches(function() scissl.listen { port = 0 } end,
      "option 'certificate' to 'scissl.listen' is missing")
  end)

  it("misspelt options", function()
    assert.error_matches(function() scissl.listen { port = 0, certifcate = "x" } end, "did you mean 'certificate'")
  end)

  it("a context and what it would have to change", function()
    local context = ends.serverContext()
    assert.error_matches(function() scissl.listen { port = 0, context = context, verify = "none" } end,
      "options 'context' and 'verify' to 'scissl.listen' exclude each other")
    assert.error_matches(function() scissl.listen { port = 0, context = context, certificate = "x" } end,
      "options 'context' and 'certificate' to 'scissl.listen' exclude each other")
  end)
end)
