-- What a peer of DTLS that is not authenticated can make OpenSSL keep. In processes of their own, whose OpenSSL has its
-- bytes counted.
require "scissl"
local ends = require "spec.support.ends"
local scarce_support = require "spec.support.scarce"

local folder, why = scarce_support.path()
local promise = folder and it or pending

local PRELUDE = [[
  local scarce = require "scarce"
  if not scarce.hasOpenssl then os.exit(77) end
  local scissl, dtls, ends = require "scissl", require "spec.support.dtls", require "spec.support.ends"
  local client_context = ends.clientContext { method = "DTLS" }
  local server_context = ends.serverContext { method = "DTLS", setup = function(context) context:setMaxCertList(1) end }

  -- A server that has sent its first flight; and its client, which has not got it yet.
  local function unfinished()
    local server = assert(scissl.SciSslSocket.onMemory(server_context)):sslInitialize()
    local client = assert(scissl.SciSslSocket.onMemory(client_context)):sslInitialize()
    assert(client:sslSetRetransmission(0.05))
    client:sslConnect()
    dtls.feed(server, dtls.drain(client))
    server:sslListen "a"
    dtls.feed(client, dtls.drain(server))
    client:sslConnect()
    dtls.feed(server, dtls.drain(client))
    assert(server:sslListen "a" == 1)
    server:sslAccept()
    return server, client
  end

  local function record(kind, epoch, number, content)
    return (">B c2 I2 I6 s2"):pack(kind, "\254\253", epoch, number, content)
  end

  local function complete(client, server)
    local first, second
    for _ = 1, 100 do
      first, second = client:sslConnect(), server:sslAccept()
      if first == 1 and second == 1 then break end
      if ends.shuttle(client, server) == 0 then scissl.SciSocket.poll({}, client:timeout() or server:timeout()) end
    end
    assert(first == 1 and second == 1, tostring(first) .. " " .. tostring(second))
    client:sslWrite "x"
    assert(ends.read(server, client) == "x")
  end

  -- Bytes that the server keeps more after it has got these datagrams, at most.
  local function kept(datagrams, completes)
    local server, client = unfinished()
    collectgarbage()
    collectgarbage()
    local before, most = scarce.held(), 0
    for _, datagram in ipairs(datagrams) do
      server:sslFeed(datagram)
      local answer = server:sslAccept()
      assert(math.type(answer) == "integer", tostring(answer))
      most = math.max(most, scarce.held() - before)
    end
    if completes then complete(client, server) end
    return most
  end
]]

local function in_child(source)
  local child <close> = ends.lua(PRELUDE .. source, nil, { LUA_CPATH = folder .. "/?.so;" .. package.cpath })
  local output, _, code = child:finish()
  if code == 77 then return pending "OpenSSL's allocations cannot be replaced here" end
  assert.same({ "", 0 }, { output, code })
end

describe("An unfinished handshake of DTLS", function()
  promise("keeps few records that come before their keys, whatever their length and number #slow", function()
    in_child [[
      for _, length in ipairs { 40, 512, 2000, 16000 } do
        for epoch = 1, 2 do
          local datagrams = {}
          for i = 1, 200 do datagrams[i] = record(22, epoch, 1000 + i, ("x"):rep(length)) end
          local bytes = kept(datagrams, true)
          assert(bytes < 16 * 22000, ("%d bytes of length %d, epoch %d"):format(bytes, length, epoch))
          if length > 512 or epoch > 1 then assert(bytes < 1000, bytes) end
        end
      end
      local many = {}
      for i = 1, 300 do many[i] = record(22, 1, 1000 + i, ("x"):rep(100)) end
      assert(kept({ table.concat(many) }, true) < 16 * 22000)
    ]]
  end)

  promise("keeps no long ones that came before the ClientHello, behind another context either #slow", function()
    in_child [[
      local server = assert(scissl.SciSslSocket.onMemory(server_context)):sslInitialize()
      local client = assert(scissl.SciSslSocket.onMemory(client_context)):sslInitialize()
      assert(client:sslSetServerName(("x"):rep(60) .. ".example"):sslSetMtu(256) and server:sslSuspendAt "clientHello")
      client:sslConnect()
      local hello = dtls.drain(client)
      assert(#hello > 1)
      dtls.feed(server, { table.remove(hello, 1) })
      for i = 1, 15 do
        server:sslFeed(record(22, 1, 1000 + i, ("x"):rep(16000)))
        server:sslAccept()
      end
      dtls.feed(server, hello)
      assert(server:sslGetError(server:sslAccept()) == scissl.SSL_ERROR_WANT_CLIENT_HELLO_CB)
      assert(server:sslSetContext(server_context))
      collectgarbage()
      collectgarbage()
      local before = scarce.held()
      local answer = server:sslAccept()
      assert(math.type(answer) == "integer", tostring(answer))
      local bytes = scarce.held() - before
      assert(bytes < 150000, bytes)
      complete(client, server)
    ]]
  end)

  promise("keeps fragments of few messages, of limited length #slow", function()
    in_child [[
      local function fragment(sequence, length, offset, number)
        return record(22, 0, number, (">B I3 I2 I3 I3"):pack(16, length, sequence, offset, 1) .. "x")
      end
      local datagrams = {}
      for sequence = 3, 40 do -- the client's next message has the number 2
        for offset = 0, 15000, 500 do
          datagrams[#datagrams + 1] = fragment(sequence, 16000, offset, 1000 + #datagrams)
        end
      end
      local bytes = kept(datagrams)
      assert(bytes > 16000 and bytes < 10 * 20000, bytes)
    ]]
  end)

  promise("keeps nothing of records that are malformed, or of another version #slow", function()
    in_child [[
      local datagrams = {}
      for _, kind in ipairs { 0, 19, 20, 23, 24, 25, 63, 255 } do
        for _, epoch in ipairs { 1, 2, 65535 } do
          for i = 1, 20 do datagrams[#datagrams + 1] = record(kind, epoch, 5000 + i, ("x"):rep(100)) end
        end
      end
      for i = 1, 100 do
        datagrams[#datagrams + 1] = record(22, 1, 6000 + i, ("x"):rep(30)):gsub("^(.)..", "%1\3\3")
        datagrams[#datagrams + 1] = record(22, 1, 7000 + i, ("x"):rep(100)):sub(1, i)
      end
      local bytes = kept(datagrams, true)
      assert(bytes < 16 * 22000, bytes)
    ]]
  end)

  promise("goes on or ends where memory runs out for another context #slow", function()
    in_child [[
      local pki = require "spec.support.pki"
      local SciSslSocket = scissl.SciSslSocket
      local own, switch = ends.serverContext { method = "DTLS" }, SciSslSocket.sslSetContext
      local function suspended()
        local client = assert(SciSslSocket.onMemory(client_context)):sslInitialize()
        local server = assert(SciSslSocket.onMemory(own)):sslInitialize()
        assert(client:sslSetVerify(scissl.SSL_VERIFY_NONE) and server:sslSuspendAt "clientHello")
        for _ = 1, 2 do
          client:sslConnect()
          dtls.feed(server, dtls.drain(client))
          server:sslListen "a"
          dtls.feed(client, dtls.drain(server))
        end
        server:sslAccept()
        return server, client
      end
      -- Whether the handshake went on after allocation n + 1 had failed; nil: none had.
      local function goes_on(n)
        local server, client = suspended()
        local other = ends.serverContext { method = "DTLS", identity = pki.selfSigned }
        local failed, returned, done = scarce.openssl(n, true, switch, server, other)
        assert(returned)
        if failed == 0 then return nil end
        local subject = (done and pki.selfSigned or pki.server).certificate:subject()
        done, other = done and true, nil
        collectgarbage()
        collectgarbage()
        local answer = server:sslAccept()
        if scissl.isSslError(answer) then return false end
        local first, second = ends.handshake(client, server)
        assert(first == 1 and second == 1, n)
        assert(tostring(client:peerCertificate():subject()) == tostring(subject), n)
        assert((server:getContext() == own) == not done, n)
        return true
      end
      local n, counts = 0, { [true] = 0, [false] = 0 }
      while true do
        local result = goes_on(n)
        if result == nil then break end
        n, counts[result] = n + 1, counts[result] + 1
      end
      assert(counts[true] > 10 and counts[false] > 0, counts[true] .. " " .. counts[false])
    ]]
  end)
end)

if why then describe("An unfinished handshake of DTLS", function() pending(why) end) end
