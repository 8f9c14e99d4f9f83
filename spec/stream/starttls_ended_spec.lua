-- startTls that ends in the midst of a handshake: no plain text follows.
local pki = require "spec.support.pki"
local scarce_support = require "spec.support.scarce"
local scissl = require "scissl"

local function plain_pair(far_waiter)
  local near, far = scissl.SciSocket.pair()
  return scissl.plain.on(near, { waiter = "coroutine" }), scissl.plain.on(far, { timeout = 30, waiter = far_waiter })
end

local function start_tls(stream)
  return stream:startTls { host = "localhost", caFile = pki.ca.certificateFile }
end

describe("startTls", function()
  it("closes what is in mid-handshake where its coroutine is closed", function()
    local near, far = plain_pair()
    local thread = coroutine.create(function() start_tls(near) end)
    assert(coroutine.resume(thread))
    assert(coroutine.close(thread))
    local done, failure = near:write("secret\n")
    assert.is_nil(done)
    assert.are.equal("closed", failure:condition())
    assert.are.equal("SciSslStream: closed", tostring(near))
    local hello = far:read("a")
    assert.are.equal(22, hello:byte())
    assert.falsy(hello:find "secret")
  end)

  it("sends no plain text in the midst of a handshake where memory runs out #slow", function()
    local scarce, why = scarce_support.load()
    if not scarce then return pending(why) end
    local died = 0
    scarce_support.each(function(n)
      local near, far = plain_pair("coroutine")
      local client, server = coroutine.create(start_tls), coroutine.create(far.startTls)
      assert(coroutine.resume(client, near)) -- sends its hello
      assert(coroutine.resume(server, far, {
        role = "server", certificate = pki.server.certificate, privateKey = pki.server.key,
      }))
      local failed, _, good = scarce.lua(n, false, coroutine.resume, client, true)
      if not good then
        died = died + 1
        local done, failure = near:write "secret\n"
        assert.is_nil(done)
        assert.equal("closed", failure:condition())
      end
      assert(coroutine.close(server))
      near:close()
      return failed
    end)
    assert.is_true(died > 0)
  end)
end)
