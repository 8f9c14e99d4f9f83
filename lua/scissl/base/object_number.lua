--- Numbers for objects that have no text of their own, such as functions and keys. A number is never used again; an
-- address may be.
-- @module scissl.base.object_number

local numbers, last_number = setmetatable({}, { __mode = "k" }), 0

--- Returns the number of an object.
-- @function scissl.base.object_number
-- @param object anything but nil
-- @treturn integer
return function(object)
  if not numbers[object] then
    last_number = last_number + 1
    numbers[object] = last_number
  end
  return numbers[object]
end
