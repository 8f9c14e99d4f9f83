-- spec/support/old_modules.lua: Debian installs some modules in pure Lua only for another version of Lua, and not
-- always for the same one.
--
--    local old_modules = require "spec.support.old_modules"
--
--    path = old_modules.find(name)    the module's file: from package.path, or from the folder of the newest other
--        version; nil: it is in no folder
--    old_modules.add(name, …)         lets `require` find these modules in any such folder

local old_modules = {}

local VERSIONS = { "5.5", "5.4", "5.3", "5.2", "5.1" }

local function in_folders_of(version)
  return (package.path:gsub("5%.%d", version))
end

function old_modules.find(name)
  local file = package.searchpath(name, package.path)
  for _, version in ipairs(VERSIONS) do
    file = file or package.searchpath(name, in_folders_of(version))
  end
  return file
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
