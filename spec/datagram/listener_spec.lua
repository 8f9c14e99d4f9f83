-- The server of scissl.datagram as a server in production: server names, handlers, new certificates, stopping, hooks.
local scissl = require "scissl"
local datagrams = require "spec.support.datagrams"
local pki = require "spec.support.pki"
local replace = require "spec.support.files".replace

local fails, listen, connect, run = datagrams.fails, datagrams.listen, datagrams.connect, datagrams.run
local NONE = datagrams.NONE

local function identity(subject, ...)
  return pki.issue { subject = subject, names = { "localhost", "127.0.0.1", ... } }
end

local old, new, other = identity "CN=old", identity "CN=new", identity("CN=other", "other.example", "x.star.example")

local function subject_at(port, options)
  local association <close> = assert(connect(port, options))
  return tostring(association:socket():peerCertificate():subject())
end

-- Serves an echo with options of `serve` while `client(port, listener)` runs; returns what `serve` returned.
local function serving(given, hooks, client)
  local listener, port = listen(given)
  local results
  run(function()
    results = table.pack(listener:serve(function(association, message) association:send(message) end, hooks))
  end, function()
    local _ <close> = listener
    client(port, listener)
  end)
  return table.unpack(results, 1, results.n)
end

describe("A server of DTLS for several hosts", function()
  local sni = { ["other.example"] = { certificate = other.certificate, privateKey = other.key } }

  it("presents the certificate of the host that the client asks for, else its own", function()
    serving({ sni = sni, certificate = old.certificate, privateKey = old.key }, nil, function(port)
      assert.equal("CN=other", subject_at(port, { serverName = "other.example", verifyHost = "other.example" }))
      assert.equal("CN=old", subject_at(port, { serverName = "unknown.example" }))
      assert.equal("CN=old", subject_at(port))
    end)
  end)

  it("rejects clients that ask for other hosts where it has no certificate of its own", function()
    serving({ sni = sni, certificate = NONE, privateKey = NONE }, { onError = function() end }, function(port, listener)
      assert.equal("CN=other", subject_at(port, { serverName = "other.example", verifyHost = "other.example" }))
      local _, failure = connect(port, { serverName = "unknown.example" })
      assert.equal("unrecognized_name", failure:alert())
      assert.equal(1, listener:statistics().failed.refused)
    end)
  end)

  it("takes wildcards, contexts and an SNI map", function()
    local context = assert(scissl.SciSslContext.new "DTLS")
    assert(context:useCertificate(other.certificate):usePrivateKey(other.key))
    local map = assert(scissl.sni.new({ ["*.star.example"] = context }, { others = true }))
    serving({ sni = map }, nil, function(port)
      assert.equal("CN=other", subject_at(port, { serverName = "x.star.example", verifyHost = "x.star.example" }))
    end)
    fails("not_dtls", scissl.datagram.listen { port = 0, sni = { ["a.example"] = assert(scissl.SciSslContext.new()) } })
  end)

  it("keeps no more of a client that is not authenticated where the context is another", function()
    local SciSslSocket = scissl.SciSslSocket
    local real, last = SciSslSocket.sslSetMaxCertList, nil
    local _ <close> = setmetatable({}, { __close = function() SciSslSocket.sslSetMaxCertList = real end })
    SciSslSocket.sslSetMaxCertList = function(socket, bytes)
      last = { context = socket:getContext(), bytes = bytes }
      return real(socket, bytes)
    end
    for verify, bytes in pairs { [scissl.SSL_VERIFY_NONE] = 1, [scissl.SSL_VERIFY_PEER] = 32768 } do
      local own = { certificate = other.certificate, privateKey = other.key, ca = pki.ca.certificate, verify = verify }
      serving({ sni = { ["other.example"] = own } }, nil, function(port, listener)
        subject_at(port, { serverName = "other.example", verifyHost = "other.example",
          certificate = pki.client.certificate, privateKey = pki.client.key })
        assert.same({ context = listener.sni.contexts["other.example"], bytes = bytes }, last)
      end)
    end
  end)

  it("accepts as long a list of certificates as a context of a name says", function()
    local given = { certificate = pki.client.certificate, privateKey = pki.client.key,
      serverName = "other.example", verifyHost = "other.example" }
    for bytes, good in pairs { [100] = false, [60000] = true } do
      local context = assert(scissl.SciSslContext.new "DTLS")
      assert(context:useCertificate(other.certificate):usePrivateKey(other.key):setMaxCertList(bytes))
      assert(context:setVerify(scissl.SSL_VERIFY_PEER))
      assert(context:loadVerifyLocations(pki.ca.certificateFile))
      serving({ sni = { ["other.example"] = context } }, { onError = function() end }, function(port, listener)
        local association, failure = connect(port, given)
        assert.equal(good, association ~= nil, tostring(failure))
        if association then association:close() end
        assert.equal(good and 0 or 1, listener:statistics().failed.handshake_message_too_long or 0,
          (next(listener:statistics().failed)))
      end)
    end
  end)
end)

describe("A server of DTLS with handlers", function()
  it("asks them, in this order, and each may wait", function()
    local asked = {}
    local function note(name, returns)
      return function()
        coroutine.yield(nil, nil, nil)
        asked[#asked + 1] = name
        return table.unpack(returns)
      end
    end
    serving({
      onClientHello = function(_, hello)
        asked[#asked + 1] = hello:serverName()
        return true
      end,
      onCertificate = note("certificate", { other.certificate, other.key }), onVerify = note("verify", { true }),
      ca = pki.otherCa.certificate, certificate = old.certificate, privateKey = old.key,
    }, nil, function(port)
      assert.equal("CN=other", subject_at(port, { certificate = pki.client.certificate, privateKey = pki.client.key }))
    end)
    assert.same({ "localhost", "certificate", "verify" }, asked)
  end)

  it("lets onClientHello ask for a certificate of the client", function()
    local subject
    serving({
      onClientHello = function(socket)
        assert(socket:sslSetVerify(scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
        return true
      end,
      ca = pki.ca.certificate, verify = "none",
    }, {
      onAssociation = function(association) subject = association:socket():peerCertificate():subject() end,
    }, function(port)
      local association <close> = assert(connect(port, {
        certificate = pki.client.certificate, privateKey = pki.client.key,
      }))
      assert(association:send "x")
      assert.equal("x", association:receive(20))
    end)
    assert.equal(tostring(pki.client.certificate:subject()), tostring(subject))
  end)

  it("rejects the client where a handler raises, and serves others", function()
    local told
    serving({
      onClientHello = function(_, hello)
        if hello:serverName() == "bad.example" then error "a mistake" end
        return true
      end,
    }, { onError = function(failure) told = failure end }, function(port)
      local refused = connect(port, { serverName = "bad.example" })
      assert.is_nil(refused)
      assert.equal("handler_failed", told:condition())
      assert.matches("a mistake", tostring(told:cause()))
      assert.equal("CN=localhost", subject_at(port):match "CN=localhost" or subject_at(port))
    end)
  end)
end)

describe("A server of DTLS whose certificate is renewed", function()
  local function files_of(one)
    return { certificate = pki.write(one.certificatePem), privateKey = pki.write(one.keyPem) }
  end

  it("reads its files again at reload, and keeps the old ones where they are bad", function()
    local files, names = files_of(old), files_of(other)
    local sni = { ["other.example"] = names }
    serving({ certificate = files.certificate, privateKey = files.privateKey, sni = sni }, nil,
      function(port, listener)
        local stays <close> = assert(connect(port))
        local session = stays:socket():getSession()
        assert.equal("CN=old", subject_at(port))
        replace(files.certificate, new.certificatePem)
        local done, failure = listener:reload()
        assert.is_nil(done)
        assert.equal("load", failure:phase())
        assert.equal("CN=old", subject_at(port))
        replace(files.privateKey, new.keyPem)
        assert.equal(listener, listener:reload())
        assert.equal("CN=new", subject_at(port))
        assert(stays:send "still there")
        assert.equal("still there", stays:receive(20))
        local again <close> = assert(connect(port, { session = session }))
        assert.is_true(again:socket():isSessionReused())
        assert(again:send "x")
        assert.equal("x", again:receive(20))
        assert.equal(1, listener:statistics().resumed)
        replace(names.certificate, new.certificatePem)
        replace(names.privateKey, new.keyPem)
        assert(listener:reload())
        assert.equal("CN=new", subject_at(port, { serverName = "other.example" }))
      end)
  end)

  it("takes another context, or the options of one", function()
    serving({ certificate = old.certificate, privateKey = old.key }, nil, function(port, listener)
      assert.equal(listener, listener:setContext { certificate = new.certificate, privateKey = new.key })
      assert.equal("CN=new", subject_at(port))
      local context = assert(scissl.SciSslContext.new "DTLS")
      assert(context:useCertificate(other.certificate):usePrivateKey(other.key))
      assert.equal(listener, listener:setContext(context))
      assert.equal(context, listener:getContext())
      assert.equal("CN=other", subject_at(port))
      fails("not_dtls", listener:setContext(assert(scissl.SciSslContext.new())))
      fails("not_reloadable", listener:reload())
      fails("not_dtls", listener:setContext {
        certificate = new.certificate, privateKey = new.key, version = "TLSv1.2",
      })
      assert.equal("CN=other", subject_at(port))
      assert.error_matches(function() listener:setContext(5) end, "bad argument #1 to 'setContext'")
    end)
  end)
end)

describe("A server of DTLS that stops", function()
  it("begins no more handshakes, lets associations end, and says that none was cut", function()
    local served, count = serving(nil, nil, function(port, listener)
      local association <close> = assert(connect(port))
      assert.is_false(listener:isStopping())
      assert.is_true(listener:stop(20))
      assert.is_true(listener:isStopping())
      fails("timeout", connect(port, { timeout = 0.2 }))
      assert.is_true(listener:statistics().refused >= 1)
      assert(association:send "still served")
      assert.equal("still served", association:receive(20))
      association:close()
      while not listener.closed do coroutine.yield(nil, nil, scissl.SciSocket.now() + 0.01) end
    end)
    assert.same({ true, 0 }, { served, count })
  end)

  it("closes what is left after the time, and says how many", function()
    local served, count = serving(nil, nil, function(port, listener)
      local first <close> = assert(connect(port))
      local second <close> = assert(connect(port))
      listener:stop(20)
      listener:stop(0.05)
      assert.same({ n = 1 }, table.pack(first:receive(20))) -- close_notify
      assert.same({ n = 1 }, table.pack(second:receive(20)))
    end)
    assert.same({ true, 2 }, { served, count })
  end)

  it("stops at once where it has no peers, from a handler as well, and closes where nothing serves it", function()
    assert.same({ true, 0 }, { serving(nil, nil, function(_, listener) listener:stop() end) })
    local listener = listen()
    assert.is_true(listener:stop(1))
    fails("closed", listener:accept())
    assert.error_matches(function() listener:stop(-1) end, "bad argument #1 to 'stop'")
    assert.same({ true, 1 }, { serving(nil, {
      onAssociation = function(association) association.listener:stop(0) end,
    }, function(port)
      local association <close> = assert(connect(port))
      association:receive(20)
    end) })
  end)
end)

describe("The hooks of a server of DTLS", function()
  it("are told of each peer, and may refuse it", function()
    local told, refuse = {}, false
    serving(nil, {
      onAccept = function(host, port)
        told[#told + 1] = ("accept %s %s"):format(host, math.type(port))
        return not refuse
      end,
      onAssociation = function() told[#told + 1] = "association" end,
      onClose = function(_, statistics)
        assert.is_true(statistics.bytesReceived > 300 and statistics.bytesSent > 300)
        told[#told + 1] = "close"
      end,
    }, function(port, listener)
      local association = assert(connect(port))
      assert(association:send "x")
      assert.equal("x", association:receive(20))
      association:close()
      while listener:statistics().peers > 0 do coroutine.yield(nil, nil, scissl.SciSocket.now() + 0.01) end
      refuse = true
      fails("timeout", connect(port, { timeout = 0.2 }))
      local counts = listener:statistics()
      assert.is_true(counts.refused >= 1)
      assert.is_true(counts.bytesReceived > 500 and counts.bytesSent > 500)
      assert.same({ 1, 0, 0 }, { counts.handshakes, counts.peers, counts.handshaking })
    end)
    assert.same({ "accept 127.0.0.1 integer", "association", "close" }, { told[1], told[2], told[3] })
  end)

  it("end an association where onAssociation returns false, and errors are reported", function()
    local told = {}
    serving(nil, {
      onAssociation = function() return false end,
      onClose = function() error "a mistake" end,
      onError = function(failure, phase) told[#told + 1] = phase .. tostring(failure):match ": a mistake" end,
    }, function(port)
      local association <close> = assert(connect(port))
      assert.same({ n = 1 }, table.pack(association:receive(20)))
    end)
    assert.same({ "handler: a mistake" }, told)
  end)
end)

describe("The hooks of a server of DTLS, while associations end because they are idle,", function()
  it("may accept others #slow", function()
    local listener, port = listen { idleTimeout = 0.3 }
    local ended, made = 0, 0
    run(function()
      assert(listener:serve(function() end, {
        onClose = function()
          ended = ended + 1
          -- So many that the list of all grows while it is searched.
          if ended == 1 then
            while made < 40 do listener:accept(0.01) end
          end
        end,
      }))
    end, function()
      local kept = {}
      for i = 1, 8 do kept[i] = assert(connect(port)) end
      while ended == 0 do coroutine.yield(nil, nil, scissl.SciSocket.now() + 0.01) end
      while made < 40 do
        kept[#kept + 1] = assert(connect(port))
        made = made + 1
      end
      while ended < 48 do coroutine.yield(nil, nil, scissl.SciSocket.now() + 0.01) end
      assert.equal(48, listener:statistics().idle)
      assert.equal(0, listener:statistics().peers)
      listener:close()
    end)
  end)
end)

describe("The deadline of an association", function()
  it("holds for all operations together, on both sides", function()
    serving(nil, nil, function(port, listener)
      local association <close> = assert(connect(port))
      association:setdeadline(scissl.SciSocket.now() + 0.05)
      fails("timeout", association:receive(20))
      fails("timeout", association:receive())
      association:setdeadline(nil):settimeout(0.01)
      fails("timeout", association:receive())
      local own = listener:associations()[1]
      own:setdeadline(scissl.SciSocket.now())
      fails("timeout", own:receive(20))
      assert.error_matches(function() association:settimeout(-1) end, "bad argument #1 to 'settimeout'")
      assert.error_matches(function() association:setdeadline "x" end, "bad argument #1 to 'setdeadline'")
    end)
  end)
end)
