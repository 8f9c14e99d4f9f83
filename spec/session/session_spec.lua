-- OSSslSession: what a session knows of itself, and its way through PEM and DER.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local judge = require "spec.support.judge"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local OSSslSession = scissl.OSSslSession
local refused = refusals.refused
local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local function session_of(version, options)
  options = options or {}
  options.version = version
  local client, server = ends.connected(options)
  assert.are.equal(2, server:sslWrite("hi"))
  assert.are.equal("hi", ends.read(client, server))
  return assert(client:getSession()), client, server
end

for _, version in ipairs(VERSIONS) do
  describe("A session, " .. version, function()
    it("tells what there is to know of it", function()
      local before = os.time()
      local session, client = session_of(version)
      assert.are.equal(version, session:protocol())
      assert.are.equal(client:cipher(), session:cipher())
      assert.are.equal("localhost", session:hostName())
      assert.is_true(session:isResumable())
      assert.is_true(session:time() >= before - 1 and session:time() <= os.time() + 1)
      assert.is_true(session:timeout() > 0)
      assert.are.equal("integer", math.type(session:ticketLifetime()))
      assert.is_true(#session:id() <= 32)
    end)

    it("has the time-out that the server's context gave it", function()
      local client_context = ends.clientContext { method = version }
      client_context:setTimeout(1234)
      local session = session_of(version, { client = client_context,
        server = { setup = function(context) context:setTimeout(777) end } })
      if version == "TLSv1.2" then assert.are.equal(1234, session:timeout())
      else assert.is_true(session:timeout() == 777 or session:timeout() == 1234) end
      assert.are.equal(777, session:ticketLifetime())
    end)

    it("has a ticket for a week at most in TLS 1.3, whatever the server says", function()
      local session = session_of(version, { server = { setup = function(context) context:setTimeout(300000) end } })
      assert.are.equal(300000, session:ticketLifetime())
      -- In its DER, the life time is 0x0493E0 seconds; OpenSSL's servers themselves do not say more than a week.
      local longer, count = session:toDer():gsub("\xA9\5\2\3\x04\x93\xE0", "\xA9\5\2\3\x7F\xFF\xFF")
      assert.are.equal(1, count)
      local other = assert(scissl.OSSslSession.fromDer(longer))
      assert.are.equal(version == "TLSv1.3" and 604800 or 0x7FFFFF, other:ticketLifetime())
    end)

    it("has no ticket where the server keeps sessions itself", function()
      local session = session_of(version, { server = { setup = function(context)
        context:setOptions(scissl.SSL_OP_NO_TICKET)
      end } })
      if version == "TLSv1.2" then
        assert.is_nil(session:ticketLifetime())
        assert.are.equal(32, #session:id())
      end
    end)

    it("has no host name where none was asked for", function()
      assert.is_nil(session_of(version, { serverName = false }):hostName())
    end)

    for _, form in ipairs { "Pem", "Der" } do
      it("comes back as it was from " .. form, function()
        local session = session_of(version)
        local again = assert(OSSslSession["from" .. form](session["to" .. form](session)))
        for _, name in ipairs { "id", "protocol", "cipher", "hostName", "isResumable", "time", "timeout",
          "ticketLifetime" } do
          assert.are.equal(session[name](session), again[name](again), name)
        end
        assert.are.equal(session["to" .. form](session), again["to" .. form](again))
      end)
    end

    it("is what openssl sess_id reads", function()
      local output, read = judge.openssl("sess_id -noout -text -in %s", judge.file(session_of(version):toPem()))
      assert.is_true(read, output)
      assert.truthy(output:find("Protocol  : " .. version, 1, true), output)
    end)

    it("equals itself, and another with its id, and no other", function()
      local session, client = session_of(version)
      assert.are.equal(session, client:getSession())
      if #session:id() > 0 then assert.are.equal(session, OSSslSession.fromPem(session:toPem())) end
      assert.are_not.equal(session, (session_of(version)))
      assert.is_false(session == session:id())
    end)

    it("that was damaged anywhere is refused, or is a session, and never more than that #slow", function()
      local der = session_of(version):toDer()
      for at = 1, #der, 3 do
        local damaged = der:sub(1, at - 1) .. string.char(der:byte(at) ~ 0x55) .. der:sub(at + 1)
        local session, err = OSSslSession.fromDer(damaged)
        if session then
          assert.is_true(#tostring(session) > 0)
          session:toPem()
          local client, server = ends.pair { version = version, transport = "memory" }
          if client:setSession(session) then ends.handshake(client, server) end
        else refusals.check(err) end
      end
      for length = 0, #der - 1, 5 do
        refused(length == 0 and "not_der" or "malformed_session", "load", nil, OSSslSession.fromDer(der:sub(1, length)))
      end
    end)
  end)
end

describe("OSSslSession", function()
  it("says what it was given instead of a session", function()
    refused("not_pem", "load", nil, OSSslSession.fromPem(""))
    refused("not_pem", "load", nil, OSSslSession.fromPem("hello"))
    refused("not_session", "load", nil, OSSslSession.fromPem(pki.server.certificatePem))
    refused("malformed_session", "load", nil, OSSslSession.fromPem(
      "-----BEGIN SSL SESSION PARAMETERS-----\nAAAA\n-----END SSL SESSION PARAMETERS-----\n"))
    refused("not_der", "load", nil, OSSslSession.fromDer(""))
    refused("not_der", "load", nil, OSSslSession.fromDer("hello"))
    refused("not_session", "load", nil, OSSslSession.fromDer(pki.server.certificate:toDer()))
    for _, value in ipairs { {}, true, print } do
      assert.error_matches(function() OSSslSession.fromPem(value) end, "bad argument #1 to 'fromPem'")
      assert.error_matches(function() OSSslSession.fromDer(value) end, "bad argument #1 to 'fromDer'")
    end
  end)

  it("raises when it is used after close, and closes twice without harm", function()
    local session = session_of("TLSv1.2")
    local close = getmetatable(session).__close
    close(session)
    close(session)
    for _, name in ipairs { "id", "protocol", "cipher", "hostName", "isResumable", "time", "timeout", "ticketLifetime",
      "toPem", "toDer" } do
      assert.error_matches(function() session[name](session) end, "closed")
    end
    assert.is_false(session == session_of("TLSv1.2"))
  end)

  it("has methods for its receivers alone", function()
    local session = session_of("TLSv1.2")
    for _, name in ipairs { "id", "protocol", "cipher", "toPem" } do
      for _, value in ipairs { {}, "x", ends.clientContext() } do
        assert.error_matches(function() session[name](value) end, "bad argument #1 to")
      end
    end
  end)
end)
