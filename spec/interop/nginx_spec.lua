-- nginx: our client with it as a server, and our server with it as a client (a proxy). Part of `sh spec/run.sh all`.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local texts = require "spec.support.texts"

local SciSocket = scissl.SciSocket
local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local with_nginx = peers.present "nginx" and it or pending

local function path(name) return ("%s/nginx-%s"):format(pki.folder(), name) end

-- ---- its configuration

-- It answers every request with what it knows of the connection.
local function server(name, identity, lines)
  return ([[
  server {
    listen unix:%s ssl;
    ssl_certificate %s;
    ssl_certificate_key %s;
    %s
    return 200 "name=$ssl_server_name alpn=$ssl_alpn_protocol reused=$ssl_session_reused verify=$ssl_client_verify .\n";
  }]]):format(path(name), identity.certificateFile, identity.keyFile, lines or "")
end

local function upstream(version, name)
  name = version .. "-" .. name
  return ("  upstream %s { server unix:%s; keepalive 1; }"):format(name, path(name))
end

local function proxy(version, name, lines)
  return ([[
    location /%s/%s {
      proxy_pass https://%s-%s;
      proxy_ssl_protocols %s;
      %s
    }]]):format(version, name, version, name, version, lines or "")
end

local function proxy_identity(identity)
  return ("proxy_ssl_certificate %s; proxy_ssl_certificate_key %s;"):format(identity.certificateFile, identity.keyFile)
end

local function configuration()
  local upstreams, proxies = {}, {}
  for _, version in ipairs(VERSIONS) do
    for name, lines in pairs {
      bare = "",
      known = proxy_identity(pki.client),
      stranger = proxy_identity(pki.stranger),
      elsewhere = "proxy_ssl_name elsewhere.example;",
      nameless = "proxy_ssl_server_name off;",
    } do
      upstreams[#upstreams + 1] = upstream(version, name)
      proxies[#proxies + 1] = proxy(version, name, lines)
    end
  end
  return table.concat({
    "  ssl_protocols TLSv1.2 TLSv1.3;",
    server("plain", pki.server),
    server("plain", pki.wrongHost, "server_name elsewhere.example;"),
    server("cache", pki.server, "ssl_session_tickets off; ssl_session_cache shared:sessions:1m;"),
    server("strict", pki.server, ("ssl_verify_client on; ssl_client_certificate %s;"):format(pki.ca.certificateFile)),
    table.concat(upstreams, "\n"),
    "  server {",
    ("    listen unix:%s;"):format(path "front"),
    ("    proxy_ssl_trusted_certificate %s;"):format(pki.ca.certificateFile),
    "    proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on;",
    '    proxy_http_version 1.1; proxy_set_header Connection "";',
    table.concat(proxies, "\n"),
    "  }",
  }, "\n")
end

-- ---- talking to it

local function ask(socket)
  foreign.write(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
  return (foreign.read(socket, "%.\n"))
end

-- Our server for the upstream `name`; answers a listener.
local function listen(version, name)
  local file = path(version .. "-" .. name)
  os.remove(file)
  local listener = assert(SciSocket.newStreamSocket("unix"))
  assert(listener:bind(file))
  return assert(listener:listen(4))
end

-- Sends a request that it passes on to our server; answers the plain socket that the answer comes to.
local function send_it(version, name)
  local front = assert(SciSocket.newStreamSocket("unix"))
  assert(front:connect(path "front"))
  assert(front:send(("GET /%s/%s HTTP/1.0\r\n\r\n"):format(version, name)))
  return front
end

local function answered(front)
  local parts = {}
  repeat
    local bytes = assert(front:recv(65536))
    parts[#parts + 1] = bytes
  until bytes == ""
  front:close()
  return table.concat(parts)
end

local function reply(socket, body, headers, meanwhile)
  local request = foreign.read(socket, "\r\n\r\n")
  if meanwhile then meanwhile() end
  foreign.write(socket, ("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s"):format(headers or "", #body, body))
  return request
end

describe("nginx #slow", function()
  local nginx

  setup(function() nginx = peers.present "nginx" and peers.nginx(configuration()) end)
  teardown(function() if nginx then nginx:stop() end end)

  for _, version in ipairs(VERSIONS) do
    local function client(options)
      local all = { method = version }
      for name, value in pairs(options or {}) do all[name] = value end
      return ends.clientContext(all)
    end

    local function with_alpn(...)
      local names = { ... }
      return client { setup = function(context) assert(context:setAlpn(names)) end }
    end

    describe("as the server of our client, " .. version .. ",", function()
      with_nginx("is verified, and answers a request", function()
        local socket <close> = assert(foreign.dial(path "plain", client()))
        assert.are.equal(version, socket:version())
        assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
        texts.has(ask(socket), "HTTP/1.1 200 OK", "name=localhost ", "alpn= ", "reused=. ", "verify=NONE ")
      end)

      with_nginx("is refused where its certificate is for another name", function()
        refusals.refused("certificate_wrong_host", "connect", nil,
          foreign.dial(path "plain", client(), { serverName = "elsewhere.example" }))
      end)

      with_nginx("takes our certificate", function()
        local socket <close> = assert(foreign.dial(path "strict", client { identity = pki.client }))
        texts.has(ask(socket), "HTTP/1.1 200 OK", "verify=SUCCESS ")
      end)

      with_nginx("refuses a stranger's certificate", function()
        local socket <close> = assert(foreign.dial(path "strict", client { identity = pki.stranger }))
        foreign.write(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        local answer, last = foreign.read(socket)
        texts.has(answer, "HTTP/1.1 400 Bad Request", "The SSL certificate error")
        assert.are.equal(0, last)
      end)

      with_nginx("refuses a client without a certificate", function()
        local socket <close> = assert(foreign.dial(path "strict", client()))
        foreign.write(socket, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        local answer, last = foreign.read(socket)
        texts.has(answer, "HTTP/1.1 400 Bad Request", "No required SSL certificate was sent")
        assert.are.equal(0, last)
      end)

      with_nginx("chooses the application protocol that it speaks", function()
        local socket <close> = assert(foreign.dial(path "plain", with_alpn("spdy/3", "http/1.1")))
        assert.are.equal("http/1.1", socket:alpnProtocol())
        texts.has(ask(socket), "alpn=http/1.1 ")
      end)

      with_nginx("refuses protocols that it does not speak", function()
        local err = refusals.refused("no_shared_alpn", "connect", nil,
          foreign.dial(path "plain", with_alpn("spdy/3")))
        assert.are.same({ "no_application_protocol", "received" }, { table.unpack({ err:alert() }, 1, 2) })
      end)

      with_nginx("shows the certificate of the name that we ask for", function()
        local socket <close> = assert(foreign.dial(path "plain", client(),
          { serverName = "elsewhere.example", verifyHost = "elsewhere.example" }))
        assert.are.equal(pki.wrongHost.certificate, socket:peerCertificate())
        texts.has(ask(socket), "name=elsewhere.example ")
      end)

      with_nginx("shows its first certificate where we ask for none, or for one that it has not", function()
        for _, name in ipairs { false, "unknown.example" } do
          local socket <close> = assert(foreign.dial(path "plain", client(), { serverName = name }))
          assert.are.equal(pki.server.certificate, socket:peerCertificate())
          texts.has(ask(socket), ("name=%s "):format(name or ""))
        end
      end)

      for _, kind in ipairs { "plain", "cache" } do
        with_nginx("resumes our session with " .. (kind == "plain" and "a ticket" or "its cache"), function()
          local context = client()
          local first <close> = assert(foreign.dial(path(kind), context))
          texts.has(ask(first), "reused=. ")
          assert.is_false(first:isSessionReused())
          local session = assert(first:getSession())
          first:close()
          local second <close> = assert(foreign.dial(path(kind), context, { session = session }))
          assert.is_true(second:isSessionReused())
          assert.are.same({ scissl.X509_V_OK, "ok" }, { second:sslVerifyCertificate() })
          texts.has(ask(second), "reused=r ")
        end)
      end

      with_nginx("begins anew where it does not know our session", function()
        local context = client()
        local first <close> = assert(foreign.dial(path "cache", context))
        ask(first)
        local second <close> = assert(foreign.dial(path "plain", context, { session = assert(first:getSession()) }))
        assert.is_false(second:isSessionReused())
        texts.has(ask(second), "reused=. ")
      end)

      if version == "TLSv1.3" then
        with_nginx("goes on when we change our keys, and changes its own when we ask for that", function()
          local socket <close> = assert(foreign.dial(path "plain", client()))
          for _, both in ipairs { false, true } do
            assert.are.equal(1, socket:sslKeyUpdate(both))
            texts.has(ask(socket), "HTTP/1.1 200 OK")
            texts.has(ask(socket), "HTTP/1.1 200 OK")
          end
        end)
      end
    end)

    describe("as the client of our server, " .. version .. ",", function()
      local function plain(identity) return ends.serverContext { method = version, identity = identity } end
      local function strict() return ends.serverContext { method = version, verify = REQUIRE } end

      with_nginx("verifies us, asks for the name, and passes the answer on", function()
        local listener <close> = listen(version, "bare")
        local front = send_it(version, "bare")
        local socket <close> = assert(foreign.serve(listener, plain()))
        assert.are.equal(version, socket:version())
        assert.are.equal("localhost", socket:serverName())
        texts.has(reply(socket, "hello\n"), "GET /" .. version .. "/bare HTTP/1.1\r\n")
        texts.has(answered(front), "HTTP/1.1 200 OK", "\r\n\r\nhello\n")
      end)

      with_nginx("asks for no name where it is told not to", function()
        local listener <close> = listen(version, "nameless")
        local front = send_it(version, "nameless")
        local socket <close> = assert(foreign.serve(listener, plain()))
        assert.is_nil(socket:serverName())
        reply(socket, "hello\n")
        texts.has(answered(front), "\r\n\r\nhello\n")
      end)

      for name, identity in pairs { bare = pki.server, elsewhere = pki.wrongHost } do
        with_nginx("gets the certificate of the name that it asks for: " .. name, function()
          local map = assert(scissl.sni.new { localhost = plain(), ["elsewhere.example"] = plain(pki.wrongHost) })
          local listener <close> = listen(version, name)
          local front = send_it(version, name)
          local socket <close> = assert(foreign.serve(listener, plain(false), { onClientHello = map }))
          assert.are.equal(identity.certificate, socket:localCertificate())
          reply(socket, "hello\n", "Connection: close\r\n")
          texts.has(answered(front), "\r\n\r\nhello\n")
        end)
      end

      with_nginx("is told that we have no certificate for its name", function()
        local map = assert(scissl.sni.new { localhost = plain() })
        local listener <close> = listen(version, "elsewhere")
        local front = send_it(version, "elsewhere")
        local err = refusals.refused("refused", "accept", nil,
          foreign.serve(listener, plain(), { onClientHello = map }))
        assert.are.same({ "unrecognized_name", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
        texts.has(answered(front), "502 Bad Gateway")
      end)

      for name, expected in pairs {
        bare = { "localhost", "strangeServer" }, elsewhere = { "elsewhere.example", "server" },
      } do
        with_nginx(("leaves us where it asks for %s and meets pki.%s"):format(table.unpack(expected)), function()
          local listener <close> = listen(version, name)
          local front = send_it(version, name)
          -- It looks at the certificate after the handshake, and has no alert for us.
          local socket <close> = assert(foreign.serve(listener, plain(pki[expected[2]])))
          assert.are.equal(expected[1], socket:serverName())
          assert.are.equal("", (foreign.read(socket)))
          texts.has(answered(front), "502 Bad Gateway")
        end)
      end

      with_nginx("shows us a good certificate", function()
        local listener <close> = listen(version, "known")
        local front = send_it(version, "known")
        local socket <close> = assert(foreign.serve(listener, strict()))
        assert.are.equal(pki.client.certificate, socket:peerCertificate())
        assert.are.same({ scissl.X509_V_OK, "ok" }, { socket:sslVerifyCertificate() })
        reply(socket, "welcome\n")
        texts.has(answered(front), "\r\n\r\nwelcome\n")
      end)

      for name, condition in pairs {
        stranger = "certificate_unknown_issuer", bare = "client_certificate_missing",
      } do
        with_nginx("is refused with " .. condition, function()
          local listener <close> = listen(version, name)
          local front = send_it(version, name)
          local err = refusals.refused(condition, "accept", nil, foreign.serve(listener, strict()))
          assert.are.equal("sent", (select(2, err:alert())))
          texts.has(answered(front), "502 Bad Gateway")
        end)
      end

      -- Two connections one after the other; `context(round)` is what our server uses.
      local function twice(context, reused)
        local listener <close> = listen(version, "known")
        for round = 1, 2 do
          local front = send_it(version, "known")
          local socket <close> = assert(foreign.serve(listener, context(round)))
          if round == 2 then assert.are.equal(reused, socket:isSessionReused()) end
          assert.are.equal(pki.client.certificate, socket:peerCertificate())
          reply(socket, round .. "\n", "Connection: close\r\n")
          texts.has(answered(front), "\r\n\r\n" .. round .. "\n")
        end
      end

      with_nginx("resumes its session with its next connection, client certificate and all", function()
        local context = strict()
        twice(function() return context end, true)
      end)

      with_nginx("begins anew where we do not know its session", function() twice(strict, false) end)

      if version == "TLSv1.3" then
        with_nginx("goes on when we change our keys, and changes its own when we ask for that", function()
          local listener <close> = listen(version, "bare")
          local front = send_it(version, "bare")
          local socket <close> = assert(foreign.serve(listener, plain()))
          for _, both in ipairs { false, true, false } do
            -- It would drop a connection that says something while it has not been asked.
            reply(socket, "hello\n", "", function() assert.are.equal(1, socket:sslKeyUpdate(both)) end)
            texts.has(answered(front), "\r\n\r\nhello\n")
            front = send_it(version, "bare") -- on the connection that it has kept
          end
          reply(socket, "the end\n", "Connection: close\r\n")
          texts.has(answered(front), "\r\n\r\nthe end\n")
        end)
      end
    end)
  end
end)
