-- A text for any value, as `tostring` makes it, but never an error: functions of other people raise values whose
-- metatable may do anything.
return function(value)
  local good, text = pcall(tostring, value)
  return good and text or ("a %s whose __tostring fails"):format(type(value))
end
