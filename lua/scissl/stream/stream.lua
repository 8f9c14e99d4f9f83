--- A connection that is used like one of Lua's files: TLS (`scissl.connect`, `scissl.listen`, `scissl.stream`), or
-- plain text (`scissl.plain`) until `startTls`.
--
-- Operations wait by the stream's waiter, in blocking and non-blocking mode alike. A failure returns nil and a
-- SciSslError. After a time-out nothing is lost: the next read gets what has arrived, and the bytes that were given to
-- `write` are sent once, in order, before anything that is written later.
--
-- A stream that is garbage-collected sends nothing: its socket is closed, and the peer sees a connection that was cut.
-- `close` it, or declare it `<close>`.
-- @classmod SciSslStream

local core = require "scissl.core"
local link = require "scissl.stream.link"
local options = require "scissl.base.option_table"
local peer_of = require "scissl.base.peer_address"
local queries = require "scissl.stream.queries"
local reader = require "scissl.stream.reader"
local receiver = require "scissl.base.receiver"
local result = require "scissl.loop.wait_result"
local wait = require "scissl.loop.wait"
local writer = require "scissl.stream.writer"

local SciSslError = core.SciSslError
local hidden, base_of, refuse_second = getmetatable(core), link.base, reader.refuseSecond
local new_bytes = hidden.newBytes
local Stream = { __name = "SciSslStream" }
Stream.__index = Stream

local BYTES <const>, WAITER <const> = 1, 2
local MAX_LINE, MAX_BUFFER = 1024 * 1024, 256 * 1024 * 1024

-- ---- reading

local read_part -- one format of several, in C

-- Reads one format after the other until one returns nil. Returns the values; their number; a failure and partial data.
local function read_formats(self, formats)
  local refusal = refuse_second(self)
  if refusal then return {}, 1, refusal end
  self[BYTES]:beginRead()
  local values = {}
  for i = 1, formats.n do
    local numeral, most = reader.isNumber(formats[i])
    local value, failure, partial
    if numeral then value, failure, partial = reader.number(self, most)
    else value, failure, partial = read_part(self, formats[i]) end
    values[i] = value
    if value == nil then return values, i, failure, partial end
  end
  return values, formats.n
end

local function is_format(format)
  local count = math.type(format) and math.tointeger(format)
  if count then return count >= 0 end
  if type(format) ~= "string" or not format:find "^%*?[lLnsa]" then return false end
  return not format:find(":", 1, true) or format:find "^[^:]*:%d+$" ~= nil
end

local function check_formats(formats, caller, level)
  for i = 1, formats.n do
    if not is_format(formats[i]) then
      error(("bad argument #%d to '%s' (invalid format)"):format(i, caller), level + 1)
    end
  end
end

-- The reads that C does not do: several formats, numbers, and wrong arguments.
reader.policy[1] = function(self, ...)
  if getmetatable(self) ~= Stream then receiver.check(self, "SciSslStream", "read", 3) end
  local formats = table.pack(...)
  check_formats(formats, "read", 3)
  local values, last, failure, partial = read_formats(self, formats)
  if failure then
    values[last + 1], values[last + 2] = failure, partial
    last = last + (partial and 2 or 1)
  end
  return table.unpack(values, 1, last)
end

-- As the first: the iterators that C does not make.
reader.policy[9] = function(self, ...)
  if getmetatable(self) ~= Stream then receiver.check(self, "SciSslStream", "lines", 3) end
  local formats = table.pack(...)
  check_formats(formats, "lines", 3)
  return function()
    local values, count, failure = read_formats(self, formats)
    if failure then error(failure, 0) end
    return table.unpack(values, 1, count)
  end
end

local read, lines
read, lines, read_part = hidden.makeStreamRead(reader.policy)

--- Reads, as `file:read` does. Each format is one of these:
--
-- * `"l"` (the default): a line without its end; `"L"`: a line with its end; `"n"`: a number
-- * `"a"`: everything until the peer ends its side; `"s"`: the bytes that are there, at least one and up to 64 KiB
-- * a count of bytes; 0: `""` where there is more, else nil
-- * a letter and a maximum of bytes: `"l:80"` (else `maxLine`), `"a:900"` (else `maxBuffer`), `"n:9"` (spaces before)
-- @function SciSslStream:read
-- @param[opt="l"] ... formats
-- @return a value for each format, up to the first that the stream's end leaves without one: that is nil. Where reading
--  failed: the values before, nil, and a SciSslError: `timeout`, `line_too_long`, `too_much_data` (the next read gets
--  what has arrived); `busy` (another coroutine is reading, and nothing was taken); `truncated` (the connection ended
--  without close_notify); or another of `sslRead`. After a fatal error a third value holds the incomplete data
-- @raise for a format that does not exist
Stream.read = read

--- Returns an iterator that reads the same formats each time, as `file:lines` does.
-- @function SciSslStream:lines
-- @param[opt="l"] ... formats as for `read`
-- @treturn function it raises the SciSslError where reading fails, so that a truncated stream never looks complete
-- @raise for a format that does not exist
Stream.lines = lines

-- A match of the empty string would never consume anything, and an anchored pattern would need a fixed start.
local function check_pattern(pattern, plain, level)
  if type(pattern) ~= "string" then
    error(("bad argument #1 to 'readUntil' (string expected, got %s)"):format(type(pattern)), level + 1)
  end
  if plain and pattern ~= "" then return end
  if not plain and pattern:find "^%^" then
    error("bad argument #1 to 'readUntil' (a pattern without ^ expected)", level + 1)
  end
  local good, found = pcall(string.find, "", pattern, 1, plain)
  if not good then error(("bad argument #1 to 'readUntil' (%s)"):format(found), level + 1) end
  if found then error("bad argument #1 to 'readUntil' (it matches the empty string)", level + 1) end
end

--- Reads up to and including a match of a pattern: `stream:readUntil("\r\n\r\n", 65536, true)` reads the head of an
-- HTTP message. Bytes that were searched are not searched again, however they arrive.
-- @function SciSslStream:readUntil
-- @tparam string pattern a Lua pattern, as for `string.find`, whose matches have at most 1024 bytes. It is tried
--  whenever bytes have arrived, so let it end in something definite: `"%d+;"` and not `"%d+"`
-- @tparam[opt] integer max bytes before the match (`maxLine`)
-- @tparam[opt=false] boolean plain true: `pattern` is plain text
-- @treturn[1] string the bytes before the match
-- @treturn[1] ?string the match; nil where the stream has ended, and the first value is its rest
-- @treturn[2] nil the stream has ended, and there is no rest
-- @treturn[3] nil
-- @treturn[3] SciSslError as `read`; `line_too_long`: there is no match within `max` bytes, which are kept
-- @raise for a pattern that is malformed, anchored (`^`), or matches the empty string
function Stream:readUntil(pattern, max, plain)
  plain = plain and true or false
  check_pattern(pattern, plain, 2)
  if max ~= nil and not options.is(max, "count") then
    error("bad argument #2 to 'readUntil' (integer of 1 or more expected)", 2)
  end
  local refusal = refuse_second(self)
  if refusal then return nil, refusal end
  self[BYTES]:beginRead()
  if self[BYTES]:size() == 0 then
    local some, failure = read_part(self, 0) -- waits in C
    if failure then return nil, failure end
    if not some then return nil end
  end
  return reader.untilFound(self, pattern, max, plain)
end

-- ---- writing

-- Coroutines that write at the same time share the queue. Another coroutine that changes the link, or an object that is
-- sending, makes the stream busy.
local function refuse_writer(self)
  local changing, sending = self.changing, self.link and self.link.sending
  if not (changing and changing:isTaken() or sending and sending:isTaken()) then return nil end
  return SciSslError.new {
    phase = "write", condition = "busy", message = "another coroutine is sending, or in startTls or stopTls",
    peer = peer_of(base_of(self)),
  }
end

local function refuse_output(self)
  local refusal = refuse_writer(self)
  if refusal then return refusal end
  local _, most = self[BYTES]:limits()
  if self[BYTES]:queued() <= most then return nil end
  local done, failure = writer.push(self)
  if done then return nil end
  if failure:condition() ~= "timeout" then return failure end
  return SciSslError.new {
    phase = "write",
    condition = "output_full",
    message = ("more than %d bytes are waiting to be sent"):format(most),
    cause = failure,
    peer = peer_of(base_of(self)),
  }
end

local function check_text(text, number, caller, level)
  if type(text) == "string" then return text end
  if type(text) == "number" then return tostring(text) end
  error(("bad argument #%d to '%s' (string expected, got %s)"):format(number, caller, type(text)), level + 1)
end

local function check_texts(texts, count, caller, level)
  local checked = {}
  for i = 1, count do checked[i] = check_text(texts[i], i, caller, level + 1) end
  return checked
end

local function finish_write(self, due)
  if due then
    local done, failure = writer.push(self)
    if not done then return nil, failure end
  end
  return self
end

-- The writes that C does not do: none, or wrong, texts; a full queue; a link that is changing, or an object in Lua.
local function write(self, ...)
  if getmetatable(self) ~= Stream then receiver.check(self, "SciSslStream", "write", 3) end
  local count, text = select("#", ...), ...
  if count == 0 then return finish_write(self, true) end
  local texts
  if count == 1 then text = check_text(text, 1, "write", 3)
  else texts = check_texts({ ... }, count, "write", 3) end
  local refusal = refuse_output(self)
  if refusal then return nil, refusal end
  return finish_write(self, self[BYTES]:add(texts or text, count))
end

-- Waits, and sends what is queued.
local function go_on_writing(self)
  return finish_write(self, true)
end

local function fail_write(self, failure)
  self[BYTES]:drop()
  return nil, failure
end

--- Writes strings and numbers completely. Several that fit into one record are sent as one.
-- @function SciSslStream:write
-- @tparam string|number ... what to write
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError `timeout`: the rest stays queued and is sent with the next `write`, `flush` or `close`, or
--  while a read waits, so do not write it again; `output_full`: more than `maxBuffer` bytes are queued, and nothing of
--  this was taken; `busy`: another coroutine is in `startTls` or `stopTls`, and nothing was taken; otherwise what
--  `sslWrite` returned, and the rest is dropped
-- @raise for values that are neither strings nor numbers
Stream.write = hidden.makeStreamWrite({ write, go_on_writing, fail_write })

--- Writes the strings and numbers of a list, in as few records as possible, without copying long strings.
-- @function SciSslStream:writev
-- @tparam table texts a list of strings and numbers
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError as `write`
-- @raise for anything else than a list of strings and numbers
function Stream:writev(texts)
  options.checkArgument(1, "writev", texts, "table", 2)
  local hole = hidden.findHole(texts)
  if hole then error(("bad argument #1 to 'writev' (entry %d of the list is missing)"):format(hole), 2) end
  local checked = check_texts(texts, #texts, "writev", 2)
  local refusal = refuse_output(self)
  if refusal then return nil, refusal end
  return finish_write(self, self[BYTES]:add(checked, #checked))
end

--- Sends what `setvbuf` holds back and what is left of a `write` that timed out.
-- @function SciSslStream:flush
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError as `write`
function Stream:flush()
  local refusal = refuse_writer(self)
  if refusal then return nil, refusal end
  self[BYTES]:release()
  return finish_write(self, true)
end

local modes = { no = true, full = true, line = true }

--- Sets whether written data is held back and sent in larger records, as `file:setvbuf` does. In every mode, `flush`,
-- `close`, `closeWrite`, `startTls` and a read that has to wait send what is held back.
-- @function SciSslStream:setvbuf
-- @tparam string mode `"no"` (default): each `write` sends at once; `"full"`: sends whole records once there are `size`
--  bytes; `"line"`: sends up to the last line end, or once there are `size` bytes
-- @tparam[opt=16384] integer size bytes; a record has 16384
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError as `write`, for what was held back
-- @raise for another mode or size
function Stream:setvbuf(mode, size)
  if not modes[mode] then
    error(("bad argument #1 to 'setvbuf' ('no', 'full' or 'line' expected, got %s)"):format(tostring(mode)), 2)
  end
  if size ~= nil and not options.is(size, "count") then
    error("bad argument #2 to 'setvbuf' (integer of 1 or more expected)", 2)
  end
  local bytes = self[BYTES]
  local _, held = bytes:queued()
  local refusal = held > 0 and refuse_writer(self)
  if refusal then return nil, refusal end
  bytes:release()
  bytes:setMode(mode, size)
  return finish_write(self, held > 0)
end

--- Returns an error: a connection has no positions.
-- @function SciSslStream:seek
-- @treturn nil
-- @treturn SciSslError condition `not_seekable`
function Stream.seek()
  return nil, SciSslError.new {
    phase = "read", condition = "not_seekable", message = "a connection cannot be read or written at a position",
  }
end

-- ---- the end

--- Ends the writing side: sends close_notify (in plain text: shuts TCP down for writing). The stream can still be read.
-- A later write is an error.
-- @function SciSslStream:closeWrite
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError as `write`; phase `shutdown`: the connection had ended before
function Stream:closeWrite()
  local done, failure = self:flush()
  if done then done, failure = writer.sayEnd(self, "shutdown") end
  if done then return self end
  return nil, failure
end

-- Hands out the sessions that no read has handed out. A client that has never read waits for its tickets first.
local function take_last_sessions(self, sent)
  if sent and select(2, link.socket(self)) and not self[BYTES]:hasHeard() then writer.awaitTickets(self) end
  if self.onSession or self.kept then reader.handOutLastSessions(self) end
end

-- Returns true and what `close` returns; or false and what the program's `onSession` has raised.
local function end_in_order(self)
  self[BYTES]:release()
  local sent, failure = writer.push(self)
  if self.owner then self.owner:closing(self) end
  local good, raised = pcall(take_last_sessions, self, sent)
  if sent then writer.endConnection(self) end
  self[BYTES]:clear()
  link.detach(self)
  result.forget(base_of(self))
  self.link:close(self[WAITER])
  if not good then return false, raised end
  return true, sent, failure
end

--- Sends what is queued, sends close_notify and closes the socket. Calling it again does nothing. Data that the peer
-- has sent and that was not read is lost. A TLS 1.3 client that has never read waits up to a second (less with a
-- shorter time-out) for the server's session tickets: otherwise the system could discard what was written last.
-- @function SciSslStream:close
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError the rest of an earlier `write` could not be sent; the socket is closed nevertheless.
--  `in_callback`: OpenSSL calls a handler in the midst of a read of this stream, which stays open
function Stream:close()
  if self.closed then return true end
  if self[BYTES]:isInCall() then return nil, SciSslError.new { phase = "close", condition = "in_callback" } end
  self.closed = true
  local ended, good, sent, failure = pcall(end_in_order, self)
  if ended then
    if not good then error(sent, 0) end
    return sent, failure
  end
  local base = base_of(self)
  if base.close then base:close() end -- memory has run out
  error(good, 0)
end

Stream.__close = Stream.close

-- ---- settings (csrc/stream/stream_bytes.c keeps them, and makes a deadline of time-out and deadline)

--- Sets a time-out for each later operation, and makes the socket non-blocking.
-- @function SciSslStream:settimeout
-- @tparam ?number seconds nil: no time-out
-- @treturn SciSslStream the stream
function Stream:settimeout(seconds)
  if not (seconds == nil or options.is(seconds, "seconds")) then
    local got = options.shown(seconds)
    error(("bad argument #1 to 'settimeout' (0 or more seconds, or nil, expected, got %s)"):format(got), 2)
  end
  self[BYTES]:setTimeout(seconds)
  if seconds then writer.stopBlocking(self) end
  return self
end

--- Sets a deadline for all later operations together; the time-out for each still holds. Makes the socket non-blocking.
-- @function SciSslStream:setdeadline
-- @tparam ?number moment on the clock of `SciSocket.now()`; nil: no deadline
-- @treturn SciSslStream the stream
function Stream:setdeadline(moment)
  if not (moment == nil or type(moment) == "number" and moment == moment) then
    error("bad argument #1 to 'setdeadline' (moment of SciSocket.now(), or nil expected)", 2)
  end
  self[BYTES]:setDeadline(moment)
  if moment then writer.stopBlocking(self) end
  return self
end

function Stream:__tostring()
  if self.closed then return "SciSslStream: closed" end
  local socket, is_secure = link.socket(self)
  local text = tostring(socket):gsub("^Sci%w+: ", "")
  return ("SciSslStream: %s%s"):format(is_secure and "" or "plain text, ", text)
end

-- ---- startTls, stopTls

--- Starts TLS on a stream in plain text, in a protocol that has just agreed on it (STARTTLS); or, on a TLS stream, TLS
-- inside TLS. Data that is held back or queued is sent first, without the new TLS.
--
-- If plain text has arrived that was not read, `startTls` fails: an attacker may have sent commands behind the one that
-- starts TLS, so that they pass for secured ones.
-- @function SciSslStream:startTls
-- @tparam table given options; the stream's own time-outs hold for the handshake:
--
-- - `role`: `"client"` (default) or `"server"`
-- - of a client, those of `scissl.connect` for TLS: `host` (needed unless `verify = false`), `caFile`, `verifyHost`,
--   `certificate`, `session`, `sessions` …
-- - of a server, those of `scissl.listen`: `certificate`, `privateKey`, `caFile`, `verify`, `sni`, `onClientHello` …
--
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError condition `plaintext_pending`: there are unread bytes; `busy`: another coroutine is reading,
--  or in `startTls` or `stopTls`; `carries_tls`; phase `load`: a file or setting was rejected. After these the stream
--  is unchanged. Phase `connect` or `accept`: the handshake failed, or its coroutine was closed; the stream is closed
-- @raise for unknown options and wrong types
function Stream:startTls(given)
  local done, failure = require "scissl.stream.starttls".start(self, given or {}, 2) -- a tail call would lose a level
  return done, failure
end

--- Ends TLS on both sides and continues in plain text. Waits for the peer's close_notify.
-- @function SciSslStream:stopTls
-- @treturn[1] SciSslStream the stream
-- @treturn[2] nil
-- @treturn[2] SciSslError condition `not_secure`; `busy`, as for `startTls`; `unread_data`: the peer has sent bytes
--  that were not read, which must not be mixed with plain text: read up to the end (nil), then call this again;
--  `timeout`; `truncated`: the peer closed without close_notify
function Stream:stopTls()
  return require "scissl.stream.starttls".stop(self)
end

for name, method in pairs(queries) do Stream[name] = method end

receiver.guard(Stream, { read = true, lines = true, write = true })

-- ---- making one

local known_options = {
  timeout = "seconds",
  maxLine = "count",
  maxBuffer = "count",
  waiter = "string|callable",
  onSession = "callable|false",
}

-- Makes a stream of a socket; or over a link. In the usual case it has no named fields but the `owner` of a server's:
-- what C knows is not kept here as well.
local function make(socket, given, level, way)
  local waiter = wait.find(given.waiter, level + 1)
  local bytes = new_bytes(given.maxLine or MAX_LINE, given.maxBuffer or MAX_BUFFER, wait.inC(waiter), socket)
  local owner = given.connections -- of a listener: in the table from the beginning, which must not grow
  local stream = owner and { bytes, waiter, owner = owner } or { bytes, waiter } -- BYTES: where C looks for it; WAITER
  if given.onSession then stream.onSession = given.onSession end
  if way then link.attach(stream, way) end
  setmetatable(stream, Stream):settimeout(given.timeout)
  -- A blocking call would stop the whole loop.
  if given.waiter and given.waiter ~= "poll" then writer.stopBlocking(stream) end
  return stream
end

--- Makes a stream of a SciSslSocket whose handshake is done. (For plain text: `scissl.plain`.)
-- @function scissl.stream
-- @tparam SciSslSocket socket
-- @tparam[opt] table given options:
--
-- * `timeout`: seconds that each operation may take
-- * `maxLine`: bytes that a line may have (1 MiB)
-- * `maxBuffer`: bytes that `read("a")` may return and that may wait to be sent (256 MiB), which limits the memory that
--   a peer can fill
-- * `waiter`: a name or a function (see `scissl.wait`)
-- * `onSession(session)`: called for each resumable session of the connection as it arrives
--
-- @treturn SciSslStream
-- @raise for anything but a SciSslSocket, and for unknown options
return setmetatable({ class = Stream, make = make, optionKinds = known_options }, {
  __call = function(_, socket, given)
    if not options.is(socket, "SciSslSocket") then
      error(("bad argument #1 to 'stream' (SciSslSocket expected, got %s)"):format(type(socket)), 2)
    end
    if socket:isDatagram() then
      error("bad argument #1 to 'stream' (the socket speaks DTLS, which has no stream)", 2)
    end
    return make(socket, options.read("stream", given or {}, known_options, 2), 2)
  end,
})
