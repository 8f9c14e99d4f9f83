-- How a client reaches its server, and where a server listens: Unix-domain sockets, families, own addresses, proxies
-- that the environment names; and scissl.plain.listen.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"
local texts = require "spec.support.texts"

local LONG = 30 -- seconds

-- Runs `listen` and then `connect`, each with the options and these: the waiter "coroutine" and a time-out. Returns
-- both streams.
local function meet(listen, listening, connect, connecting)
  local defaults = { waiter = "coroutine", timeout = LONG }
  for _, options in ipairs { listening, connecting } do
    for name, value in pairs(defaults) do options[name] = options[name] or value end
  end
  local listener <close> = assert(listen(listening))
  if not (connecting.path or connecting.port) then connecting.port = select(2, listener:getSockName()) end
  local results = ends.run(
    function() return connect(connecting) end,
    function() return listener:accept(LONG) end)
  return assert(results[1][1], results[1][2]), assert(results[2][1], results[2][2])
end

local function own(options)
  options.certificate, options.privateKey = pki.server.certificate, pki.server.key
  return options
end

local function talk(client, server)
  assert(client:write "ping\n")
  assert.equal("ping", server:read())
  client:close()
  server:close()
end

describe("A Unix-domain socket", function()
  it("carries TLS, and is removed when the listener closes", function()
    local path = sockets.path()
    local client, server = meet(scissl.listen, own { path = path }, scissl.connect,
      { path = path, host = "localhost", ca = pki.ca.certificate })
    assert.is_true(client:isSecure())
    assert.equal("localhost", server:serverName())
    talk(client, server)
    assert.is_false(sockets.exists(path))
    assert.is_nil(os.remove(path))
  end)

  it("carries plain text", function()
    local path = sockets.path()
    talk(meet(scissl.plain.listen, { path = path }, scissl.plain.connect, { path = path }))
  end)

  it("is taken over from a server that was killed, and not from one that runs", function()
    local path = sockets.path()
    local killed = assert(assert(sockets.new("unix"):bind(path)):listen())
    local _, failure = scissl.plain.listen { path = path }
    assert.same({ "address_in_use", "bind" }, { failure:condition(), failure:phase() })
    killed:close() -- leaves the path
    talk(meet(scissl.plain.listen, { path = path }, scissl.plain.connect, { path = path }))
  end)

  it("whose queue is full is waited for, until the deadline", function()
    local path = sockets.path()
    local holder <close> = assert(assert(sockets.new("unix"):bind(path)):listen(0))
    local kept = {}
    repeat
      kept[#kept + 1] = assert(sockets.new "unix":setBlocking(false))
    until not kept[#kept]:connect(path)
    local _, failure = scissl.plain.connect { path = path, timeout = 0.1 }
    assert.same({ "timeout", "connect" }, { failure:condition(), failure:phase() })
    local results = ends.run(
      function() return scissl.plain.connect { path = path, timeout = LONG, waiter = "coroutine" } end,
      function()
        for _ = 1, #kept - 1 do assert(holder:accept()):close() end
      end)
    assert(results[1][1], results[1][2]):close()
    for _, socket in ipairs(kept) do socket:close() end
  end)

  it("that does not exist is an error that names it", function()
    local path = sockets.path()
    local _, failure = scissl.connect { path = path, host = "localhost", ca = pki.ca.certificate }
    assert.same({ "not_found", "connect" }, { failure:condition(), failure:phase() })
    texts.has(tostring(failure), path)
    for _, wrong in ipairs { "", ("x"):rep(300) } do
      local stream, refusal = scissl.plain.connect { path = wrong }
      assert.is_nil(stream)
      assert.is_true(#tostring(refusal) > 0)
      local listener, problem = scissl.plain.listen { path = wrong }
      assert.is_nil(listener)
      assert.is_true(#tostring(problem) > 0)
    end
  end)
end)

describe("scissl.plain.listen", function()
  it("serves streams in plain text", function()
    local listener = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, waiter = "coroutine" })
    local _, port = listener:getSockName()
    assert.equal("SciSslListener: 127.0.0.1 port " .. port, tostring(listener))
    local loop = assert(scissl.scheduler.new())
    local heard = {}
    loop:spawn(function()
      assert(listener:serve(function(stream)
        heard[#heard + 1] = stream:read()
        stream:write "pong\n"
      end))
    end)
    loop:spawn(function()
      for i = 1, 3 do
        local stream <close> = assert(scissl.plain.connect { host = "127.0.0.1", port = port, waiter = "coroutine" })
        stream:write("ping ", tostring(i), "\n")
        assert.equal("pong", stream:read())
      end
      listener:close()
    end)
    assert(loop:run())
    assert.same({ "ping 1", "ping 2", "ping 3" }, heard)
    assert.equal(3, listener:statistics().accepted)
    assert.is_nil(listener:getContext())
  end)

  it("refuses what only TLS has, and what is misspelt", function()
    local listener <close> = assert(scissl.plain.listen { host = "127.0.0.1", port = 0 })
    assert.error_matches(function() listener:reload() end, "'reload' on a listener in plain text")
    assert.error_matches(function() listener:setContext(ends.serverContext()) end, "on a listener in plain text")
    assert.error_matches(function() scissl.plain.listen { port = 0, certificate = "x" } end, "unknown option")
    assert.error_matches(function() scissl.plain.listen {} end, "option 'port' to 'plain.listen' is missing")
    assert.error_matches(function() scissl.plain.listen { path = "x", port = 1 } end, "'path' and 'port' .* exclude")
    assert.error_matches(function() scissl.plain.listen { path = 5 } end, "bad option 'path'")
  end)
end)

describe("The connection's own end", function()
  it("has the address and the port that it is given", function()
    local holder = assert(sockets.new():bind("127.0.0.1", 0))
    local _, free = holder:getSockName()
    holder:close()
    local client, server = meet(scissl.listen, own { host = "127.0.0.1", port = 0 }, scissl.connect,
      { host = "127.0.0.1", ca = pki.ca.certificate, localAddress = "127.0.0.1", localPort = free })
    assert.same({ "127.0.0.1", free }, { server:getPeerName() })
    talk(client, server)
  end)

  it("is kept alive", function()
    local client, server = meet(scissl.plain.listen, { host = "127.0.0.1", port = 0 }, scissl.plain.connect,
      { host = "127.0.0.1", keepAlive = 77 })
    assert.is_true(client:socket():getSockOpt "SO_KEEPALIVE")
    local seconds = client:socket():getSockOpt "TCP_KEEPIDLE"
    assert.is_true(seconds == nil or seconds == 77)
    talk(client, server)
    local other, peer = meet(scissl.plain.listen, { host = "127.0.0.1", port = 0 }, scissl.plain.connect,
      { host = "127.0.0.1", keepAlive = true })
    assert.is_true(other:socket():getSockOpt "SO_KEEPALIVE")
    talk(other, peer)
  end)

  it("is of the family that is asked for", function()
    local client, server = meet(scissl.plain.listen, { host = "127.0.0.1", port = 0 }, scissl.plain.connect,
      { host = "localhost", family = "inet" })
    assert.equal("127.0.0.1", (client:getPeerName()))
    talk(client, server)
    local _, failure = scissl.plain.connect { host = "127.0.0.1", port = 1, family = "inet6" }
    assert.same({ "host_not_found", "resolve" }, { failure:condition(), failure:phase() })
    local asked
    scissl.plain.connect { host = "x.example", port = 1, family = "inet6", resolver = function(_, _, family)
      asked = family
    end }
    assert.equal("inet6", asked)
  end)

  it("cannot have an address of another machine", function()
    local _, failure = scissl.plain.connect { host = "127.0.0.1", port = 1, localAddress = "192.0.2.1" }
    assert.equal("address_not_available", failure:condition())
  end)
end)

describe("The options of a connection are refused, as the caller's mistake,", function()
  -- The message begins with the caller's place.
  local function refused(pattern, options, connect)
    options.host = options.host or "localhost"
    local good, message = pcall(function() (connect or scissl.connect)(options) end)
    assert.is_false(good)
    assert.matches("dial_options_spec.lua:%d+: .*" .. pattern, message)
  end

  it("where they are of another type, absurd or misspelt", function()
    refused("bad option 'path' .*string expected", { path = 5 })
    refused("bad option 'family' .*'inet' or 'inet6' expected", { port = 1, family = "unix" })
    refused("bad option 'localPort' .*integer from 0 to 65535 expected", { port = 1, localPort = 65536 })
    refused("bad option 'localPort'", { port = 1, localPort = "https" })
    refused("bad option 'localAddress' .*IP address expected", { port = 1, localAddress = "localhost" })
    refused("bad option 'localAddress'", { port = 1, localAddress = "localhost" }, scissl.plain.connect)
    refused("'localAddress' .* is not of the family 'inet6'",
      { port = 1, localAddress = "127.0.0.1", family = "inet6" })
    for _, number in ipairs { 0, -1, 1e9, 0 / 0, 1.5, math.huge } do
      refused("bad option 'keepAlive' .*seconds from 1 to 32767", { port = 1, keepAlive = number })
    end
    refused("bad option 'proxyFromEnvironment'", { port = 1, proxyFromEnvironment = "yes" })
    refused("did you mean 'keepAlive'", { port = 1, keepalive = true })
    refused("did you mean 'localAddress'", { port = 1, localAdress = "127.0.0.1" })
  end)

  it("where they exclude each other", function()
    refused("'path' and 'port' .* exclude each other", { path = "x", port = 1 })
    refused("'path' and 'family' .* exclude each other", { path = "x", family = "inet" })
    refused("'path' and 'proxy' .* exclude each other", { path = "x", proxy = "http://x:1" })
    local near, far, keeper <close> = sockets.pair() -- luacheck: ignore 211
    refused("'over' and 'keepAlive' .* exclude each other", { over = scissl.plain.on(near), keepAlive = true })
    assert.error_matches(function() scissl.plain.connect { path = "x", host = "y" } end, "'path' and 'host'")
  end)
end)

describe("A proxy that the environment names", function()
  -- What scissl.connect does in a process with these variables.
  local function try(environment, host)
    local peer <close> = ends.lua(([[
      local scissl = require "scissl"
      local stream, failure = scissl.connect {
        host = %q, port = 1, proxyFromEnvironment = true, timeout = 20, resolver = function(host) return nil, host end,
      }
      print(failure:phase(), failure:condition(), failure:subject())
    ]]):format(host or "server.example"), nil, environment)
    return (peer:finish():gsub("\n$", ""):gsub("\t", " "))
  end

  it("is asked, by the first of https_proxy and all_proxy, in both cases", function()
    local asked = "resolve host_not_found "
    assert.equal(asked .. "one.example", try { https_proxy = "http://one.example:3128" })
    assert.equal(asked .. "two.example", try { HTTPS_PROXY = "two.example:3128", ALL_PROXY = "http://three.example:1" })
    assert.equal(asked .. "three.example", try { all_proxy = "http://three.example" })
    assert.equal(asked .. "four.example", try { ALL_PROXY = "https://user:pass@four.example:1/", https_proxy = "" })
    assert.equal(asked .. "server.example", try { http_proxy = "http://five.example:1" })
    assert.equal(asked .. "server.example", try {})
  end)

  it("is left out for the hosts of no_proxy", function()
    local function asks(no_proxy, host)
      return try({ https_proxy = "http://proxy.example:1", no_proxy = no_proxy }, host):match "%S+$"
    end
    for _, list in ipairs { "*", "server.example", "other, .example", "EXAMPLE.", "a.b server.example" } do
      assert.equal("server.example", asks(list), list)
    end
    for _, list in ipairs { "", "erver.example", "server.example.org", "x.server.example", "10.0.0.0/8" } do
      assert.equal("proxy.example", asks(list), list)
    end
    assert.equal("proxy.example", asks("10.0.0.0/8", "11.1.2.3"))
    assert.equal("127.0.0.1:1", asks("127.0.0.0/8", "127.0.0.1"))
    assert.equal("127.0.0.1:1", asks("127.0.0.1", "127.0.0.1"))
    assert.equal("proxy.example", asks("0.0.1", "127.0.0.1"))
    assert.equal("[::1]:1", asks("[::1]", "[::1]"))
  end)

  it("that is malformed, or of another kind, is an error that names the variable", function()
    for _, url in ipairs { "socks5://proxy.example:1", "http://", "http://proxy.example:99999", "http://a b:1 /x" } do
      assert.equal("proxy bad_proxy https_proxy", try { https_proxy = url })
    end
  end)

  it("is not read unless it is asked for", function()
    local peer <close> = ends.lua([[
      local scissl = require "scissl"
      local _, failure = scissl.connect { host = "server.example", port = 1, resolver = function(host)
        return nil, host
      end }
      print(failure:subject())
    ]], nil, { https_proxy = "http://proxy.example:1" })
    assert.equal("server.example\n", (peer:finish()))
  end)
end)
