-- A name of any length is refused at once, with the nearest known one where it is near.
local options = require "scissl.base.option_table"

describe("The nearest known name", function()
  local known = { verify = true, verifyHost = true, timeout = true }

  it("is found for a misspelt one", function()
    assert.are.equal("verify", options.nearest("verfiy", known))
    assert.are.equal("verifyHost", options.nearest("verifyhosts", known))
    assert.is_nil(options.nearest("nonsense", known))
  end)

  it("costs no work that grows with the length of a name which is far too long", function()
    local steps, long = 0, ("x"):rep(100000)
    debug.sethook(function() steps = steps + 1 end, "", 1)
    local near = options.nearest(long, known)
    debug.sethook()
    assert.is_nil(near)
    assert.is_true(steps < 1000, steps)
  end)
end)
