-- STARTTLS under every event loop, on sockets that somebody else has made, and with foreign peers.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local sockets = require "spec.support.sockets"

local SciSocket = scissl.SciSocket

local client_options = { host = "localhost", caFile = pki.ca.certificateFile }
local server_options = { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key }

local function serve(stream)
  assert(stream:read() == "STARTTLS")
  assert(stream:write("go ahead\n"))
  assert(stream:startTls(server_options))
  assert(stream:write(stream:read(), " is secret\n"))
  assert(stream:read() == nil)
  assert(stream:stopTls())
  local line = stream:read()
  stream:close()
  return line
end

local function ask(stream)
  assert(stream:write("STARTTLS\n"))
  assert(stream:read() == "go ahead")
  assert(stream:startTls(client_options))
  assert(stream:write("this\n"))
  local line = stream:read()
  assert(stream:stopTls())
  assert(stream:write("plain again\n"))
  stream:close()
  return line
end

for _, loop in ipairs(loops.all) do
  local promise = loops.it(loop)

  describe("Under " .. loop.name .. ", a stream", function()
    promise("begins TLS, ends it, and nests it", function()
      local near, far = SciSocket.pair()
      near:setBlocking(false)
      far:setBlocking(false)
      local client = assert(scissl.plain.on(near, { waiter = loop.waiter }))
      local server = assert(scissl.plain.on(far, { waiter = loop.waiter }))
      local results = loop.run(function() return ask(client) end, function() return serve(server) end)
      assert.are.equal("this is secret", results[1][1])
      assert.are.equal("plain again", results[2][1])
    end)

    promise("runs TLS inside TLS", function()
      local near, far = ends.connected()
      local client = scissl.stream(near, { waiter = loop.waiter })
      local server = scissl.stream(far, { waiter = loop.waiter })
      local results = loop.run(
        function()
          assert(client:startTls(client_options))
          assert(client:write("question\n"))
          return client:read("a")
        end,
        function()
          assert(server:startTls(server_options))
          assert(server:write(server:read(), ", answer"))
          return server:close()
        end)
      assert.are.equal("question, answer", results[1][1])
    end)

    promise("times out in a read and loses nothing", function()
      local near, far = ends.connected()
      local client = scissl.stream(near, { waiter = loop.waiter })
      local server = scissl.stream(far, { waiter = loop.waiter, timeout = 0.03 })
      local results = loop.run(function()
        assert(client:write("hel"))
        local _, failure = server:read()
        assert(client:write("lo\n"))
        return failure:condition(), server:read()
      end)
      assert.are.same({ n = 2, "timeout", "hello" }, results[1])
    end)
  end)
end

describe("A plain stream adopts a socket of", function()
  local function converse(near, far)
    near:settimeout(30)
    local peer = assert(scissl.plain.on(far, { waiter = "coroutine" }))
    far:setBlocking(false)
    local results = ends.run(function() return ask(near) end, function() return serve(peer) end)
    assert.are.equal("this is secret", results[1][1])
    assert.are.equal("plain again", results[2][1])
  end

  it("LuaSocket, and begins TLS on it", function()
    local luasocket = sockets.optional "socket"
    if not luasocket then return pending("LuaSocket is not installed") end
    local listener <close>, port = ends.listener()
    local foreign = assert(luasocket.connect("127.0.0.1", port))
    converse(assert(scissl.plain.on(foreign, { waiter = "coroutine" })), assert(listener:accept()))
    assert.is_true(foreign:getfd() < 0) -- closed by its own close
  end)

  it("cqueues, and begins TLS on it", function()
    local library = sockets.optional "cqueues.socket"
    if not library then return pending("cqueues is not installed") end
    local listener <close>, port = ends.listener()
    local foreign = library.connect("127.0.0.1", port)
    local accepted = assert(listener:accept())
    foreign:connect(10)
    converse(assert(scissl.plain.on(foreign, { waiter = "coroutine" })), accepted)
  end)

  it("ours, by a duplicate of its descriptor", function()
    local near, far = SciSocket.pair()
    local own = assert(SciSocket.on(near, true)) -- a duplicate
    near:close()
    converse(assert(scissl.plain.on(own, { waiter = "coroutine" })), far)
  end)
end)

describe("STARTTLS with a foreign client", function()
  it("serves openssl s_client, which speaks SMTP before", function()
    local listener <close>, port = ends.listener()
    local command = "openssl s_client -starttls smtp -connect 127.0.0.1:%d -CAfile %s -verify_return_error -quiet"
    local peer <close> = ends.start(command:format(port, pki.ca.certificateFile))
    local stream <close> = assert(scissl.plain.on(assert(listener:accept()), { timeout = 30 }))
    assert(stream:write("220 mail.example ESMTP\r\n"))
    assert.truthy(stream:read():find "^EHLO")
    assert(stream:write("250-mail.example\r\n250 STARTTLS\r\n"))
    assert.truthy(stream:read():find "^STARTTLS")
    assert(stream:write("220 go ahead\r\n"))
    assert(stream:startTls(server_options))
    peer:write("from the client\n")
    assert.truthy(stream:read():find "^from the client")
    assert.is_true(stream:isSecure())
  end)

  it("lets curl through a proxy of ours that speaks TLS, to a server of ours", function()
    if not ends.has "curl" then return pending("curl is not installed") end
    local proxy <close> = assert(scissl.listen {
      port = 0, host = "127.0.0.1", certificate = pki.server.certificate, privateKey = pki.server.key, timeout = 30,
    })
    local _, port = proxy:getSockName()
    local command = "curl --silent --show-error --noproxy '' --proxy https://localhost:%d --proxy-cacert %s "
      .. "--cacert %s https://localhost:9/"
    local peer <close> = ends.start(command:format(port, pki.ca.certificateFile, pki.ca.certificateFile))
    local stream <close> = assert(proxy:accept(30))
    assert.truthy(stream:readUntil("\r\n\r\n", 16384, true):find "^CONNECT localhost:9 ")
    assert(stream:write("HTTP/1.1 200 OK\r\n\r\n"))
    assert(stream:startTls(server_options)) -- the server, inside
    stream:readUntil("\r\n\r\n", 16384, true)
    assert(stream:write("HTTP/1.0 200 OK\r\n\r\ninside\n"))
    assert(stream:close())
    assert.are.equal("inside\n", (peer:finish()))
  end)
end)
