-- SciSslContext, how the certificates of peers are judged: purpose, time, flags, hosts, addresses, e-mail.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local DAY = 24 * 60 * 60
local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local versions = { "TLSv1.2", "TLSv1.3" }

-- Both answers of a handshake in which the client's context was prepared by `setup`, and the server is `identity`.
local function shaken(version, identity, setup, trust)
  local client, server = ends.pair { transport = "memory", version = version, verifyHost = false,
    client = { setup = setup, trust = trust }, server = { identity = identity } }
  local answer, other = ends.handshake(client, server)
  return answer, other
end

local function accepts(version, identity, setup, trust)
  local answer = shaken(version, identity, setup, trust)
  assert.are.equal(1, answer, tostring(answer))
end

local function refuses(condition, version, identity, setup, trust)
  return refusals.failed(condition, "connect", (shaken(version, identity, setup, trust)))
end

-- The same with a server that requires a client's certificate: the server's answer counts.
local function server_answer(version, identity, setup)
  local client, server = ends.pair { transport = "memory", version = version,
    client = { identity = identity }, server = { verify = REQUIRE, setup = setup, trust = pki.ca } }
  return select(2, ends.handshake(client, server))
end

local function named(names, fields)
  local request = { subject = "CN=a name that counts for nothing", names = names }
  for name, value in pairs(fields or {}) do request[name] = value end
  return pki.issue(request)
end

for _, version in ipairs(versions) do
  describe("The purpose of a peer's certificate, " .. version .. ",", function()
    local client_only = named({ "localhost" }, { extendedUsage = { "clientAuth" } })
    local server_only = named({ "localhost" }, { extendedUsage = { "serverAuth" } })

    it("is sslserver for clients unless told otherwise", function()
      accepts(version, server_only)
      refuses("certificate_wrong_purpose", version, client_only)
    end)

    it("can be another for clients", function()
      accepts(version, client_only, function(context) assert(context:setPurpose("sslclient")) end)
      refuses("certificate_wrong_purpose", version, server_only, function(context)
        assert(context:setPurpose("sslclient"))
      end)
    end)

    it("can be any", function()
      for _, identity in ipairs { client_only, server_only } do
        accepts(version, identity, function(context) assert(context:setPurpose("any")) end)
      end
    end)

    it("is sslclient for servers unless told otherwise", function()
      assert.are.equal(1, server_answer(version, client_only))
      refusals.failed("certificate_wrong_purpose", "accept", server_answer(version, server_only))
      assert.are.equal(1, server_answer(version, server_only, function(context)
        assert(context:setPurpose("sslserver"))
      end))
    end)
  end)

  describe("The time of verification, " .. version .. ",", function()
    it("lets an expired certificate pass where it lies before the end", function()
      refuses("certificate_expired", version, pki.expired)
      local old = pki.issue { subject = "CN=old", issuer = false, ca = true, notBefore = os.time() - 20 * DAY,
        notAfter = os.time() + DAY }
      local expired = named({ "localhost" }, { issuer = old, notBefore = os.time() - 10 * DAY,
        notAfter = os.time() - DAY })
      accepts(version, expired, function(context) assert(context:setVerifyTime(os.time() - 5 * DAY)) end, old)
    end)

    it("in the past refuses what was not valid yet", function()
      refuses("certificate_not_yet_valid", version, pki.server, function(context)
        assert(context:setVerifyTime(os.time() - 100 * DAY))
      end)
    end)

    it("in the future refuses what will have expired", function()
      refuses("certificate_expired", version, pki.server, function(context)
        assert(context:setVerifyTime(os.time() + 3000 * DAY))
      end)
    end)

    it("is now again after nil", function()
      accepts(version, pki.server, function(context)
        assert(context:setVerifyTime(os.time() + 3000 * DAY):setVerifyTime(nil))
      end)
    end)

    it("is of no account with no_check_time", function()
      accepts(version, pki.expired, function(context) assert(context:setVerifyFlags("no_check_time")) end)
    end)
  end)

  describe("The flag partial_chain, " .. version .. ",", function()
    local middle = pki.issue { subject = "CN=middle", ca = true }
    local leaf = named({ "localhost" }, { issuer = middle })

    it("makes an intermediate authority a root", function()
      refuses("certificate_unknown_issuer", version, leaf, nil, middle)
      accepts(version, leaf, function(context) assert(context:setVerifyFlags { "partial_chain" }) end, middle)
    end)

    it("is gone again after clearVerifyFlags", function()
      refuses("certificate_unknown_issuer", version, leaf, function(context)
        assert(context:setVerifyFlags { "partial_chain" }:clearVerifyFlags { "partial_chain" })
      end, middle)
    end)
  end)

  describe("The flag trusted_first, " .. version .. ",", function()
    -- The authority's own certificate is trusted; its server sends another one of the same name and key along, which
    -- nobody can check.
    local cross = pki.issue { subject = "CN=scissl test authority", ca = true, key = pki.ca.key, issuer = pki.otherCa,
      notBefore = os.time() - 20 * 86400, notAfter = os.time() - 10 * 86400 }

    it("is how chains are built: what is trusted comes before what was sent", function()
      local server_context = ends.serverContext { method = version, identity = false, setup = function(context)
        assert(context:useCertificateChain { pki.server.certificate, cross.certificate })
        assert(context:usePrivateKey(pki.server.key))
      end }
      for _, setup in ipairs { function() end, function(context) assert(context:setVerifyFlags "trusted_first") end } do
        local client, server = ends.connected { transport = "memory", server = server_context,
          client = ends.clientContext { method = version, setup = setup } }
        assert.are.same({ pki.server.certificate, cross.certificate }, client:peerChain())
        assert.are.same({ pki.server.certificate, pki.ca.certificate }, client:verifiedChain())
        client:close()
        server:close()
      end
    end)
  end)

  describe("x509_strict, " .. version .. ",", function()
    it("refuses what RFC 5280 forbids", function()
      local odd = pki.issue { subject = "CN=odd", issuer = false, ca = true, usage = {} }
      local leaf = named({ "localhost" }, { issuer = odd })
      accepts(version, leaf, nil, odd)
      refuses("certificate_invalid", version, leaf, function(context) assert(context:setVerifyFlags("x509_strict")) end,
        odd)
    end)
  end)

  describe("setAuthLevel, " .. version .. ",", function()
    it("holds certificates to a level of their own", function()
      local function level(number)
        return function(context) assert(context:setAuthLevel(number)) end
      end
      accepts(version, pki.server, level(3))
      refuses("security_level", version, pki.server, level(5))
      accepts(version, pki.server, function(context) assert(context:setAuthLevel(5):setAuthLevel(nil)) end)
    end)
  end)

  describe("Several hosts, " .. version .. ",", function()
    local server = named { "b.example", "*.wild.example" }

    local function hosts(...)
      local names = { ... }
      return function(context) assert(context:setVerifyHosts(names)) end
    end

    it("accept a certificate for one of them", function()
      accepts(version, server, hosts("a.example", "b.example"))
      accepts(version, server, hosts("b.example", "a.example"))
      accepts(version, server, hosts("a.example", "x.wild.example"))
    end)

    it("refuse a certificate for none of them", function()
      refuses("certificate_wrong_host", version, server, hosts("a.example", "c.example"))
    end)

    it("are none after an empty list", function()
      accepts(version, server, function(context) assert(context:setVerifyHosts { "a.example" }:setVerifyHosts {}) end)
    end)

    it("are taken with a dot at their end", function()
      accepts(version, server, hosts("b.example."))
    end)

    it("are replaced by a socket's own", function()
      for _, names in ipairs { { "b.example", "z.example" }, {} } do
        local client, far = ends.pair { transport = "memory", version = version, verifyHost = false,
          client = { setup = hosts("a.example") }, server = { identity = server } }
        assert.are.equal(client, client:sslSetVerifyHosts(names))
        assert.are.equal(1, (ends.handshake(client, far)))
      end
    end)

    it("of a socket refuse a certificate for none of them, and a single host takes their place", function()
      local client, far = ends.pair { transport = "memory", version = version, server = { identity = server } }
      assert(client:sslSetVerifyHosts { "a.example", "c.example" })
      refusals.failed("certificate_wrong_host", "connect", (ends.handshake(client, far)))
      client, far = ends.pair { transport = "memory", version = version, server = { identity = server } }
      assert(client:sslSetVerifyHosts { "a.example" }:sslSetVerifyHost("b.example"))
      assert.are.equal(1, (ends.handshake(client, far)))
    end)
  end)

  describe("The names of a context, " .. version .. ",", function()
    it("are whole in each connection, its errors and its resumption, however many are made", function()
      local names = { "first.host.example", "second.host.example" }
      local context = ends.clientContext { method = version, setup = function(made)
        assert(made:setVerifyHosts(names))
      end }
      local server = ends.serverContext { method = version, identity = named { names[2] } }
      local wrong = ends.serverContext { method = version, identity = named { "other.example" } }
      for _ = 1, 50 do -- so that what OpenSSL allocates has held something
        local near, far = ends.pair { transport = "memory", client = context, server = wrong, verifyHost = false }
        local failure = refusals.failed("certificate_wrong_host", "connect", (ends.handshake(near, far)))
        assert.are.equal(names[1], failure:subject())
        local client = ends.meet { transport = "memory", client = context, server = server, verifyHost = false }
        local again = ends.meet { transport = "memory", client = context, server = server, verifyHost = false,
          session = assert(client:getSession()) }
        assert.is_true(again:isSessionReused())
        client:close()
        again:close()
      end
    end)
  end)

  describe("Wildcards, " .. version .. ",", function()
    local function judged(names, host, flags)
      local server = named(names)
      return (shaken(version, server, function(context)
        assert(context:setVerifyHosts { host })
        if flags then assert(context:setVerifyHostFlags(flags)) end
      end))
    end

    local function passes(...) assert.are.equal(1, (judged(...))) end
    local function fails(...) refusals.failed("certificate_wrong_host", "connect", (judged(...))) end

    it("stand for a whole label unless told otherwise", function()
      passes({ "*.w.example" }, "a.w.example")
      fails({ "*.w.example" }, "a.b.w.example")
      fails({ "a*.w.example" }, "ab.w.example")
    end)

    it("can be forbidden", function()
      fails({ "*.w.example" }, "a.w.example", "no_wildcards")
      passes({ "a.w.example" }, "a.w.example", { "no_wildcards" })
    end)

    it("can stand for a part of a label", function()
      passes({ "a*.w.example" }, "ab.w.example", {})
    end)

    it("can stand for several labels", function()
      passes({ "*.w.example" }, "a.b.w.example", { "multi_label_wildcards" })
    end)

    it("are not needed for the names below a host that begins with a dot", function()
      passes({ "a.w.example" }, ".w.example")
      passes({ "a.b.w.example" }, ".w.example")
      fails({ "w.example" }, ".w.example")
      passes({ "a.w.example" }, ".w.example", { "single_label_subdomains" })
      fails({ "a.b.w.example" }, ".w.example", { "single_label_subdomains" })
    end)

    it("follow the context's flags on a socket's own host, too", function()
      local client, server = ends.pair { transport = "memory", version = version, verifyHost = "a.w.example",
        client = { setup = function(context) assert(context:setVerifyHostFlags("no_wildcards")) end },
        server = { identity = named { "*.w.example" } } }
      refusals.failed("certificate_wrong_host", "connect", (ends.handshake(client, server)))
    end)
  end)

  describe("The subject's common name, " .. version .. ",", function()
    local server = pki.issue { subject = "CN=cn.example", names = { "192.0.2.7" } }
    local both = pki.issue { subject = "CN=cn.example", names = { "other.example" } }
    local function hosts(flags)
      return function(context)
        assert(context:setVerifyHosts { "cn.example" })
        if flags then assert(context:setVerifyHostFlags(flags)) end
      end
    end

    it("counts where there is no host among the names, unless told otherwise", function()
      accepts(version, server, hosts())
      refuses("certificate_common_name", version, server, hosts("never_check_subject"))
    end)

    it("counts beside other hosts only where told so", function()
      refuses("certificate_wrong_host", version, both, hosts())
      accepts(version, both, hosts("always_check_subject"))
    end)
  end)

  describe("An address, " .. version .. ",", function()
    it("must stand in the certificate", function()
      for _, address in ipairs { "127.0.0.1", "::1" } do
        accepts(version, pki.server, function(context) assert(context:setVerifyIp(address)) end)
      end
      refuses("certificate_wrong_ip", version, pki.server, function(context)
        assert(context:setVerifyIp("192.0.2.1"))
      end)
    end)

    it("is of no account after nil", function()
      accepts(version, pki.server, function(context)
        assert(context:setVerifyIp("192.0.2.1"):setVerifyIp(nil))
      end)
    end)

    it("is checked beside the hosts", function()
      refuses("certificate_wrong_ip", version, pki.server, function(context)
        assert(context:setVerifyIp("192.0.2.1"):setVerifyHosts { "localhost" })
      end)
    end)
  end)

  describe("An e-mail address, " .. version .. ",", function()
    local person = named { "person@example.org" }

    it("must be the client's, for a server that asks", function()
      local function setup(address)
        return function(context) assert(context:setVerifyEmail(address)) end
      end
      assert.are.equal(1, server_answer(version, person, setup("person@example.org")))
      refusals.failed("certificate_wrong_email", "accept", server_answer(version, person, setup("other@example.org")))
      assert.are.equal(1, server_answer(version, person, function(context)
        assert(context:setVerifyEmail("other@example.org"):setVerifyEmail(nil))
      end))
    end)
  end)

  describe("A later change of the policy (S9), " .. version .. ",", function()
    local leaf = named({ "localhost" }, { extendedUsage = { "serverAuth" } })
    local changes = {
      purpose = function(context) assert(context:setPurpose("sslclient")) end,
      time = function(context) assert(context:setVerifyTime(os.time() + 3000 * DAY)) end,
      flags = function(context) assert(context:setVerifyFlags("crl_check")) end,
      level = function(context) assert(context:setAuthLevel(5)) end,
      hosts = function(context) assert(context:setVerifyHosts { "elsewhere.example" }) end,
      address = function(context) assert(context:setVerifyIp("192.0.2.1")) end,
      email = function(context) assert(context:setVerifyEmail("a@b.example")) end,
    }
    for name, change in pairs(changes) do
      it("does not reach an initialised connection: " .. name, function()
        local context = ends.clientContext { method = version }
        local options = { transport = "memory", version = version, client = context, server = { identity = leaf },
          verifyHost = false }
        local client, server = ends.pair(options)
        change(context)
        assert.are.equal(1, (ends.handshake(client, server)))
        refusals.check((ends.handshake(ends.pair(options))))
      end)
    end

    it("does not reach an initialised connection: host flags", function()
      local context = ends.clientContext { method = version }
      local options = { transport = "memory", version = version, client = context, verifyHost = "a.w.example",
        server = { identity = named { "*.w.example" } } }
      local client, server = ends.pair(options)
      assert(context:setVerifyHostFlags("no_wildcards"))
      assert.are.equal(1, (ends.handshake(client, server)))
      refusals.check((ends.handshake(ends.pair(options))))
    end)
  end)

  describe("A session, " .. version .. ",", function()
    -- A session of a first connection, offered by a client that was prepared by `setup`: whether it was resumed.
    local function resumed(identity, setup, setup_socket)
      local server = ends.serverContext { method = version, identity = identity }
      local near, far = ends.connected { transport = "memory", version = version, verifyHost = false, server = server }
      assert(far:sslWrite("x"))
      assert.are.equal("x", ends.read(near, far))
      local session = assert(near:getSession())
      local client, peer = ends.pair { transport = "memory", version = version, verifyHost = false, server = server,
        client = { setup = setup } }
      if setup_socket then setup_socket(client) end
      assert(client:setSession(session))
      local answer = ends.handshake(client, peer)
      return answer == 1 and client:isSessionReused() or answer
    end

    local server = named { "b.example", "*.wild.example", "192.0.2.9", "mail@example.org" }

    it("resumes where its certificate is for one of the hosts", function()
      assert.is_true(resumed(server, function(context) assert(context:setVerifyHosts { "a.example", "b.example" }) end))
    end)

    for name, setup in pairs {
      ["its certificate is for none of the hosts"] = function(context)
        assert(context:setVerifyHosts { "a.example", "c.example" })
      end,
      ["its certificate has a wildcard and those are forbidden"] = function(context)
        assert(context:setVerifyHosts { "x.wild.example" }:setVerifyHostFlags("no_wildcards"))
      end,
      ["its certificate is for another address"] = function(context) assert(context:setVerifyIp("192.0.2.8")) end,
      ["its certificate is for another e-mail address"] = function(context)
        assert(context:setVerifyEmail("other@example.org"))
      end,
    } do
      it("does not slip past the policy where " .. name, function()
        assert.is_true(scissl.isSslError(resumed(server, setup)))
      end)
    end

    it("resumes with the wildcard where those are allowed, and with its address and e-mail address", function()
      assert.is_true(resumed(server, function(context)
        assert(context:setVerifyHosts { "x.wild.example" }:setVerifyIp("192.0.2.9"):setVerifyEmail("mail@example.org"))
      end))
    end)

    it("does not slip past the hosts of a socket", function()
      assert.is_true(resumed(server, nil, function(socket) assert(socket:sslSetVerifyHosts { "a.b", "b.example" }) end))
      assert.is_true(scissl.isSslError(resumed(server, nil, function(socket)
        assert(socket:sslSetVerifyHosts { "a.b", "c.example" })
      end)))
    end)
  end)
end

for _, version in ipairs(versions) do
  describe("The length of the message with a peer's certificates, " .. version .. ",", function()
    it("is 100 KiB at most, and can be set", function()
      local context = scissl.SciSslContext.new(version)
      assert.are.equal(102400, context:getMaxCertList())
      assert.are.equal(5000, context:setMaxCertList(5000):getMaxCertList())
    end)

    it("ends the handshake of a client where it is longer", function()
      refuses("handshake_message_too_long", version, pki.server, function(context) context:setMaxCertList(300) end)
      accepts(version, pki.server, function(context) context:setMaxCertList(8000) end)
    end)

    it("ends the handshake of a server where a client's is longer", function()
      local answer = server_answer(version, pki.client, function(context) context:setMaxCertList(300) end)
      refusals.failed("handshake_message_too_long", "accept", answer)
    end)

    it("can be set for one connection, until its handshake", function()
      for bytes, expected in pairs { [300] = false, [8000] = true } do
        local client, server = ends.pair { transport = "memory", version = version }
        assert.are.equal(client, client:sslSetMaxCertList(bytes))
        local answer = ends.handshake(client, server)
        if expected then assert.are.equal(1, answer)
        else refusals.failed("handshake_message_too_long", "connect", answer) end
        refusals.condition("handshake_under_way", client:sslSetMaxCertList(bytes))
      end
    end)
  end)
end
