-- Compressed certificates (RFC 8879) with other programs: OpenSSL's, GnuTLS's, NSS's, Firefox and Chromium.
local scissl = require "scissl"
local chromium = require "spec.support.chromium"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT
local NAMES = { "zlib", "brotli", "zstd" }

local has = {}
for _, name in ipairs(NAMES) do
  if scissl.features[name] then has[#has + 1] = name end
end

if not has[1] then
  describe("Certificate compression with other programs", function()
    pending "needs an OpenSSL that compresses certificates (3.2 or later)"
  end)
  return
end

local with_nss = peers.present "nss" and scissl.features.zlib and it or pending
local in_firefox = os.getenv "SCISSL_ALL" and ends.has "firefox-esr" and ends.has "certutil" and it or pending
local in_chromium = os.getenv "SCISSL_ALL" and chromium.isThere() and it or pending

-- Certificates of some length, as OpenSSL keeps the compressed form only where it is shorter.
local function long(subject, issuer)
  local names = { "localhost" }
  for i = 1, 50 do names[#names + 1] = ("host%d.example.com"):format(i) end
  return pki.issue { subject = subject, names = names, issuer = issuer }
end

local server_identity, client_identity = long "CN=server", long "CN=client"

local function trace(socket) assert(socket:sslTrace(true)) end

-- How the certificate messages went: { sent = "CompressedCertificate", received = "Certificate" }.
local function forms(socket)
  local seen = {}
  for _, event in ipairs(socket:traceEvents()) do
    if event.name == "Certificate" or event.name == "CompressedCertificate" then seen[event.direction] = event.name end
  end
  return seen
end

local function client_context(names)
  return ends.clientContext { method = "TLSv1.3", identity = client_identity, setup = function(context)
    assert(context:setCertificateCompression(names):compressCertificates())
  end }
end

local function server_context(names, verify)
  local context = ends.serverContext { method = "TLSv1.3", identity = server_identity, verify = verify }
  assert(context:setCertificateCompression(names):compressCertificates())
  assert(context:setPurpose "any")
  return context
end

-- Our client with a server that `start` begins; returns the forms.
local function dial(peer, context, talk)
  local socket <close> = assert(foreign.dial(peer.port, context, { prepare = trace }))
  talk(socket)
  assert.are.equal(server_identity.certificate, socket:peerCertificate())
  return forms(socket)
end

local function hello(socket)
  foreign.write(socket, "hello\n")
  assert.are.equal("hello\n", (foreign.read(socket, "\n")))
end

local function reversed(socket)
  foreign.write(socket, "abc\n")
  assert.are.equal("cba\n", (foreign.read(socket, "\n")))
end

-- Our server with the client that `start(port)` begins; returns the forms and the client's certificate.
local function serve(context, start)
  local listener <close>, port = ends.listener()
  local peer <close> = start(port)
  local socket <close> = assert(foreign.serve(listener, context, nil, trace))
  foreign.write(socket, "good bye\n")
  foreign.expect(peer, "good bye")
  return forms(socket), socket:peerCertificate()
end

local COMPRESSED, PLAIN = "CompressedCertificate", "Certificate"

describe("Certificate compression with openssl #slow", function()
  for _, name in ipairs(has) do
    it("is what s_server and our client do, both with certificates: " .. name, function()
      local peer <close> = peers.opensslServer("TLSv1.3",
        "-cert_comp -Verify 1 -verify_return_error -rev -CAfile " .. pki.ca.certificateFile, server_identity)
      assert.are.same({ sent = COMPRESSED, received = COMPRESSED }, dial(peer, client_context { name }, reversed))
    end)

    it("is what our server and s_client do, both with certificates: " .. name, function()
      local seen, certificate = serve(server_context({ name }, REQUIRE), function(port)
        return peers.opensslClient("TLSv1.3", port, peers.opensslIdentity(client_identity))
      end)
      assert.are.same({ sent = COMPRESSED, received = COMPRESSED }, seen)
      assert.are.equal(client_identity.certificate, certificate)
    end)
  end

  it("is left out where s_server or s_client does not want it", function()
    local peer <close> = peers.opensslServer("TLSv1.3", "-no_tx_cert_comp -no_rx_cert_comp -Verify 1 -rev -CAfile "
      .. pki.ca.certificateFile, server_identity)
    assert.are.same({ sent = PLAIN, received = PLAIN }, dial(peer, client_context(has), reversed))
    local seen = serve(server_context(has), function(port)
      return peers.opensslClient("TLSv1.3", port, "-no_rx_cert_comp")
    end)
    assert.are.same({ sent = PLAIN }, seen)
  end)
end)

-- Whether gnutls-cli was built with an algorithm: it leaves out of its ClientHello what it does not have.
local function gnutls_has(name)
  if not peers.present "gnutls" then return false end
  local listener <close>, port = ends.listener()
  local _ <close> = peers.gnutlsClient("TLSv1.3", port, "--compress-cert " .. name)
  local offers = false
  local socket = foreign.serve(listener, ends.serverContext {}, { onClientHello = function(_, asked)
    offers = asked:extension(27) ~= nil
  end })
  if socket then socket:close() end
  return offers
end

describe("Certificate compression with GnuTLS #slow", function()
  for _, name in ipairs(has) do
    local with_gnutls = gnutls_has(name) and it or pending

    with_gnutls("is what gnutls-serv and our client do, both with certificates: " .. name, function()
      local peer <close> = peers.gnutlsServer("TLSv1.3", ("--compress-cert %s --require-client-cert "
        .. "--verify-client-cert --x509cafile %s"):format(name, pki.ca.certificateFile), server_identity)
      assert.are.same({ sent = COMPRESSED, received = COMPRESSED }, dial(peer, client_context(has), hello))
    end)

    with_gnutls("is what our server and gnutls-cli do, both with certificates: " .. name, function()
      local seen, certificate = serve(server_context(has, REQUIRE), function(port)
        return peers.gnutlsClient("TLSv1.3", port,
          ("--compress-cert %s %s"):format(name, peers.gnutlsIdentity(client_identity)))
      end)
      assert.are.same({ sent = COMPRESSED, received = COMPRESSED }, seen)
      assert.are.equal(client_identity.certificate, certificate)
    end)
  end

  local present = peers.present "gnutls" and it or pending
  present("is left out where GnuTLS does not ask for it", function()
    local peer <close> = peers.gnutlsServer("TLSv1.3", nil, server_identity)
    assert.are.same({ received = PLAIN }, dial(peer, client_context(has), hello))
    local seen = serve(server_context(has), function(port) return peers.gnutlsClient("TLSv1.3", port) end)
    assert.are.same({ sent = PLAIN }, seen)
  end)
end)

describe("Certificate compression with NSS #slow", function()
  for arguments, form in pairs { ["--zlib-certificate-compression"] = COMPRESSED, [""] = PLAIN } do
    with_nss(("sends each certificate as %s to and from tstclnt %s"):format(form, arguments), function()
      local seen, certificate = serve(server_context({ "zlib" }, REQUIRE), function(port)
        return peers.nssClient(port, "-n own " .. arguments, client_identity)
      end)
      assert.are.same({ sent = form, received = form }, seen)
      assert.are.equal(client_identity.certificate, certificate)
    end)
  end
end)

-- Serves a page to a browser; returns the forms of the connection that it used.
local function serve_page(listener, context)
  while true do -- browsers also open connections that they do not use
    local socket <close> = assert(foreign.serve(listener, context, nil, trace))
    if foreign.read(socket, "\r\n\r\n") ~= "" then
      foreign.write(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\npage")
      return forms(socket)
    end
  end
end

describe("Certificate compression with Firefox #slow", function()
  for _, name in ipairs(has) do
    in_firefox("is used: " .. name, function()
      local listener <close>, port = ends.listener()
      local profile = pki.write "" .. ".firefox"
      assert(os.execute(("(mkdir %s && certutil -N -d sql:%s --empty-password && "
        .. "certutil -A -d sql:%s -n ca -t CT,C, -i %s) >/dev/null 2>&1")
        :format(profile, profile, profile, pki.ca.certificateFile)))
      local _ <close> = ends.start(("env HOME=%s MOZ_DISABLE_CONTENT_SANDBOX=1 timeout -k 5 300 firefox-esr --headless "
        .. "--no-remote --profile %s --screenshot %s/page.png https://localhost:%d/")
        :format(profile, profile, profile, port))
      assert.are.same({ sent = COMPRESSED }, serve_page(listener, server_context { name }))
    end)
  end
end)

describe("Certificate compression with Chromium #slow", function()
  -- The server's certificate message in the connection that brought the page.
  local function visit(context)
    local listener <close>, port = ends.listener()
    local browser <close> = chromium.start { trust = pki.ca.certificateFile }
    browser:begin(("https://localhost:%d/"):format(port))
    local seen = serve_page(listener, context)
    assert(browser:finish())
    assert.are.equal("page", browser:evaluate "document.body.textContent")
    return seen
  end

  for _, name in ipairs(has) do
    -- Chromium reads what brotli has compressed, and nothing else.
    in_chromium("is used where it is brotli: " .. name, function()
      assert.are.same({ sent = name == "brotli" and COMPRESSED or PLAIN }, visit(server_context { name }))
    end)
  end
end)
