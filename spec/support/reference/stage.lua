-- Runs one program of a chapter, in a folder of its own. Connections to port 8443 and to example.org reach a server on
-- this machine, and a client connects to the server of the program on port 8443. Then the output is compared with the
-- comments (`--> text`).
--    SSL_CERT_FILE=ca.pem lua5.4 ROOT/spec/support/reference/stage.lua ROOT PROGRAM [PREPARATION]
--
-- PREPARATION is a program as well; it may call
--    visit(text, …)     the first client of a server writes this text, the second the next one …; "hello" by default
--    visitor.options    further options for scissl.connect of these clients
-- luacheck: globals visitor visit finish print
local root, program, preparation = arg[1], arg[2], arg[3]

local function absolute(paths)
  return (paths:gsub("[^;]+", function(path) return path:find "^/" and path or root .. "/" .. path end))
end

package.path, package.cpath = absolute(package.path), absolute(package.cpath)

local ends = require "spec.support.ends"
local scissl = require "scissl"
local world = require "spec.support.reference.world"

-- The files that chapter 1 tells its readers to make.
local function furnish()
  local file <close> = assert(io.open(root .. "/lua/scissl/doc/01-getting-started.md"))
  local code = file:read "a":match "## Certificates for tests.-```lua\n(.-)\n```"
  assert(load(code, "=certificates of chapter 1"))()
end

furnish()
local env = world.new() -- for its server only: a program uses nothing but what it makes itself

-- ---- connections to the hosts of the chapters go to our server

local function is_ours(host, port)
  return host:find "%.?example%.%a+$" ~= nil or port == 8443
end

local resolve, connect, connect_plain = scissl.SciSocket.resolve, scissl.SciSslSocket.connect, scissl.SciSocket.connect
local look_up = scissl.SciLookUp.new

function scissl.SciLookUp.new(host, port, family)
  if is_ours(host, port) then host, port = "127.0.0.1", env.port end
  return look_up(host, port, family)
end

function scissl.SciSocket.resolve(host, port, family)
  if is_ours(host, port) then host, port = "127.0.0.1", env.port end
  return resolve(host, port, family)
end

function scissl.SciSslSocket.connect(socket, host, port)
  if is_ours(host, port) then host, port = "127.0.0.1", env.port end
  return connect(socket, host, port)
end

function scissl.SciSocket.connect(socket, host, port)
  if is_ours(host, port) then host, port = "127.0.0.1", env.port end
  return connect_plain(socket, host, port)
end

local has_luasocket, luasocket = pcall(require, "socket")

if has_luasocket then
  local connect_luasocket = luasocket.connect
  function luasocket.connect(host, port)
    if is_ours(host, port) then host, port = "127.0.0.1", env.port end
    return connect_luasocket(host, port)
  end
end

-- ---- a listener gets clients

visitor = { words = { "hello" }, options = "" }

function visit(...)
  visitor.words = { ... }
end

local client = [[
  local scissl = require "scissl"
  for _, word in ipairs { %s } do
    local stream = assert(scissl.connect { host = "localhost", port = %d, caFile = "ca.pem", timeout = 20, %s })
    stream:write(word, "\n")
    print(stream:read "a")
    stream:close()
  end
  print "visited"
]]

local function start_visitors(port)
  local words = {}
  for i, word in ipairs(visitor.words) do words[i] = ("%q"):format(word) end
  local source = client:format(table.concat(words, ", "), port, visitor.options)
  visitor.pipe = assert(io.popen(ends.luaCommand(source) .. " 2>&1"))
end

local function hear_visitors()
  local output = visitor.pipe:read "a"
  if not output:find "visited" then
    io.stderr:write("the visitor: ", output)
    os.exit(1, true)
  end
end

-- After the last client a server would wait for ever: the program ends when it accepts once more.
local function leave()
  hear_visitors()
  finish()
  os.exit(0, true)
end

local listen = scissl.listen

rawset(scissl, "listen", function(given)
  if given.port ~= 8443 then return listen(given) end
  given.port, given.host = 0, "127.0.0.1"
  local listener, failure = listen(given)
  if not listener then return nil, failure end
  local _, port = listener:getSockName()
  start_visitors(port)
  local class, visits = getmetatable(listener), 0
  for _, name in ipairs { "accept", "acceptSocket" } do
    local accept = class[name]
    listener[name] = function(...)
      if visits == #visitor.words then
        if not coroutine.isyieldable() then leave() end
        listener:close() -- `serve` ends when its last connection has ended
      end
      local accepted, err = accept(...)
      if accepted or err:phase() == "accept" then visits = visits + 1 end
      return accepted, err
    end
  end
  return listener
end)

-- ---- the output

local printed, plain_print = {}, print

function print(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  printed[#printed + 1] = table.concat(words, " ")
  plain_print(...)
end

local code = assert(io.open(program)):read "a"

-- Each `--> text` must be printed, in this order; other output may stand between them.
function finish()
  local i = 0
  for text in code:gmatch "%-%-> ([^\n]*)" do
    local pattern = "^" .. text:gsub(" %-%- .*$", ""):gsub("%p", "%%%0"):gsub("…", ".*") .. "%s*$"
    repeat
      i = i + 1
      if not printed[i] then error(("expected %s, got\n%s"):format(text, table.concat(printed, "\n")), 0) end
    until printed[i]:find(pattern)
  end
end

if preparation then assert(load(preparation, "=(preparation)"))() end
assert(load(code, "=" .. program))()
if visitor.pipe then hear_visitors() end
finish()
os.exit(0, true)
