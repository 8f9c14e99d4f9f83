-- SciSslContext, whom it trusts and whose certificates it asks for: DER, bundles, URIs, accepted issuers.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local work = require "spec.support.work"

local SciSslContext = scissl.SciSslContext
local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local SUBJECT = "CN=scissl test authority"

local function trusts(context, identity)
  local client, server = ends.pair { transport = "memory", client = context, server = { identity = identity } }
  local answer = ends.handshake(client, server)
  return answer == 1 or refusals.failed("certificate_unknown_issuer", "connect", answer) and false
end

local function fresh(setup)
  return ends.clientContext { trust = false, setup = setup }
end

describe("Trust", function()
  it("comes from the DER bytes of a certificate", function()
    local der = pki.ca.certificate:toDer()
    assert.is_true(trusts(fresh(function(context) assert(context:addTrusted(der)) end), pki.server))
    assert.is_false(trusts(fresh(), pki.server))
  end)

  it("comes from a file in DER", function()
    local path = pki.write(pki.ca.certificate:toDer())
    assert.is_true(trusts(fresh(function(context) assert(context:loadVerifyLocations(path)) end), pki.server))
  end)

  it("comes from PEM text with several certificates", function()
    local context = fresh(function(one)
      assert(one:addTrusted(pki.otherCa.certificatePem .. "and\n" .. pki.ca.certificatePem))
    end)
    assert.is_true(trusts(context, pki.server))
    assert.is_true(trusts(context, pki.strangeServer))
    assert.are.equal(2, context:describe().trustedCertificates)
  end)

  it("stays as it was where one of several certificates, or DER, is damaged", function()
    local context, der = SciSslContext.new(), pki.ca.certificate:toDer()
    for _, text in ipairs { pki.ca.certificatePem .. pki.otherCa.certificatePem:sub(1, -40), der:sub(1, -2),
      der .. "\0", der:sub(1, 4), der:sub(1, 2) .. "\255" .. der:sub(4) } do
      refusals.refused("malformed_certificate", "load", "trusted certificate", context:addTrusted(text))
    end
    refusals.refused("not_pem", "load", nil, context:addTrusted("\x30"))
    refusals.refused("not_pem", "load", nil, context:addTrusted("00 is how this text begins"))
    assert.are.equal(0, context:describe().trustedCertificates)
  end)
end)

-- The output of a child that runs `source`, in which `pipe` is a named pipe that holds `bytes`.
local function with_pipe(bytes, source)
  local file, pipe = pki.write(bytes), pki.write ""
  assert(os.remove(pipe))
  assert(os.execute("mkfifo " .. pipe))
  local _ <close> = ends.start(("cat %s >%s"):format(file, pipe))
  local reader <close> = ends.start("timeout 30 " .. ends.luaCommand(([[
    local scissl, pipe = require "scissl", "%s"
    local context = scissl.SciSslContext.new()
    %s
  ]]):format(pipe, source)))
  return (reader:finish())
end

describe("A large trust store", function()
  it("makes the next certificate cost no more as PEM text than as an object #slow", function()
    local texts, objects, context = {}, {}, SciSslContext.new()
    for i = 1, 400 do
      objects[i] = pki.issue { subject = "CN=authority " .. i, ca = true }.certificate
      texts[i] = objects[i]:toPem()
    end
    local function add(list)
      for _, certificate in ipairs(list) do assert(context:addTrusted(certificate)) end
    end
    local function parse()
      for _, text in ipairs(texts) do scissl.SciSslX509Certificate.fromPem(text) end
    end
    add(objects)
    local parsed = work.processor(parse)
    local ratio = work.processor(add, texts) / (parsed + work.processor(add, objects))
    assert.is_true(ratio < 4, ratio)
  end)
end)

describe("Pipes", function()
  local trust = "assert(context:loadVerifyLocations(pipe)) print(context:describe().trustedCertificates)"

  it("are read as files are: PEM and DER", function()
    assert.are.equal("2\n", with_pipe(pki.otherCa.certificatePem .. pki.ca.certificatePem, trust))
    assert.are.equal("1\n", with_pipe(pki.ca.certificate:toDer(), trust))
  end)

  it("may hold what is longer than they are", function()
    assert.are.equal("1\n", with_pipe(("text\n"):rep(40000) .. pki.ca.certificatePem, trust))
  end)

  it("of keys, chains and PKCS#12 are read as well", function()
    assert.are.equal("", with_pipe(pki.server.keyPem, "assert(context:usePrivateKeyFile(pipe))"))
    assert.are.equal("", with_pipe(pki.server.certificatePem, "assert(context:useCertificateChainFile(pipe))"))
    local pkcs12 = scissl.SciSslPkcs12.make { key = pki.server.key, certificate = pki.server.certificate,
      passphrase = "x" }
    assert.are.equal("", with_pipe(pkcs12, "assert(context:usePkcs12File(pipe, 'x'))"))
  end)

  it("that hold nothing, or something else, are rejected for that", function()
    local report = "local _, err = context:loadVerifyLocations(pipe) print(err:condition())"
    assert.are.equal("file_empty\n", with_pipe("", report))
    assert.are.equal("not_pem\n", with_pipe("dear server\n", report))
    assert.are.equal("malformed_certificate\n", with_pipe(pki.ca.certificatePem:sub(1, -40), report))
  end)

  it("and devices are not read without bound", function()
    local context = SciSslContext.new()
    local err = refusals.refused("file_unreadable", "load", "/dev/zero", context:loadVerifyLocations "/dev/zero")
    refusals.refused("file_empty", "load", "/dev/null", context:loadVerifyLocations "/dev/null")
    assert.matches("more than 16 MiB", tostring(err), 1, true)
  end)
end)

describe("addTrustedUri", function()
  local bundle = pki.write(pki.otherCa.certificatePem .. pki.ca.certificatePem .. crl.make {})

  it("trusts the certificates behind a file: URI, and takes its revocation lists", function()
    local context = fresh(function(one) assert.are.equal(one, (one:addTrustedUri("file:" .. bundle))) end)
    assert.is_true(trusts(context, pki.server))
    assert.are.same({ 2, 1 }, { context:describe().trustedCertificates, context:describe().crls })
  end)

  it("takes a path, and DER", function()
    local path = pki.write(pki.ca.certificate:toDer())
    assert.is_true(trusts(fresh(function(context) assert(context:addTrustedUri(path)) end), pki.server))
  end)

  it("leaves a connection of before alone (S9)", function()
    local context = fresh()
    local client, server = ends.pair { transport = "memory", client = context }
    assert(context:addTrustedUri("file:" .. bundle))
    refusals.failed("certificate_unknown_issuer", "connect", (ends.handshake(client, server)))
    assert.is_true(trusts(context, pki.server))
  end)

  it("refuses what cannot be read, without a change", function()
    local context = SciSslContext.new()
    local before = context:describe()
    for condition, uris in pairs {
      file_missing = { "file:/no/such/file", "/no/such/file" },
      unknown_scheme = { "nosuchscheme:thing" },
      store_empty = { pki.server.keyFile },
    } do
      for _, uri in ipairs(uris) do
        refusals.refused(condition, "load", uri, context:addTrustedUri(uri))
      end
    end
    for _, bytes in ipairs { "rubbish", ("x"):rep(100000), pki.ca.certificate:toDer():sub(1, -5),
      pki.ca.certificatePem:sub(1, -60), "" } do
      local added, err = context:addTrustedUri(pki.write(bytes))
      assert.is_nil(added)
      refusals.check(err)
      assert.truthy(err:condition() == "store_unreadable" or err:condition() == "store_empty", err:condition())
    end
    assert.are.same(before, context:describe())
  end)

  it("never asks anybody for a passphrase", function()
    local key = scissl.SciSslPrivateKey.generate("EC", "P-256")
    local path = pki.write(key:toPem("secret"))
    local added, err = SciSslContext.new():addTrustedUri(path)
    assert.is_nil(added)
    refusals.check(err)
  end)

  it("raises for other types and NUL bytes", function()
    local context = SciSslContext.new()
    for _, value in ipairs { true, {}, "file:\0" } do
      assert.error_matches(function() context:addTrustedUri(value) end, "bad argument #1 to 'addTrustedUri'")
    end
    assert.error_matches(function() context:addTrustedUri() end, "bad argument #1 to 'addTrustedUri'")
  end)
end)

-- openssl prints `CN = name` up to 3.1 and `CN=name` from 3.2 on.
local function names_of(output)
  return (output:gsub(" = ", "="))
end

-- What a foreign client hears of accepted issuers, as openssl prints them.
local function heard(context, version)
  local listener, port = ends.listener()
  local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -%s"):format(port,
    version == "TLSv1.2" and "tls1_2" or "tls1_3"))
  foreign.serve(listener, context)
  foreign.expect(peer, "^SSL handshake has read")
  listener:close()
  return names_of(peer.output)
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("The issuers that a server accepts, " .. version .. ",", function()
    local function server(setup)
      return ends.serverContext { method = version, verify = scissl.SSL_VERIFY_PEER, setup = setup }
    end

    it("are heard by the client", function()
      local output = heard(server(function(context)
        assert(context:setAcceptedIssuers { pki.otherCa.certificate, "O=Somebody,CN=By name" })
      end), version)
      assert.truthy(output:find("Acceptable client certificate CA names", 1, true), output)
      assert.truthy(output:find("CN=another authority", 1, true), output)
      assert.truthy(output:find("CN=By name", 1, true), output)
      assert.is_nil(output:find("Acceptable.-CN=scissl test authority.-Requested"), output)
    end)

    it("are none unless they are named", function()
      for _, setup in ipairs {
        function() end,
        function(context) assert(context:setAcceptedIssuers { "CN=a" }:setAcceptedIssuers {}) end,
      } do
        local output = heard(server(setup), version)
        assert.truthy(output:find("No client certificate CA names sent", 1, true), output)
      end
    end)

    it("can be those that are trusted", function()
      local output = heard(server(function(context)
        assert(context:addTrusted(pki.otherCa.certificate):acceptTrustedIssuers())
      end), version)
      assert.truthy(output:find("CN=another authority", 1, true), output)
      assert.truthy(output:find("Acceptable.-CN=scissl test authority"), output)
    end)

    it("do not decide who is let in", function()
      local near, far = ends.pair { transport = "memory", version = version, client = { identity = pki.client },
        server = { verify = REQUIRE, setup = function(context)
          assert(context:setAcceptedIssuers { "CN=somebody else" })
        end } }
      assert.are.same({ 1, 1 }, { ends.handshake(near, far) })
    end)

    it("are those of the time of sslInitialize (S9)", function()
      local context = server(function(one) assert(one:setAcceptedIssuers { "CN=first" }) end)
      local listener, port = ends.listener()
      local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d"):format(port))
      assert(listener:wait("r", 30))
      local plain = assert(listener:accept())
      assert(plain:setBlocking(false))
      local socket = assert(scissl.SciSslSocket.on(plain, context))
      assert(socket:sslInitialize())
      assert(context:setAcceptedIssuers { "CN=second" })
      assert(scissl.handshake(socket, "accept"))
      foreign.expect(peer, "^SSL handshake has read")
      local output = names_of(peer.output)
      assert.truthy(output:find("CN=first", 1, true), output)
      assert.is_nil(output:find("CN=second", 1, true), output)
      listener:close()
    end)
  end)
end

describe("Accepted issuers", function()
  local context
  before_each(function() context = assert(SciSslContext.new():setAcceptedIssuers { "CN=before" }) end)

  local function names() return context:describe().acceptedIssuers end

  it("come from certificates, names, PEM text, DER bytes and files", function()
    assert.are.same({ SUBJECT, "CN=x" }, context:setAcceptedIssuers { pki.ca.certificate, "CN=x" } and names())
    assert.are.same({ "CN=another authority", SUBJECT },
      context:setAcceptedIssuers(pki.otherCa.certificatePem .. pki.ca.certificatePem) and names())
    assert.are.same({ SUBJECT }, context:setAcceptedIssuers(pki.ca.certificate:toDer()) and names())
    assert.are.same({ "CN=another authority" }, context:loadAcceptedIssuers(pki.otherCa.certificateFile) and names())
    assert.are.same({ SUBJECT }, context:loadAcceptedIssuers(pki.write(pki.ca.certificate:toDer())) and names())
  end)

  it("stay as they were where one is refused", function()
    for _, bad in ipairs { "no name", "CN=\"open", "=x", "NOSUCH=x" } do
      refusals.refused("malformed_name", "load", bad, context:setAcceptedIssuers { pki.ca.certificate, bad })
    end
    refusals.refused("not_pem", "load", nil, context:setAcceptedIssuers(""))
    refusals.refused("not_pem", "load", nil, context:setAcceptedIssuers("CN=x"))
    refusals.refused("not_certificate", "load", nil, context:setAcceptedIssuers(pki.ca.keyPem))
    refusals.refused("malformed_certificate", "load", nil,
      context:setAcceptedIssuers(pki.ca.certificate:toDer():sub(1, -2)))
    refusals.refused("file_missing", "load", "/no/such", context:loadAcceptedIssuers("/no/such"))
    refusals.refused("file_empty", "load", nil, context:loadAcceptedIssuers(pki.write("")))
    assert.are.same({ "CN=before" }, names())
  end)

  it("raise for other types and closed certificates", function()
    local closed = pki.issue { subject = "CN=closed" }.certificate
    closed:close()
    for _, value in ipairs { true, { 1 }, { {} }, { pki.ca.key }, { closed }, print } do
      assert.error_matches(function() context:setAcceptedIssuers(value) end, "bad argument #1 to 'setAcceptedIssuers'")
    end
    assert.error_matches(function() context:setAcceptedIssuers() end, "bad argument #1 to 'setAcceptedIssuers'")
    assert.error_matches(function() context:loadAcceptedIssuers("a\0b") end, "bad argument #1 to 'loadAcceptedIssuers'")
    assert.are.same({ "CN=before" }, names())
  end)
end)
