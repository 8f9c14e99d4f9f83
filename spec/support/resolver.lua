--- spec/support/resolver.lua: programs in which getaddrinfo knows hosts of its own.
--
--    local resolver = require "spec.support.resolver"
--    resolver.missing()                 nil, or why it cannot be used here
--    resolver.run(source)               runs the Lua program; returns its output. Raises where it does not end with 0
--    peer = resolver.start(source, ready)    as ends.lua
--
-- In such a program, the table `resolver` has fork(), wait(number), exit(code), run(source), awaitBegin(count),
-- awaitEnd(count) and isLoaded(path) (see resolver.c), openGate() lets the look-ups of gate.test go on, and the hosts
-- are
--    never.test         is looked up for ever
--    gate.test          is looked up until the gate is opened
--    nothing.test       is not known
--    again.test         the name service does not reply
--    signals.test       is known where the thread that asks has its signals blocked
--    hundred.test       has the addresses 127.0.1.1 to 127.0.1.100
--    ANYTHING.test      127.0.0.1

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"

local resolver = {}
local folder, why

local function build()
  if folder or why then return folder end
  if not ends.has "cc" then
    why = "no C compiler here"
    return nil
  end
  local place = pki.folder()
  local built <close> = ends.start(("sh -c 'cc -D_GNU_SOURCE -shared -fPIC -o %s/resolver.so spec/support/resolver.c "
    .. "%s -lpthread -ldl && mkfifo %s/gate'"):format(place, shell.luaHeaders, place))
  local output, _, code = built:finish()
  if code == 0 then folder = place else why = "resolver.c cannot be built here: " .. output:match "[^\n]*" end
  return folder
end

function resolver.missing()
  return not build() and why or nil
end

-- The runtime of a sanitizer must be preloaded first, and the wrapper that does it preloads nothing else.
local function sanitizer()
  for line in io.lines "/proc/self/maps" do
    local path = line:match "(/%S*libasan%S*)"
    if path then return path end
  end
end

local prelude = [[
package.cpath = package.cpath .. ";%s/?.so"
local resolver = require "resolver"
function resolver.openGate()
  local gate <close> = assert(io.open("%s/gate", "w"))
  gate:write "!"
end
]]

local function command(source)
  local runtime, place = sanitizer(), build()
  local shim = place .. "/resolver.so"
  local text = ends.luaCommand(prelude:format(place, place) .. source, {
    RESOLVER_GATE = place .. "/gate",
    LD_PRELOAD = runtime and runtime .. " " .. shim or shim,
  })
  if not runtime then return text end
  local plain = shell.lines("PATH=$(echo \"$PATH\" | sed 's|[^:]*/build/asan/bin:||') command -v " .. shell.luaName)[1]
  return (text:gsub("'[^']*lua[^' ]*' ('[^']*')$", "'" .. plain .. "' %1"))
end

function resolver.start(source, ready)
  return ends.start(command(source), ready)
end

function resolver.run(source)
  local peer <close> = resolver.start(source)
  local output, how, code = peer:finish()
  if how ~= "exit" or code ~= 0 then error(("%s %d: %s"):format(how, code, output), 2) end
  return output
end

return resolver
