--- spec/support/udp_peers.lua: our ends of DTLS without a loop, for programs of other libraries.
--
--    listener, port, listener = udp_peers.listen(options)   on 127.0.0.1
--    association = udp_peers.connect(port, options)         to localhost
--    port = udp_peers.portOf(pid)                           the UDP port on which a process listens
--    udp_peers.SECONDS                                      until something that must happen counts as failed

local assert = require "luassert"
local scissl = require "scissl"

local udp_peers = { SECONDS = 30 }

local function with(options, given)
  for name, value in pairs(given) do options[name] = value end
  return options
end

function udp_peers.listen(given)
  local listener = assert(scissl.datagram.listen(with({ host = "127.0.0.1", port = 0, waiter = "poll" }, given)))
  local _, port = listener:getSockName()
  return listener, port, listener
end

function udp_peers.connect(port, given)
  local options = { host = "localhost", family = "inet", port = port, timeout = udp_peers.SECONDS }
  return assert(scissl.datagram.connect(with(options, given)))
end

-- gnutls-serv takes port 0 and does not print the port that it got: the system tells it.
function udp_peers.portOf(pid)
  local inodes = {}
  local pipe <close> = assert(io.popen(("ls -l /proc/%d/fd"):format(pid)))
  for inode in pipe:read("a"):gmatch "socket:%[(%d+)%]" do inodes[inode] = true end
  for line in io.lines "/proc/net/udp" do
    local port, inode = line:match "^%s*%d+: %x+:(%x+) %x+:%x+ %x+ %S+ %S+ %S+%s+%d+%s+%d+%s+(%d+)"
    if port and inodes[inode] then return tonumber(port, 16) end
  end
  error("process " .. pid .. " listens on no UDP port")
end

return udp_peers
