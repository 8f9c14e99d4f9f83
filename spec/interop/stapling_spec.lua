-- OCSP stapling: our client with foreign servers that staple, and our server with foreign clients that ask.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local with_gnutls = peers.present "gnutls" and it or pending
local with_nginx = peers.present "nginx" and it or pending

-- What the authority says of pki.server, and of another certificate.
local function response(status, identity)
  return assert(scissl.SciSslOcsp.response {
    certificate = (identity or pki.server).certificate, issuer = pki.ca.certificate, key = pki.ca.key, status = status,
    thisUpdate = os.time() - 60, nextUpdate = os.time() + 3600,
  })
end

local good, revoked, foreigners = response "good", response "revoked", response("good", pki.client)

local nginx_server = [[
  server {
    listen unix:%s ssl;
    ssl_certificate %s;
    ssl_certificate_key %s;
    %s
    return 200 "hello\n";
  }
]]

local function nginx_path(name) return ("%s/nginx-stapling-%s"):format(pki.folder(), name) end

local function nginx_with(name, staple)
  return nginx_server:format(nginx_path(name), pki.server.certificateFile, pki.server.keyFile,
    staple and ("ssl_stapling on; ssl_stapling_file %s;"):format(pki.write(staple)) or "")
end

-- Each starts a server with this response stapled, or none; answers it, and where it listens.
local servers = {
  ["openssl s_server"] = function(version, staple)
    local peer = peers.opensslServer(version, staple and "-rev -status_file " .. pki.write(staple) or "-rev")
    return peer, peer.port
  end,
  ["gnutls-serv"] = function(version, staple)
    local peer = peers.gnutlsServer(version, "--disable-client-cert "
      .. (staple and "--ignore-ocsp-response-errors --ocsp-response " .. pki.write(staple) or ""))
    return peer, peer.port
  end,
  nginx = function(_, staple)
    return setmetatable({}, { __close = function() end }), nginx_path(({ [good] = "good", [revoked] = "revoked",
      [foreigners] = "foreigners" })[staple] or "none")
  end,
}

local its = { ["openssl s_server"] = it, ["gnutls-serv"] = with_gnutls, nginx = with_nginx }

describe("OCSP stapling #slow", function()
  local nginx

  setup(function()
    nginx = peers.present "nginx" and peers.nginx("  ssl_protocols TLSv1.2 TLSv1.3;\n" .. nginx_with("good", good)
      .. nginx_with("revoked", revoked) .. nginx_with("foreigners", foreigners) .. nginx_with("none"))
  end)
  teardown(function() if nginx then nginx:stop() end end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    for name, start in pairs(servers) do
      local with_peer = its[name]

      local function dial(policy, staple)
        local peer <close>, where = start(version, staple) -- luacheck: ignore 211
        return foreign.dial(where, ends.clientContext { method = version,
          setup = function(context) assert(context:setOcspPolicy(policy)) end })
      end

      describe(("by %s, %s,"):format(name, version), function()
        with_peer("is what our client insists on, and gets", function()
          local socket <close> = assert(dial("require", good))
          assert.are.equal(good, socket:ocspResponse())
          assert.are.equal("good", assert(socket:sslVerifyOcsp()).status)
        end)

        with_peer("is not sent where our client does not ask", function()
          local socket <close> = assert(dial("none", good))
          assert.is_nil(socket:ocspResponse())
        end)

        with_peer("is missed by our client where it insists, and only there", function()
          refusals.refused("ocsp_missing", "connect", nil, dial("require"))
          local socket <close> = assert(dial("request"))
          assert.is_nil(socket:ocspResponse())
        end)

        with_peer("that says revoked is the end, even where our client only asks", function()
          for _, policy in ipairs { "request", "require" } do
            local err = refusals.refused("certificate_revoked", "connect", nil, dial(policy, revoked))
            assert.are.same({ "bad_certificate_status_response", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
          end
        end)

        with_peer("for another certificate is refused by our client where it insists", function()
          local asked <close> = assert(dial("request", foreigners))
          local sent = asked:ocspResponse() == foreigners -- servers on OpenSSL 3.6 and later keep it back
          refusals.refused(sent and "ocsp_other_certificate" or "ocsp_missing", "connect", nil,
            dial("require", foreigners))
          assert.is_true(sent or name ~= "gnutls-serv")
        end)
      end)
    end

    with_gnutls(("by gnutls-serv, %s, is accepted for a self-signed certificate"):format(version), function()
      local own = pki.selfSigned
      local staple = assert(scissl.SciSslOcsp.response { certificate = own.certificate, issuer = own.certificate,
        key = own.key, thisUpdate = os.time() - 60, nextUpdate = os.time() + 3600 })
      local peer <close> = peers.gnutlsServer(version,
        "--disable-client-cert --ignore-ocsp-response-errors --ocsp-response " .. pki.write(staple), own)
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = version, trust = own,
        setup = function(context) assert(context:setOcspPolicy "require") end }))
      assert.are.equal(staple, socket:ocspResponse())
      assert.are.equal("good", assert(socket:sslVerifyOcsp()).status)
    end)

    local function server(staple)
      return ends.serverContext { method = version, setup = function(context)
        if staple then assert(context:setOcspResponse(staple)) end
      end }
    end

    describe("by our server, " .. version .. ",", function()
      local listener, port

      before_each(function() listener, port = ends.listener() end)
      after_each(function() listener:close() end)

      for staple, text in pairs {
        [good] = "Cert Status: good", [revoked] = "Cert Status: revoked", [false] = "no response",
      } do
        it(("is shown by openssl s_client: %s"):format(text), function()
          local peer <close> = peers.opensslClient(version, port, "-status")
          local socket <close> = assert(foreign.serve(listener, server(staple)))
          foreign.write(socket, "hello\n")
          socket:close()
          local output, how, code = peer:finish()
          assert.are.same({ "exit", 0 }, { how, code }, output)
          -- Without one, 3.0 says "OCSP response: no response sent", 4.0 "OCSP responses: no responses sent" or "OCSP
          -- response: no OCSP response received".
          local pattern = staple and text or "OCSP responses?: no [^\n]*response"
          assert.truthy(output:find(pattern), output)
        end)
      end

      it("is not sent to a client that does not ask", function()
        local peer <close> = peers.opensslClient(version, port, "-msg")
        local socket <close> = assert(foreign.serve(listener, server(good)))
        socket:close()
        local output = peer:finish()
        assert.is_nil(output:find("CertificateStatus", 1, true), output)
        assert.is_nil(output:find("Cert Status", 1, true), output)
      end)

      it("satisfies curl that insists", function()
        local peer <close> = peers.curl(version, port, "--cert-status")
        local socket <close> = assert(foreign.serve(listener, server(good)))
        foreign.read(socket, "\r\n\r\n")
        foreign.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
        assert.are.same({ "hello\n", "exit", 0 }, { peer:finish() })
      end)

      for words, staple in pairs { ["that says revoked"] = revoked, ["that is not there"] = false } do
        it(words .. " is the end for curl that insists", function()
          local peer <close> = peers.curl(version, port, "--cert-status")
          local socket = foreign.serve(listener, server(staple))
          if socket then
            assert.are.equal("", (foreign.read(socket))) -- it looks after the handshake
            socket:close()
          end
          local output, how, code = peer:finish()
          assert.are.same({ "exit", 91 }, { how, code }, output)
        end)
      end

      with_gnutls("satisfies gnutls-cli", function()
        local file = ("%s/gnutls-staple-%s"):format(pki.folder(), version)
        local peer <close> = peers.gnutlsClient(version, port, "--save-ocsp " .. file)
        local socket <close> = assert(foreign.serve(listener, server(good)))
        foreign.write(socket, "hello\n")
        socket:close()
        local output, how, code = peer:finish()
        assert.are.same({ "exit", 0 }, { how, code }, output)
        local saved <close> = assert(io.open(file, "rb"))
        assert.is_true(saved:read("a") == good)
      end)

      with_gnutls("that says revoked is the end for gnutls-cli", function()
        local peer <close> = peers.gnutlsClient(version, port)
        local socket, err = foreign.serve(listener, server(revoked))
        if socket then
          err = select(2, foreign.read(socket))
          socket:close()
        end
        refusals.check(err)
        local output, _, code = peer:finish()
        assert.are_not.equal(0, code)
        assert.truthy(output:find("revoked", 1, true), output)
      end)
    end)
  end
end)
