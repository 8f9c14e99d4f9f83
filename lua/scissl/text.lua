--- What a value says of itself, whatever its metatable does: values that functions of other people have raised.
-- @module scissl.text

--- Returns a text for any value, as `tostring` does, and never raises.
-- @function scissl.text
-- @param value anything
-- @treturn string
return function(value)
  local good, text = pcall(tostring, value)
  return good and text or ("a %s whose __tostring fails"):format(type(value))
end
