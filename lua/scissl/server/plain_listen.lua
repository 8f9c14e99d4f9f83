--- Makes a SciSslListener whose streams are in plain text: `scissl.plain.listen`.
-- @module scissl.server.plain_listen

local connections = require "scissl.server.connections"
local Listener = require "scissl.server.listener"
local listening_socket = require "scissl.server.listening_socket"
local options = require "scissl.base.option_table"
local wait = require "scissl.loop.wait"

local STREAM_SECONDS = 300 -- so that a client that sends nothing does not occupy the server

local known_options = { timeout = "seconds", waiter = "string|callable", maxLine = "count", maxBuffer = "count" }
for name, kind in pairs(listening_socket.kinds) do known_options[name] = kind end

return function(given)
  given = options.read("plain.listen", given, known_options, 3)
  listening_socket.check("plain.listen", given, 3)
  local waiter = wait.find(given.waiter, 3)
  local plain, failure = listening_socket.open(given, waiter)
  if not plain then return nil, failure end
  return setmetatable({
    plain = plain,
    path = given.path,
    listening = plain,
    waiter = waiter,
    timeout = given.timeout or STREAM_SECONDS,
    connections = connections(),
    maxLine = given.maxLine,
    maxBuffer = given.maxBuffer,
  }, Listener)
end
