--- The files that a context is made from, and whether they have changed since.
-- @module scissl.tls.context_files

local internal = getmetatable(require "scissl.core")

local context_files = {}

--- Tells DER bytes from a path and from PEM text: no path begins with the two bytes that begin a DER sequence of more
-- than 127 bytes.
-- @tparam string text
-- @treturn boolean
function context_files.isDer(text)
  return text:find("^0[\x81-\x84]") ~= nil
end

--- Tells a path from PEM text, DER bytes and objects.
-- @param value
-- @treturn boolean
function context_files.isPath(value)
  return type(value) == "string" and not value:find("-----BEGIN", 1, true) and not value:find "[\0\n]"
    and not context_files.isDer(value)
end

-- Fields that may hold a path. `keylogFile` is not among them: its file is written, not read.
local path_fields = {
  "caFile", "caPath", "certificate", "certificateChainFilename", "certificateFilename", "crlFile", "pkcs12",
  "privateKey", "privateKeyFilename",
}

local function add_path(paths, path)
  if context_files.isPath(path) then paths[#paths + 1] = path end
end

-- OpenSSL takes a path or a file: URI.
local function add_uri(paths, uri)
  add_path(paths, uri)
  local path = uri:match "^[Ff][Ii][Ll][Ee]:(.*)$"
  if path then add_path(paths, path:match "^//[^/]*(/.*)$" or path) end
end

local function add_default_trust(paths, file, directories)
  add_path(paths, file)
  for directory in directories:gmatch "[^:]+" do add_path(paths, directory) end
end

local function paths_of(values, file, directories)
  local paths = {}
  for _, name in ipairs(path_fields) do add_path(paths, values[name]) end
  for _, identity in ipairs(values.certificates or {}) do
    add_path(paths, identity.certificate)
    add_path(paths, identity.privateKey)
  end
  for _, key in ipairs(values.echKeys or {}) do add_path(paths, key) end
  -- Some commands take paths. The value of any other command names no file, and looking for it is harmless.
  for _, command in pairs(values.commands or {}) do
    add_path(paths, type(command) == "table" and command[2] or command)
  end
  if values.trustUri then add_uri(paths, values.trustUri) end
  if values.defaultTrust then add_default_trust(paths, file, directories) end
  return paths
end

--- Returns a text that changes when one of the files changes.
-- @tparam table values fields of a SciSslSocketConfiguration
-- @tparam[opt] table known keeps the paths from one call to the next; always the same for equal values
-- @treturn string empty where no file is named
function context_files.stampOf(values, known)
  local file, directories
  if values.defaultTrust then file, directories = internal.defaultTrust() end
  local paths = known and known.file == file and known.directories == directories and known.paths
  if not paths then
    paths = paths_of(values, file, directories)
    if known then known.paths, known.file, known.directories = paths, file, directories end
  end
  return paths[1] and internal.stampFiles(paths) or ""
end

return context_files
