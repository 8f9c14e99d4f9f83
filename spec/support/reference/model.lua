--- The reference as a value: every public class, function, option and constant, from the docstrings, the tables of
-- options in the sources, and the examples.
--
--    local model = require "spec.support.reference.model"
--    local reference = model.read()      in the project's root; needs scissl.core, for the methods that streams pass on
--
-- reference.classes is a list of { name, text, parent, functions, tables, source }, reference.byName has them by name,
-- and reference.constants is a list of { title, names }. A function is an entry of docstrings.lua, with `theme` and
-- `example`; a table of options is { name, text, fields = list of { name, type, text, needed } }.

local docstrings = require "spec.support.reference.docstrings"
local files = require "spec.support.files"
local shell = require "spec.support.shell"
local examples = require "spec.support.reference.examples"

local model = {}

-- Modules for users. The docstrings of other modules are for maintainers only.
local public = {
  ["scissl"] = true, ["scissl.wait"] = true, ["scissl.plain"] = true, ["scissl.scheduler"] = true,
  ["scissl.signals"] = true, ["scissl.datagram"] = true,
  ["scissl.sni"] = true, ["scissl.help"] = true, ["scissl.luasec"] = true,
  ["scissl.copas"] = true, ["scissl.sessions.memory"] = true, ["scissl.sessions.file"] = true,
  ["scissl.sessions.redis"] = true,
}

local parents = { SciSslSocket = "SciSocket" }

-- Large classes are shown by themes, in this order. A function has the theme of the file in which it is.
local themes = {
  { "Making one, options", "context", "context_options" },
  { "Making one, closing, the memory transport", "sslsocket", "close", "memory_transport" },
  { "The document's protocol", "initialize", "handshake", "result", "shutdown" },
  { "Bytes and event loops", "read", "write", "sendfile" },
  { "The peer", "peer", "verify_errors" },
  { "Settings of one connection", "setup", "dh_params" },
  { "Protocols, ciphers, groups, ALPN", "context_protocols", "context_ciphers", "context_alpn", "alpn" },
  { "Own certificates and keys", "context_certificate", "context_pkcs12", "own_certificate", "context_compression" },
  { "Trust store", "context_trust", "context_trust_uri" },
  { "Verification", "context_verify", "anonymous_cipher" },
  { "Client CA list", "context_client_ca" },
  { "Suspended handshakes", "suspend", "verdict", "switch_context", "init" },
  { "After the handshake", "post_handshake" },
  { "Sessions", "sessions", "context_session_cache", "context_inherit", "session_tickets", "context_tickets" },
  { "Early data", "early_data", "context_early_data" },
  { "Pre-shared keys", "psk", "context_psk" },
  { "Revocation", "context_crl", "ocsp_stapling", "context_ocsp" },
  { "DTLS", "datagram", "dtls_listen" },
  { "Encrypted Client Hello", "ech", "context_ech" },
  { "DANE", "dane" },
  { "Pins and raw public keys", "pins", "context_pins" },
  { "What was negotiated", "negotiated" },
  { "Keying material", "channel_binding" },
  { "Records", "context_records" },
  { "Settings by name", "context_conf", "context_describe" },
  { "Alerts, traces and key logs", "alerts", "trace", "keylog", "context_keylog" },
}
local theme_of_file, rank = {}, { [""] = 0 }
for i, theme in ipairs(themes) do
  rank[theme[1]] = i
  for file = 2, #theme do theme_of_file[theme[file]] = theme[1] end
end
local themed = { SciSslSocket = true, SciSslContext = true }

local SOURCES = "export LC_ALL=C; find csrc -name '*.c' | sort; "
  .. "find lua/scissl -name '*.lua' ! -path '*/meta/*' ! -path '*/doc/*' | sort"

-- ---- options

local kind_types = {
  seconds = "number", count = "integer", depth = "integer", level = "integer", port = "integer|string",
  strings = "string[]", callable = "function", psk = "table", psks = "table", ocspPolicy = "string",
  profile = "string", whenFull = "string", length = "integer", localPort = "integer", mtu = "integer",
  pathMtu = "string", retransmission = "number", keepAlive = "integer", family = "string", library = "SciSslLibrary",
  echRetry = "boolean|string", events = "string", pollable = "any", luvStream = "userdata",
  issuers = "(string|SciSslX509Certificate)[]", commands = "table", identities = "table[]",
  records = "table[]", poller = "SciPoller|table", clientSessions = "table", serverSessions = "table",
}

local function type_of_kind(kind)
  return (kind:gsub("[^|]+", kind_types))
end

local function configuration_kinds()
  local kinds = {}
  for name, kind in pairs(require "scissl.tls.configuration_fields") do kinds[name] = kind end
  return kinds
end

-- Values for the arguments before the options, by name: they let a call reach the check of its options.
local function others()
  local scissl = require "scissl"
  local socket = scissl.SciSslSocket.new(scissl.SciSslContext.new())
  return { role = "connect", handler = print, f = print, socket = socket, target = socket, events = "r" }
end

-- The function with this name in the reference, and its receiver.
local function value_of(entry)
  local scissl = require "scissl"
  if entry.separator == ":" then
    local listen = entry.class == "SciSslDatagramListener" and scissl.datagram.listen or scissl.listen
    local listener = assert(listen { host = "127.0.0.1", port = 0, psk = { somebody = "a secret" } })
    assert(entry.class == "SciSslListener" or entry.class == "SciSslDatagramListener", entry.name)
    return listener[entry.member], listener
  end
  local value = scissl
  for part in entry.name:gsub("^scissl%.", ""):gmatch "[^%.]+" do value = value[part] end
  return value
end

-- The kinds of the options of a function: those that it passes to the one function that checks options. Nil for a
-- function of C.
local function option_kinds(entry)
  if entry.source:find "%.c$" then return nil end
  local value, receiver = value_of(entry)
  local options, kinds = require "scissl.base.option_table", nil
  local read = options.read
  function options.read(_, _, known)
    kinds = kinds or known
    error "enough"
  end
  local arguments, known = { receiver }, others()
  for _, param in ipairs(entry.params) do arguments[#arguments + 1] = known[param.name] or {} end
  pcall(value, table.unpack(arguments))
  options.read = read
  local copy = {}
  for name, kind in pairs(assert(kinds, entry.name)) do copy[name] = kind end
  return copy
end

local function one_line(text)
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- "`a` (needed), `b(x)`: text" -> the names, and the text.
local function read_bullet(bullet)
  local head, text = bullet:match "^(`.-):%s+(.*)$"
  assert(head, "no option in the list of options: " .. bullet)
  local names = {}
  for name, arguments, note in head:gmatch "`([%w_]+)([^`]*)`%s*(%(?%w*%)?)" do
    names[#names + 1] = { name = name, arguments = arguments, note = note:match "^%((%w+)%)$" }
  end
  return names, one_line(text)
end

local function field_of(option, text, kind)
  local call = option.arguments:find "^%(" and ("`%s%s`: "):format(option.name, option.arguments) or ""
  local needed = option.note == "needed"
  local whose = option.note and not needed and ("(%s) "):format(option.note) or ""
  return { name = option.name, type = kind and type_of_kind(kind) or "any", text = whose .. call .. text,
           needed = needed }
end

-- The options of SciSslSocketConfiguration that a call accepts and its docstring does not list.
local function add_shared_options(options, kinds)
  local names = {}
  for name in pairs(configuration_kinds()) do
    if kinds[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local option = { name = name, arguments = "" }
    table.insert(options.fields, field_of(option, "as in SciSslSocketConfiguration", kinds[name]))
    kinds[name] = nil
  end
end

local function capitalized(word)
  return word:sub(1, 1):upper() .. word:sub(2)
end

-- "Connect" for scissl.connect, "PlainConnect" for scissl.plain.connect, "Serve" for SciSslListener:serve.
local function word_for_options(entry)
  if entry.source:find "%.c$" then return entry.class:match "SciSsl(%w+)" .. capitalized(entry.member) end
  if entry.member == "new" then return capitalized(entry.class:match "[^%.]+$") end
  local module = entry.name:match "^scissl%.(%l+)%.%w+$" or entry.name:match "^SciSsl(Datagram)Listener"
  return (module and capitalized(module) or "") .. capitalized(entry.member)
end

-- Moves the list of options from a parameter's text to a table of the reference, and returns the table.
local function read_options(entry, param)
  local head, list = param.text:match "^(.-)\n+(%* .*)$"
  if not list then return nil end
  local kinds = option_kinds(entry)
  local takes_fields = kinds and kinds.configuration ~= nil
  local name = ("scissl.%sOptions"):format(word_for_options(entry))
  local options = { name = name, text = ("Options of `%s`."):format(entry.name), fields = {} }
  for bullet in ("\n" .. list):gsub("\n%* ", "\0"):gmatch "%z([^%z]+)" do
    local names, text = read_bullet(bullet)
    for _, option in ipairs(names) do
      local field = field_of(option, text, kinds and kinds[option.name])
      field.unknown = kinds and not kinds[option.name]
      table.insert(options.fields, field)
      if kinds then kinds[option.name] = nil end
    end
  end
  if entry.name == "scissl.listen" then kinds.ocsp = nil end -- for clients only
  if takes_fields then add_shared_options(options, kinds) end
  options.undocumented = kinds or {}
  param.text = one_line(head:gsub(":$", ""))
  param.type = name
  return options
end

-- ---- made at run time: fields of configurations, and methods that streams pass on

local function add_fields(class)
  local kinds = configuration_kinds()
  for row in class.text:gmatch "\n| (`[^\n]*) |" do
    local names, text = row:match "^(.-) | (.*)$"
    for name in names:gmatch "`(%w+)`" do
      local type = type_of_kind(kinds[name])
      table.insert(class.functions, {
        kind = "function", name = class.name .. ":" .. name, class = class.name, separator = ":", member = name,
        text = ("Reads or sets the field `%s`: %s."):format(name, text:gsub("%.$", "")),
        params = { { name = "value", type = type .. "|nil", optional = true, text = "nil takes it away" } },
        returns = { { { type = "any", text = "without an argument the value; else the configuration" } } },
        overload = ("fun(self:%s):%s|nil"):format(class.name, type),
        raises = { "for a value of another kind" }, sees = {}, source = class.source,
      })
      kinds[name] = nil
    end
  end
  class.undocumented = kinds
  class.text = class.text:gsub("\n|[^\n]*", "")
end

local function add_passed_on(class, from)
  local scissl = require "scissl"
  local socket = assert(scissl.SciSslSocket.onMemory(assert(scissl.SciSslContext.new())))
  local known, names = {}, {}
  for _, entry in ipairs(class.functions) do known[entry.member] = true end
  for name, value in pairs(getmetatable(scissl.stream(socket))) do
    if type(value) == "function" and not known[name] and not name:find "^__" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local origin = from[name]
    if origin then
      local entry = {}
      for key, value in pairs(origin) do entry[key] = value end
      entry.name, entry.class, entry.example = class.name .. ":" .. name, class.name, nil
      entry.text = ("As `%s`. %s"):format(origin.name, origin.text)
      entry.passedOn = true
      table.insert(class.functions, entry)
    end
  end
end

-- ---- constants

local function read_constants()
  local groups = {}
  for line in files.read("csrc/base/constants.c"):match "sci_constants%[%] = (%b{})":gmatch "[^\n]+" do
    local title, name = line:match "/%* (.-) %*/", line:match "^%s*CONSTANT%(([%w_]+)%)"
    if title then groups[#groups + 1] = { title = title, names = {} } end
    if name then table.insert(groups[#groups].names, name) end
  end
  return groups
end

-- ---- the whole

local function class_of(reference, name, source)
  local class = reference.byName[name]
  if not class then
    class = { name = name, text = "", functions = {}, tables = {}, parent = parents[name], source = source }
    reference.byName[name] = class
    table.insert(reference.classes, class)
  end
  return class
end

local function add_function(reference, entry)
  local class = class_of(reference, entry.class, entry.source)
  if themed[class.name] then
    entry.theme = theme_of_file[entry.source:match "([^/]+)%.%w+$"]
    if not entry.theme then error(("%s has functions of %s: name it in `themes`"):format(entry.source, class.name)) end
  end
  for _, param in ipairs(entry.params) do
    local options = param.type == "table" and read_options(entry, param)
    if options then table.insert(class.tables, options) end
  end
  table.insert(class.functions, entry)
end

local function add_entry(reference, entry)
  local name = entry.kind == "function" and entry.class or entry.name
  if not name or name:find "^%l" and not public[name] and entry.kind == "function" then return end
  local internal = name == "SciSslRedisClient" or entry.source:find "/luasec/" and not entry.source:find "/init%.lua$"
  if internal then return end
  if entry.kind == "function" then return add_function(reference, entry) end
  -- A module with one function is described by that function.
  if entry.kind == "module" and not name:find "^scissl$" and name ~= "scissl.wait" then
    reference.modules[name] = entry
    return
  end
  local class = class_of(reference, name, entry.source)
  class.text, class.source, class.sees = entry.text, entry.source, entry.sees
end

local function by_theme(functions)
  local order, groups, sorted = {}, {}, {}
  for _, entry in ipairs(functions) do
    local theme = entry.theme or ""
    if not groups[theme] then
      groups[theme] = {}
      order[#order + 1] = theme
    end
    table.insert(groups[theme], entry)
  end
  table.sort(order, function(a, b) return rank[a] < rank[b] end)
  for _, theme in ipairs(order) do table.move(groups[theme], 1, #groups[theme], #sorted + 1, sorted) end
  return sorted
end

function model.read()
  local reference = { classes = {}, byName = {}, modules = {}, constants = read_constants() }
  for _, path in ipairs(shell.lines(SOURCES)) do
    for _, entry in ipairs(docstrings.of(path)) do add_entry(reference, entry) end
  end
  local found = examples.read()
  for _, class in ipairs(reference.classes) do
    for _, entry in ipairs(class.functions) do entry.example = found[entry.name] end
  end
  add_fields(reference.byName.SciSslSocketConfiguration)
  local socket = {}
  for _, name in ipairs { "SciSocket", "SciSslSocket" } do
    for _, entry in ipairs(reference.byName[name].functions) do socket[entry.member] = entry end
  end
  add_passed_on(reference.byName.SciSslStream, socket)
  for _, class in ipairs(reference.classes) do class.functions = by_theme(class.functions) end
  table.sort(reference.classes, function(a, b) return a.name < b.name end)
  return reference
end

return model
