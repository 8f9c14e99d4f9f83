-- Programs in the style of LuaSec's samples, each run with ours, with the real LuaSec, and with one of each.

local core = require "scissl.core"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

local function handshake(client_ssl, server_ssl, options)
  options = options or {}
  options.clientSsl, options.serverSsl = client_ssl, server_ssl
  local run = luasec.connect(options)
  assert(run.clientAnswer, run.clientProblem)
  assert(run.serverAnswer, run.serverProblem)
  return run.client, run.server, run
end

local function failing(client_ssl, server_ssl, options)
  options.clientSsl, options.serverSsl = client_ssl, server_ssl
  return luasec.connect(options)
end

-- OpenSSL puts "sslv3", "tlsv1" or, later, "ssl/tls" in front of alerts.
local function bare(problem)
  return (tostring(problem):gsub("^%S+ alert ", "alert "))
end

local function common_name(certificate)
  for _, field in ipairs(certificate:subject()) do
    if field.name == "commonName" then return field.value end
  end
end

local function dh_parameters()
  local pipe = assert(io.popen "openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 2>/dev/null")
  local text = pipe:read "a"
  pipe:close()
  return text
end

-- Making an RSA key takes a while.
local rsa_identity

local function rsa_server()
  rsa_identity = rsa_identity or pki.issue { subject = "CN=rsa", key = pki.rsaKey() }
  return rsa_identity
end

local both = { "peer", "fail_if_no_peer_cert" }

for name, client_ssl, server_ssl in luasec.combinations() do
  local function connect(options) return handshake(client_ssl, server_ssl, options) end
  local function fail(options) return failing(client_ssl, server_ssl, options) end

  describe("A program for LuaSec, " .. name .. ",", function()
    it("says one thing and ends (oneshot)", function()
      local client, server = connect()
      assert.are.equal(13, (server:send "oneshot test\n"))
      server:close()
      assert.are.equal("oneshot test", (client:receive "*l"))
      local line, problem, rest = client:receive "*l"
      assert.is_nil(line)
      assert.are.equal("closed", problem)
      assert.are.equal("", rest)
      client:close()
    end)

    it("connects again and again (loop)", function()
      local client_context = assert(client_ssl.newcontext(luasec.client()))
      local server_context = assert(server_ssl.newcontext(luasec.server()))
      for i = 1, 20 do
        local client, server = connect { client = client_context, server = server_context }
        client:send(i .. "\n")
        assert.are.equal(tostring(i), (server:receive()))
        client:close()
        server:close()
      end
    end)

    it("agrees on a protocol (alpn)", function()
      local cases = {
        { { "foo", "bar", "baz" }, { "baz", "bar" }, "baz" },
        { "bar", { "foo", "bar" }, "bar" },
        { { "foo", "bar" }, function(offered) return { "x", offered[2] } end, "bar" },
        { { "foo", "bar" }, function(offered) return offered[1] end, "foo" },
        { { "foo" }, function() return nil end, nil },
        { { "foo" }, { "bar" }, nil },
      }
      for _, case in ipairs(cases) do
        local client, server = connect {
          client = luasec.client { alpn = case[1] },
          server = luasec.server { alpn = case[2] },
        }
        assert.are.equal(case[3], client:getalpn())
        assert.are.equal(case[3], server:getalpn())
      end
    end)

    it("shows chains (chain)", function()
      local middle = pki.issue { subject = "CN=middle", ca = true }
      local leaf = pki.issue { subject = "CN=leaf", names = { "localhost" }, issuer = middle }
      local chain = pki.write(leaf.certificatePem .. middle.certificatePem)
      local client, server = connect {
        client = luasec.client { key = leaf.keyFile, certificate = chain, verify = "peer",
          cafile = pki.ca.certificateFile },
        server = luasec.server { key = leaf.keyFile, certificate = chain, verify = both,
          cafile = pki.ca.certificateFile, verifyext = "lsec_continue" },
      }
      for _, end_ in ipairs { client, server } do
        local names = {}
        for i, certificate in ipairs(end_:getpeerchain()) do names[i] = common_name(certificate) end
        assert.are.same({ "leaf", "middle" }, names)
        assert.are.equal("middle", common_name(end_:getpeercertificate(2)))
        assert.is_nil((end_:getpeercertificate(3)))
        assert.is_true((end_:getpeerverification()))
      end
    end)

    it("tells the digest of what the peer has shown (digest)", function()
      local client = connect()
      local shown = client:getpeercertificate()
      for _, digest in ipairs { "sha1", "sha256", "sha512" } do
        assert.are.equal(pki.server.certificate:fingerprint(digest):lower(), shown:digest(digest))
      end
    end)

    it("negotiates a curve (ecdh, curve negotiation) #slow", function()
      local rsa = rsa_server()
      local client, server = connect {
        client = luasec.client { curveslist = "P-521:P-384", protocol = "tlsv1_2" },
        server = luasec.server { curve = "secp384r1", key = rsa.keyFile, certificate = rsa.certificateFile },
      }
      assert.are.equal("ECDH", client:info "key")
      assert.are.equal("ECDH", server:info "key")
      local refused = fail {
        client = luasec.client { curveslist = "P-521" },
        server = luasec.server { curveslist = "P-384" },
      }
      assert.is_false(refused.clientAnswer)
      assert.is_false(refused.serverAnswer)
    end)

    it("uses its own parameters for DHE (dhparam)", function()
      local pem, got = dh_parameters(), nil
      local rsa = rsa_server()
      local client = connect {
        client = luasec.client { ciphers = "DHE-RSA-AES256-GCM-SHA384", protocol = "tlsv1_2", curveslist = "P-256" },
        server = luasec.server { key = rsa.keyFile, certificate = rsa.certificateFile, protocol = "tlsv1_2",
          dhparam = function(...)
            got = table.pack(...)
            return pem
          end },
      }
      assert.are.equal("DH", client:info "key")
      assert.are.same({ false, 1024, n = 2 }, got)
    end)

    it("tells what was agreed on (info)", function()
      local client, server = connect { client = luasec.client { protocol = "tlsv1_2",
        ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" } }
      for _, info in ipairs { client:info(), server:info() } do
        assert.are.same({
          cipher = "ECDHE-ECDSA-AES128-GCM-SHA256", protocol = "TLSv1.2", key = "ECDH", authentication = "ECDSA",
          encryption = "AESGCM(128)", mac = "AEAD", bits = 128, algbits = 128, export = false,
        }, info)
      end
      assert.are.equal("TLSv1.2", client:info "protocol")
      assert.are.equal(128, client:info "bits")
      assert.is_nil((client:info "compression"))
      client, server = connect()
      assert.are.same(client:info(), server:info())
      assert.are.equal("TLS_AES_256_GCM_SHA384", client:info "cipher")
    end)

    it("has keys of two kinds (multicert)", function()
      local rsa = rsa_server()
      local server = luasec.server {
        key = false, certificate = false,
        certificates = {
          { key = rsa.keyFile, certificate = rsa.certificateFile },
          { key = pki.server.keyFile, certificate = pki.server.certificateFile },
        },
      }
      for kind, subject in pairs { RSA = "rsa", ECDSA = "localhost" } do
        local client = connect { server = server,
          client = luasec.client { protocol = "tlsv1_2", ciphers = "ECDHE-" .. kind .. "-AES128-GCM-SHA256" } }
        assert.are.equal(subject, common_name(client:getpeercertificate()))
        assert.are.equal(kind, client:info "authentication")
      end
    end)

    it("has a context for each name (sni)", function()
      local other = assert(server_ssl.newcontext(luasec.server {
        key = pki.wrongHost.keyFile, certificate = pki.wrongHost.certificateFile,
      }))
      local function ask(asked, strict)
        return failing(client_ssl, server_ssl, { before = function(client, server)
          client:sni(asked)
          server:sni({ ["elsewhere.example"] = other }, strict)
        end })
      end
      for _, strict in ipairs { true, false } do
        local run = ask("elsewhere.example", strict)
        assert.is_true(run.clientAnswer)
        assert.are.equal("elsewhere.example", common_name(run.client:getpeercertificate()))
        assert.are.equal("elsewhere.example", run.server:getsniname())
      end
      assert.are.equal("localhost", common_name(ask("unknown.example", false).client:getpeercertificate()))
      local run = ask("unknown.example", true)
      assert.is_false(run.clientAnswer)
      assert.are.equal("tlsv1 unrecognized name", run.clientProblem)
      assert.is_false(run.serverAnswer)
      assert.are.equal("callback failed", run.serverProblem)
    end)

    it("verifies both sides (verify, verification)", function()
      local client, server = connect {
        client = luasec.client { key = pki.client.keyFile, certificate = pki.client.certificateFile, verify = "peer",
          cafile = pki.ca.certificateFile },
        server = luasec.server { verify = both, cafile = pki.ca.certificateFile },
      }
      assert.is_true((client:getpeerverification()))
      assert.is_true((server:getpeerverification()))
      assert.are.equal("client", common_name(server:getpeercertificate()))
    end)

    it("hears in a string why a peer is not good (verification, fail-string)", function()
      local client = connect { client = luasec.client { verify = "none", cafile = pki.otherCa.certificateFile } }
      local good, why = client:getpeerverification()
      assert.is_false(good)
      assert.are.equal("unable to get local issuer certificate", why)
    end)

    it("hears in a table why a peer is not good (verification, fail-table)", function()
      local client, server = connect {
        client = luasec.client { key = pki.stranger.keyFile, certificate = pki.stranger.certificateFile,
          verify = "peer", verifyext = "lsec_continue" },
        server = luasec.server { verify = both,
          verifyext = { "lsec_continue", "lsec_ignore_purpose" } },
      }
      local unknown = { { "unable to get local issuer certificate", "unable to verify the first certificate" } }
      assert.are.same({ false, unknown }, { client:getpeerverification() })
      assert.are.same({ false, unknown }, { server:getpeerverification() })
    end)

    it("refuses a bad peer in LuaSec's words", function()
      local run = fail { client = luasec.client { verify = "peer" } }
      assert.are.same({ false, "certificate verify failed", false, "alert unknown ca" },
        { run.clientAnswer, bare(run.clientProblem), run.serverAnswer, bare(run.serverProblem) })
      run = fail { client = luasec.client { verify = "peer", cafile = pki.ca.certificateFile },
        server = luasec.server { key = pki.expired.keyFile, certificate = pki.expired.certificateFile } }
      assert.are.same({ false, "certificate verify failed", false, "alert certificate expired" },
        { run.clientAnswer, bare(run.clientProblem), run.serverAnswer, bare(run.serverProblem) })
      run = fail { client = luasec.client { protocol = "tlsv1_2" }, server = luasec.server { verify = both } }
      assert.are.same({ false, "alert handshake failure", false, "peer did not return a certificate" },
        { run.clientAnswer, bare(run.clientProblem), run.serverAnswer, bare(run.serverProblem) })
      run = fail { client = luasec.client { protocol = "tlsv1_2" }, server = luasec.server { protocol = "tlsv1_3" } }
      assert.are.same({ false, "alert protocol version", false, "unsupported protocol" },
        { run.clientAnswer, bare(run.clientProblem), run.serverAnswer, bare(run.serverProblem) })
    end)

    it("checks revocation lists of its authority's file", function()
      local list = assert(core.SciSslX509Crl.issue {
        issuer = pki.ca.certificate, issuerKey = pki.ca.key,
        revoked = { { serial = pki.server.certificate:serial() } },
      })
      local file = pki.write(pki.ca.certificatePem .. list:toPem())
      local run = fail { client = luasec.client { verify = "peer", cafile = file, verifyext = "crl_check" } }
      assert.are.equal("certificate verify failed", run.clientProblem)
      assert.are.equal("alert certificate revoked", bare(run.serverProblem))
      assert.is_true(fail { client = luasec.client { verify = "peer", cafile = file } }.clientAnswer)
    end)

    it("works with a key behind a password (key)", function()
      local file = pki.write(pki.server.key:toPem "foobar")
      for _, password in ipairs { "foobar", function() return "foobar" end } do
        connect { server = luasec.server { key = file, password = password } }
      end
    end)

    it("binds what is above to the connection", function()
      for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
        local client, server = connect { client = luasec.client { protocol = protocol } }
        assert.are.equal(client:getfinished(), server:getpeerfinished())
        assert.are.equal(server:getfinished(), client:getpeerfinished())
        local secret = client:exportkeyingmaterial("EXPORTER-x", 40, "context")
        assert.are.equal(40, #secret)
        assert.are.equal(secret, server:exportkeyingmaterial("EXPORTER-x", 40, "context"))
        assert.are_not.equal(secret, server:exportkeyingmaterial("EXPORTER-x", 40))
      end
    end)

    it("trusts by DANE", function()
      local record = { 3, 1, 1, pki.selfSigned.certificate:tlsa(1, 1) }
      local wrong = { 3, 1, 1, pki.server.certificate:tlsa(1, 1) }
      local server = luasec.server { key = pki.selfSigned.keyFile, certificate = pki.selfSigned.certificateFile }
      local function ask(tlsa, dane)
        return fail { server = server, client = luasec.client { verify = "peer", dane = dane },
          before = function(client)
            assert.is_true(client:setdane "localhost")
            assert.is_true(client:settlsa(table.unpack(tlsa)))
          end }
      end
      assert.is_true(ask(record, true).clientAnswer)
      assert.is_true(ask(record, { "no_ee_namechecks" }).clientAnswer)
      assert.are.equal("certificate verify failed", ask(wrong, true).clientProblem)
    end)

    it("waits for what it is told to wait for (want, wantread, wantwrite)", function()
      local client, server = connect()
      client:settimeout(0)
      server:settimeout(0)
      -- A client of TLS 1.3 that has not read yet may find the tickets first: it is asked until it waits.
      assert.are.same({ nil, "wantread", "" }, { client:receive() })
      assert.are.equal("read", client:want())
      local block, sent, problem = ("x"):rep(1 << 20), 0, nil
      for _ = 1, 64 do
        local last, partial
        last, problem, partial = client:send(block)
        sent = sent + (last or partial)
        if not last then break end
      end
      assert.are.equal("wantwrite", problem)
      assert.are.equal("write", client:want())
      local rest, got = sent % #block, 0
      server:settimeout(10)
      while got < sent do got = got + #server:receive(math.min(sent - got, 1 << 16)) end
      client:settimeout(10)
      assert.are.equal(#block, (client:send(block, rest + 1)))
      assert.are.equal(#block - rest, #server:receive(#block - rest))
    end)
  end)
end

describe("A program for LuaSec 1.3", function()
  local ssl = luasec.ours

  it("has keys instead of certificates (psk)", function()
    for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
      local heard = {}
      local client, server = handshake(ssl, ssl, {
        client = luasec.client { protocol = protocol, psk = function(hint, most_identity, most_key)
          heard.hint, heard.identity, heard.key = hint, most_identity, most_key
          return "abcd", "1234"
        end },
        server = luasec.server { protocol = protocol, key = false, certificate = false, psk = {
          hint = "hint",
          callback = function(identity) return identity == "abcd" and "1234" or nil end,
        } },
      })
      assert.are.equal(protocol == "tlsv1_2" and "hint" or nil, heard.hint)
      assert.are.same({ 255, 512 }, { heard.identity, heard.key })
      client:send "hello\n"
      assert.are.equal("hello", (server:receive()))
      assert.are.same({}, client:getpeerchain())
    end
  end)

  it("is refused with a key that the server does not know", function()
    local run = failing(ssl, ssl, {
      client = luasec.client { protocol = "tlsv1_2", psk = function() return "nobody", "1234" end },
      server = luasec.server { key = false, certificate = false, psk = function() return nil end },
    })
    assert.is_false(run.clientAnswer)
    assert.is_false(run.serverAnswer)
    assert.are.equal("psk identity not found", run.serverProblem)
  end)

  it("shows its own chain", function()
    local middle = pki.issue { subject = "CN=middle", ca = true }
    local leaf = pki.issue { subject = "CN=leaf", issuer = middle }
    local _, server = handshake(ssl, ssl, { server = luasec.server { key = leaf.keyFile,
      certificate = pki.write(leaf.certificatePem .. middle.certificatePem) } })
    assert.are.equal("leaf", common_name(server:getlocalcertificate()))
    assert.are.equal("middle", common_name(server:getlocalcertificate(2)))
    assert.are.equal(2, #server:getlocalchain())
    assert.are.same({ nil, "invalid certificate index" }, { server:getlocalcertificate(0) })
  end)
end)

if not luasec.real then
  pending "LuaSec is not installed: the programs have not been run with it"
end
