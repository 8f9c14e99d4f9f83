-- spec/support/old_modules.lua: Debian installs some modules in pure Lua only for another version of Lua, and not
-- always for the same one.
--
--    local old_modules = require "spec.support.old_modules"
--
--    path = old_modules.find(name)    the module's file: from package.path, or from the folder of the newest other
--        version; nil: it is in no folder, or only where it needs a module that is in none
--    old_modules.add(name, …)         lets `require` find these modules in any such folder

local old_modules = {}

local VERSIONS = { "5.5", "5.4", "5.3", "5.2", "5.1" }

-- package.path, in which other versions of Lua stand.
local function folders()
  local paths = {}
  for i, version in ipairs(VERSIONS) do paths[i] = package.path:gsub("5%.%d", version) end
  return paths
end

-- What a module needs as soon as it is loaded: Debian's copas 4 comes without the module binaryheap, and cqueues has
-- its C module for some versions of Lua only.
local function need_of(line)
  return line:match "^local%s+[%w_]+%s*=%s*require%s*%(?%s*[\"']([%w_%.]+)[\"']"
    or line:match "=%s*require%s*%(?%s*[\"'](_[%w_%.]+)[\"']"
end

local function has_its_needs(file, looking)
  if looking[file] then return true end
  looking[file] = true
  for line in io.lines(file) do
    local name = need_of(line)
    local found = not name or package.loaded[name] or package.searchpath(name, package.cpath)
    if not (found or old_modules.find(name, looking)) then return false end
  end
  return true
end

function old_modules.find(name, looking)
  for _, path in ipairs { package.path, table.unpack(folders()) } do
    local file = package.searchpath(name, path)
    if file and has_its_needs(file, looking or {}) then return file end
  end
end

function old_modules.add(...)
  for _, name in ipairs { ... } do
    local file = old_modules.find(name)
    if file and not package.searchpath(name, package.path) then
      package.path = package.path .. ";" .. file:gsub("[^/]*$", "?.lua")
    end
  end
end

return old_modules
