local core = require "scissl.core"
local ends = require "spec.support.ends"

-- The groups of RFC 7919 and RFC 3526 are named in PEM by their numbers, so openssl makes these at once.
local function parameters(name)
  local pipe = assert(io.popen(("openssl genpkey -genparam -algorithm DH -pkeyopt group:%s 2>/dev/null"):format(name)))
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function dhe(context)
  assert(context:setCipherList "DHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256")
end

describe("sslSetDhParameters", function()
  local pki = require "spec.support.pki"
  local rsa

  setup(function()
    rsa = pki.issue { subject = "CN=localhost", names = { "localhost" }, key = core.SciSslPrivateKey.generate "RSA" }
  end)

  local function pair()
    return ends.pair { version = "TLSv1.2", client = { setup = dhe }, server = { identity = rsa, setup = dhe } }
  end

  it("sets the group of the exchange", function()
    for name, bits in pairs { ffdhe3072 = 3072, ffdhe2048 = 2048 } do
      local client, server = pair()
      assert.are.equal(server, server:sslSetDhParameters(parameters(name)))
      local client_answer, server_answer = ends.handshake(client, server)
      assert.are.equal(1, client_answer)
      assert.are.equal(1, server_answer)
      assert.are.equal(bits, client:temporaryKey().bits)
    end
  end)

  it("refuses what is none, and what the security level does not allow", function()
    local _, server = pair()
    local done, failure = server:sslSetDhParameters "no parameters"
    assert.is_nil(done)
    assert.are.equal("not_dh_parameters", failure:condition())
    local strict = select(2, ends.pair { server = { setup = function(context) context:setSecurityLevel(3) end,
      identity = pki.issue { subject = "CN=localhost",
        key = core.SciSslPrivateKey.generate("EC", "P-384"), issuer = false } } })
    done, failure = strict:sslSetDhParameters(parameters "ffdhe2048")
    assert.is_nil(done)
    assert.are.equal("dh key too small", failure:reason())
  end)

  it("comes before the handshake", function()
    local _, server = ends.connected()
    local done, failure = server:sslSetDhParameters(parameters "ffdhe2048")
    assert.is_nil(done)
    assert.are.equal("handshake_under_way", failure:condition())
  end)
end)
