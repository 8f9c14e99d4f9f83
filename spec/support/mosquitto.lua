--- spec/support/mosquitto.lua: Mosquitto, the MQTT broker, with TLS that asks for a certificate of pki.ca.
--
--    local mosquitto = require "spec.support.mosquitto"
--
--    mosquitto.isThere()             whether it is installed and may be used
--    broker <close> = mosquitto.start()      ready, on broker.port of 127.0.0.1; it is a peer as ends.start makes it

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local mosquitto = {}

local configuration = [[
listener %d 127.0.0.1
allow_anonymous true
persistence false
log_dest stderr
user root
cafile %s
certfile %s
keyfile %s
require_certificate true
]]

function mosquitto.isThere()
  if not (os.getenv "SCISSL_ALL" or os.getenv "SCISSL_PROGRAMS") then return false end
  local pipe <close> = assert(io.popen "ldd $(command -v mosquitto) 2>&1")
  local libraries = pipe:read "a"
  return libraries:find("libssl", 1, true) ~= nil and not libraries:find("not found", 1, true)
end

-- The port was free a moment ago; another process may take it before Mosquitto does.
local function start_once()
  local listener, port = ends.listener()
  listener:close()
  local file = pki.write(configuration:format(port, pki.ca.certificateFile, pki.server.certificateFile,
    pki.server.keyFile))
  local broker = ends.start("mosquitto -c " .. file, "mosquitto version %S+ running")
  broker.port = port
  return broker
end

function mosquitto.start()
  local good, broker
  for _ = 1, 10 do
    good, broker = pcall(start_once)
    if good then return broker end
  end
  error(broker)
end

return mosquitto
