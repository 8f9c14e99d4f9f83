-- Loops that watch the descriptor alone and do not ask `dirty`: what was not received has to be in the kernel. Ours
-- and the real LuaSec.

local core = require "scissl.core"
local luasec = require "spec.support.luasec"

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
