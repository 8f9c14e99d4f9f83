-- What copas has from its release 3 on, with LuaSec's connections and with streams: handshakes of its own, servers with
-- TLS parameters, SNI, time-outs, threads that are removed. Each program runs with ours and with the real LuaSec.
local ends = require "spec.support.ends"
local files = require "spec.support.files"
local luasec = require "spec.support.luasec"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"

old_modules.add("copas", "coxpcall")
local copas_file = old_modules.find "copas"
local is_new = copas_file and files.read(copas_file):find("function copas.removethread", 1, true) ~= nil
local missing = not copas_file and "copas is not installed" or not is_new and "this copas is older than release 3"
local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or it

local prologue = [[
package.path = %q
local ssl = %s
local copas, socket = require "copas", require "socket"
local key, certificate, ca = %q, %q, %q
local server_parameters = { mode = "server", protocol = "any", key = key, certificate = certificate }
local client_parameters = { mode = "client", protocol = "any", verify = "peer", cafile = ca }
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local function begin(f) copas.addthread(f) end
local function plain() return assert(socket.connect("127.0.0.1", port)) end
local function words(...) -- without places in sources and in memory
  local list = table.pack(...)
  for i = 1, list.n do list[i] = tostring(list[i]):gsub("^[^ ]-:%%d+: ", ""):gsub("0x%%x+", "") end
  print(table.concat(list, " "))
end
copas.setErrorHandler(function(problem) words("error", problem) end, true)
]]

local echo = [[
copas.addserver(listener, copas.handler(function(connection)
  while true do
    local line, problem = connection:receive "*l"
    if not line then
      words("server", problem)
      break
    end
    connection:send(line:upper() .. "\n")
  end
end, SERVER))
]]

-- By name: the program; it prints what happens, two sides in any order.
local programs = {
  ["a handler with TLS parameters, and a client whose connect makes the handshake"] = {
    echo:gsub("SERVER", "server_parameters"), [[
    begin(function()
      local connection = copas.wrap(socket.tcp(), client_parameters)
      words("connected", connection:connect("127.0.0.1", port))
      for size = 1, 60000, 9999 do
        local line = ("x"):rep(size)
        words(connection:send(line .. "\n"))
        words(connection:receive "*l" == line:upper())
      end
      connection:close()
      copas.removeserver(listener)
    end)
    copas.loop()
    words "end"
  ]] },
  ["SNI in both tables"] = {
    echo:gsub("SERVER", [[{ wrap = server_parameters, sni = {
      names = { localhost = ssl.newcontext(server_parameters) }, strict = true } }]]), [[
    begin(function()
      for _, name in ipairs { "localhost", "other.test" } do
        local connection = copas.wrap(socket.tcp(), { wrap = client_parameters, sni = { names = name } })
        local good, done = pcall(connection.connect, connection, "127.0.0.1", port)
        words(name, good, good and done or "failed")
        if good and done then
          connection:send "hello\n"
          words(connection:receive "*l")
        end
        pcall(connection.close, connection)
      end
      copas.removeserver(listener)
    end)
    copas.loop()
    words "end"
  ]] },
  ["time-outs of a handshake, a read and a write"] = { "", [[
    begin(function()
      local connection = copas.wrap(plain(), client_parameters)
      local silent = listener:accept()
      connection:settimeouts(0.05, 0.05, 0.05)
      words("handshake", pcall(connection.dohandshake, connection))
      silent:close()
      connection:close()
    end)
    begin(function()
      copas.pause(0.2)
      local near = plain()
      local far = listener:accept()
      local server, client
      begin(function()
        server = copas.wrap(far, server_parameters)
        words("server", pcall(server.dohandshake, server) == true)
        words("server", server:receive(5))
      end)
      client = copas.wrap(near, client_parameters)
      words("client", pcall(client.dohandshake, client) == true)
      client:settimeouts(0.05, 0.05, 0.05)
      words("read", client:receive "*l")
      words("write", client:send "hello")
      local block, sent, problem = ("x"):rep(1 << 20), true, nil
      while sent do sent, problem = client:send(block) end
      words("full", problem)
      client:close()
      server:close()
    end)
    copas.loop()
    words "end"
  ]] },
  ["certificates that are not trusted"] = {
    echo:gsub("SERVER", "server_parameters"), [[
    begin(function()
      local connection = copas.wrap(socket.tcp(), { mode = "client", protocol = "any", verify = "peer" })
      local good, problem = pcall(connection.connect, connection, "127.0.0.1", port)
      words(good, (tostring(problem):match "certificate verify failed"))
      copas.removeserver(listener)
    end)
    copas.setErrorHandler(function(problem) words("handler", (tostring(problem):match "alert unknown ca")) end, true)
    copas.loop()
    words "end"
  ]] },
  ["a thread that is removed while it waits for a line, and one with another connection"] = {
    echo:gsub("SERVER", "server_parameters"), [[
    begin(function()
      local connection = copas.wrap(plain(), client_parameters)
      connection:dohandshake()
      local thread = copas.addthread(function() words("never", connection:receive "*l") end)
      copas.pause(0.02)
      copas.removethread(thread)
      connection:close()
      connection = copas.wrap(plain(), client_parameters)
      connection:dohandshake()
      words(connection:send "hello\n")
      words(connection:receive "*l")
      connection:close()
      copas.removeserver(listener)
    end)
    copas.loop()
    words "end"
  ]] },
}

local function run(program, implementation)
  local source = prologue:format(package.path, implementation, pki.server.keyFile, pki.server.certificateFile,
    pki.ca.certificateFile) .. program[1] .. program[2]
  local peer <close> = ends.lua(source)
  return peer:finish()
end

local function sorted(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  table.sort(list)
  return list
end

describe("copas from release 3 on, with LuaSec's connections:", function()
  for name, program in pairs(programs) do
    it(name, function()
      local output, how, code = run(program, '(require "scissl.luasec").install()')
      assert.same({ "exit", 0 }, { how, code }, output)
      assert.matches("end\n$", output)
      assert.is_nil(output:find("never", 1, true), output)
      if luasec.real then assert.same(sorted((run(program, 'require "ssl"'))), sorted(output)) end
    end)
  end
end)

describe("Streams under copas from release 3 on", function()
  it("work beside its pauses and time-outs, and after a thread was removed", function()
    local output, how, code = run({ "", [[
      local scissl = require "scissl"
      local server = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = certificate, privateKey = key,
        waiter = "copas", timeout = 30 })
      begin(function()
        words("served", (server:serve(function(stream)
          for line in stream:lines() do assert(stream:write(line:upper(), "\n")) end
        end)))
      end)
      local ended, waiting, over = 0, nil, false
      begin(function()
        while not over do copas.pause(0.001) end
      end)
      local function connect()
        local _, port = server:getSockName()
        return assert(scissl.connect { host = "127.0.0.1", port = port, verifyHost = "localhost", caFile = ca,
          waiter = "copas", timeout = 30 })
      end
      for i = 1, 10 do
        begin(function()
          local stream <close> = connect()
          for j = 1, 10 do
            assert(stream:write("line ", j, "\n"))
            if j % 3 == 0 then copas.pause(0) end
            copas.timeout(60, function() words "late" end)
            assert(stream:read() == "LINE " .. j)
            copas.timeout(0)
          end
          ended = ended + 1
          if ended == 10 then copas.wakeup(waiting) end
        end)
      end
      begin(function()
        waiting = coroutine.running()
        copas.pauseforever()
        words("ended", ended)
        local stream <close> = connect()
        local thread = copas.addthread(function() words("never", stream:read()) end)
        copas.pause(0.02)
        copas.removethread(thread)
        over = true
        server:stop(0)
      end)
      copas.loop()
      words "end"
    ]] }, "nil")
    assert.same({ "ended 10\nserved true\nend\n", "exit", 0 }, { output, how, code })
  end)
end)
