-- The alert of a handshake that fails reaches a peer that has sent more than was looked at, and goes on sending.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local CLIENTS <const>, PIECES <const>, PIECE <const> = 30, 10, 4096 -- 40 kB each

local function listen(options)
  local given = { caFile = pki.ca.certificateFile, verify = "require" }
  for name, value in pairs(options or {}) do given[name] = value end
  return streams.listen(given)
end

local function connect(port, options)
  local given = {
    host = "127.0.0.1", port = port, waiter = "coroutine", caFile = pki.ca.certificateFile, verifyHost = "localhost",
    certificate = pki.stranger.certificateFile, privateKey = pki.stranger.keyFile, timeout = 60,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  return scissl.connect(given)
end

-- What a client learns that has more to say than the server looks at: the alert of its read, or what went wrong before.
local function upload(port)
  local stream, failure = connect(port)
  for _ = 1, stream and PIECES or 0 do
    local written
    written, failure = stream:write(("x"):rep(PIECE))
    if not written then break end
    coroutine.yield(nil, nil, scissl.SciSocket.now()) -- the server's turn
  end
  if not failure then failure = select(2, stream:read()) end
  if stream then stream:close() end
  return failure and (failure:alert() or failure:condition()) or "nothing"
end

-- Runs `serve(listener)` with that many clients, each a coroutine; answers how often each outcome came.
local function outcomes(serve, talk)
  local loop <close> = assert(scissl.scheduler.new())
  local listener, port = listen()
  local counts, left = {}, CLIENTS
  loop:spawn(serve, listener, loop)
  for _ = 1, CLIENTS do
    loop:spawn(function()
      local outcome = talk(port)
      counts[outcome] = (counts[outcome] or 0) + 1
      left = left - 1
      if left == 0 then listener:close() end
    end)
  end
  loop:run()
  return counts
end

describe("A client whose certificate is refused, and that goes on sending, learns why", function()
  it("from serve", function()
    local counts = outcomes(function(listener)
      listener:serve(function() end, { onError = function() end })
    end, upload)
    assert.are.same({ unknown_ca = CLIENTS }, counts)
  end)

  it("from a listener that accepts one after the other", function()
    local counts = outcomes(function(listener)
      repeat local stream, failure = listener:accept()
      until not stream and failure:condition() == "closed"
    end, upload)
    assert.are.same({ unknown_ca = CLIENTS }, counts)
  end)

  it("from a listener whose connections have coroutines of their own", function()
    local counts = outcomes(function(listener, loop)
      while true do
        local socket = listener:acceptSocket()
        if not socket then return end
        loop:spawn(function() listener:handshake(socket) end)
      end
    end, upload)
    assert.are.same({ unknown_ca = CLIENTS }, counts)
  end)
end)

-- A server in a process of its own, which waits by poll(2) and accepts one after the other.
local blocking_server = [[
  local scissl = require "scissl"
  local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q,
    caFile = %q, verify = "require" })
  print("port " .. select(2, listener:getSockName()))
  io.stdout:flush()
  while true do listener:accept() end
]]

describe("A server that waits for one connection at a time", function()
  it("lets its alerts arrive, and is not held up by those who do not close #slow", function()
    local server <close> = ends.lua(blocking_server:format(pki.server.certificateFile, pki.server.keyFile,
      pki.ca.certificateFile), "port (%d+)")
    local loop <close> = assert(scissl.scheduler.new())
    local counts, open = {}, {}
    loop:spawn(function()
      for i = 1, 100 do -- more than may wait for their end
        local stream = assert(connect(server.port))
        open[i] = stream
        local failure
        for _ = 1, PIECES do failure = select(2, stream:write(("x"):rep(PIECE))) end
        if not failure then failure = select(2, stream:read()) end
        local outcome = failure:alert() or failure:condition()
        counts[outcome] = (counts[outcome] or 0) + 1
      end
    end)
    loop:run()
    for _, stream in ipairs(open) do stream:close() end
    assert.are.same({ unknown_ca = 100 }, counts)
  end)
end)

-- Two ends, the server of which has refused the client's certificate.
local function refused(version)
  local client, server = ends.pair {
    transport = "tcp", version = version, client = { identity = pki.stranger },
    server = { verify = scissl.SSL_VERIFY_PEER },
  }
  local _, failure = ends.handshake(client, server)
  return client, server, failure
end

describe("close() of a socket that has sent an alert", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("takes away what has come, and the peer reads the alert and the end, " .. version, function()
      local client, server, failure = refused(version)
      assert.are.equal("unknown_ca", failure:alert())
      local plain = assert(scissl.SciSocket.on(client:getfd()))
      assert.are.equal(40000, plain:send(("x"):rep(40000)))
      server:close()
      local read = ends.read(client, server)
      assert.is_true(scissl.isSslError(read))
      assert.are.equal("unknown_ca", read:alert())
      assert.are.equal("", plain:recv(1)) -- the end, and no reset
    end)
  end

  it("does so as a variable to be closed, too", function()
    local client, server = refused "TLSv1.3"
    local plain = assert(scissl.SciSocket.on(client:getfd()))
    plain:send(("x"):rep(40000))
    do local closed <close> = server end -- luacheck: ignore
    assert.are.equal("unknown_ca", ends.read(client, server):alert())
    assert.are.equal("", plain:recv(1))
  end)

  it("reads no more than a bounded number of bytes", function()
    local client, server = refused "TLSv1.3"
    local plain = assert(scissl.SciSocket.on(client:getfd()))
    server:setSockOpt("SO_RCVBUF", 8 << 20)
    local sent = 0
    repeat
      local count = plain:send(("x"):rep(65536))
      sent = sent + (count or 0)
    until not count or sent > 16 << 20
    assert.is_true(server:close()) -- and returns
  end)
end)

describe("A stream whose read has ended in an alert", function()
  it("lets it arrive when it is closed", function()
    local client, server = ends.connected { transport = "tcp", version = "TLSv1.3",
      server = { verify = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_POST_HANDSHAKE },
      client = { identity = pki.stranger, setup = function(context) context:setPostHandshakeAuth(true) end } }
    server:sslSetReadAhead(false) -- what follows the certificate stays in the descriptor
    assert.are.equal(1, server:sslVerifyClientPostHandshake())
    client:sslRead()
    for _ = 1, PIECES do client:sslWrite(("x"):rep(PIECE)) end
    local stream = scissl.stream(server, { timeout = 60 })
    local _, failure = stream:read()
    assert.are.equal("unknown_ca", failure:alert())
    local plain = assert(scissl.SciSocket.on(client:getfd()))
    stream:close()
    for _ = 1, 3 do assert.are.equal(1, plain:send "x") end
    assert.are.equal("unknown_ca", ends.read(client, server):alert())
    assert.are.equal("", plain:recv(1))
  end)
end)

describe("A client that refuses the server", function()
  it("lets its alert arrive", function()
    local context = ends.serverContext()
    local tcp, port = ends.listener()
    local results = ends.run(function()
      return scissl.connect {
        host = "127.0.0.1", port = port, waiter = "coroutine", caFile = pki.otherCa.certificateFile,
        verifyHost = "localhost", timeout = 60,
      }
    end, function()
      coroutine.yield(tcp, "r")
      local accepted = assert(tcp:accept())
      accepted:setBlocking(false)
      local server = assert(scissl.SciSslSocket.on(accepted, context))
      server:sslInitialize()
      local done, failure = scissl.handshake(server, "accept", { waiter = "coroutine", timeout = 60 })
      return done, failure
    end)
    tcp:close()
    assert.is_nil(results[2][1])
    assert.are.equal("unknown_ca", results[2][2]:alert())
  end)
end)

describe("s_client of OpenSSL", function()
  it("learns why its certificate is refused while it sends", function()
    local server <close> = ends.lua(([[
      local scissl = require "scissl"
      local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q,
        caFile = %q, verify = "require" })
      print("port " .. select(2, listener:getSockName()))
      io.stdout:flush()
      listener:serve(function() end, { onError = function() end })
    ]]):format(pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile), "port (%d+)")
    local path = pki.write(("x"):rep(40000) .. "\n")
    local peer = ends.start(("sh -c 'openssl s_client -ign_eof -connect 127.0.0.1:%d -CAfile %s -cert %s -key %s <%s'")
      :format(server.port, pki.ca.certificateFile, pki.stranger.certificateFile, pki.stranger.keyFile, path))
    assert.truthy(peer:finish():lower():find "alert unknown ca")
  end)
end)
