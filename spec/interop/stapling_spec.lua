-- OCSP stapling with foreign peers. GnuTLS and nginx are met by `sh spec/run.sh all` only.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local with_gnutls = peers.present "gnutls" and it or pending
local with_nginx = peers.present "nginx" and it or pending

local function response(status)
  return assert(scissl.SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
    key = pki.ca.key, status = status, nextUpdate = os.time() + 3600 })
end

local good, revoked = response "good", response "revoked"

local function client_context(version, policy)
  return ends.clientContext { method = version, setup = function(context)
    assert(context:setOcspPolicy(policy))
  end }
end

local function server_context(version, der)
  return ends.serverContext { method = version, setup = function(context)
    if der then assert(context:setOcspResponse(der)) end
  end }
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  local servers = {
    ["openssl s_server"] = function(der)
      return peers.opensslServer(version, der and "-status_file " .. pki.write(der) or "")
    end,
    ["gnutls-serv"] = function(der)
      return peers.gnutlsServer(version, "--disable-client-cert"
        .. (der and " --ignore-ocsp-response-errors --ocsp-response=" .. pki.write(der) or ""))
    end,
  }

  for name, start in pairs(servers) do
    local promise = name:find "gnutls" and with_gnutls or it

    describe("Our client with " .. name .. ", " .. version, function()
      promise("reads and believes the response that it staples", function()
        local peer <close> = start(good)
        local socket <close> = assert(foreign.dial(peer.port, client_context(version, "require")))
        assert.are.equal(good, socket:ocspResponse())
        assert.are.equal("good", assert(socket:sslVerifyOcsp()).status)
      end)

      promise("leaves it where its certificate was revoked", function()
        local peer <close> = start(revoked)
        local err = refusals.refused("certificate_revoked", "connect", nil,
          foreign.dial(peer.port, client_context(version, "request")))
        assert.are.same({ "bad_certificate_status_response", "sent", 113 }, { err:alert() })
      end)

      promise("leaves it where it has no response and one is required", function()
        local peer <close> = start()
        refusals.refused("ocsp_missing", "connect", nil, foreign.dial(peer.port, client_context(version, "require")))
      end)

      promise("goes on where it has no response and one is requested", function()
        local peer <close> = start()
        local socket <close> = assert(foreign.dial(peer.port, client_context(version, "request")))
        assert.is_nil(socket:ocspResponse())
      end)
    end)
  end

  describe("Our server, " .. version, function()
    local listener, port

    before_each(function() listener, port = ends.listener() end)
    after_each(function() listener:close() end)

    it("staples for openssl s_client", function()
      local peer <close> = peers.opensslClient(version, port, "-status")
      local socket <close> = assert(foreign.serve(listener, server_context(version, good)))
      foreign.expect(peer, "Cert Status: good")
      assert.is_true(socket:isSecure())
    end)

    it("has no response for openssl s_client where it has none", function()
      local peer <close> = peers.opensslClient(version, port, "-status")
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      foreign.expect(peer, "OCSP response: no response sent")
      assert.is_true(socket:isSecure())
    end)

    with_gnutls("staples for gnutls-cli, byte by byte", function()
      local saved = ("%s/saved-%s.ocsp"):format(pki.folder(), version)
      local peer <close> = peers.gnutlsClient(version, port, "--save-ocsp=" .. saved)
      local socket <close> = assert(foreign.serve(listener, server_context(version, good)))
      foreign.expect(peer, "Handshake was completed")
      local file <close> = assert(io.open(saved, "rb"))
      assert.are.equal(good, file:read("a"))
      assert.is_true(socket:isSecure())
    end)

    with_gnutls("is left by gnutls-cli where its certificate was revoked", function()
      local peer <close> = peers.gnutlsClient(version, port)
      local socket, err = foreign.serve(listener, server_context(version, revoked))
      if socket then -- in TLS 1.3 the server is done before the client has judged
        local _, last = foreign.read(socket)
        err = scissl.isSslError(last) and last
        socket:close()
      end
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 1 }, { how, code })
      assert.truthy(output:find("revoked", 1, true), output)
      assert.truthy(err == false or scissl.isSslError(err))
    end)
  end)
end

describe("Our client with nginx", function()
  local function listen(name, version, der)
    return ("server { listen unix:%s/%s ssl; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols %s; %s }\n")
      :format(pki.folder(), name, pki.server.certificateFile, pki.server.keyFile, version,
        der and ("ssl_stapling on; ssl_stapling_file %s;"):format(pki.write(der)) or "")
  end

  local function dial(name, context)
    local socket = assert(scissl.SciSslSocket.new(context, "unix"))
    assert(socket:connect(pki.folder() .. "/" .. name))
    assert(socket:sslInitialize())
    assert(socket:sslSetServerName "localhost")
    assert(socket:sslSetVerifyHost "localhost")
    local done, err = scissl.handshake(socket, "connect", { timeout = 30 })
    if done then return socket end
    socket:close()
    return nil, err
  end

  with_nginx("believes the response that it staples, and leaves it where its certificate was revoked", function()
    local http = ""
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      http = http .. listen("good-" .. version, version, good) .. listen("revoked-" .. version, version, revoked)
    end
    local peer <close> = peers.nginx(http)
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      local socket <close> = assert(dial("good-" .. version, client_context(version, "require")))
      assert.are.equal(good, socket:ocspResponse())
      refusals.refused("certificate_revoked", "connect", nil,
        dial("revoked-" .. version, client_context(version, "request")))
    end
    assert.truthy(peer.pid)
  end)
end)
