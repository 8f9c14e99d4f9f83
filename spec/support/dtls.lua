--- spec/support/dtls.lua: connections of DTLS.
--
--    local dtls = require "spec.support.dtls"
--
--    client, server = dtls.connected(transport[, options])   as ends.connected, of the version "DTLS" by default
--    list = dtls.drain(socket)                               the datagrams that a memory transport has for its peer
--    dtls.feed(socket, list)                                 gives them to the peer

local ends = require "spec.support.ends"

local dtls = {}

function dtls.connected(transport, options)
  options = options or {}
  options.transport, options.version = transport, options.version or "DTLS"
  return ends.connected(options)
end

function dtls.drain(socket)
  local list = {}
  repeat
    list[#list + 1] = socket:sslDrain()
  until list[#list] == ""
  list[#list] = nil
  return list
end

function dtls.feed(socket, list)
  for _, datagram in ipairs(list) do assert(socket:sslFeed(datagram) == #datagram) end
end

return dtls
