-- pegasus, whole, with its plugin for TLS and with copas, asked by curl and by clients that misbehave: with ours and
-- with the real LuaSec it does the same.
local ends = require "spec.support.ends"
local others = require "spec.support.others_programs"
local pki = require "spec.support.pki"
local socket = require "socket"

local program_it = others.it(it, pending, "pegasus")
local copas_it = others.itWithCopas(it, pending, "pegasus")

local PLUGIN = [[
local socket = require "socket"
local reserved = assert(socket.bind("127.0.0.1", 0))
local port = select(2, reserved:getsockname())
reserved:close()
local Pegasus, Tls = require "pegasus", require "pegasus.plugins.tls"
local ssl = require "ssl"
local parameters = { mode = "server", protocol = "any", key = key, certificate = certificate, options = "all",
  verify = "none" }
local tls = Tls:new { wrap = parameters, sni = SNI and { names = { localhost = ssl.newcontext(parameters) } } }
local server = Pegasus:new { host = "127.0.0.1", port = tostring(port), plugins = { tls }, timeout = LIMIT }
io.stdout:setvbuf "no"
]]

local COPAS = [[
local socket, copas = require "socket", require "copas"
local Handler = require "pegasus.handler"
local listener = assert(socket.bind("127.0.0.1", 0))
local port = select(2, listener:getsockname())
local server = { start = function(_, callback)
  print("Pegasus is up on 127.0.0.1:" .. port)
  io.stdout:flush()
  local handler = Handler:new(callback, "", {})
  copas.setErrorHandler(function(problem) say("error", (tostring(problem):gsub("\n.*", ""))) end, true)
  copas.addserver(listener, copas.handler(function(client) handler:processRequest(port, client, listener) end,
    { wrap = { mode = "server", protocol = "any", key = key, certificate = certificate } }))
  copas.loop()
end }
]]

local CALLBACK = [[
server:start(function(request, response)
  local path = request:path()
  say(request:method(), path)
  if path == "/end" then
    response:write "ended"
    os.exit(0, true)
  elseif path == "/long" then
    response:addHeader("Content-Type", "text/plain"):write(("0123456789"):rep(200000))
  elseif path == "/chunks" then
    for i = 1, 100 do response:write(("%d "):format(i):rep(i), true) end
    response:close()
    request.client:close()
    return true
  elseif path == "/body" then
    local length, sum = 0, 0
    while true do
      local part = request:receiveBody(10000)
      if not part or part == "" then break end
      length, sum = length + #part, (sum * 31 + part:byte(-1)) % 1000003
    end
    response:write(("%d %d"):format(length, sum))
  elseif path == "/form" then
    local form = request:post()
    response:write(tostring(form and form.name))
  elseif path == "/query" then
    response:addHeader("X-Host", tostring(request:headers().host):gsub(":.*", ""):lower())
    response:write(tostring(request:query().name))
  end
end)
]]

local function start(implementation, program, values)
  local peer = others.start(implementation, program .. CALLBACK, values, "Pegasus is up on 127.0.0.1:(%d+)")
  function peer:curl(path, more)
    local command = ("curl -sS --max-time 30 --cacert '%s' %s 'https://localhost:%d%s' 2>&1")
      :format(pki.ca.certificateFile, more or "", self.port, path)
    local pipe <close> = assert(io.popen(command))
    return (pipe:read "a":gsub("Date: [^\n]*", "Date"):gsub(":%d%d%d%d+", ""))
  end
  return peer
end

-- What asks get, and what the server prints, which are the same for ours and for LuaSec.
local function same(program, values, ask)
  local replies, printed
  for _, implementation in pairs(others.implementations) do
    local peer <close> = start(implementation, program, values)
    local got = ask(peer)
    peer:curl "/end"
    local output, how, code = peer:finish()
    output = output:gsub("Pegasus is up[^\n]*\n", "")
    assert.same({ "exit", 0 }, { how, code }, output)
    assert.same(replies or got, got)
    assert.equal(printed or output, output)
    replies, printed = got, output
  end
  return replies, printed
end

local function sorted(text)
  local lines = {}
  for line in text:gmatch "[^\r\n]+" do lines[#lines + 1] = line end
  table.sort(lines)
  return lines
end

local body = pki.write(("abcdefghi\n"):rep(50000))

-- The requests that each kind of server gets. Returns all replies.
local function ask(peer)
  local replies = {}
  for _, version in ipairs { "--tls-max 1.2", "--tlsv1.3" } do
    for _, request in ipairs {
      { "/query?name=value" }, { "/long" }, { "/chunks" }, { "/missing" },
      { "/body", ("-H 'Expect:' --data-binary '@%s'"):format(body) }, { "/form", "-d name=posted" },
      { "/query", "-I" },
    } do
      local reply = peer:curl(request[1], version .. " " .. (request[2] or ""))
      replies[#replies + 1] = request[2] == "-I" and sorted(reply) or reply
    end
  end
  replies[#replies + 1] = table.concat(sorted(peer:curl("/query?name=1", "-i")), "\n")
  return replies
end

local function check(replies)
  for i = 0, 7, 7 do
    assert.equal("value", replies[i + 1])
    assert.equal(("0123456789"):rep(200000), replies[i + 2])
    assert.matches("100 100 $", replies[i + 3])
    assert.matches("Error code: 404", replies[i + 4])
    assert.matches("^500000 ", replies[i + 5])
    assert.equal("posted", replies[i + 6])
  end
  assert.matches("X%-Host: localhost", replies[15])
end

-- It does not wait for the server: after a handshake that has failed pegasus leaves the socket to the collector.
local function plain(port, text)
  local client = assert(socket.connect("127.0.0.1", port))
  client:send(text)
  client:close()
end

describe("pegasus", function()
  if not ends.has "curl" then return pending "curl is not installed" end

  program_it("serves requests by its plugin for TLS #slow", function()
    local replies, printed = same(PLUGIN, { SNI = false, LIMIT = 30 }, ask)
    check(replies)
    assert.matches("^running TLS\nGET /query\n", printed)
  end)

  copas_it("serves requests by copas #slow", function()
    check((same(COPAS, nil, ask)))
  end)

  program_it("goes on after handshakes that fail, and clients that say nothing #slow", function()
    local got, printed = same(PLUGIN, { SNI = false, LIMIT = 2 }, function(peer)
      local replies = { peer:curl("/query", "--cacert " .. pki.otherCa.certificateFile) }
      plain(peer.port, "GET / HTTP/1.0\r\n\r\n")
      plain(peer.port, "\22\3\1\0\5nonsense")
      plain(peer.port, "")
      replies[2] = peer:curl "/query?name=still"
      return replies
    end)
    assert.matches("certificate", got[1]) -- some versions of curl look at it after the handshake
    assert.matches("handshake failed\nhandshake failed\nhandshake failed\n", printed)
    assert.matches("running TLS\nGET /query\nrunning TLS\nGET /end\n$", printed)
  end)

  program_it("ends by itself where its plugin is told names: LuaSec's sni returns nothing #slow", function()
    for _, implementation in pairs(others.implementations) do
      local peer <close> = start(implementation, PLUGIN, { SNI = true, LIMIT = 30 })
      peer:curl "/query"
      local output, how, code = peer:finish()
      assert.same({ "exit", 1 }, { how, code })
      assert.matches("bad argument #1 to 'assert' %(value expected%)", output)
    end
  end)
end)
