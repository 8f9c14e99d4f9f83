-- Tables as JSON. Tables with a first element, and empty ones, become arrays. Keys are sorted, so that two reports can
-- be compared.
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(character)
  return escapes[character] or ("\\u%04x"):format(character:byte())
end

local function quoted(text)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", escape) end
  return '"' .. text:gsub('[%c\127"\\]', escape) .. '"'
end

local encode

local function array(list, indent)
  if not list[1] then return "[]" end
  local parts = {}
  for i, value in ipairs(list) do parts[i] = indent .. "  " .. encode(value, indent .. "  ") end
  return "[\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "]"
end

local function object(fields, indent)
  local names, parts = {}, {}
  for name in pairs(fields) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = ("%s  %s: %s"):format(indent, quoted(name), encode(fields[name], indent .. "  "))
  end
  return "{\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. "}"
end

function encode(value, indent)
  if type(value) == "string" then return quoted(value) end
  if type(value) ~= "table" then return tostring(value) end
  local is_array = value[1] ~= nil or next(value) == nil
  return (is_array and array or object)(value, indent)
end

return function(value) return encode(value, "") end
