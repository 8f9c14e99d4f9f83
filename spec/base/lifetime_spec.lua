-- Life and death of the objects: any order of collection, lua_close at any moment, and what a process keeps of it all.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"
local shell = require "spec.support.shell"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local function collect()
  collectgarbage()
  collectgarbage()
end

-- Every order of 1 … n; under valgrind, which is slow, every 17th.
local EVERY = os.getenv "SCISSL_RUN" == "valgrind" and 17 or 1

local function each_order(n)
  local count = 0
  local function extend(order, used)
    if #order == n then
      count = count + 1
      if count % EVERY == 0 then coroutine.yield(order) end
      return
    end
    for i = 1, n do
      if not used[i] then
        used[i] = true
        order[#order + 1] = i
        extend(order, used)
        order[#order], used[i] = nil, nil
      end
    end
  end
  return coroutine.wrap(function() extend({}, {}) end)
end

local function finalize(object)
  local meta = getmetatable(object)
  if meta.__gc then meta.__gc(object) end
end

-- Everything that one connection has to do with, each object made anew.
local function belongings(version, transport)
  local server_context = ends.serverContext { method = version }
  local client_context = ends.clientContext { method = version }
  local client, server = ends.connected { transport = transport, client = client_context, server = server_context }
  assert.are.equal(2, server:sslWrite("hi"))
  assert.are.equal("hi", ends.read(client, server))
  return { client_context, server_context, client, server, (assert(client:getSession())),
    (assert(client:peerCertificate())) }
end

describe("Collection", function()
  for _, version in ipairs(VERSIONS) do
    it("of contexts, sockets, session and certificate is safe in every order #slow, " .. version, function()
      for order in each_order(6) do
        local things = belongings(version, "memory")
        for _, i in ipairs(order) do finalize(things[i]) end
        for _, i in ipairs(order) do finalize(things[i]) end -- and again, as lua_close would after a <close>
      end
      collect()
    end)

    it("by the collector is safe in every order that references allow #slow, " .. version, function()
      for order in each_order(6) do
        local things = belongings(version, "pair")
        for n, i in ipairs(order) do
          things[i] = nil
          if n % 2 == 0 then collectgarbage("step", 1000) end
        end
      end
      collect()
    end)

    it("of a context leaves its sockets as they were, " .. version, function()
      local client, server = ends.pair { version = version, transport = "memory" }
      collect()
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      collect()
      assert.are.equal(2, client:sslWrite("hi"))
      assert.are.equal("hi", ends.read(server, client))
    end)

    it("of a socket leaves its session, certificate and chain as they were, " .. version, function()
      local things = belongings(version, "memory")
      local session, certificate, chain = things[5], things[6], things[3]:peerChain()
      local cipher = things[3]:cipher()
      things = nil -- luacheck: ignore 311
      collect()
      assert.is_true(session:isResumable())
      assert.is_true(#session:toPem() > 100)
      assert.are.equal(pki.server.certificate, certificate)
      assert.are.equal(certificate, chain[1])
      assert.are.equal(version, session:protocol())
      assert.is_true(#cipher:name() > 5)
    end)

    it("of the session while it is being resumed harms nobody, " .. version, function()
      local server_context = ends.serverContext { method = version }
      local client_context = ends.clientContext { method = version }
      local client, server = ends.connected { client = client_context, server = server_context }
      assert.are.equal(2, server:sslWrite("hi"))
      ends.read(client, server)
      local session = client:getSession()
      local again, other = ends.pair { client = client_context, server = server_context }
      assert(again:setSession(session))
      finalize(session)
      assert.error_matches(function() session:toPem() end, "calling 'toPem' on bad self")
      assert.error_matches(function() ends.pair({}):setSession(session) end, "bad argument #1 to 'setSession'")
      assert.are.same({ 1, 1 }, { ends.handshake(again, other) })
      assert.is_true(again:isSessionReused())
    end)

    it("in mid-handshake, after any number of steps, harms nobody, " .. version, function()
      for steps = 0, 6 do
        for _, transport in ipairs { "pair", "tcp", "memory" } do
          local client, server = ends.pair { version = version, transport = transport }
          for i = 1, steps do
            if i % 2 == 1 then client:sslConnect() else server:sslAccept() end
            if transport == "memory" then ends.shuttle(client, server) end
          end
          if steps % 2 == 0 then client = nil else server = nil end -- luacheck: ignore 311
          collect()
          if client then client:sslConnect() else server:sslAccept() end
        end
      end
      collect()
    end)

    it("does no I/O: the peer sees no close_notify, " .. version, function()
      local owner, peer = ends.connected { version = version, transport = "tcp" }
      assert.are.equal(2, peer:sslWrite("hi"))
      assert.are.equal("hi", ends.read(owner, peer))
      finalize(owner)
      refusals.failed("truncated", "read", (ends.read(peer, owner)))
      -- Where somebody else owns the transport it stays open, and nothing is said on it.
      local near, far = ends.connected { version = version, transport = "pair" }
      assert.are.equal(2, far:sslWrite("hi"))
      assert.are.equal("hi", ends.read(near, far))
      finalize(near)
      assert.is_nil((far:wait("r", 0)))
      local client, server = ends.connected { version = version, transport = "memory" }
      ends.shuttle(client, server)
      finalize(client)
      assert.are.equal("", client:sslDrain())
    end)

    it("at the end of a <close> variable says good bye, " .. version, function()
      local client, server = ends.connected { version = version }
      do
        local closing <close> = client
        assert.are.equal(2, closing:sslWrite("hi"))
      end
      assert.are.equal("hi", ends.read(server, client))
      assert.are.equal(0, ends.read(server, client))
      assert.are.equal(scissl.SSL_ERROR_ZERO_RETURN, server:sslGetError(0))
    end)

    it("at the end of a <close> variable that an error ends says good bye, " .. version, function()
      local client, server = ends.connected { version = version }
      assert.is_false(pcall(function()
        local _ <close> = client
        error("away with it")
      end))
      assert.are.equal(0, ends.read(server, client))
    end)
  end

  it("of a foreign transport waits for the socket upon it", function()
    local collected = setmetatable({}, { __mode = "k" })
    local near, far = assert(scissl.SciSocket.pair())
    assert(near:setBlocking(false))
    local object = { getfd = function() return near:getfd() end, close = function() near:close() end }
    collected[object] = true
    local socket = assert(scissl.SciSslSocket.on(object, ends.clientContext()))
    object = nil -- luacheck: ignore 311
    collect()
    assert.is_not_nil(next(collected))
    assert(socket:sslInitialize())
    assert.is_true(socket:sslConnect() < 0)
    socket = nil -- luacheck: ignore 311
    collect()
    assert.is_nil(next(collected))
    far:close()
  end)

  it("of a pending write's string waits for the write", function()
    local client, server = ends.connected { version = "TLSv1.3" }
    local sent = 0
    while true do
      local answer = client:sslWrite(("x"):rep(100000))
      if answer < 0 then break end
      sent = sent + answer
    end
    collect()
    local got, rest = 0, ("x"):rep(100000)
    repeat
      local bytes = server:sslRead()
      if type(bytes) == "string" then got = got + #bytes end
      if rest then
        local answer = client:sslWrite(rest)
        if answer > 0 then
          sent = sent + answer
          rest = nil
        end
      end
    until not rest and got == sent
    assert.are.equal(sent, got)
  end)
end)

-- ---- whole processes

local prelude = [[
  local scissl = require "scissl"
  local certificate, key, ca = %q, %q, %q
  local function context(server)
    local context = assert(scissl.SciSslContext.new())
    assert(context:loadVerifyLocations(ca))
    if server then
      assert(context:useCertificateFile(certificate))
      assert(context:usePrivateKeyFile(key))
    else assert(context:setVerify(scissl.SSL_VERIFY_PEER)) end
    return context
  end
  local function pair()
    local near, far = assert(scissl.SciSocket.pair())
    near:setBlocking(false)
    far:setBlocking(false)
    local client = assert(scissl.SciSslSocket.on(near, context(false)))
    local server = assert(scissl.SciSslSocket.on(far, context(true)))
    assert(client:sslInitialize())
    assert(server:sslInitialize())
    return client, server
  end
  local function connected()
    local client, server = pair()
    for _ = 1, 4 do client:sslConnect() server:sslAccept() end
    assert(client:isSecure() and server:isSecure())
    return client, server
  end
]]

local function ends_well(source)
  local command = prelude:format(pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile) .. source
  local peer <close> = ends.lua(command)
  local output, how, code = peer:finish()
  assert.are.same({ "", "exit", 0 }, { output, how, code })
end

describe("lua_close", function()
  for steps = 0, 5 do
    it(("after %d steps of a handshake ends the process without a word"):format(steps), function()
      ends_well(([[
        client, server = pair()
        for i = 1, %d do
          if i %% 2 == 1 then client:sslConnect() else server:sslAccept() end
        end
      ]]):format(steps))
    end)
  end

  for name, source in pairs {
    ["with a connection that stands"] = "client, server = connected()",
    ["with everything that a connection has to do with"] = [[
      client, server = connected()
      assert(server:sslWrite "hi" == 2)
      client:sslRead()
      session, certificate, chain = client:getSession(), client:peerCertificate(), client:peerChain()
      cipher, failure, version = client:cipher(), select(2, scissl.SciSslContext.new "x"), scissl.OSSslVersion.current()
    ]],
    ["with a write that is pending"] = [[
      client, server = connected()
      repeat until client:sslWrite(("x"):rep(100000)) < 0
    ]],
    ["with a memory transport that is full"] = [[
      client = scissl.SciSslSocket.onMemory(context(false))
      client:sslFeed(("x"):rep(1000000))
      assert(client:sslInitialize())
      client:sslConnect()
    ]],
    ["with a dead coroutine that owns a connection"] = [[
      thread = coroutine.create(function() local a, b = connected() coroutine.yield() return a, b end)
      coroutine.resume(thread)
    ]],
    ["with objects that others' finalizers revive and use"] = [[
      client, server = connected()
      guard = setmetatable({}, { __gc = function()
        pcall(client.sslWrite, client, "late")
        pcall(server.sslRead, server)
        pcall(tostring, client)
        pcall(client.close, client)
      end })
    ]],
    ["with finalizers that use what has been finalized"] = [[
      guard = setmetatable({}, { __gc = function()
        for _, object in ipairs { client, server, client_context } do
          assert(tostring(object):find("closed"), tostring(object))
          if object.sslRead then
            assert(object:sslRead():condition() == "closed")
            assert(object:close())
          end
        end
      end })
      client, server = connected()
      client_context = context(false)
    ]],
    ["by os.exit with an error raised on the way"] = [[
      client, server = connected()
      pcall(error, client)
      os.exit(true, true)
    ]],
  } do
    it(name .. " ends the process without a word", function() ends_well(source) end)
  end
end)

describe("The module", function()
  it("may be loaded again after package.loaded forgot it", function()
    ends_well([[
      local first_client, first_server = connected()
      for _ = 1, 20 do
        for name in pairs(package.loaded) do
          if name:find "^scissl" then package.loaded[name] = nil end
        end
        local again = require "scissl"
        assert(again ~= scissl)
        local near = assert(again.SciSslSocket.onMemory(assert(again.SciSslContext.new())))
        assert(near:sslInitialize())
        assert(near:sslConnect() < 0)
        collectgarbage()
      end
      assert(first_client:sslWrite "hi" == 2)
      assert(first_server:sslRead() == "hi")
      assert(tostring(first_client):find "SciSslSocket: client")
    ]])
  end)

  it("is the same when it is required twice", function()
    assert.are.equal(scissl, require "scissl")
    assert.are.equal(require "scissl.core", require "scissl.core")
  end)

  it("sets no global", function()
    ends_well([[
      for name in pairs(_G) do assert(not name:find "^[Ss]ci" and not name:find "ssl", name) end
    ]])
  end)

  it("serves several lua_States of one process at once, and outlives some of them", function()
    if not ends.has "cc" then return pending("several lua_States: no C compiler here") end
    local program = pki.write([[
      #include <stdio.h>
      #include <lua.h>
      #include <lauxlib.h>
      #include <lualib.h>
      static lua_State *start(const char *script) {
        lua_State *L = luaL_newstate();
        luaL_openlibs(L);
        if (luaL_dofile(L, script)) { fprintf(stderr, "%s\n", lua_tostring(L, -1)); return NULL; }
        return L;
      }
      static int run(lua_State *L, const char *name) {
        lua_getglobal(L, name);
        if (lua_pcall(L, 0, 0, 0) == LUA_OK) return 1;
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        return 0;
      }
      int main(int count, char **arguments) {
        lua_State *states[4];
        (void)count;
        for (int i = 0; i < 4; i++) if (!(states[i] = start(arguments[1]))) return 1;
        for (int i = 0; i < 4; i++) if (!run(states[i], "begin")) return 2;
        lua_close(states[1]);
        for (int i = 0; i < 4; i++) if (i != 1 && !run(states[i], "go_on")) return 3;
        lua_close(states[0]);
        if (!(states[0] = start(arguments[1])) || !run(states[0], "begin") || !run(states[0], "go_on")) return 4;
        lua_close(states[3]);
        if (!run(states[2], "go_on")) return 5;
        lua_close(states[2]);
        lua_close(states[0]);
        return 0;
      }
    ]], "states.c")
    local binary = pki.folder() .. "/states"
    local built <close> = ends.start(shell.buildsWithLua(binary, program))
    local output, _, code = built:finish()
    if code ~= 0 then return pending("several lua_States: no liblua to link with: " .. output:match("[^\n]*")) end
    local script = prelude:format(pki.server.certificateFile, pki.server.keyFile, pki.ca.certificateFile) .. [[
      function begin()
        client, server = connected()
        assert(not scissl.SciSslContext.new():loadVerifyLocations("/missing")) -- fails here, and nowhere else
      end
      function go_on()
        assert(client:sslWrite "hi" == 2)
        assert(server:sslRead() == "hi")
        assert(server:sslRead() < 0)
      end
    ]]
    local preload = os.getenv "SCISSL_RUN" == "sanitized" and "LD_PRELOAD=$(gcc -print-file-name=libasan.so) " or ""
    local peer <close> = ends.start(("sh -c '%sLUA_PATH=\"%s\" LUA_CPATH=\"%s\" %s %s'"):format(preload, package.path,
      package.cpath, binary, pki.write(script)))
    local text, how, status = peer:finish()
    assert.are.same({ "", "exit", 0 }, { text, how, status })
  end)
end)

-- ---- the process

describe("A write to a peer that has gone", function()
  it("raises no SIGPIPE, and leaves the process's signals as they were", function()
    local status = io.open("/proc/self/status")
    if not status then return pending("signals: no /proc here") end
    status:close()
    ends_well([[
      local function signals()
        local file <close> = io.open("/proc/self/status")
        return file:read("a"):match("SigBlk:.-SigCgt:%s*%x+")
      end
      local before = assert(signals())
      for _ = 1, 3 do
        local client, server = connected()
        assert(getmetatable(server).__gc)(server)
        server = nil
        collectgarbage()
        collectgarbage()
        local answer
        for _ = 1, 10 do answer = client:sslWrite("is anybody there?") end
        assert(scissl.isSslError(answer), tostring(answer))
        assert(answer:condition() == "broken_pipe" or answer:condition() == "connection_reset", answer:condition())
        assert(answer:errorHint():find "peer")
        assert(signals() == before)
        client:sslShutdown()
        assert(client:close())
        assert(signals() == before)
      end
      scissl.handshake(select(1, pair()), "connect", { timeout = 0 })
      assert(signals() == before)
    ]])
  end)

  it("answers that again, whatever bytes come next", function()
    for _, version in ipairs(VERSIONS) do
      local client, server = ends.connected { version = version }
      server:close()
      local answer
      repeat answer = client:sslWrite(("x"):rep(10000)) until math.type(answer) ~= "integer"
      for _, bytes in ipairs { "others", "y", ("z"):rep(20000) } do
        local again = client:sslWrite(bytes)
        assert.equal(refusals.check(answer):condition(), refusals.check(again):condition())
        assert.equal("write", again:phase())
      end
      assert.equal(0, client:sslRead())
      assert.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(0))
    end
  end)

  it("answers broken_pipe or connection_reset over TCP, too", function()
    for _, version in ipairs(VERSIONS) do
      local client, server = ends.connected { version = version, transport = "tcp" }
      server:close()
      local answer
      repeat answer = client:sslWrite(("x"):rep(10000)) until math.type(answer) ~= "integer"
      local condition = refusals.check(answer):condition()
      assert.is_true(condition == "broken_pipe" or condition == "connection_reset", condition)
      assert.are.equal("write", answer:phase())
    end
  end)
end)

describe("A child process", function()
  it("inherits no descriptor of a SciSslSocket, however it was made", function()
    local links = io.open("/proc/self/stat")
    if not links then return pending("descriptors: no /proc here") end
    local own = links:read("n")
    links:close()
    local client, server = ends.connected { transport = "tcp" }
    local near, far = ends.connected { transport = "pair" }
    local listener = assert(scissl.SciSslSocket.new(ends.serverContext()))
    assert(listener:bind("127.0.0.1", 0))
    assert(listener:listen())
    local _, port = listener:getSockName()
    local dialled = assert(scissl.SciSslSocket.new(ends.clientContext()))
    assert(dialled:connect("127.0.0.1", port))
    assert(listener:wait("r", 30))
    local accepted = assert(listener:accept())
    local all = { client, server, near, far, listener, dialled, accepted }
    local names = {}
    for i, socket in ipairs(all) do
      local pipe <close> = assert(io.popen(("readlink /proc/%d/fd/%d"):format(own, socket:getfd())))
      names[i] = assert(pipe:read("l"))
      assert.matches("^socket:", names[i])
    end
    local pipe <close> = assert(io.popen("ls -l /proc/self/fd"))
    local inherited = pipe:read("a")
    for i, name in ipairs(names) do assert.is_nil(inherited:find(name, 1, true), tostring(all[i])) end
    for _, socket in ipairs(all) do socket:close() end
  end)
end)
