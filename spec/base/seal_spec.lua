-- scissl.seal and scissl.unseal: what is kept where others come by.
local core = require "scissl.core"
require "scissl" -- errorHint
local refusals = require "spec.support.refusals"

local secret, other = ("s"):rep(32), ("t"):rep(32)

describe("scissl.seal", function()
  it("makes what unseal reads, of any length", function()
    for _, bytes in ipairs { "", "a", ("b"):rep(16), ("\0\255"):rep(50000) } do
      local sealed = assert(core.seal(secret, bytes, "purpose"))
      assert.are.equal(#bytes + 49, #sealed)
      assert.are.equal(bytes, core.unseal(secret, sealed, "purpose"))
    end
  end)

  it("makes something else each time, in which the bytes are not seen", function()
    local one, two = core.seal(secret, "the bytes", ""), core.seal(secret, "the bytes", "")
    assert.are_not.equal(one, two)
    assert.is_nil(one:find("the bytes", 1, true))
  end)

  it("takes secrets of 32 bytes or more only", function()
    assert.error_matches(function() core.seal(("s"):rep(31), "", "") end, "bad argument #1 to 'seal'")
    assert.error_matches(function() core.unseal("", "", "") end, "bad argument #1 to 'unseal'")
    assert.is_string(core.seal(("s"):rep(100), "", ""))
    for _, bad in ipairs { false, {}, print } do
      assert.error_matches(function() core.seal(bad, "", "") end, "bad argument #1 to 'seal'")
      assert.error_matches(function() core.seal(secret, bad, "") end, "bad argument #2 to 'seal'")
      assert.error_matches(function() core.seal(secret, "", bad) end, "bad argument #3 to 'seal'")
    end
  end)
end)

describe("scissl.unseal", function()
  local sealed = core.seal(secret, "the bytes", "purpose")

  local function refused(...)
    refusals.refused("not_sealed", "seal", nil, core.unseal(...))
  end

  it("refuses another secret", function() refused(other, sealed, "purpose") end)
  it("refuses another purpose", function()
    refused(secret, sealed, "Purpose")
    refused(secret, sealed, "")
  end)

  it("refuses each byte that was changed", function()
    for i = 1, #sealed do
      refused(secret, sealed:sub(1, i - 1) .. string.char(sealed:byte(i) ~ 1) .. sealed:sub(i + 1), "purpose")
    end
  end)

  it("refuses what was cut off or made longer", function()
    for length = 0, #sealed - 1 do refused(secret, sealed:sub(1, length), "purpose") end
    refused(secret, sealed .. "\0", "purpose")
  end)

  it("is the right one afterwards all the same", function()
    assert.are.equal("the bytes", core.unseal(secret, sealed, "purpose"))
  end)
end)
