--- Where the system trust store is.
-- @module scissl.tls.default_trust

local find = getmetatable(require "scissl.core").defaultTrust

--- Returns where OpenSSL looks for the CAs that it trusts by default, now: in a file and in directories. Environment
-- variables can name others.
-- @function scissl.defaultTrust
-- @treturn table `file` (path), `directories` (list of paths), `fileVariable`, `directoriesVariable` (the names of the
--  environment variables, `SSL_CERT_FILE` and `SSL_CERT_DIR`)
return function()
  local file, directories, file_variable, directories_variable = find()
  local list = {}
  for directory in directories:gmatch "[^:]+" do list[#list + 1] = directory end
  return {
    file = file, directories = list, fileVariable = file_variable, directoriesVariable = directories_variable,
  }
end
