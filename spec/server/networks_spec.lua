-- Which clients count as one for maxHandshakesFromOne. Addresses of other machines are only written here: a table with
-- `getPeerName` stands for the socket.
local connections = require "scissl.server.connections"

-- Whether of two clients that begin handshakes one after the other, the second ends the first's.
local function are_one(a, b)
  local noted, ended = connections(10, 1), {}
  local function client(address)
    return {
      getPeerName = function() return address, 1 end, peerAddress = function() return address end,
      close = function() ended[#ended + 1] = address end,
    }
  end
  noted:beginHandshake(client(a))
  noted:beginHandshake(client(b))
  return ended[1] == a
end

describe("clients whose handshakes count together", function()
  for _, pair in ipairs {
    { "192.0.2.1", "192.0.2.1" },
    { "192.0.2.1", "::ffff:192.0.2.1" },
    { "2001:db8:0:1::1", "2001:db8:0:1:2:3:4:5" },
    { "2001:db8:0:1::", "2001:db8::1:0:0:0:1" },
    { "fe80::1:2:3:4%eth0", "fe80::5:6:7:8%eth0" },
    { "fe80::abcd%eth0", "fe80::1:2:3:4%eth0" },
  } do
    it(("%s and %s"):format(pair[1], pair[2]), function() assert.is_true(are_one(pair[1], pair[2])) end)
  end
end)

describe("clients whose handshakes count apart", function()
  for _, pair in ipairs {
    { "192.0.2.1", "192.0.2.2" },
    { "2001:db8:0:1::1", "2001:db8:0:2::1" },
    { "2001:db8::1", "::1" },
    { "::1", "127.0.0.1" },
    { "/run/a", "/run/a" },
    { "%a", "%a" }, -- the path of a client that has bound a name in its folder
    { "", "" },
  } do
    it(("%q and %q"):format(pair[1], pair[2]), function() assert.is_false(are_one(pair[1], pair[2])) end)
  end
end)
