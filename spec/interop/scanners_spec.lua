-- Scanners of TLS servers: what testssl.sh and sslscan say about `scissl.listen`. Part of `sh spec/run.sh all`.
local ends = require "spec.support.ends"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"
local texts = require "spec.support.texts"

local function served(options)
  return ends.lua(([[
    local scissl = require "scissl"
    local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q, %s })
    print("port " .. select(2, listener:getSockName()))
    io.stdout:flush()
    listener:serve(function(stream) stream:read "l" end)
  ]]):format(pki.server.certificateFile, pki.server.keyFile, options), "^port (%d+)")
end

-- Starts testssl.sh with these checks. All runs that the specs need are started at once: each waits a lot.
local function begin_scan(options, checks)
  local server, path = served(options), pki.write ""
  os.remove(path)
  local scan = ends.start(("testssl --quiet --warnings off --color 0 --fast --jsonfile %s %s 127.0.0.1:%d"):format(path,
    checks, server.port))
  return { server = server, scan = scan, path = path }
end

-- What it finds that it rates LOW or worse: a list of texts, "id (severity): finding"; and all findings by id. The
-- certificate is not checked: it is one of the specs' own.
local function findings(begun)
  local said = begun.scan:finish()
  begun.server:stop()
  local file <close> = assert(io.open(begun.path), said)
  local found, rated = {}, {}
  for finding in file:read("a"):gmatch "%b{}" do
    local function field(name) return finding:match(('"%s"%%s*:%%s*"([^"]*)"'):format(name)) end
    local id, severity = field "id", field "severity"
    rated[id] = field "finding"
    local untested = field("finding"):find("not supported by local OpenSSL", 1, true) -- RC4: sslscan lists all suites
    if severity ~= "OK" and severity ~= "INFO" and severity ~= "DEBUG" and not untested then
      found[#found + 1] = ("%s (%s): %s"):format(id, severity, field "finding")
    end
  end
  assert.is_true(next(rated) ~= nil, said)
  return found, rated
end

describe("testssl.sh", function()
  local present = peers.present "testssl"
  local with_it = present and it or pending
  local scans = {}

  setup(function()
    if not present then return end
    scans.protocols = begin_scan("", "-p -P")
    scans.vulnerabilities = begin_scan("", "-U")
    scans.old = begin_scan("profile = 'old'", "--lucky13")
    scans.intermediate = begin_scan("profile = 'intermediate'", "-P")
  end)

  with_it("has nothing to say about the order and the protocols of a listener #slow", function()
    local found, rated = findings(scans.protocols)
    assert.same({}, found)
    assert.matches("offered with final", rated.TLS1_3)
    assert.is_string(rated.cipher_order)
  end)

  with_it("finds no vulnerability in a listener #slow", function()
    local found, rated = findings(scans.vulnerabilities)
    assert.same({}, found)
    assert.is_string(rated.LUCKY13)
  end)

  with_it("names the CBC suites of the profile 'old' #slow", function()
    assert.matches("LUCKY13", table.concat(findings(scans.old), "\n"))
  end)

  with_it("names the client's order of the profile 'intermediate' #slow", function()
    assert.matches("cipher_order %(HIGH%)", table.concat(findings(scans.intermediate), "\n"))
  end)
end)

describe("sslscan", function()
  local with_it = peers.present "sslscan" and it or pending

  -- Returns the cipher suites, as text and as a list, and what it prints for people. Its XML lacks some of that.
  local function scanned(options)
    local server <close>, path = served(options), pki.write ""
    local said = shell.run(("sslscan --no-colour --xml=%s 127.0.0.1:%d 2>&1"):format(path, server.port))
    local file <close> = assert(io.open(path))
    local ciphers = {}
    for cipher in file:read("a"):gmatch "<cipher [^>]+>" do
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
    texts.has(said, "Server supports TLS Fallback SCSV", "Session renegotiation not supported")
  end)

  with_it("finds TLS 1.3 alone in the profile 'modern' #slow", function()
    local _, ciphers = scanned "profile = 'modern'"
    for _, cipher in ipairs(ciphers) do assert.matches("^TLSv1%.3 ", cipher) end
  end)

  with_it("finds CBC in the profile 'old' #slow", function()
    assert.matches("TLSv1%.2 ECDHE%-ECDSA%-AES128%-SHA\n", (scanned "profile = 'old'"))
  end)
end)
