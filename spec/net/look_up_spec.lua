-- SciLookUp: looking up hosts in threads.
local resolver = require "spec.support.resolver"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"

local SciLookUp, SciSocket = scissl.SciLookUp, scissl.SciSocket

local LONG = 30 -- seconds

local function finished(look_up)
  local ready = SciSocket.poll({ [look_up] = "r" }, LONG)
  assert.equal("r", ready[look_up])
  return look_up:result()
end

describe("SciLookUp", function()
  it("finds what SciSocket.resolve finds", function()
    local look_up <close> = assert(SciLookUp.new("localhost", 80))
    assert.same(SciSocket.resolve("localhost", 80), finished(look_up))
    assert.same(SciSocket.resolve("localhost", 80), look_up:result()) -- again
    assert.equal("SciLookUp: localhost, finished", tostring(look_up))
  end)

  it("takes the name of a service, and a family", function()
    if not io.open "/etc/services" then return pending "this system has no list of services" end
    local look_up <close> = assert(SciLookUp.new("localhost", "https", "inet"))
    assert.same({ { address = "127.0.0.1", port = 443, family = "inet" } }, { (finished(look_up))[1] })
  end)

  it("waits for nothing where the host is an address", function()
    for _, address in ipairs { "127.0.0.1", "::1" } do
      local look_up <close> = assert(SciLookUp.new(address, 443))
      assert.equal(-1, look_up:getfd())
      assert.equal(address, look_up:result()[1].address)
    end
    local wrong <close> = assert(SciLookUp.new("127.0.0.1", "no-such-service"))
    assert.equal(-1, wrong:getfd())
    sockets.fails_with("service_unknown", "resolve", wrong:result())
  end)

  it("says that a host is not known", function()
    local look_up <close> = assert(SciLookUp.new("no-such-host.invalid", 80))
    local condition, phase, subject = sockets.refusal(finished(look_up))
    assert.is_true(condition == "host_not_found" or condition == "resolver_unavailable", condition)
    assert.same({ "resolve", "no-such-host.invalid" }, { phase, subject })
  end)

  it("is closed by close, by leaving a scope and by the collector, before and after its end", function()
    local free = sockets.lowest_free()
    for _, wait_first in ipairs { true, false } do
      for _ = 1, 20 do
        local look_up = assert(SciLookUp.new("localhost", 80))
        if wait_first then assert(finished(look_up)) end
        assert.is_true(look_up:close())
        assert.is_true(look_up:close())
        assert.equal(-1, look_up:getfd())
        assert.equal("SciLookUp: closed", tostring(look_up))
        sockets.fails_with("closed", "resolve", look_up:result())
        do local left <close> = assert(SciLookUp.new("localhost", 80)) end -- luacheck: ignore 211
        assert(SciLookUp.new("localhost", 80))
      end
    end
    -- Threads that still run have descriptors of their own.
    repeat
      local last <close> = assert(SciLookUp.new("localhost", 80))
      assert(finished(last))
      sockets.collect()
    until sockets.lowest_free() == free
  end)

  it("finishes many more than there are threads, and ends those that nobody wants", function()
    local look_ups = {}
    for i = 1, 200 do look_ups[i] = assert(SciLookUp.new("localhost", i)) end
    for i = 1, 200, 2 do look_ups[i]:close() end
    for i = 2, 200, 2 do
      assert.equal(i, (finished(look_ups[i]))[1].port)
      look_ups[i]:close()
    end
  end)

  it("refuses, as the caller's mistake, what is no host, no port and no family", function()
    assert.error_matches(function() SciLookUp.new() end, "string expected")
    assert.error_matches(function() SciLookUp.new("a\0b", 1) end, "NUL")
    assert.error_matches(function() SciLookUp.new("localhost", 65536) end, "port from 0 to 65535 expected")
    assert.error_matches(function() SciLookUp.new("localhost", {}) end, "number expected")
    assert.error_matches(function() SciLookUp.new("localhost", 1, "unix") end, "invalid option 'unix'")
    assert.error_matches(function() SciLookUp.result(SciSocket.pair()) end, "SciLookUp expected")
  end)
end)

describe("SciSocket.addressFamily", function()
  it("tells addresses from names", function()
    for text, family in pairs { ["127.0.0.1"] = "inet", ["::1"] = "inet6", ["fe80::1"] = "inet6" } do
      assert.equal(family, SciSocket.addressFamily(text))
    end
    for _, text in ipairs { "", "localhost", "1.2.3.4.5", "[::1]", "127.0.0.1\0", "::1\0x" } do
      assert.is_nil(SciSocket.addressFamily(text))
    end
  end)
end)

describe("A look-up in a thread", function()
  local missing = resolver.missing()
  local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or it

  it("has all signals blocked", function()
    assert.equal("127.0.0.1\n", resolver.run [[
      local scissl = require "scissl"
      local look_up = scissl.SciLookUp.new("signals.test", 1)
      scissl.wait.on(look_up, "r")
      print(assert(look_up:result())[1].address)
    ]])
  end)

  it("that never ends delays nothing: other look-ups, lua_close, the end of the program", function()
    assert.equal("not_ready\t127.0.0.1\n", resolver.run [[
      local scissl = require "scissl"
      local never = {}
      for i = 1, 15 do never[i] = scissl.SciLookUp.new("never.test", 1) end
      local other = scissl.SciLookUp.new("other.test", 1)
      scissl.wait.on(other, "r")
      print(select(2, never[1]:result()):condition(), other:result()[1].address)
    ]])
  end)

  it("keeps later ones waiting where all threads are occupied, until they are closed", function()
    assert.equal("not_ready\tclosed\n", resolver.run [[
      local scissl = require "scissl"
      local never = {}
      for i = 1, 16 do never[i] = scissl.SciLookUp.new("never.test", 1) end
      local other = scissl.SciLookUp.new("other.test", 1)
      local first = select(2, other:result()):condition()
      other:close()
      print(first, select(2, other:result()):condition())
    ]])
  end)

  it("outlives the lua_State that began it, and the module stays loaded until it ends", function()
    assert.equal("true\ttrue\ttrue\n", resolver.run [[
      local core = package.searchpath("scissl.core", package.cpath)
      local source = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath)
        .. " look_up = assert(require 'scissl'.SciLookUp.new('gate.test', 1)) require 'resolver'.awaitBegin()"
      local good, failure = resolver.run(source)
      assert(good, failure)
      local loaded = resolver.isLoaded(core)
      resolver.openGate()
      print(good, loaded, resolver.awaitEnd())
    ]])
  end)

  it("serves several lua_States at a time", function()
    assert.equal("127.0.0.1\n", resolver.run [[
      local scissl = require "scissl"
      local mine = assert(scissl.SciLookUp.new("gate.test", 1))
      local source = ("package.path, package.cpath = %q, %q"):format(package.path, package.cpath) .. [=[
        local scissl = require "scissl"
        local its = assert(scissl.SciLookUp.new("other.test", 1))
        assert(scissl.wait.on(its, "r"))
        assert(its:result()[1].address == "127.0.0.1")
        left = scissl.SciLookUp.new("never.test", 1)
      ]=]
      assert(resolver.run(source))
      resolver.openGate()
      scissl.wait.on(mine, "r")
      print(mine:result()[1].address)
    ]])
  end)

  it("fails in a child that fork makes, which can begin others, and goes on in the parent", function()
    assert.equal("child: resolver_failed 127.0.0.1\nparent: 0 127.0.0.1\n", resolver.run [[
      local scissl = require "scissl"
      local SciLookUp = scissl.SciLookUp
      local mine, abandoned = SciLookUp.new("gate.test", 1), SciLookUp.new("never.test", 1)
      local queued = {}
      for i = 1, 20 do queued[i] = SciLookUp.new("never.test", 1) end
      resolver.awaitBegin(16) -- A thread that starts may hold a lock of a sanitizer, which nothing releases in a child.
      abandoned:close()
      local function child()
        assert(scissl.wait.on(mine, "r", { timeout = 20 }))
        local failure = select(2, mine:result())
        assert(failure:message():find "forked")
        assert(select(2, queued[20]:result()):condition() == "resolver_failed")
        for i = 1, 20 do queued[i]:close() end
        mine:close()
        local other = SciLookUp.new("other.test", 1)
        assert(scissl.wait.on(other, "r", { timeout = 20 }))
        io.write("child: ", failure:condition(), " ", other:result()[1].address, "\n")
        io.stdout:flush()
      end
      local number = resolver.fork()
      if number == 0 then
        local good, why = pcall(child)
        if not good then io.write(why, "\n") io.stdout:flush() end
        resolver.exit(good and 0 or 1)
      end
      local status = resolver.wait(number)
      assert(select(2, mine:result()):condition() == "not_ready")
      assert(not scissl.wait.on(mine, "r", { timeout = 0 }))
      resolver.openGate()
      scissl.wait.on(mine, "r")
      io.write("parent: ", status, " ", mine:result()[1].address, "\n")
    ]])
  end)
end)
