-- As `tostring`, but never an error: a value that foreign code raised may have a metatable that does anything.
return function(value)
  local good, text = pcall(tostring, value)
  return good and text or ("a %s whose __tostring fails"):format(type(value))
end
