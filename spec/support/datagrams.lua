--- spec/support/datagrams.lua: clients and servers of scissl.datagram, in one thread.
--
--    local datagrams = require "spec.support.datagrams"
--
--    listener, port = datagrams.listen(options)     on 127.0.0.1, with pki.server and the waiter "coroutine"
--    association = datagrams.connect(port, options) verifies by pki.ca; options may be datagrams.NONE: not given
--    datagrams.run(f, g, …)                         runs functions in a scheduler until all have ended
--    datagrams.withEcho(options, client)            runs client(port, listener) beside a server that sends all back
--    datagrams.fails(condition, nil, failure)       asserts the condition; returns the failure

local assert = require "luassert"
local scissl = require "scissl"
local pki = require "spec.support.pki"

local datagram = scissl.datagram

local NONE = {} -- an option that is not given

local function without_none(options)
  for name, value in pairs(options) do
    if value == NONE then options[name] = nil end
  end
  return options
end

local function fails(condition, value, failure)
  assert.is_nil(value)
  assert.is_true(scissl.isSslError(failure), tostring(failure))
  assert.equal(condition, failure:condition(), tostring(failure))
  return failure
end

local function listen(given)
  local options = {
    host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
    waiter = "coroutine",
  }
  for name, value in pairs(given or {}) do options[name] = value end
  local listener = assert(datagram.listen(without_none(options)))
  local _, port = listener:getSockName()
  return listener, port
end

local function connect(port, given)
  local options = {
    host = "localhost", family = "inet", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = 20,
  }
  for name, value in pairs(given or {}) do options[name] = value end
  return datagram.connect(without_none(options))
end

-- Runs functions in a scheduler until all have ended.
local function run(...)
  local loop <close> = scissl.scheduler.new { onError = function(raised, traceback)
    error(tostring(raised) .. "\n" .. traceback, 0)
  end }
  for _, f in ipairs { ... } do loop:spawn(f) end
  assert(loop:run())
end

-- Serves an echo while `client(port, listener)` runs.
local function with_echo(given, client)
  local listener, port = listen(given)
  run(function() assert(listener:serve(function(association, message) assert(association:send(message)) end)) end,
    function()
      local _ <close> = listener
      client(port, listener)
    end)
end

return { NONE = NONE, fails = fails, listen = listen, connect = connect, run = run, withEcho = with_echo }
