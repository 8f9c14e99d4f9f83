--- spec/support/peers.lua: the foreign programs of the interoperation specs, with their arguments.
--
--    local peers = require "spec.support.peers"
--
-- Each returns a peer as ends.start does. `version` is "TLSv1.2" or "TLSv1.3", the only one that the program uses;
-- `arguments` (optional) is shell text; servers use `identity`, pki.server by default:
--    peer = peers.opensslServer(version[, arguments[, identity]])     openssl s_server, with peer.port
--    peer = peers.opensslClient(version, port[, arguments])           openssl s_client, trusts pki.ca
--    peer = peers.gnutlsServer(version[, arguments[, identity]])      gnutls-serv --echo, with peer.port
--    peer = peers.gnutlsClient(version, port[, arguments])            gnutls-cli, trusts pki.ca; asks for localhost
--    peer = peers.curl(version, port[, arguments[, urls]])            curl, trusts pki.ca; asks for https://localhost
--    peer = peers.nssClient(port[, arguments[, identity]])            NSS's tstclnt, trusts pki.ca, asks for localhost;
--                                                                     "-n own" shows the identity (pki.client)
--    peer = peers.nssServer([arguments[, identity]])                  NSS's selfserv, with peer.port
--    peer = peers.nginx(http)                                         nginx, whose `http` section has the lines `http`
--
--    text = peers.opensslIdentity(identity), peers.gnutlsIdentity(identity), peers.curlIdentity(identity)
--                                                                     the arguments for a certificate and key
--
-- The spec in spec/interop for each, in both versions unless noted; "-": the peer cannot do it:
--
--                         s_server    s_client     gnutls-serv  gnutls-cli   curl         nginx       nginx as a proxy
--    client certificate   openssl     openssl      gnutls       gnutls       curl         nginx       nginx
--    ALPN                 openssl     openssl      gnutls       gnutls       curl         nginx       -
--    server name          openssl     server_name  gnutls       server_name  server_name  nginx       nginx
--    resumption           openssl     openssl      gnutls       gnutls       curl         nginx       nginx
--    early data (1.3)     early_data  early_data   early_data   early_data   -            early_data  -
--    OCSP stapling        stapling    stapling     stapling     stapling     stapling     stapling    -
--    key update (1.3)     key_update  key_update   key_update   key_update   key_update   nginx       nginx
--    renegotiation (1.2)  openssl     key_update   -            key_update   -            -           -
--
-- Only `sh spec/run.sh all` uses GnuTLS, NSS and nginx; otherwise their specs are pending:
--    peers.present("gnutls"), peers.present("nss"), peers.present("nginx")
--    local with_nginx = peers.present "nginx" and it or pending

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local peers = {}

-- ---- which of them are installed

local programs = {
  gnutls = { "gnutls-cli", "gnutls-serv" }, nginx = { "nginx" },
  nss = { "tstclnt", "selfserv", "certutil", "pk12util" },
  testssl = { "testssl" }, sslscan = { "sslscan" },
}

function peers.present(name)
  if not os.getenv "SCISSL_ALL" then return false end
  for _, program in ipairs(programs[name]) do
    if not ends.has(program) then return false end
  end
  return true
end

-- ---- openssl

local openssl_versions = { ["TLSv1.2"] = "-tls1_2", ["TLSv1.3"] = "-tls1_3" }

function peers.opensslIdentity(identity)
  return ("-cert %s -key %s"):format(identity.certificateFile, identity.keyFile)
end

function peers.opensslServer(version, arguments, identity)
  return ends.openssl(("%s %s %s"):format(openssl_versions[version], peers.opensslIdentity(identity or pki.server),
    arguments or ""))
end

function peers.opensslClient(version, port, arguments)
  return ends.start(("openssl s_client -connect 127.0.0.1:%d %s -CAfile %s %s"):format(port, openssl_versions[version],
    pki.ca.certificateFile, arguments or ""))
end

-- ---- GnuTLS

local gnutls_versions = {
  ["TLSv1.2"] = "NORMAL:-VERS-ALL:+VERS-TLS1.2",
  ["TLSv1.3"] = "NORMAL:-VERS-ALL:+VERS-TLS1.3",
}

function peers.gnutlsIdentity(identity)
  return ("--x509certfile %s --x509keyfile %s"):format(identity.certificateFile, identity.keyFile)
end

-- gnutls-serv accepts port 0 but does not print the port that it got: the system tells it.
local function port_of(pid)
  local inodes = {}
  local pipe <close> = assert(io.popen(("ls -l /proc/%d/fd"):format(pid)))
  for inode in pipe:read("a"):gmatch("socket:%[(%d+)%]") do inodes[inode] = true end
  for line in io.lines("/proc/net/tcp") do
    local port, state, inode = line:match("^%s*%d+: %x+:(%x+) %x+:%x+ (%x+) %S+ %S+ %S+%s+%d+%s+%d+%s+(%d+)")
    if state == "0A" and inodes[inode] then return tonumber(port, 16) end
  end
  error("gnutls-serv listens nowhere")
end

function peers.gnutlsServer(version, arguments, identity)
  local peer = ends.start(("gnutls-serv -p 0 --echo --priority %s %s %s"):format(gnutls_versions[version],
    peers.gnutlsIdentity(identity or pki.server), arguments or "--disable-client-cert"), "listening on IPv4.*(done)")
  peer.port = port_of(peer.pid)
  return peer
end

function peers.gnutlsClient(version, port, arguments)
  return ends.start(("gnutls-cli -p %d --priority %s --x509cafile %s %s localhost"):format(port,
    gnutls_versions[version], pki.ca.certificateFile, arguments or ""))
end

-- ---- curl

local curl_versions = { ["TLSv1.2"] = "--tlsv1.2 --tls-max 1.2", ["TLSv1.3"] = "--tlsv1.3" }

function peers.curlIdentity(identity)
  return ("--cert %s --key %s"):format(identity.certificateFile, identity.keyFile)
end

function peers.curl(version, port, arguments, urls)
  local url = ("https://localhost:%d/"):format(port)
  return ends.start(("curl -sS --noproxy '*' --http1.1 --max-time 60 --resolve localhost:%d:127.0.0.1 "
    .. "--resolve other.example:%d:127.0.0.1 --cacert %s %s %s %s"):format(port, port, pki.ca.certificateFile,
    curl_versions[version], arguments or "", urls or url))
end

-- ---- NSS

-- A database with pki.ca as a trusted CA, and the certificate and key of `identity`.
local function nss_database(identity)
  local scissl = require "scissl"
  local folder = pki.write("") .. ".nss"
  local bundle = pki.write(assert(scissl.SciSslPkcs12.make {
    certificate = identity.certificate, key = identity.key, passphrase = "x", friendlyName = "own",
  }))
  assert(os.execute(("(mkdir -p %s && certutil -N -d sql:%s --empty-password && "
    .. "certutil -A -d sql:%s -n ca -t CT,C, -i %s && pk12util -i %s -d sql:%s -W x) >/dev/null 2>&1")
    :format(folder, folder, folder, pki.ca.certificateFile, bundle, folder)))
  return "sql:" .. folder
end

function peers.nssClient(port, arguments, identity)
  return ends.start(("tstclnt -4 -h localhost -p %d -d %s -V tls1.2:tls1.3 %s"):format(port,
    nss_database(identity or pki.client), arguments or ""))
end

-- selfserv takes no port 0: another program may have taken the port that was free a moment ago.
function peers.nssServer(arguments, identity)
  local command = ("stdbuf -oL selfserv -p %%d -d %s -n own -V tls1.2:tls1.3 -v %s"):format(
    nss_database(identity or pki.server), arguments or "")
  local good, peer
  for _ = 1, 5 do
    local listener, port = ends.listener()
    listener:close()
    good, peer = pcall(ends.start, command:format(port), "(About to call accept)")
    if good then
      peer.port = port
      return peer
    end
  end
  error(peer)
end

-- ---- nginx

-- It listens where `http` says, on Unix-domain sockets: nginx does not print which port a port 0 became.
local nginx_configuration = [[
daemon off;
master_process off;
pid %s/nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %s/body;
  proxy_temp_path %s/proxy;
  fastcgi_temp_path %s/fastcgi;
  uwsgi_temp_path %s/uwsgi;
  scgi_temp_path %s/scgi;
%s
}
]]

function peers.nginx(http)
  local folder = pki.folder()
  local file = pki.write(nginx_configuration:format(folder, folder, folder, folder, folder, folder, http))
  -- This line comes once the listening sockets are there.
  return ends.start(("nginx -e stderr -p %s -c %s"):format(folder, file), "using the .* (event method)")
end

return peers
