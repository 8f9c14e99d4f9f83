-- A program may end while coroutines wait, and its finalizers may use sockets. It does not crash, under any loop.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"

-- Runs a program with `scissl`, `near` and `far`. Returns its output, whether it ended by itself, and its code.
local function run(source, ...)
  local program = ([[
    local scissl = require "scissl"
    local near, far = assert(scissl.SciSocket.pair())
    %s
    print "end"
  ]]):format(source:format(...))
  local pipe <close> = assert(io.popen("timeout 60 " .. ends.luaCommand(program, ends.leaking()) .. " 2>&1"))
  local output = pipe:read "a"
  return output, pipe:close()
end

-- By waiter: starts `body` in a loop which runs once.
local starts = {
  coroutine = "local loop = assert(scissl.scheduler.new()) loop:spawn(body) loop:step(0)",
  copas = 'local copas = require "copas" copas.addthread(body) copas.step(0)',
  cqueues = 'local loop = require "cqueues".new() loop:wrap(body) loop:step(0)',
  luv = 'local luv = require "luv" coroutine.wrap(body)() luv.run "nowait"',
}

for _, loop in ipairs(loops.all) do
  local start = starts[loop.waiter]
  local it = loops.it(loop)

  describe("A program of " .. loop.name .. " that ends while coroutines wait", function()
    it("ends as others do", function()
      for _, timeout in ipairs { "nil", "30" } do
        local output, good, how, code = run([[
          local function body()
            scissl.wait.on(near, "r", { waiter = "%s", timeout = %s })
            print "unexpected"
          end
          %s
        ]], loop.waiter, timeout, start)
        assert.same({ "end\n", true, "exit", 0 }, { output, good, how, code })
      end
    end)

    it("may end waits, and wait, in finalizers that run last", function()
      local output, good, how, code = run([[
        local last = setmetatable({}, { __gc = function()
          print(pcall(scissl.wait.cancel, near))
          near:close()
          coroutine.wrap(function() scissl.wait.on(far, "r", { waiter = "%s", timeout = 30 }) end)()
          print "finalized"
        end })
        local function body() scissl.wait.on(near, "r", { waiter = "%s" }) end
        %s
        _G.last = last
      ]], loop.waiter, loop.waiter, start)
      assert.truthy(output:find("finalized", 1, true), output)
      assert.same({ true, "exit", 0 }, { good, how, code }, output)
    end)
  end)
end

local luv_it = loops.it(loops.all[#loops.all])

describe("The waiter luv at the end of a program", function()
  luv_it("gives a wait up with the reason", function()
    local output, good = run [[
      require "luv"
      local last = setmetatable({}, { __gc = function()
        coroutine.wrap(function() print(scissl.wait.on(far, "r", { waiter = "luv" })) end)()
      end })
      local function body() scissl.wait.on(near, "r", { waiter = "luv" }) end
      coroutine.wrap(body)()
      _G.last = last
    ]]
    assert.is_true(good, output)
    assert.truthy(output:find("the program ends", 1, true), output)
  end)
end)

describe("The waiter luv in a coroutine of a program that has not loaded luv", function()
  luv_it("is refused, since luv would crash", function()
    local output, good = run [[
      coroutine.wrap(function()
        print(pcall(scissl.wait.on, near, "r", { waiter = "luv" }))
        print(pcall(require, "scissl.luv"))
      end)()
      require "luv".run()
      coroutine.wrap(function() scissl.wait.on(near, "w", { waiter = "luv" }) print "works" end)()
      require "luv".run()
    ]]
    assert.is_true(good, output)
    local _, count = output:gsub('write require "luv" at the start of the program', "")
    assert.equal(2, count, output)
    assert.matches("works\nend\n$", output)
  end)
end)

describe("Streams over luv's own at the end of a program", function()
  luv_it("may be used in finalizers", function()
    local output, good, how, code = run([[
      local luv, over_luv = require "luv", require "scissl.luv"
      local last = setmetatable({}, { __gc = function()
        for _, stream in ipairs { Client, Server } do
          print(pcall(stream.write, stream, "late"))
          print(pcall(stream.flush, stream))
          print("close returned", stream:close())
        end
      end })
      local key = scissl.SciSslPrivateKey.generate "EC"
      local certificate = assert(scissl.SciSslX509Certificate.issue { subject = "CN=localhost", key = key })
      local context = assert(scissl.SciSslContext.new())
      context:useCertificate(certificate) context:usePrivateKey(key) context:addTrusted(certificate)
      local listener, client = luv.new_tcp(), luv.new_tcp()
      listener:bind("127.0.0.1", 0)
      local function read(stream)
        if Client and Server then luv.stop() end
        return stream:read()
      end
      listener:listen(1, function()
        local handle = luv.new_tcp()
        listener:accept(handle)
        coroutine.wrap(function()
          Server = over_luv.accept(handle, { context = context })
          read(Server)
        end)()
      end)
      client:connect("127.0.0.1", listener:getsockname().port, function()
        coroutine.wrap(function()
          Client = assert(over_luv.connect(client, { context = context, verifyHost = false }))
          read(Client)
        end)()
      end)
      luv.run()
      _G.last = last
    ]])
    assert.same({ true, "exit", 0 }, { good, how, code }, output)
    assert.equal(2, select(2, output:gsub("close returned", "")), output)
  end)
end)

describe("scissl.listen in a coroutine that no loop has resumed", function()
  for name in pairs { coroutine = true, cqueues = true } do
    local loop
    for _, one in ipairs(loops.all) do
      if one.waiter == name then loop = one end
    end
    loops.it(loop)("looks its host up at once, waiter " .. name, function()
      local output, good = run([[
        require "scissl.wait.%s"
        coroutine.wrap(function()
          print(scissl.plain.listen { host = "localhost", port = 0, waiter = "%s" })
        end)()
      ]], name, name)
      assert.is_true(good, output)
      assert.truthy(output:find "^SciSslListener: .-\nend\n$", output)
    end)
  end

  luv_it("goes on when the loop runs, waiter luv; and is given up with the program", function()
    for runs, expected in pairs { [""] = "^end\n$", ["require 'luv'.run()"] = "^SciSslListener: .-\nend\n$" } do
      local output, good = run([[
        require "luv"
        coroutine.wrap(function()
          print(scissl.plain.listen { host = "localhost", port = 0, waiter = "luv" })
        end)()
        %s
      ]], runs)
      assert.is_true(good, output)
      assert.truthy(output:find(expected), output)
    end
  end)
end)
