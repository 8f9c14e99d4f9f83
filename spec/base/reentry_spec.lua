-- Lua code that a method calls may close the object under it.
local scissl = require "scissl"
local ends = require "spec.support.ends"
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
    assert.error_matches(function() context:setAlpn(list) end, "calling 'setAlpn' on bad self")
  end)
end)

describe("a SciSslSocket survives what runs inside its own calls", function()
  local function psk_pair(callback)
    local function setup(context) context:setPskServer(callback) end
    return ends.pair { transport = "memory", client = { verify = scissl.SSL_VERIFY_NONE,
      setup = function(context) context:setPskClient("id", ("k"):rep(32)) end },
      server = { identity = false, setup = setup }, verifyHost = false }
  end

  it("that calls its metamethods by hand", function()
    local server, client
    client, server = psk_pair(function()
      getmetatable(server).__gc(server)
      getmetatable(server).__close(server)
      return ("k"):rep(32)
    end)
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    client:close()
    server:close()
  end)

  it("that finishes the handshake for which sslUseCertificate wants the passphrase", function()
    local client, server = ends.pair { transport = "memory" }
    local answer, err = server:sslUseCertificate(pki.server.certificate, pki.server.key:toPem "secret", function()
      ends.handshake(client, server)
      return "secret"
    end)
    assert.is_nil(answer)
    assert.are.equal("handshake_under_way", err:condition())
    assert.are.equal(2, client:sslWrite "hi")
    assert.are.equal("hi", ends.read(server, client))
    client:close()
    server:close()
  end)

  it("that closes it while sslUseCertificate wants the passphrase", function()
    local client, server = ends.pair { transport = "memory" }
    local answer, err = server:sslUseCertificate(pki.server.certificate, pki.server.key:toPem "secret", function()
      server:close()
      return "secret"
    end)
    assert.is_nil(answer)
    assert.are.equal("closed", err:condition())
    client:close()
  end)
end)
