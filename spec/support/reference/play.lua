-- Runs the examples of one file in the current folder, each in an environment of its own; writes a line for each:
-- `ok NAMES`, or `failed NAMES: why`.
--    lua5.4 ROOT/spec/support/reference/play.lua ROOT ROOT/spec/reference/examples/SciSocket.lua
local root, only = arg[1], arg[2]

local function absolute(paths)
  return (paths:gsub("[^;]+", function(path) return path:find "^/" and path or root .. "/" .. path end))
end

package.path, package.cpath = absolute(package.path), absolute(package.cpath)

local world = require "spec.support.reference.world"
local examples = require "spec.support.reference.examples"

-- The output that a program announces in comments `--> text`, in order; `…` stands for any text.
local function expected(code)
  local texts = {}
  for text in code:gmatch "%-%-> ([^\n]*)" do texts[#texts + 1] = text:gsub(" %-%- .*$", "") end
  return texts
end

local function matches(pattern, text)
  pattern = pattern:gsub("%p", "%%%0"):gsub("…", ".*")
  return text:gsub("\t", " "):find("^" .. pattern .. "$") ~= nil
end

local function check_prints(code, printed)
  for i, pattern in ipairs(expected(code)) do
    if not matches(pattern, printed[i] or "") then
      error(("print %d: expected %s, got %s"):format(i, pattern, printed[i] or "nothing"), 0)
    end
  end
end

local function play(example)
  local env, printed = world.new()
  local program = assert(load(example.code, "=" .. example.names[1], "t", env))
  program()
  check_prints(example.code, printed)
end

world.furnish()
for _, example in ipairs(examples.list(root)) do
  if example.file == only then
    local good, failure = xpcall(play, function(raised) return debug.traceback(tostring(raised), 2) end, example)
    collectgarbage() -- closes what the example has left open: the server on `port` serves one client at a time
    collectgarbage()
    local names = table.concat(example.names, ", ")
    print(good and "ok " .. names or ("failed %s: %s"):format(names, failure:gsub("\n", "\\n")))
  end
end
