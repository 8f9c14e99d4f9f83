--- The bytes of LuaSec's connections: `send`, `receive` and its patterns, `dirty`, and waiting.
--
-- `buffer`, from the byte `first` on, holds what is decrypted and was not received. `block` and `total` are the seconds
-- of `settimeout`. `wanted` is the event that the last call waited for. `finished`: the peer has sent close_notify.
-- @module scissl.luasec.bytes

local core = require "scissl.core"
local describe = require "scissl.luasec.failure"

local SciSslSocket = core.SciSslSocket
local ssl_read, ssl_write, ssl_get_error = SciSslSocket.sslRead, SciSslSocket.sslWrite, SciSslSocket.sslGetError
local wait, is_dirty, now = SciSslSocket.wait, SciSslSocket.dirty, SciSslSocket.now
local WANT_READ, WANT_WRITE = core.SSL_ERROR_WANT_READ, core.SSL_ERROR_WANT_WRITE
local ZERO_RETURN = core.SSL_ERROR_ZERO_RETURN
local find, gsub, sub = string.find, string.gsub, string.sub
local concat, math_type, min = table.concat, math.type, math.min

local bytes = {}

-- ---- waiting

-- Returns how long a call may wait now; nil: no limit.
local function time_left(self, started)
  local block, total = self.block, self.total
  local limit = total or block
  if not limit then return nil end
  local left = started + limit - now()
  return total and block and min(left, block) or left
end

--- Waits for what a TLS call needs before it is repeated.
-- @param self connection
-- @param answer what `sslRead`, `sslWrite`, `sslConnect` or `sslAccept` returned for "not ready" or an error
-- @tparam ?number started when the operation began; nil: now
-- @treturn[1] number when the operation began
-- @treturn[2] number
-- @treturn[2] string LuaSec's word for why it ends: `"wantread"`, `"wantwrite"`, `"closed"` …
function bytes.await(self, answer, started)
  if type(answer) == "userdata" then return started, describe(answer) end
  local tls = self.tls
  local code = ssl_get_error(tls, answer)
  local event, word
  if code == WANT_READ then event, word = "r", "wantread"
  elseif code == WANT_WRITE then event, word = "w", "wantwrite"
  elseif code == ZERO_RETURN then
    self.finished = true
    return started, "closed"
  else return started, "Unknown SSL error" end
  self.wanted = event
  if self.block == 0 or self.total == 0 then return started, word end
  started = started or now()
  local left = time_left(self, started)
  if left and left <= 0 then return started, word end
  local ready, failure = wait(tls, event, left)
  if ready then return started end
  if failure:condition() == "timeout" then return started, word end
  return started, describe(failure)
end

local await = bytes.await

-- ---- receiving

-- Returns the next bytes, nil and when the operation began; or nil, why there are none, and when.
local function read(self, started)
  local tls = self.tls
  while true do
    local got = ssl_read(tls)
    if type(got) == "string" then
      self.wanted = nil
      return got, nil, started
    end
    local problem
    started, problem = await(self, got, started)
    if problem then return nil, problem, started end
  end
end

-- Removes and returns that many bytes of the buffer.
local function take(self, count)
  local buffer, first = self.buffer, self.first
  local last = first + count - 1
  self.received = self.received + count
  if last < #buffer then
    self.first = last + 1
    return sub(buffer, first, last)
  end
  self.buffer, self.first = "", 1
  return first == 1 and buffer or sub(buffer, first)
end

local function take_all(self)
  return take(self, #self.buffer - self.first + 1)
end

local function keep(self, chunk)
  self.buffer, self.first = chunk, 1
end

-- Joins pieces. A single piece is not copied.
local function join(parts)
  return #parts == 1 and parts[1] or concat(parts)
end

local function start_parts(prefix, rest)
  local parts = {}
  if prefix ~= "" then parts[1] = prefix end
  if rest ~= "" then parts[#parts + 1] = rest end
  return parts
end

local function receive_more(self, wanted, prefix)
  local rest = take_all(self)
  local parts, have, started = start_parts(prefix, rest), #rest, nil
  repeat
    local chunk, problem
    chunk, problem, started = read(self, started)
    if not chunk then return nil, problem, join(parts) end
    keep(self, chunk)
    if have + #chunk > wanted then chunk = take(self, wanted - have)
    else take_all(self) end
    have = have + #chunk
    parts[#parts + 1] = chunk
  until have >= wanted
  return join(parts), nil, nil
end

local function receive_count(self, count, prefix)
  if prefix ~= "" then
    if count <= #prefix then return prefix, nil, nil end
    count = count - #prefix
  end
  local have = #self.buffer - self.first + 1
  -- As in LuaSocket, receive(0) waits until there is a byte.
  if have < count or have == 0 then return receive_more(self, count, prefix) end
  local data = take(self, count)
  return prefix == "" and data or prefix .. data, nil, nil
end

local function without_returns(line)
  if find(line, "\r", 1, true) then return (gsub(line, "\r", "")) end
  return line
end

local function take_line(self, stop)
  local line = sub(self.buffer, self.first, stop - 1)
  local count = stop - self.first + 1
  self.received = self.received + count
  if stop == #self.buffer then keep(self, "")
  else self.first = stop + 1 end
  return without_returns(line)
end

local function receive_rest_of_line(self, prefix)
  local parts, started = start_parts(prefix, without_returns(take_all(self))), nil
  while true do
    local chunk, problem
    chunk, problem, started = read(self, started)
    if not chunk then return nil, problem, join(parts) end
    keep(self, chunk)
    local stop = find(chunk, "\n", 1, true)
    parts[#parts + 1] = stop and take_line(self, stop) or without_returns(take_all(self))
    if stop then return join(parts), nil, nil end
  end
end

local function receive_line(self, prefix)
  local stop = find(self.buffer, "\n", self.first, true)
  if not stop then return receive_rest_of_line(self, prefix) end
  local line = take_line(self, stop)
  return prefix == "" and line or prefix .. line, nil, nil
end

local function receive_all(self, prefix)
  local rest = take_all(self)
  local parts, any, started = start_parts(prefix, rest), rest ~= "", nil
  while true do
    local chunk, problem
    chunk, problem, started = read(self, started)
    if chunk then
      any, parts[#parts + 1] = true, chunk
      self.received = self.received + #chunk
    elseif self.finished and any then return join(parts), nil, nil
    else return nil, problem, join(parts) end
  end
end

-- What `receive` returns without a connection; the buffer is empty then.
local function receive_closed(_, prefix)
  return nil, "closed", prefix
end

local receivers = { ["*l"] = receive_line, l = receive_line, ["*a"] = receive_all, a = receive_all }

local function receive_otherwise(self, pattern, prefix)
  local count = tonumber(pattern)
  if count and count >= 0 then return receive_count(self, count // 1 | 0, prefix) end
  local receiver = type(pattern) == "string" and receivers[pattern:sub(1, 2)]
  if receiver then return receiver(self, prefix) end
  error("bad argument #1 to 'receive' (invalid receive pattern)", 3)
end

--- Receives, as LuaSocket does.
-- @function connection:receive
-- @tparam[opt="*l"] string|number pattern `"*l"`: a line, without its end; `"*a"`: everything until the end; a number
--  of bytes
-- @tparam[opt=""] string prefix how the result begins
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string `"wantread"` or `"wantwrite"` after a time-out, `"closed"`, or why it failed
-- @treturn[2] string what has arrived so far, behind the prefix
function bytes.receive(self, pattern, prefix)
  prefix = prefix or ""
  if type(prefix) ~= "string" then prefix = tostring(prefix) end
  if not self.connected then return receive_closed(self, prefix) end
  if pattern == nil then return receive_line(self, prefix) end
  if math_type(pattern) == "integer" and pattern >= 0 then return receive_count(self, pattern, prefix) end
  local receiver = receivers[pattern]
  if receiver then return receiver(self, prefix) end
  return receive_otherwise(self, pattern, prefix)
end

--- Tells whether there are bytes to receive although the descriptor may not be readable.
-- @function connection:dirty
-- @treturn boolean
function bytes.dirty(self)
  if self.first <= #self.buffer then return true end
  return not not self.tls and is_dirty(self.tls)
end

-- ---- sending

-- The first and last byte to send, as LuaSocket counts.
local function range(size, i, j)
  i, j = (i or 1) // 1 | 0, (j or -1) // 1 | 0
  if i < 0 then i = size + i + 1 end
  if j < 0 then j = size + j + 1 end
  return i < 1 and 1 or i, j > size and size or j
end

--- Sends, as LuaSocket does.
-- @function connection:send
-- @tparam string data
-- @tparam[opt=1] integer i first byte
-- @tparam[opt=-1] integer j last byte
-- @treturn[1] integer the last byte that was sent
-- @treturn[2] nil
-- @treturn[2] string `"wantread"` or `"wantwrite"` after a time-out: send the rest, unchanged; `"closed"`, or why it
--  failed
-- @treturn[2] integer the last byte that was sent
function bytes.send(self, data, i, j)
  if type(data) ~= "string" then
    if type(data) ~= "number" then
      error(("bad argument #1 to 'send' (string expected, got %s)"):format(data == nil and "no value" or type(data)), 2)
    end
    data = tostring(data)
  end
  local first, last = 1, #data
  if i or j then first, last = range(last, i, j) end
  if first > last then return first - 1, nil, nil end
  if not self.connected then return nil, "closed", first - 1 end
  local tls, at, started = self.tls, first, nil
  while true do
    local done = ssl_write(tls, data, at, last)
    if math_type(done) == "integer" and done > 0 then
      at = at + done
      if at > last then
        self.sent, self.wanted = self.sent + last - first + 1, nil
        return last, nil, nil
      end
    else
      local problem
      started, problem = await(self, done, started)
      if problem then
        self.sent = self.sent + at - first
        return nil, problem, at - 1
      end
    end
  end
end

-- ---- how much

--- Returns the numbers of bytes received and sent, and the age of the connection in seconds.
-- @function connection:getstats
function bytes.getstats(self)
  return self.received, self.sent, now() - self.birthday
end

--- Sets the numbers with which `getstats` continues.
-- @function connection:setstats
function bytes.setstats(self, received, sent, age)
  self.received = tonumber(received) or self.received
  self.sent = tonumber(sent) or self.sent
  if tonumber(age) then self.birthday = now() - tonumber(age) end
  return 1
end

return bytes
