-- Early data (TLS 1.3) to foreign servers, and from foreign clients. curl and nginx's proxy send none.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"

local with_gnutls = peers.present "gnutls" and it or pending
local with_nginx = peers.present "nginx" and it or pending

local TLS13 = "TLSv1.3"

local function path(name) return ("%s/nginx-early-%s"):format(pki.folder(), name) end

-- ---- servers

local context -- of our client

-- A session of a connection over which the server has said something, so that its tickets have come.
local function session_of(socket)
  local session = assert(socket:getSession())
  socket:close()
  return session
end

-- Another connection, which begins with `early`.
local function again(where, session, early)
  return assert(foreign.dial(where, context, { session = session, handlers = { replayable = early } }))
end

describe("Early data of our client #slow", function()
  before_each(function() context = ends.clientContext { method = TLS13 } end)

  describe("to openssl s_server", function()
    local function first(peer)
      local socket = assert(foreign.dial(peer.port, context))
      peer:write("hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      return session_of(socket)
    end

    it("is taken, and the connection goes on", function()
      local peer <close> = peers.opensslServer(TLS13, "-early_data -max_early_data 1000")
      local socket <close> = again(peer.port, first(peer), "the early words\n")
      assert.are.same({ true, "accepted" }, { socket:isSessionReused(), socket:earlyDataStatus() })
      foreign.write(socket, "the later words\n")
      foreign.expect(peer, "the later words")
      for _, text in ipairs { "Early data received:", "the early words\n", "End of early data" } do
        assert.truthy(peer.output:find(text, 1, true), peer.output)
      end
    end)

    it("is not taken a second time, for the same session", function()
      local peer <close> = peers.opensslServer(TLS13, "-early_data -max_early_data 1000")
      local session = first(peer)
      local copy = assert(scissl.OSSslSession.fromDer(session:toDer()))
      again(peer.port, session, "once\n"):close()
      local socket <close> = again(peer.port, copy, "twice\n")
      assert.are.equal("rejected", socket:earlyDataStatus())
      foreign.write(socket, "the later words\n")
      foreign.expect(peer, "the later words")
      assert.truthy(peer.output:find("once", 1, true), peer.output)
      assert.is_nil(peer.output:find("twice", 1, true), peer.output)
    end)

    it("is not sent where it allows none", function()
      local peer <close> = peers.opensslServer(TLS13)
      local session = first(peer)
      local socket <close> = again(peer.port, session, "the early words\n")
      assert.is_true(socket:isSessionReused())
      assert.is_nil(socket:earlyDataStatus())
      foreign.write(socket, "the later words\n")
      foreign.expect(peer, "the later words")
      assert.is_nil(peer.output:find("the early words", 1, true), peer.output)
    end)
  end)

  describe("to gnutls-serv", function()
    local function first(peer)
      local socket = assert(foreign.dial(peer.port, context))
      foreign.write(socket, "hello\n")
      assert.are.equal("hello\n", (foreign.read(socket, "\n")))
      return session_of(socket)
    end

    with_gnutls("is taken, and the connection goes on", function()
      local peer <close> = peers.gnutlsServer(TLS13, "--disable-client-cert --earlydata --maxearlydata 1000")
      local socket <close> = again(peer.port, first(peer), "the early words\n")
      assert.are.same({ true, "accepted" }, { socket:isSessionReused(), socket:earlyDataStatus() })
      foreign.write(socket, "the later words\n")
      local echo = foreign.read(socket, "later words\n") -- of the early words, too, since GnuTLS 3.8.10 at the latest
      assert.are.equal("the later words\n", (echo:gsub("^the early words\n", "")))
    end)

    with_gnutls("is left out where it does not know the session", function()
      local arguments = "--disable-client-cert --earlydata --maxearlydata 1000"
      local peer <close> = peers.gnutlsServer(TLS13, arguments)
      local other <close> = peers.gnutlsServer(TLS13, arguments)
      local socket <close> = again(other.port, first(peer), "the early words\n")
      assert.are.same({ false, "rejected" }, { socket:isSessionReused(), socket:earlyDataStatus() })
      foreign.write(socket, "the later words\n")
      assert.are.equal("the later words\n", (foreign.read(socket, "later words\n")))
    end)

    with_gnutls("is not sent where it allows none", function()
      local peer <close> = peers.gnutlsServer(TLS13)
      local session = first(peer)
      local socket <close> = again(peer.port, session, "the early words\n")
      assert.is_true(socket:isSessionReused())
      assert.is_nil(socket:earlyDataStatus())
      foreign.write(socket, "the later words\n")
      assert.are.equal("the later words\n", (foreign.read(socket, "\n")))
    end)
  end)

  describe("to nginx", function()
    local nginx

    setup(function()
      if not peers.present "nginx" then return end
      local server = [[
  server {
    listen unix:%s ssl;
    ssl_certificate %s;
    ssl_certificate_key %s;
    ssl_protocols TLSv1.3;
    ssl_early_data %s;
    return 200 "early=$ssl_early_data .\n";
  }
]]
      local certificate, key = pki.server.certificateFile, pki.server.keyFile
      nginx = peers.nginx(server:format(path "on", certificate, key, "on")
        .. server:format(path "off", certificate, key, "off"))
    end)
    teardown(function() if nginx then nginx:stop() end end)

    local request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

    local function answer_of(socket) return (foreign.read(socket, "%.\n")):match("early=(.*) %.\n") end

    local function first(where)
      local socket = assert(foreign.dial(where, context))
      foreign.write(socket, request)
      assert.are.equal("", answer_of(socket))
      return session_of(socket)
    end

    with_nginx("is a request that it answers without another", function()
      local socket <close> = again(path "on", first(path "on"), request)
      assert.are.equal("accepted", socket:earlyDataStatus())
      local early = answer_of(socket)
      assert.is_true(early == "1" or early == "", early) -- "1": nginx has not seen the end of the handshake yet
      foreign.write(socket, request)
      assert.are.equal("", answer_of(socket))
    end)

    with_nginx("is left out where it does not know the session", function()
      local socket <close> = again(path "off", first(path "on"), request)
      assert.are.same({ false, "rejected" }, { socket:isSessionReused(), socket:earlyDataStatus() })
      foreign.write(socket, request)
      assert.are.equal("", answer_of(socket))
    end)

    with_nginx("is not sent where it allows none", function()
      local socket <close> = again(path "off", first(path "off"), request)
      assert.is_true(socket:isSessionReused())
      assert.is_nil(socket:earlyDataStatus())
      foreign.write(socket, request)
      assert.are.equal("", answer_of(socket))
    end)
  end)
end)

-- ---- clients

describe("Early data to our server #slow", function()
  local listener, port, server_context, file

  before_each(function()
    listener, port = ends.listener()
    server_context = ends.serverContext { method = TLS13, setup = function(made)
      assert(made:setMaxReplayableData(1000))
    end }
    file = pki.write("the early words\n")
  end)
  after_each(function() listener:close() end)

  -- The next connection, after its handshake; and what came early. `take` false: early data is not asked for.
  local function serve(take)
    local parts = {}
    local socket = assert(foreign.serve(listener, server_context, {
      onReplayable = take and function(_, data) parts[#parts + 1] = data end or nil,
    }))
    return socket, table.concat(parts)
  end

  describe("from openssl s_client", function()
    local session, sessions = nil, 0

    before_each(function()
      sessions = sessions + 1
      session = ("%s/early-session%d"):format(pki.folder(), sessions)
      local peer <close> = peers.opensslClient(TLS13, port, "-sess_out " .. session)
      local socket = serve(true)
      foreign.write(socket, "hello\n")
      socket:close()
      assert.truthy(peer:finish():find("hello", 1, true))
    end)

    local function come_again(take)
      local peer <close> = peers.opensslClient(TLS13, port, ("-sess_in %s -early_data %s"):format(session, file))
      local socket, early = serve(take)
      local status = socket:earlyDataStatus()
      foreign.write(socket, "hello\n")
      peer:write("the later words\n")
      assert.are.equal("the later words\n", (foreign.read(socket, "\n")))
      socket:close()
      return early, status, (peer:finish())
    end

    it("is read apart from what comes later, and it is told so", function()
      local early, status, output = come_again(true)
      assert.are.same({ "the early words\n", "accepted" }, { early, status })
      assert.truthy(output:find("Early data was accepted", 1, true), output)
    end)

    it("is not read where we do not ask for it, and it is told so", function()
      local early, status, output = come_again(false)
      assert.are.equal("", early)
      assert.are_not.equal("accepted", status)
      assert.truthy(output:find("Early data was rejected", 1, true), output)
    end)

    it("is read once: the same session comes a second time without it", function()
      assert.are.equal("the early words\n", (come_again(true)))
      local early, _, output = come_again(true)
      assert.are.equal("", early)
      assert.truthy(output:find("Early data was rejected", 1, true), output)
    end)

    it("is not read where the guard says no", function()
      local asked
      server_context:setReplayGuard(function(resumed)
        asked = resumed
        return false
      end)
      local early, _, output = come_again(true)
      assert.are.equal("", early)
      assert.truthy(asked)
      assert.truthy(output:find("Early data was rejected", 1, true), output)
    end)
  end)

  describe("from gnutls-cli", function()
    -- Both connections of one gnutls-cli; `take` is about the second.
    local function twice(take)
      local peer <close> = peers.gnutlsClient(TLS13, port, "--resume --waitresumption --earlydata " .. file)
      local first = serve(true)
      assert.are.equal(0, select(2, foreign.read(first)))
      first:close()
      local socket, early = serve(take)
      assert.is_true(socket:isSessionReused())
      peer:write("the later words\n")
      assert.are.equal("the later words\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "good bye\n")
      socket:close()
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
      assert.truthy(output:find("good bye", 1, true), output)
      return early
    end

    with_gnutls("is read apart from what comes later", function()
      assert.are.equal("the early words\n", twice(true))
    end)

    with_gnutls("is not read where we do not ask for it, and the connection goes on", function()
      assert.are.equal("", twice(false))
    end)
  end)
end)
