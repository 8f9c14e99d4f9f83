-- scissl.luasec in the place of LuaSec: see luasec_blocking.lua.
return require "luasec_blocking"(require "scissl.luasec".install(), 'require "scissl.luasec".install()')
