local core = require "scissl.core"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function pair(identity, options)
  local client, server = ends.pair { server = { identity = identity }, verifyHost = options and options.verifyHost }
  return client, server
end

local function depths_and_codes(socket)
  local found = {}
  for i, one in ipairs(socket:verifyErrors()) do found[i] = { one.depth, one.code } end
  return found
end

describe("sslNoteVerifyErrors", function()
  it("notes what is wrong, and leaves the handshake to fail by it", function()
    local client, server = pair(pki.expired)
    assert.are.equal(client, client:sslNoteVerifyErrors())
    local answer = ends.handshake(client, server)
    assert.are.equal("certificate_expired", answer:condition())
    assert.are.same({ { 0, core.X509_V_ERR_CERT_HAS_EXPIRED } }, depths_and_codes(client))
    assert.are.equal("certificate has expired", client:verifyErrors()[1].text)
  end)

  it("goes on behind each of them where it is told to, and sslVerifyCertificate knows no less", function()
    local client, server = pair(pki.expired, { verifyHost = "elsewhere.example" })
    client:sslNoteVerifyErrors(true)
    local client_answer, server_answer = ends.handshake(client, server)
    assert.are.equal(1, client_answer)
    assert.are.equal(1, server_answer)
    assert.are.same({ { 0, core.X509_V_ERR_HOSTNAME_MISMATCH }, { 0, core.X509_V_ERR_CERT_HAS_EXPIRED } },
      depths_and_codes(client))
    assert.are_not.equal(core.X509_V_OK, (client:sslVerifyCertificate()))
  end)

  it("notes on servers, too", function()
    local client, server = ends.pair {
      client = { identity = pki.stranger },
      server = { verify = core.SSL_VERIFY_PEER | core.SSL_VERIFY_FAIL_IF_NO_PEER_CERT },
    }
    server:sslNoteVerifyErrors(true)
    local client_answer, server_answer = ends.handshake(client, server)
    assert.are.equal(1, client_answer)
    assert.are.equal(1, server_answer)
    assert.are.equal(core.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, server:verifyErrors()[1].code)
  end)

  it("finds nothing where nothing is wrong, and where it was not asked for", function()
    local client, server = pair(pki.server)
    client:sslNoteVerifyErrors()
    assert.are.equal(1, (ends.handshake(client, server)))
    assert.are.same({}, client:verifyErrors())
    client, server = pair(pki.expired)
    assert.is_true(core.isSslError((ends.handshake(client, server))))
    assert.are.same({}, client:verifyErrors())
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    for _, where in ipairs { "the end", "the verdict" } do
      it(("lets a client come again, out of the cache, and notes it, at %s, %s"):format(where, version), function()
        local client_context = ends.clientContext { method = version, identity = pki.stranger }
        local server_context = ends.serverContext { method = version, verify = core.SSL_VERIFY_PEER }
        server_context:setOptions(core.SSL_OP_NO_TICKET)
        local session
        for _ = 1, 2 do
          local client, server = ends.pair { client = client_context, server = server_context }
          server:sslNoteVerifyErrors(true)
          if where == "the verdict" then server:sslSuspendAt "verify" end
          if session then client:setSession(session) end
          local client_answer, server_answer = ends.handshake(client, server)
          if where == "the verdict" then client_answer, server_answer = ends.handshake(client, server) end
          assert.are.same({ 1, 1 }, { client_answer, server_answer })
          assert.are.equal(session ~= nil, server:isSessionReused())
          assert.are.equal(core.X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, server:verifyErrors()[1].code)
          assert.are_not.equal(core.X509_V_OK, (server:sslVerifyCertificate()))
          session = client:getSession()
        end
      end)
    end
  end

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("is ended by sslSetContext: a client whose session was made with it is rejected, " .. version, function()
      local client_context = ends.clientContext { method = version, identity = pki.stranger }
      local server_context = ends.serverContext { method = version, verify = core.SSL_VERIFY_PEER }
      server_context:setOptions(core.SSL_OP_NO_TICKET)
      local first, second = ends.pair { client = client_context, server = server_context }
      second:sslNoteVerifyErrors(true)
      assert.are.equal(1, (ends.handshake(first, second)))
      local client, server = ends.pair { client = client_context, server = server_context }
      server:sslNoteVerifyErrors(true)
      server:sslSuspendAt "clientHello"
      client:setSession(first:getSession())
      ends.handshake(client, server)
      assert(server:sslSetContext(server_context))
      local _, server_answer = ends.handshake(client, server)
      assert.are.equal("certificate_unknown_issuer", core.isSslError(server_answer) and server_answer:condition())
    end)
  end

  it("comes before the handshake", function()
    local client = ends.connected()
    local done, failure = client:sslNoteVerifyErrors(true)
    assert.is_nil(done)
    assert.are.equal("handshake_under_way", failure:condition())
  end)
end)
