-- Calls with equal options find the same context, however they are written, and a new one once a file has changed.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local shared_contexts = require "scissl.tls.shared_contexts"

local function with(...)
  local values = {}
  for i = 1, select("#", ...), 2 do values[select(i, ...)] = (select(i + 1, ...)) end
  return values
end

local function find(...)
  return assert(shared_contexts.find(with(...)))
end

describe("The context of a call's options", function()
  local ca = pki.ca.certificateFile

  it("is the same for equal options in any order", function()
    local context = find("caFile", ca, "version", "TLSv1.3", "verify", 1, "groups", "X25519")
    assert.are.equal(context, find("groups", "X25519", "verify", 1, "version", "TLSv1.3", "caFile", ca))
    assert.are.equal(context, find("verify", 1, "caFile", ca, "groups", "X25519", "version", "TLSv1.3"))
  end)

  it("is another one for other options", function()
    local seen = {}
    for _, context in ipairs {
      find("caFile", ca), find("caFile", ca, "version", "TLSv1.3"), find("caFile", ca, "version", "TLSv1.2"),
      find("caFile", ca, "verify", 1), find("caFile", ca, "verify", 0), find("version", "TLSv1.3"),
      find("caFile", ca, "alpn", { "h2" }), find("caFile", ca, "alpn", { "http/1.1" }),
      find("caFile", ca, "defaultTrust", true),
    } do
      assert.is_nil(seen[context])
      seen[context] = true
    end
  end)

  it("is that of a configuration with the same fields", function()
    local context = find("caFile", ca, "version", "TLSv1.3")
    local configuration = scissl.SciSslSocketConfiguration.new { caFile = ca, version = "TLSv1.3" }
    assert.are.equal(context, configuration:getSciSslContext())
  end)

  it("is another one once it was closed, or all were forgotten", function()
    local context = find("caFile", ca, "version", "TLSv1.3")
    local closing <close> = context
    getmetatable(context).__close(closing)
    local second = find("caFile", ca, "version", "TLSv1.3")
    assert.are_not.equal(context, second)
    scissl.SciSslSocketConfiguration.forgetContexts()
    assert.are_not.equal(second, find("caFile", ca, "version", "TLSv1.3"))
  end)

  it("is found after many others #slow", function()
    local first = find("caFile", ca, "verifyDepth", 1)
    for depth = 2, 700 do find("verifyDepth", depth) end
    assert.are.equal(first, find("caFile", ca, "verifyDepth", 1))
  end)

  it("keeps nothing of a secret", function()
    local secret = setmetatable({ ("s"):rep(100) .. tostring(os.time()) }, { __mode = "v" })
    assert.is_truthy(shared_contexts.find { version = "TLSv1.3", passphrase = secret[1] })
    scissl.SciSslSocketConfiguration.forgetContexts()
    collectgarbage()
    collectgarbage()
    local seen = {}
    local function holds(value)
      if type(value) == "string" then return value:find(("s"):rep(100), 1, true) ~= nil end
      if value == nil or seen[value] or type(value) ~= "table" and type(value) ~= "function" then return false end
      seen[value] = true
      if type(value) == "function" then
        for i = 1, 60 do
          local name, kept = debug.getupvalue(value, i)
          if name and name ~= "_ENV" and holds(kept) then return true end
        end
        return false
      end
      for key, item in next, value do
        if holds(key) or holds(item) then return true end
      end
      return false
    end
    assert.is_false(holds(shared_contexts))
    assert.is_true(holds { function() return secret end })
  end)

  it("trusts what the file says when scissl.connect is called", function()
    local path = pki.write(pki.ca.certificatePem)
    local function connect()
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
        waiter = "coroutine", timeout = 10,
      })
      local _, port = listener:getSockName()
      local results = ends.run(function() return listener:accept(10) end, function()
        return scissl.connect { host = "localhost", port = port, caFile = path, waiter = "coroutine", timeout = 10 }
      end)
      for _, result in ipairs(results) do
        if result[1] then result[1]:close() end
      end
      return results[2][1], results[2][2]
    end
    assert.is_truthy(connect())
    assert.is_truthy(connect())
    local renewed = pki.write(pki.otherCa.certificatePem)
    assert(os.rename(renewed, path))
    local stream, failure = connect()
    assert.is_nil(stream)
    assert.are.equal("certificate_unknown_issuer", failure:condition())
  end)
end)
