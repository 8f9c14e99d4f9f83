--- The reference and the chapters at the prompt.
-- @module scissl.help

local options = require "scissl.base.option_table"
local text_of = require "scissl.base.safe_text"

local WIDTH = 100

-- ---- the files, wherever scissl is installed

local function read_file(name)
  local path = assert(package.searchpath("scissl.repl.help", package.path))
  local file <close> = assert(io.open((path:gsub("repl.help%.lua$", "") .. name)))
  return file:read "a"
end

-- A stub is blocks of `---` lines, each for a class, a table of options, or the function on the line below.
local function read_blocks(text)
  local blocks, lines = {}, {}
  for line in text:gmatch "(.-)\n" do
    local comment = line:match "^%-%-%-(.*)$"
    if comment then lines[#lines + 1] = comment
    elseif lines[1] then
      blocks[#blocks + 1] = { lines = lines, below = line }
      lines = {}
    end
  end
  return blocks
end

-- Splits a block's lines into its text, its tags, and its example.
local function read_block(block)
  local entry = { text = {}, param = {}, ["return"] = {}, raise = {}, see = {}, field = {}, usage = {} }
  local into = entry.text
  for _, line in ipairs(block.lines) do
    local tag, rest = line:match "^@(%w+)%s*(.*)$"
    if tag == "class" then entry.class, entry.parents = rest:match "^([%w_%.]+)[%s:]*(.*)$"
    elseif tag == "usage" then into = entry.usage
    elseif tag then
      if entry[tag] then table.insert(entry[tag], rest) end
    elseif not line:find "^```" then into[#into + 1] = line end
  end
  return entry
end

local function name_of(below, prefix)
  local name, arguments = below:match "^function ([%w_%.:]+)(%b())"
  if name and prefix ~= name:match "^[^%.:]+" then name = name:gsub("^%a+", prefix) end
  return name, arguments
end

-- "(a, b)" with brackets around what may be missing.
local function signature(entry, arguments)
  for _, param in ipairs(entry.param) do
    local name = param:match "^([%w_]+)%?"
    if name then arguments = arguments:gsub("%f[%w_]" .. name .. "%f[^%w_]", "[" .. name .. "]") end
  end
  return arguments
end

-- ---- everything that has a name

local index

local function add(name, entry)
  index.entries[name] = entry
  index.names[name] = name
  local member = name:match "[%.:]([%w_]+)$"
  if member and entry.call then
    index.members[member] = index.members[member] or {}
    table.insert(index.members[member], name)
    index.names[member] = member
  end
end

local function add_stub(stub)
  local class
  for _, block in ipairs(read_blocks(read_file("meta/" .. stub .. ".lua"))) do
    local entry = read_block(block)
    local name, arguments = name_of(block.below, stub)
    if entry.class then
      class = class or entry
      entry.functions = {}
      add(entry.class, entry)
    elseif name then
      entry.call = name .. signature(entry, arguments)
      entry.name = name
      table.insert(class.functions, entry)
      add(name, entry)
    end
  end
end

local function add_constants()
  for name, entry in pairs(index.entries) do
    if name:find "^scissl%.%u" then
      for _, field in ipairs(entry.field) do
        local constant = field:match "^([A-Z]%w*_[%w_]+) integer"
        if constant then
          index.constants[constant] = name
          index.names[constant] = constant
        end
      end
    end
  end
end

local function add_chapters()
  for _, chapter in ipairs(require("scissl.doc.index").chapters) do
    index.chapters[chapter.title:lower()] = chapter
    index.chapters[chapter.file:gsub("^%d+%-", ""):gsub("%.md$", "")] = chapter
    index.names[chapter.title:lower()] = chapter.title
  end
end

local function load_index()
  if index then return end
  index = { entries = {}, members = {}, constants = {}, chapters = {}, names = {} }
  for _, stub in ipairs(require("scissl.doc.index").stubs) do add_stub(stub) end
  add_constants()
  add_chapters()
end

-- ---- as text

local function fold(text, indent, hanging)
  local out, line = {}, indent
  for word in text:gmatch "%S+" do
    if utf8.len(line) + utf8.len(word) + 1 > WIDTH and line:find "%S" then
      out[#out + 1] = line
      line = hanging or indent
    end
    line = line .. (line:find "%S" and " " or "") .. word
  end
  out[#out + 1] = line
  return table.concat(out, "\n")
end

local function add_list(out, title, items, format)
  if not items[1] then return end
  out[#out + 1] = "\n  " .. title
  for _, item in ipairs(items) do out[#out + 1] = fold(format and format(item) or item, "    ", "      ") end
end

local function describe_value(item)
  local type, text = item:match "^(%S+)%s*#?%s*(.*)$"
  return text ~= "" and type .. ": " .. text or type
end

local function describe_named(item)
  local name, type, text = item:match "^(%S+)%s+(%S+)%s*(.*)$"
  return ("%s (%s)%s"):format(name, type, text ~= "" and ": " .. text or "")
end

local function body(out, entry)
  local text = table.concat(entry.text, "\n"):gsub("%s+$", "")
  if text ~= "" then out[#out + 1] = ("\n" .. text):gsub("\n", "\n  "):gsub("\n%s+\n", "\n\n"):sub(2) end
end

local function with_options(out, entry)
  for _, param in ipairs(entry.param) do
    local table_name = param:match "^%S+ (scissl%.%u%w+)"
    if table_name then add_list(out, "Options", index.entries[table_name].field, describe_named) end
  end
end

local function show_function(out, entry)
  out[#out + 1] = entry.call
  body(out, entry)
  add_list(out, "Arguments", entry.param, describe_named)
  with_options(out, entry)
  add_list(out, "Answers", entry["return"], describe_value)
  add_list(out, "Raises", entry.raise)
  add_list(out, "See also", entry.see)
  if entry.usage[1] then out[#out + 1] = "\n  Example\n    " .. table.concat(entry.usage, "\n    ") end
end

local function summary(entry)
  local text = table.concat(entry.text, " ")
  return text:match "^(.-%.)%s" or text
end

local function show_class(out, entry)
  out[#out + 1] = entry.class
  body(out, entry)
  if entry.parents:find "^%a+$" then out[#out + 1] = ("\n  It has the methods of %s, too."):format(entry.parents) end
  if entry.class:find "^scissl%." then add_list(out, "Fields", entry.field, describe_named) end
  if entry.functions[1] then out[#out + 1] = "" end
  for _, member in ipairs(entry.functions) do
    out[#out + 1] = fold(member.call .. ": " .. summary(member), "  ", "      ")
  end
end

local function show_chapter(chapter)
  return (read_file("doc/" .. chapter.file):gsub("<!%-%-.-%-%->\n?", ""):gsub("%s+$", ""))
end

local function show_constant(name)
  local group = index.constants[name]
  return ("scissl.%s = %s\n  %s"):format(name, tostring(require("scissl.core")[name]), summary(index.entries[group]))
end

local function show(names)
  local texts = {}
  for i, name in ipairs(names) do
    local out, entry = {}, index.entries[name]
    if entry.call then show_function(out, entry) else show_class(out, entry) end
    texts[i] = table.concat(out, "\n")
  end
  return table.concat(texts, "\n\n")
end

local function overview()
  local out = { "Chapters: scissl.help \"getting started\"" }
  for _, chapter in ipairs(require("scissl.doc.index").chapters) do out[#out + 1] = "  " .. chapter.title end
  out[#out + 1] = "\nClasses and modules: scissl.help \"SciSslSocket\", scissl.help \"sslAccept\""
  for _, stub in ipairs(require("scissl.doc.index").stubs) do
    out[#out + 1] = fold(stub .. ": " .. summary(index.entries[stub]), "  ", "      ")
  end
  return table.concat(out, "\n")
end

-- ---- finding

-- "SciSslSocket.sslRead" is what a person writes for the method, too.
local function other_separator(name)
  return (name:gsub("[%.:]([%w_]+)$", ":%1"))
end

local function find(name)
  local entry = index.entries[name] and name or index.entries[other_separator(name)] and other_separator(name)
  if entry then return show { entry } end
  if index.members[name] then return show(index.members[name]) end
  local constant = name:gsub("^scissl%.", "")
  if index.constants[constant] then return show_constant(constant) end
  local chapter = index.chapters[name:lower()]
  return chapter and show_chapter(chapter)
end

local function nearest(name)
  local near = options.nearest(name, index.names)
  local answer = ("there is nothing of the name '%s'"):format(name)
  return near and ("%s; did you mean '%s'?"):format(answer, index.names[near]) or answer .. "; see scissl.help()"
end

local function class_of(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and type(meta.__name) == "string" and meta.__name or nil
end

local help = {}

--- Answers what `scissl.help` prints.
-- @function scissl.help.text
-- @param[opt] what as for `scissl.help`
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string that there is nothing of that name, and the nearest there is
function help.text(what)
  load_index()
  if what == nil then return overview() end
  local name = type(what) == "string" and what or class_of(what) or text_of(what)
  local text = find(name)
  if text then return text end
  return nil, nearest(name)
end

--- Prints the reference: without an argument what there is; else what has this name, or the chapter of this title.
-- Names that do not exist are answered with the nearest that does.
-- @function scissl.help
-- @param[opt] what a class (`"SciSslSocket"`), a method (`"sslAccept"`), a function (`"scissl.connect"`), a constant
--  (`"SSL_VERIFY_PEER"`), a chapter (`"getting started"`), or an object, whose class is told of
return setmetatable(help, {
  __call = function(_, what)
    local text, failure = help.text(what)
    print(text or failure)
  end,
})
