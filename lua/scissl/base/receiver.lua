--- Wrong receivers of methods that are written in Lua: `stream.read()` for `stream:read()`, or an object of another
-- class. They are a "bad argument", as in the methods written in C.
-- @module scissl.base.receiver

local options = require "scissl.base.option_table"

local receiver = {}

--- Raises where `value` is not of the class: for the first line of a method that is too hot for `guard`, behind a
-- comparison of metatables.
-- @param value
-- @tparam string class its `__name`; objects of derived classes have the same
-- @tparam string name the method's
-- @tparam[opt=1] integer level whom the error points at, as for `error` in the method
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

--- Has all methods and metamethods of a class check their receiver.
-- @tparam table class the metatable of its objects, with a `__name`; it is its own `__index`
-- @tparam[opt] table others names of functions in it that are no methods, or that check for themselves, as keys
-- @treturn table the class
function receiver.guard(class, others)
  for name, method in pairs(class) do
    if type(method) == "function" and not (others and others[name]) then class[name] = guarded(class, name, method) end
  end
  return class
end

return receiver
