-- Streams that are closed while memory runs out.
local ends = require "spec.support.ends"
local scarce_support = require "spec.support.scarce"
local scissl = require "scissl"

local scarce, why = scarce_support.load()

describe("A stream whose memory runs out in close", function()
  it("has closed its socket when it says that it is closed", function()
    if not scarce then return pending(why) end
    local rounds = scarce_support.each(function(n)
      local client, server = ends.connected {}
      local stream = scissl.stream(client, { timeout = 30 })
      local failed, good, raised = scarce.lua(n, false, stream.close, stream)
      assert.equal(failed == 0, good)
      if failed > 0 then assert.equal("not enough memory", raised) end
      assert.is_true(stream:close())
      assert.equal(-1, client:getfd())
      assert.is_nil((stream:write "x"))
      server:close()
      return failed
    end)
    assert.is_true(rounds > 5)
  end)
end)
