-- A client of DTLS: sends each line that it reads as a message, and prints the reply. A message, or its reply, may be
-- lost: so it sends the message again, as CoAP does, after two seconds, four times at most.
--   lua5.4 examples/datagram_client.lua HOST PORT IDENTITY KEY
--   lua5.4 examples/datagram_client.lua HOST PORT --ca CA_FILE
local scissl = require "scissl"

local host, port, identity = arg[1], tonumber(arg[2]), arg[3]
if not (host and port and identity and arg[4]) then
  io.stderr:write("usage: datagram_client.lua HOST PORT IDENTITY KEY\n",
    "       datagram_client.lua HOST PORT --ca CA_FILE\n")
  os.exit(2)
end

local TRIES, SECONDS = 5, 2

local options = { host = host, port = port, timeout = 30 }
if identity == "--ca" then options.caFile = arg[4] else options.psk = { identity = identity, key = arg[4] } end

local association, failure = scissl.datagram.connect(options)
if not association then
  io.stderr:write(tostring(failure), "\n")
  os.exit(1)
end

-- A reply to an earlier try of the same message is one to this message.
local function ask(message)
  local reply, problem
  for _ = 1, TRIES do
    assert(association:send(message))
    reply, problem = association:receive(SECONDS)
    if reply or not problem or problem:condition() ~= "timeout" then break end
  end
  return reply, problem or "the server has closed the association"
end

for line in io.lines() do
  if #line > 0 then
    local reply, problem = ask(line)
    if not reply then
      io.stderr:write(tostring(problem), "\n")
      os.exit(1)
    end
    print(reply)
  end
end
association:close()
