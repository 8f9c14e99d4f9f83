-- Scanners of TLS servers: what testssl.sh and sslscan say about `scissl.listen`. Part of `sh spec/run.sh all`.
local ends = require "spec.support.ends"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"

local function served(options)
  return ends.lua(([[
    local scissl = require "scissl"
    local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q, %s })
    print("port " .. select(2, listener:getSockName()))
    io.stdout:flush()
    listener:serve(function(stream) stream:read "l" end)
  ]]):format(pki.server.certificateFile, pki.server.keyFile, options), "^port (%d+)")
end

-- What testssl.sh finds that it rates LOW or worse: a list of texts, "id (severity): finding". The checks of the
-- certificate are left out: it is one of the specs' own.
local function findings(port, checks)
  local path = pki.write ""
  os.remove(path)
  local said = shell.run(("testssl --quiet --warnings off --color 0 --jsonfile %s %s 127.0.0.1:%d 2>&1"):format(path,
    checks, port))
  local file <close> = assert(io.open(path), said)
  local found, rated = {}, 0
  for finding in file:read("a"):gmatch "%b{}" do
    local function field(name) return finding:match(('"%s"%%s*:%%s*"([^"]*)"'):format(name)) end
    local id, severity = field "id", field "severity"
    rated = rated + 1
    if severity ~= "OK" and severity ~= "INFO" and severity ~= "DEBUG" then
      found[#found + 1] = ("%s (%s): %s"):format(id, severity, field "finding")
    end
  end
  assert.is_true(rated > 0, said)
  return found
end

describe("testssl.sh", function()
  local with_it = peers.present "testssl" and it or pending

  with_it("has nothing to say about the ciphers, the order and the protocols of a listener #slow", function()
    local server <close> = served ""
    assert.are.same({}, findings(server.port, "-p -s -f -P"))
  end)

  with_it("finds no vulnerability in a listener #slow", function()
    local server <close> = served ""
    assert.are.same({}, findings(server.port, "-U"))
  end)

  with_it("names the CBC suites of the profile 'old' #slow", function()
    local server <close> = served "profile = 'old'"
    assert.matches("LUCKY13", table.concat(findings(server.port, "--lucky13"), "\n"))
  end)
end)

describe("sslscan", function()
  local with_it = peers.present "sslscan" and it or pending

  local function scanned(options)
    local server <close> = served(options)
    local said = shell.run(("sslscan --no-colour --xml=- 127.0.0.1:%d 2>&1"):format(server.port))
    local ciphers = {}
    for cipher in said:gmatch "<cipher [^>]+>" do
      ciphers[#ciphers + 1] = cipher:match 'sslversion="([^"]+)"' .. " " .. cipher:match 'cipher="([^"]+)"'
    end
    assert.is_true(#ciphers > 0, said)
    return table.concat(ciphers, "\n"), ciphers, said
  end

  with_it("finds TLS 1.2 and 1.3 with authenticated encryption and forward secrecy only #slow", function()
    local _, ciphers, said = scanned ""
    for _, cipher in ipairs(ciphers) do
      local good = cipher:find "^TLSv1%.3 TLS_" or cipher:find "^TLSv1%.2 ECDHE%-ECDSA%-.*GCM"
        or cipher:find "^TLSv1%.2 ECDHE%-ECDSA%-CHACHA20"
      assert.truthy(good, cipher)
    end
    assert.matches('<fallback supported="1"', said)
    assert.matches('<renegotiation supported="0"', said)
  end)

  with_it("finds TLS 1.3 alone in the profile 'modern' #slow", function()
    local _, ciphers = scanned "profile = 'modern'"
    for _, cipher in ipairs(ciphers) do assert.matches("^TLSv1%.3 ", cipher) end
  end)

  with_it("finds CBC in the profile 'old' #slow", function()
    assert.matches("TLSv1%.2 ECDHE%-ECDSA%-AES128%-SHA\n", (scanned "profile = 'old'"))
  end)
end)
