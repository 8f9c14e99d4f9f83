--- spec/support/texts.lua: what a text for people must contain.
--
--    local texts = require "spec.support.texts"
--
--    texts.has(text, part, …)      each part is there; a space of a part stands for any white space
--    texts.lacks(text, part)       the part is not there

local assert = require "luassert"

local texts = {}

local function finds(text, part)
  return text:find(part, 1, true) or text:gsub("%s+", " "):find(part, 1, true)
end

function texts.has(text, ...)
  for _, part in ipairs { ... } do
    assert.truthy(text and finds(text, part), tostring(text) .. "\n\ndoes not contain: " .. part)
  end
end

function texts.lacks(text, part)
  assert.falsy(finds(text, part), text .. "\n\ncontains: " .. part)
end

return texts
