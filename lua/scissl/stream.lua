--- A TLS connection with the manners of Lua's own files.
--
-- Operations wait, by the stream's waiter, whatever mode the socket is in. A failure of the world answers nil and a
-- SciSslError. After a time-out nothing is lost: what has arrived is kept for the next read, and what was given to
-- `write` is sent, once and in order, before anything that is written later.
-- @classmod SciSslStream

local core = require "scissl.core"
local options = require "scissl.options"
local wait = require "scissl.wait"
local Buffer = require "scissl.buffer"

local SciSslError, isSslError = core.SciSslError, core.isSslError
local SSL_ERROR_ZERO_RETURN = core.SSL_ERROR_ZERO_RETURN

local Stream = { __name = "SciSslStream" }
Stream.__index = Stream

local MAX_LINE = 1024 * 1024
local MAX_NUMERAL = 200 -- as in Lua's own io library
local READ_AWAY, LINGER = 64, 1 -- before closing: reads of what nobody wants any more; seconds
local ONE_WRITE = 64 * 1024 -- several arguments up to this size are written as one string

-- ---- waiting

-- Waits for what `answer` asks for. nil and a failure: it cannot, or `phase` has had its time.
local function wait_for(self, answer, phase)
  local events, code = wait.wanted(self.ssl, answer)
  if not events then
    return nil, SciSslError.new {
      phase = phase,
      condition = "not_served",
      sslError = code,
      message = ("TLS asks for something that a stream does not supply (SSL_ERROR code %d)"):format(code),
    }
  end
  local deadline = self.deadlines[phase]
  if not deadline and self.timeout then
    deadline = wait.deadline(self.timeout)
    self.deadlines[phase] = deadline
  end
  return wait.ready(self.waiter, self.ssl, events, deadline, phase, self.timeout)
end

-- ---- sessions

-- In TLS 1.3 they come with the first data as a rule, and may come later.
local function hand_out_sessions(self)
  for _, session in ipairs(self.ssl:newSessions()) do self.onSession(session) end
end

-- ---- reading

-- Takes in more. True; or nil at the end; or nil, a failure, and whether it passes so that what has come must be kept.
local function fill(self)
  local ssl = self.ssl
  while true do
    local answer = ssl:sslRead()
    if type(answer) == "string" then
      self.buffer:put(answer)
      if self.onSession and not self.heard then hand_out_sessions(self) end
      self.heard = true
      return true
    end
    if isSslError(answer) then return nil, answer end
    if ssl:sslGetError(answer) == SSL_ERROR_ZERO_RETURN then return nil end
    local ready, failure = wait_for(self, answer, "read")
    if not ready then return nil, failure, true end
  end
end

-- What a reader answers when no more comes: the rest, nil at the end, or nil, the failure and what would be lost.
local function finish(self, failure, passes)
  local buffer = self.buffer
  if not failure then return buffer.size > 0 and buffer:take(buffer.size) or nil end
  if passes or buffer.size == 0 then return nil, failure end
  return nil, failure, buffer:take(buffer.size)
end

local function refuse_line(self)
  return nil, SciSslError.new {
    phase = "read",
    condition = "line_too_long",
    message = ("no line end within %d bytes"):format(self.maxLine),
  }
end

local function read_line(self, keep_end)
  local buffer = self.buffer
  while true do
    local length = buffer:line()
    if (length or buffer.size) > self.maxLine + (length and 1 or 0) then return refuse_line(self) end
    if length then
      if keep_end then return buffer:take(length) end
      local line = buffer:take(length - 1)
      buffer:take(1)
      return line
    end
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
end

local function read_count(self, count)
  local buffer = self.buffer
  while buffer.size == 0 or buffer.size < count do
    local more, failure, passes = fill(self)
    if not more then return finish(self, failure, passes) end
  end
  return buffer:take(count)
end

local function read_all(self)
  while true do
    local more, failure, passes = fill(self)
    if not more then
      local rest, lost, partial = finish(self, failure, passes)
      if failure then return rest, lost, partial end
      return rest or ""
    end
  end
end

-- Looks at the byte at `position`. nil: the end, or nil and a failure.
local function look(self, position)
  while self.buffer.size < position do
    local more, failure = fill(self)
    if not more then return nil, failure end
  end
  return string.char(self.buffer:byte(position))
end

-- Looks for as much of a numeral as io.read("n") would take, and answers its length.
local function scan_numeral(self)
  local length = 0
  local failure
  local function accept(set)
    if failure or length >= MAX_NUMERAL then return false end
    local character
    character, failure = look(self, length + 1)
    if not character or not character:find(set) then return false end
    length = length + 1
    return true
  end
  local digit, exponent = "%d", "[eE]"
  local digits = 0
  accept("[+-]")
  if accept("0") then
    if accept("[xX]") then digit, exponent = "%x", "[pP]" else digits = 1 end
  end
  while accept(digit) do digits = digits + 1 end
  if accept("%.") then
    while accept(digit) do digits = digits + 1 end
  end
  if digits > 0 and accept(exponent) then
    accept("[+-]")
    while accept("%d") do end -- luacheck: ignore 542
  end
  return length, failure
end

local function read_number(self)
  local character, failure
  repeat
    character, failure = look(self, 1)
    local space = character and character:find("%s")
    if space then self.buffer:take(1) end
  until not space
  if failure then return nil, failure end
  local length
  length, failure = scan_numeral(self)
  if failure then return nil, failure end
  return tonumber(self.buffer:take(length))
end

local readers = {
  l = function(self) return read_line(self, false) end,
  L = function(self) return read_line(self, true) end,
  a = read_all,
  n = read_number,
}

-- Answers the function that reads `format`, and what it wants beside the stream.
local function find_reader(format)
  if type(format) == "number" then
    local count = math.tointeger(format)
    return count and count >= 0 and read_count or nil, count
  end
  return readers[format] or type(format) == "string" and readers[format:match("^%*?(.)")]
end

local function check_formats(formats, caller, level)
  for i = 1, formats.n do
    if not find_reader(formats[i]) then
      error(("bad argument #%d to '%s' (invalid format)"):format(i, caller), level + 1)
    end
  end
end

-- Reads one format after the other until one has nothing. Answers the values; their number; a failure and what it cost.
local function read_formats(self, formats)
  self.deadlines.read = nil
  local values = {}
  for i = 1, formats.n do
    local reader, count = find_reader(formats[i])
    local value, failure, partial = reader(self, count)
    values[i] = value
    if value == nil then return values, i, failure, partial end
  end
  return values, formats.n
end

local one_line = { n = 1, "l" }

--- Reads, as `file:read` does.
-- @function SciSslStream:read
-- @param[opt="l"] ... formats: `"l"` a line without its end, `"L"` with it, `"n"` a numeral, `"a"` all that comes until
--  the peer closes, or a number of bytes (0 tells whether there is more: `""` or nil)
-- @return a value for each format; nil for the first that met the end of the stream, and none behind it. Where reading
--  failed: the values before, nil, and a SciSslError: `timeout` (what has come is kept for the next read),
--  `line_too_long` (the same), `truncated` where the connection ended without close_notify, or another of `sslRead`.
--  Behind an error that is final come the bytes that had arrived and do not make up the format
-- @raise for a format that does not exist
function Stream:read(...)
  local count = select("#", ...)
  if count <= 1 then
    local format = count == 0 and "l" or ...
    local reader, wanted = find_reader(format)
    if not reader then error("bad argument #1 to 'read' (invalid format)", 2) end
    self.deadlines.read = nil
    return reader(self, wanted)
  end
  local formats = table.pack(...)
  check_formats(formats, "read", 2)
  local values, last, failure, partial = read_formats(self, formats)
  if failure then
    values[last + 1], values[last + 2] = failure, partial
    last = last + (partial and 2 or 1)
  end
  return table.unpack(values, 1, last)
end

--- Answers an iterator that reads the same formats each time, as `file:lines` does.
-- @function SciSslStream:lines
-- @param[opt="l"] ... formats as for `read`
-- @treturn function it raises the SciSslError where reading fails, so that a cut stream never looks like a whole one
-- @raise for a format that does not exist
function Stream:lines(...)
  local formats = select("#", ...) == 0 and one_line or table.pack(...)
  check_formats(formats, "lines", 2)
  return function()
    local values, count, failure = read_formats(self, formats)
    if failure then error(failure, 0) end
    return table.unpack(values, 1, count)
  end
end

-- ---- writing

-- What is to be written stands in `self.out`, from index `self.head` on; `self.sent` bytes of the first have left.
-- Coroutines that write at the same time push the same queue: no string is torn by another, and none is sent twice.

local function forget_output(self)
  self.out, self.head, self.tail, self.sent = {}, 1, 0, 0
end

local function count_sent(self, bytes)
  self.sent = self.sent + bytes
  if self.sent < #self.out[self.head] then return end
  self.out[self.head] = nil
  self.head, self.sent = self.head + 1, 0
  if self.head > self.tail then self.head, self.tail = 1, 0 end
end

local function push_output(self)
  self.deadlines.write = nil
  local ssl = self.ssl
  while self.tail >= self.head do
    local answer = ssl:sslWrite(self.out[self.head], self.sent + 1)
    if isSslError(answer) then
      forget_output(self)
      return nil, answer
    end
    if answer > 0 then
      count_sent(self, answer)
    else
      local ready, failure = wait_for(self, answer, "write")
      if not ready then return nil, failure end
    end
  end
  return true
end

local function append(self, text)
  if text == "" then return end
  self.tail = self.tail + 1
  self.out[self.tail] = text
end

local function check_texts(texts, level)
  local size = 0
  for i = 1, texts.n do
    local text = texts[i]
    if type(text) == "number" then
      text = tostring(text)
      texts[i] = text
    elseif type(text) ~= "string" then
      error(("bad argument #%d to 'write' (string expected, got %s)"):format(i, type(text)), level + 1)
    end
    size = size + #text
  end
  return size
end

--- Writes strings and numbers, all of them, however the transport splits them.
-- @function SciSslStream:write
-- @tparam string|number ... what to write
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError `timeout`: what is left stays queued and goes out with the next `write`, `flush` or `close`,
--  so do not give it again; otherwise what `sslWrite` answered, and the rest is dropped
-- @raise for values that are neither strings nor numbers
function Stream:write(...)
  local text = ...
  if type(text) == "string" and select("#", ...) == 1 then
    append(self, text)
    return self:flush()
  end
  local texts = table.pack(...)
  local size = check_texts(texts, 2)
  if texts.n > 1 and size <= ONE_WRITE then
    append(self, table.concat(texts))
  else
    for i = 1, texts.n do append(self, texts[i]) end
  end
  return self:flush()
end

--- Sends what an earlier `write` that timed out has left. There is no other buffer: `write` sends at once.
-- @function SciSslStream:flush
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError as `write`
function Stream:flush()
  local done, failure = push_output(self)
  if not done then return nil, failure end
  return self
end

-- ---- the end

-- Sends our close_notify. That the peer may be gone already is no failure of a stream that has delivered everything.
local function say_goodbye(self)
  self.deadlines.shutdown = nil
  local ssl = self.ssl
  while ssl:isSecure() do
    local answer = ssl:sslShutdown()
    if isSslError(answer) or answer >= 0 then return end
    if not wait_for(self, answer, "shutdown") then return end
  end
end

-- Whether a TLS 1.3 server may still be sending us the session tickets that follow its handshake.
local function awaits_tickets(self)
  local session = not self.heard and self.ssl:version() == "TLSv1.3" and self.ssl:getSession()
  return session and not session:isResumable()
end

-- A system that closes a socket with unread bytes, or that gets more of them later, resets the connection, and what we
-- wrote last may never arrive. So what has come is read away, and a client that has only ever written waits a moment
-- for the tickets.
local function read_away(self)
  local ssl, deadline = self.ssl, nil
  if ssl:isBlocking() then ssl:setBlocking(false) end
  for _ = 1, READ_AWAY do
    local answer = ssl:sslRead()
    if type(answer) ~= "string" then
      if isSslError(answer) or wait.wanted(ssl, answer) ~= "r" or not awaits_tickets(self) then return end
      deadline = deadline or wait.deadline(math.min(self.timeout or LINGER, LINGER))
      if not wait.ready(self.waiter, ssl, "r", deadline, "close") then return end
    end
  end
end

--- Sends what is left, ends the TLS session politely and closes the socket. Harmless twice. What the peer has sent and
-- nobody has read is lost. A TLS 1.3 client that has never read anything waits up to a second (less where the time-out
-- is shorter) for the server's session tickets: without that the system may throw away what was written last.
-- @function SciSslStream:close
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError what was left of an earlier `write` could not be sent; the socket is closed all the same
function Stream:close()
  if self.closed then return true end
  self.closed = true
  local done, failure = push_output(self)
  local good, raised = true, nil
  if self.onSession then good, raised = pcall(hand_out_sessions, self) end
  if done then
    say_goodbye(self)
    read_away(self)
  end
  self.buffer = Buffer.new()
  self.ssl:close()
  if not good then error(raised, 0) end
  return done, failure
end

Stream.__close = Stream.close

-- ---- settings

--- Sets how long each later operation may take. The socket is made non-blocking for that.
-- @function SciSslStream:settimeout
-- @tparam ?number seconds nil: as long as it takes
-- @treturn SciSslStream the stream
function Stream:settimeout(seconds)
  if not (seconds == nil or options.is(seconds, "seconds")) then
    error("bad argument #1 to 'settimeout' (number of seconds, not negative, or nil expected)", 2)
  end
  self.timeout = seconds
  if seconds and self.ssl:isBlocking() then self.ssl:setBlocking(false) end
  return self
end

--- Answers the socket underneath, for what a stream does not do. What the stream has read ahead is not in it.
-- @function SciSslStream:socket
-- @treturn SciSslSocket
function Stream:socket()
  return self.ssl
end

--- Answers what the client has sent before the handshake was done (early data). It may have been recorded and sent
-- again by somebody else.
-- @function SciSslStream:replayableData
-- @treturn string empty where there was none
function Stream:replayableData()
  return self.replayable or ""
end

--- Answers whether bytes have been read ahead, so that a read may succeed though the descriptor is not readable.
-- @function SciSslStream:dirty
-- @treturn boolean
function Stream:dirty()
  return self.buffer.size > 0 or self.ssl:dirty()
end

-- These answer what the socket answers.
for _, name in ipairs {
  "alpnProtocol", "cipher", "daneAuthority", "earlyDataStatus", "events", "getPeerName", "getSession", "getSockName",
  "getfd", "isSecure", "isSessionReused", "keylogLines", "localCertificate", "localChain", "ocspResponse",
  "peerCertificate", "peerChain", "pollfd", "pskIdentity", "serverName", "sslVerifyCertificate", "sslVerifyOcsp",
  "version",
} do
  Stream[name] = function(self, ...) return self.ssl[name](self.ssl, ...) end
end

function Stream:__tostring()
  return "SciSslStream: " .. (self.closed and "closed" or tostring(self.ssl):gsub("^SciSslSocket: ", ""))
end

local known_options = {
  timeout = "seconds",
  maxLine = "count",
  waiter = "string|callable",
  onSession = "callable|false",
}

--- Makes a stream of a SciSslSocket whose handshake is done.
-- @function scissl.stream
-- @tparam SciSslSocket socket
-- @tparam[opt] table given `timeout`: seconds that each operation may take; `maxLine`: bytes that a line may have
--  (1 MiB), so that no peer can make us hold more; `waiter`: a name or a function (see `scissl.wait`);
--  `onSession(session)`: gets each session of the connection that can be resumed, as they come
-- @treturn SciSslStream
-- @raise for something else than a SciSslSocket, and for unknown options
return function(socket, given)
  if not options.is(socket, "SciSslSocket") then
    error(("bad argument #1 to 'stream' (SciSslSocket expected, got %s)"):format(type(socket)), 2)
  end
  given = given or {}
  options.check("stream", given, known_options, 2)
  local stream = {
    ssl = socket,
    waiter = wait.find(given.waiter, 2),
    maxLine = given.maxLine or MAX_LINE,
    buffer = Buffer.new(),
    deadlines = {},
    onSession = given.onSession,
  }
  forget_output(stream)
  return setmetatable(stream, Stream):settimeout(given.timeout)
end
