-- The rooms of csrc and the direction between them: what each may include, and whose functions it may call.

require "scissl.core" -- where it is built with sanitizers, the programs that are started here are kept out of them
local shell = require "spec.support.shell"

local below = { -- room -> the rooms below it; each may use itself as well
  base = {},
  net = { "base" },
  pki = { "base" },
  session = { "pki", "base" },
  transport = { "net", "base" },
  context = { "session", "pki", "base" },
  connection = { "context", "transport", "session", "net", "pki", "base" },
  stream = { "connection", "context", "transport", "session", "net", "pki", "base" },
  luasec = { "stream", "connection", "context", "transport", "session", "net", "pki", "base" },
  module = { "luasec", "stream", "connection", "context", "transport", "session", "net", "pki", "base" },
}
-- Rooms whose files form no cycle.
local acyclic = { "base", "net", "pki", "session", "transport", "context", "connection", "stream", "luasec" }
local LONGEST_FILE, LONGEST_FUNCTION = 500, 40 -- lines

-- "csrc/net/socket.c" and ".../csrc/net/socket.c.o" are of the room "net"; "csrc/module.c" is a room of its own.
local function room_of(path)
  local inside = path:match "csrc/(.*)$"
  return inside:match "^(%w+)/" or inside:match "^(%w+)%.c"
end

local function may_use(room, other)
  if room == other then return true end
  for _, name in ipairs(below[room]) do
    if name == other then return true end
  end
  return false
end

local sources = shell.lines "find csrc -name '*.[ch]' | LC_ALL=C sort"

-- Objects of the build that this run uses: { file = , defines = {symbol, …}, needs = {symbol, …} }
local function read_objects()
  local core = assert(package.searchpath("scissl.core", package.cpath))
  local folder = core:gsub("scissl/core%.so$", "CMakeFiles/core.dir/csrc")
  local objects, by_path = {}, {}
  for _, line in ipairs(shell.lines(("find '%s' -name '*.o' -exec nm -A {} + | LC_ALL=C sort"):format(folder))) do
    local path, kind, symbol = line:match "^(.-%.o):.*(%a) ([%w_.]+)$"
    local object = by_path[path]
    if not object then
      object = { file = "csrc/" .. path:match "csrc/(.*)%.o$", defines = {}, needs = {} }
      by_path[path] = object
      objects[#objects + 1] = object
    end
    if symbol:find "^sci_" and kind == "U" then table.insert(object.needs, symbol)
    elseif symbol:find "^sci_" and kind:find "%u" then table.insert(object.defines, symbol) end
  end
  return objects
end

local function homes_of(objects)
  local homes = {}
  for _, object in ipairs(objects) do
    for _, symbol in ipairs(object.defines) do homes[symbol] = object.file end
  end
  return homes
end

-- The files of `room` that each of them needs.
local function graph_of(objects, room)
  local homes, graph = homes_of(objects), {}
  for _, object in ipairs(objects) do
    if room_of(object.file) == room then
      local needed = {}
      for _, symbol in ipairs(object.needs) do
        local home = homes[symbol]
        if home and home ~= object.file and room_of(home) == room then needed[home] = true end
      end
      graph[object.file] = needed
    end
  end
  return graph
end

-- A cycle as text, or nil.
local function find_cycle(graph)
  local done, path, found = {}, {}, nil
  local function visit(file)
    if found or done[file] then return end
    for at, earlier in ipairs(path) do
      if earlier == file then
        found = table.concat(path, " -> ", at) .. " -> " .. file
        return
      end
    end
    path[#path + 1] = file
    for needed in pairs(graph[file] or {}) do visit(needed) end
    path[#path] = nil
    done[file] = true
  end
  for file in pairs(graph) do visit(file) end
  return found
end

-- Functions of a C file that is formatted as .clang-format says: { name, lines }.
local function functions_of(path)
  local found, begin, name, number = {}, nil, nil, 0
  for line in io.lines(path) do
    number = number + 1
    if line:find "^[%a].*%(.*" and not line:find ";%s*$" and not line:find "^typedef" then
      begin, name = number, line:match "([%w_]+)%("
    elseif line == "}" and begin then
      found[#found + 1] = { name = name, lines = number - begin + 1 }
      begin = nil
    end
  end
  return found
end

describe("The rooms of csrc", function()
  it("hold every file", function()
    for _, path in ipairs(sources) do
      assert.is_truthy(below[room_of(path)], path .. " is in no room")
    end
  end)

  it("have one header each that other rooms include", function()
    for _, path in ipairs(sources) do
      local room = room_of(path)
      for line in io.lines(path) do
        local included = line:match '^#include "(.-)"'
        if included then
          local other = room_of("csrc/" .. included)
          assert.is_truthy(below[other], path .. " includes " .. included .. ", which is no file of a room")
          assert.is_true(may_use(room, other), path .. " includes " .. included .. ", against the direction")
          local public = included == other .. "/" .. other .. ".h"
          assert.is_true(other == room or public, path .. " includes " .. included .. ", which is not public")
        end
      end
    end
  end)

  describe("as they are linked", function()
    local objects

    setup(function() objects = read_objects() end)

    it("are all compiled", function()
      local compiled = {}
      for _, object in ipairs(objects) do compiled[object.file] = true end
      for _, path in ipairs(sources) do
        assert.is_true(path:find "%.h$" ~= nil or compiled[path] == true, path .. " is not in the build")
      end
    end)

    it("use what is below them, and nothing else", function()
      local homes, references = homes_of(objects), 0
      for _, object in ipairs(objects) do
        for _, symbol in ipairs(object.needs) do
          local home = homes[symbol]
          if home then
            references = references + 1
            assert.is_true(may_use(room_of(object.file), room_of(home)),
              ("%s uses %s of %s, against the direction"):format(object.file, symbol, home))
          end
        end
      end
      assert.is_true(references > 500, "too few references were found: " .. references)
    end)

    for _, room in ipairs(acyclic) do
      it("have no cycle inside: " .. room, function()
        local graph = graph_of(objects, room)
        assert.is_truthy(next(graph))
        assert.is_nil(find_cycle(graph))
      end)
    end
  end)
end)

describe("Files and functions", function()
  it("are short: files", function()
    for _, path in ipairs(shell.lines "find csrc lua spec -name '*.[ch]' -o -name '*.lua' ! -path '*/meta/*'") do
      local count = 0
      for _ in io.lines(path) do count = count + 1 end
      assert.is_true(count <= LONGEST_FILE, ("%s has %d lines"):format(path, count))
    end
  end)

  it("are short: functions in Lua", function()
    local luac = os.execute "command -v luac5.4 >/dev/null" and "luac5.4" or "luac"
    if not os.execute(("command -v %s >/dev/null"):format(luac)) then pending("luac is not installed") end
    local count = 0
    local listing = "find lua -name '*.lua' ! -path '*/meta/*' -exec %s -l -p {} ';'"
    for _, line in ipairs(shell.lines(listing:format(luac))) do
      local path, first, last = line:match "^function <([^:]+):(%d+),(%d+)>"
      if path then
        count = count + 1
        local length = tonumber(last) - tonumber(first) + 1
        assert.is_true(length <= LONGEST_FUNCTION, ("%s:%s: a function of %d lines"):format(path, first, length))
      end
    end
    assert.is_true(count > 500, "too few functions were found: " .. count)
  end)

  it("are short: functions in C", function()
    local count = 0
    for _, path in ipairs(sources) do
      for _, found in ipairs(functions_of(path)) do
        count = count + 1
        assert.is_true(found.lines <= LONGEST_FUNCTION, ("%s: %s has %d lines"):format(path, found.name, found.lines))
      end
    end
    assert.is_true(count > 1000, "too few functions were found: " .. count)
  end)
end)
