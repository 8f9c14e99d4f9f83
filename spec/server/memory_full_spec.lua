-- What a listener notes of its connections, where memory runs out.
local connections = require "scissl.server.connections"
local ends = require "spec.support.ends"
local scarce_support = require "spec.support.scarce"
local scissl = require "scissl"

local scarce, why = scarce_support.load()
local case = scarce and it or function(name) return pending(name .. ": " .. why) end

describe("The notes of unfinished handshakes", function()
  case("stay right where memory runs out in the midst of one", function()
    local listener <close>, port = ends.listener()
    local client <close> = assert(scissl.SciSocket.newStreamSocket())
    assert(client:connect("127.0.0.1", port))
    local socket <close> = assert(listener:accept())
    for _, before in ipairs { 0, 1, 3 } do
      local rounds = scarce_support.each(function(n)
        local notes, begun = connections(4, 4), {}
        for i = 1, before do begun[i] = notes:beginHandshake(socket) end
        local failed, good, handshake = scarce.lua(n, false, notes.beginHandshake, notes, socket)
        assert.equal(failed == 0, good)
        if good then begun[#begun + 1] = handshake end
        assert.equal(#begun, notes:statistics().handshaking)
        for _, noted in ipairs(begun) do noted:close() end
        assert.equal(0, notes:statistics().handshaking)
        for _ = 1, 4 do notes:beginHandshake(socket) end -- as many as there may be
        assert.equal(4, notes:statistics().handshaking)
        assert.is_true(socket:getfd() >= 0)
        return failed
      end)
      assert.is_true(rounds > 0)
    end
  end)
end)
