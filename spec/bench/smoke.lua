-- Prints MiB/s for 16 KiB writes and ns for a 64-byte round trip, for us and for smoke.c, and the ratios: medians of
-- rounds that alternate. Both ends in one process over a socket pair. lua5.4 smoke.lua C_PROGRAM [ROUNDS]
local scissl = require "scissl"
local MEBIBYTES, ROUND_TRIPS, CHUNK = 256, 20000, 16384
local program, rounds = arg[1], tonumber(arg[2] or 5)

local key = assert(scissl.SciSslPrivateKey.generate "EC")
local certificate = assert(scissl.SciSslX509Certificate.issue { subject = "CN=localhost", key = key })

local function write_file(text)
  local path = os.tmpname()
  assert(io.open(path, "w")):write(text):close()
  return path
end

local function make_ends()
  local serverContext = assert(scissl.SciSslContext.new())
  assert(serverContext:useCertificate(certificate))
  assert(serverContext:usePrivateKey(key))
  local a, b = assert(scissl.SciSocket.pair())
  local client = assert(scissl.SciSslSocket.on(a:setBlocking(false), assert(scissl.SciSslContext.new())))
  local server = assert(scissl.SciSslSocket.on(b:setBlocking(false), serverContext))
  assert(client:sslInitialize())
  assert(server:sslInitialize())
  local clientDone, serverDone
  repeat
    clientDone, serverDone = client:sslConnect(), server:sslAccept()
    assert(not scissl.isSslError(clientDone), clientDone)
    assert(not scissl.isSslError(serverDone), serverDone)
  until clientDone == 1 and serverDone == 1
  return client, server
end

local function transfer(from, to, data)
  assert(from:sslWrite(data) == #data)
  local got = 0
  repeat
    local bytes = to:sslRead()
    assert(type(bytes) == "string", bytes)
    got = got + #bytes
  until got == #data
end

local function measure(client, server)
  local now, chunk, message = scissl.SciSocket.now, ("x"):rep(CHUNK), ("x"):rep(64)
  local begin = now()
  for _ = 1, MEBIBYTES * (1048576 // CHUNK) do transfer(client, server, chunk) end
  local bulk = MEBIBYTES / (now() - begin)
  begin = now()
  for _ = 1, ROUND_TRIPS do
    transfer(client, server, message)
    transfer(server, client, message)
  end
  return bulk, (now() - begin) / ROUND_TRIPS * 1e9
end

local function measure_c(certificateFile, keyFile)
  local command = ("'%s' '%s' '%s' %d %d"):format(program, certificateFile, keyFile, MEBIBYTES, ROUND_TRIPS)
  local pipe = assert(io.popen(command))
  local bulk, roundTrip = pipe:read("n", "n")
  assert(pipe:close(), "the C program failed")
  return bulk, roundTrip
end

local function median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

local certificateFile, keyFile = write_file(certificate:toPem()), write_file(key:toPem())
local client, server = make_ends()
local ours, plain = { bulk = {}, trip = {} }, { bulk = {}, trip = {} }
for round = 1, rounds do
  ours.bulk[round], ours.trip[round] = measure(client, server)
  plain.bulk[round], plain.trip[round] = measure_c(certificateFile, keyFile)
end
os.remove(certificateFile)
os.remove(keyFile)

print(("%s, %s, medians of %d rounds"):format(client:version(), client:cipher():name(), rounds))
print("                          scissl    plain C    ratio")
for _, row in ipairs { { "16 KiB writes, MiB/s", "bulk" }, { "64-byte round trip, ns", "trip" } } do
  local a, b = median(ours[row[2]]), median(plain[row[2]])
  print(("%-22s %9.0f  %9.0f  %7.2f"):format(row[1], a, b, a / b))
end
