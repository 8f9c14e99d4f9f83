-- Settings that cannot be: each is refused by name, and its context, or socket, stays as it was.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local refusals = require "spec.support.refusals"

local SciSslContext = scissl.SciSslContext
local refused = refusals.refused

-- What two contexts agree on.
local function agreed(client, server)
  local near <close>, far = ends.connected { transport = "memory", client = client, server = server }
  local agreement = { near:version(), near:cipher():name(), near:alpnProtocol() or "no alpn",
    near:negotiatedGroup() }
  far:close()
  return agreement
end

-- Contexts that leave one thing to agree on, so that any change of the client's shows.
local function narrow(version)
  local function setup(context)
    assert(context:setCipherList("ECDHE-ECDSA-AES256-GCM-SHA384"))
    assert(context:setCiphersuites("TLS_CHACHA20_POLY1305_SHA256"))
    assert(context:setGroups("P-256"))
    assert(context:setSignatureAlgorithms("ecdsa_secp256r1_sha256:ECDSA+SHA384"))
    assert(context:setAlpn { "h2" })
  end
  return ends.clientContext { method = version, setup = setup }, ends.serverContext { method = version, setup = setup }
end

local NUL = "P-256\0"

local setters = {
  setCipherList = {
    condition = "unknown_cipher",
    values = { "", "nonsense", "nonsense:rubbish", "ECDHE-ECDSA-AES256-GCM-SHA383", "TLS_AES_128_GCM_SHA256", "!ALL",
      ("x"):rep(100000) },
  },
  setCiphersuites = {
    condition = "unknown_cipher",
    values = { "nonsense", "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_AES_128_GCM_SHA256:nonsense",
      "nonsense:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256::TLS_AES_256_GCM_SHA384",
      ":TLS_AES_128_GCM_SHA256", "tls_aes_128_gcm_sha256", ("x"):rep(100000) },
  },
  setGroups = {
    condition = "unknown_group",
    values = { "", "nonsense", "X25519:nonsense", "nonsense:X25519", ":", ("x"):rep(100000) },
  },
  setSignatureAlgorithms = {
    condition = "unknown_signature_algorithm",
    values = { "", "nonsense", "RSA+SHA256:nonsense", "RSA+nonsense", ":", "+", ("x"):rep(100000) },
  },
  setMinProtocol = {
    condition = "unknown_protocol",
    values = { "", "nonsense", "TLS", "tlsv1.3", "TLSv1.4", "SSLv3", "TLSv1.3 ", "TLS1.3" },
  },
  setMaxProtocol = {
    condition = "unknown_protocol",
    values = { "", "nonsense", "TLS", "tlsv1.2", "TLSv1.4", "SSLv3", "TLSv1.2 ", "TLS1.2" },
  },
}

for setter, is in pairs(setters) do
  describe(setter, function()
    for _, value in ipairs(is.values) do
      local name = #value > 50 and "a very long name #slow" or ("%q"):format(value)
      it(("answers %s for %s, and leaves the context as it was"):format(is.condition, name), function()
        for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
          local client, server = narrow(version)
          local before = agreed(client, server)
          for _, context in ipairs { client, server } do
            local err = refused(is.condition, "option", nil, context[setter](context, value))
            assert.are.equal(value, err:subject())
          end
          assert.are.same(before, agreed(client, server))
        end
      end)
    end

    it("raises for a NUL byte, and for what is no string", function()
      local client, server = narrow("TLSv1.3")
      local before = agreed(client, server)
      assert.error_matches(function() client[setter](client, NUL) end, "NUL byte")
      for _, value in ipairs { {}, true, print, client } do
        assert.error_matches(function() client[setter](client, value) end, "bad argument #2 to")
      end
      assert.error_matches(function() client[setter](client) end, "bad argument #2 to")
      assert.are.same(before, agreed(client, server))
    end)
  end)
end

-- OpenSSL up to 3.4 refuses it; 3.5 and later take the list without the repetition.
describe("A group that is named twice", function()
  it("is refused, and the context stays as it was, or else it counts once", function()
    local client = narrow("TLSv1.3")
    local before = client:describe()
    local answer, err = client:setGroups("X25519:P-256:X25519")
    if answer then
      local near, far = ends.pair { transport = "memory", version = "TLSv1.3", client = client }
      assert(far:sslSuspendAt "clientHello")
      near:sslConnect()
      ends.shuttle(near, far)
      far:sslAccept()
      assert.are.same({ "x25519", "secp256r1" }, far:clientHello():groups())
    else
      assert.are.equal("unknown_group", err:condition())
      assert.are.same(before, client:describe())
    end
  end)
end)

describe("SciSslContext.new", function()
  for _, method in ipairs { "", "nonsense", "TLSv1.4", "tls", "SSLv23", "SSLv3", "DTLSv1.3" } do
    it(("answers unknown_protocol for the method %q"):format(method), function()
      refused("unknown_protocol", "option", nil, SciSslContext.new(method))
    end)
  end

  it("raises for what is no name", function()
    for _, value in ipairs { {}, true, print, "TLSv1.2\0" } do
      assert.error_matches(function() SciSslContext.new(value) end, "bad argument #1 to 'new'")
    end
  end)
end)

describe("The lowest protocol above the highest", function()
  it("is refused whichever of them comes last, and the context stays as it was", function()
    local low = assert(ends.clientContext():setMaxProtocol("TLSv1.2"))
    refused("protocol_version", "option", "TLSv1.3", low:setMinProtocol("TLSv1.3"))
    assert.are.equal("TLSv1.2", agreed(low, ends.serverContext())[1])
    local high = assert(ends.clientContext():setMinProtocol("TLSv1.3"))
    refused("protocol_version", "option", "TLSv1.2", high:setMaxProtocol("TLSv1.2"))
    assert.are.equal("TLSv1.3", agreed(high, ends.serverContext())[1])
  end)

  it("is refused for a context that was made for one version", function()
    refused("protocol_version", "option", "TLSv1.3", assert(SciSslContext.new("TLSv1.2")):setMinProtocol("TLSv1.3"))
    refused("protocol_version", "option", "TLSv1.2", assert(SciSslContext.new("TLSv1.3")):setMaxProtocol("TLSv1.2"))
  end)
end)

describe("setAlpn", function()
  local bad = {
    ["an empty name"] = { "" },
    ["an empty name behind a good one"] = { "h2", "" },
    ["a name of 256 bytes"] = { ("x"):rep(256) },
    ["more than a hello can hold"] = (function()
      local names = {}
      for i = 1, 300 do names[i] = ("x"):rep(252) .. 100 + i end
      return names
    end)(),
  }
  for name, names in pairs(bad) do
    it("answers bad_alpn for " .. name .. ", and leaves the context as it was", function()
      local client, server = narrow("TLSv1.3")
      refused("bad_alpn", "option", nil, client:setAlpn(names))
      refused("bad_alpn", "option", nil, server:setAlpn(names))
      assert.are.equal("h2", agreed(client, server)[3])
    end)
  end

  it("takes names of 1 and of 255 bytes", function()
    for _, name in ipairs { "x", ("x"):rep(255), "a\0b", "," } do
      local client, server = narrow("TLSv1.3")
      assert(client:setAlpn { "other", name })
      assert(server:setAlpn { name })
      assert.are.equal(name, agreed(client, server)[3])
    end
  end)

  it("raises for what is no table of strings, and leaves the context as it was", function()
    local client, server = narrow("TLSv1.3")
    for _, names in ipairs { "h2", 42, { 42 }, { "h2", {} }, { false } } do
      assert.error_matches(function() client:setAlpn(names) end, "bad argument #1 to 'setAlpn'")
    end
    assert.error_matches(function() client:setAlpn() end, "bad argument #1 to 'setAlpn'")
    assert.are.equal("h2", agreed(client, server)[3])
  end)
end)

describe("Verification flags that do not fit together (S14)", function()
  local PEER, FAIL, ONCE = scissl.SSL_VERIFY_PEER, scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    scissl.SSL_VERIFY_CLIENT_ONCE
  for name, flags in pairs {
    ["FAIL_IF_NO_PEER_CERT"] = FAIL, ["CLIENT_ONCE"] = ONCE, ["both"] = FAIL | ONCE,
    ["a bit that is none"] = PEER | 1 << 20, ["a negative number"] = -1, ["a huge number"] = math.maxinteger,
  } do
    it("are refused by context and socket, which stay as they were: " .. name, function()
      local context = ends.clientContext()
      refused("verify_flags", "option", nil, context:setVerify(flags))
      assert.are.equal(PEER, context:getVerify())
      local client <close>, server = ends.pair { client = context, server = {} }
      refused("verify_flags", "option", nil, client:sslSetVerify(flags))
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.same({ 1, 1 }, { client_answer, server_answer })
    end)
  end

  it("raise where they are no integer", function()
    for _, flags in ipairs { "peer", 1.5, {}, true } do
      assert.error_matches(function() ends.clientContext():setVerify(flags) end, "bad argument #1 to 'setVerify'")
    end
  end)
end)

describe("Numbers out of range", function()
  local context = assert(SciSslContext.new())
  for setter, values in pairs {
    setVerifyDepth = { -1, 1001, math.maxinteger, math.mininteger, 1.5, "deep" },
    setTimeout = { 0, -1, math.mininteger, 0.5, "long" },
    setSecurityLevel = { -1, 6, math.maxinteger, math.mininteger, 1.5, "high" },
    setSessionIdContext = { "", ("x"):rep(33) },
    setOptions = { 1.5, print, { 1 } },
  } do
    it("raise in " .. setter, function()
      for _, value in ipairs(values) do
        assert.error_matches(function() context[setter](context, value) end, "bad argument #2 to")
      end
    end)
  end
end)

describe("A host name", function()
  local label = ("x"):rep(63)
  local long = table.concat({ label, label, label, ("x"):rep(61) }, ".") -- 253 bytes
  local bad = {
    ["the empty name"] = "",
    ["a dot"] = ".",
    ["a NUL byte at the end"] = "localhost\0",
    ["a NUL byte in the middle"] = "localhost\0.evil.example",
    ["254 bytes"] = long .. "x",
    ["100,000 bytes"] = ("x."):rep(50000),
    ["a label of 64 bytes"] = "x" .. label .. ".example",
    ["an empty label"] = "local..host",
    ["a leading dot"] = ".localhost",
    ["two dots at the end"] = "localhost..",
    ["a space"] = "local host",
    ["a line end"] = "localhost\r\nX: y",
    ["a slash"] = "localhost/x",
    ["UTF-8"] = "zürich.example",
    ["Latin-1"] = "z\xfcrich.example",
  }

  for setter, what in pairs { sslSetServerName = "to ask for", sslSetVerifyHost = "to verify" } do
    for name, host in pairs(bad) do
      it(("%s with %s is refused, and the one before stays"):format(what, name), function()
        local client <close>, server = ends.pair {}
        refused("bad_host_name", "option", nil, client[setter](client, host))
        local client_answer, server_answer = ends.handshake(client, server)
        assert.are.same({ 1, 1 }, { client_answer, server_answer })
        assert.are.equal("localhost", server:serverName())
      end)
    end

    it(what .. " that is no string raises", function()
      local client <close>, server = ends.pair {}
      for _, value in ipairs { {}, true, print } do
        assert.error_matches(function() client[setter](client, value) end, "bad argument #2 to")
      end
      assert.error_matches(function() client[setter](client) end, "bad argument #2 to")
      server:close()
    end)
  end

  it("to ask for may have 253 bytes, and a trailing dot that is not sent", function()
    for _, host in ipairs { long, long .. ".", "localhost.", "x" } do
      local client <close>, server = ends.pair { serverName = host }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.equal((host:gsub("%.$", "")), server:serverName())
    end
  end)

  for _, address in ipairs { "127.0.0.1", "::1", "192.0.2.255", "2001:db8::1" } do
    it("that is the address " .. address .. " is not sent to the server", function()
      for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        local client <close>, server = ends.pair { version = version, serverName = address }
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert.is_nil(server:serverName())
        assert.is_nil(client:serverName())
      end
    end)
  end

  it("that is an address takes the name before it back", function()
    local client <close>, server = ends.pair { serverName = "localhost" }
    assert(client:sslSetServerName("127.0.0.1"))
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.is_nil(server:serverName())
  end)

  it("is verified as an address where it is one", function()
    for address, condition in pairs {
      ["127.0.0.1"] = false, ["::1"] = false, ["127.0.0.2"] = "certificate_wrong_ip", ["::2"] = "certificate_wrong_ip",
      ["127.0.0.1.example"] = "certificate_wrong_host",
    } do
      local client <close>, server = ends.pair { serverName = false, verifyHost = address }
      local answer = ends.handshake(client, server)
      if condition then
        local err = refusals.failed(condition, "connect", answer)
        if address:find(".", 1, true) then assert.are.equal(address, err:subject()) end
      else assert.are.equal(1, answer) end
    end
  end)

  for name, host in pairs(bad) do
    it("for scissl.connect with " .. name .. " is a failure, not a connection", function()
      local stream, err = scissl.connect { host = host, port = 1, timeout = 5 }
      assert.is_nil(stream)
      refusals.check(err)
      assert.is_true(err:condition() == "bad_host_name" or err:phase() == "resolve", tostring(err))
    end)
  end
end)

describe("A setting that comes too late or too early", function()
  local function settings(socket)
    return {
      function() return socket:sslSetVerify(scissl.SSL_VERIFY_NONE) end,
      function() return socket:sslSetServerName("localhost") end,
      function() return socket:sslSetVerifyHost("localhost") end,
    }
  end

  it("is refused before sslInitialize", function()
    local client <close>, server = ends.pair { initialize = false }
    for _, set in ipairs(settings(client)) do refused("not_initialized", "option", nil, set()) end
    server:close()
  end)

  it("is refused once the handshake has begun, and after it", function()
    local client <close>, server = ends.pair {}
    client:sslConnect()
    for _, set in ipairs(settings(client)) do refused("handshake_under_way", "option", nil, set()) end
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    for _, set in ipairs(settings(client)) do refused("handshake_under_way", "option", nil, set()) end
    for _, set in ipairs(settings(server)) do refused("handshake_under_way", "option", nil, set()) end
  end)

  it("is refused after close", function()
    local client, server = ends.pair {}
    client:close()
    for _, set in ipairs(settings(client)) do refused("closed", "option", nil, set()) end
    server:close()
  end)
end)

describe("A SciSslError handed where a socket or context is due", function()
  local function failure()
    local _, err = SciSslContext.new("nonsense")
    return err
  end

  it("raises an argument error, and is no socket", function()
    local err = failure()
    for name, call in pairs {
      on = function() scissl.SciSslSocket.on(err, SciSslContext.new()) end,
      new = function() scissl.SciSslSocket.new(err) end,
      onMemory = function() scissl.SciSslSocket.onMemory(err) end,
      adopt = function() scissl.SciSocket.on(err) end,
      sslRead = function() scissl.SciSslSocket.sslRead(err) end,
      sslWrite = function() scissl.SciSslSocket.sslWrite(err, "x") end,
      sslConnect = function() scissl.SciSslSocket.sslConnect(err) end,
      close = function() scissl.SciSslSocket.close(err) end,
      setVerify = function() SciSslContext.setVerify(err, 0) end,
      handshake = function() scissl.handshake(err, "connect") end,
      stream = function() scissl.stream(err) end,
      setSession = function() ends.pair({}):setSession(err) end,
      addTrusted = function() SciSslContext.addTrusted(SciSslContext.new(), err) end,
      useCertificate = function() SciSslContext.useCertificate(SciSslContext.new(), err) end,
      usePrivateKey = function() SciSslContext.usePrivateKey(SciSslContext.new(), err) end,
    } do
      local done, message = pcall(call)
      assert.is_false(done, name)
      assert.is_true(#tostring(message) > 0, name)
    end
  end)

  it("does what a SciSslError does: it has no method of a socket", function()
    assert.is_nil(failure().sslRead)
    assert.is_nil(failure().close)
  end)
end)
