-- Browsers as clients: Chromium and curl look at the page of examples/https_server.lua, which shows their connection.
local chromium = require "spec.support.chromium"
local ends = require "spec.support.ends"
local examples = require "spec.support.examples"
local pki = require "spec.support.pki"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local version_words = { ["TLSv1.2"] = "TLS 1.2", ["TLSv1.3"] = "TLS 1.3" }

-- The server, listening, with peer.port; and the file of the authority that it has made.
local function serve(...)
  local ca = pki.write("")
  return examples.start("https_server.lua", "^listening on %S+ port (%d+)", "--port", "0", "--ca", ca, ...), ca
end

local function fact(html, name)
  return html:match(('data%%-fact="%s">([^<]*)<'):format(name))
end

local function needs(program, present)
  return function(name, run)
    if present then it(name, run) else pending(("%s (needs %s)"):format(name, program)) end
  end
end

local in_chromium = needs("`sh spec/run.sh all`, chromium and certutil", os.getenv "SCISSL_ALL" and chromium.isThere())
local in_curl = needs("curl", ends.has "curl")

describe("Chromium at the page of examples/https_server.lua #slow", function()
  for _, version in ipairs(VERSIONS) do
    in_chromium("trusts us, sees its connection, and is resumed when it comes again, " .. version, function()
      local server <close>, ca = serve("--version", version)
      local url = ("https://localhost:%d/"):format(server.port)
      local browser <close> = chromium.start { trust = ca }
      assert(browser:load(url))
      local first = browser:html()
      assert.are.same({ version_words[version], "full handshake", "http/1.1", "localhost" },
        { fact(first, "version"), fact(first, "resumed"), fact(first, "alpn"), fact(first, "name") })
      assert.truthy(fact(first, "ja4"):find("^t13d%d%d%d%dh2_%x+_%x+$"))
      assert.truthy(first:find('title="random, without meaning">GREASE', 1, true))
      assert(browser:load(url))
      local second = browser:html()
      assert.are.same({ version_words[version], "resumed" }, { fact(second, "version"), fact(second, "resumed") })
      assert.are.equal("full handshake", fact(first, "resumed"))
    end)
  end

  in_chromium("refuses a server whose authority it does not know", function()
    local server <close> = serve()
    local browser <close> = chromium.start {}
    local loaded, failure = browser:load(("https://localhost:%d/"):format(server.port))
    assert.is_nil(loaded)
    assert.are.equal("net::ERR_CERT_AUTHORITY_INVALID", failure)
  end)

  in_chromium("draws the page without a complaint, and fits screens of each width", function()
    local server <close>, ca = serve()
    local browser <close> = chromium.start { trust = ca }
    for _, width in ipairs { 320, 768, 1280 } do
      browser:call("Emulation.setDeviceMetricsOverride",
        ('{"width":%d,"height":800,"deviceScaleFactor":1,"mobile":true}'):format(width))
      assert(browser:load(("https://localhost:%d/"):format(server.port)))
      assert.are.equal(tostring(width), browser:evaluate "String(document.documentElement.scrollWidth)")
    end
    -- Every picture has words, and every part its heading.
    assert.are.equal("0", browser:evaluate [[String([...document.querySelectorAll("svg")].filter(svg =>
      svg.getAttribute("role") != "img" || !(svg.getAttribute("aria-label") || svg.querySelector("title"))).length)]])
    assert.are.equal("0", browser:evaluate [[String([...document.querySelectorAll("section")].filter(section =>
      !document.getElementById(section.getAttribute("aria-labelledby"))).length)]])
    -- Nothing came from anywhere else.
    assert.are.equal("0", browser:evaluate "String(performance.getEntriesByType('resource').length)")
  end)
end)

describe("curl at the page of examples/https_server.lua #slow", function()
  local function curl(ca, port, arguments)
    local command = "env -u LD_PRELOAD curl -sS --cacert %s %s https://localhost:%d/ 2>&1"
    local pipe <close> = assert(io.popen(command:format(ca, arguments or "", port)))
    return pipe:read "a"
  end

  for _, version in ipairs(VERSIONS) do
    in_curl("reads the facts, and a second connection of one curl is resumed, " .. version, function()
      local server <close>, ca = serve("--version", version)
      local url = ("https://localhost:%d/"):format(server.port)
      local pages = curl(ca, server.port, url)
      local first, second = pages:match "^(.-</html>)(.*)$"
      assert.truthy(second, pages)
      assert.are.same({ version_words[version], "full handshake", "localhost" },
        { fact(first, "version"), fact(first, "resumed"), fact(first, "name") })
      assert.are.same({ version_words[version], "resumed" }, { fact(second, "version"), fact(second, "resumed") })
    end)
  end

  in_curl("sees the certificate that it shows, and why each thing was agreed on", function()
    local server <close>, ca = serve("--client-ca", pki.ca.certificateFile)
    local page = curl(ca, server.port, ("--cert %s --key %s"):format(pki.client.certificateFile, pki.client.keyFile))
    assert.are.equal("CN=client", fact(page, "client"))
    assert.truthy(page:find("you sent no ticket: you are new to this server", 1, true))
    assert.truthy(page:find("the newest version that both sides know", 1, true))
    assert.truthy(page:find("you had sent a key for it already", 1, true))
  end)

  in_curl("is told why its group took a round trip more", function()
    local server <close>, ca = serve("--groups", "P-384")
    local page = curl(ca, server.port, "--curves X25519:P-384 --tlsv1.3")
    assert.are.equal("secp384r1", fact(page, "group"))
    assert.truthy(page:find("you had sent no key for it: the server asked", 1, true))
    assert.truthy(page:find("2 round trips", 1, true))
  end)

  in_curl("meets headers that keep the page to itself", function()
    local server <close>, ca = serve()
    local page = curl(ca, server.port, "-i")
    for _, header in ipairs { "Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff",
      "Referrer-Policy: no-referrer", "Cache-Control: no-store", "Connection: close" } do
      assert.truthy(page:find(header, 1, true), header)
    end
    local body = page:match "\r\n\r\n(.*)"
    assert.are.equal(tonumber(page:match "Content%-Length: (%d+)"), #body)
    assert.is_nil(body:find("https?://", 1) and body:gsub("http://www%.w3%.org/2000/svg", ""):find "https?://")
    assert.is_nil(body:find "<script")
  end)

  in_curl("gets what HTTP says for other paths and methods", function()
    local server <close>, ca = serve()
    local function status(arguments, path)
      local pipe <close> = io.popen(("env -u LD_PRELOAD curl -s -o /dev/null -w '%%{http_code}' --cacert %s %s "
        .. "https://localhost:%d%s"):format(ca, arguments, server.port, path))
      return pipe:read "a"
    end
    assert.are.same({ "200", "200", "404", "400" },
      { status("-I", "/"), status("", "/?again"), status("", "/elsewhere"), status("-X POST -d x=1", "/") })
  end)
end)

describe("The page of examples/https_server.lua", function()
  it("escapes whatever a peer says", function()
    local server <close>, ca = serve("--client-ca", pki.ca.certificateFile)
    local evil = pki.issue { subject = [[CN=\<script\>alert(1)\</script\>\"'&]] }
    local scissl = require "scissl"
    local stream <close> = assert(scissl.connect { host = "localhost", port = server.port, caFile = ca,
      certificate = evil.certificate, privateKey = evil.key, alpn = { "http/1.1", "<img src=x>\255\1" },
      timeout = 30 })
    assert(stream:write "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    local page = assert(stream:read "a")
    assert.truthy(page:find("\\&lt;script\\&gt;alert(1)\\&lt;/script\\&gt;\\&quot;&#39;&amp;", 1, true))
    assert.truthy(page:find("&lt;img src=x&gt;\\xff\\x01", 1, true))
    assert.is_nil(page:find "<script" or page:find "<img")
    assert.truthy(utf8.len(page))
  end)

  it("serves others while one says nothing, and survives who speaks no TLS", function()
    local server <close>, ca = serve()
    local scissl = require "scissl"
    local silent <close> = assert(scissl.SciSocket.newStreamSocket())
    assert(silent:connect("127.0.0.1", server.port))
    local rude <close> = assert(scissl.SciSocket.newStreamSocket())
    assert(rude:connect("127.0.0.1", server.port))
    assert(rude:send "GET / HTTP/1.0\r\n\r\n")
    local stream <close> = assert(scissl.connect { host = "localhost", port = server.port, caFile = ca, timeout = 30 })
    assert(stream:write "GET / HTTP/1.1\r\n\r\n")
    assert.are.equal("HTTP/1.1 200 OK\r", stream:read "l")
  end)

  it("refuses arguments that it does not know", function()
    local output, code = examples.run("https_server.lua", "--prot", "1")
    assert.are.equal(2, code)
    assert.truthy(output:find("usage:", 1, true))
  end)
end)
