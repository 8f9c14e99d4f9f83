-- Our sockets under copas's own functions: Debian's copas 1, and what copas 4 asks of a socket.
local ends = require "spec.support.ends"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local LONG = 30

old_modules.add("copas", "coxpcall")
local has_socket, socket = pcall(require, "socket")

-- ---- copas 4, as far as its sockets can tell: the words by which it asks, and the answers that it takes

local function copas4()
  local reading, writing, servers = {}, {}, {}
  local copas = { _VERSION = "Copas 4.7.0" }
  local waits = { timeout = true, wantread = true, wantwrite = true }
  local kinds = { tcp = "tcp", SSL = "ssl" }

  local function kind(skt) return kinds[tostring(skt):sub(1, 3)] end

  local function resume(thread, ...)
    local good, skt, set = coroutine.resume(thread, ...)
    if not good then error(debug.traceback(thread, tostring(skt)), 0) end
    if coroutine.status(thread) ~= "dead" then set[skt] = thread end
  end

  function copas.receive(client, pattern, part)
    while true do
      local got, reason
      got, reason, part = client:receive(pattern or "*l", part)
      if got or not waits[reason] then return got, reason, part end
      coroutine.yield(client, reason == "wantwrite" and writing or reading)
    end
  end

  function copas.send(client, data, from, to)
    local last = (from or 1) - 1
    while true do
      local done, reason
      done, reason, last = client:send(data, last + 1, to)
      if done or not waits[reason] then return done, reason, last end
      coroutine.yield(client, reason == "wantread" and reading or writing)
    end
  end

  local Wrapped = {}
  Wrapped.__index = Wrapped
  function Wrapped:receive(...) return copas.receive(self.socket, ...) end
  function Wrapped:send(...) return copas.send(self.socket, ...) end
  function Wrapped:close() return self.socket:close() end
  function Wrapped:dohandshake()
    assert(kind(self.socket) == "ssl", "a secure socket expected")
    while true do
      local done, reason = self.socket:dohandshake()
      if done then return self end
      if not waits[reason] then error("TLS/SSL handshake failed: " .. tostring(reason)) end
      coroutine.yield(self.socket, reason == "wantwrite" and writing or reading)
    end
  end

  function copas.wrap(skt, parameters)
    skt:settimeout(0)
    assert(kind(skt), "would be taken for UDP: " .. tostring(skt))
    return setmetatable({ socket = skt, ssl_params = parameters }, Wrapped)
  end

  function copas.addserver(server, handler)
    assert(kind(server) == "tcp", "would be taken for UDP: " .. tostring(server))
    server:settimeout(0)
    servers[server] = handler
  end

  function copas.addthread(f) resume(coroutine.create(f)) end

  local function list(...)
    local all = {}
    for _, set in ipairs { ... } do
      for skt in pairs(set) do all[#all + 1] = skt end
    end
    return all
  end

  function copas.step(timeout)
    local readable, writable = socket.select(list(reading, servers), list(writing), timeout)
    for _, skt in ipairs(readable) do
      if servers[skt] then
        local client = skt:accept()
        if client then
          client:settimeout(0)
          resume(coroutine.create(servers[skt]), client)
        end
      else
        local thread = reading[skt]
        reading[skt] = nil
        resume(thread, skt)
      end
    end
    for _, skt in ipairs(writable) do
      local thread = writing[skt]
      writing[skt] = nil
      resume(thread, skt)
    end
  end

  return copas
end

-- ---- both

local names = { "copas", "scissl.copas", "scissl.loop.copas_sockets", "scissl.loop.copas_waiter", "scissl.wait.copas" }

local function with(copas, test)
  local before = {}
  for _, name in ipairs(names) do before[name], package.loaded[name] = package.loaded[name], nil end
  package.loaded.copas = copas
  local good, raised = xpcall(test, debug.traceback, copas, require "scissl.copas")
  for _, name in ipairs(names) do package.loaded[name] = before[name] end
  if not good then error(raised, 0) end
end

local function run_until(copas, over)
  local deadline = require "scissl.core".SciSocket.now() + 60
  while not over() do
    copas.step(0.5)
    assert(require "scissl.core".SciSocket.now() < deadline, "copas has not come to an end")
  end
end

-- A server by copas.addserver and copas.wrap that runs `serve`, and a client that runs `talk`.
local function converse(copas, faces, serve, talk)
  local listener, port = streams.listen { waiter = "copas" }
  local finished, answer = 0, nil
  copas.addserver(faces.server(listener), function(client)
    serve(copas.wrap(client))
    finished = finished + 1
  end)
  copas.addthread(function()
    local stream = assert(require "scissl".connect {
      host = "127.0.0.1", port = port, ca = pki.ca.certificate, waiter = "copas", timeout = LONG,
    })
    local wrapped = copas.wrap(faces.socket(stream))
    answer = talk(wrapped)
    wrapped.socket:close()
    finished = finished + 1
  end)
  run_until(copas, function() return finished == 2 end)
  listener:close()
  return answer
end

local function promises(name, make)
  local missing = not has_socket and "LuaSocket is not installed" or not make and "copas cannot be loaded"
  local function promise(what, test)
    if missing then return pending(("%s %s (%s)"):format(name, what, missing)) end
    it(what, function() with(make(), test) end)
  end

  describe(name, function()
    promise("serves by addserver and wrap, with lines", function(copas, faces)
      local answer = converse(copas, faces, function(wrapped)
        assert(wrapped:send("you said " .. assert(wrapped:receive "*l") .. "\n"))
      end, function(wrapped)
        assert(wrapped:send "hello\r\n")
        return wrapped:receive "*l"
      end)
      assert.equal("you said hello", answer)
    end)

    promise("moves more than the network holds at a time", function(copas, faces)
      local size = 1024 * 1024
      local answer = converse(copas, faces, function(wrapped)
        assert(wrapped:send(assert(wrapped:receive(size))))
      end, function(wrapped)
        assert(wrapped:send(("x"):rep(size)))
        return #assert(wrapped:receive(size))
      end)
      assert.equal(size, answer)
    end)

    promise("reads everything up to the end, and says closed then", function(copas, faces)
      local ended
      converse(copas, faces, function(wrapped)
        assert(wrapped:send "all of it")
        wrapped.socket:close()
      end, function(wrapped)
        local all = wrapped:receive "*a"
        local _, reason = wrapped:receive "*l"
        ended = { all, reason }
      end)
      assert.same({ "all of it", "closed" }, ended)
    end)

    promise("is told why a handshake fails", function(copas, faces)
      local listener, port = streams.listen { waiter = "copas" }
      local reason
      copas.addserver(faces.server(listener), function(client)
        local _
        _, reason = copas.wrap(client):receive "*l"
      end)
      local plain = require "scissl.core".SciSocket.newStreamSocket()
      plain:connect("127.0.0.1", port)
      plain:send("GET / HTTP/1.0\r\n\r\n")
      run_until(copas, function() return reason ~= nil end)
      plain:close()
      listener:close()
      assert.is_string(reason)
      assert.matches("HTTP", reason)
    end)

    promise("does the handshake when it is asked to", function(copas, faces)
      if not copas.wrap(faces.socket(ends.connected())).dohandshake then return end -- copas 1 has no word for it
      local answer = converse(copas, faces, function(wrapped)
        assert(wrapped:dohandshake() == wrapped)
        assert(wrapped:send "secure\n")
      end, function(wrapped)
        return wrapped:receive "*l"
      end)
      assert.equal("secure", answer)
    end)
  end)
end

local function debian_copas()
  local http = package.loaded["socket.http"]
  package.loaded["socket.http"] = nil
  local copas = require "copas"
  package.loaded["socket.http"] = http
  copas.autoclose = true
  return copas
end

-- It may be installed without what it needs.
promises("copas, as it is installed,", pcall(debian_copas) and debian_copas or nil)
promises("copas 4", copas4)
