local core = require "scissl.core"
local pki = require "spec.support.pki"
local sockets = require "spec.support.sockets"

local SciSocket = core.SciSocket
local new, pair, tcp = sockets.new, sockets.pair, sockets.tcp
local listening, refusing, foreign = sockets.listening, sockets.refusing, sockets.foreign
local fails_with = sockets.fails_with

describe("SciSocket.on a descriptor", function()
  local luasocket = sockets.optional "socket"

  -- A descriptor number that nobody owns any more.
  local function bare()
    local object = luasocket.tcp()
    assert(object:bind("127.0.0.1", 0))
    local descriptor = math.tointeger(object:getfd())
    object:setfd(-1)
    return descriptor
  end

  it("makes it ours", function()
    if not luasocket then return pending("LuaSocket is not installed") end
    local descriptor = bare()
    local socket = assert(SciSocket.on(descriptor))
    assert.equal(descriptor, socket:getfd())
    socket:close()
    fails_with("closed", "adopt", SciSocket.on(descriptor))
  end)

  it("closes it when the socket is collected", function()
    if not luasocket then return pending("LuaSocket is not installed") end
    local descriptor = bare()
    assert(SciSocket.on(descriptor))
    sockets.collect()
    fails_with("closed", "adopt", SciSocket.on(descriptor))
  end)

  it("refuses numbers that are no open descriptor", function()
    for _, number in ipairs { -1, math.mininteger, 1 << 31, 1 << 32, math.maxinteger, 999999 } do
      fails_with("closed", "adopt", SciSocket.on(number))
    end
  end)

  it("refuses a regular file, and leaves it open", function()
    local descriptor = sockets.lowest_free()
    local file <close> = assert(io.open(pki.write("content")))
    fails_with("not_a_socket", "adopt", SciSocket.on(descriptor))
    sockets.collect()
    assert.equal("content", file:read("a"))
  end)

  it("refuses a pipe", function()
    local descriptor = sockets.lowest_free()
    local pipe = assert(io.popen("cat", "r"))
    fails_with("not_a_socket", "adopt", SciSocket.on(descriptor))
    pipe:close()
  end)

  it("adopts a datagram socket", function()
    if not luasocket then return pending("LuaSocket is not installed") end
    local udp = luasocket.udp()
    udp:setsockname("127.0.0.1", 0)
    assert.is_true(assert(SciSocket.on(udp)):isDatagram())
    udp:close()
  end)

  it("raises for what can be no transport", function()
    for _, value in ipairs { "1", true, print } do
      assert.error_matches(function() SciSocket.on(value) end, "SciSocket, descriptor or object")
    end
    assert.error_matches(function() SciSocket.on() end, "SciSocket, descriptor or object")
    assert.error_matches(function() SciSocket.on(1.5) end, "integer")
  end)
end)

describe("SciSocket.on an object", function()
  for _, method in ipairs { "getfd", "fileno", "pollfd" } do
    it("asks for its descriptor by " .. method, function()
      local near, far, _ <close> = pair()
      local socket = assert(SciSocket.on(foreign(near:getfd(), method)))
      assert.equal(near:getfd(), socket:getfd())
      socket:send("borrowed")
      assert.equal("borrowed", far:recv(100))
    end)
  end

  it("asks on where pollfd answers another object", function()
    local near, _, _ <close> = pair()
    local object = foreign(foreign(near:getfd(), "getfd"), "pollfd")
    assert.equal(near:getfd(), assert(SciSocket.on(object)):getfd())
    assert.equal(near:getfd(), assert(SciSocket.on(foreign(near, "pollfd"))):getfd())
  end)

  it("gives up on an object that stands for itself", function()
    local object = {}
    function object.pollfd() return object end
    fails_with("closed", "adopt", SciSocket.on(object))
  end)

  it("keeps the blocking mode as it is", function()
    local near, _, _ <close> = pair()
    near:setBlocking(false)
    assert.is_false(assert(SciSocket.on(foreign(near:getfd()))):isBlocking())
    near:setBlocking(true)
    assert.is_true(assert(SciSocket.on(foreign(near:getfd()))):isBlocking())
  end)

  it("tells the blocking mode that somebody else has given the descriptor", function()
    local near, _, _ <close> = pair()
    near:setBlocking(false)
    assert(SciSocket.on(foreign(near:getfd())):setBlocking(true))
    assert.is_true(near:isBlocking())
    near:setBlocking(false)
    local duplicate <close> = assert(SciSocket.on(near, true))
    duplicate:setBlocking(true)
    assert.is_true(near:isBlocking())
    near:setBlocking(false)
    assert.is_false(duplicate:isBlocking())
  end)

  it("leaves closing to the object", function()
    local near, _, _ <close> = pair()
    local object = foreign(near:getfd())
    local socket = assert(SciSocket.on(object))
    assert.is_true(socket:close())
    assert.is_true(socket:close())
    assert.equal(1, object.closed)
    assert.equal(-1, socket:getfd())
    assert.equal(1, near:send("x"))
  end)

  it("closes nothing when the socket is collected", function()
    local near, _, _ <close> = pair()
    local object = foreign(near:getfd())
    assert(SciSocket.on(object))
    sockets.collect()
    assert.equal(0, object.closed)
    assert.equal(1, near:send("x"))
  end)

  it("keeps the object alive", function()
    local near, _, _ <close> = pair()
    local weak = setmetatable({ foreign(near:getfd()) }, { __mode = "v" })
    local socket = assert(SciSocket.on(weak[1]))
    sockets.collect()
    assert.is_table(weak[1])
    socket:close()
    sockets.collect()
    assert.is_nil(weak[1])
  end)

  it("answers what the object's close raised", function()
    local near, _, _ <close> = pair()
    local object = foreign(near:getfd())
    function object.close() error("not today", 0) end
    local socket = assert(SciSocket.on(object))
    local value, failure = socket:close()
    assert.is_nil(value)
    assert.equal("owner_failed", failure:condition())
    assert.equal("not today", failure:cause())
    assert.is_true(socket:close())
  end)

  it("does without a close", function()
    local near, _, _ <close> = pair()
    local object = foreign(near:getfd())
    object.close = nil
    assert.is_true(assert(SciSocket.on(object)):close())
  end)

  it("takes a duplicate and lets go of the object where own is true", function()
    local near, far, _ <close> = pair()
    local object = foreign(near:getfd())
    local socket = assert(SciSocket.on(object, true))
    assert.not_equal(near:getfd(), socket:getfd())
    near:close()
    socket:send("mine")
    assert.equal("mine", far:recv(100))
    socket:close()
    assert.equal(0, object.closed)
    assert.equal("", far:recv(1))
  end)

  it("knows whether it listens or is connected", function()
    local listener, port, _ <close> = listening()
    assert.equal("SciSocket: listening 127.0.0.1:" .. port, tostring(SciSocket.on(foreign(listener:getfd()))))
    local client, _, _ <close> = tcp()
    assert.equal(tostring(client), tostring(SciSocket.on(foreign(client:getfd()))))
    local lone <close> = new()
    assert.equal("SciSocket: not connected", tostring(SciSocket.on(foreign(lone:getfd()))))
  end)

  it("refuses a table or userdata that has none of the methods", function()
    for _, value in ipairs { {}, { getfd = 5 }, io.stdout } do
      fails_with("not_a_socket", "adopt", SciSocket.on(value))
    end
  end)

  it("refuses an object that has no descriptor", function()
    for _, answer in ipairs { -1, -1.0, 0.5, "none", false, 1 << 40 } do
      fails_with("closed", "adopt", SciSocket.on(foreign(answer)))
    end
    fails_with("closed", "adopt", SciSocket.on(foreign(nil)))
  end)

  it("answers what the object raised when it was asked", function()
    local object = { getfd = function() error("no such luck", 0) end }
    local value, failure = SciSocket.on(object)
    assert.is_nil(value)
    assert.equal("not_a_socket", failure:condition())
    assert.equal("no such luck", failure:cause())
  end)

  it("survives an object that cannot even be indexed", function()
    local object = setmetatable({}, { __index = function() error "no" end })
    fails_with("not_a_socket", "adopt", SciSocket.on(object))
  end)
end)

describe("SciSocket.on a SciSocket", function()
  it("shares the descriptor", function()
    local near, far, _ <close> = pair()
    local upper = assert(SciSocket.on(near))
    assert.equal(near:getfd(), upper:getfd())
    upper:send("through two")
    assert.equal("through two", far:recv(100))
  end)

  it("is closed with the lower one, whatever gets its descriptor next", function()
    local near, _, _ <close> = pair()
    local upper = assert(SciSocket.on(assert(SciSocket.on(near))))
    near:close()
    local _ <close> = new()
    assert.equal(-1, upper:getfd())
    fails_with("closed", "send", upper:send("not for you"))
    assert.equal("SciSocket: closed", tostring(upper))
  end)

  it("closes the lower one", function()
    local near, _, _ <close> = pair()
    assert.is_true(assert(SciSocket.on(near)):close())
    assert.equal(-1, near:getfd())
  end)

  it("refuses a closed one", function()
    local socket = new()
    socket:close()
    fails_with("closed", "adopt", SciSocket.on(socket))
  end)

  it("shares what is known of the connection", function()
    local port, _, _ <close> = refusing()
    local lower <close> = assert(new():setBlocking(false):connect("127.0.0.1", port))
    local upper = assert(SciSocket.on(lower))
    assert.is_truthy(upper:wait("w", 10))
    assert.equal(tostring(lower), tostring(upper))
    fails_with("connection_refused", "send", upper:send("x"))
  end)

  it("connects the lower one", function()
    local _, port, _ <close> = listening()
    local lower <close> = new()
    assert(assert(SciSocket.on(lower)):connect("127.0.0.1", port))
    assert.equal("SciSocket: connected 127.0.0.1:" .. port, tostring(lower))
  end)

  it("is independent of it where own is true", function()
    local near, _, _ <close> = pair()
    local own = assert(SciSocket.on(near, true))
    near:close()
    assert.equal(1, own:send("x"))
    own:close()
  end)

  it("can be collected in any order", function()
    local before = sockets.lowest_free()
    for _ = 1, 100 do
      local near, far = SciSocket.pair()
      local upper = SciSocket.on(assert(SciSocket.on(near)))
      near, far, upper = upper, near, far -- luacheck: ignore
    end
    sockets.collect()
    sockets.collect()
    assert.equal(before, sockets.lowest_free())
  end)
end)

describe("SciSocket.on the objects of", function()
  it("LuaSocket: bytes pass, and close closes them", function()
    local luasocket = sockets.optional "socket"
    if not luasocket then return pending("LuaSocket is not installed") end
    local listener, port, _ <close> = listening()
    local object = assert(luasocket.connect("127.0.0.1", port))
    local peer <close> = assert(listener:accept())
    local socket = assert(SciSocket.on(object))
    socket:setBlocking(true)
    socket:send("from LuaSocket")
    assert.equal("from LuaSocket", peer:recv(100))
    peer:send("to LuaSocket")
    assert.equal("to LuaSocket", socket:recv(100))
    assert.is_true(socket:close())
    assert.equal(-1, math.tointeger(object:getfd()))
    assert.equal("", peer:recv(1))
  end)

  it("LuaSocket: a closed one is refused", function()
    local luasocket = sockets.optional "socket"
    if not luasocket then return pending("LuaSocket is not installed") end
    local object = luasocket.tcp()
    object:close()
    fails_with("closed", "adopt", SciSocket.on(object))
  end)

  it("LuaSocket: select takes a SciSocket", function()
    local luasocket = sockets.optional "socket"
    if not luasocket then return pending("LuaSocket is not installed") end
    local near, far, _ <close> = pair()
    assert.same({}, { table.unpack((luasocket.select({ far }, nil, 0))) })
    near:send("x")
    assert.equal(far, (luasocket.select({ far }, nil, 10))[1])
  end)

  it("luv: the handle goes on owning its descriptor", function()
    local luv = sockets.optional "luv"
    if not luv then return pending("luv is not installed") end
    local listener, port, _ <close> = listening()
    local handle, connected = luv.new_tcp(), nil
    handle:connect("127.0.0.1", port, function(failure) connected = not failure end)
    luv.run()
    assert.is_true(connected)
    local peer <close> = assert(listener:accept())
    local socket = assert(SciSocket.on(handle))
    socket:send("from luv")
    assert.equal("from luv", peer:recv(100))
    assert.is_true(socket:close())
    assert.is_true(handle:is_closing())
    luv.run()
  end)

  it("cqueues: by pollfd", function()
    local cqsocket = sockets.optional "cqueues.socket"
    if not cqsocket then return pending("cqueues is not installed") end
    local near, far = cqsocket.pair()
    local socket, other = assert(SciSocket.on(near)), assert(SciSocket.on(far))
    assert.equal(6, socket:send("by fd\n"))
    assert.equal("r", other:wait("r", 10))
    assert.equal("by fd\n", other:recv(100))
    assert.is_true(socket:close())
    assert.is_true(other:close())
  end)

  it("cqueues: its poll takes a SciSocket", function()
    local cqueues = sockets.optional "cqueues"
    if not cqueues then return pending("cqueues is not installed") end
    local near, far, _ <close> = pair()
    local loop, ready = cqueues.new(), nil
    loop:wrap(function() ready = cqueues.poll(far, 10) end)
    loop:wrap(function() near:send("x") end)
    assert(loop:loop())
    assert.equal(far, ready)
  end)
end)
