--- Reads the docstrings of the sources: `/*** … */` in C, `--- …` in Lua, both with LDoc's tags.
--
--    local docstrings = require "spec.support.reference.docstrings"
--    for _, entry in ipairs(docstrings.of(path)) do … end
--
-- An entry describes one public name, a class or a module:
--
--    name, class, member, separator   "SciSslSocket:sslRead", "SciSslSocket", "sslRead", ":" (or ".")
--    kind          "function", "classmod" or "module"
--    text          Markdown
--    params        list of { name, type, optional, default, text }
--    returns       list of groups: lists of { type, text }
--    raises, sees  lists of texts
--    source        the file

local docstrings = {}

-- ---- blocks of text

local function c_blocks(contents)
  local blocks = {}
  for text in contents:gmatch "/%*%*%*\n(.-)%*/" do blocks[#blocks + 1] = { text = text } end
  return blocks
end

-- A block begins with three dashes; its other lines have two. Without a tag the function below it gives the name.
local function lua_blocks(contents)
  local blocks, block = {}, nil
  for line in (contents .. "\n"):gmatch "(.-)\n" do
    if block and line:find "^%-%-" then
      block[#block + 1] = line:gsub("^%-%-%-? ?", "")
    elseif block then
      blocks[#blocks + 1] = { text = table.concat(block, "\n") .. "\n", follows = line }
      block = nil
    elseif line:find "^%-%-%- " then
      block = { (line:gsub("^%-%-%- ", "")) }
    end
  end
  return blocks
end

-- ---- tags

-- The text before the first tag, and the list of tags as { name, modifier, text }.
local function split_tags(text)
  local body, tags, current = {}, {}, nil
  for line in text:gmatch "(.-)\n" do
    local name, rest = line:match "^@(%a+)(.*)$"
    if name then
      local modifier, behind = rest:match "^%[(.-)%](.*)$"
      current = { name = name, modifier = modifier, lines = { (behind or rest):match "^%s*(.-)%s*$" } }
      tags[#tags + 1] = current
    elseif current then
      current.lines[#current.lines + 1] = line
    else
      body[#body + 1] = line
    end
  end
  for _, tag in ipairs(tags) do
    tag.text = table.concat(tag.lines, "\n"):gsub("%s+$", "")
  end
  return (table.concat(body, "\n"):gsub("^%s+", ""):gsub("%s+$", "")), tags
end

-- ---- types: from LDoc's notation to that of LuaCATS

-- The alternatives of a type, split at each | outside of brackets.
function docstrings.alternatives(type, opening, closing)
  local parts, depth, from = {}, 0, 1
  for i = 1, #type do
    local character = type:sub(i, i)
    if character == opening then depth = depth + 1
    elseif character == closing then depth = depth - 1
    elseif character == "|" and depth == 0 then
      parts[#parts + 1] = type:sub(from, i - 1)
      from = i + 1
    end
  end
  parts[#parts + 1] = type:sub(from)
  return parts
end

local translate

local function translate_one(type)
  local item = type:match "^{(.*),%.%.%.}$"
  if item then
    item = translate(item)
    return (item:find "|" and "(" .. item .. ")" or item) .. "[]"
  end
  if type == "file" then return "file*" end
  local items = type:match "^{(.*)}$"
  if items then return (translate(items:match "^[^,]+")) .. "[]" end
  return type
end

function translate(type)
  local optional = type:match "^%?(.+)$"
  local parts = docstrings.alternatives(optional or type, "{", "}")
  for i, part in ipairs(parts) do parts[i] = translate_one(part) end
  if optional then parts[#parts + 1] = "nil" end
  return table.concat(parts, "|")
end

-- ---- entries

local function add_param(entry, tag, typed)
  local type, name, text
  if typed then type, name, text = tag.text:match "^(%S+)%s+(%S+)%s*(.*)$"
  else
    type, name, text = "any", tag.text:match "^(%S+)%s*(.*)$"
  end
  local default = tag.modifier and tag.modifier:match "^opt=(.*)$"
  entry.params[#entry.params + 1] = {
    name = name, type = translate(type), text = text, default = default, optional = tag.modifier ~= nil,
  }
end

local function add_return(entry, tag, typed)
  local type, text
  if typed then type, text = tag.text:match "^(%S+)%s*(.*)$" else type, text = "any", tag.text end
  local number = tonumber(tag.modifier or 1)
  entry.returns[number] = entry.returns[number] or {}
  table.insert(entry.returns[number], { type = translate(type), text = text })
end

local readers = {
  tparam = function(entry, tag) add_param(entry, tag, true) end,
  param = function(entry, tag) add_param(entry, tag, false) end,
  treturn = function(entry, tag) add_return(entry, tag, true) end,
  ["return"] = function(entry, tag) add_return(entry, tag, false) end,
  raise = function(entry, tag) table.insert(entry.raises, tag.text) end,
  see = function(entry, tag) table.insert(entry.sees, tag.text) end,
  usage = function() end,
}

local function name_entry(entry, kind, name)
  entry.kind, entry.name = kind, name
  if kind ~= "function" then return end
  entry.class, entry.separator, entry.member = name:match "^(.*)([%.:])([^%.:]+)$"
end

local function read_block(block, module, source)
  local text, tags = split_tags(block.text)
  local entry = { text = text, params = {}, returns = {}, raises = {}, sees = {}, source = source }
  for _, tag in ipairs(tags) do
    if tag.name == "function" or tag.name == "classmod" or tag.name == "module" then
      name_entry(entry, tag.name, tag.text)
    elseif readers[tag.name] then readers[tag.name](entry, tag)
    else error(("%s: unknown tag @%s"):format(source, tag.name)) end
  end
  if not entry.kind and module then
    local member = (block.follows or ""):match "^function %w+%.([%w_]+)"
    if member then name_entry(entry, "function", module .. "." .. member) end
  end
  return entry.kind and entry
end

--- The entries of a file, in their order. Docstrings of internal functions have no name and are skipped.
function docstrings.of(path)
  local file <close> = assert(io.open(path))
  local contents = file:read "a"
  local entries, module = {}, nil
  for _, block in ipairs((path:find "%.lua$" and lua_blocks or c_blocks)(contents)) do
    local entry = read_block(block, module, path)
    if entry then
      entries[#entries + 1] = entry
      if entry.kind == "module" then module = entry.name end
    end
  end
  return entries
end

return docstrings
