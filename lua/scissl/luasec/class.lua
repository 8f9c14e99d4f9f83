--- The classes of LuaSec's objects: full userdata, each with a table for its state.
-- @module scissl.luasec.class

local internal = getmetatable(require "scissl.core")
local options = require "scissl.base.option_table"
local new_object, state_of, make_method = internal.newLuasecObject, internal.luasecState, internal.luasecMethod

local class = {}

--- Makes a class.
-- @tparam string name what `luaL_checkudata` would call it, for error messages
-- @treturn table its metatable; `__index` is an empty table
function class.new(name)
  local made = internal.newLuasecClass(name)
  made.__index = {}
  return made
end

--- Makes an object.
-- @function scissl.luasec.class.object
-- @tparam table metatable
-- @tparam table state
-- @return userdata
class.object = new_object

--- Returns the state of an object; nil for a value that is not of that class.
-- @function scissl.luasec.class.state
-- @param value anything
-- @tparam table metatable
-- @treturn ?table
class.state = state_of

--- Makes functions that get an object first into functions that get its state.
-- @tparam table metatable
-- @tparam table functions by name
-- @tparam[opt] table to where they go; nil: a new table
-- @treturn table
function class.methods(metatable, functions, to)
  to = to or {}
  for name, method in pairs(functions) do to[name] = make_method(metatable, method) end
  return to
end

--- Raises LuaSec's error for an argument, from a function that `methods` has made.
-- @tparam integer index the argument's number, without the object
-- @tparam string method
-- @tparam string problem
-- @tparam[opt=0] integer deeper calls between that function and the caller of this one
function class.complain(index, method, problem, deeper)
  error(("bad argument #%d to '%s' (%s)"):format(index, method, problem), 4 + (deeper or 0))
end

--- Returns an argument as an integer, or raises LuaSec's error.
-- @param value
-- @tparam integer index as for `complain`
-- @tparam string method
-- @tparam[opt=0] integer deeper as for `complain`, where this function is its caller
-- @treturn integer
function class.integer(value, index, method, deeper)
  local number = tonumber(value)
  local kind = options.typeOf(value)
  if not number then class.complain(index, method, ("number expected, got %s"):format(kind), deeper) end
  number = math.tointeger(number)
  if not number then class.complain(index, method, "number has no integer representation", deeper) end
  return number
end

return class
