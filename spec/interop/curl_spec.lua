-- Our server with curl.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local peers = require "spec.support.peers"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local server_context = foreign.serverContext

local REQUIRE = scissl.SSL_VERIFY_PEER | scissl.SSL_VERIFY_FAIL_IF_NO_PEER_CERT

local curl, identity_arguments = peers.curl, peers.curlIdentity

local function answer(socket, body, headers)
  local request = foreign.read(socket, "\r\n\r\n")
  foreign.write(socket, ("HTTP/1.1 200 OK\r\n%s\r\n"):format(headers or
    ("Content-Length: %d\r\n"):format(#body)) .. body)
  return request
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Our server with curl #slow, " .. version, function()
    local listener, port

    before_each(function() listener, port = ends.listener() end)
    after_each(function() listener:close() end)

    it("is verified, and answers a request", function()
      local peer <close> = curl(version, port)
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      assert.are.equal(version, socket:version())
      assert.are.equal("localhost", socket:serverName())
      assert.truthy(answer(socket, "hello\n"):find("^GET / HTTP/1.1\r\n"))
      assert.are.same({ "hello\n", "exit", 0 }, { peer:finish() })
      assert.are.equal(0, ends.read(socket)) -- curl closes cleanly
    end)

    it("sends 10 MiB without a fault", function()
      local peer <close> = curl(version, port, "-o " .. pki.folder() .. "/body")
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      local body = ("0123456789abcde\n"):rep(655360)
      answer(socket, body)
      assert.are.same({ "", "exit", 0 }, { peer:finish() })
      local file <close> = assert(io.open(pki.folder() .. "/body", "rb"))
      assert.is_true(file:read("a") == body)
    end)

    it("receives 10 MiB without a fault", function()
      local body = ("0123456789abcde\n"):rep(655360)
      local peer <close> = curl(version, port, "-H Expect: --data-binary @" .. pki.write(body))
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      local parts, length, head = {}, 0, nil
      repeat
        local bytes = ends.read(socket)
        assert.are.equal("string", type(bytes), tostring(bytes))
        parts[#parts + 1] = bytes
        length = length + #bytes
        head = head or table.concat(parts):find("\r\n\r\n", 1, true)
      until head and length >= head + 3 + #body
      foreign.write(socket, "HTTP/1.1 204 No Content\r\n\r\n")
      assert.are.same({ "", "exit", 0 }, { peer:finish() })
      assert.is_true(table.concat(parts):sub(head + 4) == body)
    end)

    it("is told that its issuer is not known", function()
      local peer <close> = curl(version, port)
      local socket, failure = foreign.serve(listener, server_context(version, { identity = pki.strangeServer }))
      if socket then -- curl 8 looks after the handshake
        assert.are.equal("", (foreign.read(socket)))
        socket:close()
      else refusals.refused("server_certificate_refused", "accept", nil, socket, failure) end
      local _, how, code = peer:finish()
      assert.are.same({ "exit", 60 }, { how, code })
    end)

    it("is left where its certificate is for another host", function()
      local peer <close> = curl(version, port, "", ("https://other.example:%d/"):format(port))
      local socket = foreign.serve(listener, server_context(version))
      if socket then
        local text, last = foreign.read(socket)
        assert.are.equal("", text)
        assert.is_true(last == 0 or scissl.isSslError(last))
        socket:close()
      end
      local _, how, code = peer:finish()
      assert.are.same({ "exit", 60 }, { how, code })
    end)

    it("takes a good client certificate", function()
      local peer <close> = curl(version, port, identity_arguments(pki.client))
      local socket <close> = assert(foreign.serve(listener, server_context(version, { verify = REQUIRE })))
      assert.are.equal(pki.client.certificate, socket:peerCertificate())
      assert.are.equal(scissl.X509_V_OK, (socket:sslVerifyCertificate()))
      answer(socket, "welcome\n")
      assert.are.same({ "welcome\n", "exit", 0 }, { peer:finish() })
    end)

    it("refuses a client without, and with a stranger's certificate, and tells it", function()
      for condition, arguments in pairs {
        client_certificate_missing = "",
        certificate_unknown_issuer = identity_arguments(pki.stranger),
      } do
        local peer <close> = curl(version, port, arguments)
        local err = refusals.refused(condition, "accept", nil,
          foreign.serve(listener, server_context(version, { verify = REQUIRE })))
        assert.are.equal("sent", (select(2, err:alert())))
        local output, how, code = peer:finish()
        assert.are.equal("exit", how)
        assert.is_true(code == 35 or code == 56, output)
        assert.truthy(output:find("alert", 1, true), output)
      end
    end)

    it("agrees on an application protocol", function()
      local peer <close> = curl(version, port)
      local socket <close> = assert(foreign.serve(listener, server_context(version, { setup = function(context)
        assert(context:setAlpn { "h2", "http/1.1" })
      end })))
      assert.are.equal("http/1.1", socket:alpnProtocol())
      answer(socket, "")
      peer:finish()
    end)

    it("refuses it where it speaks none of our application protocols, and tells it", function()
      local peer <close> = curl(version, port)
      local err = refusals.refused("no_shared_alpn", "accept", nil,
        foreign.serve(listener, server_context(version, { setup = function(context)
          assert(context:setAlpn { "h2", "ttp/1.1", "http/1" })
        end })))
      assert.are.same({ "no_application_protocol", "sent" }, { table.unpack({ err:alert() }, 1, 2) })
      local _, how, code = peer:finish()
      assert.are.same({ "exit", 35 }, { how, code })
    end)

    it("is asked for no name where curl has an address only", function()
      local peer <close> = curl(version, port, "", ("https://127.0.0.1:%d/"):format(port))
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      assert.is_nil(socket:serverName())
      answer(socket, "hello\n")
      assert.are.same({ "hello\n", "exit", 0 }, { peer:finish() })
    end)

    it("resumes its session with a second connection", function()
      local url = ("https://localhost:%d/"):format(port)
      local peer <close> = curl(version, port, "", url .. " " .. url)
      local context = server_context(version)
      for round = 1, 2 do
        local socket <close> = assert(foreign.serve(listener, context))
        assert.are.equal(round == 2, socket:isSessionReused())
        answer(socket, round .. "\n", "Content-Length: 2\r\nConnection: close\r\n")
      end
      assert.are.same({ "1\n2\n", "exit", 0 }, { peer:finish() })
    end)

    it("begins anew with a second connection whose session it does not know", function()
      local url = ("https://localhost:%d/"):format(port)
      local peer <close> = curl(version, port, "", url .. " " .. url)
      for round = 1, 2 do
        local socket <close> = assert(foreign.serve(listener, server_context(version)))
        assert.is_false(socket:isSessionReused())
        answer(socket, round .. "\n", "Content-Length: 2\r\nConnection: close\r\n")
      end
      assert.are.same({ "1\n2\n", "exit", 0 }, { peer:finish() })
    end)

    it("serves two requests on one connection", function()
      local url = ("https://localhost:%d/"):format(port)
      local peer <close> = curl(version, port, "", url .. " " .. url)
      local socket <close> = assert(foreign.serve(listener, server_context(version)))
      answer(socket, "1\n")
      answer(socket, "2\n")
      assert.are.same({ "1\n2\n", "exit", 0 }, { peer:finish() })
    end)

    it("ends an answer without a length by a clean close", function()
      local peer <close> = curl(version, port)
      local socket = assert(foreign.serve(listener, server_context(version)))
      answer(socket, "whole\n", "Connection: close\r\n")
      socket:close()
      assert.are.same({ "whole\n", "exit", 0 }, { peer:finish() })
    end)

    it("is missed where it just goes", function()
      local peer <close> = curl(version, port)
      local socket = assert(foreign.serve(listener, server_context(version)))
      answer(socket, "half of\n", "Content-Length: 100\r\n")
      assert(socket:shutdown("w"))
      local output, how, code = peer:finish()
      socket:close()
      assert.are.equal("exit", how)
      assert.is_true(code == 18 or code == 56, output) -- partial file; failure in receiving
    end)

    it("tells a client that speaks plain HTTP", function()
      local peer <close> = curl(version, port, "", ("http://localhost:%d/"):format(port))
      refusals.refused("plain_http", "accept", nil, foreign.serve(listener, server_context(version)))
      local _, how = peer:finish()
      assert.are.equal("exit", how)
    end)
  end)
end
