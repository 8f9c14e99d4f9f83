-- A host is the same host however it is written: in brackets, with a zone, with a dot at its end. And a name is one
-- name: what begins with a dot is none. So it is in every place that takes a host.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local names = pki.issue { subject = "CN=x", names = { "www.example.com", "*.example.org", "fe80::1" } }.certificate

describe("matchesHost", function()
  it("does not take a dot at the beginning for all names below", function()
    for _, name in ipairs { ".example.com", ".com", ".example.org", "..example.com", ".", "www..example.com" } do
      assert.is_false(names:matchesHost(name), name)
    end
  end)

  it("takes a name with a dot at its end", function()
    assert.is_true(names:matchesHost "www.example.com.")
    assert.is_true(names:matchesHost "a.example.org.")
    assert.is_false(names:matchesHost "www.example.com..")
  end)

  it("is false for an address, even where the common name is one", function()
    local old = pki.issue { subject = "CN=192.0.2.1" }.certificate
    for _, address in ipairs { "192.0.2.1", "[fe80::1]", "fe80::1%eth0" } do
      assert.is_false(old:matchesHost(address), address)
      assert.is_false(names:matchesHost(address), address)
    end
  end)
end)

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("A host to verify, " .. version, function()
    local identity = pki.issue { subject = "CN=localhost", names = { "localhost", "::1", "fe80::1" } }

    local function meet(host, set)
      local client, server = ends.pair {
        transport = "memory", version = version, verifyHost = false, serverName = false,
        server = { identity = identity },
      }
      assert(client[set or "sslSetVerifyHost"](client, host))
      return (ends.handshake(client, server))
    end

    for _, host in ipairs { "[::1]", "::1", "::1%lo", "[fe80::1%eth0]", "fe80::1%eth0", "localhost.", "[localhost]" } do
      it("may be written as " .. host, function() assert.are.equal(1, meet(host)) end)
    end

    it("is another one where it is another one", function()
      refusals.failed("certificate_wrong_ip", "connect", meet "[::2]")
      refusals.failed("certificate_wrong_ip", "connect", meet "fe80::2%eth0")
      refusals.failed("certificate_wrong_host", "connect", meet "localhost.localdomain.")
    end)

    it("may have a dot at its end in a list", function()
      assert.are.equal(1, meet({ "elsewhere.example.", "localhost." }, "sslSetVerifyHosts"))
    end)

    it("of scissl.connect may be written like option host", function()
      local listener <close> = assert(scissl.listen {
        host = "127.0.0.1", port = 0, waiter = "coroutine", timeout = 10, version = version,
        certificate = identity.certificate, privateKey = identity.key,
      })
      local _, port = listener:getSockName()
      for _, host in ipairs { "[::1]", "fe80::1%eth0", "localhost." } do
        local results = ends.run(function() return listener:accept(10) end, function()
          return scissl.connect {
            host = "127.0.0.1", port = port, verifyHost = host, ca = pki.ca.certificate, waiter = "coroutine",
            timeout = 10,
          }
        end)
        assert.truthy(results[2][1], tostring(results[2][2]))
      end
    end)
  end)

  describe("The name to ask for, " .. version, function()
    local function asked(name)
      local client, server = ends.pair {
        transport = "memory", version = version, serverName = name, verifyHost = false,
      }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      return server:serverName()
    end

    it("is sent without the dot at its end", function()
      assert.are.equal("www.example.com", asked "www.example.com.")
    end)

    it("is not sent where it is an address, however it is written", function()
      for _, address in ipairs { "127.0.0.1", "::1", "[::1]", "fe80::1%eth0", "[fe80::1%eth0]" } do
        assert.is_nil(asked(address), address)
      end
    end)
  end)
end

describe("A name that begins with a dot", function()
  local function socket()
    local made = scissl.SciSslSocket.onMemory(assert(scissl.SciSslContext.new()))
    assert(made:sslInitialize())
    return made
  end

  it("is refused where one host is due", function()
    refusals.refused("bad_host_name", "option", nil, socket():sslSetVerifyHost ".example.com")
    refusals.refused("bad_host_name", "option", nil, socket():sslSetVerifyHosts { ".example.com" })
    refusals.refused("bad_host_name", "option", nil, socket():sslSetVerifyHost "[.example.com]")
    refusals.refused("bad_host_name", "option", nil, socket():sslSetServerName ".example.com")
    refusals.refused("bad_host_name", "option", nil, socket():sslSetDane ".example.com")
  end)

  it("is refused by scissl.connect", function()
    local listener <close>, port = ends.listener()
    assert.truthy(listener)
    for _, host in ipairs { ".example.com", { ".example.com" } } do
      local stream, failure = scissl.connect { host = "127.0.0.1", port = port, verifyHost = host, timeout = 10 }
      assert.is_nil(stream)
      assert.are.equal("bad_host_name", failure:condition())
    end
  end)
end)
