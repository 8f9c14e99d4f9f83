--- Sessions of clients, kept in a file for the next run of the program, or for another program.
--
-- `scissl.connect { …, sessions = scissl.sessions.file.new { path = "…" } }` resumes the sessions of earlier runs.
-- Several processes can use the file. It contains the secrets of its sessions, so only its owner may read it. The other
-- rules are those of SciSslSessionMemory.
-- @classmod SciSslSessionFile

local core = require "scissl.core"
local memory = require "scissl.sessions.memory"
local options = require "scissl.base.option_table"
local receiver = require "scissl.base.receiver"

local OSSslSession, SciSslError = core.OSSslSession, core.SciSslError
local lock_file, replace_file = getmetatable(core).lockFile, getmetatable(core).replaceFile

local File = { __name = "SciSslSessionFile" }
File.__index = File
File.lasting = true -- see scissl.client.client_options

local HEAD = "scissl sessions, version 1\n"
local MAX_KEYS, PER_KEY = 100, 4
local MAX_BYTES = 64 * 1024 * 1024 -- of a file: a larger one is not ours

-- ---- the file

local function note(self, condition, message)
  self.failure = SciSslError.new { phase = "load", condition = condition, subject = self.path, message = message }
end

local function hexadecimal(text)
  return (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

local function text_of(digits)
  if #digits % 2 ~= 0 then return nil end
  return (digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- Returns the text of the file, "" where there is none; or nil: it is not to be replaced.
local function read_text(self)
  local file <close> = io.open(self.path, "rb")
  if not file then return "" end
  local text = file:read(MAX_BYTES + 1) or ""
  if text == "" or text:sub(1, #HEAD) == HEAD and #text <= MAX_BYTES then return text end
  note(self, "not_session_file", "the file contains something else than sessions")
  return nil
end

-- Puts the sessions of the text into the store. False: it is malformed.
local function parse(store, text)
  local at = #HEAD + 1
  while at <= #text do
    local digits, pem, stop = text:match("^key (%x*)\n(%-%-%-%-%-BEGIN .-\n%-%-%-%-%-END [^\n]+\n)()", at)
    local key = digits and text_of(digits)
    local session = key and OSSslSession.fromPem(pem)
    if not session then return false end
    store:put(key, session)
    at = stop
  end
  return true
end

-- Returns the sessions of the file in a store of their own; nil where the file is not ours.
local function load(self)
  local text = read_text(self)
  if not text then return nil end
  local store = memory.new { max = self.max, perKey = self.perKey }
  if parse(store, text) then return store, text end
  note(self, "malformed_session_file", "the file is damaged")
  return memory.new { max = self.max, perKey = self.perKey }, text
end

-- The least recently used come first, so that the order survives.
local function write_text(store)
  local keys, parts = {}, { HEAD }
  for key in pairs(store.lists) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return store.used[a] < store.used[b] end)
  for _, key in ipairs(keys) do
    for _, session in ipairs(store.lists[key]) do
      local pem = session:toPem()
      if pem then parts[#parts + 1] = ("key %s\n%s"):format(hexadecimal(key), pem) end
    end
  end
  return table.concat(parts)
end

-- Calls `change` with the sessions of the file, and writes them if they differ then. Returns what it returned.
local function change_file(self, change)
  local locked, result = lock_file(self.path .. ".lock", function()
    self.failure = nil
    local store, before = load(self)
    if not store then return nil end
    local found = change(store)
    local after = write_text(store)
    if after == before or before == "" and after == HEAD then return found end
    local done, failure = replace_file(self.path, after)
    if not done then self.failure = failure end
    return found
  end)
  if not locked then note(self, "in_finalizer", "the file is in use, and a finalizer does not wait for it") end
  return result
end

-- ---- the store

--- Stores a session. One that cannot be resumed is ignored.
-- @function SciSslSessionFile:put
-- @tparam string key the server that it is for
-- @tparam OSSslSession session
function File:put(key, session)
  options.checkArgument(1, "put", key, "string", 2)
  options.checkArgument(2, "put", session, "OSSslSession", 2)
  change_file(self, function(store) store:put(key, session) end)
end

--- Removes and returns the newest session that can still be resumed; a TLS 1.2 session stays in the file.
-- @function SciSslSessionFile:get
-- @tparam string key
-- @treturn ?OSSslSession
function File:get(key)
  options.checkArgument(1, "get", key, "string", 2)
  return change_file(self, function(store) return store:get(key) end)
end

--- Removes the sessions of a key, or one of them.
-- @function SciSslSessionFile:remove
-- @tparam string key
-- @tparam[opt] OSSslSession session the one that is removed; by default all are
function File:remove(key, session)
  options.checkArgument(1, "remove", key, "string", 2)
  options.checkArgument(2, "remove", session, "OSSslSession|nil", 2)
  change_file(self, function(store) store:remove(key, session) end)
end

--- Returns what went wrong in the last call. A client then makes full handshakes, so calls return no error.
-- @function SciSslSessionFile:lastFailure
-- @treturn ?SciSslError `malformed_session_file`: the file is damaged and counts as empty; `not_session_file`: it is
--  another kind of file, and is left alone; `in_finalizer`: it was in use, and a finalizer does not wait for it;
--  `permission_denied` …: it could not be written
function File:lastFailure()
  return self.failure
end

function File:__len()
  return change_file(self, function(store) return #store end) or 0
end

function File:__tostring()
  return ("SciSslSessionFile: %s"):format(self.path)
end

receiver.guard(File)

local file = {}

--- Makes a store. Beside the file, it makes an empty one whose name ends in `.lock`.
-- @function scissl.sessions.file.new
-- @tparam table given options:
--
-- * `path` (needed): the file, which need not exist yet
-- * `max`: number of servers whose sessions are kept (100)
-- * `perKey`: sessions per server (4)
--
-- @treturn SciSslSessionFile
-- @raise for unknown options and wrong types
function file.new(given)
  given = options.read("scissl.sessions.file.new", given, { path = "string", max = "count", perKey = "count" }, 2)
  if not given.path then error("option 'path' to 'scissl.sessions.file.new' is missing", 2) end
  if given.path == "" or given.path:find("\0", 1, true) then
    error("bad option 'path' to 'scissl.sessions.file.new' (path expected)", 2)
  end
  return setmetatable({ path = given.path, max = given.max or MAX_KEYS, perKey = given.perKey or PER_KEY }, File)
end

return file
