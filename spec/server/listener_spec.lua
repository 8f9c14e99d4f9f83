-- What a listener does beside serving: stopping, its open streams, handshakeTimeout, wrong arguments.
local scissl = require "scissl"
local pki = require "spec.support.pki"
local streams = require "spec.support.streams"

local LONG = 30

local function listen(options)
  options.waiter = "poll"
  return streams.listen(options)
end

describe("A listener", function()
  it("stops without serve by closing", function()
    local listener = listen {}
    assert.is_true(listener:stop())
    assert.equal("SciSslListener: closed", tostring(listener))
  end)

  it("raises what its accepting coroutine has raised, in its own loop as well", function()
    local listener <close> = listen {}
    listener.acceptSocket = function() error("out of order", 0) end
    local good, raised = pcall(listener.serve, listener, function() end)
    assert.is_false(good)
    assert.matches("^out of order", raised)
    assert.is_nil(listener.bell)
  end)

  it("returns the failure of its own loop", function()
    local scheduler = require "scissl.scheduler"
    local listener <close>, new = listen {}, scheduler.new
    local reason = scissl.SciSslError.new { phase = "wait", condition = "system_error" }
    function scheduler.new() -- luacheck: ignore 122
      local loop = new()
      local poller = loop.poller
      loop.poller = { wait = function() return nil, reason end, close = function() return poller:close() end }
      return loop
    end
    local served, failure = listener:serve(function() end)
    scheduler.new = new -- luacheck: ignore 122
    assert.is_nil(served)
    assert.equal(reason, failure)
  end)

  it("lists its open streams", function()
    local listener <close>, port = streams.listen()
    local loop = assert(scissl.scheduler.new())
    local client, server
    loop:spawn(function() server = assert(listener:accept(LONG)) end)
    loop:spawn(function()
      client = assert(scissl.connect { host = "127.0.0.1", port = port, ca = pki.ca.certificate, waiter = "coroutine",
        timeout = LONG })
    end)
    assert(loop:run())
    assert.same({ server }, listener:streams())
    loop:spawn(function() server:close() end)
    loop:spawn(function() client:close() end)
    assert(loop:run())
    assert.same({}, listener:streams())
  end)

  it("rejects bad arguments of stop and bad options of serve", function()
    local listener <close> = listen {}
    local function serve(options)
      return function() listener:serve(function() end, options) end
    end
    assert.has_error(function() listener:stop "soon" end,
      "bad argument #1 to 'stop' (0 or more seconds, or nil, expected, got string)")
    assert.has_error(serve { whenFull = "drop" },
      "bad option 'whenFull' to 'serve' ('wait' or 'refuse' expected, got string)")
    assert.has_error(serve { onClose = 1 }, "bad option 'onClose' to 'serve' (function expected, got 1)")
  end)

  it("ends a handshake by handshakeTimeout, and leaves timeout to its streams", function()
    local listener <close>, port = listen { handshakeTimeout = 0.02, timeout = LONG }
    local silent = assert(scissl.SciSocket.newStreamSocket())
    assert(silent:connect("127.0.0.1", port))
    local stream, failure = listener:accept(LONG)
    silent:close()
    assert.is_nil(stream)
    assert.equal("timeout", failure:condition())
    assert.matches("0%.02 seconds", tostring(failure))
  end)
end)
