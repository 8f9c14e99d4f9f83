--- spec/support/files.lua: what files hold.
--
--    local files = require "spec.support.files"
--
--    text = files.read(path)          all of it; nil and the reason where it cannot be read
--    lines = files.lines(path)        a table of its lines
--    files.replace(path, text[, suffix])   as programs that renew certificates do: writes another file, and renames it.
--                                     suffix: of that file's name, "new" by default

local files = {}

function files.read(path)
  local file, reason = io.open(path)
  if not file then return nil, reason end
  local text = file:read "a"
  file:close()
  return text
end

function files.lines(path)
  local lines = {}
  for line in io.lines(path) do lines[#lines + 1] = line end
  return lines
end

function files.replace(path, text, suffix)
  local other = path .. "." .. (suffix or "new")
  local file = assert(io.open(other, "w"))
  assert(file:write(text))
  assert(file:close())
  assert(os.rename(other, path))
end

return files
