-- LuaSec itself: see luasec_copas.lua.
return require "luasec_copas"(require "ssl")
