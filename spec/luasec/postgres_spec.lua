-- A client of PostgreSQL with LuaSec's calls as pgmoon makes them over LuaSocket: it asks for TLS in plain text, wraps
-- its socket, and authenticates by its certificate. With ours and with the real LuaSec.

local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"
local postgres = require "spec.support.postgres"
local socket = require "socket"

local TIMEOUT = 30
local SSL_REQUEST, VERSION_3 = 80877103, 196608

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
  if postgres.missing() then return pending(postgres.missing()) end
  local server
  setup(function() server = postgres.start() end)
  teardown(function() server.stop() end)

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
