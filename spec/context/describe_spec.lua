-- SciSslContext:describe, all that is set, as a table.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local pki = require "spec.support.pki"

local SciSslContext = scissl.SciSslContext

describe("SciSslContext:describe", function()
  it("tells what a new context has", function()
    local set = SciSslContext.new("TLSv1.3"):describe()
    assert.are.same({ "TLSv1.3", "TLSv1.3", "TLSv1.3" }, { set.method, set.minProtocol, set.maxProtocol })
    assert.is_nil(SciSslContext.new():describe().maxProtocol)
    for _, name in ipairs { "alpn", "verifyFlags", "verifyHosts", "trustedPaths", "acceptedIssuers", "certificates" } do
      assert.are.same({}, set[name], name)
    end
    for _, name in ipairs { "groups", "signatureAlgorithms", "verifyIp", "verifyEmail", "verifyTime", "verifyDepth",
      "authLevel", "purpose" } do
      assert.is_nil(set[name], name)
    end
    assert.are.same({ 0, 0, 0 }, { set.verify, set.trustedCertificates, set.crls })
    assert.are.same({ "no_partial_wildcards" }, set.verifyHostFlags)
    assert.is_true(set.ticketsAllowed)
    assert.truthy(table.concat(set.ciphersuites, " "):find("TLS_AES_256_GCM_SHA384", 1, true))
    assert.truthy(table.concat(set.ciphers, " "):find("ECDHE-RSA-AES128-GCM-SHA256", 1, true))
    assert.is_nil(table.concat(set.ciphers, " "):find("TLS_", 1, true))
  end)

  it("tells what was offered", function()
    local set = SciSslContext.new():setMinProtocol("TLSv1.2"):setMaxProtocol("TLSv1.3")
      :setCipherList("ECDHE-ECDSA-AES128-GCM-SHA256"):setCiphersuites("TLS_AES_128_GCM_SHA256")
      :setGroups("X25519:P-256"):setSignatureAlgorithms("ed25519"):setSecurityLevel(3)
      :setOptions { "no_ticket" }:setAlpn { "h2", "http/1.1" }:describe()
    assert.are.same({ "TLSv1.2", "TLSv1.3", "X25519:P-256", "ed25519", 3, false }, { set.minProtocol, set.maxProtocol,
      set.groups, set.signatureAlgorithms, set.securityLevel, set.ticketsAllowed })
    assert.are.same({ { "ECDHE-ECDSA-AES128-GCM-SHA256" }, { "TLS_AES_128_GCM_SHA256" }, { "h2", "http/1.1" } },
      { set.ciphers, set.ciphersuites, set.alpn })
    assert.truthy((" " .. table.concat(set.options, " ") .. " "):find(" no_ticket ", 1, true))
  end)

  it("tells how peers are judged", function()
    local set = SciSslContext.new():setVerify(scissl.SSL_VERIFY_PEER):setVerifyDepth(4):setPurpose("any")
      :setVerifyTime(1234567890):setAuthLevel(1):setVerifyFlags { "crl_check", "partial_chain" }
      :setVerifyHosts { "a.example", "b.example" }:setVerifyHostFlags {}:setVerifyIp("2001:db8::1")
      :setVerifyEmail("a@b.example"):describe()
    assert.are.same({ 1, 4, "any", 1234567890, 1, "a@b.example" }, { set.verify, set.verifyDepth, set.purpose,
      set.verifyTime, set.authLevel, set.verifyEmail })
    assert.are.same({ { "crl_check", "partial_chain" }, { "a.example", "b.example" }, {} },
      { set.verifyFlags, set.verifyHosts, set.verifyHostFlags })
    assert.truthy(set.verifyIp:lower():find("^2001:0?db8:.*:0*1$"), set.verifyIp)
  end)

  it("tells whom we trust", function()
    local set = SciSslContext.new():addTrusted(pki.ca.certificatePem .. pki.otherCa.certificatePem)
      :addCrl(crl.make {}):loadVerifyLocations(nil, pki.folder()):setAcceptedIssuers { "CN=a,O=b" }:describe()
    assert.are.same({ 2, 1, { pki.folder() }, { "CN=a,O=b" } },
      { set.trustedCertificates, set.crls, set.trustedPaths, set.acceptedIssuers })
  end)

  it("tells who we are, each certificate of ours #slow", function()
    local rsa = pki.issue { subject = "CN=rsa", key = pki.rsaKey() }
    local context = SciSslContext.new()
    assert(context:useCertificateChain { rsa.certificate, pki.ca.certificate }:usePrivateKey(rsa.key))
    assert(context:useCertificate(pki.server.certificate))
    local function identity(one, kind, issuers, key)
      return { subject = one.certificate:subject(), keyType = kind, notAfter = one.certificate:notAfter(),
        issuers = issuers, hasKey = key }
    end
    assert.are.same({ identity(pki.server, "EC", 0, false), identity(rsa, "RSA", 1, true) },
      context:describe().certificates)
    assert(context:usePrivateKey(pki.server.key))
    assert.are.same({ identity(rsa, "RSA", 1, true), identity(pki.server, "EC", 0, true) },
      context:describe().certificates)
    assert.are.equal(context, context:checkPrivateKey()) -- asking has changed nothing
  end)

  it("tells how sessions are kept", function()
    local set = SciSslContext.new():setTimeout(77):setOptions("no_ticket"):describe()
    assert.are.same({ 77, false, 2 }, { set.sessionTimeout, set.ticketsAllowed, set.tickets })
    assert.are.equal(scissl.SSL_SESS_CACHE_SERVER, set.sessionCacheMode & scissl.SSL_SESS_CACHE_SERVER)
    assert.are.same({ "none", false, false, false, false, false, false, false, 0 }, {
      set.ocsp, set.ocspResponse, set.pskClient, set.pskServer, set.sessionStore, set.replayGuard, set.keylog,
      set.sharedTicketKeys, set.maxReplayableData,
    })
    local more = SciSslContext.new():setOcspPolicy("request"):setPskClient("a", "k"):setPskServer({ a = "k" })
      :setSessionStore(print):setReplayGuard(print):setKeylog(true):setTicketKeys({ SciSslContext.newTicketKey() })
      :setMaxReplayableData(7):describe()
    assert.are.same({ "request", true, true, true, true, true, true, 7 }, {
      more.ocsp, more.pskClient, more.pskServer, more.sessionStore, more.replayGuard, more.keylog,
      more.sharedTicketKeys, more.maxReplayableData,
    })
    assert.are.equal("integer", math.type(set.sessionCacheSize))
  end)

  it("answers a copy: changes go neither way", function()
    local context = SciSslContext.new():setVerifyHosts { "a.example" }
    local set = context:describe()
    set.verifyHosts[1], set.method, set.options[1] = "b.example", "none", nil
    local again = context:describe()
    assert.are.same({ "a.example" }, again.verifyHosts)
    assert.are.equal("TLS", again.method)
    context:setVerifyHosts { "c.example" }
    assert.are.same({ "a.example" }, again.verifyHosts)
  end)

  it("raises for a closed context", function()
    local context = SciSslContext.new()
    getmetatable(context).__close(context)
    assert.error_matches(function() context:describe() end, "calling 'describe' on bad self")
  end)
end)
