local sockets = require "spec.support.sockets"

local new = sockets.new
local refusal = sockets.refusal

describe("getSockOpt and setSockOpt", function()
  it("read and write what is on or off", function()
    local socket <close> = new()
    for _, name in ipairs { "SO_REUSEADDR", "SO_REUSEPORT", "SO_KEEPALIVE", "TCP_NODELAY" } do
      for _, value in ipairs { true, false } do
        assert.equal(socket, socket:setSockOpt(name, value))
        assert.equal(value, socket:getSockOpt(name))
      end
    end
  end)

  it("read and write IPV6_V6ONLY", function()
    if not sockets.has_ipv6() then return pending("no IPv6 here") end
    local socket <close> = new("inet6")
    for _, value in ipairs { true, false } do
      assert(socket:setSockOpt("IPV6_V6ONLY", value))
      assert.equal(value, socket:getSockOpt("IPV6_V6ONLY"))
    end
  end)

  it("read and write numbers", function()
    local socket <close> = new()
    for name, value in pairs { TCP_KEEPIDLE = 61, TCP_KEEPINTVL = 7, TCP_KEEPCNT = 3 } do
      assert(socket:setSockOpt(name, value))
      assert.equal(value, socket:getSockOpt(name))
    end
  end)

  it("size the buffers, by the system's own reckoning", function()
    local socket <close> = new()
    for _, name in ipairs { "SO_RCVBUF", "SO_SNDBUF" } do
      assert(socket:setSockOpt(name, 16384))
      assert.is_true(socket:getSockOpt(name) >= 16384)
    end
  end)

  it("read and write SO_LINGER in seconds, false for off", function()
    local socket <close> = new()
    assert.is_false(socket:getSockOpt("SO_LINGER"))
    assert(socket:setSockOpt("SO_LINGER", 3))
    assert.equal(3, socket:getSockOpt("SO_LINGER"))
    assert(socket:setSockOpt("SO_LINGER", 0))
    assert.equal(0, socket:getSockOpt("SO_LINGER"))
    assert(socket:setSockOpt("SO_LINGER", false))
    assert.is_false(socket:getSockOpt("SO_LINGER"))
  end)

  it("read and write time-outs in seconds", function()
    local socket <close> = new()
    for _, name in ipairs { "SO_RCVTIMEO", "SO_SNDTIMEO" } do
      assert.equal(0, socket:getSockOpt(name))
      assert(socket:setSockOpt(name, 2.5))
      assert.is_true(math.abs(socket:getSockOpt(name) - 2.5) < 0.02)
    end
  end)

  it("never turn a short time-out into none", function()
    local socket <close> = new()
    assert(socket:setSockOpt("SO_RCVTIMEO", 1e-9))
    assert.is_true(socket:getSockOpt("SO_RCVTIMEO") > 0)
  end)

  it("read SO_TYPE and SO_ERROR", function()
    local socket <close> = new()
    assert.equal("integer", math.type(socket:getSockOpt("SO_TYPE")))
    assert.equal(0, socket:getSockOpt("SO_ERROR"))
  end)

  it("refuse to write what can only be read", function()
    local socket <close> = new()
    local _, phase, subject = refusal(socket:setSockOpt("SO_TYPE", 1))
    assert.equal("option", phase)
    assert.equal("SO_TYPE", subject)
  end)

  it("refuse an unknown name, and say it", function()
    local socket <close> = new()
    for _, call in ipairs { "getSockOpt", "setSockOpt" } do
      local condition, phase, subject = refusal(socket[call](socket, "SO_NOTHING", 1))
      assert.equal("unknown_option", condition)
      assert.equal("option", phase)
      assert.equal("SO_NOTHING", subject)
    end
  end)

  it("refuse an option that is not this socket's", function()
    local socket <close> = new("unix")
    assert.equal("TCP_NODELAY", select(3, refusal(socket:setSockOpt("TCP_NODELAY", true))))
  end)

  it("raise for a value of the wrong kind", function()
    local socket <close> = new()
    assert.error_matches(function() socket:setSockOpt("TCP_NODELAY", 1) end, "boolean expected")
    assert.error_matches(function() socket:setSockOpt("SO_RCVBUF", true) end, "number expected")
    assert.error_matches(function() socket:setSockOpt("SO_RCVBUF", 1 << 40) end, "out of range")
    assert.error_matches(function() socket:setSockOpt("SO_LINGER", -1) end, "seconds")
    assert.error_matches(function() socket:setSockOpt("SO_LINGER", true) end, "number expected")
    assert.error_matches(function() socket:setSockOpt("SO_RCVTIMEO", -1) end, "0 or more")
    assert.error_matches(function() socket:setSockOpt("SO_RCVTIMEO", 0 / 0) end, "seconds of 0 or more")
    assert.error_matches(function() socket:setSockOpt("SO_RCVTIMEO", math.huge) end, "seconds expected")
  end)
end)
