--- spec/support/judge.lua: the `openssl` command: it checks what we make, and makes what we read.
--
--    local judge = require "spec.support.judge"
--
--    judge.openssl(format, …)       runs `openssl …`, each argument quoted; returns its output, and success
--    judge.file(bytes)              writes a temporary file; returns its path
--    judge.path()                   the path of a temporary file that does not exist yet
--    judge.read(path)               the bytes of a file

local pki = require "spec.support.pki"

local judge = {}

local function quoted(argument)
  return "'" .. tostring(argument):gsub("'", "'\\''") .. "'"
end

local function each_quoted(first, ...)
  if first == nil then return end
  return quoted(first), each_quoted(...)
end

function judge.openssl(format, ...)
  local pipe = assert(io.popen("openssl " .. format:format(each_quoted(...)) .. " </dev/null 2>&1"))
  local output = pipe:read("a")
  return output, pipe:close() or false
end

function judge.file(bytes)
  return pki.write(bytes)
end

local named = 0

function judge.path()
  named = named + 1
  return ("%s/made%d"):format(pki.folder(), named)
end

function judge.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

return judge
