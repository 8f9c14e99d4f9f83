-- A client of PostgreSQL with LuaSec's calls as pgmoon makes them over LuaSocket: it asks for TLS in plain text, wraps
-- its socket, and authenticates by its certificate. With ours and with the real LuaSec.

local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"
local socket = require "socket"

local TIMEOUT = 30
local SSL_REQUEST, VERSION_3 = 80877103, 196608

local function output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>/dev/null"))
  return pipe:read "l"
end

-- Debian has the server's programs in a folder for each version; spec/support/setup.sh unpacks its package.
local UNPACKED = "build/unpacked"

local function folder_of_programs()
  for _, command in ipairs {
    "ls -d " .. UNPACKED .. "/usr/lib/postgresql/*/bin/initdb | tail -n 1",
    "ls -d /usr/lib/postgresql/*/bin/initdb | tail -n 1", "command -v initdb",
  } do
    local initdb = output_of(command)
    if initdb then return initdb:match "^(.*)/initdb$" end
  end
end

-- PostgreSQL does not run as root, and its user may not be able to read the folder of the specs. It finds its other
-- files by the place of its program.
local function start()
  local programs = assert(folder_of_programs())
  local as_user = output_of "id -u" == "0" and "setpriv --reuid=65534 --regid=65534 --clear-groups " or ""
  local folder = assert(output_of "mktemp -d")
  local function run(command) assert(os.execute((command:gsub("FOLDER", folder)) .. " >/dev/null 2>&1"), command) end
  run(("cp '%s' FOLDER/cert.pem && cp '%s' FOLDER/key.pem && cp '%s' FOLDER/ca.pem && chmod 600 FOLDER/*.pem")
    :format(pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile))
  if programs:find(UNPACKED, 1, true) then
    run(("cd %s && cp -r --parents usr/lib/postgresql usr/share/postgresql FOLDER"):format(UNPACKED))
    programs = folder .. programs:sub(#UNPACKED + 1)
  end
  if as_user ~= "" then run "chown -R 65534:65534 FOLDER" end
  run(("cd FOLDER && %s%s/initdb -D FOLDER/data -U client --no-sync -A reject"):format(as_user, programs))
  run "(echo 'hostssl all all 127.0.0.1/32 cert' >FOLDER/data/pg_hba.conf)"
  local listener, port = ends.listener()
  listener:close()
  local settings = {
    port = port, listen_addresses = "127.0.0.1", unix_socket_directories = "", fsync = "off", jit = "off", ssl = "on",
    ssl_cert_file = folder .. "/cert.pem", ssl_key_file = folder .. "/key.pem", ssl_ca_file = folder .. "/ca.pem",
  }
  local words = {}
  for name, value in pairs(settings) do words[#words + 1] = ("-c '%s=%s'"):format(name, value) end
  local server = ends.start(("%s%s/postgres -D %s/data %s"):format(as_user, programs, folder, table.concat(words, " ")),
    "ready to accept connections")
  server.port, server.folder = port, folder
  return server
end

local Client = {}
Client.__index = Client

function Client:message(kind, ...)
  local body = table.concat { ... }
  assert(self.sock:send(kind .. (">I4"):pack(#body + 4) .. body))
end

function Client:receive()
  local head = assert(self.sock:receive(5))
  local kind, length = (">c1I4"):unpack(head)
  return kind, length > 4 and assert(self.sock:receive(length - 4)) or ""
end

-- All messages until the server waits for a query, without the settings and the key that it reports.
function Client:results()
  local all = {}
  while true do
    local kind, body = self:receive()
    if kind ~= "S" and kind ~= "K" then all[#all + 1] = kind .. body end
    if kind == "Z" or kind == "E" then return all end
  end
end

-- pgmoon's connection: what the server says to the request for TLS, and a client whose handshake is done.
local function connect(ssl, port, parameters)
  local self = setmetatable({ sock = assert(socket.connect("127.0.0.1", port)) }, Client)
  self.sock:settimeout(TIMEOUT)
  self:message("", (">I4"):pack(SSL_REQUEST))
  local said = assert(self.sock:receive(1))
  self.sock = assert(ssl.wrap(self.sock, parameters))
  self.sock:settimeout(TIMEOUT)
  assert(self.sock:dohandshake())
  return self, said
end

local function identified(given)
  return luasec.client { verify = "peer", cafile = pki.ca.certificateFile, key = pki.client.keyFile,
    certificate = pki.client.certificateFile, protocol = given }
end

describe("A client of PostgreSQL over LuaSec", function()
  if not (os.getenv "SCISSL_ALL" or os.getenv "SCISSL_PROGRAMS") then
    return pending "only sh spec/run.sh all asks PostgreSQL"
  end
  if not folder_of_programs() then return pending "PostgreSQL is not installed" end
  local server
  setup(function() server = start() end)
  teardown(function()
    server:stop()
    os.execute(("rm -rf '%s'"):format(server.folder))
  end)

  for name, ssl in luasec.implementations() do
    for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
      it(("authenticates by its certificate and asks, %s, %s #slow"):format(protocol, name), function()
        local client, said = connect(ssl, server.port, identified(protocol))
        assert.are.equal("S", said)
        assert.is_truthy(client.sock:getpeercertificate():pem():find("BEGIN CERTIFICATE", 1, true)) -- for its binding
        client:message("", (">I4"):pack(VERSION_3), "user\0client\0database\0postgres\0\0")
        assert.are.same({ "R\0\0\0\0", "ZI" }, client:results())
        client:message("Q", "select repeat('x', 500000), version from pg_stat_ssl where pid = pg_backend_pid()\0")
        local results = client:results()
        assert.are.equal(4, #results) -- description, row, end, waiting
        assert.is_truthy(results[2]:find(("x"):rep(500000), 1, true))
        assert.is_truthy(results[2]:find(protocol == "tlsv1_2" and "TLSv1.2" or "TLSv1.3", 1, true))
        client:message("Q", "select 1 / 0\0")
        assert.is_truthy(client:results()[1]:find("division by zero", 1, true))
        client:receive()
        client:message "X"
        assert.are.same({ nil, "closed", "" }, { client.sock:receive(1) })
        client.sock:close()
      end)
    end

    it("is not let in without a certificate, " .. name .. " #slow", function()
      local client = connect(ssl, server.port, luasec.client())
      client:message("", (">I4"):pack(VERSION_3), "user\0client\0database\0postgres\0\0")
      assert.is_truthy(client:results()[1]:find("^E.*certificate"))
      client.sock:close()
    end)
  end
end)
