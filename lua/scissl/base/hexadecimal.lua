--- Writes bytes as lower-case hexadecimal digits.
-- @module scissl.base.hexadecimal

local function digits_of(byte)
  return ("%02x"):format(byte:byte())
end

return function(bytes)
  return (bytes:gsub(".", digits_of))
end
