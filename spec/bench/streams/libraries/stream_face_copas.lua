-- scissl.luasec in the place of LuaSec: see luasec_copas.lua.
return require "luasec_copas"(require "scissl.luasec".install())
