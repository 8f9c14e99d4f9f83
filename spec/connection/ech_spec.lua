-- Encrypted Client Hello (RFC 9849): both ends ours, and OpenSSL's programs.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local SciSslContext = scissl.SciSslContext
local base64 = getmetatable(require "scissl.core").base64
local PUBLIC = "public.example"

if not scissl.features.ECH then
  describe("Encrypted Client Hello", function()
    it("is not in this OpenSSL", function()
      refusals.condition("not_in_this_openssl", SciSslContext.newEchKey { publicName = PUBLIC })
      refusals.condition("not_in_this_openssl", SciSslContext.echConfigs "x")
      local context = ends.serverContext {}
      refusals.condition("not_in_this_openssl", context:setEchKeys { "x" })
      assert.are.equal(context, context:setEchKeys {})
      local client = ends.pair {}
      refusals.condition("not_in_this_openssl", client:sslSetEchConfigs "x")
      refusals.condition("not_in_this_openssl", client:sslSetEchOuterAlpn { "h2" })
      assert.are.same({ status = "not_configured" }, client:echStatus())
      assert.is_nil(client:echRetryConfigs())
    end)
  end)
  return
end

local identity = pki.issue { subject = "CN=both", names = { "localhost", PUBLIC } }
local key, configs = assert(SciSslContext.newEchKey { publicName = PUBLIC })
local newer, newer_configs = assert(SciSslContext.newEchKey { publicName = PUBLIC, maxNameLength = 40 })

local function server_with(keys, of)
  local context = ends.serverContext { identity = of or identity }
  assert(context:setEchKeys(keys))
  return context
end

-- The ends, and what their handshakes returned.
local function meet(server_context, list, prepare, client_context)
  local client, server = ends.pair { server = server_context, client = client_context, transport = "memory" }
  if list then assert(client:sslSetEchConfigs(list)) end
  if prepare then prepare(client, server) end
  local client_answer, server_answer = ends.handshake(client, server)
  return client, server, client_answer, server_answer
end

local hidden = { status = "success", innerName = "localhost", outerName = PUBLIC }

describe("Encrypted Client Hello", function()
  it("hides the server name, as both sides tell", function()
    for _, list in ipairs { configs, base64(configs) } do
      local client, server, one, other = meet(server_with { key }, list)
      assert.are.same({ 1, 1 }, { one, other })
      assert.are.same(hidden, client:echStatus())
      assert.are.same(hidden, server:echStatus())
      assert.are.equal("localhost", server:serverName())
      assert.is_nil(client:echRetryConfigs())
    end
  end)

  it("keeps the name out of what is sent", function()
    local client = ends.pair { server = server_with { key }, transport = "memory" }
    assert(client:sslSetEchConfigs(configs))
    assert(client:sslSetAlpn { "hidden-protocol" })
    assert(client:sslSetEchOuterAlpn { "plain-protocol" })
    assert.is_true(client:sslConnect() < 0)
    local sent = client:sslDrain()
    assert.is_nil(sent:find("localhost", 1, true))
    assert.is_nil(sent:find("hidden-protocol", 1, true))
    assert.truthy(sent:find(PUBLIC, 1, true))
    assert.truthy(sent:find("plain-protocol", 1, true))
    assert.are.equal("pending", client:echStatus().status)
  end)

  it("shows another name in plain text, or none", function()
    for _, outer in ipairs { "cover.example", false } do
      local client, server, one, other = meet(server_with { key }, nil, function(socket)
        assert(socket:sslSetEchConfigs(configs, { outerName = outer }))
      end)
      assert.are.same({ 1, 1 }, { one, other })
      assert.are.equal("success", server:echStatus().status)
      assert.are.equal(outer or nil, client:echStatus().outerName)
    end
  end)

  it("takes older keys beside the current one", function()
    local client, server, one, other = meet(server_with { newer, key }, configs)
    assert.are.same({ 1, 1 }, { one, other })
    assert.are.same({ hidden, hidden }, { client:echStatus(), server:echStatus() })
  end)

  it("ends with the server's current key where the client has an outdated one, and then succeeds", function()
    local rotated = server_with { newer }
    local client, _, failure, other = meet(rotated, configs)
    refusals.failed("ech_rejected", "connect", failure)
    refusals.alert("ech_required", "sent", failure)
    assert.are.equal(newer_configs, failure:data())
    assert.are.equal(newer_configs, client:echRetryConfigs())
    assert.are.same({ status = "rejected", innerName = "localhost", outerName = PUBLIC }, client:echStatus())
    refusals.alert("ech_required", "received", refusals.answer("alert_received", other))
    local again, _, one = meet(rotated, failure:data())
    assert.are.same({ 1, hidden }, { one, again:echStatus() })
  end)

  it("trusts no key of a server whose certificate is not for the public name", function()
    local client, _, failure = meet(server_with({ newer }, pki.server), configs)
    refusals.failed("certificate_wrong_host", "connect", failure)
    assert.is_nil(failure:data())
    assert.is_nil(client:echRetryConfigs())
    assert.are.equal("rejected_bad_name", client:echStatus().status)
  end)

  it("ends without a key where the server has none", function()
    local _, server, failure = meet(ends.serverContext { identity = identity }, configs)
    refusals.failed("ech_rejected", "connect", failure)
    assert.is_nil(failure:data())
    assert.are.equal("not_configured", server:echStatus().status)
  end)

  it("is imitated by the option ech_grease, which learns the server's key", function()
    local greasing = ends.clientContext {}
    assert(greasing:setOptions "ech_grease")
    local client, server, one = meet(server_with { key }, nil, nil, greasing)
    assert.are.same({ 1, "grease_retry", "grease" }, { one, client:echStatus().status, server:echStatus().status })
    assert.are.equal(configs, client:echRetryConfigs())
    client = meet(ends.serverContext { identity = identity }, nil, nil, greasing)
    assert.are.equal("grease", client:echStatus().status)
    assert.is_true(client:isSecure())
  end)

  it("shows the hidden ClientHello to a suspended server, also behind another context", function()
    local hello, answers
    local other = ends.serverContext { identity = identity }
    local client, server = ends.pair { server = server_with { key }, transport = "memory" }
    assert(client:sslSetEchConfigs(configs))
    assert(client:sslSetAlpn { "h2" })
    assert(client:sslSetEchOuterAlpn { "plain" })
    assert(server:sslSuspendAt "clientHello")
    ends.handshake(client, server)
    hello = server:clientHello()
    assert.are.equal("localhost", hello:serverName())
    assert.are.same({ "h2" }, hello:alpn())
    assert.are.equal("TLSv1.3", hello:versions()[1])
    assert(other:setAlpn { "h2" })
    assert(server:sslSetContext(other))
    answers = { ends.handshake(client, server) }
    assert.are.same({ 1, 1 }, answers)
    assert.are.same({ hidden, hidden, "h2" }, { client:echStatus(), server:echStatus(), client:alpnProtocol() })
  end)

  it("survives a HelloRetryRequest", function()
    local server_context = server_with { key }
    assert(server_context:setGroups "P-384")
    local client_context = ends.clientContext {}
    assert(client_context:setGroups "X25519:P-384")
    local client, server, one = meet(server_context, configs, nil, client_context)
    assert.are.same({ 1, hidden, hidden }, { one, client:echStatus(), server:echStatus() })
  end)

  it("goes with resumption", function()
    local server_context, client_context = server_with { key }, ends.clientContext {}
    local client, server = meet(server_context, configs, nil, client_context)
    server:sslWrite "x"
    ends.read(client, server)
    local session = client:getSession()
    local again, there, one = meet(server_context, configs, function(socket)
      assert(socket:setSession(session))
    end, client_context)
    assert.are.same({ 1, true, hidden, hidden },
      { one, again:isSessionReused(), again:echStatus(), there:echStatus() })
  end)

  it("serves scissl.connect and an SNI map of scissl.listen", function()
    local function visit(list)
      local client, server = streams.meet({
        sni = { localhost = { certificate = identity.certificate, privateKey = identity.key } },
        certificate = identity.certificate, privateKey = identity.key, echKeys = { newer },
      }, { caFile = pki.ca.certificateFile, echConfigs = list }, function(stream, failure)
        if not stream then return failure:condition() end
        local status = stream:echStatus()
        stream:close()
        return status
      end, function(stream, failure)
        if not stream then return failure:condition(), failure:data() end
        stream:read "a"
        local status = stream:echStatus()
        stream:close()
        return status
      end)
      return client, server
    end
    local client, server = visit(newer_configs)
    assert.are.same({ hidden, hidden }, { client[1], server[1] })
    client = visit(configs)
    assert.are.same({ "ech_rejected", newer_configs }, { client[1], client[2] })
    client = visit(client[2])
    assert.are.same(hidden, client[1])
  end)

  it("describes its keys, and leaves them where new ones are wrong", function()
    local context = server_with { newer, key }
    assert.are.equal(2, context:describe().echKeys)
    refusals.condition("bad_ech_key", context:setEchKeys { key, pki.server.keyPem })
    assert.are.equal(2, context:describe().echKeys)
    assert.are.equal(0, context:setEchKeys({}):describe().echKeys)
    assert.are.equal(configs, SciSslContext.echConfigs(key))
    refusals.condition("bad_ech_key", SciSslContext.echConfigs(pki.server.keyPem))
  end)

  it("makes keys for other algorithms, and refuses wrong options", function()
    local other, list = assert(SciSslContext.newEchKey {
      publicName = PUBLIC, suite = "p-256,hkdf-sha256,chacha20-poly1305",
    })
    local client, _, one = meet(server_with { other }, list)
    assert.are.same({ 1, hidden }, { one, client:echStatus() })
    refusals.condition("bad_ech_key", SciSslContext.newEchKey { publicName = PUBLIC, suite = "nosuch" })
    refusals.condition("bad_ech_key", SciSslContext.newEchKey { publicName = ("x"):rep(300) })
    assert.error_matches(function() SciSslContext.newEchKey {} end, "option 'publicName' is missing")
    assert.error_matches(function() SciSslContext.newEchKey { publicName = PUBLIC, maxNameLength = 256 } end,
      "option 'maxNameLength': integer from 0 to 255 expected, got 256")
  end)
end)

describe("Encrypted Client Hello with openssl #slow", function()
  local key_file = pki.write(key)

  it("reaches s_server", function()
    local peer <close> = ends.openssl(("-cert %s -key %s -cert2 %s -key2 %s -servername localhost -ech_key %s -rev")
      :format(identity.certificateFile, identity.keyFile, identity.certificateFile, identity.keyFile, key_file))
    for _, case in ipairs { { configs, "success" }, { newer_configs, "ech_rejected" } } do
      local stream, failure = scissl.connect {
        host = "localhost", family = "inet", port = peer.port, caFile = pki.ca.certificateFile, timeout = 30,
        echConfigs = case[1],
      }
      assert.are.equal(case[2], stream and stream:echStatus().status or failure:condition())
      if failure then assert.are.equal(configs, failure:data())
      else
        assert(stream:write "abc\n")
        assert.are.equal("cba", stream:read "l")
        stream:close()
      end
    end
  end)

  it("serves s_client", function()
    local listener, port = streams.listen {
      certificate = identity.certificate, privateKey = identity.key, echKeys = { newer, key }, waiter = "poll",
    }
    local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -servername localhost -CAfile %s "
      .. "-ech_config_list %s"):format(port, pki.ca.certificateFile, base64(configs)))
    local stream, failure = listener:accept(30)
    assert(stream, tostring(failure))
    assert.are.same(hidden, stream:echStatus())
    stream:close()
    listener:close()
    local output = peer:finish()
    assert.truthy(output:find("ECH: success", 1, true), output)
  end)
end)
