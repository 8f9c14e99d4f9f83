-- Prosody as a client of other servers: it authenticates by its certificate (SASL EXTERNAL), over STARTTLS and direct
-- TLS. Servers on scissl.luasec and on the real LuaSec send messages to each other, and all pairs see the same.

local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"
local prosody = require "spec.support.prosody"
local scissl = require "scissl"
local xmpp = require "spec.support.xmpp"

local TIMEOUT = 30

local KINDS = { ["a.example"] = "ours", ["b.example"] = "ours", ["c.example"] = "theirs", ["d.example"] = "theirs" }

-- The first dials the second over STARTTLS, and the second dials the first over direct TLS. Each kind dials each. With
-- its select backend Prosody loses a connection of direct TLS whose handshake is done at once, whatever TLS it has.
local PAIRS = {
  { "a.example", "b.example" }, { "b.example", "c.example" }, { "c.example", "d.example" },
  { "d.example", "a.example" },
}

local function identity_of(host, issuer)
  return pki.issue { subject = "CN=" .. host, names = { host, "127.0.0.1" }, issuer = issuer }
end

local function start_all(backend)
  local servers = {}
  for host, kind in pairs(KINDS) do
    servers[host] = prosody.start { backend = backend, ours = kind == "ours", host = host,
      identity = identity_of(host) }
  end
  for _, pair in ipairs(PAIRS) do
    local near, far = servers[pair[1]], servers[pair[2]]
    near:route(far.host, { s2s = far.port.s2s })
    far:route(near.host, backend == "select" and { s2s = near.port.s2s } or { s2sDirect = near.port.s2sDirect })
  end
  return servers
end

local function send(stream, from, to, text)
  assert(stream:write(("<message to='%s' from='user@%s/here' id='m' type='chat'><body>%s</body></message>")
    :format(to, from, text)))
end

-- The next message, with other names for the hosts.
local function receive(stream, near, far)
  local text, mark = stream:readUntil("</message>", 1 << 20, true)
  return (xmpp.plain(assert(text) .. mark):gsub(near, "near"):gsub(far, "far"))
end

-- What both users receive of a message to and fro. Each server dials, since no stream is used both ways.
local function converse(near, far)
  local here <close> = xmpp.login(near)
  local there <close> = xmpp.login(far)
  local long = ("y"):rep(100000)
  send(here, near.host, "user@" .. far.host .. "/here", "to " .. long)
  local first = receive(there, near.host, far.host)
  send(there, far.host, "user@" .. near.host .. "/here", "fro " .. long)
  local second = receive(here, near.host, far.host)
  assert.is_truthy(first:find("to " .. long, 1, true))
  assert.is_truthy(second:find("fro " .. long, 1, true))
  return { (first:gsub(long, "")), (second:gsub(long, "")) }
end

-- ---- peers that are no Prosody

local FEATURES = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' " ..
  "xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='%s' id='x' version='1.0'>" ..
  "<stream:features>%s</stream:features>"
local STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
local EXTERNAL = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>"

local count = 0

-- Returns what a peer and a user see: the user's message to the peer waits while `play(peer)` is the server that
-- Prosody dials. peer.stream is where TLS is to begin.
local function meet(server, play)
  count = count + 1
  local peer = { host = ("peer%d.example"):format(count), server = server }
  local listener <close> = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, timeout = TIMEOUT })
  server:route(peer.host, { s2s = select(2, listener:getSockName()) })
  local here <close> = xmpp.login(server)
  send(here, server.host, peer.host, "to a peer")
  local stream <close> = assert(listener:accept())
  peer.stream = stream
  function peer.begin(inside)
    local head, mark = stream:readUntil("<stream:stream[^>]*>", 1 << 16)
    if not mark then return head end
    return stream:write(FEATURES:format(peer.host, server.host, inside or ""))
  end
  function peer.bounce()
    -- Prosody says so where the handshake does not fail at its first step.
    return (receive(here, server.host, peer.host):gsub("Error during negotiation of encrypted connection: ", ""))
  end
  -- Since 13 the event backend does not report a handshake that fails, whatever TLS it has.
  function peer.bounceOfHandshake()
    return prosody.version >= 13 and server.backend == "event" or peer.bounce()
  end
  peer.begin(STARTTLS)
  assert(stream:readUntil("<starttls[^>]*>", 1 << 16))
  stream:write "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
  return play(peer)
end

-- A peer's side of TLS, which asks for a certificate.
local function secure(peer, given)
  local identity = identity_of(given.name or peer.host, given.issuer)
  return peer.stream:startTls { role = "server", certificate = identity.certificatePem, privateKey = identity.key,
    caFile = given.caFile or pki.ca.certificateFile, verify = "require", version = given.version }
end

-- Until Prosody authenticates.
local function hear_auth(peer)
  peer.begin(EXTERNAL)
  local auth, mark = peer.stream:readUntil("</auth>", 1 << 16, true)
  local encoded = prosody.util "encodings".base64.encode(peer.server.host)
  return (xmpp.plain(assert(auth) .. mark):gsub(encoded, "near"))
end

-- What Prosody sends until it ends the stream.
local function hear_end(peer)
  local text = peer.stream:read "a" or ""
  return (xmpp.plain(text):gsub(peer.server.host, "near"):gsub(peer.host, "far"))
end

local plays = {}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  plays["authenticates by its certificate, " .. version] = function(peer)
    assert(secure(peer, { version = version }))
    local matches = peer.stream:peerCertificate():matchesHost(peer.server.host)
    local auth = hear_auth(peer)
    peer.stream:write "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
    peer.begin()
    return matches, auth, receive(peer.stream, peer.server.host, peer.host)
  end

  plays["hears that its authority is not trusted, " .. version] = function(peer)
    local done, failure = secure(peer, { version = version, caFile = pki.otherCa.certificateFile })
    peer.stream:close()
    return done, failure:condition(), version == "TLSv1.2" and peer.bounceOfHandshake() or peer.bounce()
  end

  plays["does not trust a peer of another authority, " .. version] = function(peer)
    assert(secure(peer, { version = version, issuer = pki.otherCa }))
    peer.begin(EXTERNAL)
    return hear_end(peer), peer.bounce()
  end
end

plays["does not trust a peer with another name"] = function(peer)
  assert(secure(peer, { name = "elsewhere.example" }))
  peer.begin(EXTERNAL)
  return hear_end(peer), peer.bounce()
end

plays["is told that its authentication has failed"] = function(peer)
  assert(secure(peer, {}))
  local auth = hear_auth(peer)
  peer.stream:write "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
  return auth, hear_end(peer), peer.bounce()
end

plays["gets garbage instead of a ServerHello"] = function(peer)
  local first = peer.stream:read(1)
  peer.stream:write(("\0"):rep(100))
  return first, peer.bounceOfHandshake()
end

plays["gets nothing instead of a ServerHello"] = function(peer)
  local first = peer.stream:read(1)
  peer.stream:close()
  return first, peer.bounceOfHandshake()
end

local names = {}
for name in pairs(plays) do names[#names + 1] = name end
table.sort(names)

-- ---- all of them

describe("Prosody dials other servers with scissl.luasec as with LuaSec:", function()
  if not (os.getenv "SCISSL_ALL" or os.getenv "SCISSL_PROGRAMS") then
    return pending "only sh spec/run.sh all asks Prosody"
  end
  if not prosody.isThere() then return pending "Prosody for this Lua is not installed" end
  if not luasec.real then return pending "LuaSec is not installed" end

  for _, backend in ipairs(prosody.backends) do
    describe(backend .. ",", function()
      local servers

      setup(function() servers = start_all(backend) end)

      teardown(function()
        for _, server in pairs(servers) do server:kill() end
      end)

      it("messages between all pairs #slow", function()
        local seen = {}
        for i, pair in ipairs(PAIRS) do seen[i] = converse(servers[pair[1]], servers[pair[2]]) end
        for i = 2, #PAIRS do assert.are.same(seen[1], seen[i]) end
      end)

      for _, name in ipairs(names) do
        it(name .. " #slow", function()
          local theirs = table.pack(meet(servers["c.example"], plays[name]))
          local ours = table.pack(meet(servers["a.example"], plays[name]))
          assert.is_true(theirs.n > 0)
          assert.are.same(theirs, ours)
        end)
      end
    end)
  end
end)
