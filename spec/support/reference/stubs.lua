--- Writes the reference as LuaCATS stubs, which editors, LDoc and `scissl.help` read.
--
--    stubs.files(reference) -> texts by paths

local docstrings = require "spec.support.reference.docstrings"

local stubs = {}

local FOLDER = "lua/scissl/meta/"

local function one_line(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

local function comment(out, text)
  for line in (text .. "\n"):gmatch "(.-)\n" do out[#out + 1] = ("---" .. line):gsub("%s+$", "") end
end

-- ---- results of a function: alternatives as one list of values

local function add_once(list, value)
  for _, item in ipairs(list) do
    if item == value then return end
  end
  list[#list + 1] = value
end

local function alternatives(type) return docstrings.alternatives(type, "(", ")") end

local function join_types(types)
  local kept, optional = {}, false
  for _, type in ipairs(types) do
    if type == "nil" then optional = true else kept[#kept + 1] = type end
  end
  if not kept[1] then return "nil" end
  return table.concat(kept, "|") .. (optional and "?" or "")
end

local function merged(groups)
  local longest, count = 0, 0
  for number, group in pairs(groups) do longest, count = math.max(longest, #group), math.max(count, number) end
  local values = {}
  for position = 1, longest do
    local types, texts = {}, {}
    for number = 1, count do
      local value = groups[number] and groups[number][position]
      for _, type in ipairs(alternatives(value and value.type or "nil")) do add_once(types, type) end
      if value and value.text ~= "" then
        add_once(texts, (value.type == "nil" and "nil " or "") .. one_line(value.text))
      end
    end
    values[position] = { type = join_types(types), text = table.concat(texts, "; ") }
  end
  return values
end

-- ---- one function

local function write_params(out, entry)
  local names = {}
  for i, param in ipairs(entry.params) do
    local optional = (param.optional and param.name ~= "...") and "?" or ""
    local type = join_types(alternatives(param.type))
    local default = param.default and ("(default: %s) "):format(param.default) or ""
    comment(out, ("@param %s%s %s %s%s"):format(param.name, optional, type, default, one_line(param.text)))
    names[i] = param.name
  end
  return table.concat(names, ", ")
end

local function write_function(out, entry, standalone)
  comment(out, entry.text)
  comment(out, "")
  if entry.theme then comment(out, "@within " .. entry.theme) end
  if entry.overload then comment(out, "@overload " .. entry.overload) end
  local arguments = write_params(out, entry)
  for _, value in ipairs(merged(entry.returns)) do
    comment(out, ("@return %s %s"):format(value.type, value.text ~= "" and "# " .. value.text or ""))
  end
  for _, text in ipairs(entry.raises) do comment(out, "@raise " .. one_line(text)) end
  for _, text in ipairs(entry.sees) do comment(out, "@see " .. one_line(text)) end
  if entry.example then comment(out, "@usage\n```lua\n" .. entry.example .. "\n```") end
  local last = entry.class:match "[^%.]+$"
  local name = entry.class:find "^scissl%." and not standalone and entry.class or last
  out[#out + 1] = ("function %s%s%s(%s) end\n"):format(name, entry.separator, entry.member, arguments)
end

-- ---- one class

local function write_table(out, options)
  comment(out, options.text)
  comment(out, "@class " .. options.name)
  for _, field in ipairs(options.fields) do
    comment(out, ("@field %s%s %s %s"):format(field.name, field.needed and "" or "?", field.type, field.text))
  end
  out[#out + 1] = ""
end

local function write_class(out, class)
  comment(out, class.text)
  comment(out, "")
  for _, text in ipairs(class.sees or {}) do comment(out, "@see " .. one_line(text)) end
  comment(out, "@meta " .. class.name)
  comment(out, ("@class %s%s"):format(class.name, class.parent and " : " .. class.parent or ""))
  local name = class.name:match "[^%.]+$"
  out[#out + 1] = ("local %s = {}\n"):format(name)
  for _, options in ipairs(class.tables) do write_table(out, options) end
  for _, entry in ipairs(class.functions) do write_function(out, entry, true) end
  out[#out + 1] = ("return %s"):format(name)
end

local function text_of(out)
  return (table.concat(out, "\n"):gsub("\n+$", "") .. "\n")
end

-- ---- the module: functions, constants, and the classes as its fields

local function is_module_part(class)
  return class.name:find "^scissl%." ~= nil and class.name ~= "scissl.wait"
end

local function write_constants(out, reference)
  for _, group in ipairs(reference.constants) do
    local name = group.title:gsub("%(%d%)", ""):gsub("[^%w]+(%w?)", string.upper):gsub("^%l", string.upper)
    comment(out, ("Constants of OpenSSL: %s."):format(group.title))
    comment(out, "@class scissl." .. name)
    for _, constant in ipairs(group.names) do comment(out, ("@field %s integer"):format(constant)) end
    out[#out + 1] = ""
    group.class = "scissl." .. name
  end
end

local function write_module_fields(out, reference)
  comment(out, "@field _VERSION string `scissl` and the version, with a space between")
  comment(out, "@field features table " .. one_line(reference.modules["scissl.features"].text))
  comment(out, "@field hasCertificateTransparency boolean as `features.certificateTransparency`")
  comment(out, "@field hasKtls boolean as `features.kTLS`")
  for _, class in ipairs(reference.classes) do
    if not class.name:find "^scissl" then comment(out, ("@field %s %s"):format(class.name, class.name)) end
  end
end

-- A sentence for each part of the module.
local function write_parts(out, reference, parts)
  for _, class in ipairs(parts) do
    local entry = reference.modules[class.name]
    local sentence = entry and one_line(entry.text):match "^(.-[%.:])%f[%s%z]"
    if sentence then comment(out, ("* `%s`: %s"):format(class.name, sentence:gsub(":$", "."))) end
  end
  comment(out, "")
end

local function write_module(reference)
  local module, out = reference.byName.scissl, {}
  local parts, constants = {}, {}
  for _, class in ipairs(reference.classes) do
    if is_module_part(class) then
      for _, options in ipairs(class.tables) do table.insert(module.tables, options) end
      parts[#parts + 1] = class
    end
  end
  write_constants(constants, reference)
  comment(out, module.text)
  comment(out, "")
  write_parts(out, reference, parts)
  comment(out, "@meta scissl")
  local parents = {}
  for i, group in ipairs(reference.constants) do parents[i] = group.class end
  comment(out, "@class scissl : " .. table.concat(parents, ", "))
  write_module_fields(out, reference)
  out[#out + 1] = "local scissl = {}\n"
  for _, options in ipairs(module.tables) do write_table(out, options) end
  table.move(constants, 1, #constants, #out + 1, out)
  for _, entry in ipairs(module.functions) do write_function(out, entry) end
  local made = { scissl = true }
  for _, class in ipairs(parts) do
    local above = class.name:match "^(.*)%."
    if not made[above] then out[#out + 1] = above .. " = {}" end
    made[above] = true
    out[#out + 1] = class.name .. " = {}\n"
    for _, entry in ipairs(class.functions) do write_function(out, entry) end
  end
  out[#out + 1] = "return scissl"
  return text_of(out)
end

-- ---- the list of stubs, for scissl.help: Lua cannot list a folder

local function chapters()
  local list = {}
  local pipe <close> = assert(io.popen "LC_ALL=C ls lua/scissl/doc/[0-9]*.md")
  for path in pipe:lines() do
    local file <close> = assert(io.open(path))
    list[#list + 1] = { file = path:match "[^/]+$", title = file:read "l":match "^# (.+)$" }
  end
  return list
end

local function write_index(reference)
  local out = { "-- What the reference has; made by spec/support/reference/generate.lua.", "return {", "  stubs = {" }
  for _, class in ipairs(reference.classes) do
    if not is_module_part(class) then out[#out + 1] = ("    %q,"):format(class.name) end
  end
  out[#out + 1] = "  },\n  chapters = {"
  for _, chapter in ipairs(chapters()) do
    out[#out + 1] = ("    { file = %q, title = %q },"):format(chapter.file, chapter.title)
  end
  out[#out + 1] = "  },\n}\n"
  return table.concat(out, "\n")
end

function stubs.files(reference)
  local files = {
    [FOLDER .. "scissl.lua"] = write_module(reference),
    ["lua/scissl/doc/index.lua"] = write_index(reference),
  }
  for _, class in ipairs(reference.classes) do
    if class.name ~= "scissl" and not is_module_part(class) then
      local out = {}
      write_class(out, class)
      files[FOLDER .. class.name .. ".lua"] = text_of(out)
    end
  end
  return files
end

return stubs
