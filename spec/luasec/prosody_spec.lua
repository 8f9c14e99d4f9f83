-- Prosody, the largest program on LuaSec, with each of its network backends: once with the real LuaSec, once with
-- scissl.luasec, and clients see and hear the same.

local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"
local prosody = require "spec.support.prosody"
local scissl = require "scissl"
local xmpp = require "spec.support.xmpp"

local ask, header, options, plain, scram, start_tls = xmpp.ask, xmpp.header, xmpp.options, xmpp.plain, xmpp.scram,
  xmpp.startTls

local SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
local TIMEOUT = 30

-- A session: what a user who has authenticated may do, until the stream ends.
local function live(stream)
  local said = {}
  said[1] = ask(stream, header "localhost", "</stream:features>")
  said[2] = ask(stream, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" ..
    "<resource>here</resource></bind></iq>", "</iq>")
  said[3] = ask(stream, "<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", ">")
  said[4] = ask(stream, "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>", "</iq>")
  local long = ("x"):rep(50000)
  local message = "<message to='user@localhost/here' id='m'><body>%s</body></message>"
  said[5] = ask(stream, message:format(long), "</message>")
  assert(said[5]:find(long, 1, true))
  said[5] = said[5]:gsub(long, "long")
  said[6] = ask(stream, "</stream:stream>", "</stream:stream>")
  local rest, problem = stream:read "a"
  stream:close()
  said[7] = tostring(rest) .. tostring(problem)
  for i, text in ipairs(said) do said[i] = plain(text) end
  return said
end

-- ---- what is done

local visits = {}

visits["STARTTLS, SCRAM with channel binding"] = function(server)
  local stream, features, proceed = start_tls(server.port.c2s, { tls = { version = "TLSv1.2" } })
  local secure = ask(stream, header "localhost", "</stream:features>")
  local answer, nonce = scram(stream, "secret", stream:socket():channelBinding "tls-unique")
  return plain(features), proceed, plain(secure), answer, nonce, live(stream)
end

visits["STARTTLS, a wrong binding and a wrong password"] = function(server)
  local answers = {}
  for i, case in ipairs { { "secret", ("\0"):rep(12) }, { "wrong" } } do
    local stream = start_tls(server.port.c2s, { tls = { version = "TLSv1.2" } })
    ask(stream, header "localhost", "</stream:features>")
    answers[i] = scram(stream, case[1], case[2])
    stream:close()
  end
  return answers
end

visits["SCRAM with the channel bindings of TLS 1.3"] = function(server)
  local answers = {}
  for _, kind in ipairs { "tls-exporter", "tls-server-end-point" } do
    local stream = assert(scissl.connect(options(server.port.direct, { version = "TLSv1.3" })))
    local features = ask(stream, header "localhost", "</stream:features>")
    local offered = features:find(("type='%s'"):format(kind), 1, true) ~= nil -- 0.12 has none of them
    local binding = offered and stream:socket():channelBinding(kind) or nil
    answers[kind] = { offered, scram(stream, "secret", binding, kind) }
    stream:close()
  end
  return answers
end

visits["direct TLS"] = function(server)
  local stream = assert(scissl.connect(options(server.port.direct)))
  local features = ask(stream, header "localhost", "</stream:features>")
  local version = stream:version()
  return plain(features), version, scram(stream, "secret"), live(stream)
end

local function post(stream, body)
  local head = ask(stream, ("POST /http-bind HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n" ..
    "Content-Length: %d\r\n\r\n%s"):format(#body, body), "\r\n\r\n")
  local length = tonumber(head:match "[Cc]ontent%-[Ll]ength: (%d+)")
  return head:match "^[^\r]*", assert(stream:read(length))
end

visits["BOSH over https"] = function(server)
  local stream = assert(scissl.connect(options(server.port.https)))
  local status, body = post(stream, "<body rid='1' to='localhost' wait='10' hold='1' xml:lang='en' ver='1.6' " ..
    "xmpp:version='1.0' xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh'/>")
  local sid = body:match "sid='([^']*)'"
  local again, last = post(stream, ("<body rid='2' sid='%s' type='terminate' " ..
    "xmlns='http://jabber.org/protocol/httpbind'/>"):format(sid))
  stream:close()
  local attributes = {}
  for name in body:gmatch "([%w:]+)=" do attributes[#attributes + 1] = name end
  table.sort(attributes)
  return status, attributes, plain(body:match "<mechanisms.*</mechanisms>"), again, plain(last)
end

-- A frame of a client, which is masked (RFC 6455).
local function frame(text)
  return "\x81" .. string.char(128 + #text) .. "\0\0\0\0" .. text
end

local function read_frame(stream)
  local first, length = assert(stream:read(2)):byte(1, 2)
  if length == 126 then length = (">I2"):unpack(assert(stream:read(2))) end
  return first, assert(stream:read(length))
end

visits["websocket over https"] = function(server)
  local stream = assert(scissl.connect(options(server.port.https)))
  local head = ask(stream, "GET /xmpp-websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n" ..
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" ..
    "Sec-WebSocket-Protocol: xmpp\r\n\r\n", "\r\n\r\n")
  assert(stream:write(frame "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>"))
  local _, open = read_frame(stream)
  local _, features = read_frame(stream)
  assert(stream:write(frame "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"))
  local _, last = read_frame(stream)
  stream:close()
  return head:match "^[^\r]*", head:match "Sec%-WebSocket%-Accept: ([^\r]*)", plain(open), plain(features), plain(last)
end

-- Another server, whose certificate is its authentication.
local function federate(server, identity, name)
  local given = { namespace = "jabber:server", from = name,
    tls = { certificate = identity.certificatePem, privateKey = identity.key } }
  local stream, _, proceed = start_tls(server.port.s2s, given)
  local features = ask(stream, header("localhost", given), "</stream:features>")
  local answer = ask(stream, ("<auth xmlns='%s' mechanism='EXTERNAL'>=</auth>"):format(SASL), ">")
  stream:close()
  return proceed, plain(features:match "<mechanisms.*</mechanisms>" or features), plain(answer)
end

visits["another server"] = function(server)
  local remote = pki.issue { subject = "CN=remote.example", names = { "remote.example" } }
  local proceed, mechanisms, answer = federate(server, remote, "remote.example")
  return proceed, mechanisms, answer
end

visits["another server, under a name that its certificate does not have"] = function(server)
  local remote = pki.issue { subject = "CN=remote.example", names = { "remote.example" } }
  return select(2, federate(server, remote, "elsewhere.example"))
end

visits["another server, of an authority that is not trusted"] = function(server)
  local remote = pki.issue { subject = "CN=remote.example", names = { "remote.example" }, issuer = pki.otherCa }
  return select(2, federate(server, remote, "remote.example"))
end

-- What a server says to bytes that are no TLS, until it ends the connection.
local function disturb(port, bytes)
  local stream = assert(scissl.plain.connect { host = "127.0.0.1", port = port, timeout = TIMEOUT })
  stream:write(bytes)
  local said = stream:read "a"
  stream:close()
  return said
end

visits["clients that send garbage, half a ClientHello, or nothing"] = function(server)
  local answers = {}
  for _, service in ipairs { "direct", "https" } do
    answers[#answers + 1] = disturb(server.port[service], ("\0"):rep(100))
    answers[#answers + 1] = disturb(server.port[service], "GET / HTTP/1.0\r\n\r\n")
    local half = scissl.plain.connect { host = "127.0.0.1", port = server.port[service], timeout = TIMEOUT }
    half:write "\x16\x03\x01\x02\x00\x01\x00"
    half:close()
    assert(scissl.plain.connect { host = "127.0.0.1", port = server.port[service], timeout = TIMEOUT }):close()
  end
  local stream = assert(scissl.connect(options(server.port.direct)))
  answers[#answers + 1] = plain(ask(stream, header "localhost", "</stream:features>"))
  stream:close()
  return answers
end

local RELOAD = "a certificate that is read again, while a stream goes on"

visits[RELOAD] = function(server)
  local before = assert(scissl.connect(options(server.port.direct)))
  ask(before, header "localhost", "</stream:features>")
  local renewed = pki.issue { subject = "CN=localhost,O=renewed", names = { "localhost", "127.0.0.1" } }
  server:use(renewed)
  local stream, shown
  repeat
    if stream then stream:close() end
    stream = start_tls(server.port.c2s)
    shown = stream:peerCertificate():fingerprint()
  until shown == renewed.certificate:fingerprint()
  local answers = { stream:peerCertificate():subject(), scram(before, "secret") }
  -- Its select backend goes on with the old certificate where a port has TLS from the beginning.
  for _, service in ipairs { "direct", "https" } do
    local direct <close> = assert(scissl.connect(options(server.port[service])))
    answers[#answers + 1] = direct:peerCertificate():subject()
  end
  stream:close()
  before:close()
  return answers
end

local names = {}
for name in pairs(visits) do names[#names + 1] = name end
table.sort(names)

-- ---- both servers

local BACKENDS = { "epoll", "select", "event" }

describe("Prosody says the same with scissl.luasec as with LuaSec:", function()
  if not (os.getenv "SCISSL_ALL" or os.getenv "SCISSL_PROGRAMS") then
    return pending "only sh spec/run.sh all asks Prosody"
  end
  if not prosody.isThere() then return pending "Prosody for this Lua is not installed" end
  if not luasec.real then return pending "LuaSec is not installed" end

  for _, backend in ipairs(BACKENDS) do
    if backend == "event" and not package.searchpath("luaevent.core", package.cpath) then
      pending "luaevent is not installed"
    else
      describe(backend .. ",", function()
        local servers

        setup(function()
          servers = {
            ours = prosody.start { backend = backend, ours = true },
            theirs = prosody.start { backend = backend, ours = false },
          }
        end)

        teardown(function()
          -- With its select backend Prosody does not end by SIGTERM after these visits, whatever TLS it has.
          for _, server in pairs(servers) do server:kill() end
        end)

        local hears = prosody.hearsSignals(backend)

        for _, name in ipairs(names) do
          if name == RELOAD and not hears then goto continue end
          it(name .. " #slow", function()
            local theirs = table.pack(visits[name](servers.theirs))
            local ours = table.pack(visits[name](servers.ours))
            assert.is_truthy(next(theirs))
            assert.are.same(theirs, ours)
          end)
          ::continue::
        end

        if not hears then return pending "this backend of this Prosody does not hear signals" end

        it("SIGTERM, with a stream that is told so #slow", function()
          local said = {}
          for _, kind in ipairs { "theirs", "ours" } do
            local server <close> = prosody.start { backend = backend, ours = kind == "ours" }
            local stream = assert(scissl.connect(options(server.port.direct)))
            ask(stream, header "localhost", "</stream:features>")
            server:terminate()
            local last, mark = stream:readUntil("</stream:stream>", 1 << 16, true)
            stream:write "</stream:stream>"
            local rest, problem = stream:read "a"
            stream:close()
            local output, how, code = server:finish()
            said[kind] = { how, code, plain(last .. tostring(mark)), rest, tostring(problem),
              output:find "[Tt]raceback" ~= nil }
          end
          assert.are.same({ "exit", 0 }, { said.ours[1], said.ours[2] })
          said.theirs[1], said.theirs[2] = "exit", 0 -- with LuaSec it may crash at its end, in a finalizer
          assert.are.same(said.theirs, said.ours)
        end)
      end)
    end
  end
end)

