--- One peer of DTLS: `scissl.datagram.connect` returns one, and a server's `accept`.
-- @classmod SciSslAssociation

local core = require "scissl.core"
local inner = require "scissl.datagram.listener_parts"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"
local wait = require "scissl.loop.wait"

local SciSslError = core.SciSslError
local write = core.SciSslSocket and getmetatable(core).messageSender()
local now = core.SciSocket.now

local Association = { __name = "SciSslAssociation" }
Association.__index = Association

-- ---- waiting

-- When an operation with this time-out has to end.
local function deadline_of(self, timeout)
  local deadline = wait.deadline(timeout)
  if not self.deadline then return deadline end
  return math.min(deadline or math.huge, self.deadline)
end

-- Waits for the socket of a client. OpenSSL may have to send a flight again before the deadline.
local function wait_for_socket(self, answer, deadline, timeout, phase)
  local socket = self.socket_
  local seconds = socket:timeout()
  if seconds == 0 then return true end
  local until_ = seconds and now() + seconds
  if deadline and (not until_ or deadline <= until_) then until_ = deadline end
  local events = socket:sslGetError(answer) == core.SSL_ERROR_WANT_WRITE and "w" or "r"
  local ready, failure = wait.ready(self.waiter, socket, events, until_, phase, timeout, "the wait for a message")
  if ready or until_ ~= deadline and failure:condition() == "timeout" then return true end
  return nil, failure
end

-- ---- sending

-- Sends what OpenSSL has made, over the server's socket.
local function flush(self, deadline)
  return inner.flush(self.listener, self, deadline)
end

--- Sends one message, in one datagram.
-- @function SciSslAssociation:send
-- @tparam string message 1 byte or more; `longestMessage` says how many at most
-- @treturn[1] SciSslAssociation the receiver
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `write`: `message_too_long`, `empty_message`, `closed`, `timeout` …
function Association:send(message)
  if getmetatable(self) ~= Association then receiver.check(self, "SciSslAssociation", "send") end
  if type(message) ~= "string" then options.checkArgument(1, "send", message, "string", 2) end
  local deadline
  while true do
    if self.failure then return nil, self.failure end
    local answer = write(self.socket_, message)
    if answer == true then return self end
    if core.isSslError(answer) then return nil, answer end
    deadline = deadline or deadline_of(self, self.timeout)
    if answer > 0 then
      if not self.listener then return self end
      local sent, failure = flush(self, deadline)
      if sent then return self end
      return nil, failure
    end
    local ready, failure = wait_for_socket(self, answer, deadline, self.timeout, "write")
    if not ready then return nil, failure end
  end
end

-- ---- receiving

local function receive_from_socket(self, deadline, timeout)
  while true do
    local answer = self.socket_:sslRead()
    if type(answer) == "string" then return answer end
    if answer == 0 then return nil end
    if core.isSslError(answer) then return nil, answer end
    local ready, failure = wait_for_socket(self, answer, deadline, timeout, "read")
    if not ready then return nil, failure end
  end
end

--- Waits for the next message.
-- @function SciSslAssociation:receive
-- @tparam[opt] number timeout seconds; by default the option `timeout`, or no limit
-- @treturn[1] string the message
-- @treturn[2] nil and nothing else: the peer has closed the association
-- @treturn[3] nil
-- @treturn[3] SciSslError phase `read`: `timeout`, `closed`, `cancelled`; of a server also `idle`, `replaced`
function Association:receive(timeout)
  options.checkArgument(1, "receive", timeout, "seconds|nil", 2)
  timeout = timeout or self.timeout
  local deadline = deadline_of(self, timeout)
  if self.listener then return inner.receive(self.listener, self, deadline, timeout) end
  return receive_from_socket(self, deadline, timeout)
end

-- ---- the end

--- Sends close_notify and ends the association. Calling it again does nothing.
-- @function SciSslAssociation:close
-- @treturn boolean true
function Association:close()
  if self.closed then return true end
  self.closed = true
  if self.listener then
    self.failure = self.failure or SciSslError.new {
      phase = "read", condition = "closed", message = "the association has been closed", peer = self.peer,
    }
    inner.remove(self.listener, self)
  end
  self.socket_:close()
  return true
end

Association.__close = Association.close

-- ---- time

--- Sets the time-out of later operations.
-- @function SciSslAssociation:settimeout
-- @tparam ?number seconds nil: no limit
-- @treturn SciSslAssociation the receiver
function Association:settimeout(seconds)
  options.checkArgument(1, "settimeout", seconds, "seconds|nil", 2)
  self.timeout = seconds
  return self
end

--- Sets a deadline for all later operations together; the time-out for each still holds.
-- @function SciSslAssociation:setdeadline
-- @tparam ?number moment on the clock of `SciSocket.now()`; nil: no deadline
-- @treturn SciSslAssociation the receiver
function Association:setdeadline(moment)
  options.checkArgument(1, "setdeadline", moment, "number|nil", 2)
  self.deadline = moment
  return self
end

-- ---- what it knows

--- Returns the address of the peer, as `SciSocket:peerAddress`.
-- @function SciSslAssociation:peerAddress
-- @treturn string such as `192.0.2.1:5684`
function Association:peerAddress()
  return self.peer or self.socket_:peerAddress()
end

--- Returns how many bytes a message may have.
-- @function SciSslAssociation:longestMessage
-- @treturn ?integer nil after `close`
function Association:longestMessage()
  local mtu, most = self.socket_:sslMtu()
  return mtu and most or nil
end

--- Returns the socket, for what was negotiated: `peerCertificate`, `version`, `cipher`, `pskIdentity` … A server's has
-- no descriptor; reading and writing is the association's.
-- @function SciSslAssociation:socket
-- @treturn SciSslSocket
function Association:socket()
  return self.socket_
end

function Association:__tostring()
  return ("SciSslAssociation: %s%s"):format(self:peerAddress() or "no peer", self.closed and ", closed" or "")
end

return receiver.guard(Association, { send = true })
