local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local texts = require "spec.support.texts"

local function ask(identity, trust, environment)
  local server <close> = ends.openssl(("-cert %s -key %s"):format(identity.certificateFile, identity.keyFile))
  local source = ("arg = { 'localhost', %d, %s }\ndofile 'examples/luasec_client.lua'"):format(server.port,
    trust and ("%q"):format(trust.certificateFile) or "nil")
  local client <close> = ends.lua(source, nil, environment)
  local output, _, code = client:finish()
  return output, code
end

describe("The example of a program written for LuaSec", function()
  it("shows whom it has met", function()
    local output, code = ask(pki.server, pki.ca)
    assert.are.equal(0, code, output)
    texts.has(output, "protocol\tTLSv1.3\n")
    texts.has(output, "\tcommonName\tlocalhost\n")
    texts.has(output, pki.server.certificate:fingerprint():lower())
  end)

  it("trusts whom the system trusts where nobody is named", function()
    local output, code = ask(pki.server, nil, { SSL_CERT_FILE = pki.ca.certificateFile })
    assert.are.equal(0, code, output)
    output, code = ask(pki.server, nil, { SSL_CERT_FILE = pki.otherCa.certificateFile })
    assert.are.equal(1, code)
    texts.has(output, "certificate verify failed")
  end)

  it("does so, too, with a connection that is older than strictness", function()
    local server <close> = ends.openssl(("-cert %s -key %s"):format(pki.server.certificateFile, pki.server.keyFile))
    local client <close> = ends.lua(([[
      local ssl = require "scissl.luasec"
      local connection = ssl.wrap(require "socket".connect("localhost", %d), { mode = "client", protocol = "any" })
      connection:sni "localhost"
      ssl.strict(true)
      assert(connection:dohandshake())
      print(connection:getsniname(), connection:getpeerverification())
    ]]):format(server.port), nil, { SSL_CERT_FILE = pki.ca.certificateFile })
    local output, _, code = client:finish()
    assert.are.same({ "localhost\ttrue\n", 0 }, { output, code })
  end)

  it("does not speak to strangers", function()
    for _, case in ipairs { { pki.server, pki.otherCa }, { pki.wrongHost, pki.ca } } do
      local output, code = ask(case[1], case[2])
      assert.are.equal(1, code)
      texts.has(output, "certificate verify failed")
    end
  end)
end)
