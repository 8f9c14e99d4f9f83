local core = require "scissl.core"
local ends = require "spec.support.ends"

-- The groups of RFC 7919 and RFC 3526 are named in PEM by their numbers, so openssl makes these at once.
local function parameters(name)
  local pipe = assert(io.popen(("openssl genpkey -genparam -algorithm DH -pkeyopt group:%s 2>/dev/null"):format(name)))
  local text = pipe:read "a"
  pipe:close()
  return text
end

-- The client names no group for DHE: OpenSSL 4.0 and later would take that (RFC 7919).
local function dhe(context)
  assert(context:setCipherList "DHE-ECDSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256")
  assert(context:setGroups "X25519")
end

describe("sslSetDhParameters", function()
  local pki = require "spec.support.pki"
  local rsa

  setup(function()
    rsa = pki.issue { subject = "CN=localhost", names = { "localhost" }, key = pki.rsaKey() }
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

  it("leaves the group to both ends where OpenSSL negotiates it (RFC 7919)", function()
    local function bits_of(groups)
      local function setup(context)
        dhe(context)
        assert(context:setGroups(groups))
      end
      local client, server = ends.pair { version = "TLSv1.2", client = { setup = setup },
        server = { identity = rsa, setup = setup } }
      assert(server:sslSetDhParameters(parameters "ffdhe3072"))
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      return client:temporaryKey().bits
    end
    local negotiates = bits_of "ffdhe2048" == 2048
    assert.are.equal(negotiates and 4096 or 3072, bits_of "ffdhe4096")
    assert.are.equal(3072, bits_of "X25519")
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

  describe("with a function", function()
    local function shake(server_setup, give)
      local client, server = ends.pair {
        version = "TLSv1.2", client = { setup = server_setup }, server = { identity = rsa, setup = dhe },
      }
      local calls = 0
      assert.are.equal(server, server:sslSetDhParameters(function()
        calls = calls + 1
        return give()
      end))
      local client_answer, server_answer = ends.handshake(client, server)
      return client, client_answer, server_answer, function() return calls end
    end

    it("asks it once for the group where DHE was negotiated", function()
      local client, client_answer, server_answer, calls = shake(dhe, function() return parameters "ffdhe3072" end)
      assert.are.same({ 1, 1, 1, 3072 }, { client_answer, server_answer, calls(), client:temporaryKey().bits })
    end)

    it("does not ask it where something else was negotiated", function()
      local count = 0
      for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        local client, server = ends.pair { version = version, server = { identity = rsa } }
        server:sslSetDhParameters(function() count = count + 1 end)
        local client_answer, server_answer = ends.handshake(client, server)
        assert.are.same({ 1, 1, 0 }, { client_answer, server_answer, count })
      end
    end)

    it("ends the handshake where it raises, or returns no group", function()
      local function bad() error("the reason", 0) end
      local cases = {
        { bad, "handler_failed", "the reason" },
        { function() return "no parameters" end, "handler_failed", nil },
        { function() return {} end, "handler_failed", "DH parameters in PEM text expected" },
        { function() return nil end, nil, nil },
      }
      for _, case in ipairs(cases) do
        local _, client_answer, server_answer = shake(dhe, case[1])
        assert.is_true(core.isSslError(client_answer))
        assert.is_true(core.isSslError(server_answer))
        if case[2] then assert.are.equal(case[2], server_answer:condition()) end
        if case[3] then assert.are.equal(case[3], tostring(server_answer:cause()):match "^[^\n]*") end
      end
    end)

    it("is replaced by a text", function()
      local client, server = pair()
      server:sslSetDhParameters(function() error "not called" end)
      server:sslSetDhParameters(parameters "ffdhe2048")
      ends.handshake(client, server)
      assert.are.equal(2048, client:temporaryKey().bits)
    end)
  end)

  it("comes before the handshake", function()
    local _, server = ends.connected()
    local done, failure = server:sslSetDhParameters(parameters "ffdhe2048")
    assert.is_nil(done)
    assert.are.equal("handshake_under_way", failure:condition())
  end)
end)
