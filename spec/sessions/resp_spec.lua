-- The small client of Redis, against one that answers as it is told.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local redis = require "spec.support.redis"
local sockets = require "spec.support.sockets"

local resp = require "scissl.sessions.redis.resp_client"

-- A server that takes one connection, gives `reply` for what comes first, and closes. Answers what the
-- client made of it.
local function answered(reply, call)
  local listener <close>, port = sockets.listening()
  listener:setBlocking(false)
  local seen
  local results = ends.run(function()
    assert(coroutine.yield(listener, "r"))
    local plain = assert(listener:accept())
    assert(coroutine.yield(plain, "r"))
    seen = plain:recv(65536)
    for i = 1, #reply do -- in pieces
      plain:send(reply, i, i)
      if i % 7 == 0 then coroutine.yield(plain, "w") end
    end
    plain:close()
  end, function()
    local client = assert(resp.connect { port = port, waiter = "coroutine", timeout = 30 })
    local value, failure = call(client)
    local closed = client.closed
    client:close()
    return value, failure, closed
  end)
  return results[2][1], results[2][2], results[2][3], seen
end

local function get(client) return client:get "k" end

describe("The client of Redis", function()
  it("writes commands as Redis reads them, and reads what it answers", function()
    local value, failure, closed, seen = answered("$5\r\na\r\nbc\r\n", get)
    assert.are.same({ "a\r\nbc" }, { value, failure })
    assert.is_falsy(closed)
    assert.are.equal("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", seen)
    value, failure, closed, seen = answered("+OK\r\n", function(client)
      return client:set("k", "\0\r\n", "EX", 7, "NX")
    end)
    assert.are.same({ "OK", false }, { value, closed or failure or false })
    assert.are.equal("*6\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\0\r\n\r\n$2\r\nEX\r\n$1\r\n7\r\n$2\r\nNX\r\n", seen)
    assert.are.equal(3, (answered(":3\r\n", get)))
    assert.are.equal("", (answered("$0\r\n\r\n", get)))
    assert.is_false((answered("$-1\r\n", get)))
  end)

  it("ends the connection for what makes no sense", function()
    for _, reply in ipairs {
      "hello\r\n", "$x\r\n", "$-2\r\n", "$3\r\nabcd\r\n", "$99999999999999999999\r\n", "$2000000\r\n", ":x\r\n",
      ":1.5\r\n",
      "*1\r\n$1\r\na\r\n", "\r\n", ("x"):rep(3000), "HTTP/1.1 400 Bad Request\r\n\r\n",
    } do
      local value, failure, closed = answered(reply, get)
      assert.is_nil(value)
      assert.are.equal("redis_protocol", failure:condition(), reply:sub(1, 30))
      assert.is_true(closed)
    end
  end)

  it("tells what Redis refuses, in its words", function()
    local value, failure, closed = answered("-NOAUTH Authentication required.\r\n", get)
    assert.is_nil(value)
    assert.are.equal("redis_refused", failure:condition())
    assert.truthy(tostring(failure):find("NOAUTH", 1, true))
    assert.is_true(closed)
  end)

  it("tells that the connection ended, at each byte of a reply", function()
    local reply = "$5\r\nabcde\r\n"
    for length = 0, #reply - 1 do
      local value, failure, closed = answered(reply:sub(1, length), get)
      assert.is_nil(value)
      assert.is_true(scissl.isSslError(failure))
      assert.is_true(closed)
    end
  end)

  it("waits no longer than it was told", function()
    local listener <close>, port = sockets.listening()
    local client <close> = assert(resp.connect { port = port, timeout = 0.05 })
    local value, failure = client:get "k"
    assert.is_nil(value)
    assert.are.equal("timeout", failure:condition())
    assert.are.equal("closed", select(2, client:get "k"):condition())
    assert.truthy(listener)
  end)

  it("tells that nobody listens", function()
    local port, holder <close> = sockets.refusing()
    local client, failure = resp.connect { port = port, timeout = 30 }
    assert.is_nil(client)
    assert.are.equal("connection_refused", failure:condition())
    assert.truthy(holder)
  end)

  it("refuses options that it does not know", function()
    assert.error_matches(function() resp.connect { prot = 1 } end, "unknown option 'prot'")
    assert.error_matches(function() resp.connect { port = {} } end, "bad option 'port'")
  end)
end)

local with_redis = redis.present() and it or pending

with_redis("The client of Redis names itself to one that asks who it is", function()
  local server <close> = redis.start()
  server:ask("CONFIG", "SET", "requirepass", "let me in")
  assert.are.equal("redis_refused", select(2, assert(resp.connect { path = server.path }):get "k"):condition())
  local client <close> = assert(resp.connect { path = server.path, password = "let me in", database = 3, timeout = 30 })
  assert.are.equal("OK", client:set("k", "v", "EX", 100, "NX"))
  assert.is_false((client:set("k", "w", "EX", 100, "NX")))
  assert.are.equal("v", client:get "k")
  assert.are.equal(1, client:del "k")
  assert.is_false((client:get "k"))
  assert.are.equal("redis_refused", select(2, resp.connect { path = server.path, password = "no" }):condition())
end)
