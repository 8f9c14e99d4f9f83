-- Writes lua/scissl/meta/*.lua from the docstrings and the examples, and the stamp by which the Lua files know their
-- core.so. Run it in the project's root, after a build into build/:
--    lua5.4 spec/support/reference/generate.lua
package.path = "./?.lua;lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = "build/?.so;" .. package.cpath

local model = require "spec.support.reference.model"
local stubs = require "spec.support.reference.stubs"
local build_stamp = require "spec.support.reference.build_stamp"

for _, files in ipairs { stubs.files(model.read()), build_stamp.files() } do
  for path, text in pairs(files) do
    local file <close> = assert(io.open(path, "w"))
    assert(file:write(text))
  end
end
