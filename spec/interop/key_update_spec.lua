-- New keys on a connection that stands: TLS 1.3's key update, and TLS 1.2's renegotiation, asked for by either side.
-- nginx's is in nginx_spec.lua; openssl_spec.lua has what s_server asks for with its K and r.
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local refusals = require "spec.support.refusals"

local with_gnutls = peers.present "gnutls" and it or pending

local TLS13, TLS12 = "TLSv1.3", "TLSv1.2"

local function echoed(socket, text)
  foreign.write(socket, text)
  assert.are.equal(text, (foreign.read(socket, "\n")))
end

-- Lets `peer` send a line: its handshake is over then, and what it sends behind it has come.
local function settle(socket, peer)
  peer:write("before\n")
  assert.are.equal("before\n", (foreign.read(socket, "\n")))
end

-- Waits for the next message of TLS itself, and handles it: no data comes with it.
local function handle_message(socket)
  assert.are.equal("r", socket:wait("r", 30))
  assert.is_true(ends.notYet(socket, socket:sslRead()))
end

describe("A key update of our client #slow", function()
  for _, both in ipairs { false, true } do
    it(("reaches openssl s_server, which %s"):format(both and "changes its keys too" or "keeps its own"), function()
      local peer <close> = peers.opensslServer(TLS13, "-naccept 1 -msg")
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = TLS13 }))
      assert.are.equal(1, socket:sslKeyUpdate(both))
      foreign.write(socket, "with new keys\n")
      foreign.expect(peer, "with new keys")
      peer:write("and back\n")
      assert.are.equal("and back\n", (foreign.read(socket, "\n")))
      socket:close()
      local output = peer:finish()
      assert.truthy(output:find("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", 1, true), output)
      assert.are.equal(both, output:find(">>> TLS 1.3, Handshake [length 0005], KeyUpdate", 1, true) ~= nil, output)
    end)

    with_gnutls(("reaches gnutls-serv, which %s"):format(both and "changes its keys too" or "keeps its own"), function()
      local peer <close> = peers.gnutlsServer(TLS13)
      local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = TLS13 }))
      for _, text in ipairs { "one\n", "two\n", "three\n" } do
        assert.are.equal(1, socket:sslKeyUpdate(both))
        echoed(socket, text)
        echoed(socket, text)
      end
    end)
  end
end)

describe("A key update of our server #slow", function()
  for _, both in ipairs { false, true } do
    it(("reaches openssl s_client, which %s"):format(both and "changes its keys too" or "keeps its own"), function()
      local listener <close>, port = ends.listener()
      local peer <close> = peers.opensslClient(TLS13, port, "-msg")
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = TLS13 }))
      assert.are.equal(1, socket:sslKeyUpdate(both))
      foreign.write(socket, "with new keys\n")
      foreign.expect(peer, "with new keys")
      peer:write("and back\n")
      assert.are.equal("and back\n", (foreign.read(socket, "\n")))
      socket:close()
      local output = peer:finish()
      assert.truthy(output:find("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", 1, true), output)
      assert.are.equal(both, output:find(">>> TLS 1.3, Handshake [length 0005], KeyUpdate", 1, true) ~= nil, output)
    end)

    it(("reaches curl in the middle of an answer, which %s"):format(both and "changes its keys too"
      or "keeps its own"), function()
      local listener <close>, port = ends.listener()
      local url = ("https://localhost:%d/"):format(port)
      local peer <close> = peers.curl(TLS13, port, "-v", url .. " " .. url)
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = TLS13 }))
      foreign.read(socket, "\r\n\r\n")
      foreign.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello ")
      assert.are.equal(1, socket:sslKeyUpdate(both))
      foreign.write(socket, "world\n")
      foreign.read(socket, "\r\n\r\n") -- with its new keys
      foreign.write(socket, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nagain\n")
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
      assert.truthy(output:find("hello world\n", 1, true), output)
      assert.truthy(output:find("again\n", 1, true), output)
      assert.truthy(output:find("%(IN%), TLS handshake, [%w ]+%(24%)"), output)
      assert.are.equal(both, output:find("%(OUT%), TLS handshake, [%w ]+%(24%)") ~= nil, output)
    end)

    with_gnutls(("reaches gnutls-cli, which %s"):format(both and "changes its keys too" or "keeps its own"), function()
      local listener <close>, port = ends.listener()
      local peer <close> = peers.gnutlsClient(TLS13, port)
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = TLS13 }))
      for _, text in ipairs { "one\n", "two\n" } do
        peer:write(text)
        assert.are.equal(text, (foreign.read(socket, "\n")))
        assert.are.equal(1, socket:sslKeyUpdate(both))
        foreign.write(socket, "got " .. text)
        foreign.expect(peer, "got " .. text)
      end
      socket:close()
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
    end)
  end
end)

describe("A peer's key update #slow", function()
  it("is followed by our client, without an answer where openssl s_server asks for none", function()
    local peer <close> = peers.opensslServer(TLS13, "-naccept 1 -msg")
    local socket <close> = assert(foreign.dial(peer.port, ends.clientContext { method = TLS13 }))
    settle(socket, peer)
    peer:write("k\n")
    handle_message(socket)
    peer:write("with new keys\n")
    assert.are.equal("with new keys\n", (foreign.read(socket, "\n")))
    foreign.write(socket, "and back\n")
    foreign.expect(peer, "and back")
    socket:close()
    local output = peer:finish()
    assert.is_nil(output:find("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", 1, true), output)
  end)

  for command, asks in pairs { k = false, K = true } do
    it(("is followed by our server, %s where openssl s_client asks %s"):format(asks and "with its own"
      or "without an answer", asks and "for that" or "for none"), function()
      local listener <close>, port = ends.listener()
      local peer <close> = peers.opensslClient(TLS13, port, "-msg")
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = TLS13 }))
      settle(socket, peer)
      peer:write(command .. "\n")
      handle_message(socket)
      peer:write("with new keys\n")
      assert.are.equal("with new keys\n", (foreign.read(socket, "\n")))
      foreign.write(socket, "and back\n")
      foreign.expect(peer, "and back")
      socket:close()
      local output = peer:finish()
      assert.are.equal(asks, output:find("<<< TLS 1.3, Handshake [length 0005], KeyUpdate", 1, true) ~= nil, output)
    end)
  end

  for command, asks in pairs { ["^rekey1^"] = false, ["^rekey^"] = true } do
    with_gnutls(("is followed by our server, %s where gnutls-cli asks %s"):format(asks and "with its own"
      or "without an answer", asks and "for that" or "for none"), function()
      local listener <close>, port = ends.listener()
      local peer <close> = peers.gnutlsClient(TLS13, port, "--inline-commands")
      local socket <close> = assert(foreign.serve(listener, ends.serverContext { method = TLS13 }))
      settle(socket, peer)
      for _ = 1, 3 do
        peer:write(command .. "\n")
        handle_message(socket)
        peer:write("with new keys\n")
        assert.are.equal("with new keys\n", (foreign.read(socket, "\n")))
        foreign.write(socket, "and back\n")
      end
      socket:close()
      local output, how, code = peer:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
      assert.are.equal(3, select(2, output:gsub("Rekey was completed", "")), output)
      assert.are.equal(3, select(2, output:gsub("and back", "")), output)
    end)
  end
end)

describe("A client's renegotiation, TLS 1.2 #slow,", function()
  local function server_context(allowed)
    return ends.serverContext { method = TLS12, setup = function(context)
      if allowed then context:setRenegotiation(true) end
    end }
  end

  it("is refused where it was not allowed: openssl s_client is told", function()
    local listener <close>, port = ends.listener()
    local peer <close> = peers.opensslClient(TLS12, port)
    local socket <close> = assert(foreign.serve(listener, server_context(false)))
    settle(socket, peer)
    peer:write("R\n")
    local text, last = foreign.read(socket)
    assert.are.equal("", text)
    refusals.check(last)
    local output = peer:finish()
    assert.truthy(output:find("no renegotiation", 1, true), output)
  end)

  with_gnutls("is refused where it was not allowed: gnutls-cli is told", function()
    local listener <close>, port = ends.listener()
    local peer <close> = peers.gnutlsClient(TLS12, port, "--inline-commands")
    local socket <close> = assert(foreign.serve(listener, server_context(false)))
    settle(socket, peer)
    peer:write("^renegotiate^\n")
    assert.are.equal("", (foreign.read(socket))) -- until it has gone
    local output = peer:finish()
    assert.truthy(output:find("No renegotiation is allowed", 1, true), output)
  end)

  with_gnutls("succeeds where it was: gnutls-cli", function()
    local listener <close>, port = ends.listener()
    local peer <close> = peers.gnutlsClient(TLS12, port, "--inline-commands")
    local socket <close> = assert(foreign.serve(listener, server_context(true)))
    settle(socket, peer)
    peer:write("^renegotiate^\n")
    handle_message(socket)
    peer:write("with new keys\n")
    assert.are.equal("with new keys\n", (foreign.read(socket, "\n")))
    foreign.write(socket, "and back\n")
    socket:close()
    local output, how, code = peer:finish()
    assert.are.same({ "exit", 0 }, { how, code }, output)
    assert.truthy(output:find("ReHandshake was completed", 1, true), output)
    assert.truthy(output:find("and back", 1, true), output)
  end)
end)
