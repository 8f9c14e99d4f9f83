-- The stamp by which the Lua files know a core.so that they fit: a digest of all names that C offers to Lua.
local scissl = require "scissl"

local build_stamp = {}

local holders = { ["csrc/module.c"] = '(#define NAMES )"%x+"', ["lua/scissl/init.lua"] = '(local NAMES = )"%x+"' }

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- All that stand in tables of functions, sorted
function build_stamp.names()
  local names = {}
  local pipe <close> = assert(io.popen "find csrc -name '*.c'")
  for path in pipe:lines() do
    for name in read(path):gmatch '{"([%w_]+)", [%w_]+}' do names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- path -> text, with the stamp of the sources as they are
function build_stamp.files()
  local digest = scissl.digest("SHA256", table.concat(build_stamp.names(), " "))
  local stamp = ("%08x"):format((string.unpack(">I4", digest)))
  local files = {}
  for path, pattern in pairs(holders) do
    local text, count = read(path):gsub(pattern, ('%%1"%s"'):format(stamp))
    assert(count == 1, path)
    files[path] = text
  end
  return files
end

return build_stamp
