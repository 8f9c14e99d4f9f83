-- scissl.luasec in the place of LuaSec: see luasec_select.lua.
return require "luasec_select"(require "scissl.luasec".install())
