-- Lists with an entry that is missing: `#` may count what stands behind it, or not. Each function that takes a list
-- refuses them, in words that name the entry.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local Configuration, Context = scissl.SciSslSocketConfiguration, scissl.SciSslContext
local ca, own = pki.ca, pki.server

local function context(method)
  return function(list)
    local made = assert(Context.new())
    return made[method](made, list)
  end
end

local function socket(method)
  return function(list)
    local client <close> = ends.pair { transport = "memory" }
    return client[method](client, list)
  end
end

local function field(name)
  return function(list) return Configuration.new { [name] = list } end
end

local function issue(name)
  return function(list)
    return scissl.SciSslX509Certificate.issue { subject = "CN=x", key = own.key, [name] = list }
  end
end

local function connect(name)
  return function(list) return scissl.connect { host = "localhost", port = 1, [name] = list } end
end

local entry = { certificate = own.certificate }
local secret = ("k"):rep(80)
local extension = { oid = "1.2.3.4", data = "\5\0" }

-- What takes a list, and an entry of one.
local calls = {
  ["alpn of a configuration"] = { field "alpn", "h2" },
  ["options of a configuration"] = { field "options", "no_ticket" },
  ["verifyFlags of a configuration"] = { field "verifyFlags", "crl_check" },
  ["commands of a configuration"] = { field "commands", { "MinProtocol", "TLSv1.2" } },
  ["certificates of a configuration"] = { field "certificates", entry },
  ["acceptedIssuers of a configuration"] = { field "acceptedIssuers", "CN=x" },
  ["alpn(), which sets a configuration's"] = { function(list) return Configuration.new():alpn(list) end, "h2" },
  ["alpn of scissl.connect"] = { connect "alpn", "h2" },
  ["verifyHost of scissl.connect"] = { connect "verifyHost", "localhost" },
  ["tlsa of scissl.connect"] = { connect "tlsa", {} },
  ["alpn of scissl.listen"] = { function(list)
    return scissl.listen { port = 0, certificate = own.certificate, privateKey = own.key, alpn = list }
  end, "h2" },
  ["secret of scissl.sessions.redis"] = { function(list)
    return scissl.sessions.redis.new { secret = list }
  end, ("s"):rep(32) },
  ["SciSslContext:setAlpn"] = { context "setAlpn", "h2" },
  ["SciSslContext:setOptions"] = { context "setOptions", "no_ticket" },
  ["SciSslContext:setVerifyFlags"] = { context "setVerifyFlags", "crl_check" },
  ["SciSslContext:setVerifyHosts"] = { context "setVerifyHosts", "localhost" },
  ["SciSslContext:setCommands"] = { context "setCommands", { "MinProtocol", "TLSv1.2" } },
  ["SciSslContext:setAcceptedIssuers"] = { context "setAcceptedIssuers", "CN=x" },
  ["SciSslContext:setTicketKeys"] = { context "setTicketKeys", secret },
  ["SciSslContext:setPins"] = { context "setPins", own.key:spkiPin() },
  ["SciSslContext:setServerCertificateTypes"] = { context "setServerCertificateTypes", "x509" },
  ["SciSslContext:setClientCertificateTypes"] = { context "setClientCertificateTypes", "x509" },
  ["SciSslContext:setCertificateCompression"] = { context "setCertificateCompression", "zlib" },
  ["SciSslContext:setEchKeys"] = { context "setEchKeys", own.keyPem },
  ["SciSslContext:useCertificateChain"] = { context "useCertificateChain", own.certificate },
  ["SciSslSocket:sslSetVerifyHosts"] = { socket "sslSetVerifyHosts", "localhost" },
  ["SciSslSocket:sslSetAlpn"] = { socket "sslSetAlpn", "h2" },
  ["SciSslSocket:sslSetPins"] = { socket "sslSetPins", own.key:spkiPin() },
  ["SciSslSocket:sslSetEchOuterAlpn"] = { socket "sslSetEchOuterAlpn", "h2" },
  ["SciSslSocket:sslUseCertificate"] = { function(list)
    local client <close> = ends.pair { transport = "memory" }
    return client:sslUseCertificate(list, own.key)
  end, own.certificate },
  ["SciSslSocket:sslWritev"] = { socket "sslWritev", "text" },
  ["SciSslStream:writev"] = { function(list)
    local stream <close> = assert(scissl.plain.on((assert(scissl.SciSocket.pair()))))
    return stream:writev(list)
  end, "text" },
  ["SciSslX509Certificate:verify, trusted"] = { function(list) return own.certificate:verify(list) end,
    ca.certificate },
  ["SciSslX509Certificate:verify, intermediates"] = { function(list)
    return own.certificate:verify({ ca.certificate }, { intermediates = list })
  end, ca.certificate },
  ["SciSslX509Certificate:verify, crls"] = { function(list)
    return own.certificate:verify({ ca.certificate }, { crls = list })
  end, scissl.SciSslX509Crl.issue { issuer = ca.certificate, issuerKey = ca.key } },
  ["SciSslX509Certificate.chainToPem"] = { scissl.SciSslX509Certificate.chainToPem, own.certificate },
  ["names of a certificate"] = { issue "names", "localhost" },
  ["extensions of a certificate"] = { issue "extensions", extension },
  ["ocspUris of a certificate"] = { issue "ocspUris", "http://127.0.0.1/" },
  ["names of a request"] = { function(list)
    return scissl.SciSslX509Request.new { subject = "CN=x", key = own.key, names = list }
  end, "localhost" },
  ["revoked of a CRL"] = { function(list)
    return scissl.SciSslX509Crl.issue { issuer = ca.certificate, issuerKey = ca.key, revoked = list }
  end, { serial = "1" } },
  ["chain of PKCS#12"] = { function(list)
    return scissl.SciSslPkcs12.make { key = own.key, certificate = own.certificate, chain = list, passphrase = "x" }
  end, ca.certificate },
}

describe("A list with an entry that is missing is refused:", function()
  for name, call in pairs(calls) do
    it(name, function()
      local take, item = call[1], call[2]
      for _, list in ipairs { { item, nil, item }, { [1] = item, [3] = item }, { item, [3] = item } } do
        local good, raised = pcall(take, list)
        assert.is_false(good)
        assert.matches("entry 2 of the list is missing", tostring(raised), 1, true)
      end
      local _, raised = pcall(take, { [0] = item, [2] = item })
      assert.matches("entry 1 of the list is missing", tostring(raised), 1, true)
      _, raised = pcall(take, { item, [1.5] = item })
      assert.matches("entry 2 of the list is missing", tostring(raised), 1, true)
    end)
  end

  it("the addresses of a resolver", function()
    local address = { address = "127.0.0.1" }
    local _, failure = scissl.plain.connect { host = "a.test", port = 1, resolver = function()
      return { [1] = address, [3] = address }
    end }
    assert.equal("bad_resolver", failure:condition())
    assert.matches("a list whose entry 2 is missing", failure:message())
  end)
end)

describe("A list that has more than its entries", function()
  it("is taken where the other keys are names or below 1, as in Lua's own `arg`", function()
    local names = { [-1] = "lua", [0] = "program", "h2", "http/1.1", n = 2 }
    local made = assert(Context.new():setAlpn(names))
    assert.are.same({ "h2", "http/1.1" }, made:describe().alpn)
    local below = { [-1] = "lua", [0] = "program", "h2", "http/1.1" }
    assert.are.equal("h2,http/1.1", table.concat(Configuration.new { alpn = below }:alpn(), ","))
  end)
end)
