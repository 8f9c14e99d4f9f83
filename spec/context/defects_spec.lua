-- What bindings of OpenSSL have got wrong in settings: one promise for each such defect (see spec/defects_spec.lua).
local scissl = require "scissl"
local ends = require "spec.support.ends"
local refusals = require "spec.support.refusals"

local SciSslContext = scissl.SciSslContext

describe("Settings:", function()
  it("the least and the greatest protocol are both honoured", function()
    for bounds, expected in pairs {
      [{ "TLSv1.2", "TLSv1.2" }] = "TLSv1.2", [{ "TLSv1.3", "TLSv1.3" }] = "TLSv1.3",
      [{ "TLSv1.2", "TLSv1.3" }] = "TLSv1.3",
    } do
      local client = ends.connected { client = { setup = function(context)
        assert(context:setMinProtocol(bounds[1]))
        assert(context:setMaxProtocol(bounds[2]))
      end } }
      assert.are.equal(expected, client:version())
    end
    for _, other in ipairs { { "TLSv1.2", "TLSv1.3" }, { "TLSv1.3", "TLSv1.2" } } do
      local client, server = ends.pair { server = { method = other[2] }, client = { setup = function(context)
        assert(context:setMinProtocol(other[1]))
        assert(context:setMaxProtocol(other[1]))
      end } }
      local client_answer = ends.handshake(client, server)
      assert.is_true(scissl.isSslError(client_answer), table.concat(other, " and "))
      assert.are.equal("protocol_version", refusals.check(client_answer):condition())
    end
  end)

  it("cipher list and TLS 1.3 suites are both honoured in one context", function()
    local context = ends.clientContext { setup = function(context)
      assert(context:setCipherList("ECDHE-ECDSA-AES128-GCM-SHA256"))
      assert(context:setCiphersuites("TLS_CHACHA20_POLY1305_SHA256"))
    end }
    for version, name in pairs {
      ["TLSv1.2"] = "ECDHE-ECDSA-AES128-GCM-SHA256", ["TLSv1.3"] = "TLS_CHACHA20_POLY1305_SHA256",
    } do
      local client = ends.connected { client = context, server = { method = version } }
      assert.are.equal(name, client:cipher():name())
    end
  end)

  it("options are set by setOptions and cleared by clearOptions, not the other way round", function()
    local context = assert(SciSslContext.new())
    local before = context:getOptions()
    local bit = scissl.SSL_OP_NO_TICKET
    assert.are.equal(0, before & bit)
    assert(context:setOptions(bit))
    assert.are.equal(before | bit, context:getOptions())
    assert(context:clearOptions(bit))
    assert.are.equal(before, context:getOptions())
  end)

  it("an application protocol is a whole name: a part of the client's, or of its list, is none", function()
    local function names(list) return { setup = function(context) assert(context:setAlpn(list)) end } end
    for _, ours in ipairs { "h", "ttp/1.1", "http/1", "http/1.1\2h2", "\2h2", "2\8http" } do
      local client, server = ends.pair { client = names { "h2", "http/1.1" }, server = names { ours } }
      local client_answer, server_answer = ends.handshake(client, server)
      refusals.failed("no_shared_alpn", "accept", server_answer)
      assert.are.equal("no_application_protocol", (refusals.check(client_answer):alert()))
      assert.is_nil(server:alpnProtocol())
    end
  end)

  it("no application protocol in common is a fatal alert, never a connection without one", function()
    local function names(list) return { setup = function(context) assert(context:setAlpn(list)) end } end
    local client, server = ends.pair { client = names { "ftp" }, server = names { "h2" } }
    local client_answer = ends.handshake(client, server)
    assert.are.same({ "no_application_protocol", "received" }, { table.unpack({ client_answer:alert() }, 1, 2) })
    assert.is_false(client:isSecure())
    assert.is_false(server:isSecure())
  end)
end)
