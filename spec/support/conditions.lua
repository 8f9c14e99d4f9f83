--- spec/support/conditions.lua: the conditions of SciSslErrors, read from the sources.
--
--    conditions.made()       -> { name = "csrc/file.c", … }: those that csrc and lua give to a SciSslError
--    conditions.hinted()     -> { name = true, … }: those for which lua/scissl/hint.lua has a text
--    conditions.documented() -> { name = "lua/scissl/meta/…", … }: those that the reference names behind "condition"
--
-- A condition is made where its name is assigned to `condition`, passed for a parameter that is called `condition`,
-- returned by a function whose name ends in `_condition`, or stands in a table of C: one whose name ends in
-- `_conditions`, whose rows begin with a member `condition`, or whose type is sci_kind.

local conditions = {}

local NAME = '"(%l[%l%d_]*)"'

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function files_of(command)
  local files = {}
  local pipe <close> = assert(io.popen(command))
  for path in pipe:lines() do files[#files + 1] = path end
  table.sort(files)
  assert(#files > 0, command)
  return files
end

local function without_comments_c(text)
  return (text:gsub("/%*.-%*/", " "))
end

local function without_comments_lua(text)
  return (text:gsub("%-%-[^\n]*", ""))
end

-- The arguments of a call. `text` begins and ends with the parentheses: "(a, f(b, c))" -> { "a", "f(b, c)" }.
local function arguments_of(text)
  local arguments, depth, from = {}, 0, 2
  local quoted = false
  for at = 2, #text - 1 do
    local byte = text:sub(at, at)
    if byte == '"' and text:sub(at - 1, at - 1) ~= "\\" then quoted = not quoted end
    if not quoted and byte:find "[({]" then depth = depth + 1 end
    if not quoted and byte:find "[)}]" then depth = depth - 1 end
    if not quoted and byte == "," and depth == 0 then
      arguments[#arguments + 1] = text:sub(from, at - 1)
      from = at + 1
    end
  end
  arguments[#arguments + 1] = text:sub(from, #text - 1)
  return arguments
end

local function add_names(found, text, path)
  for name in text:gmatch(NAME) do found[name] = found[name] or path end
end

-- { [function] = n }: the n-th parameter of the function is a condition.
local function takers(text, parameter)
  local found = {}
  for name, parameters in text:gmatch "([%w_]+)(%b())" do
    for place, one in ipairs(arguments_of(parameters)) do
      if one:find(parameter) then found[name] = place end
    end
  end
  return found
end

local function add_arguments(found, text, places, path)
  for name, call in text:gmatch "([%w_]+)(%b())" do
    local argument = places[name] and arguments_of(call)[places[name]]
    if argument then add_names(found, argument, path) end
  end
end

local function merged(...)
  local all = {}
  for _, one in ipairs { ... } do
    for key, value in pairs(one) do all[key] = value end
  end
  return all
end

local function add_from_c(found)
  local texts, everywhere = {}, {}
  for _, path in ipairs(files_of "find csrc -name '*.[ch]'") do
    texts[path] = without_comments_c(read(path))
    -- static functions count in their own file only: several have the same name
    everywhere = merged(everywhere, takers(texts[path]:gsub("static [^;{]-%b()", ""), "^%s*const char %*condition%s*$"))
  end
  for path, text in pairs(texts) do
    add_arguments(found, text, merged(everywhere, takers(text, "^%s*const char %*condition%s*$")), path)
    for value in text:gmatch "condition%s*=%s*([^=;,}][^;,}]*)" do add_names(found, value, path) end
    for body in text:gmatch "_conditions%[%]%s*=%s*(%b{})" do add_names(found, body, path) end
    for body in text:gmatch "sci_kind [%w_]+%s*=%s*(%b{})" do
      for field, value in body:gmatch('%.([%w_]+)%s*=%s*' .. NAME) do
        if field == "absent" or field == "malformed" then found[value] = found[value] or path end
      end
    end
    for members, body in text:gmatch "struct [%w_]+ (%b{}) [%w_]+%[[%w_]*%]%s*=%s*(%b{})" do
      if members:find "^{%s*const char %*condition[,;]" then
        for row in body:sub(2, -2):gmatch "%b{}" do add_names(found, row:match "^{%s*\"[^\"]*\"" or "", path) end
      end
    end
    for body in text:gmatch "_condition%([^;{]*%)%s*(%b{})" do
      for value in body:gmatch("return%s+([^;]*);") do add_names(found, value, path) end
    end
  end
end

local function add_from_lua(found)
  for _, path in ipairs(files_of "find lua/scissl -name '*.lua' ! -path '*/meta/*' ! -name hint.lua") do
    local text = without_comments_lua(read(path))
    local places = takers(text, "^%s*condition%s*$")
    add_arguments(found, text, places, path)
    for value in text:gmatch "[^%w_]condition%s*=%s*([^=,}\n][^,}\n]*)" do add_names(found, value, path) end
  end
end

function conditions.made()
  local found = {}
  add_from_c(found)
  add_from_lua(found)
  return found
end

function conditions.hinted()
  local found = {}
  local body = assert(read "lua/scissl/hint.lua":match "\nlocal hints = (%b{})")
  for name in body:gmatch "\n  ([%l%d_]+) = " do found[name] = true end
  assert(next(found))
  return found
end

-- Adds the names of each clause: "condition `a`, `b` or `c`", "condition `a`: some words; `b`".
local function add_documented(found, text, path)
  for clause in text:gmatch "[Cc]ondition (`[^.]*)" do
    for name in clause:match "^[^;:]*":gmatch "`(%l[%l%d_]*)`" do found[name] = found[name] or path end
  end
end

function conditions.documented()
  local found = {}
  for _, path in ipairs(files_of "find lua/scissl/meta lua/scissl/doc -name '*.lua' -o -name '*.md'") do
    add_documented(found, read(path):gsub("\n%-*%s*", " "), path)
  end
  return found
end

return conditions
