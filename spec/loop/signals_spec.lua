-- scissl.signals: waiting for signals in every loop; what is set for a signal before, meanwhile and afterwards.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"
local sockets = require "spec.support.sockets"
local texts = require "spec.support.texts"

local LONG = 30

-- To this process: the shell's parent.
local function send(name)
  assert(os.execute(("kill -%s $PPID"):format(name:gsub("^SIG", ""))))
end

local function take_all(signals)
  local names = {}
  while true do
    local name, failure = signals:take()
    if not name then
      assert.equal("not_ready", failure:condition())
      return names
    end
    names[#names + 1] = name
  end
end

for _, loop in ipairs(loops.all) do
  describe(loop.name .. ":", function()
    local it = loops.it(loop)

    it("a wait for a signal lets others run, ends with its name, and by its time-out", function()
      local signals <close> = assert(scissl.signals.new("SIGUSR1", "SIGUSR2", { waiter = loop.waiter }))
      local order = {}
      local results = loop.run(function()
        order[#order + 1] = "waits"
        return signals:wait(LONG), signals:wait(LONG)
      end, function()
        order[#order + 1] = "runs"
        send "SIGUSR2"
        send "SIGUSR1"
      end)
      table.sort(order) -- a loop may start the second one first
      assert.same({ "runs", "waits" }, order)
      assert.same({ n = 2, "SIGUSR2", "SIGUSR1" }, results[1])
      results = loop.run(function() return signals:wait(0.01) end)
      refusals.refused("timeout", "wait", nil, table.unpack(results[1], 1, 2))
    end)

    it("close ends the wait of another coroutine", function()
      local signals = assert(scissl.signals.new("SIGUSR1", { waiter = loop.waiter }))
      local results = loop.run(function() return signals:wait(LONG) end, function() signals:close() end)
      refusals.refused("closed", "wait", nil, table.unpack(results[1], 1, 2))
    end)

    it("a server stops by a signal, and the client in service gets its answer", function()
      local signals <close> = assert(scissl.signals.new("SIGUSR1", { waiter = loop.waiter }))
      local listener = assert(scissl.listen {
        host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
        waiter = loop.waiter,
      })
      local _, port = listener:getSockName()
      local results = loop.run(function()
        return listener:serve(function(stream)
          for line in stream:lines "L" do stream:write(line) end
        end)
      end, function()
        assert(signals:wait(LONG))
        listener:stop(LONG)
      end, function()
        local stream <close> = assert(scissl.connect {
          host = "localhost", port = port, ca = pki.ca.certificate, waiter = loop.waiter, timeout = LONG,
        })
        stream:write "before\n"
        local before = stream:read()
        send "SIGUSR1"
        stream:write "after\n"
        return before, stream:read()
      end)
      assert.same({ n = 2, true, 0 }, results[1])
      assert.same({ n = 2, "before", "after" }, results[3])
    end)
  end)
end

describe("Signals", function()
  it("are taken in the order of their arrival; one that arrives several times before counts once", function()
    local signals <close> = assert(scissl.signals.new("SIGUSR1", "SIGUSR2", "SIGHUP"))
    send "SIGHUP"
    for _ = 1, 3 do send "SIGUSR2" end
    send "SIGUSR1"
    assert.same({ "SIGHUP", "SIGUSR2", "SIGUSR1" }, take_all(signals))
    send "SIGUSR2"
    assert.same({ "SIGUSR2" }, take_all(signals))
  end)

  it("reach all objects that wait for them, until each is closed", function()
    local first = assert(scissl.signals.new "SIGUSR1")
    local second <close> = assert(scissl.signals.new("SIGUSR1", "SIGUSR2"))
    send "SIGUSR1"
    assert.same({ "SIGUSR1" }, take_all(first))
    assert.same({ "SIGUSR1" }, take_all(second))
    first:close()
    send "SIGUSR1"
    assert.same({ "SIGUSR1" }, take_all(second))
    refusals.refused("closed", "wait", nil, first:take())
  end)

  it("wake a wait without a loop", function()
    local signals <close> = assert(scissl.signals.new "SIGUSR1")
    os.execute "(sleep 0.05; kill -USR1 $PPID) &"
    local name = signals:wait(LONG)
    assert.equal("SIGUSR1", name)
  end)

  it("are shown by tostring", function()
    local signals = assert(scissl.signals.new("SIGTERM", "SIGHUP"))
    assert.equal("SciSignals: SIGHUP SIGTERM", tostring(signals))
    assert.is_true(signals:getfd() >= 0)
    assert.is_true(signals:close())
    assert.is_true(signals:close())
    assert.equal("SciSignals: closed", tostring(signals))
    assert.equal(-1, signals:getfd())
  end)

  it("fail where the process has no descriptor left", function()
    local output = ends.start(("sh -c 'ulimit -n 12; exec %s'"):format(ends.luaCommand([[
      local scissl = require "scissl"
      local kept, failure = {}, nil
      repeat
        kept[#kept + 1], failure = scissl.signals.new "SIGUSR1"
      until failure
      print(#kept > 0, failure:condition(), failure:phase())
      kept = nil
      collectgarbage()
      print(scissl.signals.new "SIGUSR1")
    ]]):gsub("'", '"'))):finish()
    assert.equal("true\ttoo_many_descriptors\topen\nSciSignals: SIGUSR1\n", output)
  end)

  it("reject other names and wrong arguments", function()
    for words, call in pairs {
      ["bad argument #1 to 'signals.new' (string expected, got nil)"] = function() scissl.signals.new() end,
      ["bad argument #2 to 'signals.new' (string expected, got number)"] = function()
        scissl.signals.new("SIGHUP", 15)
      end,
      ["bad argument #2 to 'signals.new' (a program cannot wait for the signal 'SIGKILL')"] = function()
        scissl.signals.new("SIGHUP", "SIGKILL")
      end,
      ["unknown option 'wait' to 'signals.new'"] = function() scissl.signals.new("SIGHUP", { wait = "luv" }) end,
      ["unknown waiter 'moon'"] = function() scissl.signals.new("SIGHUP", { waiter = "moon" }) end,
      ["string expected, got no value"] = function() scissl.SciSignals.new() end,
      ["bad argument #1 to 'wait' (0 or more seconds or nil expected, got -1)"] = function()
        local signals <close> = scissl.signals.new "SIGHUP"
        signals:wait(-1)
      end,
    } do
      local good, raised = pcall(call)
      assert.is_false(good)
      texts.has(raised, words)
    end
  end)
end)

-- ---- operations that signals interrupt

-- Makes another process send SIGUSR1 to this one, again and again, as long as this one lives.
local STORM = [[
  local scissl = require "scissl"
  local signals = assert(scissl.signals.new "SIGUSR1")
  os.execute "(while kill -USR1 $PPID; do :; done) >/dev/null 2>&1 </dev/null &"
  assert(signals:wait())
]]

describe("Signals that arrive again and again", function()
  it("end no handshake, read or write, in a loop and without one #slow", function()
    local server <close> = ends.lua(STORM .. ([[
      local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q })
      print("port " .. select(2, listener:getSockName()))
      io.stdout:flush()
      listener:serve(function(stream)
        for piece in stream:lines "s" do assert(stream:write(piece)) end
      end)
    ]]):format(pki.server.certificateFile, pki.server.keyFile), "^port (%d+)")
    local client <close> = ends.lua(STORM .. ([[
      local text = ("x"):rep(100000)
      for _ = 1, 4 do
        local stream <close> = assert(scissl.connect { host = "localhost", port = %d, caFile = %q, timeout = 60 })
        assert(stream:write(text))
        assert(assert(stream:read(#text)) == text)
      end
      local context = scissl.SciSslContext.new()
      for _ = 1, 4 do
        local socket = assert(scissl.SciSslSocket.new(context))
        assert(socket:setBlocking(true))
        assert(socket:connect("127.0.0.1", %d))
        assert(socket:sslInitialize())
        assert(socket:sslConnect() == 1)
        assert(socket:sslWrite(text:sub(1, 10000)) == 10000)
        local count = 0
        while count < 10000 do count = count + #socket:sslRead() end
        socket:close()
      end
      assert(signals:wait() == "SIGUSR1")
      print "done"
    ]]):format(server.port, pki.ca.certificateFile, server.port))
    assert.equal("done\n", (client:finish()))
    assert.equal(server.output, (server:stop()))
  end)

  -- A listening socket whose backlog is full drops what comes; the system tries again after a second.
  it("end no blocking connect while TCP is still connecting #slow", function()
    if not sockets.exists "/proc/self/status" then return pending "for Linux's full backlog" end
    local holder <close> = assert(assert(sockets.new():bind("127.0.0.1", 0)):listen(0))
    local _, port = holder:getSockName()
    local kept = {}
    repeat
      kept[#kept + 1] = assert(assert(sockets.new():setBlocking(false)):connect("127.0.0.1", port))
    until not kept[#kept]:getPeerName()
    local client <close> = ends.lua(STORM .. ([[
      io.write "connecting\n"
      io.stdout:flush()
      local socket = assert(scissl.SciSocket.newStreamSocket())
      local connected = assert(socket:connect("127.0.0.1", %d))
      assert(signals:wait() == "SIGUSR1")
      assert(connected:send "x" == 1)
      print "done"
      socket:recv(1)
    ]]):format(port), "^connecting")
    for _, socket in ipairs(kept) do socket:close() end
    local got
    repeat -- the first ones are of the sockets that have filled the backlog
      local peer <close> = assert(holder:accept())
      got = peer:recv(1)
    until got == "x"
    assert.equal("connecting\ndone\n", (client:finish()))
  end)
end)

-- ---- what is set for a signal: programs whose end tells

local function run(source)
  local peer <close> = ends.lua('local scissl = require "scissl"\n' .. source)
  return peer:finish()
end

-- What a shell does before it starts the program.
local function run_after(before, source)
  local command = ends.luaCommand('local scissl = require "scissl"\n' .. source)
  local file = pki.write(("%s\nexec %s\n"):format(before, command))
  local peer <close> = ends.start("sh " .. file)
  return peer:finish()
end

local raise = [[
  local function raise(name) os.execute("kill -" .. name .. " $PPID") end
]]

describe("What was set for a signal", function()
  it("is set again by close", function()
    local _, how, code = run(raise .. [[
      local signals = scissl.signals.new "SIGTERM"
      raise "TERM"
      assert(signals:wait() == "SIGTERM")
      signals:close()
      raise "TERM"
      scissl.SciSocket.poll({}, 30)
    ]])
    assert.same({ "signal", 15 }, { how, code })
  end)

  it("is set again by the collector, and by the end of a block", function()
    for _, ended in ipairs { "signals = nil; collectgarbage()", "do local block <close> = signals end" } do
      local _, how, code = run(raise .. ([[
        local signals = scissl.signals.new("SIGUSR1", "SIGTERM")
        %s
        raise "USR1"
        scissl.SciSocket.poll({}, 30)
      ]]):format(ended))
      assert.equal("signal", how)
      assert.is_true(code == 10 or code == 30 or code == 16)
    end
  end)

  it("may be that it is ignored: the signal is caught, and ignored again afterwards", function()
    local output, how = run_after("trap '' HUP", raise .. [[
      local signals = scissl.signals.new "SIGHUP"
      raise "HUP"
      print(signals:wait())
      signals:close()
      raise "HUP"
      print "alive"
    ]])
    assert.same({ "SIGHUP\nalive\n", "exit" }, { output, how })
  end)

  it("is not changed for programs that this one starts", function()
    local output = run(raise .. [[
      local signals <close> = scissl.signals.new "SIGUSR1"
      print(os.execute "kill -USR1 $$")
    ]])
    assert.matches("^nil\tsignal\t", output)
  end)

  it("counts again after lua_close, with several lua_States, and in a child that fork made", function()
    if not ends.has "cc" then return pending("signals: no C compiler here") end
    local program = pki.write([[
      #include <signal.h>
      #include <stdio.h>
      #include <sys/wait.h>
      #include <unistd.h>
      #include <lua.h>
      #include <lauxlib.h>
      #include <lualib.h>
      static int forked(lua_State *L) { lua_pushinteger(L, fork()); return 1; }
      static int raised(lua_State *L) { raise((int)luaL_checkinteger(L, 1)); return 0; }
      static int awaited(lua_State *L) {
        int status = 0;
        waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0);
        lua_pushinteger(L, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status) + 1000);
        return 1;
      }
      static lua_State *start(const char *script) {
        lua_State *L = luaL_newstate();
        luaL_openlibs(L);
        lua_register(L, "fork", forked);
        lua_register(L, "raise", raised);
        lua_register(L, "await", awaited);
        lua_pushinteger(L, SIGUSR1);
        lua_setglobal(L, "SIGUSR1");
        if (luaL_dofile(L, script)) { fprintf(stderr, "%s\n", lua_tostring(L, -1)); return NULL; }
        return L;
      }
      static int run(lua_State *L, const char *name) {
        lua_getglobal(L, name);
        if (lua_pcall(L, 0, 0, 0) == LUA_OK) return 1;
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 0;
      }
      static int count;
      static void mine(int number) { count += number == SIGUSR1; }
      int main(int arguments, char **values) {
        lua_State *first, *second;
        struct sigaction now;
        (void)arguments;
        signal(SIGUSR1, mine);
        if (!(first = start(values[1])) || !(second = start(values[1]))) return 1;
        raise(SIGUSR1);
        if (count || !run(first, "took_one") || !run(second, "took_one")) return 2;
        lua_close(first);
        raise(SIGUSR1);
        if (count || !run(second, "took_one") || !run(second, "forks")) return 3;
        lua_close(second);
        sigaction(SIGUSR1, NULL, &now);
        if (now.sa_handler != mine) return 4;
        raise(SIGUSR1);
        return count == 1 ? 0 : 5;
      }
    ]], "signals.c")
    local binary = pki.folder() .. "/signals"
    local built <close> = ends.start(shell.buildsWithLua(binary, program))
    local output, _, code = built:finish()
    if code ~= 0 then return pending("signals: no liblua to link with: " .. output:match("[^\n]*")) end
    local script = pki.write [[
      local scissl = require "scissl"
      signals = assert(scissl.signals.new "SIGUSR1")
      -- lua_close runs this before or after the other finalizers; what it makes has none of its own.
      setmetatable({}, { __gc = function() late = scissl.SciSignals.new "SIGUSR1" end })
      function took_one()
        assert(signals:take() == "SIGUSR1")
        assert(not signals:take())
      end
      function forks()
        local child = fork()
        if child == 0 then
          assert(select(2, signals:take()):condition() == "other_process")
          assert(signals:getfd() == -1)
          local own = scissl.signals.new "SIGUSR1"
          raise(SIGUSR1)
          assert(own:take() == "SIGUSR1")
          own:close()
          raise(SIGUSR1) -- the program's own handler counts it
          os.exit(7, false)
        end
        assert(await(child) == 1007)
        assert(not signals:take()) -- what a child gets is not its parent's
        child = fork()
        if child == 0 then
          raise(SIGUSR1) -- without an object of its own: as before `new`
          raise(SIGUSR1)
          os.exit(9, false)
        end
        assert(await(child) == 1009)
        assert(not signals:take())
        child = fork()
        if child == 0 then
          signals:close()
          os.exit(8, false)
        end
        assert(await(child) == 1008)
        raise(SIGUSR1)
        took_one() -- closing in the child has changed nothing here
      end
    ]]
    local preload = os.getenv "SCISSL_RUN" == "sanitized" and "LD_PRELOAD=$(gcc -print-file-name=libasan.so) " or ""
    local peer <close> = ends.start(("sh -c '%sLUA_PATH=\"%s\" LUA_CPATH=\"%s\" %s %s'"):format(preload, package.path,
      package.cpath, binary, script))
    local text, how, status = peer:finish()
    assert.are.same({ "", "exit", 0 }, { text, how, status })
  end)
end)
