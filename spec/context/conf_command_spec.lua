-- SciSslContext, settings by name: options, and the commands of OpenSSL's configuration files.
local scissl = require "scissl"
local core = require "scissl.core"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local SciSslContext = scissl.SciSslContext

describe("Options by name", function()
  local context
  before_each(function() context = SciSslContext.new() end)

  it("do what their bits do", function()
    local before = context:getOptions()
    local both = scissl.SSL_OP_NO_TICKET | scissl.SSL_OP_CIPHER_SERVER_PREFERENCE
    assert.are.equal(before | both,
      context:setOptions { "no_ticket", "cipher_server_preference" }:getOptions())
    assert.are.equal(before | scissl.SSL_OP_NO_TICKET, context:clearOptions("cipher_server_preference"):getOptions())
    assert.are.equal(before, context:clearOptions { "SSL_OP_NO_TICKET" }:getOptions())
    assert.are.equal(before, context:setOptions {}:getOptions())
    assert.are.equal(context, context:setOptions(context:getOptions()))
  end)

  it("are all of OpenSSL's", function()
    local count = 0
    for name, bits in pairs(core) do
      local short = type(name) == "string" and name:match("^SSL_OP_(.+)$")
      if short then
        count = count + 1
        local options = SciSslContext.new():setOptions(short:lower()):getOptions()
        assert.are.equal(bits, options & bits, name)
      end
    end
    assert.is_true(count > 30, tostring(count))
  end)

  it("reach a connection: cipher_server_preference", function()
    local strong, weak = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"
    for wanted, cipher in pairs { [true] = strong, [false] = weak } do
      local client = ends.connected { transport = "memory", version = "TLSv1.2",
        client = { setup = function(one) assert(one:setCipherList(weak .. ":" .. strong)) end },
        server = { setup = function(one)
          assert(one:setCipherList(strong .. ":" .. weak))
          assert(one:setOptions(wanted and { "cipher_server_preference" } or {}))
        end } }
      assert.are.equal(cipher, client:cipher():name())
    end
  end)

  it("of later do not reach a connection of before (S9)", function()
    local server = ends.serverContext { method = "TLSv1.2" }
    local function resumable()
      local client, far = ends.pair { transport = "memory", version = "TLSv1.2", server = server }
      return client, far
    end
    local client, far = resumable()
    assert(server:setOptions { "no_ticket" })
    assert.are.same({ 1, 1 }, { ends.handshake(client, far) })
    assert.is_true(client:getSession():ticketLifetime() ~= nil)
    client, far = resumable()
    assert.are.same({ 1, 1 }, { ends.handshake(client, far) })
    assert.is_false(client:getSession():ticketLifetime() ~= nil)
  end)

  it("are refused where there is none of that name, and none is set", function()
    local before = context:getOptions()
    for name, near in pairs { no_tickets = "no_ticket", NO_TICKET = "no_ticket", ["no ticket"] = "no_ticket",
      ["no_ticket\0"] = false, [""] = false, ["something entirely different"] = false } do
      for _, method in ipairs { "setOptions", "clearOptions" } do
        local err = refusals.refused("unknown_flag", "option", nil, context[method](context, { "no_ticket", name }))
        if near then assert.truthy(err:message():find("'" .. near .. "'", 1, true), err:message()) end
      end
    end
    assert.are.equal(before, context:getOptions())
  end)

  it("are refused as bits that mean nothing", function()
    local before = context:getOptions()
    for _, bits in ipairs { -1, math.mininteger, math.maxinteger, 1 << 62 } do
      refusals.refused("unknown_flag", "option", nil, context:setOptions(bits))
      refusals.refused("unknown_flag", "option", nil, context:clearOptions(bits))
    end
    assert.are.equal(before, context:getOptions())
    for _, value in ipairs { true, 1.5, { 1 }, { {} }, print } do
      assert.error_matches(function() context:setOptions(value) end, "bad argument #1 to 'setOptions'")
      assert.error_matches(function() context:clearOptions(value) end, "bad argument #1 to 'clearOptions'")
    end
    assert.error_matches(function() context:setOptions() end, "bad argument #1 to 'setOptions'")
  end)
end)

describe("Commands", function()
  local context
  before_each(function() context = SciSslContext.new() end)

  it("change what they name", function()
    assert.are.equal(context, context:setCommand("MaxProtocol", "TLSv1.2"))
    assert(context:setCommand("options", "-SessionTicket,ServerPreference"))
    assert(context:setCommand("CipherString", "ECDHE-ECDSA-AES128-GCM-SHA256"))
    assert(context:setCommand("Groups", "P-256"))
    local set = context:describe()
    assert.are.equal("TLSv1.2", set.maxProtocol)
    assert.are.same({ "ECDHE-ECDSA-AES128-GCM-SHA256" }, set.ciphers)
    assert.are.equal("P-256", set.groups)
    assert.are_not.equal(0, context:getOptions() & scissl.SSL_OP_NO_TICKET)
    assert.are_not.equal(0, context:getOptions() & scissl.SSL_OP_CIPHER_SERVER_PREFERENCE)
  end)

  it("reach connections: a certificate, its key, and a protocol", function()
    local server = ends.serverContext { identity = false, setup = function(one)
      assert(one:setCommands { { "Certificate", pki.server.certificateFile }, { "PrivateKey", pki.server.keyFile },
        { "MaxProtocol", "TLSv1.2" } })
    end }
    local client = ends.connected { transport = "memory", server = server }
    assert.are.equal("TLSv1.2", client:version())
  end)

  it("do not reach connections of before (S9)", function()
    local server = ends.serverContext { method = "TLSv1.2" }
    local client, far = ends.pair { transport = "memory", version = "TLSv1.2", server = server,
      client = { setup = function(one) assert(one:setCipherList("ECDHE-ECDSA-AES256-GCM-SHA384")) end } }
    assert(server:setCommand("CipherString", "ECDHE-ECDSA-AES128-GCM-SHA256"))
    assert.are.same({ 1, 1 }, { ends.handshake(client, far) })
  end)

  it("are all applied, or none", function()
    local before = context:describe()
    local err = refusals.refused("bad_command_value", "option", "Groups", context:setCommands {
      { "MaxProtocol", "TLSv1.2" }, { "CipherString", "ECDHE-ECDSA-AES128-GCM-SHA256" }, { "Groups", "nonsense" } })
    assert.are.equal("Groups", err:subject())
    assert.are.same(before, context:describe())
    assert.are.equal(context, context:setCommands {})
    assert.are.same(before, context:describe())
  end)

  it("are refused by unknown names, and by bad values", function()
    local before = context:describe()
    for _, name in ipairs { "", "NoSuchThing", "-min_protocol", "MinProtocols" } do
      refusals.refused("unknown_command", "option", name ~= "" and name or nil, context:setCommand(name, "x"))
    end
    for name, value in pairs { MinProtocol = "TLSv9", Options = "Nothing", Certificate = "/no/such/file",
      SignatureAlgorithms = "x", VerifyMode = "Perhaps" } do
      refusals.refused("bad_command_value", "option", name, context:setCommand(name, value))
    end
    assert.are.same(before, context:describe())
  end)

  it("of trust are refused: they would make a second store, and ours be passed over", function()
    for _, name in ipairs { "VerifyCAFile", "VerifyCAPath", "VerifyCAStore", "ChainCAFile", "ChainCAPath",
      "ChainCAStore", "verifycafile" } do
      local err = refusals.refused("trust_command", "option", name, context:setCommand(name, pki.ca.certificateFile))
      assert.truthy(err:errorHint():find("loadVerifyLocations", 1, true))
    end
  end)

  it("never ask anybody for a passphrase", function()
    local path = pki.write(pki.server.key:toPem("secret"))
    assert(context:useCertificate(pki.server.certificate))
    refusals.refused("bad_command_value", "option", "PrivateKey", context:setCommand("PrivateKey", path))
  end)

  it("raise for other types and NUL bytes", function()
    for _, call in ipairs { {}, { "MinProtocol" }, { true, "x" }, { "MinProtocol", {} }, { "MinProtocol\0", "TLSv1.2" },
      { "MinProtocol", "TLSv1.2\0" } } do
      assert.error_matches(function() context:setCommand(call[1], call[2]) end, "bad argument #")
    end
    for _, list in ipairs { "x", { "x" }, { { "MinProtocol" } }, { { "a", 1 } }, { { "a", "b\0" } }, { {} } } do
      assert.error_matches(function() context:setCommands(list) end, "bad argument #1 to 'setCommands'")
    end
    assert.error_matches(function() context:setCommands() end, "bad argument #1 to 'setCommands'")
  end)
end)
