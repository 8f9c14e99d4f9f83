--- Raises that core.so is of another build than the Lua files: rare, so not in the file that each program loads.
-- @module scissl.base.other_build

local core = require "scissl.core"

return function(version, file)
  local build = getmetatable(core).build
  local path = package.searchpath("scissl.core", package.cpath)
  error(("scissl: the Lua files (%s, %s) and core.so (%s, %s) are of different builds: build and install scissl again")
    :format(version, file, build and build:match "^scissl [%d.]+" or "older", path or "preloaded"), 0)
end
