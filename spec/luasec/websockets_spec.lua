-- lua-websockets, whole: its blocking client, and its client and server under copas, in all pairings of ours and the
-- real LuaSec. Its server has no TLS of its own; copas makes the handshakes.
local others = require "spec.support.others_programs"

local program_it = others.itWithCopas(it, pending, "websocket.tools")

local server = [[
local socket, copas, websocket = require "socket", require "copas", require "websocket"
local reserved = assert(socket.bind("127.0.0.1", 0))
local port = select(2, reserved:getsockname())
reserved:close()
local add = copas.addserver
function copas.addserver(listener, handler)
  return add(listener, function(client) return handler(copas.dohandshake(client,
    { mode = "server", protocol = "any", key = key, certificate = certificate })) end)
end
copas.setErrorHandler(function(problem) say("error", (problem:gsub("\n.*", ""))) end, true)
local listener
local function echo(client)
  while true do
    local message, opcode, clean, code, reason = client:receive()
    if not message then return say("closed", clean, code, reason) end
    if message == "stop" then listener:close(true)
    elseif message == "fail" then error "failed" end
    if message == "all" then client:broadcast(message) else client:send(message, opcode) end
  end
end
listener = websocket.server.copas.listen { interface = "127.0.0.1", port = port, protocols = { echo = echo },
  on_error = function(problem) say("not served", problem) end }
print(port)
io.stdout:flush()
copas.loop()
]]

local client = [[
local websocket = require "websocket"
local function connect(given, protocol)
  local parameters = { mode = "client", protocol = "any", verify = "peer", cafile = given and given.cafile or ca }
  local client = websocket.client[KIND](given)
  return client, client:connect("wss://127.0.0.1:" .. PORT, protocol or "echo", parameters)
end
local function main(work)
  if KIND == "sync" then return work() end
  local copas = require "copas"
  copas.addthread(work)
  copas.loop()
end
local function stop()
  local client = connect()
  if client.state ~= "OPEN" then return say "not stopped" end
  say(client:send "stop", client:receive())
  say(pcall(client.close, client))
end
]]

-- What the client printed, which is the same for all pairings, and what the server printed.
local function same(kind, program)
  local printed, at_server
  for _, of_server in pairs(others.implementations) do
    for _, of_client in pairs(others.implementations) do
      local peer <close> = others.start(of_server, server, nil, "^(%d+)\n")
      local near <close> = others.start(of_client, client .. program, { KIND = kind, PORT = peer.port })
      local output, how, code = near:finish()
      assert.same({ "exit", 0 }, { how, code }, output)
      local lines = peer:finish():gsub("^%d+\n", "")
      assert.equal(printed or output, output)
      assert.equal(at_server or lines, lines)
      printed, at_server = output, lines
    end
  end
  return printed, at_server
end

for _, kind in ipairs { "sync", "copas" } do
  describe("lua-websockets, its client " .. kind .. ",", function()
    program_it("echoes messages of all lengths, and closes #slow", function()
      local output = same(kind, [[
        main(function()
          local client, done, protocol = connect()
          say(done, protocol)
          for _, size in ipairs { 1, 125, 126, 16384, 65535, 65536, 300000 } do
            for _, opcode in ipairs { websocket.TEXT, websocket.BINARY } do
              local message = ("x"):rep(size)
              say(size, opcode, client:send(message, opcode))
              local received, got = client:receive()
              say(received == message, got)
            end
          end
          say(pcall(client.close, client, 1001, "gone"))
          stop()
        end)
      ]])
      assert.matches("^true echo\n1 1 true\ntrue 1\n", output)
      assert.matches("300000 2 true\ntrue 2\n", output)
    end)

    program_it("reports protocols that the server has not, and its errors #slow", function()
      local _, lines = same(kind, [[
        main(function()
          local client, done, protocol = connect(nil, "other")
          say(done, protocol, client.state)
          client, done, protocol = connect(nil, { "other", "echo" })
          say(done, protocol, client.state)
          say(client:send "fail")
          say(pcall(client.receive, client))
          say(client.state, client:send "x")
          stop()
        end)
      ]])
      assert.matches("not served bad protocol\n", lines)
      assert.matches("error failed\n", lines)
    end)

    program_it("sends to all clients #slow", function()
      local output = same(kind, [[
        main(function()
          local first, second = connect(), connect()
          say(first:send "mine", first:receive())
          say(second:send "yours", second:receive())
          say(first:send "all", first:receive())
          say(second:receive())
          for _, client in ipairs { first, second } do say(pcall(client.close, client)) end
          stop()
        end)
      ]])
      assert.matches("\ntrue all 1\nall 1\n", output)
    end)

    -- It does not look at what the handshake returned.
    program_it("notices a certificate of another authority as soon as it sends #slow", function()
      local output, lines = same(kind, [[
        main(function()
          local client, done, problem = connect { cafile = other_ca }
          say(done, problem, client.state)
          say(client:send "hello")
          say(pcall(client.close, client))
          stop()
        end)
      ]])
      assert.matches("^nil .* CLOSED\nnil false 1006 wrong state\n", output)
      assert.matches("alert unknown ca", lines)
    end)

    program_it("is closed by the server where it begins without TLS #slow", function()
      local output, lines = same(kind, [[
        main(function()
          local client = websocket.client[KIND]()
          say(client:connect("ws://127.0.0.1:" .. PORT, "echo"))
          stop()
        end)
      ]])
      assert.matches("^nil closed", output)
      assert.matches("http request", lines)
    end)
  end)
end

describe("lua-websockets, its client sync,", function()
  program_it("ends a read by its time-out, and closes #slow", function()
    local output = same("sync", [[
      local client = connect()
      client.sock:settimeout(0.05)
      say(client:receive())
      say(client.state, client:send "late")
      client = connect()
      client.sock:settimeout(30)
      say(client:send(("x"):rep(100000)), #(client:receive() or ""))
      say(client:close())
      stop()
    ]])
    assert.matches("^nil nil false 1006 wantread\nCLOSED nil false 1006 wrong state\n", output)
  end)
end)
