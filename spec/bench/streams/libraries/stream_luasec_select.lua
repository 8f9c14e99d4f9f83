-- LuaSec itself: see luasec_select.lua.
return require "luasec_select"(require "ssl")
