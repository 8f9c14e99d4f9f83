--- The environment of an example: connections, certificates and files, each made when its name is first used.
--
--    scissl, ca, caKey, certificate, key, clientCertificate, clientKey    certificate is for localhost
--    context                       fresh                     configuration    for a client
--    clientContext, serverContext  ready to use              cipher, session, hello, err, request, crl, listener
--    client, server                connected, TLS 1.3        client12, server12   connected, TLS 1.2
--    newClient, newServer          before their handshake    memoryClient, memoryServer   the same, over memory
--    stream, peer                  the streams of a client and its server
--    port                          of a server on this machine that answers each line
--    handshake(a, b), read(a, b)   the document's protocol by hand (see spec.support.ends)
--
-- The folder has ca.pem, server.pem, server.key, client.pem, client.key.

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"

local world = {}

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

--- Writes the files of examples and chapters into the current folder.
function world.furnish()
  local server = pki.issue { subject = "CN=localhost", names = {
    "localhost", "127.0.0.1", "::1", "example.org", "*.example.org", "*.example.net",
  } }
  write("ca.pem", pki.ca.certificatePem)
  write("server.pem", server.certificatePem .. pki.ca.certificatePem)
  write("server.key", server.keyPem)
  write("client.pem", pki.client.certificatePem)
  write("client.key", pki.client.keyPem)
end

local function pair_of(first, second, make, ...)
  local arguments = table.pack(...)
  local function both(env)
    local a, b = make(table.unpack(arguments))
    rawset(env, first, a)
    rawset(env, second, b)
  end
  return both, both
end

-- Replies to a line with "you said: …", and to an HTTP request with a page.
local echo = [[
  local scissl = require "scissl"
  local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = "server.pem",
                                          privateKey = "server.key", timeout = 10 })
  print(select(2, listener:getSockName()))
  io.stdout:flush()
  while true do
    local stream = listener:accept()
    if stream then
      for line in function() return (stream:read "l") end do
        if line:find "^%u+ .* HTTP/1" then
          repeat local header = stream:read "l" until not header or header:find "^%s*$"
          stream:write "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
          break
        elseif not stream:write("you said: ", line, "\n") then break end
      end
      stream:close()
    end
  end
]]

local makers = {
  scissl = function() return scissl end,
  ca = function() return pki.ca.certificate end,
  caKey = function() return pki.ca.key end,
  certificate = function() return pki.server.certificate end,
  key = function() return pki.server.key end,
  clientCertificate = function() return pki.client.certificate end,
  clientKey = function() return pki.client.key end,
  context = function() return assert(scissl.SciSslContext.new()) end,
  clientContext = function() return ends.clientContext() end,
  serverContext = function() return ends.serverContext() end,
  configuration = function() return scissl.SciSslSocketConfiguration.new { caFile = "ca.pem", alpn = { "h2" } } end,
  cipher = function(env) return env.client:cipher() end,
  session = function(env)
    assert(env.server:sslWrite "hello")
    ends.read(env.client, env.server)
    return env.client:getSession()
  end,
  hello = function(env)
    assert(env.newServer:sslSuspendAt "clientHello")
    ends.handshake(env.newClient, env.newServer)
    return env.newServer:clientHello()
  end,
  err = function(env) return select(2, env.context:useCertificateFile "missing.pem") end,
  request = function()
    return assert(scissl.SciSslX509Request.new { subject = "CN=www.example.org", key = pki.server.key,
                                                 names = { "www.example.org" } })
  end,
  crl = function()
    return assert(scissl.SciSslX509Crl.issue {
      issuer = pki.ca.certificate, issuerKey = pki.ca.key, number = 7,
      revoked = { { certificate = pki.client.certificate, reason = "keyCompromise" } },
    })
  end,
  listener = function()
    return assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key" })
  end,
  stream = function(env) return scissl.stream(env.client) end,
  peer = function(env) return scissl.stream(env.server) end,
  port = function()
    if not world.echo then world.echo = ends.lua(echo, "^(%d+)") end
    return world.echo.port
  end,
  handshake = function() return ends.handshake end,
  read = function() return ends.read end,
}

local pairs_made = {}
pairs_made.client, pairs_made.server = pair_of("client", "server", ends.connected, {})
pairs_made.client12, pairs_made.server12 = pair_of("client12", "server12", ends.connected, { version = "TLSv1.2" })
pairs_made.newClient, pairs_made.newServer = pair_of("newClient", "newServer", ends.pair, {})
pairs_made.memoryClient, pairs_made.memoryServer =
  pair_of("memoryClient", "memoryServer", ends.pair, { transport = "memory" })

--- An environment for one program, and the list that collects its output.
function world.new()
  local printed = {}
  local env = {}
  function env.print(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    printed[#printed + 1] = table.concat(words, "\t")
  end
  return setmetatable(env, {
    __index = function(self, name)
      if pairs_made[name] then
        pairs_made[name](self)
        return rawget(self, name)
      end
      local make = makers[name]
      if not make then return rawget(_G, name) end
      local value = make(self)
      rawset(self, name, value)
      return value
    end,
  }), printed
end

return world
