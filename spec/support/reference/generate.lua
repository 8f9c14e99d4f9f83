-- Writes lua/scissl/meta/*.lua from the docstrings and the examples. Run it in the project's root, after a build into
-- build/:
--    lua5.4 spec/support/reference/generate.lua
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/?.so;" .. package.cpath

local model = require "spec.support.reference.model"
local stubs = require "spec.support.reference.stubs"

for path, text in pairs(stubs.files(model.read())) do
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end
