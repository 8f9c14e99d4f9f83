-- SciSslContext, how the certificates of peers are verified: settings that make no sense.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local refusals = require "spec.support.refusals"

local SciSslContext = scissl.SciSslContext

local function refused(condition, subject, context, method, ...)
  local before = context:describe()
  local err = refusals.refused(condition, "option", subject, context[method](context, ...))
  assert.are.same(before, context:describe())
  return err
end

describe("Bad input to the policy", function()
  local context
  before_each(function()
    context = assert(SciSslContext.new():setVerifyHosts { "a.example" }:setVerifyIp("192.0.2.1")
      :setVerifyEmail("a@b.example"):setVerifyFlags("crl_check"))
  end)

  it("is refused: purposes that do not exist", function()
    for _, name in ipairs { "", "sslserve", "SSLSERVER" } do
      refused("unknown_purpose", name ~= "" and name or nil, context, "setPurpose", name)
    end
  end)

  it("is refused: flags that do not exist, with the nearest that does", function()
    local err = refused("unknown_flag", "crl_chek", context, "setVerifyFlags", { "partial_chain", "crl_chek" })
    assert.truthy(err:message():find("'crl_check'", 1, true), err:message())
    err = refused("unknown_flag", "something else", context, "setVerifyFlags", "something else")
    assert.is_nil(err:message():find("did you mean", 1, true))
    refused("unknown_flag", "no_wildcard", context, "setVerifyHostFlags", "no_wildcard")
    refused("unknown_flag", nil, context, "setVerifyFlags", "crl_check\0")
    refused("unknown_flag", nil, context, "setVerifyFlags", ("crl"):rep(1000))
    refused("unknown_flag", nil, context, "clearVerifyFlags", { "" })
  end)

  it("is refused: bits without a meaning", function()
    for _, bits in ipairs { -1, 1 << 62, math.mininteger, 0x40000000 } do
      refused("unknown_flag", nil, context, "setVerifyFlags", bits)
      refused("unknown_flag", nil, context, "clearVerifyFlags", bits)
      refused("unknown_flag", nil, context, "setVerifyHostFlags", bits)
    end
  end)

  it("is refused: the flag that needs a time", function()
    refused("unknown_flag", nil, context, "setVerifyFlags", scissl.X509_V_FLAG_USE_CHECK_TIME)
    refused("unknown_flag", nil, context, "clearVerifyFlags", "use_check_time")
  end)

  it("is refused: hosts that are none, the good ones beside them too", function()
    for _, name in ipairs { "", ".", "..a", "a\0b.example", "a..b", "a b", ("a"):rep(64), ("a."):rep(127) .. "b",
      "ö.example" } do
      refused("bad_host_name", nil, context, "setVerifyHosts", { "good.example", name })
    end
    for _, address in ipairs { "127.0.0.1", "::1" } do
      refused("bad_host_name", address, context, "setVerifyHosts", { address })
    end
  end)

  it("is refused by sockets: hosts that are none, and the wrong moment", function()
    local client, server = ends.pair { transport = "memory", verifyHost = "localhost" }
    refusals.refused("bad_host_name", "option", nil, client:sslSetVerifyHosts { "elsewhere.example", "a\0b" })
    assert.are.equal(1, (ends.handshake(client, server)))
    refusals.refused("handshake_under_way", "option", nil, client:sslSetVerifyHosts { "localhost" })
    client = ends.pair { transport = "memory", initialize = false }
    refusals.refused("not_initialized", "option", nil, client:sslSetVerifyHosts { "localhost" })
    client:close()
    refusals.refused("closed", "option", nil, client:sslSetVerifyHosts { "localhost" })
  end)

  it("is refused: addresses that are none", function()
    for _, address in ipairs { "", "1.2.3", "1.2.3.4.5", "localhost", "[::1]", "fe80::1%eth0", "256.0.0.1" } do
      refused("bad_address", address ~= "" and address or nil, context, "setVerifyIp", address)
    end
    assert.error_matches(function() context:setVerifyIp("127.0.0.1\0") end, "bad argument #1 to 'setVerifyIp'")
  end)

  it("is refused: e-mail addresses that are none", function()
    for _, address in ipairs { "", "@", "a@", "@b", "ab", "a@b\0c", "a\0@b", "a@b@c", ("a"):rep(255) .. "@b" } do
      refused("bad_email", nil, context, "setVerifyEmail", address)
    end
  end)

  it("raises for other types, and for numbers out of range", function()
    local before = context:describe()
    for _, call in ipairs {
      { "setPurpose" }, { "setPurpose", {} }, { "setPurpose", "any\0" }, { "setVerifyTime" },
      { "setVerifyTime", "soon" }, { "setVerifyTime", 1.5 }, { "setVerifyTime", math.maxinteger },
      { "setVerifyTime", math.mininteger }, { "setVerifyTime", 253402300800 }, { "setVerifyTime", -2208988801 },
      { "setAuthLevel" }, { "setAuthLevel", 6 }, { "setAuthLevel", -1 }, { "setAuthLevel", math.maxinteger },
      { "setVerifyFlags" }, { "setVerifyFlags", true }, { "setVerifyFlags", { 1 } }, { "setVerifyFlags", 1.5 },
      { "clearVerifyFlags" }, { "setVerifyHostFlags" },
      { "setVerifyHosts" }, { "setVerifyHosts", "localhost" }, { "setVerifyHosts", { 1 } },
      { "setVerifyHosts", { "a", {} } }, { "setVerifyIp" }, { "setVerifyIp", {} }, { "setVerifyEmail" },
      { "setVerifyEmail", {} },
    } do
      assert.error_matches(function() context[call[1]](context, table.unpack(call, 2)) end, "bad argument #2 to")
    end
    assert.are.same(before, context:describe())
  end)
end)

describe("Flags", function()
  it("are read back as bits, and come by bits, by name, by list and by OpenSSL's full name", function()
    local context = SciSslContext.new()
    local check, all = scissl.X509_V_FLAG_CRL_CHECK, scissl.X509_V_FLAG_CRL_CHECK_ALL
    assert.are.equal(0, context:getVerifyFlags())
    assert.are.equal(check, context:setVerifyFlags("crl_check"):getVerifyFlags())
    assert.are.equal(check | all, context:setVerifyFlags(all):getVerifyFlags())
    assert.are.equal(all, context:clearVerifyFlags { "X509_V_FLAG_CRL_CHECK" }:getVerifyFlags())
    assert.are.equal(0, context:setVerifyTime(0):clearVerifyFlags(all):getVerifyFlags())
    assert.are.equal(0, context:describe().verifyTime)
    assert.are.equal(context, context:setVerifyFlags(context:getVerifyFlags()))
  end)

  it("of hosts replace those that were set", function()
    local context = SciSslContext.new()
    assert.are.equal(scissl.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, context:getVerifyHostFlags())
    assert.are.equal(scissl.X509_CHECK_FLAG_NO_WILDCARDS, context:setVerifyHostFlags("no_wildcards")
      :getVerifyHostFlags())
    assert.are.equal(0, context:setVerifyHostFlags {}:getVerifyHostFlags())
  end)
end)
