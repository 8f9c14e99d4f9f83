local scissl = require "scissl"
local ends = require "spec.support.ends"
local null = require "spec.support.null_records"

local HANDSHAKE, ALERT, DATA = 22, 21, 23
local HELLO_REQUEST = "\0\0\0\0"
local ONE_BUFFER = 66560 + 16384 -- bytes that OpenSSL may have read ahead when a limit is exceeded
local READ_LIMIT = 262144 -- bytes that one call reads from the transport

local function assert_waits(socket)
  assert.equal(-scissl.SSL_ERROR_WANT_READ, socket:sslRead())
end

local function assert_ended(socket, condition)
  local failure = socket:sslRead()
  assert.is_true(scissl.isSslError(failure), tostring(failure))
  assert.equal(condition, failure:condition())
  assert.is_true(#failure:errorHint() > 0)
  assert.equal("sent", select(2, failure:alert()))
  assert.equal(failure, socket:sslRead())
end

-- What is sent, by whom, how many are allowed, and what says that there were too many.
local floods = {
  { "Empty records", { "client", "server" }, DATA, function() return "" end, 32, "too_many_empty_records" },
  { "Warnings", { "client", "server" }, ALERT, function() return "\1\90" end, 4, "too_many_alerts" },
  { "Requests to renegotiate", { "server" }, HANDSHAKE, function() return HELLO_REQUEST end, 8,
    "too_many_renegotiations" },
  { "Renegotiations", { "client" }, HANDSHAKE, function(sender) return sender.hello end, 8,
    "too_many_renegotiations" },
}

for _, flood in ipairs(floods) do
  local name, roles, type, make, most, condition = table.unpack(flood)
  for _, role in ipairs(roles) do
    describe(("%s of a %s of TLS 1.2"):format(name, role), function()
      it(("go through where there are %d"):format(most), function()
        local sender, receiver = null.connected(role)
        receiver:sslFeed(sender:records(type, make(sender), most))
        assert_waits(receiver)
        receiver:sslFeed(sender:record(DATA, "data"))
        assert.equal("data", receiver:sslRead())
      end)

      it("end the connection where there are more, with an alert", function()
        local sender, receiver = null.connected(role)
        receiver:sslFeed(sender:records(type, make(sender), most + 1))
        assert_ended(receiver, condition)
      end)

      it("end it where they come one by one", function()
        local sender, receiver = null.connected(role)
        for _ = 1, most do
          receiver:sslFeed(sender:record(type, make(sender)))
          assert_waits(receiver)
        end
        receiver:sslFeed(sender:record(type, make(sender)))
        assert_ended(receiver, condition)
      end)

      it("stop a call within what has been read ahead", function()
        local sender, receiver = null.connected(role)
        local record = sender:record(type, make(sender))
        local bytes = record .. sender:records(type, make(sender), 99)
        bytes = bytes .. ("\23\3\3\0\0"):rep(ONE_BUFFER // 5) -- never looked at
        receiver:sslFeed(bytes)
        assert_ended(receiver, condition)
        assert.is_true(#bytes - #receiver:sslUnread() <= ONE_BUFFER)
      end)
    end)
  end
end

describe("Renegotiations that are refused", function()
  it("are counted behind data as well", function()
    local sender, receiver = null.connected("client")
    for _ = 1, 8 do
      receiver:sslFeed(sender:record(HANDSHAKE, sender.hello) .. sender:record(DATA, "data"))
      assert.equal("data", receiver:sslRead())
    end
    receiver:sslFeed(sender:record(HANDSHAKE, sender.hello))
    assert_ended(receiver, "too_many_renegotiations")
  end)

  it("leave no more replies for a client that does not read than one each", function()
    local sender, receiver = null.connected("client")
    receiver:sslFeed(sender:records(HANDSHAKE, sender.hello, 8))
    assert_waits(receiver)
    assert.equal(8 * (5 + 2 + 32), #receiver:sslDrain())
  end)
end)

describe("What a server of TLS 1.2 sends behind our close_notify", function()
  it("is not read without end by one call #slow", function()
    local sender, client = null.connected("server")
    assert.equal(0, client:sslShutdown())
    local bytes = sender:records(HANDSHAKE, HELLO_REQUEST:rep(4000), 40)
    client:sslFeed(bytes)
    assert.is_true(#bytes > 2 * READ_LIMIT)
    local answer = client:sslShutdown()
    assert.is_true(ends.notYet(client, answer), tostring(answer))
    local calls = 1
    while client:dirty() do
      calls = calls + 1
      assert.is_true(calls < 10)
    end
    assert.is_true(calls >= 2)
    assert.equal("", client:sslUnread())
  end)
end)
