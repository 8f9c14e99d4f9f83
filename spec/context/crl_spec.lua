-- SciSslContext, revocation lists: from text, bytes and files, checked in handshakes of both versions.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext = scissl.SciSslContext
local HOUR, DAY = 60 * 60, 24 * 60 * 60
local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

local revoked_client = pki.issue { subject = "CN=client of yesterday" }
local revoked_server = pki.issue { subject = "CN=localhost", names = { "localhost" } }
local list = crl.make { revoked = { revoked_client, revoked_server } }

local function checked(...)
  local lists = { ... }
  return function(context)
    assert(context:setVerifyFlags("crl_check"))
    for _, one in ipairs(lists) do assert(context:addCrl(one)) end
  end
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A server that looks at revocation lists, " .. version .. ",", function()
    local function met(identity, setup)
      local client, server = ends.pair { version = version, client = { identity = identity },
        server = { verify = REQUIRE, trust = pki.ca, setup = setup } }
      local near, far = ends.handshake(client, server)
      return far, near, client, server
    end

    it("refuses a revoked client, which learns it from the alert", function()
      local far, near, client = met(revoked_client, checked(list))
      refusals.failed("certificate_revoked", "accept", far)
      assert.are.same({ "certificate_revoked", "sent", scissl.SSL_AD_CERTIFICATE_REVOKED }, { far:alert() })
      if near == 1 then near = ends.read(client) end -- in TLS 1.3 the client has finished first
      refusals.failed("client_certificate_refused", version == "TLSv1.3" and "read" or "connect", near)
      assert.are.same({ "certificate_revoked", "received", scissl.SSL_AD_CERTIFICATE_REVOKED }, { near:alert() })
    end)

    it("lets others in", function()
      assert.are.equal(1, (met(pki.client, checked(list))))
    end)

    it("looks at them where the flag is set only", function()
      assert.are.equal(1, (met(revoked_client, function(context) assert(context:addCrl(list)) end)))
    end)

    it("refuses everybody where there is no list", function()
      local err = refusals.failed("crl_missing", "accept", (met(pki.client, checked())))
      assert.truthy(err:errorHint():find("addCrl", 1, true), err:errorHint())
    end)
  end)

  describe("A client that looks at revocation lists, " .. version .. ",", function()
    local function met(identity, setup, trust)
      return (ends.handshake(ends.pair { transport = "memory", version = version, server = { identity = identity },
        client = { setup = setup, trust = trust } }))
    end

    it("refuses a revoked server", function()
      refusals.failed("certificate_revoked", "connect", met(revoked_server, checked(list)))
      assert.are.equal(1, met(pki.server, checked(list)))
    end)

    it("refuses an expired list", function()
      local old = crl.make { lastUpdate = os.time() - 2 * DAY, nextUpdate = os.time() - DAY }
      refusals.failed("crl_expired", "connect", met(pki.server, checked(old)))
    end)

    it("refuses a list from the future", function()
      local new = crl.make { lastUpdate = os.time() + DAY, nextUpdate = os.time() + 2 * DAY }
      refusals.failed("crl_not_yet_valid", "connect", met(pki.server, checked(new)))
    end)

    it("refuses a list that another key has signed", function()
      local forger = pki.issue { subject = "CN=scissl test authority", ca = true, issuer = false }
      local err = met(revoked_server, checked(crl.make { issuer = forger }))
      refusals.check(err)
      assert.truthy(err:condition() == "crl_invalid" or err:condition() == "crl_missing", err:condition())
    end)

    it("takes the newest of several lists of one issuer, in whatever order they came", function()
      local before = crl.make { lastUpdate = os.time() - 3 * HOUR }
      refusals.failed("certificate_revoked", "connect", met(revoked_server, checked(before, list)))
      refusals.failed("certificate_revoked", "connect", met(revoked_server, checked(list, before)))
    end)

    it("looks at the authorities above with crl_check_all", function()
      local middle = pki.issue { subject = "CN=middle", ca = true }
      local server = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = middle }
      local of_middle, bad, good = crl.make { issuer = middle }, crl.make { revoked = { middle } }, crl.make {}
      local function all(context)
        assert(context:setVerifyFlags { "crl_check", "crl_check_all" })
      end
      local function trusting(...)
        local lists = checked(...)
        return function(context)
          assert(context:addTrusted(middle.certificate))
          lists(context)
          all(context)
        end
      end
      assert.are.equal(1, met(server, trusting(of_middle, good)))
      refusals.failed("certificate_revoked", "connect", met(server, trusting(of_middle, bad)))
      refusals.failed("crl_missing", "connect", met(server, trusting(of_middle)))
    end)

    it("judges lists at the time of verification", function()
      local ca = pki.issue { subject = "CN=old", ca = true, issuer = false, notBefore = os.time() - 10 * DAY,
        notAfter = os.time() + DAY }
      local server = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = ca,
        notBefore = os.time() - 9 * DAY, notAfter = os.time() + DAY }
      local old = crl.make { issuer = ca, lastUpdate = os.time() - 2 * DAY, nextUpdate = os.time() - DAY }
      refusals.failed("crl_expired", "connect", met(server, checked(old), ca))
      assert.are.equal(1, met(server, function(context)
        checked(old)(context)
        assert(context:setVerifyTime(os.time() - DAY - HOUR))
      end, ca))
    end)
  end)

  describe("A session, " .. version .. ",", function()
    -- A session of `identity` from before there was a list, offered where `setup` has prepared the client.
    local function again(identity, setup)
      local server = ends.serverContext { method = version, identity = identity }
      local near, far = ends.connected { transport = "memory", version = version, server = server }
      assert(far:sslWrite("x"))
      assert.are.equal("x", ends.read(near, far))
      local client, peer = ends.pair { transport = "memory", version = version, server = server,
        client = { setup = setup } }
      assert(client:setSession(assert(near:getSession())))
      local answer = ends.handshake(client, peer)
      return answer == 1 and client:isSessionReused() or answer
    end

    it("of a server that was revoked since is not resumed", function()
      refusals.failed("certificate_revoked", "connect", again(revoked_server, checked(list)))
    end)

    it("of a client that was revoked since does not let it in", function()
      for identity, condition in pairs { [revoked_client] = "certificate_revoked", [pki.client] = false } do
        local server = ends.serverContext { method = version, verify = REQUIRE, trust = pki.ca }
        local client = ends.clientContext { method = version, identity = identity }
        local options = { transport = "memory", version = version, server = server, client = client }
        local near, far = ends.connected(options)
        assert(far:sslWrite("x"))
        assert.are.equal("x", ends.read(near, far))
        checked(list)(server)
        local again_near, again_far = ends.pair(options)
        assert(again_near:setSession(assert(near:getSession())))
        local answer, other = ends.handshake(again_near, again_far)
        if condition then refusals.failed(condition, "accept", other)
        else
          assert.are.same({ 1, 1 }, { answer, other })
          assert.is_true(again_far:isSessionReused())
        end
      end
    end)

    it("of another server is resumed", function()
      assert.is_true(again(pki.server, checked(list)))
    end)

    it("is not resumed where the time of verification lies behind the certificate's", function()
      refusals.failed("certificate_expired", "connect", again(pki.server, function(context)
        assert(context:setVerifyTime(os.time() + 3000 * DAY))
      end))
      assert.is_true(again(pki.server))
    end)
  end)

  describe("Revocation lists and earlier connections (S9), " .. version .. ",", function()
    local function options(context)
      return { transport = "memory", version = version, client = context, server = { identity = revoked_server } }
    end

    it("do not meet, and the lists reach later ones", function()
      local before = crl.make { lastUpdate = os.time() - DAY }
      local context = ends.clientContext { method = version, setup = checked(before) }
      local client, server = ends.pair(options(context))
      assert(context:addCrl(list))
      assert.are.equal(1, (ends.handshake(client, server)))
      refusals.failed("certificate_revoked", "connect", (ends.handshake(ends.pair(options(context)))))
    end)

    it("stay where the trust store is copied", function()
      local context = ends.clientContext { method = version, setup = checked(list) }
      local client, server = ends.pair(options(context))
      assert(context:addTrusted(pki.otherCa.certificate))
      assert.are.equal(1, context:describe().crls)
      refusals.failed("certificate_revoked", "connect", (ends.handshake(client, server)))
      refusals.failed("certificate_revoked", "connect", (ends.handshake(ends.pair(options(context)))))
    end)
  end)
end

describe("Revocation lists", function()
  local context
  before_each(function() context = SciSslContext.new() end)

  it("come as PEM text, several in one, as DER bytes, and from files of both", function()
    local other = crl.make { issuer = pki.otherCa }
    assert.are.equal(2, context:addCrl(list .. "between them\n" .. other):describe().crls)
    assert.are.equal(2, context:addCrl(crl.toDer(list)):describe().crls) -- known already
    context = SciSslContext.new()
    assert.are.equal(1, context:addCrl(crl.toDer(list)):describe().crls)
    assert.are.equal(2, context:loadCrlFile(pki.write(list .. other)):describe().crls)
    context = SciSslContext.new()
    assert.are.equal(1, context:loadCrlFile(pki.write(crl.toDer(list))):describe().crls)
  end)

  it("are refused, and none is taken, where one is damaged", function()
    local middle = list:find("\n", #list // 2, true)
    local der = crl.toDer(list)
    for condition, texts in pairs {
      not_pem = { "", "\0", "no list", list:sub(28), "\0" .. der },
      not_crl = { pki.server.certificatePem, pki.server.keyPem, pki.server.certificate:toDer() },
      malformed_crl = {
        list .. list:sub(1, -30), list:sub(1, middle), list:sub(1, middle - 3) .. "\0" .. list:sub(middle),
        list:gsub("\nMI", "\nXX"), der:sub(1, -2), der .. "x", der:sub(1, 20), der:sub(1, 9) .. "\255" .. der:sub(11),
      },
    } do
      for i, text in ipairs(texts) do
        if type(text) == "string" then
          local subject = condition .. i
          refusals.refused(condition, "load", "revocation list", context:addCrl(text))
          assert.are.equal(0, context:describe().crls, subject)
        end
      end
    end
  end)

  it("are refused in whatever bit of the bytes is wrong, or make a list that is not believed", function()
    local der = crl.toDer(crl.make {})
    context = ends.clientContext { setup = checked() }
    for i = 1, #der do
      local flipped = der:sub(1, i - 1) .. string.char(der:byte(i) ~ 0x40) .. der:sub(i + 1)
      local added, err = context:addCrl(flipped)
      if not added then refusals.check(err) end
    end
    local client, server = ends.pair { transport = "memory", server = { identity = pki.server }, client = context }
    refusals.check((ends.handshake(client, server)))
    context = ends.clientContext { setup = checked(der) }
    client, server = ends.pair { transport = "memory", server = { identity = pki.server }, client = context }
    assert.are.equal(1, (ends.handshake(client, server)))
  end)

  it("that are very large are read, and rubbish of that size is refused #slow", function()
    local rubbish = ("x"):rep(1 << 22)
    refusals.refused("not_pem", "load", nil, context:addCrl(rubbish))
    assert.are.equal(context, context:addCrl(rubbish .. "\n" .. list))
    refusals.refused("malformed_crl", "load", nil, context:addCrl("\x30\x84\x7f\xff\xff\xff" .. rubbish))
  end)

  it("are refused from files that cannot be read", function()
    refusals.refused("file_missing", "load", "/no/such.crl", context:loadCrlFile("/no/such.crl"))
    refusals.refused("file_directory", "load", pki.folder(), context:loadCrlFile(pki.folder()))
    refusals.refused("file_empty", "load", nil, context:loadCrlFile(pki.write("")))
    refusals.refused("not_pem", "load", nil, context:loadCrlFile(pki.write("x")))
    refusals.refused("malformed_crl", "load", nil, context:loadCrlFile(pki.write(list:sub(1, -30))))
    refusals.refused("not_crl", "load", nil, context:loadCrlFile(pki.server.certificateFile))
    assert.are.equal(0, context:describe().crls)
  end)

  it("are raised about where they are of another type", function()
    for _, value in ipairs { true, {}, pki.ca.certificate, print } do
      assert.error_matches(function() context:addCrl(value) end, "bad argument #1 to 'addCrl'")
      assert.error_matches(function() context:loadCrlFile(value) end, "bad argument #1 to 'loadCrlFile'")
    end
    assert.error_matches(function() context:addCrl() end, "bad argument #1 to 'addCrl'")
    assert.error_matches(function() context:loadCrlFile("a\0b") end, "bad argument #1 to 'loadCrlFile'")
  end)
end)

describe("A hint", function()
  for _, condition in ipairs { "certificate_wrong_email", "certificate_wrong_purpose", "certificate_chain_too_long",
    "crl_missing", "crl_expired", "crl_not_yet_valid", "crl_invalid", "not_crl", "malformed_crl", "unknown_flag",
    "bad_address", "bad_email", "unknown_command", "bad_command_value", "trust_command", "no_private_key",
    "unknown_scheme", "store_unreadable", "store_empty" } do
    it("says in one line more than the condition's name for " .. condition, function()
      local hint = scissl.SciSslError.new { phase = "load", condition = condition }:errorHint()
      assert.is_true(#hint > 20 + #condition, hint)
      assert.is_nil(hint:find("without a reason", 1, true), hint)
    end)
  end
end)
