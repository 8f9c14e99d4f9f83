-- listener:serve where its waiter gives up while all places are taken.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local LONG = 30

local function listen(waiter)
  local listener = assert(scissl.listen {
    host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key, waiter = waiter,
    timeout = LONG,
  })
  return listener, select(2, listener:getSockName())
end

-- Serves one client, and calls `give_up(thread)` while `serve` waits for its end. Returns what `serve` returned.
local function serve_full(waiter, given, give_up)
  local loop = assert(scissl.scheduler.new())
  local listener, port = listen(waiter)
  local results, thread
  given.maxConnections = 1
  given.spawn = function(f) loop:spawn(f) end
  thread = loop:spawn(function()
    results = table.pack(pcall(listener.serve, listener, function(stream)
      stream:write "served\n"
      stream:read()
    end, given))
  end)
  loop:spawn(function()
    local stream <close> = assert(scissl.connect {
      host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG,
    })
    assert(stream:read())
    loop:sleep(0)
    give_up(loop, thread)
    loop:sleep(0)
    loop:sleep(0)
    listener:close()
  end)
  assert(loop:run())
  return table.unpack(results, 1, results.n)
end

describe("listener:serve, when all places are taken", function()
  it("ends when its coroutine is cancelled", function()
    local good, done, failure = serve_full("coroutine", {}, function(loop, thread) loop:cancel(thread, "enough") end)
    assert.is_true(good)
    refusals.refused("cancelled", "listen", nil, done, failure)
    assert.equal("enough", failure:cause())
  end)

  for words, act in pairs {
    ["raises an error"] = function() error "no loop" end,
    ["returns what a waiter must not return"] = function() return 5 end,
  } do
    it("ends when its waiter " .. words, function()
      local broken = false
      local function waiter(socket, events, deadline)
        if broken and not socket.sslRead then return act() end
        return coroutine.yield(socket, events, deadline)
      end
      local good, done, failure = serve_full(waiter, {}, function(loop, thread)
        broken = true
        loop:cancel(thread, "timeout")
      end)
      assert.is_true(good, tostring(done))
      refusals.refused("bad_waiter", "listen", nil, done, failure)
    end)
  end
end)
