-- Listening where others listen, too.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local sockets = require "spec.support.sockets"

local function listen(more)
  local given = { certificate = pki.server.certificate, privateKey = pki.server.key }
  for name, value in pairs(more) do given[name] = value end
  return scissl.listen(given)
end

describe("scissl.listen", function()
  it("shares a port with those who want to share it", function()
    local one <close> = assert(listen { host = "127.0.0.1", port = 0, reusePort = true })
    local _, port = one:getSockName()
    local two <close> = assert(listen { host = "127.0.0.1", port = port, reusePort = true })
    assert.are.equal(port, select(2, two:getSockName()))
    local three, failure = listen { host = "127.0.0.1", port = port }
    assert.is_nil(three)
    assert.are.equal("address_in_use", failure:condition())
  end)

  it("accepts from a listening socket that somebody else has made", function()
    local plain, port = sockets.listening()
    local listener <close> = assert(listen { socket = plain })
    assert.are.equal(port, select(2, listener:getSockName()))
    local client <close> = assert(sockets.new():connect("127.0.0.1", port))
    local socket = assert(listener:acceptSocket(30))
    socket:close()
    assert.truthy(client)
  end)

  it("refuses what is no listening place", function()
    assert.error_matches(function() listen {} end, "option 'port' to 'scissl%.listen' is missing")
    local plain <close> = sockets.new()
    for _, name in ipairs { "host", "port", "backlog", "reusePort" } do
      local values = { host = "127.0.0.1", port = 0, backlog = 1, reusePort = true }
      assert.error_matches(function() listen { socket = plain, [name] = values[name] } end,
        "options 'socket' and '" .. name)
    end
    local listener, failure = listen { socket = 999999 }
    assert.is_nil(listener)
    assert.are.equal("adopt", failure:phase())
  end)
end)
