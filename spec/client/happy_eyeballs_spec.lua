-- scissl.connect to hosts with several addresses (RFC 8305), and looking hosts up without blocking the loop.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local race = require "scissl.client.happy_eyeballs"
local resolver = require "spec.support.resolver"
local scissl = require "scissl"
local shell = require "spec.support.shell"
local sockets = require "spec.support.sockets"
local streams = require "spec.support.streams"

local SciSocket = scissl.SciSocket

local LONG = 30 -- seconds

-- On Linux every address of 127.0.0.0/8 is this machine, and a listening socket whose backlog is full drops what comes.
local is_linux = shell.lines "uname"[1] == "Linux"
local linux_it = is_linux and it or function(name) pending(name .. " (needs Linux)") end

-- A TLS server on 127.0.0.1. Returns the listener and its port.
local function serving(waiter)
  local listener = assert(scissl.listen {
    host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
    waiter = waiter or "coroutine", timeout = LONG,
  })
  return listener, select(2, listener:getSockName())
end

-- Sockets that keep the port silent on an address: a full backlog.
local function silence(address, port)
  local holder = assert(assert(sockets.new():bind(address, port)):listen(0))
  local kept = { holder }
  repeat
    local socket = assert(sockets.new():setBlocking(false))
    assert(socket:connect(address, port))
    kept[#kept + 1] = socket
  until not socket:getPeerName()
  return setmetatable(kept, { __close = function()
    for _, socket in ipairs(kept) do socket:close() end
  end })
end

local function resolving(...)
  local list = {}
  for i, address in ipairs { ... } do list[i] = { address = address } end
  return function() return list end
end

local function connecting(port, options)
  local all = { host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG }
  for name, value in pairs(options or {}) do all[name] = value end
  return scissl.connect(all)
end

describe("The addresses of a host", function()
  local function order(families)
    local addresses, ordered = {}, {}
    for i, family in ipairs(families) do addresses[i] = { address = i, family = family } end
    for i, address in ipairs(race.interleave(addresses)) do ordered[i] = address.address end
    return ordered
  end

  it("take turns by family, beginning with the first", function()
    assert.same({ 1, 4, 2, 5, 3 }, order { "inet6", "inet6", "inet6", "inet", "inet" })
    assert.same({ 1, 2, 4, 3, 5 }, order { "inet", "inet6", "inet6", "inet", "inet6" })
    assert.same({ 1, 2, 3 }, order { "inet", "inet", "inet" })
    assert.same({ 1 }, order { "inet6" })
  end)
end)

for _, loop in ipairs(loops.all) do
  describe("Under " .. loop.name, function()
    local it = is_linux and loops.it(loop) or linux_it

    it("a silent first address costs a quarter of a second, and is closed #slow", function()
      local listener <close>, port = serving(loop.waiter)
      local silent <close> = silence("127.0.0.2", port) -- luacheck: ignore 211
      local start = SciSocket.now()
      local results = loop.run(
        function()
          local stream = assert(connecting(port, { resolver = resolving("127.0.0.2", "127.0.0.1"),
            waiter = loop.waiter }))
          local address = stream:socket():getPeerName()
          stream:close()
          return address
        end,
        function() return assert(listener:accept()):close() end)
      assert.equal("127.0.0.1", results[1][1])
      assert.is_true(SciSocket.now() - start < LONG / 3)
    end)

    it("several silent addresses race, and the deadline ends them all #slow", function()
      local listener <close>, port = serving(loop.waiter)
      local silent <close> = silence("127.0.0.2", port) -- luacheck: ignore 211
      local mute <close> = silence("127.0.0.3", port) -- luacheck: ignore 211
      local descriptors, failure = {}, nil
      loop.run(function()
        descriptors[1] = sockets.lowest_free()
        failure = select(2, connecting(port, { resolver = resolving("127.0.0.2", "127.0.0.3"), timeout = 0.4,
          waiter = loop.waiter }))
        descriptors[2] = sockets.lowest_free()
      end)
      assert.same({ "timeout", "connect", "localhost:" .. port },
        { failure:condition(), failure:phase(), failure:subject() })
      assert.matches("within 0%.4 seconds %(127%.0%.0%.2: no reply; 127%.0%.0%.3: no reply%)", failure:message())
      assert.equal(descriptors[1], descriptors[2])
      assert.is_truthy(listener)
    end)

    it("the third address is found where one is silent and one refuses #slow", function()
      local listener <close>, port = serving(loop.waiter)
      local silent <close> = silence("127.0.0.2", port) -- luacheck: ignore 211
      local results = loop.run(
        function()
          return connecting(port, { resolver = resolving("127.0.0.2", "127.0.0.3", "127.0.0.1"), waiter = loop.waiter })
        end,
        function() return listener:accept() end)
      local stream = assert(results[1][1], results[1][2])
      assert.equal("127.0.0.1", (stream:socket():getPeerName()))
      stream:close()
      results[2][1]:close()
    end)
  end)
end

describe("scissl.connect", function()
  local function meet(options)
    local listener <close>, port = serving()
    local results = ends.run(
      function() return connecting(port, options) end,
      function() return listener:accept(LONG) end)
    local stream, failure = results[1][1], results[1][2]
    if results[2][1] then results[2][1]:close() end
    if stream then stream:close() end
    return stream, failure
  end

  linux_it("tries the next address at once where one refuses: a hundred do not cost 25 seconds", function()
    local addresses = {}
    for i = 1, 99 do addresses[i] = "127.0.2." .. i end
    addresses[100] = "127.0.0.1"
    local start = SciSocket.now()
    assert(meet { resolver = resolving(table.unpack(addresses)) })
    assert.is_true(SciSocket.now() - start < 12)
  end)

  linux_it("names what each address said", function()
    local port <const>, holder, keeper <close> = sockets.refusing() -- luacheck: ignore 211
    local _, failure = scissl.connect {
      host = "localhost", port = port, resolver = resolving("127.0.0.1", "127.0.0.2"), ca = pki.ca.certificate,
    }
    assert.same({ "connection_refused", "connect", "localhost:" .. port },
      { failure:condition(), failure:phase(), failure:subject() })
    assert.matches("^127%.0%.0%.1: .+; 127%.0%.0%.2: .+$", failure:message())
    assert.is_true(scissl.isSslError(failure:cause()))
  end)

  it("takes the port of an entry before its own", function()
    local listener <close>, port = serving()
    local results = ends.run(
      function()
        return connecting(1, { resolver = function(host, asked, family, deadline)
          assert.same({ "localhost", 1, "number" }, { host, asked, type(deadline) })
          assert.is_nil(family)
          return { { address = "127.0.0.1", port = port, family = "inet" } }
        end })
      end,
      function() return listener:accept(LONG) end)
    assert(results[1][1], results[1][2]):close()
    results[2][1]:close()
  end)

  it("asks no resolver for an address", function()
    assert(meet { host = "127.0.0.1", resolver = function() error "asked" end })
  end)

  it("lets the resolver yield", function()
    local near, far, keeper <close> = sockets.pair() -- luacheck: ignore 211
    far:send "!"
    assert(meet { resolver = function()
      assert(scissl.wait.on(near, "r", { waiter = "coroutine" }))
      return { { address = "127.0.0.1" } }
    end })
  end)

  it("ends where the waiter cancels, and closes its sockets", function()
    local listener <close>, port = serving()
    local free = sockets.lowest_free()
    local _, failure = connecting(port, {
      host = "127.0.0.1",
      waiter = function() return nil, "enough" end,
    })
    assert.same({ "cancelled", "enough" }, { failure:condition(), failure:cause() })
    assert.equal(free, sockets.lowest_free())
    assert.is_truthy(listener)
  end)

  it("reports a resolver that finds nothing, fails, raises, or returns something else", function()
    local other = select(2, SciSocket.resolve("127.0.0.1", "no-such-service"))
    for _, case in ipairs {
      { "host_not_found", function() return {} end },
      { "host_not_found", function() return nil, "no such name" end },
      { "host_not_found", function() end },
      { other:condition(), function() return nil, other end },
      { "resolver_failed", function() error "deep" end },
      { "resolver_failed", function() return setmetatable({}, { __index = function() error "deep" end }) end },
      { "bad_resolver", function() return "127.0.0.1" end },
      { "bad_resolver", function() return { "127.0.0.1" } end },
      { "bad_resolver", function() return { { address = "localhost" } } end },
      { "bad_resolver", function() return { { address = "127.0.0.1\0" } } end },
      { "bad_resolver", function() return { { address = 1 } } end },
      { "bad_resolver", function() return { { address = "127.0.0.1", port = 70000 } } end },
      { "bad_resolver", function() return { { address = "127.0.0.1", port = "x" } } end },
    } do
      local stream, failure = connecting(1, { resolver = case[2] })
      assert.is_nil(stream)
      assert.same({ case[1], "resolve" }, { failure:condition(), failure:phase() })
      assert.is_true(#tostring(failure) > 0)
    end
  end)

  it("ends where a resolver of the program's has taken too long", function()
    local _, failure = connecting(1, { timeout = 0.05, resolver = function(_, _, _, deadline)
      SciSocket.poll({}, deadline - SciSocket.now() + 0.01)
      return { { address = "127.0.0.1" } }
    end })
    assert.same({ "timeout", "resolve" }, { failure:condition(), failure:phase() })
  end)

  it("refuses, as the caller's mistake, a resolver that is no function, and another spelling", function()
    assert.error_matches(function() connecting(1, { resolver = "dns" }) end,
      "bad option 'resolver' to 'scissl.connect' %(function expected, got string%)")
    assert.error_matches(function() connecting(1, { resolve = print }) end, "did you mean 'resolver'")
  end)
end)

describe("While a host is looked up,", function()
  local missing = resolver.missing()

  for _, loop in ipairs(loops.all) do
    local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or loops.it(loop)

    it("other coroutines run, and the time-out ends the look-up: " .. loop.name, function()
      assert.equal("timeout\tresolve\tnever.test\ttrue\n", resolver.run(([[
        local loops = require "spec.support.loops"
        local scissl = require "scissl"
        for _, loop in ipairs(loops.all) do
          if loop.name == %q then
            local results = loop.run(
              function()
                return select(2, scissl.connect { host = "never.test", port = 1, timeout = 0.3, waiter = loop.waiter })
              end,
              function()
                local near, far = scissl.SciSocket.pair()
                far:send "!"
                return scissl.wait.on(near, "r", { waiter = loop.waiter })
              end)
            local failure = results[1][1]
            print(failure:condition(), failure:phase(), failure:subject(), results[2][1])
          end
        end
      ]]):format(loop.name)))
    end)
  end

  for _, loop in ipairs(loops.all) do
    local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or loops.it(loop)

    it("to listen there or to ask Redis there, other coroutines run: " .. loop.name, function()
      assert.equal("timeout\tresolve\ttrue\ttrue\t127.0.0.1\n", resolver.run(([[
        local loops = require "spec.support.loops"
        local scissl = require "scissl"
        local resp_client = require "scissl.sessions.redis.resp_client"
        for _, loop in ipairs(loops.all) do
          if loop.name == %q then
            local listener
            local results = loop.run(
              function()
                return select(2, resp_client.connect { host = "never.test", timeout = 0.3, waiter = loop.waiter })
              end,
              function()
                listener = assert(scissl.plain.listen { host = "gate.test", port = 0, waiter = loop.waiter })
                return true
              end,
              function()
                local near, far = scissl.SciSocket.pair()
                far:send "!"
                local before = listener
                local ready = scissl.wait.on(near, "r", { waiter = loop.waiter })
                resolver.openGate()
                return ready and before == nil
              end)
            local failure = results[1][1]
            print(failure:condition(), failure:phase(), results[2][1], results[3][1],
              (listener:getSockName()))
          end
        end
      ]]):format(loop.name)))
    end)
  end

  local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or it

  it("a listener that is made before its loop begins waits for it", function()
    assert.equal("127.0.0.1\thost_not_found\n", resolver.run [[
      local scissl = require "scissl"
      local listener = assert(scissl.plain.listen { host = "any.test", port = 0, waiter = "coroutine" })
      local _, failure = scissl.plain.listen { host = "nothing.test", port = 0, waiter = "coroutine" }
      print((listener:getSockName()), failure:condition())
    ]])
  end)

  it("a blocking program keeps its time-out", function()
    assert.equal("timeout\thost_not_found\tresolver_unavailable\n", resolver.run [[
      local scissl = require "scissl"
      local function try(host)
        return (select(2, scissl.plain.connect { host = host, port = 1, timeout = 0.2 }):condition())
      end
      print(try "never.test", try "nothing.test", try "again.test")
    ]])
  end)

  it("Ctrl-C ends it", function()
    local peer <close> = resolver.start([[
      local scissl = require "scissl"
      local waiter = scissl.wait.find "poll"
      print(pcall(scissl.connect, { host = "never.test", port = 1, waiter = function(...)
        print "waiting"
        io.stdout:flush()
        return waiter(...)
      end }))
    ]], "^waiting")
    os.execute("kill -INT " .. peer.pid)
    assert.matches("interrupted!", (peer:finish()))
  end)

  it("a hundred addresses are found", function()
    assert.equal("100\n", resolver.run [[
      local scissl = require "scissl"
      local port = 1
      local _, failure = scissl.plain.connect { host = "hundred.test", port = port, timeout = 25 }
      local count = select(2, failure:message():gsub("127%.0%.1%.%d+: ", ""))
      print(count)
    ]])
  end)
end)

describe("Through a proxy", function()
  it("the resolver is asked for the proxy's host", function()
    local asked
    local _, failure = scissl.connect {
      host = "server.example", port = 1, proxy = "http://proxy.example:1", ca = pki.ca.certificate, timeout = LONG,
      resolver = function(host)
        asked = host
        return nil, "no"
      end,
    }
    assert.same({ "proxy.example", "host_not_found" }, { asked, failure:condition() })
  end)
end)

describe("Streams of spec/support/streams.lua", function()
  it("resolve localhost by the system", function()
    local client = streams.meet({ certificate = pki.server.certificate, privateKey = pki.server.key },
      { ca = pki.ca.certificate })
    assert(client[1], client[2])
  end)
end)
