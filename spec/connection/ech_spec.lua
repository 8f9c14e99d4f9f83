-- Encrypted Client Hello (RFC 9849): both ends ours, and OpenSSL's programs.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
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
local newer, newer_configs = assert(SciSslContext.newEchKey {
  publicName = PUBLIC, maxNameLength = 40, earlierKeys = { key },
})

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

  it("has another id for a new key than for those beside it", function()
    local function id_of(list) return list:byte(7) end
    local keys, ids = {}, {}
    for i = 1, 16 do
      local list
      keys[i], list = assert(SciSslContext.newEchKey { publicName = PUBLIC, earlierKeys = keys })
      assert.is_nil(ids[id_of(list)])
      ids[id_of(list)] = true
    end
    local given = { publicName = PUBLIC, earlierKeys = keys }
    for _ = 1, 60 do -- by chance alone, one of the 16 ids would come in 49 of 50 runs
      local _, list = assert(SciSslContext.newEchKey(given))
      assert.is_nil(ids[id_of(list)])
    end
    refusals.condition("bad_ech_key", SciSslContext.newEchKey { publicName = PUBLIC, earlierKeys = { "x" } })
    for _, wrong in ipairs { 1, { 1 }, "x", table.move(keys, 1, 16, 2, { newer }) } do
      assert.has_error(function() SciSslContext.newEchKey { publicName = PUBLIC, earlierKeys = wrong } end)
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
      }, { caFile = pki.ca.certificateFile, echConfigs = list, echRetry = false }, function(stream, failure)
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

  -- What scissl.connect returned, and what a server with `context` returned for each connection: the ECH status of its
  -- stream, or its SciSslError. `changed(context)` is called after the first connection.
  local function connect_to(context, options, changed)
    local listener <close> = assert(scissl.listen { host = "127.0.0.1", port = 0, context = context,
      waiter = "coroutine" })
    local _, port = listener:getSockName()
    local seen = {}
    options.host, options.port, options.caFile = "localhost", port, pki.ca.certificateFile
    options.timeout, options.waiter = 30, "coroutine"
    local results = ends.run(function()
      local stream, failure = scissl.connect(options)
      -- A connection without a handshake ends the server.
      local _ <close> = assert(scissl.SciSocket.newStreamSocket():connect("127.0.0.1", port))
      if not stream then return nil, failure end
      local status = stream:echStatus()
      stream:close()
      return status
    end, function()
      while true do
        local stream, failure = listener:accept(30)
        if failure and select(2, failure:alert()) ~= "received" then return end
        seen[#seen + 1] = stream and { stream:echStatus().status, stream:serverName() } or (failure:alert())
        if changed then changed(context) end
        if stream then
          stream:read "a"
          stream:close()
        end
      end
    end)
    return seen, table.unpack(results[1], 1, 2)
  end

  it("is tried again with the keys that the server names", function()
    local seen, status = connect_to(server_with { newer }, { echConfigs = configs })
    assert.are.same({ "ech_required", { "success", "localhost" } }, seen)
    assert.are.same(hidden, status)
  end)

  it("is tried again once", function()
    local third, third_configs = assert(SciSslContext.newEchKey { publicName = PUBLIC })
    local seen, status, failure = connect_to(server_with { newer }, { echConfigs = configs },
      function(context) assert(context:setEchKeys { third }) end)
    assert.are.same({ "ech_required", "ech_required" }, seen)
    refusals.condition("ech_rejected", status, failure)
    assert.are.equal(third_configs, failure:data())
  end)

  it("is not tried again where that is not wanted", function()
    local seen, status, failure = connect_to(server_with { newer }, { echConfigs = configs, echRetry = false })
    assert.are.same({ "ech_required" }, seen)
    refusals.condition("ech_rejected", status, failure)
    assert.are.equal(newer_configs, failure:data())
  end)

  it("is not tried again for a server whose certificate is not for the public name", function()
    for _, retry in ipairs { true, "plain" } do
      local seen, status, failure = connect_to(server_with({ newer }, pki.server),
        { echConfigs = configs, echRetry = retry })
      assert.are.equal(1, #seen)
      refusals.condition("certificate_wrong_host", status, failure)
    end
  end)

  it("is not tried again with keys that nothing has verified", function()
    for name, options in pairs {
      verify = { echConfigs = configs, verify = false },
      onVerify = { echConfigs = configs, onVerify = function() return true end },
    } do
      for _, retry in ipairs { true, "plain" } do
        options.echRetry = retry
        local seen, status, failure = connect_to(server_with({ newer }, pki.server), options)
        assert.are.equal(1, #seen, name)
        refusals.condition("ech_rejected", status, failure)
        assert.is_nil(failure:data(), name)
      end
    end
  end)

  it("is given up only where the options say so, for a server that has no key", function()
    local without = ends.serverContext { identity = identity }
    local seen, status, failure = connect_to(without, { echConfigs = configs })
    assert.are.same({ "ech_required" }, seen)
    refusals.condition("ech_rejected", status, failure)
    assert.is_nil(failure:data())
    seen, status = connect_to(without, { echConfigs = configs, echRetry = "plain" })
    assert.are.same({ "ech_required", { "not_configured", "localhost" } }, seen)
    assert.are.equal("not_configured", status.status)
  end)

  it("returns the first error where the keys that the server names are of an unknown kind", function()
    local odd = server_with { newer }
    local real = scissl.SciSslSocket.sslSetEchConfigs
    local unknown = "\0\9\254\14\0\5hello" -- a list with one entry of a version that does not exist
    refusals.condition("bad_ech_configs", real((ends.pair {}), unknown))
    -- No server of OpenSSL sends such a list: the second call gets it in place of the server's.
    local calls = 0
    local _ <close> = setmetatable({}, { __close = function() scissl.SciSslSocket.sslSetEchConfigs = real end })
    scissl.SciSslSocket.sslSetEchConfigs = function(socket, list)
      calls = calls + 1
      return real(socket, calls == 2 and unknown or list)
    end
    local _, status, failure = connect_to(odd, { echConfigs = configs })
    assert.are.equal(2, calls)
    refusals.condition("ech_rejected", status, failure)
  end)

  it("takes keys from files", function()
    local path = pki.write(newer)
    local client, _, one = meet(server_with { path, key }, newer_configs)
    assert.are.same({ 1, hidden }, { one, client:echStatus() })
    local context = server_with { path }
    local missing = pki.folder() .. "/missing.pem"
    refusals.refused("file_missing", "load", missing, context:setEchKeys { key, missing })
    refusals.refused("file_directory", "load", pki.folder(), context:setEchKeys { pki.folder() })
    refusals.condition("file_empty", context:setEchKeys { pki.write "" })
    refusals.condition("bad_ech_key", context:setEchKeys { pki.server.keyFile })
    refusals.condition("bad_ech_key", context:setEchKeys { path .. "\0" })
    client, _, one = meet(context, newer_configs)
    assert.are.same({ 1, hidden }, { one, client:echStatus() })
  end)

  it("follows a file whose keys were replaced", function()
    local path = pki.write(key)
    local configuration = scissl.SciSslSocketConfiguration.new {
      certificate = identity.certificate, privateKey = identity.key, echKeys = { path },
    }
    assert.are.equal("success", (meet(configuration:getSciSslContext(), configs)):echStatus().status)
    assert(os.rename(pki.write(newer .. key), path))
    assert.are.equal("success", (meet(configuration:getSciSslContext(), newer_configs)):echStatus().status)
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
    for _, case in ipairs {
      { configs, false, "success" }, { newer_configs, false, "ech_rejected" }, { newer_configs, true, "success" },
    } do
      local stream, failure = scissl.connect {
        host = "localhost", family = "inet", port = peer.port, caFile = pki.ca.certificateFile, timeout = 30,
        echConfigs = case[1], echRetry = case[2],
      }
      assert.are.equal(case[3], stream and stream:echStatus().status or failure:condition())
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

describe("Encrypted Client Hello with NSS #slow", function()
  local with_nss = peers.present "nss" and it or pending

  with_nss("serves tstclnt, and names the current key to one that has an outdated list", function()
    for _, case in ipairs {
      { newer_configs, "success", "localhost", "good bye" },
      { configs, "grease", PUBLIC, "SSL_ERROR_ECH_RETRY_WITH_ECH" },
    } do
      local listener <close>, port = ends.listener()
      local peer <close> = peers.nssClient(port, "-N " .. base64(case[1]))
      local socket <close> = assert(foreign.serve(listener, server_with { newer }))
      assert.are.same({ case[2], case[3] }, { socket:echStatus().status, socket:serverName() })
      socket:sslWrite "good bye\n" -- tstclnt may have ended
      foreign.expect(peer, case[4])
    end
  end)

  with_nss("reaches selfserv, also with an outdated list", function()
    local peer <close> = peers.nssServer("-X publicname:" .. PUBLIC, identity)
    local list = assert(peer.output:match "^%s*(%S+)")
    for _, case in ipairs {
      { list, false, "success" }, { configs, false, "ech_rejected" }, { configs, true, "success" },
    } do
      local stream, failure = scissl.connect {
        host = "localhost", family = "inet", port = peer.port, caFile = pki.ca.certificateFile, timeout = 30,
        echConfigs = case[1], echRetry = case[2],
      }
      assert.are.equal(case[3], stream and stream:echStatus().status or failure:condition())
      if failure then assert.are.equal(list, base64(failure:data()))
      else
        assert(stream:write "GET / HTTP/1.0\r\n\r\n")
        assert.are.equal("HTTP/1.0 200 OK", (stream:read "l":gsub("\r$", "")))
        stream:close()
      end
    end
  end)
end)
