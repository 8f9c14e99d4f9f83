-- What a server knows about one connection, as a plain table, with the reasons for what was negotiated.
local scissl = require "scissl"

local facts = {}

-- ---- what this server supports

local standard_names

local function standard_name(name)
  if not standard_names then
    standard_names = {}
    for _, cipher in ipairs(scissl.SciSslCipher.known()) do standard_names[cipher:name()] = cipher:standardName() end
  end
  return standard_names[name] or name
end

local function known_suites(context)
  local set, described = {}, context:describe()
  for _, list in ipairs { described.ciphers, described.ciphersuites } do
    for _, name in ipairs(list) do set[standard_name(name)] = true end
  end
  return set
end

local all_versions = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" }

local function known_versions(context)
  local described, set, inside = context:describe(), {}, false
  for _, name in ipairs(all_versions) do
    inside = inside or name == (described.minProtocol or all_versions[1])
    if inside then set[name] = true end
    if name == described.maxProtocol then break end
  end
  return set
end

-- ---- what the client offered

local function marked(list, chosen, known)
  local marks = {}
  for i, name in ipairs(list) do
    local state = name == chosen and "chosen" or name == "GREASE" and "grease"
      or known and not known[name] and "strange" or "offered"
    marks[i] = { name = name, state = state }
  end
  return marks
end

-- ---- reasons

local function first_shared(list, known)
  for _, name in ipairs(list) do
    if known[name] then return name end
  end
end

local function contains(list, name)
  for _, one in ipairs(list) do
    if one == name then return true end
  end
  return false
end

local why = {}

function why.version(_, hello)
  local offered = 0
  for _, version in ipairs(hello:versions()) do
    if version ~= "GREASE" then offered = offered + 1 end
  end
  if offered == 1 then return "the only version that you offered" end
  return "the newest version that both sides know"
end

function why.suite(seen, hello, known)
  local suites = {}
  for _, name in ipairs(hello:cipherSuites()) do
    local of_13 = not name:find "_WITH_"
    if of_13 == (seen.version == "TLSv1.3") then suites[#suites + 1] = name end
  end
  if seen.resumed and seen.version ~= "TLSv1.3" then return "the suite of the session that was resumed" end
  if first_shared(suites, known) == seen.suite then return "the first in your list that this server knows" end
  return "the first in this server's list that you know"
end

function why.group(seen, hello)
  if not seen.group then return "no key exchange: the keys come from the session" end
  if seen.version ~= "TLSv1.3" then return "a group that both sides know" end
  if contains(hello:keyShares(), seen.group) then return "you had sent a key for it already: one round trip less" end
  return "you had sent no key for it: the server asked, which took one more round trip"
end

function why.signature(seen)
  if not seen.signature then return "nothing was signed: the session of an earlier visit identifies this server" end
  return ("it fits this server's %s key, and you can check it"):format(seen.chain[1] and seen.chain[1].key or "own")
end

function why.alpn(seen, hello)
  if seen.alpn then return "this server speaks it, and you offered it" end
  return hello:alpn()[1] and "nothing that you offered" or "you offered nothing"
end

function why.resumed(seen)
  if seen.resumed then return "you sent a ticket that this server had given you" end
  if seen.ticket then return "you sent a ticket, and this server did not accept it" end
  return "you sent no ticket: you are new to this server"
end

-- ---- the identity of each side

local function describe_key(certificate)
  local kind, bits = certificate:keyType(), certificate:keyBits()
  return bits and ("%s %d"):format(kind, bits) or kind or "unknown"
end

local function describe_certificate(certificate)
  local names = {}
  for i, one in ipairs(certificate:subjectAltNames() or {}) do names[i] = tostring(one.value) end
  return {
    subject = certificate:subject() or "",
    issuer = certificate:issuer() or "",
    notBefore = certificate:notBefore(),
    notAfter = certificate:notAfter(),
    key = describe_key(certificate),
    signature = certificate:signatureAlgorithm(),
    fingerprint = certificate:fingerprint() or "",
    names = names,
  }
end

local function describe_chain(certificates)
  local chain = {}
  for i, certificate in ipairs(certificates) do chain[i] = describe_certificate(certificate) end
  return chain
end

-- ---- what went over the wire

-- The messages in order. Consecutive messages of one kind count as one; the other side begins a new flight.
local function flights_of(socket, version)
  local flights, encrypted = {}, { sent = false, received = false }
  for _, event in ipairs((socket:traceEvents())) do
    local direction = event.direction
    if direction and event.kind == "changeCipherSpec" then encrypted[direction] = true end
    if direction and event.kind == "handshake" then
      local flight = flights[#flights]
      if not flight or flight.direction ~= direction then
        flight = { direction = direction }
        flights[#flights + 1] = flight
      end
      local last = flight[#flight]
      local hidden = encrypted[direction]
      if version == "TLSv1.3" then hidden = not event.name:find "Hello$" end
      if last and last.name == event.name then
        last.count, last.length = last.count + 1, last.length + event.length
      else
        flight[#flight + 1] = { name = event.name, length = event.length, count = 1, encrypted = hidden }
      end
    end
  end
  return flights
end

local SESSION_TICKET = 35

local function brings_ticket(hello, version)
  if version == "TLSv1.3" then return hello:offersPreSharedKey() end
  local ticket = hello:extension(SESSION_TICKET)
  return ticket ~= nil and ticket ~= ""
end

-- What is the same at each visit. The order of extensions, and whether a ticket is among them, is not.
local function trait_of(hello)
  local parts = {}
  for _, list in ipairs { hello:versions(), hello:cipherSuites(), hello:groups(), hello:signatureAlgorithms() } do
    for _, name in ipairs(list) do
      if name ~= "GREASE" then parts[#parts + 1] = name end
    end
    parts[#parts + 1] = ""
  end
  local digest = assert(scissl.digest("SHA256", table.concat(parts, " ")))
  return (digest:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

--- Returns everything, as strings, numbers, booleans and tables of them.
function facts.gather(socket, hello, context, seconds)
  local cipher, session = socket:cipher(), socket:getSession()
  local seen = {
    address = socket:getPeerName() or "",
    serverName = hello:serverName(),
    version = socket:version(),
    suite = cipher:standardName(),
    bits = (cipher:bits()),
    group = socket:negotiatedGroup(),
    signature = socket:signatureScheme(),
    alpn = socket:alpnProtocol(),
    resumed = socket:isSessionReused(),
    chain = describe_chain(socket:localChain()),
    milliseconds = seconds * 1000,
    time = os.time(),
    ja3 = hello:ja3(),
    ja4 = hello:ja4(),
    trait = trait_of(hello),
    extensions = #hello:extensions(),
  }
  seen.ticket = brings_ticket(hello, seen.version)
  seen.age = seen.resumed and session and math.max(0, os.time() - session:time()) or nil
  seen.flights = flights_of(socket, seen.version)
  local client = socket:peerCertificate()
  seen.client = client and describe_certificate(client)
  seen.clientVerdict = client and select(2, socket:sslVerifyCertificate())
  local suites = known_suites(context)
  seen.offers = {
    { name = "Versions", marked(hello:versions(), seen.version, known_versions(context)) },
    { name = "Cipher suites", marked(hello:cipherSuites(), seen.suite, suites) },
    { name = "Groups", marked(hello:groups(), seen.group) },
    { name = "Signatures", marked(hello:signatureAlgorithms(), seen.signature) },
    { name = "Protocols", marked(hello:alpn(), seen.alpn, { ["http/1.1"] = true }) },
  }
  seen.why = {}
  for name, reason in pairs(why) do seen.why[name] = reason(seen, hello, suites) end
  return seen
end

-- One line for the server's log. What visitors choose must not send control characters to the terminal.
function facts.summary(seen)
  local line = ("%s  %s  %s  %s  %s"):format(seen.address, seen.version, seen.suite,
    seen.resumed and "resumed" or "full handshake", seen.ja4)
  return (line:gsub("[%c\127]", "?"))
end

return facts
