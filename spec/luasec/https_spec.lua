-- ssl.https, ours and the real one, at servers that are built on either; and LuaSocket's own https addresses.

local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local ltn12 = require "ltn12"
local pki = require "spec.support.pki"

local our_https = require "scissl.luasec.https"
local found, real_https = pcall(require, "ssl.https")
if not found then real_https = nil end

-- A server of one connection after the other. The answer to /where/… is made by the function of that name.
local server_source = [[
local ssl = require "%s"
local socket = require "socket"
local SciSocket = require "scissl.core".SciSocket
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local context = assert(ssl.newcontext { mode = "server", protocol = "any", key = "%s", certificate = "%s",
  options = { "no_renegotiation" } })
print("port " .. port)
io.stdout:flush()

local function with_length(text) return "Content-Length: " .. #text .. "\r\n\r\n" .. text end

local pages = {}
function pages.plain(method, body, name)
  return "HTTP/1.1 200 OK\r\n" .. with_length(("%%s %%s [%%s]"):format(method, name or "no name", body))
end
function pages.chunked()
  return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n\r\n"
end
function pages.open() return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end" end
pages.cut = pages.open
function pages.again()
  return "HTTP/1.1 302 Found\r\nLocation: https://localhost:" .. port .. "/plain\r\n" .. with_length ""
end
function pages.down()
  return "HTTP/1.1 302 Found\r\nLocation: http://localhost:" .. port .. "/plain\r\n" .. with_length "stay"
end

local function answer(connection)
  local line = connection:receive()
  if not line then return end
  local method, page = line:match "^(%%S+) /(%%w*)"
  local length = 0
  repeat
    line = connection:receive()
    length = line and tonumber(line:lower():match "^content%%-length: (%%d+)") or length
  until not line or line == ""
  local body = length > 0 and connection:receive(length) or ""
  connection:send((pages[page] or pages.plain)(method, body, connection:getsniname()))
  return page
end

while true do
  local plain = listener:accept()
  plain:settimeout(20)
  local connection = ssl.wrap(plain, context)
  connection:settimeout(20)
  local page = connection:dohandshake() and answer(connection)
  if page == "cut" then
    local descriptor = math.tointeger(connection:getfd())
    SciSocket.on({ getfd = function() return descriptor end }):shutdown "rw"
  end
  connection:close()
end
]]

local function start(module)
  return ends.lua(server_source:format(module, pki.server.keyFile, pki.server.certificateFile), "^port (%d+)")
end

local servers = { { "ours", "scissl.luasec" }, luasec.real and { "LuaSec's", "ssl" } or nil }
local clients = { { "Our https", our_https }, real_https and { "LuaSec's https", real_https } or nil }

for _, server in ipairs(servers) do
  describe("At a server that is " .. server[1], function()
    local peer

    local function address(page) return ("https://localhost:%d/%s"):format(peer.port, page) end

    setup(function() peer = start(server[2]) end)
    teardown(function() peer:stop() end)

    -- LuaSec's https leaves open what it cannot use, and the server serves one at a time.
    after_each(function() collectgarbage() end)

    for _, client in ipairs(clients) do
      local name, https = client[1], client[2]

      it(name .. " gets a page by its address, and asks for the host by name", function()
        local body, code, headers, status = https.request(address "plain")
        assert.are.same({ "GET localhost []", 200, "HTTP/1.1 200 OK" }, { body, code, status })
        assert.are.equal(tostring(#body), headers["content-length"])
      end)

      it(name .. " posts a body", function()
        assert.are.equal("POST localhost [a=b]", (https.request(address "plain", "a=b")))
      end)

      it(name .. " takes a table", function()
        local pieces = {}
        local result, code = https.request {
          url = address "plain", method = "PUT", headers = { ["content-length"] = 3 },
          source = ltn12.source.string "abc", sink = ltn12.sink.table(pieces),
          protocol = "tlsv1_2", verify = "peer", cafile = pki.ca.certificateFile,
        }
        assert.are.same({ 1, 200, "PUT localhost [abc]" }, { result, code, table.concat(pieces) })
      end)

      it(name .. " reads bodies of each kind to their end", function()
        assert.are.equal("wikipedia", (https.request(address "chunked")))
        assert.are.equal("until the end", (https.request(address "open")))
      end)

      it(name .. " takes no body that was cut for a whole one", function()
        local body, problem = https.request(address "cut")
        assert.is_nil(body)
        assert.are.equal("unexpected eof while reading", problem)
      end)

      it(name .. " takes one where it is told to", function()
        local pieces = {}
        assert.are.equal(1, (https.request { url = address "cut", sink = ltn12.sink.table(pieces),
          options = { "all", "ignore_unexpected_eof" } }))
        assert.are.equal("until the end", table.concat(pieces))
      end)

      it(name .. " goes where it is sent, but not to plain text", function()
        assert.are.equal("GET localhost []", (https.request(address "again")))
        local body, code = https.request(address "down")
        assert.are.same({ "stay", 302 }, { body, code })
      end)

      it(name .. " verifies where it is told to", function()
        local sink = ltn12.sink.null()
        local function ask(file)
          return https.request { url = address "plain", sink = sink, verify = "peer", cafile = file }
        end
        assert.are.equal(1, (ask(pki.ca.certificateFile)))
        assert.are.same({ nil, "certificate verify failed" }, { ask(pki.otherCa.certificateFile) })
      end)

      it(name .. " refuses what LuaSec refuses", function()
        local function ask(field)
          return { https.request { url = address "plain", [field] = "x" } }
        end
        assert.are.same({ nil, "proxy not supported" }, ask "proxy")
        assert.are.same({ nil, "redirect not supported" }, ask "redirect")
        assert.are.same({ nil, "create function not permitted" }, ask "create")
        assert.are.same({ nil, "invalid protocol (x)" }, ask "protocol")
      end)
    end

    it("LuaSocket's http takes https addresses, with parameters", function()
      local kept, preloaded = package.loaded["ssl.https"], package.preload["ssl.https"]
      package.loaded["ssl.https"] = our_https
      local http = require "socket.http"
      assert.are.equal("GET localhost []", (http.request(address "plain")))
      local pieces = {}
      assert.are.equal(1, (http.request { url = address "plain", sink = ltn12.sink.table(pieces), verify = "peer",
        cafile = pki.ca.certificateFile }))
      assert.are.same({ nil, "certificate verify failed" }, { http.request { url = address "plain", verify = "peer" } })
      package.loaded["ssl.https"], package.preload["ssl.https"] = kept, preloaded
    end)

    it("a program changes nothing in the table that it gives", function()
      local given = { url = address "plain", sink = ltn12.sink.null() }
      local kept = { url = given.url, sink = given.sink }
      our_https.request(given)
      assert.are.same(kept, given)
    end)
  end)
end

describe("Our https", function()
  it("waits no longer than its TIMEOUT for a server that says nothing", function()
    local listener, port = ends.listener()
    our_https.TIMEOUT = 0.1
    local result, problem = our_https.request(("https://127.0.0.1:%d/"):format(port))
    our_https.TIMEOUT = 60
    listener:close()
    assert.is_nil(result)
    assert.are.equal("wantread", problem)
  end)

  it("says what connecting met", function()
    local listener, port = ends.listener()
    listener:close()
    assert.are.same({ nil, "connection refused" }, { our_https.request(("https://127.0.0.1:%d/"):format(port)) })
  end)

  it("verifies chain and name once it is strict", function()
    local peer <close> = start "scissl.luasec"
    local function ask(host, file)
      return our_https.request { url = ("https://%s:%d/plain"):format(host, peer.port), sink = ltn12.sink.null(),
        cafile = file }
    end
    local mine = pki.ca.certificateFile
    assert.are.equal(1, (ask("localhost")))
    luasec.ours.strict(true)
    local untrusted, why = ask("localhost")
    local trusted = ask("localhost", mine)
    local by_address = ask("127.0.0.1", mine)
    luasec.ours.strict(false)
    assert.is_nil(untrusted)
    assert.are.equal("certificate verify failed", why)
    assert.are.equal(1, trusted)
    assert.are.equal(1, by_address)
    assert.is_false(luasec.ours.strict())
  end)

  it("does not take a certificate for another host once it is strict", function()
    local identity = pki.wrongHost
    local peer <close> = ends.lua(server_source:format("scissl.luasec", identity.keyFile, identity.certificateFile),
      "^port (%d+)")
    local request = { url = ("https://localhost:%d/plain"):format(peer.port), sink = ltn12.sink.null(), verify = "peer",
      cafile = pki.ca.certificateFile }
    assert.are.equal(1, (our_https.request(request)))
    luasec.ours.strict(true)
    local result, problem = our_https.request(request)
    luasec.ours.strict(false)
    assert.are.same({ nil, "certificate verify failed" }, { result, problem })
  end)
end)

if not luasec.real then pending "LuaSec is not installed: https has not been compared with it" end
