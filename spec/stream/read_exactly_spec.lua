-- SciSslStream:readExactly, and small questions: random bytes, trusted certificates, the context of a connection, the
-- common name.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"
local streams = require "spec.support.streams"

describe("readExactly", function()
  it("returns exactly so many bytes", function()
    local client, server = streams.pair()
    server:write("12345678")
    server:flush()
    assert.equal("123", client:readExactly(3))
    assert.equal("", client:readExactly(0))
    assert.equal("45678", client:readExactly(5))
    client:close()
    server:close()
  end)

  it("is an error where the peer ends its data before, with what came", function()
    local client, server = streams.pair()
    server:write "123"
    server:close()
    local bytes, failure, partial = client:readExactly(4)
    assert.is_nil(bytes)
    assert.same({ "short_read", "read", "123" }, { failure:condition(), failure:phase(), partial })
    assert.matches("the data ended after 3 of 4 bytes", tostring(failure))
    bytes, failure, partial = client:readExactly(4)
    assert.same({ "short_read", "" }, { failure:condition(), partial })
    assert.is_nil(bytes)
    client:close()
  end)

  it("is the error truncated where the connection was cut", function()
    local client, server = streams.pair()
    server:write "123"
    server:flush()
    server:socket():shutdown "w"
    local bytes, failure, partial = client:readExactly(4)
    assert.is_nil(bytes)
    assert.same({ "truncated", "123" }, { failure:condition(), partial })
    client:close()
    server:close()
  end)

  it("keeps what came before a time-out", function()
    local client, server = streams.pair { timeout = 0.01 }
    server:write "123"
    server:flush()
    assert.equal("timeout", select(2, client:readExactly(4)):condition())
    server:write "4"
    server:flush()
    client:settimeout(30)
    assert.equal("1234", client:readExactly(4))
    client:close()
    server:close()
  end)

  it("works in plain text, and refuses what is no length", function()
    local near, far, keeper <close> = sockets.pair() -- luacheck: ignore 211
    local stream = assert(scissl.plain.on(near))
    far:send "ab"
    assert.equal("ab", stream:readExactly(2))
    for _, wrong in ipairs { -1, 1.5, "2", 0 / 0, math.huge, {} } do
      assert.error_matches(function() stream:readExactly(wrong) end, "integer of 0 or more expected")
    end
    assert.error_matches(function() stream:readExactly() end, "integer of 0 or more expected")
  end)
end)

describe("scissl.randomBytes", function()
  it("returns so many bytes, different ones each time", function()
    for _, count in ipairs { 0, 1, 32, 100000, 1 << 24 } do assert.equal(count, #scissl.randomBytes(count)) end
    assert.are_not.equal(scissl.randomBytes(32), scissl.randomBytes(32))
  end)

  it("refuses what is no number of bytes", function()
    for _, wrong in ipairs { -1, 1.5, (1 << 24) + 1, math.huge, "x", {} } do
      assert.is_false((pcall(scissl.randomBytes, wrong)))
    end
    assert.is_false((pcall(scissl.randomBytes)))
  end)
end)

describe("What a connection trusts", function()
  it("is listed by trustedCertificates", function()
    local context = scissl.SciSslContext.new()
    assert.same({}, context:trustedCertificates())
    assert(context:addTrusted(pki.ca.certificate))
    assert(context:loadVerifyLocations(pki.otherCa.certificateFile))
    local names = {}
    for _, certificate in ipairs(context:trustedCertificates()) do names[certificate:fingerprint()] = true end
    assert.same({ [pki.ca.certificate:fingerprint()] = true, [pki.otherCa.certificate:fingerprint()] = true }, names)
  end)

  it("is by default where defaultTrust says", function()
    local trust = scissl.defaultTrust()
    assert.equal("SSL_CERT_FILE", trust.fileVariable)
    assert.equal("SSL_CERT_DIR", trust.directoriesVariable)
    assert.is_string(trust.file)
    assert.is_string(trust.directories[1])
    local peer <close> = ends.lua([[
      local trust = require "scissl".defaultTrust()
      print(trust.file, table.concat(trust.directories, " "))
    ]], nil, { SSL_CERT_FILE = "/some/file", SSL_CERT_DIR = "/one:/two" })
    assert.equal("/some/file\t/one /two\n", (peer:finish()))
  end)

  it("is in the context that getContext returns", function()
    local context = ends.clientContext()
    local client, server = ends.connected { client = context }
    assert.equal(context, client:getContext())
    local stream = scissl.stream(client)
    assert.equal(context, stream:getContext())
    stream:close()
    assert.equal(context, client:getContext())
    server:close()
  end)
end)

describe("commonName", function()
  local function named(subject)
    local key = pki.server.key
    return assert(scissl.SciSslX509Certificate.issue { subject = subject, key = key, names = { "x.example" } })
  end

  it("is the last common name of the subject, in UTF-8; nil where there is none", function()
    assert.equal("localhost", named "CN=localhost,O=Test":commonName())
    assert.equal("Zoë, 1", named "O=Test,CN=Zoë\\, 1":commonName())
    assert.is_nil(named "O=Test":commonName())
  end)
end)
