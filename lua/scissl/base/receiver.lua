--- Checks the receiver of methods that are written in Lua: `stream.read()` in place of `stream:read()`, and objects of
-- another class, raise "bad argument" as in the methods written in C.
-- @module scissl.base.receiver

local options = require "scissl.base.option_table"

local receiver = {}

--- Raises where `value` is not of the class. A hot method calls it after it has compared the metatable; all others go
-- through `guard`.
-- @param value
-- @tparam string class its `__name`; objects of derived classes have the same
-- @tparam string name the method's name
-- @tparam[opt=1] integer level the stack level that the error points at, as for `error` in the method
function receiver.check(value, class, name, level)
  local meta = getmetatable(value)
  if type(meta) == "table" and meta.__name == class then return end
  error(("bad argument #1 to '%s' (%s expected, got %s)"):format(name, class, options.typeOf(value)), (level or 1) + 1)
end

local function guarded(class, name, method)
  return function(self, ...)
    if getmetatable(self) ~= class then receiver.check(self, class.__name, name, 2) end
    return method(self, ...)
  end
end

--- Makes all methods and metamethods of a class check their receiver.
-- @tparam table class the metatable of its objects, with a `__name`; it is its own `__index`
-- @tparam[opt] table others as keys, the names of functions that are no methods or check their receiver themselves
-- @treturn table the class
function receiver.guard(class, others)
  for name, method in pairs(class) do
    if type(method) == "function" and not (others and others[name]) then class[name] = guarded(class, name, method) end
  end
  return class
end

return receiver
