-- `serve` of a server of DTLS in a thread that has nothing else to do: messages are read, and handlers called, in C
-- (csrc/connection/datagram_peers.c).
local scissl = require "scissl"
local datagrams = require "spec.support.datagrams"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scarce_support = require "spec.support.scarce"

local SciSocket, SciSslSocket = scissl.SciSocket, scissl.SciSslSocket
local scarce, why = scarce_support.load()
local context = ends.clientContext { method = "DTLS" }

local function listen(given)
  local options = { waiter = datagrams.NONE }
  for name, value in pairs(given or {}) do options[name] = value end
  return datagrams.listen(options)
end

-- A client over memory, whose datagrams the spec sends.
local Client = {}
Client.__index = Client

function Client:flush()
  for datagram in function() return self.socket:sslDrain() end do
    if datagram == "" then return end
    assert(self.plain:send(datagram))
  end
end

function Client:take()
  SciSocket.poll({ [self.plain] = "r" }, 0)
  for datagram in function() return (self.plain:recv(65536)) end do assert(self.socket:sslFeed(datagram)) end
end

function Client:write(message)
  assert.equal(#message, self.socket:sslWrite(message))
  self:flush()
end

function Client:read()
  self:take()
  return self.socket:sslRead()
end

-- A client whose handshake with the listener is done. `plain`: its socket, if it has one.
local function new_client(listener, port, plain)
  plain = plain or assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
  plain:setBlocking(false)
  local client = setmetatable({ plain = plain, socket = SciSslSocket.onMemory(context):sslInitialize() }, Client)
  while client.socket:sslConnect() ~= 1 do
    client:flush()
    assert(listener.peers:pump())
    listener.peers:runTimers()
    client:take()
  end
  client:flush()
  assert(listener.peers:pump())
  return client, assert(listener:accept(0))
end

local function fail_error(failure)
  error(tostring(failure), 0)
end

describe("A wait for a message of a peer", function()
  it("is over where the association ends because it is idle: the server does not wait for the next datagram", function()
    local association, late
    local listener, port = listen { idleTimeout = 100, waiter = function(socket, events)
      late = late or association and association.failure
      return socket:wait(events, 0)
    end }
    local _
    _, association = new_client(listener, port)
    association.seen, listener.peers.sweepAt = SciSocket.now() - 1000, 0
    local message, failure = association:receive()
    assert.is_nil(message)
    assert.equal("idle", failure:condition())
    assert.is_nil(late)
    listener:close()
  end)
end)

describe("The time of a message", function()
  it("is after the calls of the program's functions that came before it", function()
    local listener, port = listen()
    local client, association = new_client(listener, port)
    local plain = assert(SciSocket.newDatagramSocket():connect("127.0.0.1", port))
    local other = setmetatable({ plain = plain, socket = SciSslSocket.onMemory(context):sslInitialize() }, Client)
    plain:setBlocking(false)
    other.socket:sslConnect()
    other:flush()
    assert(listener.peers:pump())
    other:take()
    other.socket:sslConnect()
    client:write "before"
    other:flush() -- with the cookie
    client:write "after"
    local called
    function listener.peers.onAccept()
      called = SciSocket.now()
      repeat until SciSocket.now() > called -- luacheck: ignore 542
      return true
    end
    assert(listener.peers:pump())
    assert.is_true(association.seen > called)
    listener:close()
  end)
end)

describe("A server of DTLS that only serves", function()
  it("calls the handler for each message, in order, and sends what it replies", function()
    local listener, port = listen()
    local first, second = new_client(listener, port), new_client(listener, port)
    for i = 1, 40 do
      first:write("a" .. i)
      second:write("b" .. i)
    end
    local got = {}
    assert.same({ true, 0 }, { listener:serve(function(association, message)
      got[#got + 1] = message
      assert(association:send("re: " .. message))
      if message == "b40" then listener:close() end
    end, { onError = fail_error }) })
    assert.equal(80, #got)
    for i = 1, 40 do
      assert.same({ "a" .. i, "b" .. i }, { got[2 * i - 1], got[2 * i] })
      assert.same({ "re: a" .. i, "re: b" .. i }, { first:read(), second:read() })
    end
    assert.same({ 0, 0 }, { first:read(), second:read() })
    local counts = listener:statistics()
    assert.same({ 80, 2 }, { counts.received, counts.handshakes })
    assert.is_true(counts.sent >= 80 + 2 * 3 + 2, counts.sent)
    assert.is_true(counts.bytesReceived > 80 * 30 and counts.bytesSent > 80 * 30)
  end)

  it("reports what a handler raises, and goes on", function()
    local listener, port = listen()
    local client, association = new_client(listener, port)
    for _, message in ipairs { "text", "table", "last" } do client:write(message) end
    local raised = {}
    local thing = {}
    assert(listener:serve(function(_, message)
      if message == "text" then error "no good" end
      if message == "table" then error(thing) end
      listener:close()
    end, { onError = function(...) raised[#raised + 1] = { ... } end }))
    assert.equal(2, #raised)
    assert.matches("serving_spec.lua:%d+: no good\nstack traceback:", raised[1][1])
    assert.same({ thing, "handler" }, { raised[2][1], raised[2][2] })
    assert.equal(association, raised[1][3])
  end)

  it("returns where a handler stops it", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    client:write "x"
    assert.same({ true, 1 }, { listener:serve(function() listener:stop(0) end, { onError = fail_error }) })
    assert.equal(0, client:read())
  end)

  it("takes an object that can be called for a handler", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    client:write "x"
    local got
    local handler = setmetatable({}, { __call = function(_, _, message)
      got = message
      listener:close()
    end })
    assert(listener:serve(handler, { onError = fail_error }))
    assert.equal("x", got)
  end)

  it("returns where the last association ends because it is idle, and a function that learns of it stops it", function()
    local listener, port = listen { idleTimeout = 100 }
    local client, association = new_client(listener, port)
    client:write "x"
    assert.same({ true, 0 }, { listener:serve(function()
      association.seen, listener.peers.sweepAt = SciSocket.now() - 1000, 0
      listener.peers.detach(association:socket())
    end, { onError = fail_error, onClose = function() listener:stop() end }) })
    assert.equal("idle", association.failure:condition())
  end)

  it("lets a handler wait for the next message, and for another client", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    for _, message in ipairs { "a", "b", "c" } do client:write(message) end
    local got, other = {}, nil
    assert(listener:serve(function(association, message)
      got[#got + 1] = message
      if message == "a" then
        other = new_client(listener, port)
        got[#got + 1] = association:receive(20)
        other:write "d"
      elseif message == "d" then listener:close() end
    end, { onError = fail_error }))
    assert.same({ "a", "b", "c", "d" }, got)
  end)

  it("lets a handler end the association, and serves the others", function()
    local listener, port = listen()
    local first, second = new_client(listener, port), new_client(listener, port)
    first:write "end"
    first:write "is not read"
    second:write "x"
    local got, ended = {}, 0
    assert(listener:serve(function(association, message)
      got[#got + 1] = message
      if message == "end" then association:close() else listener:close() end
    end, { onError = fail_error, onClose = function() ended = ended + 1 end }))
    assert.same({ "end", "x" }, got)
    assert.same({ 2, 1 }, { ended, listener:statistics().strangers })
    assert.equal(0, first:read())
  end)

  it("ends the association of a peer that closes, and tells a handler nothing of it", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    client:write "x"
    client.socket:close()
    client:flush()
    local got, ended = 0, false
    assert(listener:serve(function() got = got + 1 end, { onError = fail_error, onClose = function()
      ended = true
      listener:close()
    end }))
    assert.same({ 1, true }, { got, ended })
  end)

  it("reads all messages of one datagram, and drops what is forged", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    local records = {}
    for _, message in ipairs { "one", "two", "three" } do
      client.socket:sslWrite(message)
      records[#records + 1] = client.socket:sslDrain()
    end
    client.socket:sslWrite "forged"
    local forged = client.socket:sslDrain()
    assert(client.plain:send(forged:sub(1, -2) .. string.char(forged:byte(-1) ~ 1)))
    assert(client.plain:send(table.concat(records)))
    assert(client.plain:send(records[1])) -- replayed
    client:write "four"
    local got = {}
    assert(listener:serve(function(_, message)
      got[#got + 1] = message
      if message == "four" then listener:close() end
    end, { onError = fail_error }))
    assert.same({ "one", "two", "three", "four" }, got)
  end)

  it("takes a new association of the same peer, and messages of the earlier one until then", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    client:write "old"
    local got, again = {}, nil
    assert(listener:serve(function(_, message)
      got[#got + 1] = message
      if message == "new" then return listener:close() end
      again = setmetatable({ plain = client.plain, socket = SciSslSocket.onMemory(context):sslInitialize() }, Client)
      while again.socket:sslConnect() ~= 1 do
        again:flush()
        assert(listener.peers:pump())
        again:take()
      end
      again:flush()
      again:write "new"
    end, { onError = fail_error }))
    assert.same({ "old", "new" }, got)
    assert.equal(1, listener:statistics().replaced)
  end)

  it("serves clients over IPv6, and over a Unix-domain socket without C's help", function()
    local folder = pki.folder()
    local function unix(name)
      os.remove(folder .. name)
      return assert(SciSocket.newDatagramSocket "unix":bind(folder .. name))
    end
    local kinds = { unix = function() return unix "/server", unix "/client":connect(folder .. "/server") end }
    local six = SciSocket.newDatagramSocket "inet6"
    if six and six:bind("::1", 0) then
      kinds.inet6 = function() return six, assert(SciSocket.newDatagramSocket "inet6":connect(six:getSockName())) end
    end
    for kind, make in pairs(kinds) do
      local server, plain = make()
      local listener = listen { socket = server, host = datagrams.NONE, port = datagrams.NONE }
      local client = new_client(listener, nil, plain)
      client:write "hello"
      assert(listener:serve(function(association, message)
        assert(association:send("re: " .. message))
        listener:close()
      end, { onError = fail_error }))
      assert.equal("re: hello", client:read())
      local counts = listener:statistics()
      assert.same({ 1, kind == "inet6" }, { counts.received, listener.peers.makeServe ~= nil })
      assert.is_true(counts.sent >= 4 and counts.bytesReceived > 500, counts.sent)
    end
  end)

  it("knows that the peer is not idle", function()
    local listener, port = listen { idleTimeout = 100 }
    local client, association = new_client(listener, port)
    association.seen = SciSocket.now() - 1000
    client:write "x"
    assert(listener:serve(function()
      listener.peers.sweepAt = 0
      listener.peers:runTimers()
      assert.is_nil(association.failure)
      listener:close()
    end, { onError = fail_error }))
  end)

  it("is served beside other clients in a coroutine, where C does not wait", function()
    local listener, port = listen()
    local client = new_client(listener, port)
    client:write "x"
    local got
    local thread = coroutine.wrap(function()
      return listener:serve(function(_, message)
        got = message
        coroutine.yield "waits"
        listener:close()
      end, { onError = fail_error })
    end)
    assert.equal("waits", thread())
    assert.equal("x", got)
    assert.is_true(thread())
  end)

  if not scarce then return pending("goes on where memory ran out for a message: " .. why) end

  it("goes on where memory ran out for a message #slow", function()
    local listener, port = listen()
    local serve, got
    serve = listener.peers.makeServe(function(_, message) got = message end, tostring, fail_error)
    -- As Peers:serve, until nothing is left.
    local function serve_all()
      for _ = 1, 4 do
        local found, answer = serve(0)
        if scissl.isSslError(answer) then listener.peers:finish(found, answer) end
      end
    end
    local client, association = new_client(listener, port)
    local lost, ended = 0, 0
    scarce_support.each(function(n)
      if association.failure then
        ended = ended + 1
        client, association = new_client(listener, port)
      end
      got = nil
      local message = ("a long message, number %d. "):format(n):rep(10)
      client:write(message)
      local failed = scarce.lua(n, false, serve, 0)
      if got ~= message then lost = lost + 1 end
      client:write "y"
      serve_all()
      if not association.failure then assert.equal("y", got) end
      return failed
    end)
    assert.is_true(lost > 0 and ended < lost + 1, lost)
    listener:close()
  end)
end)
