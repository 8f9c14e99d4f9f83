-- Two servers in processes of their own, which share sessions through a real Redis.
local scissl = require "scissl"
local old_modules = require "spec.support.old_modules"
local redis = require "spec.support.redis"

local with_redis = redis.present() and describe or pending

-- How long what must come may take, on the slowest machine.
local PATIENCE = 60

local function eventually(f)
  local deadline = scissl.SciSocket.now() + PATIENCE
  repeat
    if f() then return true end
  until scissl.SciSocket.now() > deadline
  return false
end

local function pair_of(one, two)
  return setmetatable({ one, two }, { __close = function()
    one:stop()
    two:stop()
  end })
end

-- Two servers; `kind` says what is shared.
local function fleet(server, kind, options)
  local store = ("path = %q, secret = %q, retry = 0.01, maxRetry = 0.1, %s"):format(
    server.path, redis.secret, options or "")
  local more = kind == "store" and "options = require 'scissl'.SSL_OP_NO_TICKET" or ""
  return pair_of(redis.server { store = store, more = more }, redis.server { store = store, more = more })
end

-- A client of TLS 1.2 without tickets; in all other cases the server decides.
local kinds = { "store", "tickets" }

with_redis("Two servers and a Redis", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    for _, kind in ipairs(kinds) do
      local name = ("%s, %s"):format(version, kind)

      it("let a client resume at the other server, there and back, " .. name, function()
        local server <close> = redis.start()
        local both <close> = fleet(server, kind)
        local one, two = both[1], both[2]
        local reused, session = redis.visit(one.port, { version = version })
        assert.is_false(reused)
        for _, next in ipairs { two, one, two } do
          reused, session = redis.visit(next.port, { version = version, session = session })
          assert.is_true(reused)
        end
      end)

      it("lose nothing but resumption when Redis is killed, and have it again when Redis is back, " .. name, function()
        local server <close> = redis.start()
        local both <close> = fleet(server, kind)
        local one, two = both[1], both[2]
        local _, session = redis.visit(one.port, { version = version })
        server:kill()
        local reused
        reused, session = redis.visit(two.port, { version = version, session = session })
        assert.are.equal(kind == "tickets" and true or false, reused and true)
        for _, next in ipairs { one, two, one, two } do
          reused, session = redis.visit(next.port, { version = version, session = session })
          if kind == "store" then assert.is_false(reused) end
        end
        server:again()
        assert.is_true(eventually(function()
          _, session = redis.visit(one.port, { version = version })
          return (redis.visit(two.port, { version = version, session = session }))
        end))
      end)
    end

    it("do full handshakes while Redis stands still, " .. version, function()
      local server <close> = redis.start()
      local both <close> = fleet(server, "store", "timeout = 0.05")
      local one, two = both[1], both[2]
      local _, session = redis.visit(one.port, { version = version })
      server:hold()
      local reused
      reused, session = redis.visit(two.port, { version = version, session = session })
      assert.is_false(reused)
      redis.visit(one.port, { version = version, session = session })
      server:resume()
      assert.is_true(eventually(function()
        local _, newest = redis.visit(one.port, { version = version })
        return (redis.visit(two.port, { version = version, session = newest }))
      end))
    end)

    it("start without Redis, and agree on ticket keys when it comes, " .. version, function()
      local server <close> = redis.start()
      server:kill()
      local both <close> = fleet(server, "tickets")
      local one, two = both[1], both[2]
      local reused, session = redis.visit(one.port, { version = version })
      assert.is_false(reused)
      reused, session = redis.visit(one.port, { version = version, session = session })
      assert.is_true(reused)
      assert.is_false((redis.visit(two.port, { version = version, session = session })))
      server:again()
      assert.is_true(eventually(function()
        local _, newest = redis.visit(one.port, { version = version })
        return (redis.visit(two.port, { version = version, session = newest }))
      end))
    end)
  end

  it("serve a client of TLS 1.2 without tickets from the store, although they send tickets to others", function()
    local server <close> = redis.start()
    local both <close> = fleet(server, "tickets")
    local one, two = both[1], both[2]
    local _, session = redis.visit(one.port, { version = "TLSv1.2", noTicket = true })
    assert.is_nil(session:ticketLifetime())
    assert.is_true((redis.visit(two.port, { version = "TLSv1.2", session = session, noTicket = true })))
  end)

  it("take a session of TLS 1.3 out of the store, so that it is resumed once in the whole fleet", function()
    local server <close> = redis.start()
    local both <close> = fleet(server, "store")
    local one, two = both[1], both[2]
    local _, session = redis.visit(one.port, { version = "TLSv1.3" })
    assert.is_true((redis.visit(two.port, { version = "TLSv1.3", session = session })))
    assert.is_false((redis.visit(one.port, { version = "TLSv1.3", session = session })))
    assert.is_false((redis.visit(two.port, { version = "TLSv1.3", session = session })))
  end)

  it("with different secrets have nothing in common, and go on", function()
    local server <close> = redis.start()
    local function far(secret)
      return redis.server { store = ("path = %q, secret = %q"):format(server.path, secret) }
    end
    local one <close> = far(redis.secret)
    local two <close> = far(("another secret "):rep(3))
    for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
      local _, session = redis.visit(one.port, { version = version })
      assert.is_false((redis.visit(two.port, { version = version, session = session })))
    end
  end)

  it("leave nothing readable in it, and nothing that stays", function()
    local server <close> = redis.start()
    local both <close> = fleet(server, "store")
    local one = both[1]
    redis.visit(one.port, { version = "TLSv1.2" })
    redis.visit(one.port, { version = "TLSv1.3" })
    local keys = server:ask("EVAL", "return table.concat(redis.call('KEYS', '*'), ' ')", 0)
    local number = 0
    for key in keys:gmatch "%S+" do
      number = number + 1
      assert.truthy(key:find("^scissl:session:%x+$") or key:find("^scissl:key:10800:%d+$"), key)
      assert.is_true(server:ask("TTL", key) > 0)
      local value = server:ask("GET", key)
      assert.is_nil(scissl.OSSslSession.fromDer(value))
      assert.is_nil(value:find("localhost", 1, true))
    end
    assert.is_true(number >= 4)
  end)
end)

local with_lua_redis = old_modules.find "redis" and with_redis or pending

with_lua_redis("lua-redis", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    for _, kind in ipairs(kinds) do
      it(("serves the store, through a Redis that is killed and comes back, %s, %s"):format(version, kind), function()
        local server <close> = redis.start { tcp = true }
        local path = old_modules.find "redis"
        local store = ([[secret = %q, retry = 0.01, maxRetry = 0.1, connect = function(timeout)
          return dofile(%q).connect { host = "127.0.0.1", port = %d, timeout = timeout }
        end]]):format(redis.secret, assert(path, "lua-redis is not installed"), server.port)
        local more = kind == "store" and "options = require 'scissl'.SSL_OP_NO_TICKET" or ""
        local one <close> = redis.server { store = store, more = more }
        local two <close> = redis.server { store = store, more = more }
        local _, session = redis.visit(one.port, { version = version })
        local reused
        reused, session = redis.visit(two.port, { version = version, session = session })
        assert.is_true(reused)
        server:kill()
        redis.visit(one.port, { version = version, session = session })
        assert.is_true(pcall(server.again, server))
        assert.is_true(eventually(function()
          _, session = redis.visit(one.port, { version = version })
          return (redis.visit(two.port, { version = version, session = session }))
        end))
      end)
    end
  end
end)
