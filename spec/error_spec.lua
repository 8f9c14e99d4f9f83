local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSslError = scissl.SciSslError

-- A client that does not trust its server: what both ends answer.
local function refused(version)
  local client, server = ends.pair { version = version, client = { method = version, trust = pki.otherCa } }
  local client_error, server_error = ends.handshake(client, server)
  assert.is_true(scissl.isSslError(client_error))
  if server_error == 1 then server_error = ends.read(server, client) end
  return client_error, server_error
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("a SciSslError of a failed handshake, " .. version, function()
    local client_error, server_error = refused(version)

    it("says where and what: phase, condition, subject", function()
      assert.equal("connect", client_error:phase())
      assert.equal("certificate_unknown_issuer", client_error:condition())
      assert.equal("localhost", client_error:subject())
    end)

    it("has OpenSSL's code, library and reason, and the whole queue", function()
      assert.equal("SSL routines", client_error:library())
      assert.equal("certificate verify failed", client_error:reason())
      assert.is_true(client_error:code() ~= 0)
      local queue = client_error:queue()
      assert.is_true(#queue >= 1)
      assert.equal(client_error:code(), queue[1].code)
      for _, entry in ipairs(queue) do
        assert.is_string(entry.library)
        assert.is_string(entry.file)
        assert.is_true(math.type(entry.line) == "integer")
      end
    end)

    it("has the SSL_ERROR code and no errno", function()
      assert.equal(scissl.SSL_ERROR_SSL, client_error:sslError())
      assert.is_nil((client_error:errno()))
    end)

    it("has the verification's result as code and text", function()
      local code, text = client_error:verifyResult()
      assert.is_true(code ~= scissl.X509_V_OK)
      assert.is_string(text)
      assert.is_nil((server_error:verifyResult()))
    end)

    it("has the alert, which was sent here and received there", function()
      assert.same({ "unknown_ca", "sent", 48 }, { client_error:alert() })
      assert.same({ "unknown_ca", "received", 48 }, { server_error:alert() })
    end)

    it("prints as its hint: one line, never empty", function()
      for _, failure in ipairs { client_error, server_error } do
        assert.equal(failure:errorHint(), tostring(failure))
        assert.is_true(#tostring(failure) > 20)
        assert.is_nil(tostring(failure):find "[\r\n]")
      end
    end)
  end)
end

describe("a SciSslError of the system", function()
  it("has errno and its text, and the address", function()
    local listener, port = ends.listener()
    listener:close()
    local socket = assert(scissl.SciSocket.newStreamSocket())
    local _, err = socket:connect("127.0.0.1", port)
    assert.equal("connection_refused", err:condition())
    local number, text = err:errno()
    assert.is_true(number > 0)
    assert.truthy(text:lower():find("refused", 1, true))
    assert.truthy(err:subject():find("127.0.0.1:" .. port, 1, true))
    assert.equal(scissl.SSL_ERROR_SYSCALL, err:sslError())
    assert.equal(0, err:code())
    assert.same({}, err:queue())
  end)
end)

describe("ifSslErrorDo", function()
  local failure = refused("TLSv1.3")

  it("calls the function with the error and answers what it answers", function()
    assert.same({ failure, "a", nil, 3, n = 4 }, table.pack(failure:ifSslErrorDo(function(...)
      assert.equal(1, select("#", ...))
      return (...), "a", nil, 3
    end)))
  end)

  it("lets an error of the function through", function()
    local ok, raised = pcall(failure.ifSslErrorDo, failure, function() error("mine", 0) end)
    assert.same({ false, "mine" }, { ok, raised })
  end)

  it("raises for what is no function", function()
    assert.has_error(function() failure:ifSslErrorDo() end)
    assert.has_error(function() failure:ifSslErrorDo "print" end)
  end)
end)

describe("SciSslError.new", function()
  it("makes one from Lua with the fields that are given", function()
    local cause = {}
    local err = SciSslError.new { phase = "read", condition = "timeout", message = "too late", subject = "here",
                                  sslError = scissl.SSL_ERROR_WANT_READ, cause = cause }
    assert.equal("read", err:phase())
    assert.equal("timeout", err:condition())
    assert.equal("too late", err:message())
    assert.equal("here", err:subject())
    assert.equal(scissl.SSL_ERROR_WANT_READ, err:sslError())
    assert.equal(cause, err:cause())
  end)

  it("finds the condition from errno or from a verification's result", function()
    local refused_error = SciSslError.new { verifyResult = scissl.X509_V_ERR_CERT_HAS_EXPIRED }
    assert.equal("certificate_expired", refused_error:condition())
    assert.equal("unknown", SciSslError.new({}):condition())
  end)

  it("is never empty, whatever is missing", function()
    assert.is_true(#tostring(SciSslError.new {}) > 0)
  end)

  it("refuses fields of other names and types by name", function()
    assert.has_error(function() SciSslError.new { fase = "read" } end)
    assert.has_error(function() SciSslError.new { phase = {} } end)
    assert.has_error(function() SciSslError.new { sslError = "many" } end)
    assert.has_error(function() SciSslError.new { "read" } end)
    assert.has_error(function() SciSslError.new() end)
  end)

  it("takes nothing from OpenSSL's queue that is not its own", function()
    scissl.SciSslX509Certificate.fromPem "rubbish"
    assert.same({}, SciSslError.new({ phase = "read" }):queue())
  end)
end)

describe("a SciSslError as a Lua value", function()
  local failure = refused("TLSv1.2")

  it("joins with strings and numbers on either side", function()
    assert.equal("failed: " .. tostring(failure), "failed: " .. failure)
    assert.equal(tostring(failure) .. 1, failure .. 1)
  end)

  it("can be raised, and comes through pcall as it was", function()
    local ok, raised = pcall(error, failure)
    assert.same({ false, failure }, { ok, raised })
  end)

  it("is told from other values by isSslError, and raises where a method gets another value", function()
    assert.is_true(scissl.isSslError(failure))
    assert.is_false(scissl.isSslError "failure")
    assert.has_error(function() SciSslError.phase {} end)
  end)

  it("keeps what it says when OpenSSL goes on", function()
    local before = tostring(failure)
    refused("TLSv1.3")
    collectgarbage()
    assert.equal(before, tostring(failure))
  end)
end)
