-- busted gives each file modules of its own, which luv does not survive: its loop is the lua_State's.
pcall(require, "luv")

-- busted takes a stack trace of each `it` that it reads, of which it needs files and lines. For the full names of
-- functions Lua would look through all loaded modules, at each level.
local traceback = debug.traceback
function debug.traceback(...) -- luacheck: ignore 122
  if not debug.getinfo(2, "S").short_src:find "busted/core%.lua$" then return traceback(...) end
  local message, level = ...
  local lines = { message, "stack traceback:" }
  for at = level + 1, math.huge do
    local info = debug.getinfo(at, "Sln")
    if not info then return table.concat(lines, "\n") end
    lines[#lines + 1] = info.what == "C" and "\t[C]: in ?"
      or ("\t%s:%d: in %s"):format(info.short_src, info.currentline, info.name or "a function")
  end
end

require "busted.runner"({ standalone = false })
