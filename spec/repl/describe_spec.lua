-- What the objects show in the REPL: their class, state and the facts that a person wants, and never a secret.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local function close(object) getmetatable(object).__close(object) end

local function shows(expected, object) assert.are.equal(expected, tostring(object)) end

describe("In the REPL a SciSslSocket", function()
  for _, version in ipairs(VERSIONS) do
    it("shows how far it has come, " .. version, function()
      local client, server = ends.pair { version = version, initialize = false }
      shows("SciSslSocket: not initialized", client)
      assert(client:sslInitialize())
      assert(server:sslInitialize())
      shows("SciSslSocket: initialized", client)
      client:sslConnect()
      server:sslAccept()
      shows("SciSslSocket: client, handshake under way", client)
      shows("SciSslSocket: server, handshake under way", server)
      ends.handshake(client, server)
      local name = client:cipher():name()
      shows(("SciSslSocket: client, %s, %s, peer CN=localhost verified"):format(version, name), client)
      shows(("SciSslSocket: server, %s, %s, peer without certificate"):format(version, name), server)
      client:close()
      shows("SciSslSocket: client, closed", client)
    end)

    it("says where the peer is not verified, " .. version, function()
      local client = ends.connected { version = version, client = { verify = scissl.SSL_VERIFY_NONE, trust = false } }
      assert.truthy(tostring(client):find("peer CN=localhost NOT verified", 1, true), tostring(client))
    end)

    it("says that it has failed, " .. version, function()
      local client, server = ends.pair { version = version, server = { identity = pki.expired } }
      ends.handshake(client, server)
      shows("SciSslSocket: client, failed", client)
      shows("SciSslSocket: server, failed", server)
    end)
  end
end)

describe("In the REPL the other classes show", function()
  local client, server = ends.connected { version = "TLSv1.2", client = { identity = pki.client },
    server = { verify = scissl.SSL_VERIFY_PEER } }

  it("SciSslContext: method, protocols, verification, certificate", function()
    shows("SciSslContext: TLS, TLSv1.2 to any, does not require verification, no certificate",
      scissl.SciSslContext.new())
    shows("SciSslContext: TLSv1.3, TLSv1.3 to TLSv1.3, verifies its peers, CN=localhost",
      ends.serverContext { method = "TLSv1.3", verify = scissl.SSL_VERIFY_PEER })
    local context = scissl.SciSslContext.new()
    close(context)
    shows("SciSslContext: closed", context)
  end)

  it("SciSslCipher: name, strength, protocol", function()
    local cipher = client:cipher()
    shows(("SciSslCipher: %s, %d bits, %s"):format(cipher:name(), (cipher:bits()), cipher:version()), cipher)
  end)

  it("OSSslSession: protocol, cipher, host, whether it can be resumed", function()
    local session = client:getSession()
    shows(("OSSslSession: TLSv1.2, %s, localhost, resumable"):format(client:cipher():name()), session)
    close(session)
    shows("OSSslSession: closed", session)
  end)

  it("SciSslX509Certificate: its subject", function()
    local certificate = server:peerCertificate()
    assert.truthy(tostring(certificate):find("SciSslX509Certificate: CN=client"), tostring(certificate))
    close(certificate)
    shows("SciSslX509Certificate: closed", certificate)
  end)

  it("SciSslPrivateKey: its kind", function()
    local key = scissl.SciSslPrivateKey.generate("EC")
    assert.truthy(tostring(key):find("^SciSslPrivateKey: EC"), tostring(key))
    close(key)
    shows("SciSslPrivateKey: closed", key)
  end)

  it("SciSocket: where it is", function()
    local listener, port = ends.listener()
    assert.truthy(tostring(listener):find("listening 127.0.0.1:" .. port, 1, true), tostring(listener))
    listener:close()
    shows("SciSocket: closed", listener)
  end)

  it("SciSslError: its hint", function()
    local _, err = scissl.SciSslContext.new("nonsense")
    shows(err:errorHint(), err)
  end)
end)

describe("No object shows", function()
  local function hex(bytes) return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

  it("its key, in any form", function()
    local key = scissl.SciSslPrivateKey.generate("Ed25519")
    local secret = key:toDer():sub(-32)
    for _, text in ipairs { tostring(key), tostring(pki.issue { subject = "CN=x", key = key }.certificate) } do
      assert.is_nil(text:lower():find(hex(secret):sub(1, 8), 1, true))
      assert.is_nil(text:find("PRIVATE", 1, true))
      assert.is_true(#text < 200)
    end
  end)

  it("a passphrase", function()
    local context = ends.serverContext()
    local _, err = context:usePrivateKey(pki.server.key:toPem("right-secret"), "wrong-secret")
    local shown = { tostring(context), tostring(err), err .. "" }
    for _, entry in ipairs(err:queue()) do
      for _, value in pairs(entry) do shown[#shown + 1] = tostring(value) end
    end
    for _, text in ipairs(shown) do assert.is_nil(text:find("-secret", 1, true), text) end
  end)

  it("the secret of a session", function()
    for _, version in ipairs(VERSIONS) do
      local client, server = ends.connected { version = version }
      assert.are.equal(2, server:sslWrite("hi"))
      ends.read(client, server)
      local session = client:getSession()
      local pipe <close> = assert(io.popen(("openssl sess_id -noout -text -in %s"):format(pki.write(session:toPem()))))
      local secret = assert(pipe:read("a"):match("Master%-Key: (%x+)") or pki.folder())
      for _, object in ipairs { session, client, server } do
        assert.is_nil(tostring(object):upper():find(secret:sub(1, 16), 1, true), tostring(object))
      end
    end
  end)
end)

describe("The metatable of", function()
  local client, server = ends.connected { version = "TLSv1.2" }
  local _, err = scissl.SciSslContext.new("nonsense")
  local objects = {
    SciSocket = ends.listener(),
    SciSslSocket = client,
    SciSslContext = ends.clientContext(),
    SciSslCipher = client:cipher(),
    SciSslError = err,
    OSSslSession = client:getSession(),
    SciSslX509Certificate = client:peerCertificate(),
    SciSslPrivateKey = scissl.SciSslPrivateKey.generate("EC"),
    OSSslVersion = scissl.OSSslVersion.current(),
  }
  local owns = { SciSocket = true, SciSslSocket = true, SciSslContext = true, OSSslSession = true,
    SciSslX509Certificate = true, SciSslPrivateKey = true }
  local comparable = { SciSslCipher = true, OSSslSession = true, SciSslX509Certificate = true, SciSslPrivateKey = true,
    OSSslVersion = true }

  for name, object in pairs(objects) do
    it(name .. " has its name, and what its objects need", function()
      local meta = getmetatable(object)
      assert.are.equal(name, meta.__name)
      assert.are.equal(scissl[name], meta.__index)
      assert.are.equal("function", type(meta.__tostring))
      assert.are.equal(owns[name] and "function" or "nil", type(meta.__gc))
      assert.are.equal(owns[name] and "function" or "nil", type(meta.__close))
      assert.are.equal(comparable[name] and "function" or "nil", type(meta.__eq))
    end)

    it(name .. " refuses receivers of other classes in each of its functions", function()
      local meta = getmetatable(object)
      for other_name, other in pairs(objects) do
        if other_name ~= name and not (name == "SciSocket" and other_name == "SciSslSocket") then
          for _, event in ipairs { "__gc", "__close", "__tostring" } do
            if meta[event] then assert.error_matches(function() meta[event](other) end, "bad argument #1 to") end
          end
          if meta.__eq then assert.is_false(meta.__eq(object, other)) end
        end
      end
    end)
  end

  it("the sockets' ends are still connected after all that", function()
    assert.are.equal(2, server:sslWrite("hi"))
    assert.are.equal("hi", ends.read(client, server))
  end)
end)
