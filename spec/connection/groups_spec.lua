-- Groups of the key exchange: names, lists with tuples and prefixes, several key shares, and post-quantum hybrids.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local examples = require "spec.support.examples"
local chromium = require "spec.support.chromium"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local streams = require "spec.support.streams"

local features = scissl.features

local function with_groups(make, list)
  return make { setup = function(context) if list then assert(context:setGroups(list)) end end }
end

-- The client, the server, the client's key shares, and whether a HelloRetryRequest was needed.
local function meet(client_list, server_list)
  local client, server = ends.pair {
    client = with_groups(ends.clientContext, client_list), server = with_groups(ends.serverContext, server_list),
    transport = "memory",
  }
  assert(client:sslTrace(true))
  assert(server:sslSuspendAt "clientHello")
  ends.handshake(client, server)
  local shares = server:clientHello():keyShares()
  assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
  local hellos = 0
  for _, event in ipairs(client:traceEvents()) do
    if event.name == "ClientHello" then hellos = hellos + 1 end
  end
  return client, server, shares, hellos == 2
end

describe("groups in TLS 1.3", function()
  local kinds = {
    X25519 = { "x25519", "X25519" }, ["P-256"] = { "secp256r1", "EC" }, X448 = { "x448", "X448" },
    X25519MLKEM768 = { "X25519MLKEM768", "X25519MLKEM768" },
    SecP256r1MLKEM768 = { "SecP256r1MLKEM768", "SecP256r1MLKEM768" },
    SecP384r1MLKEM1024 = { "SecP384r1MLKEM1024", "SecP384r1MLKEM1024" },
    MLKEM512 = { "MLKEM512", "ML-KEM-512" }, MLKEM768 = { "MLKEM768", "ML-KEM-768" },
    MLKEM1024 = { "MLKEM1024", "ML-KEM-1024" },
    brainpoolP256r1tls13 = { "brainpoolP256r1tls13", "EC" }, brainpoolP384r1tls13 = { "brainpoolP384r1tls13", "EC" },
    brainpoolP512r1tls13 = { "brainpoolP512r1tls13", "EC" },
    curveSM2 = { "curveSM2", "curveSM2" }, curveSM2MLKEM768 = { "curveSM2MLKEM768", "curveSM2MLKEM768" },
  }
  for name, names in pairs(kinds) do
    it("have their names on both sides where OpenSSL has them: " .. name, function()
      if not features[name] then
        local context = assert(scissl.SciSslContext.new())
        local _, failure = context:setGroups(name)
        local condition = refusals.check(failure):condition()
        assert.truthy(condition == "not_in_this_openssl" or condition == "unknown_group", condition)
        return
      end
      local client, server = meet(name, name)
      assert.are.same({ names[1], names[1] }, { client:negotiatedGroup(), server:negotiatedGroup() })
      assert.are.equal(names[2], client:temporaryKey().type)
    end)
  end

  it("are, without a list, X25519MLKEM768 where OpenSSL has it, else X25519", function()
    local client, server, shares = meet()
    local wanted = features.X25519MLKEM768 and "X25519MLKEM768" or "x25519"
    assert.are.same({ wanted, wanted }, { client:negotiatedGroup(), server:negotiatedGroup() })
    assert.are.same(features.X25519MLKEM768 and { "X25519MLKEM768", "x25519" } or { "x25519" }, shares)
  end)

  if not features.X25519MLKEM768 then return end

  it("get a key share each by *", function()
    local client, _, shares, again = meet("*X25519MLKEM768:*X25519:P-256:*P-384", "P-384")
    assert.are.same({ "X25519MLKEM768", "x25519", "secp384r1" }, shares)
    assert.are.same({ "secp384r1", false }, { client:negotiatedGroup(), again })
    local _, _, one = meet("X25519:P-256:P-384", "P-384")
    assert.are.same({ "x25519" }, one)
  end)

  it("cost a round trip where the server's has no key share", function()
    local client, _, _, again = meet("X25519:P-256", "P-256")
    assert.are.same({ "secp256r1", true }, { client:negotiatedGroup(), again })
  end)

  it("may be unknown behind ?", function()
    local client = meet("?nosuch:X25519", "X25519:?nosuch")
    assert.are.equal("x25519", client:negotiatedGroup())
    refusals.condition("unknown_group", assert(scissl.SciSslContext.new()):setGroups "nosuch:X25519")
  end)

  it("are taken from the first tuple, and in one tuple by the client's key shares", function()
    local client, _, _, again = meet("X25519:P-256", "P-256/X25519")
    assert.are.same({ "secp256r1", true }, { client:negotiatedGroup(), again })
    client, _, _, again = meet("X25519:P-256", "P-256:X25519")
    assert.are.same({ "x25519", false }, { client:negotiatedGroup(), again })
  end)

  it("can be OpenSSL's own without one of them", function()
    local client = meet("DEFAULT:-X25519MLKEM768", nil)
    assert.are_not.equal("X25519MLKEM768", client:negotiatedGroup())
  end)
end)

describe("X25519MLKEM768 with others #slow", function()
  if not features.X25519MLKEM768 then return end

  it("is what curl and our server agree on", function()
    local listener, port = streams.listen { waiter = "poll" }
    local curl <close> = ends.start(("curl -sv --cacert %s https://localhost:%d/ --resolve localhost:%d:127.0.0.1")
      :format(pki.ca.certificateFile, port, port))
    local stream, failure = listener:accept(30)
    assert(stream, tostring(failure))
    assert.are.equal("X25519MLKEM768", stream:socket():negotiatedGroup())
    assert(stream:read "l")
    assert(stream:write "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    stream:close()
    listener:close()
    local output = curl:finish()
    assert.truthy(output:find("X25519MLKEM768", 1, true), output)
  end)

  it("is what s_client and our server, and s_server and our client agree on", function()
    local listener, port = streams.listen { waiter = "poll" }
    local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -CAfile %s"):format(port,
      pki.ca.certificateFile))
    local stream = assert(listener:accept(30))
    assert.are.equal("X25519MLKEM768", stream:socket():negotiatedGroup())
    stream:close()
    listener:close()
    local output = peer:finish()
    assert.truthy(output:find("X25519MLKEM768", 1, true), output)
    local server <close> = ends.openssl(("-cert %s -key %s -rev")
      :format(pki.server.certificateFile, pki.server.keyFile))
    local own = assert(scissl.connect { host = "localhost", family = "inet", port = server.port, timeout = 30,
      caFile = pki.ca.certificateFile })
    assert.are.equal("X25519MLKEM768", own:socket():negotiatedGroup())
    own:close()
  end)

  local with_nss = peers.present "nss" and it or pending
  with_nss("is what tstclnt and our server, and selfserv and our client agree on", function()
    local listener, port = streams.listen { waiter = "poll" }
    local client <close> = peers.nssClient(port, "-I mlkem768x25519")
    local stream = assert(listener:accept(30))
    assert.are.equal("X25519MLKEM768", stream:socket():negotiatedGroup())
    assert(stream:write "good bye\n")
    foreign.expect(client, "good bye")
    stream:close()
    listener:close()
    local server <close> = peers.nssServer "-I mlkem768x25519"
    local own = assert(scissl.connect { host = "localhost", family = "inet", port = server.port, timeout = 30,
      caFile = pki.ca.certificateFile })
    assert.are.equal("X25519MLKEM768", own:socket():negotiatedGroup())
    own:close()
  end)

  local in_chromium = os.getenv "SCISSL_ALL" and chromium.isThere() and it or pending
  in_chromium("is what Chromium and the page of examples/https_server.lua show", function()
    local ca = pki.write ""
    local server <close> = examples.start("https_server.lua", "^listening on %S+ port (%d+)", "--port", "0", "--ca", ca)
    local browser <close> = chromium.start { trust = ca }
    assert(browser:load(("https://localhost:%d/"):format(server.port)))
    assert.truthy(browser:html():find('data-fact="group">X25519MLKEM768<', 1, true))
  end)
end)
