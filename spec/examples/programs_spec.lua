-- The small programs of examples/ do what their first lines say.
local examples = require "spec.support.examples"
local pki = require "spec.support.pki"
local texts = require "spec.support.texts"

describe("examples/https_client.lua", function()
  -- The example's own server, and the file of the authority that it has made.
  local function serve()
    local ca = pki.write ""
    return examples.start("https_server.lua", "^listening on %S+ port (%d+)", "--port", "0", "--ca", ca), ca
  end

  it("fetches a page of a server that it can verify", function()
    local server <close>, ca = serve()
    local output, code = examples.run("https_client.lua", ("https://localhost:%d"):format(server.port), ca)
    assert.are.equal(0, code, output)
    texts.has(output, "<!DOCTYPE html>")
    texts.has(output, "</html>")
    texts.has(output, "HTTP/1.1 200 OK")
  end)

  it("fetches nothing from one that it cannot", function()
    local server <close> = serve()
    local output, code = examples.run("https_client.lua", ("https://localhost:%d/"):format(server.port),
      pki.ca.certificateFile)
    assert.are.equal(1, code)
    texts.has(output, "no trusted CA signed the peer's certificate")
    assert.is_nil(output:find "DOCTYPE")
  end)

  it("ends with 1 where the page is not there, and for what is no URL", function()
    local server <close>, ca = serve()
    local output, code = examples.run("https_client.lua", ("https://localhost:%d/none"):format(server.port), ca)
    assert.are.equal(1, code)
    texts.has(output, "HTTP/1.1 404 Not Found")
    for _, url in ipairs { "http://localhost/", "localhost", "https://localhost/a b" } do
      output, code = examples.run("https_client.lua", url)
      assert.are.equal(1, code, output)
    end
  end)
end)

describe("examples/datagram_server.lua and examples/datagram_client.lua", function()
  it("exchange messages, by a pre-shared key and by a certificate #slow", function()
    local key = ("k"):rep(16)
    for _, how in ipairs {
      { { "sensor", key }, { "sensor", key } },
      { { "--certificate", pki.server.certificateFile, pki.server.keyFile }, { "--ca", pki.ca.certificateFile } },
    } do
      local server <close> = examples.start("datagram_server.lua", "^listening on %S+ port (%d+)", "0",
        table.unpack(how[1]))
      local client <close> = examples.start("datagram_client.lua", nil, "localhost", server.port,
        table.unpack(how[2]))
      client:write "hello\nyou\n"
      assert.equal("hello", client.pipe:read "l")
      assert.equal("you", client.pipe:read "l")
    end
  end)

  it("reads its certificate again at SIGHUP, and stops at SIGTERM", function()
    local server <close> = examples.start("datagram_server.lua", "^listening on %S+ port (%d+)", "0",
      "--certificate", pki.server.certificateFile, pki.server.keyFile)
    os.execute("kill -HUP " .. server.pid)
    assert.equal("certificate read again", server.pipe:read "l")
    os.execute("kill -TERM " .. server.pid)
    assert.equal("stopped; peers that were still there: 0", server.pipe:read "l")
    assert.same({ 0 }, { (select(3, server:finish())) })
  end)
end)

describe("Programs of examples/ that need arguments", function()
  local programs = { "datagram_client", "datagram_server",
    "document_client", "document_server", "hardware_key_server", "https_client", "luasec_client", "prefork_server",
    "production_server", "report", "socks5_client" }

  for _, name in ipairs(programs) do
    it("say which without them: " .. name .. ".lua", function()
      local output, code = examples.run(name .. ".lua")
      texts.has(output, ("usage: %s.lua "):format(name))
      assert.is_true(code == 1 or code == 2, tostring(code))
      assert.is_nil(output:find("stack traceback", 1, true))
    end)
  end

  it("say which where a number is none: prefork_server.lua", function()
    for _, arguments in ipairs { { "x", "a", "b" }, { "0", "a", "b", "0" }, { "0", "a", "b", "many" } } do
      local output, code = examples.run("prefork_server.lua", table.unpack(arguments))
      texts.has(output, "usage: prefork_server.lua ")
      assert.equal(2, code)
    end
  end)
end)

describe("examples/document_server.lua and document_client.lua", function()
  it("speak the document's protocol with each other", function()
    local certificate = pki.write ""
    local server <close> = examples.start("document_server.lua", "^listening on%s+%S+%s+(%d+)", "0", certificate)
    local output, code = examples.run("document_client.lua", "localhost", server.port, certificate)
    assert.are.equal(0, code, output)
    texts.has(output, "SciSslSocket: client, TLSv1.3")
    texts.has(output, "hello from TLS_AES_256_GCM_SHA384")
    output = server:finish()
    texts.has(output, "who are you?")
  end)

  it("refuse a server whose certificate is another one", function()
    local server <close> = examples.start("document_server.lua", "^listening on%s+%S+%s+(%d+)", "0", pki.write "")
    local output, code = examples.run("document_client.lua", "localhost", server.port, pki.ca.certificateFile)
    assert.are.equal(1, code)
    texts.has(output, "certificate")
  end)
end)

describe("examples/quickstart.lua", function()
  it("shows mutual TLS, a resumed session and a refused stranger", function()
    local output, code = examples.run("quickstart.lua")
    assert.are.equal(0, code, output)
    texts.has(output, "server sees: TLSv1.3")
    texts.has(output, "peer CN=quick start client, verification 0 (ok)")
    texts.has(output, "client reads: you said: hello over TLS")
    texts.has(output, "resumed")
    texts.has(output, "client rejects: ")
  end)
end)
