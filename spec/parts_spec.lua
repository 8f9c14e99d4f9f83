-- Structs that many files see are made of parts. The header names beside each part the one file that writes it.

require "scissl.core" -- where it is built with sanitizers, the programs that are started here are kept out of them
local shell = require "spec.support.shell"

-- name -> header. Files in the header's comments are in its room.
local headers = {
  sci_sslsocket = "csrc/connection/sslsocket.h",
  sci_transport = "csrc/transport/transport.h",
  sci_context = "csrc/context/context.h",
  sci_socket = "csrc/net/net.h",
  sci_stream = "csrc/stream/stream.h",
  sci_input = "csrc/stream/stream.h",
  sci_output = "csrc/stream/stream.h",
  sci_link = "csrc/stream/stream.h",
  sci_queue = "csrc/transport/transport.h",
  sci_luasec = "csrc/luasec/luasec.h",
}

local UNARY_BEHIND = { ["("] = true, [","] = true, ["="] = true, ["?"] = true, [":"] = true, ["return"] = true }
local ASSIGNMENTS = {}
for operator in ("= += -= *= /= %= &= |= ^= <<= >>= ++ --"):gmatch "%S+" do ASSIGNMENTS[operator] = true end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- ---- what the headers say

-- struct -> { owners = {field = {file, …}}, types = {field = struct} }
local function read_structs()
  local structs = {}
  for name, header in pairs(headers) do
    local body = read(header):match("typedef struct " .. name .. " {\n(.-)\n} " .. name .. ";")
    local room, struct = header:match "^(.*)/", { owners = {}, types = {} }
    local owner = body:match "^ +/%* ([%w_]+%.c) writes all"
    local function own(field, comment)
      local files = { owner and room .. "/" .. owner }
      for file in (comment:match "^[%w_., /]+%.c" or ""):gmatch "[%w_/]+%.c" do
        files[#files + 1] = (file:find "/" and "csrc" or room) .. "/" .. file
      end
      struct.owners[field] = files
    end
    body = body:gsub("\n?    struct { */%* (.-) ?%*/(.-)\n    } ([%w_]+);[^\n]*", function(comment, _, part)
      own(part, comment)
      return ""
    end)
    for declaration, comment in body:gmatch "\n?    (%w[^\n;]+);( */?%*?[^\n]*)" do
      local struct_type, pointer = declaration:match "(sci_%w+)( ?%*?)"
      for field in declaration:gsub("%[.-%]", ""):gmatch "([%w_]+)%f[,\0]" do
        struct.types[field] = headers[struct_type] and struct_type
        if not headers[struct_type] or pointer:find "%*" then own(field, comment:match "/%* (.*)" or "") end
      end
    end
    structs[name] = struct
  end
  return structs
end

-- ---- what the files do

local function tokens_of(text)
  local tokens, at, file = {}, 1, nil
  local function take(pattern)
    local from, to = text:find("^" .. pattern, at)
    if from then at = to + 1 end
    return from and text:sub(from, to)
  end
  while at <= #text do
    local comment = take "/%*.-%*/"
    file = comment and comment:match "^/%* %-%-%-%- ([%w_]+%.c)" or file -- the section of a header
    local token = not (comment or take "%s+" or take '"[^"\n]-"' or take "#include[^\n]*")
      and (take "[%a_][%w_]*" or take "%->" or take "[<>][<>]=?" or take "%+%+" or take "%-%-" or take "&&"
        or take "[%p]=" or take ".")
    if token then tokens[#tokens + 1] = { text = token, section = file } end
  end
  return tokens
end

local function behind_brackets(tokens, at)
  local depth = 0
  repeat
    local text = tokens[at].text
    if text == "(" or text == "[" then depth = depth + 1 elseif text == ")" or text == "]" then depth = depth - 1 end
    at = at + 1
  until depth == 0
  return at
end

-- What the declaration at `at` says, if there is one: a name, and the struct that it points to.
local function declared_at(tokens, at, structs)
  local struct, star, name = tokens[at].text, tokens[at + 1], tokens[at + 2]
  if structs[struct] and star and star.text == "*" and name and name.text:find "^[%a_]" then
    return name.text, { struct = struct, constant = at > 1 and tokens[at - 1].text == "const" }
  end
end

-- Functions of the headers that return pointers: name -> as declared_at returns it
local function find_functions(paths, structs)
  local functions = {}
  for _, path in ipairs(paths) do
    local tokens = path:find "%.h$" and tokens_of(read(path)) or {}
    for i = 1, #tokens - 3 do
      local name, pointer = declared_at(tokens, i, structs)
      if name and tokens[i + 3].text == "(" then functions[name] = pointer end
    end
  end
  return functions
end

-- Follows `-> field . field [ … ]` from `at` on, where something of type `struct` ends. Returns the place behind it,
-- and the struct and the field of it that are reached: the first that is no such struct itself. nil: another object.
local function follow(tokens, at, struct, structs)
  local field
  while tokens[at] do
    local text = tokens[at].text
    if text == "[" then at = behind_brackets(tokens, at)
    elseif text == "->" or text == "." then
      local inner = field and structs[struct].types[field]
      if inner then struct, field = inner, nil elseif field and text == "->" then return nil end
      field = field or tokens[at + 1].text
      at = at + 2
    else break end
  end
  return at, struct, field
end

-- An assignment, or taking the address where that may be written to.
local function is_written(tokens, first, behind)
  local before, left = tokens[first - 1].text, first > 2 and tokens[first - 2].text
  if before ~= "*" and ASSIGNMENTS[tokens[behind].text] or before == "++" or before == "--" then return true end
  if before ~= "&" or not UNARY_BEHIND[left] then return false end
  return not (left == "=" and tokens[first - 4].text == "*" and tokens[first - 6].text == "const")
end

-- Returns struct and field, where the token at `at` begins such a write.
local function written_at(tokens, at, pointer, structs)
  local before, next_at = at > 1 and tokens[at - 1].text, at + 1
  if pointer.constant or before == "->" or before == "." then return end
  if tokens[next_at].text == "(" then next_at = behind_brackets(tokens, next_at) end
  if tokens[next_at].text ~= "->" then return end
  local behind, struct, field = follow(tokens, next_at, pointer.struct, structs)
  if behind and not structs[struct].types[field] and is_written(tokens, at, behind) then return struct, field end
end

local function each_write(path, structs, functions)
  local tokens = tokens_of(read(path))
  local pointers = setmetatable({}, { __index = functions }) -- those that were declared last
  return coroutine.wrap(function()
    for i = 1, #tokens - 2 do
      local name, declared = declared_at(tokens, i, structs)
      if name then pointers[name] = declared end
      local pointer = pointers[tokens[i].text]
      local struct, field
      if pointer then struct, field = written_at(tokens, i, pointer, structs) end
      local section = tokens[i].section
      if struct then coroutine.yield(struct, field, section and path:match "^.*/" .. section or path) end
    end
  end)
end

local function has(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then return true end
  end
  return false
end

describe("the parts of a struct that many files see", function()
  local structs = read_structs()

  it("name the files that write them", function()
    for name, struct in pairs(structs) do
      assert.is_truthy(next(struct.owners))
      for part, files in pairs(struct.owners) do
        assert.is_true(#files > 0, ("%s.%s names no file"):format(name, part))
        for _, file in ipairs(files) do assert.is_truthy(io.open(file), ("%s.%s: %s"):format(name, part, file)) end
      end
    end
  end)

  it("are written by no other file", function()
    local sources, found, count = shell.lines "find csrc -name '*.[ch]' | LC_ALL=C sort", {}, 0
    local functions = find_functions(sources, structs)
    for _, path in ipairs(sources) do
      for name, part, file in each_write(path, structs, functions) do
        count = count + 1
        local owners = structs[name].owners[part]
        if not (owners and has(owners, file)) then found[#found + 1] = ("%s writes %s.%s"):format(file, name, part) end
      end
    end
    assert.are.same({}, found)
    assert.is_true(count > 150, count .. " writes were found")
  end)
end)
