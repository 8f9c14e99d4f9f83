-- What a failure is called: a condition of its own for each cause, never `openssl`; and with whom it happened.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext, SciSslSocket = scissl.SciSslContext, scissl.SciSslSocket

local function fresh()
  local socket = SciSslSocket.onMemory(assert(SciSslContext.new()))
  assert(socket:sslInitialize())
  return socket
end

-- The answer of a client to a server's first flight in TLS 1.2, which `change` has had in its hands.
local function after_flight(change, setup)
  local client, server = ends.pair { transport = "memory", version = "TLSv1.2", client = { setup = setup } }
  client:sslConnect()
  server:sslFeed(client:sslDrain())
  server:sslAccept()
  client:sslFeed(change(server:sslDrain()))
  return client:sslConnect()
end

-- Makes the first element inside a certificate a SET in place of a SEQUENCE.
local function damage(flight, certificate)
  local der = certificate:toDer()
  local at = assert(flight:find(der, 1, true))
  return flight:sub(1, at + 3) .. "\x31" .. flight:sub(at + 5)
end

describe("The condition of a failed handshake", function()
  it("is malformed_message for a ClientHello that cannot be decoded", function()
    local server = fresh()
    server:sslFeed("\x16\3\1\2\0\1\0\1\xfc\3\3" .. ("a"):rep(506))
    local failure = refusals.failed("malformed_message", "accept", server:sslAccept())
    assert.are.same({ "decode_error", "sent" }, { table.unpack({ failure:alert() }, 1, 2) })
  end)

  it("is unexpected_message for an alert in place of a ClientHello", function()
    local server = fresh()
    server:sslFeed "\x15\3\1\0\2\2\x28"
    refusals.failed("unexpected_message", "accept", server:sslAccept())
  end)

  it("is malformed_certificate for a server's certificate that is no DER, which is no alert of the peer", function()
    local failure = refusals.failed("malformed_certificate", "connect", after_flight(function(flight)
      return damage(flight, pki.server.certificate)
    end))
    assert.are.equal("sent", select(2, failure:alert()))
    assert.truthy(failure:errorHint():find("the peer's certificate is damaged", 1, true), failure:errorHint())
  end)

  it("is legacy_renegotiation for a server without RFC 5746, and the hint names the option", function()
    local function without_renegotiation_info(flight)
      local changed, count = flight:gsub("\xff\x01\0\1\0", "\xff\x77\0\1\0")
      assert.are.equal(1, count)
      return changed
    end
    local failure = refusals.failed("legacy_renegotiation", "connect", after_flight(without_renegotiation_info))
    assert.truthy(failure:errorHint():find("legacy_server_connect", 1, true), failure:errorHint())
    local answer = after_flight(without_renegotiation_info, function(context)
      assert(context:setOptions "legacy_server_connect")
    end)
    assert.are_not.equal("legacy_renegotiation", scissl.isSslError(answer) and answer:condition())
  end)

  it("is no_protocol where one side's own settings leave no version", function()
    local client = ends.pair { client = { setup = function(context)
      assert(context:setOptions { "no_tlsv1_2", "no_tlsv1_3" })
    end } }
    local failure = refusals.failed("no_protocol", "connect", client:sslConnect())
    assert.is_nil(failure:errorHint():find("two sides", 1, true), failure:errorHint())
  end)
end)

describe("The condition of a pre-shared key", function()
  local function handshake(version, take_key)
    local client_context, server_context = assert(SciSslContext.new(version)), assert(SciSslContext.new(version))
    if version == "TLSv1.2" then
      assert(client_context:setCipherList "PSK")
      assert(server_context:setCipherList "PSK")
    end
    client_context:setPskClient(take_key)
    server_context:setPskServer { alice = "right key" }
    return ends.handshake(ends.pair {
      transport = "memory", serverName = false, verifyHost = false, client = client_context, server = server_context,
    })
  end

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("that differs is psk_mismatch on the server, and the client's hint mentions keys, " .. version, function()
      local client_failure, failure = handshake(version, function() return "alice", "wrong key" end)
      refusals.failed("psk_mismatch", "accept", failure)
      refusals.failed("alert_received", "connect", client_failure)
      assert.truthy(client_failure:errorHint():find("pre-shared key", 1, true), client_failure:errorHint())
    end)
  end

  it("that the client's function does not give is psk_missing", function()
    refusals.failed("psk_missing", "connect", (handshake("TLSv1.2", function() end)))
  end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  it("The condition of a changed record is bad_record_mac, " .. version, function()
    local client, server = ends.connected { transport = "memory", version = version }
    client:sslWrite "hello"
    local record = client:sslDrain()
    server:sslFeed(record:sub(1, -2) .. string.char(record:byte(-1) ~ 1))
    refusals.failed("bad_record_mac", "read", server:sslRead())
  end)

  describe("A file that sendfile cannot read, " .. version, function()
    local function failure_of(file)
      local client, server = ends.connected { version = version }
      local failure = client:sendfile(file)
      assert.are.equal(2, client:sslWrite "go")
      assert.are.equal("go", ends.read(server, client))
      return failure
    end

    it("is file_unreadable where it is open for writing alone", function()
      local file <close> = assert(io.open(pki.write "text", "a"))
      refusals.failed("file_unreadable", "write", failure_of(file))
    end)

    it("is file_directory for a directory", function()
      local file <close> = assert(io.open(pki.folder()))
      refusals.failed("file_directory", "write", failure_of(file))
    end)

    it("is not_seekable for a pipe", function()
      local file <close> = assert(io.popen "echo hello")
      local failure = refusals.failed("not_seekable", "write", failure_of(file))
      assert.truthy(failure:errorHint():find("regular file", 1, true), failure:errorHint())
    end)
  end)
end

describe("A failure says with whom, by address and port:", function()
  local function listen(timeout)
    local listener = assert(scissl.listen {
      host = "127.0.0.1", port = 0, timeout = timeout, certificate = pki.server.certificateFile,
      privateKey = pki.server.keyFile,
    })
    return listener, select(2, listener:getSockName())
  end

  local function reach(port)
    local socket = assert(scissl.SciSocket.newStreamSocket())
    assert(socket:connect("127.0.0.1", port))
    return socket, "127.0.0.1:" .. select(2, socket:getSockName())
  end

  local function says(address, failure)
    assert.are.equal(address, failure:peer())
    assert.truthy(failure:errorHint():find(address, 1, true), failure:errorHint())
  end

  it("an accept whose time is over", function()
    local listener <close>, port = listen(0.01)
    local client <close>, address = reach(port)
    assert.are.equal("127.0.0.1:" .. port, client:peerAddress())
    local _, failure = listener:accept(30)
    assert.are.equal("timeout", failure:condition())
    says(address, failure)
  end)

  it("an accept of what is no TLS", function()
    local listener <close>, port = listen(30)
    local client <close>, address = reach(port)
    client:send "junk junk junk"
    local _, failure = listener:accept(30)
    says(address, failure)
  end)

  it("a handshake of a client, beside the host", function()
    local listener <close>, port = ends.listener()
    local client <close> = assert(SciSslSocket.new(ends.clientContext()))
    assert(client:connect("127.0.0.1", port))
    assert(client:sslInitialize())
    assert(client:sslSetVerifyHost "localhost")
    client:sslConnect()
    local peer = assert(listener:accept())
    peer:recv(65536)
    peer:send "220 mail.example ESMTP\r\n"
    local _, failure = scissl.handshake(client, "connect", { timeout = 30 })
    peer:close()
    assert.are.equal("localhost", failure:subject())
    says("127.0.0.1:" .. port, failure)
  end)

  it("scissl.connect, whose handshake takes too long", function()
    local _, port = ends.listener()
    local _, failure = scissl.connect { host = "127.0.0.1", port = port, timeout = 0.05 }
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("127.0.0.1:" .. port, failure:subject())
  end)

  it("a handshake over a socket of another library", function()
    local listener <close>, port = ends.listener()
    local near = assert(require "socket".connect("127.0.0.1", port))
    local far = assert(listener:accept())
    local client <close> = assert(SciSslSocket.on(near, ends.clientContext()))
    assert(client:sslInitialize())
    client:setBlocking(false)
    client:sslConnect()
    far:send "no TLS at all"
    assert(client:wait("r", 30))
    says("127.0.0.1:" .. port, client:sslConnect())
    far:close()
  end)
end)

describe("A wrong option", function()
  it("is told with its value where that is a number", function()
    assert.error_matches(function() scissl.connect { host = "localhost", port = 70000 } end, "got 70000")
    assert.error_matches(function() scissl.connect { host = "localhost", port = 1, timeout = -1 } end, "got %-1")
  end)

  it("is told by its type where it may be a secret", function()
    local good, words = pcall(scissl.connect, { host = "localhost", port = 1, psk = "s3cret" })
    assert.is_false(good)
    assert.is_nil(words:find("s3cret", 1, true))
  end)
end)

describe("A stream's own refusal says with whom", function()
  local function connected(options)
    local listener <close>, port = ends.listener()
    local near = assert(scissl.SciSocket.newStreamSocket())
    assert(near:connect("127.0.0.1", port))
    return assert(scissl.plain.on(near, options)), assert(listener:accept()), "127.0.0.1:" .. port
  end

  it("where a line is too long", function()
    local stream, far, address = connected { maxLine = 10, timeout = 30 }
    far:send(("x"):rep(100))
    local _, failure = stream:read()
    assert.are.same({ "line_too_long", address }, { failure:condition(), failure:peer() })
  end)

  it("where more came than it may hold", function()
    local stream, far, address = connected { maxBuffer = 10, timeout = 30 }
    far:send(("x"):rep(100))
    far:shutdown "w"
    local _, failure = stream:read "a"
    assert.are.same({ "too_much_data", address }, { failure:condition(), failure:peer() })
  end)
end)
