-- scissl.explain(): codes, names and errors in plain sentences.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local texts = require "spec.support.texts"

describe("scissl.explain", function()
  it("has words for each SSL_ERROR_ constant, by name, number and answer", function()
    for name, value in pairs(require "scissl.core") do
      if name:find "^SSL_ERROR_" and math.type(value) == "integer" then
        texts.has(scissl.explain(name), ("%s (%d). "):format(name, value))
        texts.has(scissl.explain(value), name)
        if value > 0 then texts.has(scissl.explain(-value), name) end
      end
    end
    texts.has(scissl.explain(-2), "Wait until the socket is readable, then repeat the same call")
    texts.has(scissl.explain "SSL_ERROR_WANT_WRITE", "Wait until the socket is writable")
  end)

  it("has words for each X509_V_ERR_ constant, by name and number", function()
    for name, value in pairs(require "scissl.core") do
      if name:find "^X509_V_ERR_" then
        texts.has(scissl.explain(name), ("%s (%d), a verification result: "):format(name, value))
        texts.has(scissl.explain(value), name)
      end
    end
    texts.has(scissl.explain "X509_V_ERR_HOSTNAME_MISMATCH", "connect by a name that the certificate has")
    texts.has(scissl.explain "X509_V_OK", "The certificate chain is good")
  end)

  it("has words for each SSL_AD_ constant, by name, number and the alert's own name", function()
    for name, value in pairs(require "scissl.core") do
      if name:find "^SSL_AD_" then
        local alert = name == "SSL_AD_USER_CANCELLED" and "user_canceled" or name:sub(8):lower()
        for _, asked in ipairs { name, value, alert } do
          texts.has(scissl.explain(asked), ("The alert %s (%d). It means: "):format(alert, value))
        end
      end
    end
  end)

  it("tells all meanings of a number apart", function()
    local text = scissl.explain(10)
    texts.has(text, "As a result of sslGetError: SSL_ERROR_WANT_ASYNC_JOB (10)")
    texts.has(text, "As a result of sslVerifyCertificate: X509_V_ERR_CERT_HAS_EXPIRED (10)")
    texts.has(text, "As an alert: The alert unexpected_message (10)")
  end)

  it("explains conditions, and a name that is an alert's, too", function()
    texts.has(scissl.explain "plain_http", "The condition plain_http of a SciSslError. The peer speaks plain HTTP")
    local both = scissl.explain "certificate_expired"
    texts.has(both, "The alert certificate_expired (45)")
    texts.has(both, "The condition certificate_expired")
    texts.lacks(scissl.explain "close_notify", "The condition")
  end)

  it("explains an error: what to do, condition, alert, result, queue", function()
    local client, server = ends.pair { server = { identity = pki.expired } }
    local failure, refusal = ends.handshake(client, server)
    local text = scissl.explain(failure)
    texts.has(text, failure:errorHint())
    texts.has(text, 'Its condition is "certificate_expired", its phase "connect"')
    texts.has(text, "This end has sent the alert certificate_expired (45)")
    texts.has(text, "X509_V_ERR_CERT_HAS_EXPIRED (10)")
    texts.has(text, "OpenSSL's report 1 of 1: certificate verify failed")
    texts.has(scissl.explain(refusal), "The peer has sent the alert certificate_expired (45)")
  end)

  it("explains the chain of causes, and what the system said", function()
    local inner = scissl.SciSslError.new { phase = "connect", condition = "connection_refused", errno = 111 }
    local outer = scissl.SciSslError.new { phase = "connect", condition = "timeout", cause = inner }
    local text = scissl.explain(scissl.SciSslError.new { phase = "load", condition = "handler_failed", cause = outer })
    texts.has(text, "The cause is another error (condition timeout)")
    texts.has(text, "The cause is another error (condition connection_refused)")
    texts.has(scissl.explain(inner), "(errno 111)")
    texts.has(scissl.explain(scissl.SciSslError.new { condition = "handler_failed", cause = "mine.lua:3: oops" }),
      "an error that a function of this program raised: mine.lua:3: oops")
  end)

  it("ends where a chain of causes does not", function()
    local err = scissl.SciSslError.new { condition = "timeout" }
    for _ = 1, 100 do err = scissl.SciSslError.new { condition = "refused", cause = err } end
    assert.is_true(#scissl.explain(err) < 10000)
  end)

  it("says so where it knows nothing, with the nearest name", function()
    texts.has(scissl.explain "unknwon_ca", "Did you mean unknown_ca?")
    texts.has(scissl.explain "SSL_ERROR_WANT_REED", "Did you mean SSL_ERROR_WANT_READ?")
    texts.has(scissl.explain(987654), "scissl knows no SSL_ERROR_ or X509_V_ code, alert or condition 987654")
    texts.has(scissl.explain(-987654), "scissl knows no")
    texts.has(scissl.explain(math.mininteger), "scissl knows no")
  end)

  it("never breaks the terminal: 80 columns, no control characters", function()
    local err = scissl.SciSslError.new { condition = "refused", message = "\27]0;evil\7" .. (" word"):rep(100) }
    for _, text in ipairs { scissl.explain(err), scissl.explain(10), scissl.explain "\27[2J" } do
      assert.is_nil(text:find "[^\10\32-\126]", text)
      for line in (text .. "\n"):gmatch "(.-)\n" do assert.is_true(#line <= 80, line) end
    end
  end)

  it("refuses what is neither error, integer nor name", function()
    for _, value in ipairs { {}, 1.5, true } do
      local good, raised = pcall(scissl.explain, value)
      assert.is_false(good)
      texts.has(raised, "SciSslError, integer or name expected")
    end
    assert.error_matches(function() scissl.explain(nil) end, "bad argument #1 to 'explain'")
  end)
end)
