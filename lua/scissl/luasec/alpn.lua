--- Application protocols in LuaSec's forms.
-- @module scissl.luasec.alpn

local alpn = {}

--- Checks a list of names.
-- @tparam table names
-- @treturn[1] {string,...} a copy
-- @treturn[2] nil
-- @treturn[2] ?string why not, in LuaSec's words
function alpn.check(names)
  local checked = {}
  for i, name in ipairs(names) do
    if type(name) ~= "string" then return nil end
    if #name == 0 then return nil, "invalid ALPN name (empty string)" end
    if #name > 255 then return nil, "invalid ALPN name (length > 255)" end
    checked[i] = name
  end
  if #checked == 0 then return nil, "invalid ALPN list (empty)" end
  return checked
end

--- Encodes a list as TLS sends it.
function alpn.toWire(names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = ("s1"):pack(name) end
  return table.concat(parts)
end

--- Decodes such a list.
-- @treturn {string,...} empty where it is malformed
function alpn.fromWire(bytes)
  local names, at = {}, 1
  while at <= #bytes do
    if at + bytes:byte(at) > #bytes then return {} end
    names[#names + 1], at = ("s1"):unpack(bytes, at)
  end
  return names
end

-- A server's function may return one name, a list, or nothing.
local function as_list(names)
  if type(names) == "string" then names = { names } end
  return type(names) == "table" and alpn.check(names) or {}
end

--- Chooses the first of the server's names that the client offers.
-- @tparam table|function ours a list, or a function that gets the offered names and returns one or several
-- @tparam {string,...} offered
-- @treturn ?string nil: none
function alpn.choose(ours, offered)
  local is_offered = {}
  for _, name in ipairs(offered) do is_offered[name] = true end
  if type(ours) == "function" then ours = as_list(ours(offered)) end
  for _, name in ipairs(ours) do
    if is_offered[name] then return name end
  end
  return nil
end

return alpn
