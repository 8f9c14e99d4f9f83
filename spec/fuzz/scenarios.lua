--- spec/fuzz/scenarios.lua: what the memory fuzzer does while allocations fail. A scenario is a function(random, log)
-- that returns two functions: `act(attempt)` does everything that may fail, each call by attempt(f, …), which returns
-- nothing where memory ran out; `check()` shows afterwards, with enough memory, that the same objects still work.

local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local Connection = require "spec.fuzz.connection"
local features = require "spec.fuzz.features"
local samples = require "spec.fuzz.samples"

local new_context = scissl.SciSslContext.new -- before spec/fuzz/memory.lua changes it
local Certificate, Key, Crl = scissl.SciSslX509Certificate, scissl.SciSslPrivateKey, scissl.SciSslX509Crl

local scenarios = {}

-- ---- connections: handshakes, data, sessions, refusals, key updates

-- A connection made by the same contexts has to complete, or to be refused, as if nothing had happened.
local function works_as_before(options, log)
  if options.clientMustFail or options.serverMustFail or options.psk then return end
  local again = {}
  for name, value in pairs(options) do again[name] = value end
  again.clientStations, again.serverStations, again.session = nil, nil, nil
  local client, server = features.pair(again)
  local client_answer, server_answer = ends.handshake(client, server)
  log("again: %s, %s", client_answer, server_answer)
  assert(client_answer == 1, "the contexts no longer work: " .. tostring(client_answer))
  assert(server_answer == 1, "the contexts no longer work: " .. tostring(server_answer))
  assert(server:sslWrite "still here" == 10 and ends.read(client, server) == "still here", "data no longer arrive")
  client:close()
  server:close()
end

function scenarios.connection(random, log)
  local connection = Connection.new(random, log)
  return function(attempt)
    connection.call = attempt
    -- Where memory runs out in the fuzzer's own code, bytes that it had read are gone.
    local good, err = pcall(connection.run, connection, Connection.shuttle)
    connection.lossy = not good
    if not good then error(err, 0) end
  end, function()
    connection.call = function(f, ...) return f(...) end
    connection:run(Connection.shuttle)
    connection:close()
    works_as_before(connection.options, log)
  end
end

-- The setters of a fresh connection and of its contexts, and whether these still work.
function scenarios.setters(random, log)
  local options
  return function(attempt)
    options = attempt(features.choose, random)
    local client, server = attempt(ends.pair, { transport = "memory" })
    if not client or not server then return end
    attempt(client.sslSetServerName, client, "localhost")
    attempt(client.sslSetVerifyHosts, client, { "localhost", "b.example" })
    attempt(client.sslUseCertificate, client, pki.client.certificate, pki.client.key)
    attempt(server.sslUseCertificate, server, { pki.server.certificate, pki.ca.certificate }, samples.text.key)
    attempt(client.sslSetAlpn, client, { "h2", "http/1.1" })
    attempt(client.sslSetDane, client, "localhost")
    attempt(client.sslAddTlsa, client, 3, 1, 1, ("x"):rep(32))
    attempt(server.sslSetOcspResponse, server, samples.der.ocsp)
    attempt(client.sslTrace, client, true)
    attempt(client.close, client)
    attempt(server.close, server)
  end, function()
    if options then works_as_before(options, log) end
  end
end

-- ---- objects made, read and written

local function issued()
  local key = assert(Key.generate "EC")
  return Certificate.issue { subject = "CN=x,O=y", names = { "x.example", "127.0.0.1" }, key = key,
    issuer = pki.ca.certificate, issuerKey = pki.ca.key, crlUris = { "http://a/" }, ocspUris = { "http://a/" },
    policies = { "1.2.3" }, usage = { "digitalSignature" }, extendedUsage = { "serverAuth" },
    extensions = { { oid = "1.2.3", data = "\5\0" } } }
end

-- Not here: Key.fromUri. Where OSSL_DECODER_CTX_new_for_pkey finds no memory, OpenSSL 3.0.19 passes NULL to
-- OSSL_DECODER_CTX_set_passphrase_cb, which writes through it (try_key_value in crypto/store/store_result.c).
local makers = {
  issued,
  function() return new_context() end,
  function()
    return Crl.issue { issuer = pki.ca.certificate, issuerKey = pki.ca.key, revoked = { { serial = "1" } } }
  end,
  function() return scissl.SciSslX509Request.new { subject = "CN=x", names = { "a.b" }, key = pki.server.key } end,
  function()
    return scissl.SciSslPkcs12.make { key = pki.server.key, certificate = pki.server.certificate,
      chain = { pki.ca.certificate }, passphrase = "x", iterations = 1 }
  end,
  function() return scissl.SciSslPkcs12.parse(samples.der.pkcs12, "secret") end,
  function()
    return scissl.SciSslOcsp.response { certificate = pki.server.certificate, issuer = pki.ca.certificate,
      key = pki.ca.key }
  end,
  function()
    return scissl.SciSslOcsp.check(samples.der.ocsp, { certificate = pki.server.certificate,
      issuer = pki.ca.certificate })
  end,
  function() return pki.server.certificate:verify { pki.ca.certificate } end,
  function() return Certificate.chainFromPem(samples.text.chain) end,
  function() return Certificate.fromPem(samples.text.certificate) end,
  function() return Key.fromPem(samples.text.encryptedKey, "secret") end,
  function() return Crl.fromPem(samples.text.crl) end,
  function() return scissl.OSSslSession.fromPem(samples.text.session12) end,
  function() return scissl.OSSslSession.fromDer(samples.der.session13) end,
  function() return scissl.SciSslX509Request.fromPem(samples.text.request) end,
  function() return scissl.seal(("k"):rep(32), "text", "purpose") end,
  function() return assert(scissl.SciSslContext.new()):describe() end,
  function() return assert(scissl.SciSslContext.new()):addTrustedUri("file:" .. pki.ca.certificateFile) end,
}

local function call_all(attempt, object)
  local class = debug.getmetatable(object)
  local methods = type(object) == "userdata" and class and class.__index
  for name, method in pairs(type(methods) == "table" and methods or {}) do
    if name:find "^to" or name:find "^[a-z]+$" and name ~= "close" then attempt(pcall, method, object) end
  end
end

function scenarios.objects(random)
  local make = random:pick(makers)
  return function(attempt)
    local made = attempt(make)
    if type(made) == "userdata" then call_all(attempt, made) end
  end, function()
    local made, failure = make()
    if made == nil then error("what was made before cannot be made again: " .. tostring(failure)) end
  end
end

function scenarios.errors()
  local _, kept = Certificate.fromPem "nonsense"
  return function(attempt)
    for name, text in pairs(samples.text) do
      attempt(Certificate.fromPem, text:sub(1, #text // 2))
      attempt(Key.fromPem, text:gsub("A", "B"), name)
    end
    call_all(attempt, kept)
    attempt(tostring, kept)
  end, function()
    assert(#kept:errorHint() > 0 and #tostring(kept) > 0)
  end
end

-- ---- sockets, streams, a scheduler

function scenarios.sockets()
  return function(attempt)
    local listener = attempt(ends.listener)
    attempt(scissl.SciSocket.resolve, "127.0.0.1", 1)
    local near, far = attempt(scissl.SciSocket.pair)
    local poller = attempt(scissl.SciPoller.new)
    for _, socket in pairs { listener, near, far } do
      attempt(socket.setBlocking, socket, false)
      attempt(socket.getSockName, socket)
      attempt(scissl.SciSocket.poll, { [socket] = "r" }, 0)
      if poller then
        attempt(poller.arm, poller, socket, "rw")
        attempt(poller.wait, poller, 0)
      end
    end
    if near then attempt(near.send, near, "hello") end
    if far then attempt(far.recv, far, 100) end
    if listener then attempt(listener.accept, listener) end
    for _, object in pairs { listener, near, far, poller } do attempt(object.close, object) end
  end, function()
    local near, far = scissl.SciSocket.pair()
    assert(near:send "x" == 1 and far:recv(1) == "x")
    near:close()
    far:close()
  end
end

local listen_options = { host = "127.0.0.1", port = 0, certificate = pki.server.certificateFile,
  privateKey = pki.server.keyFile, timeout = 5, waiter = "coroutine" }

local function talk(attempt, listener, loop, timeout)
  local _, port = listener:getSockName()
  local served
  loop:spawn(function()
    local stream
    for _ = 1, 6 do -- connections of rounds before may come first
      stream = stream or attempt(listener.accept, listener, timeout)
    end
    if not stream then return end
    served = attempt(stream.read, stream, "l")
    attempt(stream.write, stream, "you said ", served or "nothing", "\n")
    attempt(stream.close, stream)
  end)
  loop:spawn(function()
    local stream = attempt(scissl.connect, { host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile,
      timeout = timeout, waiter = "coroutine" })
    if not stream then return end
    attempt(stream.write, stream, "hello\n")
    local line = attempt(stream.read, stream, "l")
    assert(line == nil or line == "you said hello" or line == "you said nothing", line)
    attempt(stream.close, stream)
  end)
  return function() return served end
end

function scenarios.streams()
  local listener = assert(scissl.listen(listen_options))
  local loop = assert(scissl.scheduler.new())
  local function round(attempt, timeout)
    local served = talk(attempt, listener, loop, timeout)
    local steps = 0
    while loop:size() > 0 and steps < 200 do
      attempt(loop.step, loop, 0.1)
      steps = steps + 1
    end
    return served()
  end
  return function(attempt) attempt(round, attempt, 0.1) end, function()
    for _ = 1, 100 do
      if loop:size() == 0 then break end
      loop:step(0.1)
    end
    -- OpenSSL keeps a certificate whose public key found no memory, and so does a context that is shared by its files.
    scissl.SciSslSocketConfiguration.forgetContexts()
    if loop:size() == 0 then
      local served = round(function(f, ...) return f(...) end, 5)
      assert(served == "hello", "the scheduler and the listener no longer work")
    end
    listener:close()
    loop:close()
  end
end

return scenarios
