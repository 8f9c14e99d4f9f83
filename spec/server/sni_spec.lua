-- Contexts by server name.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local function context_for(name)
  return ends.serverContext { identity = pki.issue { subject = "CN=" .. name, names = { name } } }
end

describe("scissl.sni", function()
  local exact, wild, other = context_for "www.example.org", context_for "*.example.org", context_for "other.example"
  local map = assert(scissl.sni.new { ["www.example.org"] = exact, ["*.example.org"] = wild, ["*"] = other })

  for name, expected in pairs {
    ["www.example.org"] = exact, ["WWW.Example.ORG"] = exact, ["www.example.org."] = exact,
    ["mail.example.org"] = wild, ["a.b.example.org"] = other, ["example.org"] = other, ["elsewhere"] = other,
    ["*.example.org"] = other, [""] = other, ["www.example.org\0.evil"] = other, ["*"] = other,
  } do
    it(("finds the context of %q"):format(name), function() assert.are.equal(expected, map:find(name)) end)
  end

  it("finds the default where the client names no host", function() assert.are.equal(other, map:find(nil)) end)

  it("finds nothing where there is no default", function()
    local bare = assert(scissl.sni.new { ["www.example.org"] = exact })
    assert.is_nil(bare:find "elsewhere")
    assert.is_nil(bare:find(nil))
  end)

  it("changes while it is used", function()
    local changing = assert(scissl.sni.new {})
    assert.are.equal(changing, changing:set("Host.Example", exact))
    assert.are.equal(exact, changing:find "host.example")
    changing:set("host.example", nil)
    assert.is_nil(changing:find "host.example")
  end)

  it("makes contexts of configurations and of their fields", function()
    local configuration = scissl.SciSslSocketConfiguration.new {
      certificate = pki.server.certificatePem, privateKey = pki.server.keyPem, profile = "server",
    }
    local made = assert(scissl.sni.new {
      a = configuration, b = { certificate = pki.server.certificatePem, privateKey = pki.server.keyPem },
    })
    assert.are.equal(configuration:getSciSslContext(), made:find "a")
    assert.are.equal(made:find "a", made:find "b")
  end)

  it("answers why a context cannot be made, and stays as it was", function()
    local ok, err = scissl.sni.new { a = { certificate = "/nonexistent" } }
    assert.is_nil(ok)
    assert.are.equal("file_missing", err:condition())
    local changing = assert(scissl.sni.new { a = exact })
    ok, err = changing:set("a", { certificate = "/nonexistent" })
    assert.is_nil(ok)
    assert.are.equal("file_missing", err:condition())
    assert.are.equal(exact, changing:find "a")
  end)

  for _, name in ipairs { "", "a b", "a..b", "*a.example", "a.*.example", "a\0b", ".a", ("x"):rep(254), 1 } do
    it(("raises for the name %q"):format(name), function()
      assert.error_matches(function() scissl.sni.new { [name] = exact } end, "bad server name '")
    end)
  end

  it("raises for values that are no contexts", function()
    assert.error_matches(function() scissl.sni.new { a = 1 } end, "bad context 'number' of a server name")
    assert.error_matches(function() map:set("a", "text") end, "bad context 'string' of a server name")
  end)

  it("prints its names", function()
    assert.are.equal("SciSslSni: *, *.example.org, www.example.org", tostring(map))
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    local function serve(options, name)
      local connecting = {
        host = "127.0.0.1", serverName = name, verifyHost = name, ca = pki.ca.certificate, version = version,
      }
      local seen, failure = streams.meet(options, connecting, function(stream, failure)
        if stream then stream:close() end
        return failure
      end, function(stream, failure)
        if not stream then return failure end
        local subject = stream:peerCertificate():subject()
        stream:close()
        return subject
      end)
      return seen[1], failure[1]
    end

    it("serves several hosts, " .. version, function()
      local hosts = { ["www.example.org"] = exact, ["*.example.org"] = wild }
      assert.are.equal("CN=www.example.org", (serve({ sni = hosts }, "www.example.org")))
      assert.are.equal("CN=*.example.org", (serve({ sni = hosts }, "mail.example.org")))
    end)

    it("refuses other names where the listener has no certificate of its own, " .. version, function()
      local client_failure, server_failure = serve({ sni = { ["www.example.org"] = exact } }, "elsewhere.example")
      assert.are.equal("unrecognized_name", (client_failure:alert()))
      assert.are.equal("refused", server_failure:condition())
    end)

    it("goes on with the listener's own certificate for other names, " .. version, function()
      local subject = serve({
        sni = { ["www.example.org"] = exact }, certificate = pki.wrongHost.certificate,
        privateKey = pki.wrongHost.key,
      }, "elsewhere.example")
      assert.are.equal("CN=elsewhere.example", subject)
    end)
  end

  it("excludes onClientHello in scissl.listen", function()
    assert.error_matches(function() scissl.listen { port = 0, sni = {}, onClientHello = print } end,
      "options 'sni' and 'onClientHello' to 'scissl%.listen'")
  end)
end)
