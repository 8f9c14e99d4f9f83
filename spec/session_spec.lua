local scissl = require "scissl"
local ends = require "spec.support.ends"

local OSSslSession = scissl.OSSslSession

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("OSSslSession, " .. version, function()
    local session

    setup(function()
      local client, server = ends.connected { version = version, server = { method = version, setup = function(context)
        context:setTimeout(4321)
      end } }
      assert.equal(2, server:sslWrite "hi")
      assert.equal("hi", ends.read(client, server))
      session = assert(client:getSession())
      client:close()
    end)

    it("answers what it is of", function()
      assert.equal(version, session:protocol())
      assert.equal("SciSslCipher", getmetatable(session:cipher()).__name)
      assert.equal("localhost", session:hostName())
      assert.is_true(session:isResumable())
      assert.is_true(#session:id() <= 32)
    end)

    it("answers its times", function()
      assert.is_true(math.abs(os.time() - session:time()) < 600)
      assert.is_true(session:timeout() > 0)
      assert.equal(4321, session:ticketLifetime())
    end)

    it("comes back from PEM and DER with all it is", function()
      for _, copy in ipairs { OSSslSession.fromPem(session:toPem()), OSSslSession.fromDer(session:toDer()) } do
        assert.is_true(copy == session)
        assert.equal(session:id(), copy:id())
        assert.equal(session:protocol(), copy:protocol())
        assert.equal(session:cipher(), copy:cipher())
        assert.equal(session:time(), copy:time())
        assert.equal(session:timeout(), copy:timeout())
        assert.equal(session:toDer(), copy:toDer())
      end
    end)

    it("is unequal to another session, and to other values", function()
      local client, server = ends.connected { version = version }
      assert.equal(2, server:sslWrite "hi")
      ends.read(client, server)
      assert.is_false(session == client:getSession())
      assert.is_false(session == scissl.SciSslContext.new())
    end)

    it("prints itself without its secret", function()
      assert.truthy(tostring(session):find(version, 1, true))
      assert.truthy(tostring(session):find("localhost", 1, true))
      assert.is_true(#tostring(session) < 120)
    end)

    it("raises when it is used after it was closed", function()
      local copy = OSSslSession.fromPem(session:toPem())
      getmetatable(copy).__close(copy)
      assert.has_error(function() copy:id() end)
      assert.truthy(tostring(copy):find("closed", 1, true))
      assert.is_false(copy == session)
    end)
  end)
end

describe("OSSslSession's readers", function()
  local cases = {
    { "fromPem", "", "not_pem" },
    { "fromPem", "rubbish", "not_pem" },
    { "fromPem", "-----BEGIN SSL SESSION PARAMETERS-----\nAAAA\n-----END SSL SESSION PARAMETERS-----\n",
      "malformed_session" },
    { "fromDer", "", "not_der" },
    { "fromDer", "rubbish", "not_der" },
    { "fromDer", "0\3\2\1\1", "malformed_session" },
  }
  for _, case in ipairs(cases) do
    it(("answer a SciSslError: %s of %q"):format(case[1], case[2]:sub(1, 20)), function()
      local session, err = OSSslSession[case[1]](case[2])
      assert.is_nil(session)
      assert.equal(case[3], err:condition())
      assert.equal("load", err:phase())
    end)
  end

  it("raise for what is no string", function()
    assert.has_error(function() OSSslSession.fromPem() end)
    assert.has_error(function() OSSslSession.fromDer {} end)
  end)
end)
