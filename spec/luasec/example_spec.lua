local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local example = assert(io.open("examples/luasec_client.lua")):read "a"

local function ask(identity, trust)
  local server <close> = ends.openssl(("-cert %s -key %s"):format(identity.certificateFile, identity.keyFile))
  local command = ends.luaCommand(example) .. (" localhost %d %s 2>&1"):format(server.port, trust.certificateFile)
  local pipe = assert(io.popen(command))
  local output = pipe:read "a"
  return output, (select(3, pipe:close()))
end

describe("The example of a program written for LuaSec", function()
  it("shows whom it has met", function()
    local output, code = ask(pki.server, pki.ca)
    assert.are.equal(0, code, output)
    assert.is_truthy(output:find("protocol\tTLSv1.3\n", 1, true))
    assert.is_truthy(output:find("\tcommonName\tlocalhost\n", 1, true))
    assert.is_truthy(output:find(pki.server.certificate:fingerprint():lower(), 1, true))
  end)

  it("does not speak to strangers", function()
    local output, code = ask(pki.server, pki.otherCa)
    assert.are.equal(1, code)
    assert.is_truthy(output:find("certificate verify failed", 1, true))
    output, code = ask(pki.wrongHost, pki.ca)
    assert.are.equal(1, code)
    assert.is_truthy(output:find("certificate verify failed", 1, true))
  end)
end)
