-- scissl.connect finds the host's name where certificates have names for hosts. The common name of the subject counts
-- only where it is asked for (RFC 9525). The calls below do as OpenSSL does: spec/context/verify_spec.lua.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local old = pki.issue { subject = "CN=localhost" }
local other = pki.issue { subject = "CN=elsewhere.example" }

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A certificate with the name in its common name alone, " .. version, function()
    local function meet(options, identity)
      identity = identity or old
      local connecting = {}
      if not (options and options.context) then connecting.ca = pki.ca.certificate end
      for name, value in pairs(options or {}) do connecting[name] = value end
      local result = streams.meet({
        version = version, certificate = identity.certificate, privateKey = identity.key,
      }, connecting)
      return table.unpack(result, 1, 2)
    end

    it("is refused, and the error says why", function()
      local err = refusals.refused("certificate_common_name", "connect", nil, meet())
      assert.are.equal(scissl.X509_V_ERR_HOSTNAME_MISMATCH, (err:verifyResult()))
      assert.truthy(err:errorHint():find("allowCommonName", 1, true))
    end)

    it("is refused for each of several names", function()
      refusals.refused("certificate_common_name", "connect", nil, meet { verifyHost = { "a.example", "localhost" } })
    end)

    it("is accepted with allowCommonName = true", function()
      assert.are.equal("CN=localhost", assert(meet { allowCommonName = true }):peerCertificate():subject())
    end)

    it("is accepted by a context that always looks at the subject", function()
      local context = ends.clientContext { method = version, setup = function(made)
        assert(made:setVerifyHostFlags { "always_check_subject", "no_partial_wildcards" })
      end }
      assert.truthy(meet { context = context })
    end)

    it("is refused by a context that says nothing of it", function()
      local context = ends.clientContext { method = version }
      refusals.refused("certificate_common_name", "connect", nil, meet { context = context })
    end)

    it("is for another host where the common name is, too", function()
      refusals.refused("certificate_wrong_host", "connect", nil, meet(nil, other))
      refusals.refused("certificate_wrong_host", "connect", nil, meet({ allowCommonName = true }, other))
    end)

    it("is not looked at with verify = false or verifyHost = false", function()
      assert.truthy(meet { verify = false })
      assert.truthy(meet { verifyHost = false })
    end)

    it("does not come in by a session that was made with allowCommonName", function()
      local kept
      local keeping = { get = function() end, remove = function() end }
      function keeping.put(_, _, session) kept = session end
      local server = ends.serverContext { method = version, identity = old }
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, context = server, waiter = "coroutine", timeout = 10,
      })
      local _, port = listener:getSockName()
      local function connect(options)
        options.host, options.port, options.waiter, options.timeout = "localhost", port, "coroutine", 10
        options.ca = pki.ca.certificate
        local results = ends.run(function()
          local stream = listener:accept(10)
          if stream then stream:write "x" stream:flush() end
          return stream
        end, function()
          local stream, failure = scissl.connect(options)
          if stream then stream:read(1) stream:close() end
          return stream, failure
        end)
        return table.unpack(results[2], 1, 2)
      end
      assert(connect { allowCommonName = true, sessions = keeping })
      refusals.refused("certificate_common_name", "connect", nil, connect { session = assert(kept) })
    end)
  end)

  describe("sslSetVerifyHostFlags, " .. version, function()
    it("takes the place of the context's flags on one connection", function()
      local function answer(flags)
        local client, server = ends.pair { transport = "memory", version = version, server = { identity = old } }
        if flags then assert.are.equal(client, client:sslSetVerifyHostFlags(flags)) end
        return (ends.handshake(client, server))
      end
      assert.are.equal(1, answer())
      refusals.failed("certificate_common_name", "connect", answer "never_check_subject")
    end)
  end)
end

describe("SciSslX509Certificate:verify", function()
  it("holds keys and signatures to a security level", function()
    local trusted = { pki.ca.certificate }
    assert.is_true((pki.server.certificate:verify(trusted, { securityLevel = 3 })))
    local err = refusals.refused("security_level", "verify", nil,
      pki.server.certificate:verify(trusted, { securityLevel = 4 }))
    assert.are.equal(scissl.X509_V_ERR_EE_KEY_TOO_SMALL, (err:verifyResult()))
    assert.is_true((pki.server.certificate:verify(trusted, { securityLevel = 0 })))
  end)

  it("raises for a level that there is not", function()
    for _, level in ipairs { -1, 6, "1x", 1.5, true } do
      assert.error_matches(function()
        pki.server.certificate:verify({ pki.ca.certificate }, { securityLevel = level })
      end, "securityLevel")
    end
  end)
end)
