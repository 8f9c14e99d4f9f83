--- LuaSec's ways to name application protocols.
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

--- Writes a list as it goes over the wire.
function alpn.toWire(names)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = ("s1"):pack(name) end
  return table.concat(parts)
end

--- Reads it.
-- @treturn {string,...} empty where it is malformed
function alpn.fromWire(bytes)
  local names, at = {}, 1
  while at <= #bytes do
    if at + bytes:byte(at) > #bytes then return {} end
    names[#names + 1], at = ("s1"):unpack(bytes, at)
  end
  return names
end

-- What a server's function may answer: one name, a list, or nothing.
local function as_list(answer)
  if type(answer) == "string" then answer = { answer } end
  return type(answer) == "table" and alpn.check(answer) or {}
end

--- Chooses one of the names that a client offers: the first of ours that is among them.
-- @tparam table|function ours a list, or a function that gets the offer and returns one
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
