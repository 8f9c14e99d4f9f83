-- scissl.datagram over a network that loses, doubles, changes and delays: a relay stands between client and server.
local datagrams = require "spec.support.datagrams"
local new_relay = require "spec.support.relay"

local fails, listen, connect, run = datagrams.fails, datagrams.listen, datagrams.connect, datagrams.run

describe("Over a network that loses, doubles, changes and delays", function()
  -- Runs `client(association, relay, listener)` over a relay.
  local function over_relay(decide, client)
    local listener, port = listen { retransmission = 0.1 }
    local relay = new_relay(port, decide)
    run(function() assert(listener:serve(function(association, message) assert(association:send(message)) end)) end,
      function() relay:run() end,
      function()
        local _ <close> = listener
        local closing <close> = relay -- luacheck: ignore 211
        local association <close> = assert(connect(relay.port, { retransmission = 0.1 }))
        client(association, relay, listener)
      end)
  end

  local function echo(association, message)
    assert(association:send(message))
    return association:receive(20)
  end

  for number = 1, 6 do
    it(("the handshake is completed where datagram %d is lost #slow"):format(number), function()
      over_relay(function(count) return count == number and {} or nil end, function(association)
        assert.equal("x", echo(association, "x"))
      end)
    end)
  end

  it("the handshake is completed where each datagram comes twice", function()
    over_relay(function(_, one) return { one, one } end, function(association, _, listener)
      assert.equal("x", echo(association, "x"))
      fails("timeout", association:receive(0.05)) -- one reply, since the doubled message was dropped
      assert.equal(1, listener:statistics().handshakes)
    end)
  end)

  it("the handshake is completed where every second datagram is lost #slow", function()
    local lost = {}
    over_relay(function(count)
      if count > 12 or count % 2 == 0 then return nil end
      lost[#lost + 1] = count
      return {}
    end, function(association)
      assert.equal("x", echo(association, "x"))
      assert.is_true(#lost >= 3)
    end)
  end)

  it("the handshake is completed where datagrams come in another order #slow", function()
    local held
    over_relay(function(count, one)
      if count > 8 then
        local list = held and { one, held } or nil
        held = nil
        return list
      end
      if held then
        local list = { one, held }
        held = nil
        return list
      end
      held = one
      return {}
    end, function(association) assert.equal("x", echo(association, "x")) end)
  end)

  it("a recorded datagram that is sent again is dropped, and so is a changed or a cut one", function()
    over_relay(nil, function(association, relay, listener)
      assert.equal("x", echo(association, "x"))
      local received = listener:statistics().received
      for _, entry in ipairs { table.unpack(relay.seen) } do
        local one, to_server = entry[1], entry[2]
        relay:send(one, to_server)
        relay:send(one:sub(1, -2) .. string.char(one:byte(-1) ~ 1), to_server)
        relay:send(one:sub(1, #one // 2), to_server)
      end
      assert.equal("y", echo(association, "y"))
      assert.equal(received + 1, listener:statistics().received)
      fails("timeout", association:receive(0.05))
    end)
  end)
end)
