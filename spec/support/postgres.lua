--- spec/support/postgres.lua: PostgreSQL with the certificate pki.server.
--
--    local postgres = require "spec.support.postgres"
--
--    postgres.missing()          why it cannot be asked, or nil
--    server <close> = postgres.start{ identity=, settings= }    ready, on server.port of 127.0.0.1
--        identity    another server of spec/support/pki
--        settings    further ones for its command line; ssl = "off": without TLS
--
-- Its database is "postgres". Its users: "client" comes with the certificate pki.client; "scram", "md5" and "plain"
-- with the password "secret" and the method of that name, "scram" also without TLS.

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local postgres = {}

local function output_of(command)
  local pipe <close> = assert(io.popen(("{ %s; } 2>/dev/null"):format(command)))
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

function postgres.missing()
  if not (os.getenv "SCISSL_ALL" or os.getenv "SCISSL_PROGRAMS") then
    return "only sh spec/run.sh all asks PostgreSQL"
  end
  return not folder_of_programs() and "PostgreSQL is not installed" or nil
end

local USERS = [[
create role scram login password 'secret';
create role plain login password 'secret';
set password_encryption = md5;
create role md5 login password 'secret';
]]

local WHO_MAY = [[
hostssl all client 127.0.0.1/32 cert
hostssl all scram 127.0.0.1/32 scram-sha-256
hostssl all md5 127.0.0.1/32 md5
hostssl all plain 127.0.0.1/32 password
hostnossl all scram 127.0.0.1/32 scram-sha-256
]]

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

-- PostgreSQL does not run as root, and its user may not be able to read the folder of the specs. It finds its other
-- files by the place of its program.
function postgres.start(options)
  options = options or {}
  local identity = options.identity or pki.server
  local programs = assert(folder_of_programs())
  local as_user = output_of "id -u" == "0" and "setpriv --reuid=65534 --regid=65534 --clear-groups " or ""
  local folder = assert(output_of "mktemp -d")
  local function run(command) assert(os.execute((command:gsub("FOLDER", folder)) .. " >/dev/null 2>&1"), command) end
  run(("cp '%s' FOLDER/cert.pem && cp '%s' FOLDER/key.pem && cp '%s' FOLDER/ca.pem && chmod 600 FOLDER/*.pem")
    :format(identity.certificateFile, identity.keyFile, pki.ca.certificateFile))
  if programs:find(UNPACKED, 1, true) then
    run(("cd %s && cp -r --parents usr/lib/postgresql usr/share/postgresql FOLDER"):format(UNPACKED))
    programs = folder .. programs:sub(#UNPACKED + 1)
  end
  write(folder .. "/users.sql", USERS)
  if as_user ~= "" then run "chown -R 65534:65534 FOLDER" end
  run(("cd FOLDER && %s%s/initdb -D FOLDER/data -U client --no-sync -A reject"):format(as_user, programs))
  run(("cd FOLDER && %s%s/postgres --single -D FOLDER/data postgres <FOLDER/users.sql"):format(as_user, programs))
  write(folder .. "/data/pg_hba.conf", WHO_MAY)
  local listener, port = ends.listener()
  listener:close()
  local settings = {
    port = port, listen_addresses = "127.0.0.1", unix_socket_directories = "", fsync = "off", jit = "off", ssl = "on",
    ssl_cert_file = folder .. "/cert.pem", ssl_key_file = folder .. "/key.pem", ssl_ca_file = folder .. "/ca.pem",
  }
  for name, value in pairs(options.settings or {}) do settings[name] = value end
  local words = {}
  for name, value in pairs(settings) do words[#words + 1] = ("-c '%s=%s'"):format(name, value) end
  local peer = ends.start(("%s%s/postgres -D %s/data %s"):format(as_user, programs, folder, table.concat(words, " ")),
    "ready to accept connections")
  local function stop()
    os.execute(("kill -INT %d 2>/dev/null"):format(peer.pid)) -- after SIGTERM it would wait for its clients
    peer:finish()
    os.execute(("rm -rf '%s'"):format(folder))
  end
  return setmetatable({ port = port, stop = stop }, { __close = stop })
end

return postgres
