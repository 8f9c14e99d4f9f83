--- spec/support/relay.lua: a relay of UDP between one client and one server, which loses, doubles, delays and changes
--- datagrams as it is told.
--
--    local relay <close> = require "spec.support.relay"(port[, decide])
--        port     of the server on 127.0.0.1; relay.port: where the client sends to
--        decide   function(number, datagram, toServer) → list of the datagrams to send in place of this one, or nil: it
--                 alone. `number` counts all datagrams from 1 on
--    relay:run()  moves datagrams until it is closed, in a coroutine with the waiter "coroutine"
--    relay:send(datagram, toServer)   sends one that was recorded
--    relay.seen   list of {datagram, toServer}

local core = require "scissl.core"

local SciSocket = core.SciSocket

local Relay = {}
Relay.__index = Relay

local function socket()
  local made = assert(SciSocket.newDatagramSocket())
  assert(made:bind("127.0.0.1", 0))
  assert(made:setBlocking(false))
  return made
end

function Relay:send(datagram, to_server)
  if to_server then assert(self.far:sendTo(datagram, "127.0.0.1", self.server))
  elseif self.client then assert(self.near:sendTo(datagram, "127.0.0.1", self.client)) end
end

local function move(self, from, to_server)
  while true do
    local datagram, _, port = from:recvFrom()
    if not datagram then return end
    if to_server then self.client = port end
    self.seen[#self.seen + 1] = { datagram, to_server }
    local list = self.decide and self.decide(#self.seen, datagram, to_server) or { datagram }
    for _, one in ipairs(list) do self:send(one, to_server) end
  end
end

function Relay:run()
  while not self.closed do
    local ready = assert(SciSocket.poll({ [self.near] = "r", [self.far] = "r" }, 0))
    if ready[self.near] then move(self, self.near, true) end
    if ready[self.far] then move(self, self.far, false) end
    coroutine.yield(nil, nil, SciSocket.now() + 0.005)
  end
  self.near:close()
  self.far:close()
end

function Relay:__close()
  self.closed = true
end

return function(server, decide)
  local relay = setmetatable({ near = socket(), far = socket(), server = server, decide = decide, seen = {} }, Relay)
  local _, port = relay.near:getSockName()
  relay.port = port
  return relay
end
