-- The examples of echo servers, each with a thousand connections at a time in its one process.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"
local pki = require "spec.support.pki"

local SANITIZED = os.getenv "SCISSL_RUN" == "sanitized"
local COUNT = SANITIZED and 100 or 1000
local FILES = COUNT + 200 -- what a process needs open

local client = [[
local port, count, ca = ...
count = tonumber(count)
local scissl = require "scissl"
local context = scissl.SciSslContext.new()
assert(context:loadVerifyLocations(ca))
context:setVerify(scissl.SSL_VERIFY_PEER)
local loop = assert(scissl.scheduler.new { onError = function(raised, traceback)
  io.stdout:write("raised: ", tostring(raised), "\n", traceback, "\n")
  os.exit(1, false)
end })
local connected, echoed, begun = 0, 0, 0
local function one(i)
  -- A few handshakes at a time: the server's queue of connections is not endless.
  while begun - connected >= 50 do loop:sleep(0.01) end
  begun = begun + 1
  local stream = assert(scissl.connect { host = "127.0.0.1", port = tonumber(port), context = context, timeout = 240,
    waiter = "coroutine" })
  assert(stream:write("first ", i, "\n"))
  assert(stream:read() == "first " .. i)
  connected = connected + 1
  while connected < count do loop:sleep(0.05) end -- all are connected now, and stay so
  assert(stream:write("second ", i, "\n"))
  assert(stream:read() == "second " .. i)
  echoed = echoed + 1
  while echoed < count do loop:sleep(0.05) end
  stream:close()
end
for i = 1, count do loop:spawn(one, i) end
assert(loop:run())
print(("%d connected, %d echoed"):format(connected, echoed))
]]

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function files_allowed()
  local pipe = assert(io.popen("ulimit -Hn"))
  local limit = pipe:read("l")
  pipe:close()
  return tonumber(limit) or math.huge
end

-- The program in `file`, with as many files open as it needs.
local function program(file, environment, ...)
  local words = { "exec", ends.luaCommand(("arg[0] = nil; return dofile(%q)"):format(file), environment) }
  for _, argument in ipairs { ... } do words[#words + 1] = quoted(tostring(argument)) end
  return "sh -c " .. quoted(("ulimit -n %d; %s"):format(FILES, table.concat(words, " ")))
end

describe(("An echo server with %d connections #slow:"):format(COUNT), function()
  local enough = files_allowed() >= FILES

  local function serves(name, file, environment)
    local server <close> = ends.start(program(file, environment, 0, pki.server.certificateFile, pki.server.keyFile),
      "^listening on %S+ port (%d+)")
    local sh = ("sh -c %s"):format(quoted(("ulimit -n %d; exec %s %d %d %s"):format(FILES,
      ends.luaCommand(client), server.port, COUNT, quoted(pki.ca.certificateFile))))
    local peer <close> = ends.start(sh)
    local output = peer:finish()
    local said = server:stop()
    assert.equal(("%d connected, %d echoed\n"):format(COUNT, COUNT), output, name .. ": " .. said)
  end

  local function promise(name, missing, file, environment)
    if not enough then
      local why = ("the hard limit of open files is %d, and %d are needed"):format(files_allowed(), FILES)
      return pending(("%s (%s)"):format(name, why))
    end
    if missing then return pending(("%s (%s)"):format(name, missing)) end
    it(name, function() serves(name, file, environment) end)
  end

  promise("in one call (examples/echo_server.lua)", nil, "examples/echo_server.lua")
  for _, loop in ipairs(loops.all) do
    promise(("%s (%s)"):format(loop.name, loop.example), loop.missing(), loop.example, loop.environment)
  end
end)
