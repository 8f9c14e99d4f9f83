local core = require "scissl.core"
local ends = require "spec.support.ends"
local sockets = require "spec.support.sockets"

local SciSocket = core.SciSocket
local new, pair, tcp = sockets.new, sockets.pair, sockets.tcp
local listening, refusing, foreign = sockets.listening, sockets.refusing, sockets.foreign
local refusal, wants = sockets.refusal, sockets.wants

describe("SciSocket.newStreamSocket", function()
  it("makes a blocking socket that is not connected", function()
    local socket <close> = new()
    assert.is_true(socket:isBlocking())
    assert.is_true(socket:getfd() >= 0)
    assert.equal("SciSocket: not connected", tostring(socket))
  end)

  it("makes TCP sockets unless told otherwise", function()
    local socket <close> = assert(new():bind("127.0.0.1", 0))
    assert.equal("127.0.0.1", (socket:getSockName()))
  end)

  it("makes Unix-domain sockets", function()
    local place = sockets.path()
    local socket <close> = assert(new("unix"):bind(place))
    assert.equal(place, (socket:getSockName()))
  end)

  it("raises for a family that it does not know", function()
    assert.error_matches(function() SciSocket.newStreamSocket("ipx") end, "invalid option 'ipx'")
  end)
end)

describe("SciSocket.pair", function()
  it("answers two sockets that are connected to each other", function()
    local near, far, _ <close> = pair()
    near:send("there")
    assert.equal("there", far:recv(100))
    far:send("and back")
    assert.equal("and back", near:recv(100))
  end)

  it("makes both blocking", function()
    local near, far, _ <close> = pair()
    assert.is_true(near:isBlocking())
    assert.is_true(far:isBlocking())
  end)
end)

describe("setBlocking", function()
  it("answers the receiver, and isBlocking tells", function()
    local near, far, _ <close> = pair()
    assert.equal(near, near:setBlocking(false))
    assert.is_false(near:isBlocking())
    assert.is_true(far:isBlocking())
    near:setBlocking(true)
    assert.is_true(near:isBlocking())
  end)

  it("raises for what is no boolean", function()
    local socket <close> = new()
    assert.error_matches(function() socket:setBlocking() end, "boolean expected")
    assert.error_matches(function() socket:setBlocking(0) end, "boolean expected")
  end)
end)

describe("close", function()
  it("answers true, and twice is harmless", function()
    local socket = new()
    assert.is_true(socket:close())
    assert.is_true(socket:close())
    assert.equal("SciSocket: closed", tostring(socket))
  end)

  it("closes at the end of a <close> variable's scope", function()
    local seen
    do
      local socket <close> = new()
      seen = socket
    end
    assert.equal(-1, seen:getfd())
  end)

  it("lets the peer know", function()
    local near, far, _ <close> = pair()
    near:close()
    assert.equal("", far:recv(1))
  end)

  it("makes every later operation answer closed", function()
    local socket = new()
    socket:close()
    local operations = {
      { "connect", "127.0.0.1", 1 }, { "bind", "127.0.0.1", 0 }, { "listen" }, { "accept" }, { "send", "x" },
      { "send", "" }, { "recv", 1 }, { "recv", 0 }, { "shutdown", "rw" }, { "setBlocking", true }, { "isBlocking" },
      { "getPeerName" }, { "getSockName" }, { "getSockOpt", "SO_TYPE" }, { "setSockOpt", "SO_KEEPALIVE", true },
      { "wait", "r", 0 },
    }
    for _, operation in ipairs(operations) do
      local condition = refusal(socket[operation[1]](socket, table.unpack(operation, 2)))
      assert.equal("closed", condition, operation[1])
    end
  end)

  it("answers event loops that there is nothing to wait for", function()
    local socket = new()
    socket:close()
    assert.equal(-1, socket:getfd())
    assert.equal(-1, socket:pollfd())
    assert.is_nil(socket:events())
    assert.is_nil(socket:timeout())
    assert.is_false(socket:dirty())
  end)

  it("leaves nothing behind after 10,000 sockets", function()
    local before = sockets.lowest_free()
    for _ = 1, 10000 do new():close() end
    assert.equal(before, sockets.lowest_free())
  end)

  it("is done for sockets that are collected", function()
    sockets.collect()
    local before = sockets.lowest_free()
    for _ = 1, 10 do
      new()
      SciSocket.pair()
    end
    sockets.collect()
    assert.equal(before, sockets.lowest_free())
  end)
end)

describe("what event loops ask", function()
  it("is the descriptor, by both names", function()
    local socket <close> = new()
    assert.equal("integer", math.type(socket:getfd()))
    assert.equal(socket:getfd(), socket:pollfd())
  end)

  it("is to wait for reading, once connected or listening", function()
    local near, _, _ <close> = pair()
    assert.equal("r", near:events())
    local listener, _, _ <close> = listening()
    assert.equal("r", listener:events())
    assert.is_nil(near:timeout())
    assert.is_false(near:dirty())
  end)

  it("is to wait for writing while still connecting", function()
    local listener <close> = assert(assert(new():bind("127.0.0.1", 0)):listen(0))
    local _, port = listener:getSockName()
    local clients, stuck = {}, nil
    for i = 1, 16 do
      clients[i] = assert(new():setBlocking(false):connect("127.0.0.1", port))
      if not clients[i]:wait("w", 0.01) then
        stuck = clients[i]
        break
      end
    end
    if stuck then
      assert.equal("w", stuck:events())
      assert.equal("SciSocket: connecting 127.0.0.1:" .. port, tostring(stuck))
      wants(core.SSL_ERROR_WANT_WRITE, stuck:send("x"))
    end
    for _, client in ipairs(clients) do client:close() end
    if not stuck then return pending("this system's queue of TCP connections never fills") end
  end)
end)

describe("a child process", function()
  local function own_pid()
    local file <close> = assert(io.open("/proc/self/stat"))
    return file:read("n")
  end

  -- The system's name for what is open at `descriptor`, such as socket:[1234].
  local function identity(descriptor)
    local pipe <close> = assert(io.popen(("readlink /proc/%d/fd/%d"):format(own_pid(), descriptor)))
    return assert(pipe:read("l"))
  end

  local function inherited(socket)
    local name = identity(socket:getfd())
    assert.matches("^socket:", name)
    local pipe <close> = assert(io.popen("ls -l /proc/self/fd"))
    return pipe:read("a"):find(name, 1, true) ~= nil
  end

  it("inherits no socket, however it was made", function()
    if not sockets.exists("/proc/self/stat") then return pending("no /proc here") end
    local listener, port, _ <close> = listening()
    local client <close> = assert(new():connect("127.0.0.1", port))
    local server <close> = assert(listener:accept())
    local near, far, _ <close> = pair()
    local own <close> = assert(SciSocket.on(foreign(near:getfd()), true))
    local unix <close> = new("unix")
    for _, socket in ipairs { listener, client, server, near, far, own, unix } do
      assert.is_false(inherited(socket), tostring(socket))
    end
  end)

  it("inherits a socket that is told to be inheritable, until it is told not to be", function()
    local socket = assert(SciSocket.newStreamSocket())
    assert.are.equal(socket, socket:setInheritable(true))
    assert.is_true(inherited(socket))
    assert(socket:setInheritable(false))
    assert.is_false(inherited(socket))
    socket:close()
    local _, err = socket:setInheritable(true)
    assert.are.equal("closed", err:condition())
    assert.error_matches(function() socket:setInheritable(1) end, "boolean expected")
  end)

  it("inherits no descriptor that was adopted by its number", function()
    if not sockets.exists("/proc/self/stat") then return pending("no /proc here") end
    local luasocket = sockets.optional "socket"
    if not luasocket then return pending("LuaSocket is not installed") end
    local object = luasocket.tcp()
    assert(object:bind("127.0.0.1", 0))
    local socket <close> = assert(SciSocket.on(math.tointeger(object:getfd())))
    object:setfd(-1)
    assert.is_false(inherited(socket))
  end)
end)

describe("the process's signals", function()
  it("are treated as before", function()
    if not sockets.exists("/proc/self/status") then return pending("no /proc here") end
    local peer <close> = ends.lua([[
      local function signals()
        local file <close> = io.open("/proc/self/status")
        return file:read("a"):match("SigBlk:.-SigCgt:%s*%x+")
      end
      local before = assert(signals())
      local SciSocket = require "scissl.core".SciSocket
      local near, far = SciSocket.pair()
      far:close()
      assert(not near:send("x"))
      print(before == signals())
    ]])
    assert.equal("true\n", (peer:finish()))
  end)
end)

describe("SciSslSocket as a SciSocket", function()
  local function secure(socket)
    return assert(core.SciSslSocket.on(socket, assert(core.SciSslContext.new())))
  end

  it("answers the messages of a SciSocket", function()
    local client, _, _ <close> = tcp()
    local socket <close> = secure(client)
    assert.equal(client:getfd(), socket:getfd())
    assert.same({ client:getPeerName() }, { socket:getPeerName() })
    assert.same({ client:getSockName() }, { socket:getSockName() })
    assert.equal(client:getSockOpt("SO_TYPE"), socket:getSockOpt("SO_TYPE"))
    assert.equal(socket, socket:setSockOpt("TCP_NODELAY", true))
    assert.equal("w", socket:wait("w", 10))
    assert.is_true(socket:isBlocking())
  end)

  it("is accepted wherever a SciSocket is", function()
    local near, _, _ <close> = pair()
    local socket <close> = secure(near)
    assert.equal(near:getfd(), SciSocket.getfd(socket))
    assert.equal("w", assert(SciSocket.poll { [socket] = "w" })[socket])
  end)

  it("has no constructors of plain sockets", function()
    assert.is_nil(core.SciSslSocket.newStreamSocket)
    assert.is_nil(core.SciSslSocket.pair)
    assert.not_equal(SciSocket.on, core.SciSslSocket.on)
  end)

  it("tells why its connection was refused", function()
    local port, _, _ <close> = refusing()
    local socket <close> = assert(core.SciSslSocket.new(assert(core.SciSslContext.new())))
    assert.equal(socket, socket:connect("127.0.0.1", port))
    assert(socket:sslInitialize())
    assert.is_truthy(socket:wait("w", 10))
    for _ = 1, 2 do
      local failure = socket:sslConnect()
      assert.is_true(core.isSslError(failure))
      assert.same({ "connect", "connection_refused", "127.0.0.1:" .. port },
        { failure:phase(), failure:condition(), failure:subject() })
    end
  end)

  it("tells that there is no connection yet", function()
    local socket <close> = assert(core.SciSslSocket.new(assert(core.SciSslContext.new())))
    assert(socket:sslInitialize())
    assert.equal("not_connected", socket:sslConnect():condition())
  end)
end)

describe("a method of SciSocket", function()
  it("raises for another receiver", function()
    for _, value in ipairs { {}, io.stdout, 1, "x" } do
      assert.error_matches(function() SciSocket.getfd(value) end, "SciSocket expected")
    end
    assert.error_matches(function() SciSocket.getfd() end, "SciSocket expected")
  end)

  it("is not fooled by a metatable that was made alike", function()
    local socket <close> = new()
    local file = assert(io.tmpfile())
    local meta = {}
    for key, value in pairs(getmetatable(socket)) do meta[key] = value end
    local disguised = debug.setmetatable(file, meta)
    local fooled = pcall(SciSocket.getfd, disguised)
    debug.setmetatable(file, getmetatable(io.stdout))
    file:close()
    assert.is_false(fooled)
  end)
end)
