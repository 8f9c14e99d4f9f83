--- spec/support/streams.lua: scissl.listen and scissl.connect meet in one thread.
--
--    local streams = require "spec.support.streams"
--
--    client, server = streams.meet(listening, connecting[, serve[, ask]])
--        listening    options of scissl.listen; by default on a port of 127.0.0.1 that the kernel chose
--        connecting   options of scissl.connect; by default to localhost, which is that port
--        serve, ask   functions of what accept and connect returned, which close the streams if they are to be closed;
--                     by default they return their arguments
--        client, server   the table.pack of what ask and serve returned
--
-- Both sides use the waiter "coroutine" and a time-out of half a minute, unless their options say more.
--
--    listener, port = streams.listen([options])    scissl.listen with the same defaults and the certificate of
--        pki.server
--
--    client, server = streams.pair([clientOptions[, serverOptions[, pairOptions]]])
--        two streams over a connection of ends.connected(pairOptions); by default with the waiter "poll" and the same
--        time-out
--
--    streams.kinds   by name, functions that return two streams over a connection of each kind of link: TLS, plain
--        text, TLS over TLS; with the waiter "coroutine"

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"

local streams = {}

local TIMEOUT = 30 -- seconds

local function with_defaults(options, defaults)
  for name, value in pairs(options) do defaults[name] = value end
  return defaults
end

function streams.pair(client_options, server_options, pair_options)
  local client, server = ends.connected(pair_options)
  return scissl.stream(client, with_defaults(client_options or {}, { waiter = "poll", timeout = TIMEOUT })),
    scissl.stream(server, with_defaults(server_options or {}, { waiter = "poll", timeout = TIMEOUT }))
end

local kinds = {}
streams.kinds = kinds

function kinds.TLS()
  local client, server = ends.connected { transport = "tcp" }
  return scissl.stream(client, { waiter = "coroutine" }), scissl.stream(server, { waiter = "coroutine" })
end

kinds["plain text"] = function()
  local near, far = assert(scissl.SciSocket.pair())
  return assert(scissl.plain.on(near, { waiter = "coroutine" })), assert(scissl.plain.on(far, { waiter = "coroutine" }))
end

kinds["TLS over TLS"] = function()
  local near, far = kinds.TLS()
  local options = { role = "server", certificate = pki.server.certificate, privateKey = pki.server.key }
  local results = ends.run(
    function() return near:startTls { host = "localhost", caFile = pki.ca.certificateFile } end,
    function() return far:startTls(options) end)
  return assert(table.unpack(results[1])), assert(table.unpack(results[2]))
end

local function unchanged(...) return ... end

local function listen(options)
  local listener = assert(scissl.listen(with_defaults(options, {
    host = "127.0.0.1", port = 0, waiter = "coroutine", timeout = TIMEOUT,
  })))
  return listener, select(2, listener:getSockName())
end

function streams.listen(options)
  return listen(with_defaults(options or {}, {
    certificate = pki.server.certificate, privateKey = pki.server.key,
  }))
end

function streams.meet(listening, connecting, serve, ask)
  local listener <close>, port = listen(listening)
  connecting = with_defaults(connecting, {
    host = "localhost", port = port, waiter = "coroutine", timeout = TIMEOUT,
  })
  local results = ends.run(
    function() return (ask or unchanged)(scissl.connect(connecting)) end,
    function() return (serve or unchanged)(listener:accept(TIMEOUT)) end)
  return results[1], results[2]
end

return streams
