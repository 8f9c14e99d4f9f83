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

-- A stub has blocks of `---` lines. Each describes a class, a table of options, or the function on the line below.
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

-- The lines "* `scissl.plain`: …" in the text of `scissl` say what a module is for.
local function text_of_modules()
  local texts = {}
  for name, text in table.concat(index.entries.scissl.text, "\n"):gmatch "%* `(scissl%.[%l%.]+)`: ([^\n]*)" do
    texts[name] = text
  end
  return texts
end

-- A module is what stands before the last dot of a function: "scissl.plain" of "scissl.plain.connect".
local function add_modules()
  local texts = text_of_modules()
  for _, entry in ipairs(index.entries.scissl.functions) do
    local name = entry.name:match "^(scissl%.[%l%.]+)%.%w+$"
    if name then
      local module = index.entries[name]
        or { class = name, text = { texts[name] }, parents = "", field = {}, functions = {} }
      if module.class then table.insert(module.functions, entry) end
      index.entries[name] = module
      index.names[name], index.names[name:match "[^%.]+$"] = name, name
      index.modules[name:match "[^%.]+$"] = name
      index.modules[name:gsub("^scissl%.", "")] = name
    end
  end
end

local function add_option(name, owner, type, text)
  index.options[name] = index.options[name] or {}
  table.insert(index.options[name], { owner = owner, type = type, text = text })
  index.names[name] = name
end

-- "Options of `scissl.connect`." begins the text of a table of options.
local function add_table_of_options(entry)
  local owner = table.concat(entry.text, " "):match "^Options of `([^`]+)`"
  for _, field in ipairs(owner and entry.field or {}) do
    local name, type, text = field:match "^([%w_]+)%??%s+(%S+)%s*(.*)$"
    add_option(name, owner, type, text)
  end
end

-- Functions with few options name them in the text of an argument: "`timeout`: seconds; `maxLine`: bytes".
local function add_inline_options(entry)
  for _, param in ipairs(entry.param) do
    local text = param:match "^%S+%s+table%??%s+(.*)$" or ""
    for name in text:gmatch "`(%l%w*)[^`]*`:" do add_option(name, entry.name, "table", text) end
  end
end

local function add_options()
  local names = {}
  for name in pairs(index.entries) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local entry = index.entries[name]
    if entry.call then add_inline_options(entry) else add_table_of_options(entry) end
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
  index = { entries = {}, members = {}, constants = {}, chapters = {}, modules = {}, options = {}, names = {} }
  for _, stub in ipairs(require("scissl.doc.index").stubs) do add_stub(stub) end
  add_constants()
  add_modules()
  add_options()
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
  add_list(out, "Returns", entry["return"], describe_value)
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
  if entry.parents:find "^%a+$" then out[#out + 1] = ("\n  It also has the methods of %s."):format(entry.parents) end
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

local function show_option(name)
  local out = {}
  for _, option in ipairs(index.options[name]) do
    local line = ("%s, an option of %s (%s): %s"):format(name, option.owner, option.type, option.text)
    out[#out + 1] = fold(line, "", "  ")
  end
  return table.concat(out, "\n")
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

-- People also write "SciSslSocket.sslRead" for the method.
local function other_separator(name)
  return (name:gsub("[%.:]([%w_]+)$", ":%1"))
end

local function find(name)
  local entry = index.entries[name] and name or index.entries[other_separator(name)] and other_separator(name)
  if entry then return show { entry } end
  local texts = {}
  if index.modules[name] then texts[1] = show { index.modules[name] } end
  if index.members[name] then texts[#texts + 1] = show(index.members[name]) end
  if index.options[name] then texts[#texts + 1] = show_option(name) end
  if texts[1] then return table.concat(texts, "\n\n") end
  local constant = name:gsub("^scissl%.", "")
  if index.constants[constant] then return show_constant(constant) end
  local chapter = index.chapters[name:lower()]
  return chapter and show_chapter(chapter)
end

local MOST = 12 -- names that are listed

local function names_with(text)
  local names = {}
  if #text < 3 then return names end
  for key, name in pairs(index.names) do
    -- "SciSslSocket:sslRead" says all that "sslRead" says.
    if key:lower():find(text:lower(), 1, true) and not index.members[name] then names[name] = true end
  end
  return names
end

-- The names that contain what was asked for; where there is none, what follows its colon or dot: "listener:serv" begins
-- with a variable of the program.
local function listed(text)
  local found = names_with(text)
  if not next(found) then found = names_with(text:match "[%.:]([%w_]+)$" or "") end
  local names = {}
  for name in pairs(found) do names[#names + 1] = name end
  table.sort(names)
  if #names > MOST then names[MOST + 1] = "…" end
  return table.concat(names, ", ", 1, math.min(#names, MOST + 1))
end

local function nearest(name)
  if require "scissl.repl.explain".knows(name) then
    return ("'%s' is no name of the reference; scissl.explain \"%s\" says what it means"):format(name, name)
  end
  local near, others = options.nearest(name, index.names), listed(name)
  local text = ("nothing has the name '%s'"):format(name)
  if near then text = ("%s; did you mean '%s'?"):format(text, index.names[near]) end
  if others ~= "" then return ("%s%s names that contain it: %s"):format(text, near and "" or ";", others) end
  return near and text or text .. "; see scissl.help()"
end

local function class_of(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and type(meta.__name) == "string" and meta.__name or nil
end

local help = {}

--- Returns what `scissl.help` prints.
-- @function scissl.help.text
-- @param[opt] what as for `scissl.help`
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string that nothing has this name, with the nearest names
function help.text(what)
  load_index()
  if what == nil then return overview() end
  local name = type(what) == "string" and what or class_of(what) or text_of(what)
  local text = find(name)
  if text then return text end
  return nil, nearest(name)
end

--- Prints the reference: what has this name, the chapter with this title, or without an argument a list of everything.
-- For a name that does not exist it prints the nearest names.
-- @function scissl.help
-- @param[opt] what a class (`"SciSslSocket"`), a module (`"scissl.plain"`), a method (`"sslAccept"`), a function
--  (`"scissl.connect"`), an option (`"onError"`), a constant (`"SSL_VERIFY_PEER"`), a chapter (`"getting started"`), or
--  an object, which stands for its class
return setmetatable(help, {
  __call = function(_, what)
    local text, failure = help.text(what)
    print(text or failure)
  end,
})
