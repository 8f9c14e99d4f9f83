-- What is sent to a peer that has closed politely and is gone is lost, and each call says so.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local function allow(context) context:setRenegotiation(true) end

-- A client and a server, one of which has closed; the other has read that. Answers the one that is left.
local function left_alone(version, who)
  local client, server = ends.connected {
    version = version,
    client = { setup = version == "TLSv1.2" and allow or function(context) context:setPostHandshakeAuth(true) end },
    server = { setup = version == "TLSv1.2" and allow or nil, verify = scissl.SSL_VERIFY_PEER },
  }
  local own, peer = client, server
  if who == "server" then own, peer = server, client end
  client:getSession() -- the tickets of TLS 1.3
  peer:close()
  assert.are.equal(0, ends.read(own, peer))
  assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, own:sslGetError(0))
  return own
end

local function send_file(socket)
  local file <close> = assert(io.open(pki.write "some bytes"))
  return socket:sendfile(file)
end

local calls = {
  { "sslWrite", function(socket) return socket:sslWrite "data" end },
  { "sslWritev", function(socket) return socket:sslWritev { "da", "ta" } end },
  { "sendfile", send_file },
  { "sslKeyUpdate", function(socket) return socket:sslKeyUpdate() end, version = "TLSv1.3" },
  { "sslKeyUpdate(true)", function(socket) return socket:sslKeyUpdate(true) end, version = "TLSv1.3" },
  { "sslSendTickets", function(socket) return socket:sslSendTickets() end, version = "TLSv1.3", who = "server" },
  { "sslVerifyClientPostHandshake", function(socket) return socket:sslVerifyClientPostHandshake() end,
    version = "TLSv1.3", who = "server" },
  { "sslRenegotiate of a client", function(socket) return socket:sslRenegotiate() end, version = "TLSv1.2" },
  { "sslRenegotiate of a server", function(socket) return socket:sslRenegotiate() end,
    version = "TLSv1.2", who = "server" },
  { "sslShutdown", function(socket) return socket:sslShutdown() end },
}

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("To a peer that is gone, " .. version .. ",", function()
    for _, call in ipairs(calls) do
      if not call.version or call.version == version then
        it(call[1] .. " fails, however often it is repeated", function()
          local socket = left_alone(version, call.who)
          for _ = 1, 3 do
            local failure = refusals.check(call[2](socket))
            assert.are.equal("broken_pipe", failure:condition())
            assert.are.equal(scissl.SSL_ERROR_SYSCALL, socket:sslGetError(failure))
          end
        end)
      end
    end

    it("sslWrite leaves the end to be read again", function()
      local socket = left_alone(version)
      socket:sslWrite "data"
      assert.are.equal(0, socket:sslRead())
      assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, socket:sslGetError(0))
    end)
  end)
end

describe("A stream whose peer is gone", function()
  local function lonely_stream()
    local stream = scissl.stream(left_alone "TLSv1.3", { timeout = 30 })
    assert.is_nil(stream:read())
    return stream
  end

  local function assert_lost(...)
    refusals.refused("broken_pipe", "write", nil, ...)
  end

  it("fails to write", function()
    local stream = lonely_stream()
    for _ = 1, 3 do assert_lost(stream:write "data") end
  end)

  it("fails to write a list", function()
    assert_lost(lonely_stream():writev { "da", "ta" })
  end)

  for _, name in ipairs { "flush", "close", "closeWrite" } do
    it(("fails at %s to send what was kept back"):format(name), function()
      local stream = lonely_stream()
      stream:setvbuf "full"
      assert.are.equal(stream, stream:write "data")
      assert_lost(stream[name](stream))
    end)
  end

  it("fails to send a close_notify", function()
    refusals.refused("broken_pipe", "shutdown", nil, lonely_stream():closeWrite())
  end)

  it("fails with the bytes of a read that pushed them first", function()
    local stream = lonely_stream()
    stream:setvbuf "full"
    stream:write "data"
    assert.is_nil(stream:read())
    assert_lost(stream:flush())
  end)

  it("fails to carry the bytes of another stream", function()
    local carrier = lonely_stream()
    local made, failure = scissl.connect { host = "localhost", over = carrier, context = ends.clientContext() }
    assert.is_nil(made)
    assert.are.equal("broken_pipe", failure:condition())
  end)
end)
