--- spec/fuzz/stubs.lua: what the stubs in lua/scissl/meta say of every function.
--
--    stubs.functions["SciSslSocket:sslWrite"]   { name=, owner=, method=true, parameters = { parameter … } }
--    stubs.fields["scissl.ConnectOptions"]      a list of parameters, too
--        parameter: { name=, types = { "string", … }, words = names that its text quotes }

local stubs = { functions = {}, fields = {} }

local function parse_types(text)
  local types = {}
  for kind in text:gsub("%?$", ""):gmatch "[^|]+" do types[#types + 1] = kind end
  return types
end

local function parse_parameter(line)
  local name, kinds, text = line:match "^([%w_.]+)%?? (%S+) ?(.*)$"
  local words = {}
  for word in text:gmatch "`([%a][%w]*)`" do words[#words + 1] = word end
  return { name = name, types = parse_types(kinds), words = words }
end

local function parse(lines)
  local parameters, fields = {}, nil
  for line in lines do
    local class = line:match "^%-%-%-@class ([%w.]+)"
    if class then
      fields = {}
      stubs.fields[class] = fields
    end
    local field, parameter = line:match "^%-%-%-@field (.*)", line:match "^%-%-%-@param (.*)"
    if field then fields[#fields + 1] = parse_parameter(field) end
    if parameter then parameters[#parameters + 1] = parse_parameter(parameter) end
    local owner, mark, name = line:match "^function ([%w._]-)([.:])([%w_]+)%("
    if owner then
      stubs.functions[owner .. mark .. name] = { name = name, owner = owner, method = mark == ":",
        parameters = parameters }
      parameters = {}
    end
  end
end

for _, class in ipairs(require "scissl.doc.index".stubs) do
  local path = assert(package.searchpath("scissl/meta/" .. class, package.path, "/"))
  parse(io.lines(path))
end

return stubs
