-- Several coroutines at one stream, socket or client: what can be served is served in order, and what cannot is refused
-- at once.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local sockets = require "spec.support.sockets"
local resp_client = require "scissl.sessions.redis.resp_client"

local LONG = 30
local wait = scissl.wait

local function condition_of(value, failure)
  return value == nil and failure ~= nil and failure:condition() or value
end

-- A moment, so that the others come to where they wait.
local function pause(loop)
  local silent, _, _ <close> = sockets.pair()
  wait.on(silent, "r", { waiter = loop.waiter, timeout = 0.05 })
end

local function plain_pair(loop)
  local near, far = assert(scissl.SciSocket.pair())
  return assert(scissl.plain.on(near, { waiter = loop.waiter, timeout = LONG })), far
end

-- Ways to read, each of which waits, with what it answers in the end.
local readings = {
  ["read()"] = function(stream) return stream:read() end,
  ["read() of several formats"] = function(stream) return stream:read("l", "l") end,
  ["lines()"] = function(stream)
    local good, line = pcall(stream:lines())
    if good then return line end
    return nil, line
  end,
  ["lines() of several formats"] = function(stream)
    local good, line = pcall(stream:lines("l", "l"))
    if good then return line end
    return nil, line
  end,
  ["readUntil()"] = function(stream) return stream:readUntil("\n", nil, true) end,
}

for _, loop in ipairs(loops.all) do
  local it = loops.it(loop)

  describe("Several coroutines under " .. loop.name, function()
    for name, read in pairs(readings) do
      it("read one at a time: while one waits in read(), a second is refused at once by " .. name, function()
        local stream, far = plain_pair(loop)
        local results = loop.run(function()
          return stream:read()
        end, function()
          pause(loop)
          local refused = condition_of(read(stream))
          far:send "one\ntwo\nthree\n"
          return refused
        end)
        assert.are.equal("one", results[1][1])
        assert.are.equal("busy", results[2][1])
        assert.is_true(stream:dirty())
        local result = loop.run(function() return read(stream) end)
        assert.are.equal("two", result[1][1])
        stream:close()
        far:close()
      end)

      it("read one at a time: while one waits in " .. name .. ", a second is refused at once", function()
        local stream, far = plain_pair(loop)
        local results = loop.run(function()
          return read(stream)
        end, function()
          pause(loop)
          local refused = condition_of(stream:read(1))
          far:send "one\ntwo\nthree\n"
          return refused
        end)
        assert.are.same({ "one", "busy" }, { results[1][1], results[2][1] })
        stream:close()
        far:close()
      end)
    end

    it("write at the same time, and no string is torn, doubled or lost", function()
      local stream, far = plain_pair(loop)
      far:setBlocking(false)
      local size, texts = 300000, {}
      local writers = {}
      for i = 1, 3 do
        texts[i] = ("%d"):format(i):rep(size)
        writers[i] = function()
          for _ = 1, 2 do assert(stream:write(texts[i])) end
        end
      end
      local got = {}
      writers[4] = function()
        local peer = assert(scissl.plain.on(far, { waiter = loop.waiter, timeout = LONG }))
        for i = 1, 6 do got[i] = assert(peer:read(size)) end
      end
      loop.run(table.unpack(writers))
      local counts = {}
      for _, text in ipairs(got) do
        assert.are.equal(text:sub(1, 1):rep(size), text)
        counts[text:sub(1, 1)] = (counts[text:sub(1, 1)] or 0) + 1
      end
      assert.are.same({ ["1"] = 2, ["2"] = 2, ["3"] = 2 }, counts)
      stream:close()
      far:close()
    end)

    it("read and write at the same time", function()
      local stream, far = plain_pair(loop)
      local results = loop.run(function()
        return stream:read()
      end, function()
        pause(loop)
        assert(stream:write "question\n")
        assert(far:recv(100) == "question\n")
        far:send "answer\n"
      end)
      assert.are.equal("answer", results[1][1])
      stream:close()
      far:close()
    end)

    it("end a read that waits, by closing the stream", function()
      local stream, far = plain_pair(loop)
      local results = loop.run(function()
        return condition_of(stream:read())
      end, function()
        pause(loop)
        stream:close()
      end)
      assert.are.equal("closed", results[1][1])
      far:close()
    end)

    it("change to TLS one at a time, and not while another reads", function()
      local stream, far = plain_pair(loop)
      local results = loop.run(function()
        return stream:read()
      end, function()
        pause(loop)
        local refused = condition_of(stream:startTls { host = "localhost" })
        far:send "one\n"
        return refused
      end)
      assert.are.same({ "one", "busy" }, { results[1][1], results[2][1] })
      stream:close()
      far:close()
    end)

    it("neither read nor write while another changes to TLS, and do so afterwards", function()
      local stream, far = plain_pair(loop)
      local results = loop.run(function()
        assert(stream:startTls { host = "localhost", ca = pki.ca.certificate })
        return stream:read()
      end, function()
        pause(loop)
        local refused = {}
        for i, call in ipairs {
          function() return stream:read() end,
          function() return stream:write "in plain text" end,
          function() return stream:writev { "in plain text" } end,
          function() return stream:flush() end,
          function() return stream:closeWrite() end,
          function() return stream:startTls { host = "localhost" } end,
        } do refused[i] = condition_of(call()) end
        local server = assert(scissl.plain.on(far, { waiter = loop.waiter, timeout = LONG }))
        assert(server:startTls { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key })
        assert(server:write "secured\n")
        pause(loop)
        assert(stream:write "as well\n")
        refused[#refused + 1] = assert(server:read())
        server:close()
        return refused
      end)
      assert.are.equal("secured", results[1][1])
      assert.are.same({ "busy", "busy", "busy", "busy", "busy", "busy", "as well" }, results[2][1])
      stream:close()
    end)

    it("end a change to TLS, by closing the stream", function()
      local stream, far = plain_pair(loop)
      local results = loop.run(function()
        return condition_of(stream:startTls { host = "localhost" })
      end, function()
        pause(loop)
        stream:close()
      end)
      assert.are.equal("closed", results[1][1])
      far:close()
    end)

    it("shake hands one at a time", function()
      local client, server = ends.pair()
      local results = loop.run(function()
        return scissl.handshake(client, "connect", { waiter = loop.waiter, timeout = LONG })
      end, function()
        pause(loop)
        local refused = condition_of(scissl.handshake(client, "connect", { waiter = loop.waiter, timeout = LONG }))
        assert(scissl.handshake(server, "accept", { waiter = loop.waiter, timeout = LONG }))
        return refused
      end)
      assert.are.equal(client, results[1][1])
      assert.are.equal("busy", results[2][1])
      client:close()
      server:close()
    end)

    it("ask Redis one at a time by the same client", function()
      local listener <close>, port = sockets.listening()
      listener:setBlocking(false)
      local asked = 0
      local client
      local results = loop.run(function()
        client = assert(resp_client.connect { port = port, waiter = loop.waiter, timeout = LONG })
        return client:get "first"
      end, function()
        assert(wait.on(listener, "r", { waiter = loop.waiter, timeout = LONG }))
        local plain <close> = assert(listener:accept())
        assert(wait.on(plain, "r", { waiter = loop.waiter, timeout = LONG }))
        asked = asked + select(2, plain:recv(1000):gsub("GET", ""))
        local refused = condition_of(client:get "second")
        plain:send "$5\r\nfirst\r\n"
        pause(loop)
        return refused
      end)
      client:close()
      assert.are.same({ "first", "busy", 1 }, { results[1][1], results[2][1], asked })
    end)
  end)
end

describe("A coroutine that reads", function()
  local loop = loops.all[1]

  it("is in nobody's way once its waiter has raised an error", function()
    local near, far, _ <close> = sockets.pair()
    local stream = assert(scissl.plain.on(near, { waiter = "coroutine" }))
    assert.error_matches(function() stream:read() end,
      "the waiter 'coroutine' works only inside a coroutine") -- outside of a coroutine
    local results = loop.run(function()
      far:send "line\n"
      return stream:read()
    end)
    assert.are.equal("line", results[1][1])
  end)

  it("is in nobody's way once it has been closed, or has died", function()
    local in_lua = function(...) return coroutine.yield(...) end
    for waiter, finish in pairs {
      coroutine = coroutine.close,
      [in_lua] = function(thread) debug.sethook(thread, error, "l") end,
    } do
      local near, far, _ <close> = sockets.pair()
      local stream = assert(scissl.plain.on(near, { waiter = waiter }))
      local thread = coroutine.create(function() stream:read() end)
      assert(coroutine.resume(thread))
      finish(thread)
      if coroutine.status(thread) ~= "dead" then coroutine.resume(thread, true) end
      far:send "line\n"
      local results = loop.run(function() return stream:read() end)
      assert.are.equal("line", results[1][1])
    end
  end)

  it("may read on in the function that gets its sessions", function()
    local client, server = ends.connected { version = "TLSv1.3" }
    local lines = {}
    local stream
    stream = scissl.stream(client, { waiter = "coroutine", timeout = LONG, onSession = function()
      if not lines.inner then lines.inner = stream:read() end
    end })
    assert(server:sslWrite "one\ntwo\n" > 0)
    loop.run(function() lines.outer = stream:read() end)
    assert.are.same({ inner = "one", outer = "two" }, lines)
    stream:close()
    server:close()
  end)
end)

describe("Coroutines over a transport of the program's own", function()
  it("send each byte once, while one reads and another writes", function()
    local loop = loops.all[1]
    local near, far = assert(scissl.SciSocket.pair())
    local carrier = assert(scissl.plain.on(near, { waiter = "coroutine", timeout = LONG }))
    -- Sending takes a while.
    local object = {
      receive = function(_, most) return carrier:read("s:" .. most) end,
      send = function(_, bytes)
        pause(loop)
        return carrier:write(bytes) and true
      end,
      close = function() return carrier:close() end,
    }
    local got = {}
    local results = loop.run(function()
      local stream = assert(scissl.connect {
        over = object, host = "localhost", ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG,
      })
      scissl.scheduler.running():spawn(function() got.line = stream:read() end)
      local refused
      scissl.scheduler.running():spawn(function()
        coroutine.yield()
        refused = condition_of(stream:write "too early\n")
      end)
      assert(stream:write "question\n")
      while not got.line do pause(loop) end
      stream:close()
      return refused
    end, function()
      far:setBlocking(false)
      local server = assert(scissl.plain.on(far, { waiter = "coroutine", timeout = LONG }))
      assert(server:startTls { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key })
      local line = assert(server:read())
      assert(server:write "answer\n")
      local rest = server:read "a"
      server:close()
      return line, rest
    end)
    assert.are.same({ "answer", "busy", "question", "" },
      { got.line, results[1][1], results[2][1], results[2][2] })
  end)
end)
