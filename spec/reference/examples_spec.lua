-- The examples of the reference run, each in a world of its own, and print what they say. A file is one process.
local ends = require "spec.support.ends"
local examples = require "spec.support.reference.examples"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"

local root = shell.run "pwd":match "^(.-)\n"

-- Runs the examples of a file in a folder of their own; answers a line for each.
local function play(path)
  local folder = ("%s/%s"):format(pki.folder(), path:match "([^/]+)%.lua$")
  local program = ("arg = { %q, %q } dofile %q"):format(root, path, root .. "/spec/support/reference/play.lua")
  local command = ends.luaCommand(program, {
    LUA_PATH = root .. "/?.lua;" .. package.path:gsub("%./", root .. "/"),
    LUA_CPATH = package.cpath,
  })
  return shell.run(("mkdir '%s' && cd '%s' && %s 2>&1"):format(folder, folder, command))
end

local files = {}
for _, example in ipairs(examples.list(root)) do
  local list = files[example.file]
  if not list then
    list = {}
    files[example.file] = list
    files[#files + 1] = example.file
  end
  list[#list + 1] = table.concat(example.names, ", ")
end

for _, path in ipairs(files) do
  describe("the examples of " .. path:match "[^/]+$" .. " #slow", function()
    local output
    setup(function() output = play(path) end)

    for _, names in ipairs(files[path]) do
      it("do what they say: " .. names, function()
        for line in output:gmatch "[^\n]+" do
          if line == "ok " .. names then return end
          if line:find("failed " .. names, 1, true) then error(line, 0) end
        end
        error(output, 0)
      end)
    end
  end)
end
