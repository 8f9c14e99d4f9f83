-- Loops that watch the descriptor alone and do not ask `dirty`: what was not received has to be in the kernel. Ours
-- and the real LuaSec.

local core = require "scissl.core"
local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

-- What such a loop knows of a connection.
local function is_readable(connection)
  local ready = assert(core.SciSocket.poll({ [math.tointeger(connection:getfd())] = "r" }, 1))
  return next(ready) ~= nil
end

-- A client in memory decides which of its records arrive in one segment.
local function begin(ssl, parameters, prepare)
  local near, far = luasec.sockets()
  near:settimeout(10)
  local client = core.SciSslSocket.onMemory(core.SciSslContext.new "TLSv1.3")
  client:sslInitialize()
  client:sslSetServerName "localhost"
  local server = assert(ssl.wrap(far, parameters or luasec.server()))
  server:settimeout(0)
  if prepare then prepare(server) end
  return client, near, server
end

-- Until the client has its Finished ready, and the server waits for it.
local function go_half_way(client, near, server)
  client:sslConnect()
  assert(near:send(client:sslDrain()))
  assert(is_readable(server))
  assert.are.same({ false, "wantread" }, { server:dohandshake() })
  repeat
    assert.is_true(is_readable(near))
    near:settimeout(0)
    local bytes, _, part = near:receive(65536)
    client:sslFeed(bytes or part)
  until client:sslConnect() == 1
end

for name, ssl in luasec.implementations() do
  describe("With LuaSec, " .. name .. ", a loop that watches the descriptor alone", function()
    it("finds the request that came with the client's Finished", function()
      local client, near, server = begin(ssl)
      go_half_way(client, near, server)
      client:sslWrite "a request\n"
      assert(near:send(client:sslDrain()))
      assert(is_readable(server))
      assert.is_true((server:dohandshake()))
      assert.is_true(is_readable(server))
      assert.is_false(server:dirty())
      assert.are.equal("a request", (server:receive()))
    end)

    it("finds it where the context was switched by the server's name", function()
      local other = assert(ssl.newcontext(luasec.server()))
      local client, near, server = begin(ssl, nil, function(server) server:sni { localhost = other } end)
      go_half_way(client, near, server)
      client:sslWrite "a request\n"
      assert(near:send(client:sslDrain()))
      assert(is_readable(server))
      assert.is_true((server:dohandshake()))
      assert.is_true(is_readable(server))
      assert.are.equal("localhost", server:getsniname())
      assert.are.equal("a request", (server:receive()))
    end)

    it("wakes up for every record, however many came at once", function()
      local client, near, server = begin(ssl)
      go_half_way(client, near, server)
      for i = 1, 5 do client:sslWrite(("record %d\n"):format(i)) end
      assert(near:send(client:sslDrain()))
      assert(is_readable(server))
      assert.is_true((server:dohandshake()))
      for i = 1, 5 do
        assert.is_true(is_readable(server))
        assert.are.equal(("record %d"):format(i), (server:receive()))
        assert.is_false(server:dirty())
      end
    end)

    it("learns by `dirty` what is left of a record", function()
      local client, near, server = begin(ssl)
      go_half_way(client, near, server)
      client:sslWrite "one\ntwo\n"
      client:sslWrite "three\n"
      assert(near:send(client:sslDrain()))
      assert(is_readable(server))
      assert.is_true((server:dohandshake()))
      assert.are.equal("one", (server:receive()))
      assert.is_true(server:dirty())
      assert.are.equal("two", (server:receive()))
      assert.is_false(server:dirty())
      assert.is_true(is_readable(server))
      assert.are.equal("three", (server:receive()))
    end)

    it("is told of the end where it came with the last bytes", function()
      local client, near, server = begin(ssl)
      go_half_way(client, near, server)
      client:sslWrite "last\n"
      client:sslShutdown()
      assert(near:send(client:sslDrain()))
      assert(is_readable(server))
      assert.is_true((server:dohandshake()))
      assert.are.equal("last", (server:receive()))
      assert.is_true(is_readable(server))
      assert.are.same({ nil, "closed", "" }, { server:receive() })
    end)
  end)
end

local program = [[
local ssl = %s
local event, socket = require "luaevent.core", require "socket"
local base = event.new()
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local context = assert(ssl.newcontext { mode = "server", protocol = "any", key = %q, certificate = %q })
local CLIENTS, LINES = 5, 20
local done = 0
local keep = {}

local function on(socket_or_connection, kind, callback)
  keep[#keep + 1] = assert(base:addevent(socket_or_connection, kind, callback))
end

-- Shakes hands, then calls on_line for each line and sends what it returns.
local function serve(connection, on_secure, on_line)
  connection:settimeout(0)
  local rest, secured = "", false
  local wanted = { wantread = event.EV_READ, wantwrite = event.EV_WRITE }
  local step
  local function again(problem) on(connection, assert(wanted[problem], problem), step) end
  function step()
    if not secured then
      local good, problem = connection:dohandshake()
      if not good then
        again(problem)
        return -1
      end
      secured = true
      on_secure()
      again "wantread"
      return -1
    end
    local line, problem, part = connection:receive("*l", rest)
    if line then
      rest = ""
      local answer = on_line(line)
      if answer then assert(connection:send(answer)) end
      again "wantread"
    elseif wanted[problem] then
      rest = part
      again(problem)
    else connection:close() end
    return -1
  end
  step()
end

on(listener, event.EV_READ, function()
  local connection = assert(ssl.wrap(assert(listener:accept()), context))
  serve(connection, function() end, function(line) return line .. "\n" end)
end)

for client = 1, CLIENTS do
  local connection = assert(ssl.wrap(assert(socket.connect("127.0.0.1", port)), { mode = "client", protocol = "any" }))
  local count = 0
  local function next_line() assert(connection:send(("client %%d line %%d\n"):format(client, count + 1))) end
  serve(connection, next_line, function(line)
    count = count + 1
    assert(line == ("client %%d line %%d"):format(client, count))
    if count < LINES then return next_line() end
    done = done + 1
    if done == CLIENTS then
      print "all done"
      os.exit(0)
    end
  end)
end
base:loop()
]]

describe("lua-event serves and asks over LuaSec,", function()
  if not package.searchpath("luaevent.core", package.cpath) then return pending "luaevent is not installed" end
  for _, one in ipairs { { "ours", '(require "scissl.luasec").install()' }, { "the real one", 'require "ssl"' } } do
    it(one[1], function()
      local source = program:format(one[2], pki.server.keyFile, pki.server.certificateFile)
      local peer <close> = ends.lua(source, nil, ends.leaking()) -- libevent keeps memory
      local output, how, code = peer:finish()
      assert.are.same({ "all done\n", "exit", 0 }, { output, how, code })
    end)
  end
end)
