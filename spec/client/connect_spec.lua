-- scissl.connect: a verified connection in one call.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local LONG = 30

-- Runs `serve(stream or nil, failure)` for one connection to a server of ours, and scissl.connect against it in the
-- same thread. Answers what connect answered; then what `serve` did.
local function meet(client_options, server_options, serve)
  local listening = { certificate = pki.server.certificate, privateKey = pki.server.key }
  for name, value in pairs(server_options or {}) do listening[name] = value end
  local connecting = { host = "127.0.0.1", caFile = pki.ca.certificateFile }
  for name, value in pairs(client_options or {}) do connecting[name] = value end
  if connecting.caFile == false then connecting.caFile = nil end
  local client, server = streams.meet(listening, connecting, serve)
  return client[1], client[2], server[1], server[2]
end

describe("scissl.connect", function()
  it("answers a stream whose peer is verified", function()
    local stream, failure = meet()
    assert(stream, failure)
    assert.are.equal(scissl.X509_V_OK, (stream:sslVerifyCertificate()))
    assert.are.equal("TLSv1.3", stream:version())
  end)

  it("talks with a foreign server", function()
    local peer <close> = ends.openssl(("-cert %s -key %s -rev"):format(pki.server.certificateFile, pki.server.keyFile))
    local stream <close> = assert(scissl.connect {
      host = "127.0.0.1", port = peer.port, caFile = pki.ca.certificateFile, timeout = LONG,
    })
    assert(stream:write("hello\n"))
    assert.are.equal("olleh", stream:read())
  end)

  it("takes a name, and all its addresses", function()
    local stream, failure = meet { host = "localhost" }
    assert(stream, failure)
  end)

  it("sends the name (SNI)", function()
    local _, _, server = meet { host = "localhost" }
    assert.are.equal("localhost", server:serverName())
  end)

  it("sends no address as a name", function()
    local _, _, server = meet { host = "127.0.0.1" }
    assert.is_nil(server:serverName())
  end)

  it("sends another name if asked to", function()
    local _, _, server = meet { serverName = "other.example" }
    assert.are.equal("other.example", server:serverName())
  end)

  it("sends no name if asked not to", function()
    local _, _, server = meet { host = "localhost", serverName = false }
    assert.is_nil(server:serverName())
  end)

  it("takes addresses in brackets and names with a dot at the end", function()
    assert((meet { host = "[127.0.0.1]" }))
    local stream, failure, server = meet { host = "localhost." }
    assert(stream, failure)
    assert.are.equal("localhost", server:serverName())
  end)

  it("agrees on an application protocol", function()
    local stream, failure = meet({ alpn = { "h2", "http/1.1" } }, { alpn = { "http/1.1" } })
    assert(stream, failure)
    assert.are.equal("http/1.1", stream:alpnProtocol())
  end)

  it("brings the client's certificate", function()
    local stream, failure, server = meet({ certificate = pki.client.certificateFile, privateKey = pki.client.keyFile },
      { caFile = pki.ca.certificateFile })
    assert(stream, failure)
    assert.are.equal(pki.client.certificate:fingerprint(), server:peerCertificate():fingerprint())
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("resumes a session, " .. version, function()
      local context = ends.serverContext { method = version }
      local own = { certificate = false, context = context, privateKey = false }
      local function serve(stream)
        stream:write("x")
        return stream:isSessionReused()
      end
      local listener <close> = assert(scissl.listen {
        port = 0, host = "127.0.0.1", context = own.context, waiter = "coroutine",
      })
      local _, port = listener:getSockName()
      local function once(session)
        local results = ends.run(
          function()
            local stream = assert(scissl.connect {
              host = "127.0.0.1", port = port, ca = pki.ca.certificate, session = session, waiter = "coroutine",
            })
            assert(stream:read(1)) -- TLS 1.3 sends its tickets after the handshake
            session = stream:getSession()
            stream:close()
            return stream:socket()
          end,
          function() return serve(assert(listener:accept())) end)
        return results[2][1], session
      end
      local reused, session = once()
      assert.is_false(reused)
      reused = once(session)
      assert.is_true(reused)
    end)
  end

  it("shares one context among connections of the same settings", function()
    local made = 0
    local new = scissl.SciSslContext.new
    scissl.SciSslContext.new = function(...)
      made = made + 1
      return new(...)
    end
    local path = pki.write(pki.ca.certificatePem)
    finally(function() scissl.SciSslContext.new = new end)
    local own = { certificate = pki.server.certificateFile, privateKey = pki.server.keyFile }
    for _ = 1, 3 do assert((meet({ caFile = path }, own))) end
    assert.is_true(made <= 2, made .. " contexts")
  end)

  it("uses a context or a configuration that is given", function()
    assert((meet { caFile = false, context = ends.clientContext() }))
    local configuration = scissl.SciSslSocketConfiguration.new { caFile = pki.ca.certificateFile }
    assert((meet { caFile = false, configuration = configuration }))
    assert.is_nil(configuration:verify()) -- it is the caller's, and stays as it was
  end)

  it("trusts what SSL_CERT_FILE names where nothing else does", function()
    local peer <close> = ends.openssl(("-cert %s -key %s"):format(pki.server.certificateFile, pki.server.keyFile))
    local source = ([[
      local scissl = require "scissl"
      local stream, failure = scissl.connect { host = "127.0.0.1", port = %d, timeout = 30 }
      print(stream and "verified" or failure:condition())
    ]]):format(peer.port)
    local trusting <close> = ends.lua(source, nil, { SSL_CERT_FILE = pki.ca.certificateFile })
    assert.are.equal("verified\n", (trusting:finish()))
    local doubting <close> = ends.lua(source, nil, { SSL_CERT_FILE = pki.otherCa.certificateFile })
    assert.are.equal("certificate_unknown_issuer\n", (doubting:finish()))
  end)
end)

describe("scissl.connect refuses", function()
  local function refused(condition, client_options, server_options)
    local stream, failure, server = meet(client_options, server_options)
    assert.is_nil(stream)
    assert.are.equal(condition, failure:condition(), tostring(failure))
    assert.are.equal("connect", failure:phase())
    return failure, server
  end

  it("a server whose CA is not trusted", function()
    refused("certificate_unknown_issuer", { caFile = pki.otherCa.certificateFile })
  end)

  it("a server for another name", function()
    refused("certificate_wrong_host", { host = "localhost" },
      { certificate = pki.wrongHost.certificate, privateKey = pki.wrongHost.key })
  end)

  it("a server for another address", function()
    refused("certificate_wrong_ip", { host = "127.0.0.1" },
      { certificate = pki.wrongHost.certificate, privateKey = pki.wrongHost.key })
  end)

  it("a server for another name than verifyHost", function()
    refused("certificate_wrong_host", { verifyHost = "elsewhere.example" })
  end)

  it("an expired, a future and a self-signed certificate", function()
    for identity, condition in pairs {
      expired = "certificate_expired",
      notYetValid = "certificate_not_yet_valid",
      selfSigned = "certificate_self_signed",
    } do
      refused(condition, nil, { certificate = pki[identity].certificate, privateKey = pki[identity].key })
    end
  end)

  it("a context that would not verify", function()
    local context = ends.clientContext { verify = scissl.SSL_VERIFY_NONE, trust = pki.otherCa }
    refused("certificate_unknown_issuer", { caFile = false, context = context })
  end)

  it("versions below TLS 1.2", function()
    refused("protocol_version", nil, {
      version = "TLSv1.1", securityLevel = 0, cipherList = "ALL:@SECLEVEL=0",
    })
  end)

  it("to weaken itself for the server's sake: no such server gets a connection", function()
    local _, server = refused("certificate_unknown_issuer", { caFile = pki.otherCa.certificateFile })
    assert.is_nil(server)
  end)
end)

describe("scissl.connect weakens only what is named", function()
  it("verifyHost takes another name", function()
    assert((meet({ verifyHost = "elsewhere.example" },
      { certificate = pki.wrongHost.certificate, privateKey = pki.wrongHost.key })))
  end)

  it("verifyHost = false takes any name, of trusted servers only", function()
    local wrong = { certificate = pki.wrongHost.certificate, privateKey = pki.wrongHost.key }
    assert((meet({ verifyHost = false }, wrong)))
    local stream, failure = meet({ verifyHost = false, caFile = pki.otherCa.certificateFile }, wrong)
    assert.is_nil(stream)
    assert.are.equal("certificate_unknown_issuer", failure:condition())
  end)

  it("verify = false takes anybody, and the result says what is wrong", function()
    local stream = assert((meet({ verify = false, caFile = pki.otherCa.certificateFile })))
    assert.are_not.equal(scissl.X509_V_OK, (stream:sslVerifyCertificate()))
  end)
end)

describe("scissl.connect, when there is no server,", function()
  local function closed_port()
    local listener, port = ends.listener()
    listener:close()
    return port
  end

  it("says that the connection was refused, and where", function()
    local port = closed_port()
    local stream, failure = scissl.connect { host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile }
    assert.is_nil(stream)
    assert.are.equal("connection_refused", failure:condition())
    assert.are.equal("connect", failure:phase())
    assert.are.equal("127.0.0.1:" .. port, failure:subject())
    assert.truthy(failure:errorHint():find("127.0.0.1:" .. port, 1, true), failure:errorHint())
  end)

  it("says that the host is not known", function()
    local stream, failure = scissl.connect {
      host = "no-such-host.invalid", port = 443, caFile = pki.ca.certificateFile,
    }
    assert.is_nil(stream)
    assert.are.equal("host_not_found", failure:condition())
  end)

  it("ends its patience with a silent one, naming phase and seconds", function()
    local listener, port = ends.listener()
    local stream, failure = scissl.connect {
      host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile, timeout = 0.05,
    }
    assert.is_nil(stream)
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("connect", failure:phase())
    assert.truthy(failure:message():find("TLS handshake did not finish within 0.05 s", 1, true), failure:message())
    assert.are.equal("127.0.0.1:" .. port, failure:subject())
    listener:close()
  end)

  it("says that a server speaks HTTP", function()
    local listener, port = ends.listener()
    listener:setBlocking(false)
    local results = ends.run(
      function()
        return scissl.connect {
          host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile, timeout = LONG, waiter = "coroutine",
        }
      end,
      function()
        local waiter = require "scissl.wait.coroutine"
        waiter(listener, "r")
        local plain = assert(listener:accept())
        plain:send("HTTP/1.1 400 Bad Request\r\n\r\n")
        return plain
      end)
    assert.is_nil(results[1][1])
    assert.are.equal("plain_http", results[1][2]:condition())
    listener:close()
  end)
end)

describe("scissl.connect refuses, as the caller's mistake,", function()
  it("a missing host or port", function()
    assert.error_matches(function() scissl.connect { port = 1 } end, "option 'host' to 'scissl.connect' is missing")
    assert.error_matches(function() scissl.connect { host = "x" } end, "option 'port' to 'scissl.connect' is missing")
  end)

  it("misspelt options, so that nobody is less safe than they think", function()
    assert.error_matches(function() scissl.connect { host = "x", port = 1, verfiy = true } end,
      "unknown option 'verfiy' to 'scissl.connect' %(did you mean 'verify'%?%)")
    assert.error_matches(function() scissl.connect { host = "x", port = 1, cafile = "f" } end, "did you mean 'caFile'")
  end)

  it("values of another type", function()
    assert.error_matches(function() scissl.connect { host = 5, port = 1 } end, "bad option 'host'")
    assert.error_matches(function() scissl.connect { host = "x", port = 65536 } end, "port from 0 to 65535")
    assert.error_matches(function() scissl.connect { host = "x", port = 1, verify = "none" } end,
      "bad option 'verify' to 'scissl.connect' %(boolean expected, got string%)")
    assert.error_matches(function() scissl.connect "host" end, "table of options expected, got string")
  end)

  it("a context and fields of a configuration together", function()
    local context = ends.clientContext()
    assert.error_matches(function() scissl.connect { host = "x", port = 1, context = context, caFile = "f" } end,
      "options 'context' and 'caFile' to 'scissl.connect' exclude each other")
  end)

  it("an unknown waiter", function()
    assert.error_matches(function() scissl.connect { host = "x", port = 1, waiter = "pool" } end, "unknown waiter")
  end)

  it("pointing at the line that calls", function()
    for _, options in ipairs {
      { host = "x", port = 1, verfiy = true }, { host = "x" },
      { host = "x", port = 1, context = ends.clientContext(), caFile = "f" }, { host = "x", port = 1, waiter = "pool" },
    } do
      local _, message = pcall(function() local stream = scissl.connect(options) return stream end)
      assert.truthy(message:find("connect_spec.lua", 1, true), message)
    end
  end)
end)

describe("scissl.connect answers a SciSslError for a host", function()
  for what, host in pairs {
    ["that is empty"] = "",
    ["with a NUL byte"] = "localhost\0.evil.example",
    ["that is too long"] = ("a"):rep(300),
    ["with an over-long label"] = ("a"):rep(64) .. ".example",
  } do
    it(what, function()
      local stream, failure = scissl.connect { host = host, port = 443, caFile = pki.ca.certificateFile }
      assert.is_nil(stream)
      assert.is_true(scissl.isSslError(failure))
      assert.truthy(failure:condition() == "bad_host_name" or failure:condition() == "host_not_found",
        failure:condition())
    end)
  end
end)

describe("scissl.connect answers a SciSslError of phase load for", function()
  for what, options in pairs {
    file_missing = { caFile = "/nowhere/ca.pem" },
    file_directory = { caFile = pki.folder() },
    not_pem = { caFile = pki.write("garbage") },
    file_empty = { caFile = pki.write("") },
    key_mismatch = { certificate = pki.client.certificateFile, privateKey = pki.server.keyFile },
  } do
    it(what, function()
      options.host, options.port = "127.0.0.1", 1
      local stream, failure = scissl.connect(options)
      assert.is_nil(stream)
      assert.are.equal(what, failure:condition())
      assert.are.equal("load", failure:phase())
    end)
  end
end)
