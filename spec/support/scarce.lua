--- spec/support/scarce.lua: memory that runs out while a function is called.
--
--    local scarce, why = require "spec.support.scarce".load()   -- nil, why: scarce.c cannot be compiled here
--    scarce.lua(n, once, f, ...)      while f runs, Lua's allocation n + 1 fails, and all later ones unless `once`;
--                                     returns how many failed, then the results of pcall(f, ...)
--    scarce.openssl(n, once, f, ...)  the same for OpenSSL, where `hasOpenssl`: in a process that has loaded this
--                                     before scissl.core
--    scarce.held()                    how many bytes OpenSSL has allocated and not freed, where `hasOpenssl`
--
--    require "spec.support.scarce".each(round)   calls round(n) for n = 0, 1, … until it returns 0
--    require "spec.support.scarce".path()        the folder of scarce.so, for the LUA_CPATH of a child

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"

local M = {}
local folder, module

-- The folder of scarce.so, or nil and why it cannot be built.
function M.path()
  if folder then return folder end
  if not ends.has "cc" then return nil, "no C compiler here" end
  local place = pki.folder()
  local flags = shell.luaHeaders .. " "
    .. "$(pkg-config --cflags --libs libcrypto 2>/dev/null || echo -lcrypto)"
  -- It stays loaded: OpenSSL frees its memory when the process ends.
  local built <close> = ends.start(("sh -c 'cc -shared -fPIC -Wl,-z,nodelete -o %s/scarce.so %s %s'"):format(place,
    "spec/support/scarce.c", flags))
  local output, _, code = built:finish()
  if code ~= 0 then return nil, "scarce.c cannot be built here: " .. output:match "[^\n]*" end
  folder = place
  return folder
end

function M.load()
  local place, why = M.path()
  if not place then return nil, why end
  module = module or assert(package.loadlib(place .. "/scarce.so", "luaopen_scarce"))()
  return module
end

--- Calls `round(n)` for n = 0, 1, … until it returns 0, the number of allocations that have failed. Returns the last n.
function M.each(round)
  for n = 0, 100000 do
    if round(n) == 0 then return n end
  end
  error "the function never had enough memory"
end

return M
