-- PKCS#12, OCSP, pre-shared keys and key logs among the options of connect, listen and configurations.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local Configuration, SciSslOcsp, SciSslPkcs12 = scissl.SciSslSocketConfiguration, scissl.SciSslOcsp, scissl.SciSslPkcs12
local refused = refusals.refused
local LONG = 30
local KEY = ("k"):rep(32)

local function meet(client_options, server_options)
  local client, server = streams.meet(server_options, client_options)
  return client[1], client[2], server[1], server[2]
end

local function response(status)
  return assert(SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
    key = pki.ca.key, status = status, nextUpdate = os.time() + 3600 })
end

local trusting = { caFile = pki.ca.certificateFile }

local function with(fields, more)
  local all = {}
  for name, value in pairs(fields) do all[name] = value end
  for name, value in pairs(more) do all[name] = value end
  return all
end

local serving = { certificate = pki.server.certificate, privateKey = pki.server.key }

describe("The option pkcs12", function()
  local sealed = assert(SciSslPkcs12.make { key = pki.server.key, certificate = pki.server.certificate,
    passphrase = "open sesame" })

  it("serves, from bytes and from a file", function()
    for _, pkcs12 in ipairs { sealed, pki.write(sealed, "0key.p12") } do
      Configuration.forgetContexts()
      local stream, failure = meet(trusting, { pkcs12 = pkcs12, passphrase = "open sesame" })
      assert(stream, failure)
      assert.are.equal(pki.server.certificate, stream:socket():peerCertificate())
    end
  end)

  it("is refused with a wrong passphrase, and for a file that is not there", function()
    refused("passphrase_wrong", "load", nil, scissl.listen { port = 0, pkcs12 = sealed, passphrase = "hunter2" })
    refused("file_missing", "load", "/nowhere.p12", scissl.listen { port = 0, pkcs12 = "/nowhere.p12" })
  end)

  it("is not shown", function()
    assert.are.equal("SciSslSocketConfiguration: passphrase=(set), pkcs12=(DER)",
      tostring(Configuration.new { pkcs12 = sealed, passphrase = "x" }))
    assert.are.equal("SciSslSocketConfiguration: pkcs12=key.p12", tostring(Configuration.new { pkcs12 = "key.p12" }))
  end)
end)

describe("The option ocsp", function()
  it("requires a proof from the server", function()
    local stream, failure = meet(with(trusting, { ocsp = "require" }), with(serving, { ocspResponse = response() }))
    assert(stream, failure)
    assert.are.equal("good", assert(stream:sslVerifyOcsp { skew = 1 }).status)
  end)

  it("ends in an error where the server has none", function()
    local _, failure = meet(with(trusting, { ocsp = "require" }), serving)
    assert.are.equal("ocsp_missing", refusals.check(failure):condition())
  end)

  it("ends in an error where the certificate was revoked", function()
    local _, failure = meet(with(trusting, { ocsp = "request" }), with(serving, { ocspResponse = response "revoked" }))
    assert.are.equal("certificate_revoked", refusals.check(failure):condition())
  end)

  it("goes on without where it is only requested", function()
    assert(meet(with(trusting, { ocsp = "request" }), serving))
  end)

  it("raises for another policy", function()
    assert.has_error(function() scissl.connect { host = "localhost", port = 1, ocsp = "maybe" } end,
      "bad option 'ocsp' to 'scissl.connect' ('none', 'request' or 'require' expected, got string)")
    assert.error_matches(function() Configuration.new { ocsp = true } end, "bad option 'ocsp'")
  end)

  it("is not for servers, whose clients prove nothing by it", function()
    assert.has_error(function() scissl.listen(with(serving, { port = 0, ocsp = "require" })) end,
      "option 'ocsp' to 'scissl.listen' is for clients; a server has 'ocspResponse'")
  end)

  it("lets a server that listens have a new response", function()
    local listener <close> = assert(scissl.listen(with(serving, { port = 0, host = "127.0.0.1",
      waiter = "coroutine", timeout = LONG })))
    local _, port = listener:getSockName()
    for _, der in ipairs { response(), response() } do
      assert(listener:getContext():setOcspResponse(der))
      local results = ends.run(
        function()
          return scissl.connect(with(trusting, { host = "127.0.0.1", port = port, waiter = "coroutine",
            timeout = LONG, ocsp = "require" }))
        end,
        function() return listener:accept(LONG) end)
      assert.are.equal(der, assert(results[1][1], results[1][2]):ocspResponse())
    end
  end)

  it("is refused where the response is none", function()
    refused("malformed_ocsp", "option", nil, scissl.listen(with(serving, { port = 0, ocspResponse = "rubbish" })))
  end)
end)

describe("The option psk", function()
  it("makes connections without any certificate", function()
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      local stream, failure, server = meet({ psk = { identity = "lamp", key = KEY }, version = version },
        { psk = { lamp = KEY }, version = version })
      assert(stream, failure)
      assert.are.equal(version, stream:version())
      assert.is_nil(stream:socket():peerCertificate())
      assert.are.equal("lamp", server:pskIdentity())
    end
  end)

  it("takes functions", function()
    local stream, failure, server = meet({ psk = function() return "lamp", KEY end },
      { psk = function(identity) return identity == "lamp" and KEY or nil end })
    assert(stream, failure)
    assert.are.equal("lamp", server:pskIdentity())
  end)

  it("does not connect with another key", function()
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      local stream, failure, _, server_failure = meet({ psk = { identity = "lamp", key = "x" }, version = version },
        { psk = { lamp = KEY }, version = version })
      assert.is_nil(stream)
      refusals.check(failure)
      refusals.check(server_failure)
      assert.is_nil(tostring(failure):find(KEY, 1, true))
    end
  end)

  it("tells keys apart, and does not show them", function()
    local one = Configuration.new { pskClient = { identity = "lamp", key = KEY } }
    assert.are.equal(one, Configuration.new { pskClient = { key = KEY, identity = "lamp" } })
    assert.are_not.equal(one, Configuration.new { pskClient = { identity = "lamp", key = "other" } })
    assert.are_not.equal(one, Configuration.new { pskClient = { identity = "door", key = KEY } })
    assert.are_not.equal(Configuration.new { pskServer = { lamp = KEY } },
      Configuration.new { pskServer = { lamp = KEY, door = KEY } })
    assert.are.equal("SciSslSocketConfiguration: pskClient=(set)", tostring(one))
    assert.are.equal("SciSslSocketConfiguration: pskServer=(set)",
      tostring(Configuration.new { pskServer = { lamp = KEY } }))
  end)

  it("copies what it is given", function()
    local psk = { identity = "lamp", key = KEY }
    local configuration = Configuration.new { pskClient = psk }
    psk.key = "other"
    assert.are.same({ identity = "lamp", key = KEY }, configuration:pskClient())
  end)

  it("is refused where OpenSSL cannot use it", function()
    refused("bad_psk", "option", nil, scissl.listen { port = 0, psk = { lamp = "" } })
    refused("bad_psk", "option", nil, scissl.connect { host = "127.0.0.1", port = 1,
      psk = { identity = "lamp", key = "" } })
  end)

  it("raises for anything else", function()
    for _, psk in ipairs { "key", { identity = "lamp" }, { identity = 1, key = KEY }, 1,
      { identity = "lamp", key = KEY, digest = "SHA384" } } do
      assert.error_matches(function() scissl.connect { host = "localhost", port = 1, psk = psk } end,
        "bad option 'psk'")
    end
    for _, psk in ipairs { "key", { KEY }, { lamp = 1 }, 1 } do
      assert.error_matches(function() scissl.listen { port = 0, psk = psk } end, "bad option 'psk'")
    end
  end)

  it("does not stand beside a whole context", function()
    local context = scissl.SciSslContext.new()
    assert.has_error(function()
      scissl.connect { host = "localhost", port = 1, context = context, psk = { identity = "lamp", key = KEY } }
    end, "options 'context' and 'psk' to 'scissl.connect' exclude each other")
  end)
end)

describe("The option keylogFile", function()
  it("appends the secrets of connections", function()
    local path = pki.folder() .. "/options.log"
    assert(meet(with(trusting, { keylogFile = path }), serving))
    local file <close> = assert(io.open(path))
    assert.truthy(file:read("a"):find("CLIENT_TRAFFIC_SECRET_0", 1, true))
  end)

  it("is refused where the file cannot be made", function()
    refused("not_found", "option", "/nowhere/keys.log", scissl.listen(with(serving, { port = 0,
      keylogFile = "/nowhere/keys.log" })))
  end)
end)
