-- How long the records of a connection are.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"

local records = payload.records

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Records, " .. version, function()
    it("are as short as the context says", function()
      local client, server = ends.memory { version = version, client = { setup = function(context)
        assert.are.equal(context, context:setMaxSendFragment(1000))
      end } }
      client:sslDrain()
      client:sslWrite(("x"):rep(4000))
      local sent = client:sslDrain()
      assert.are.equal(4, #records(sent))
      server:sslFeed(sent)
      assert.are.equal(("x"):rep(4000), server:sslRead())
    end)

    for _, bytes in ipairs { 512, 1024, 2048, 4096 } do
      it(("are as short as the client asks: %d"):format(bytes), function()
        local client, server = ends.memory { version = version, client = { setup = function(context)
          assert.are.equal(context, context:setMaxFragmentLength(bytes))
        end } }
        assert.are.same({ bytes, bytes }, { client:maxFragmentLength(), server:maxFragmentLength() })
        ends.shuttle(client, server)
        server:sslWrite(("x"):rep(3 * bytes))
        local sent = server:sslDrain()
        assert.are.equal(3, #records(sent))
      end)
    end

    it("are padded in TLS 1.3 where the context says so", function()
      if version == "TLSv1.2" then return end
      local client, server = ends.memory { version = version, client = { setup = function(context)
        assert.are.equal(context, context:setBlockPadding(512))
      end } }
      client:sslDrain()
      local lengths = {}
      for _, text in ipairs { "x", ("x"):rep(100), ("x"):rep(400) } do
        client:sslWrite(text)
        local sent = client:sslDrain()
        lengths[#lengths + 1] = records(sent)[1]
        server:sslFeed(sent)
        assert.are.equal(text, server:sslRead())
      end
      assert.are.same({ lengths[1], lengths[1], lengths[1] }, lengths)
      assert.is_true(lengths[1] >= 512)
    end)
  end)
end

describe("Settings of records", function()
  local context = scissl.SciSslContext.new()
  it("refuse what does not fit", function()
    for _, bytes in ipairs { 0, 511, 513, 8192, -512, 1.5, "short", 256 } do
      assert.error_matches(function() context:setMaxFragmentLength(bytes) end,
        "bad argument #1 to 'setMaxFragmentLength'")
    end
    for _, bytes in ipairs { 0, 511, 16385, -1, 1.5, "short" } do
      assert.error_matches(function() context:setMaxSendFragment(bytes) end, "bad argument #1 to 'setMaxSendFragment'")
    end
    for _, bytes in ipairs { -1, 16385, 1.5, "far" } do
      assert.error_matches(function() context:setBlockPadding(bytes) end, "bad argument #1 to 'setBlockPadding'")
    end
    assert.error_matches(function() context:setPostHandshakeAuth() end, "bad argument #1 to 'setPostHandshakeAuth'")
    assert.error_matches(function() context:setPostHandshakeAuth(1) end, "bad argument #1 to 'setPostHandshakeAuth'")
    assert.are.equal(context, context:setMaxFragmentLength(nil))
  end)
end)
