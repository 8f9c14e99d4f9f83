-- Certificates that TLSA records vouch for.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

-- Both ends after sslSetDane and the records, each { usage, selector, matchingType, data }.
local function with_records(options, records, dane_options)
  options.transport = "memory"
  options.verifyHost, options.serverName = false, false
  local client, server = ends.pair(options)
  assert.are.equal(client, client:sslSetDane("localhost", dane_options))
  for _, record in ipairs(records) do assert.are.equal(client, client:sslAddTlsa(table.unpack(record))) end
  return client, server
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("DANE, " .. version, function()
    local certificate, ca = pki.server.certificate, pki.ca.certificate
    local nobody = { trust = false }

    for selector, selector_name in pairs { [0] = "Cert", "SPKI" } do
      for matching_type, matching_name in pairs { [0] = "Full", "SHA2-256", "SHA2-512" } do
        it(("takes a certificate that its DANE-EE record names by %s and %s"):format(selector_name, matching_name),
          function()
            local data = certificate:tlsa(selector, matching_type)
            local client, server = with_records({ version = version, client = nobody },
              { { "DANE-EE", selector_name, matching_name, data } })
            assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
            local authority = client:daneAuthority()
            assert.are.same({ 0, 3, selector, matching_type, data },
              { authority.depth, authority.usage, authority.selector, authority.matchingType, authority.data })
            assert.are.equal(certificate, authority.certificate)
            assert.are.equal(scissl.X509_V_OK, (client:sslVerifyCertificate()))
          end)
      end
    end

    it("takes a chain whose CA a DANE-TA record names", function()
      local chain_server = { setup = function(context)
        assert(context:useCertificate(certificate:toPem() .. ca:toPem()))
        assert(context:usePrivateKey(pki.server.key))
      end, identity = false }
      local client, server = with_records({ version = version, client = nobody, server = chain_server },
        { { 2, 1, 1, ca:tlsa() } })
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.same({ 1, 2 }, { client:daneAuthority().depth, client:daneAuthority().usage })
    end)

    it("takes a PKIX-EE record only together with a trusted chain", function()
      local records = { { "PKIX-EE", "SPKI", "SHA2-256", certificate:tlsa() } }
      local client, server = with_records({ version = version }, records)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      client, server = with_records({ version = version, client = nobody }, records)
      assert.is_true(scissl.isSslError((ends.handshake(client, server))))
    end)

    it("refuses a certificate that no record names", function()
      local client, server = with_records({ version = version },
        { { 3, 1, 1, pki.wrongHost.certificate:tlsa() } })
      local answer = ends.handshake(client, server)
      assert.are.equal("dane_mismatch", answer:condition())
      assert.is_nil(client:daneAuthority())
    end)

    it("takes a certificate that one of several records names", function()
      local client, server = with_records({ version = version, client = nobody },
        { { 3, 1, 1, pki.wrongHost.certificate:tlsa() }, { 3, 1, 1, certificate:tlsa() } })
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("checks the name of a DANE-EE certificate unless it is told not to", function()
      local records = { { 3, 1, 1, pki.wrongHost.certificate:tlsa() } }
      local options = { version = version, client = nobody, server = { identity = pki.wrongHost } }
      local client, server = with_records(options, records)
      assert.are.equal("certificate_wrong_host", ends.handshake(client, server):condition())
      client, server = with_records(options, records, { eeNameChecks = false })
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    end)

    it("resumes no session, since it may be older than the records", function()
      local context, server_context = ends.clientContext { method = version }, ends.serverContext { method = version }
      local client, server = ends.connected { client = context, server = server_context }
      server:sslWrite "x"
      ends.read(client, server)
      local session = client:getSession()
      client, server = with_records({ client = context, server = server_context }, { { 3, 1, 1, certificate:tlsa() } })
      client:setSession(session)
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.is_false(client:isSessionReused())
    end)

    it("serves scissl.connect", function()
      local function meet(records)
        local connecting = {
          host = "127.0.0.1", verifyHost = "localhost", tlsa = records, ca = pki.otherCa.certificate, version = version,
        }
        local function serve(stream) if stream then stream:close() end end
        local result = streams.meet({ certificate = certificate, privateKey = pki.server.key }, connecting, serve,
          function(stream, failure)
            if stream then stream:close() end
            return failure and failure:condition() or "connected"
          end)
        return result[1]
      end
      local good = { usage = 3, selector = 1, matchingType = 1, data = certificate:tlsa() }
      local bad = { usage = 3, selector = 1, matchingType = 1, data = ("x"):rep(32) }
      local unknown = { usage = 99, selector = 1, matchingType = 1, data = ("x"):rep(32) }
      assert.are.equal("connected", meet { unknown, good })
      assert.are.equal("dane_mismatch", meet { bad })
    end)
  end)
end

describe("scissl.connect with TLSA records", function()
  it("refuses to go on when none of them is usable", function()
    local listener, port = ends.listener()
    refusals.condition("tlsa_unusable", scissl.connect {
      host = "127.0.0.1", port = port, tlsa = { { usage = 99, selector = 1, matchingType = 1, data = "x" } },
    })
    refusals.condition("tlsa_unusable", scissl.connect { host = "127.0.0.1", port = port, tlsa = {} })
    listener:close()
  end)
end)

describe("sslAddTlsa", function()
  local function prepared()
    local client = ends.pair()
    return client, assert(client:sslSetDane "localhost")
  end

  it("answers tlsa_unusable for numbers that nobody knows", function()
    local client = prepared()
    refusals.condition("tlsa_unusable", client:sslAddTlsa(4, 0, 0, "x"))
    refusals.condition("tlsa_unusable", client:sslAddTlsa(3, 2, 1, ("x"):rep(32)))
    refusals.condition("tlsa_unusable", client:sslAddTlsa(3, 1, 3, ("x"):rep(32)))
  end)

  it("answers bad_tlsa for data of another length, or none, or damaged", function()
    local client = prepared()
    refusals.condition("bad_tlsa", client:sslAddTlsa(3, 1, 1, "short"))
    refusals.condition("bad_tlsa", client:sslAddTlsa(3, 1, 1, ""))
    refusals.condition("bad_tlsa", client:sslAddTlsa(3, 0, 0, "nonsense"))
    local der = pki.server.certificate:toDer()
    for length = 0, #der - 1, 7 do refusals.condition("bad_tlsa", client:sslAddTlsa(3, 0, 0, der:sub(1, length))) end
  end)

  it("raises for what are no numbers and no names", function()
    local client = prepared()
    for _, number in ipairs { -1, 256, 1.5, "PKIX", {} } do
      assert.error_matches(function() client:sslAddTlsa(number, 1, 1, ("x"):rep(32)) end,
        "bad argument #1 to 'sslAddTlsa'")
      assert.error_matches(function() client:sslAddTlsa(3, number, 1, ("x"):rep(32)) end,
        "bad argument #2 to 'sslAddTlsa'")
      assert.error_matches(function() client:sslAddTlsa(3, 1, number, ("x"):rep(32)) end,
        "bad argument #3 to 'sslAddTlsa'")
    end
    assert.error_matches(function() client:sslAddTlsa(3, 1, 1) end, "bad argument #4 to 'sslAddTlsa'")
  end)

  it("needs sslSetDane, once, before the handshake", function()
    local client, server = ends.pair()
    refusals.condition("dane_needed", client:sslAddTlsa(3, 1, 1, ("x"):rep(32)))
    client:sslSetDane "localhost"
    refusals.condition("dane_twice", client:sslSetDane "localhost")
    client:sslInitialize()
    assert.are.equal(client, client:sslSetDane "localhost")
    client:sslAddTlsa(3, 1, 1, pki.server.certificate:tlsa())
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    refusals.condition("handshake_under_way", client:sslAddTlsa(3, 1, 1, ("x"):rep(32)))
    refusals.condition("handshake_under_way", client:sslSetDane "localhost")
    client:close()
    refusals.condition("closed", client:sslSetDane "localhost")
    assert.is_nil(client:daneAuthority())
  end)

  it("refuses hosts that are none", function()
    local client = ends.pair()
    for _, host in ipairs { "", "a\0b", "a b", ("x"):rep(300) } do
      refusals.condition("bad_host_name", client:sslSetDane(host))
    end
    assert.error_matches(function() client:sslSetDane("localhost", { eeNameCheck = false }) end,
      "bad argument #2 to 'sslSetDane'")
  end)
end)

describe("SciSslX509Certificate:tlsa", function()
  it("is what openssl makes of the same certificate", function()
    local pipe = io.popen(("openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform DER "
      .. "| openssl dgst -sha256 -r"):format(pki.server.certificateFile))
    local expected = pipe:read("a"):match "^%x+"
    pipe:close()
    local digest = pki.server.certificate:tlsa():gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
    assert.are.equal(expected, digest)
    assert.are.equal(pki.server.certificate:toDer(), pki.server.certificate:tlsa(0, 0))
  end)

  it("raises for other numbers", function()
    assert.error_matches(function() pki.server.certificate:tlsa(2) end, "bad argument #1 to 'tlsa'")
    assert.error_matches(function() pki.server.certificate:tlsa(1, 3) end, "bad argument #2 to 'tlsa'")
    assert.error_matches(function() pki.server.certificate:tlsa "spki" end, "bad argument #1 to 'tlsa'")
  end)
end)
