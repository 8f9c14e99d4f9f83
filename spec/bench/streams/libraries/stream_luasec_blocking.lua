-- LuaSec itself: see luasec_blocking.lua.
return require "luasec_blocking"(require "ssl", 'require "ssl"')
