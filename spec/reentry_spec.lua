-- Lua code that a method calls may close the object under it.
local scissl = require "scissl"
local pki = require "spec.support.pki"

describe("a SciSslContext survives being closed", function()
  local context
  before_each(function() context = assert(scissl.SciSslContext.new()) end)

  it("by the passphrase function that usePrivateKey calls", function()
    local answer, err = context:usePrivateKey(assert(pki.server.key:toPem "secret"), function()
      getmetatable(context).__close(context)
      return "secret"
    end)
    assert.is_nil(answer)
    assert.equal("closed", err:condition())
  end)

  it("by the passphrase function that usePrivateKeyFile calls", function()
    local path = pki.write(assert(pki.server.key:toPem "secret"))
    local answer, err = context:usePrivateKeyFile(path, function()
      getmetatable(context).__close(context)
      return "secret"
    end)
    assert.is_nil(answer)
    assert.equal("closed", err:condition())
  end)

  it("by the table that setAlpn reads", function()
    local list = setmetatable({}, { __len = function() return 1 end, __index = function()
      getmetatable(context).__close(context)
      return "h2"
    end })
    assert.has_error(function() context:setAlpn(list) end)
  end)
end)
