--- spec/support/others_programs.lua: runs programs that use modules of others, which use LuaSec: once with
-- scissl.luasec in place of `ssl`, and once with the real LuaSec. Both have to print the same.
--
--    local others = require "spec.support.others_programs"
--
--    it, installed = others.it(it, pending, module, …)   busted's `it` and true; where one of the modules is not
--        installed, its `pending` and false
--    it, installed = others.itWithCopas(it, pending, module, …)   the same; needs copas from release 3 on, too
--    others.same(program[, values])    runs the program, a text; NAME in it is replaced by ("%q"):format(values.NAME).
--        Its prologue has say(…), which prints words without places in sources and in memory, and the paths key,
--        certificate, ca, other_ca, client_key, client_certificate. Returns what it printed.
--    peer <close> = others.start(ssl, program, values, ready)   starts it with one of others.implementations
--    for name, ssl in pairs(others.implementations) do

local assert = require "luassert"
local ends = require "spec.support.ends"
local files = require "spec.support.files"
local luasec = require "spec.support.luasec"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"

local others = {}

local PROLOGUE = [[
package.path = %q
%s
local function say(...)
  local list = table.pack(...)
  for i = 1, list.n do
    list[i] = tostring(list[i]):gsub("/[^ ]*:%%d+: ", ""):gsub("0x%%x+", ""):gsub("ssl/tls alert", "tls alert")
  end
  io.write(table.concat(list, " "), "\n"):flush()
end
local key, certificate, ca, other_ca, client_key, client_certificate = %q, %q, %q, %q, %q, %q
]]

function others.it(it, pending, ...)
  for _, name in ipairs { ... } do
    old_modules.add(name)
    if not package.searchpath(name, package.path) then
      return function(title) return pending(("%s (%s is not installed)"):format(title, name)) end, false
    end
  end
  return it, true
end

function others.itWithCopas(it, pending, ...)
  old_modules.add("copas", "coxpcall")
  local file = old_modules.find "copas"
  if not (file and files.read(file):find("function copas.removethread", 1, true)) then
    return function(title) return pending(title .. " (copas from release 3 on is not installed)") end, false
  end
  return others.it(it, pending, ...)
end

others.implementations = { ours = '(require "scissl.luasec").install()', ["the real one"] = luasec.real and "" }

function others.start(implementation, program, values, ready)
  local source = PROLOGUE:format(package.path, implementation, pki.server.keyFile, pki.server.certificateFile,
    pki.ca.certificateFile, pki.otherCa.certificateFile, pki.client.keyFile, pki.client.certificateFile)
  return ends.lua(source .. program:gsub("%u%u+", function(name)
    local value = values and values[name]
    return value and ("%q"):format(value)
  end), ready)
end

local function run(...)
  local peer <close> = others.start(...)
  local output, how, code = peer:finish()
  assert.same({ "exit", 0 }, { how, code }, output)
  return output
end

function others.same(program, values)
  local implementations = others.implementations
  local output = run(implementations.ours, program, values)
  local real = implementations["the real one"]
  if real then assert.equal(run(real, program, values), output) end
  return output
end

return others
