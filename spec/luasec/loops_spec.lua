-- Event loops that watch the descriptor of LuaSec's connections and know nothing of TLS: one program under each, with
-- ours and with the real LuaSec. In its handshakes servers change their context by the name that is asked for; then it
-- receives line after line of records that came together, without asking `dirty`.

local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

-- Each defines on(descriptor, "r" or "w", callback), which calls back once, and run(), which ends after stop().
local loops = {
  { name = "lua-event", module = "luaevent.core", source = [[
    local event = require "luaevent.core"
    local base, keep, stopped = event.new(), {}, false
    local kinds = { r = event.EV_READ, w = event.EV_WRITE }
    function on(connection, kind, callback) -- it takes the object, and asks it for its descriptor
      local this = {} -- an event is collected unless it is kept
      keep[this] = assert(base:addevent(connection, kinds[kind], function()
        keep[this] = nil
        callback()
        if stopped then base:loopexit(0) end
        return event.LEAVE
      end))
    end
    function stop() stopped = true end
    function run() base:loop() end
  ]] },
  { name = "uv_poll", module = "luv", source = [[
    local uv = require "luv"
    local polls = {}
    function on(connection, kind, callback)
      local descriptor = math.tointeger(connection:getfd())
      polls[descriptor] = polls[descriptor] or assert(uv.new_poll(descriptor))
      polls[descriptor]:start(kind, function(problem)
        assert(not problem, problem)
        polls[descriptor]:stop()
        callback()
      end)
    end
    function forget(descriptor)
      descriptor = math.tointeger(descriptor)
      if not polls[descriptor] then return end
      polls[descriptor]:close()
      polls[descriptor] = nil
    end
    function stop() uv.stop() end
    function run() uv.run() end
  ]] },
  { name = "cqueues.poll", module = "cqueues", source = [[
    local cqueues = require "cqueues"
    local queue, stopped = cqueues.new(), false
    function on(connection, kind, callback)
      local descriptor = math.tointeger(connection:getfd())
      queue:wrap(function()
        cqueues.poll { pollfd = descriptor, events = kind }
        callback()
      end)
    end
    function forget(descriptor) cqueues.cancel(math.tointeger(descriptor)) end
    function stop() stopped = true end
    function run()
      while not stopped do assert(queue:step()) end
    end
  ]] },
  { name = "socket.select", module = "socket", source = [[
    local socket = require "socket"
    local waiting, stopped = { r = {}, w = {} }, false
    local function connections(kind)
      local list = {}
      for connection in pairs(waiting[kind]) do list[#list + 1] = connection end
      return list
    end
    function on(connection, kind, callback) waiting[kind][connection] = callback end
    function stop() stopped = true end
    function run()
      while not stopped do
        local readable, writable = socket.select(connections "r", connections "w")
        for kind, list in pairs { r = readable, w = writable } do
          for _, connection in ipairs(list) do
            local callback = waiting[kind][connection]
            waiting[kind][connection] = nil
            if callback then callback() end
          end
        end
      end
    end
  ]] },
}

local program = [[
local ssl = %s
local socket = require "socket"
local on, run, stop, forget
do
  local _ENV = setmetatable({}, { __index = _G })
  %s
  _G.on, _G.run, _G.stop, _G.forget = on, run, stop, forget
end
on, run, stop, forget = _G.on, _G.run, _G.stop, _G.forget or function() end

local CLIENTS, ROUNDS, LINES = 4, 5, 4
local listener = assert(socket.bind("127.0.0.1", 0))
local _, port = listener:getsockname()
local plain = assert(ssl.newcontext { mode = "server", protocol = "any", key = %q, certificate = %q })
local named = assert(ssl.newcontext { mode = "server", protocol = "any", key = %q, certificate = %q })
local wanted = { wantread = "r", wantwrite = "w" }
local done = 0

local function close(connection)
  forget(connection:getfd())
  connection:close()
end

-- Makes the handshake, then calls on_line for each line.
local function serve(connection, on_secure, on_line)
  connection:settimeout(0)
  local rest, secured = "", false
  local function step()
    if not secured then
      local good, problem = connection:dohandshake()
      if not good then return on(connection, assert(wanted[problem], problem), step) end
      secured = true
      on_secure()
      return on(connection, "r", step)
    end
    local line, problem, part = connection:receive("*l", rest)
    rest = line and "" or part
    if line then
      if on_line(line) then on(connection, "r", step) end
    elseif wanted[problem] then on(connection, wanted[problem], step)
    else close(connection) end
  end
  step()
end

local function accept()
  local connection = assert(ssl.wrap(assert(listener:accept()), plain))
  connection:sni { ["elsewhere.example"] = named }
  serve(connection, function() end, function(line) return assert(connection:send(line .. "\n")) end)
  on(listener, "r", accept)
end
on(listener, "r", accept)

local function common_name(connection)
  for _, field in ipairs(connection:getpeercertificate():subject()) do
    if field.name == "commonName" then return field.value end
  end
end

for client = 1, CLIENTS do
  local connection = assert(ssl.wrap(assert(socket.connect("127.0.0.1", port)),
    { mode = "client", protocol = client > 2 and "tlsv1_2" or "any" }))
  local elsewhere = client %% 2 == 0
  connection:sni(elsewhere and "elsewhere.example" or "localhost")
  local asked, heard = 0, 0
  local function ask()
    for _ = 1, LINES do
      asked = asked + 1
      assert(connection:send(("client %%d line %%d\n"):format(client, asked)))
    end
  end
  serve(connection, function()
    assert(common_name(connection) == (elsewhere and "elsewhere.example" or "localhost"))
    ask()
  end, function(line)
    heard = heard + 1
    assert(line == ("client %%d line %%d"):format(client, heard))
    assert(not connection:dirty())
    if heard < asked then return true end
    if asked < LINES * ROUNDS then
      ask()
      return true
    end
    close(connection)
    done = done + 1
    if done == CLIENTS then stop() end
  end)
end
run()
print(("%%d done"):format(done))
os.exit(0)
]]

local implementations = { { "ours", '(require "scissl.luasec").install()' } }
if luasec.real then implementations[2] = { "the real one", 'require "ssl"' } end

for _, loop in ipairs(loops) do
  describe("LuaSec under " .. loop.name .. ",", function()
    if not package.searchpath(loop.module, package.cpath) and not package.searchpath(loop.module, package.path) then
      return pending(loop.module .. " is not installed")
    end
    for _, one in ipairs(implementations) do
      it(one[1], function()
        local source = program:format(one[2], loop.source, pki.server.keyFile, pki.server.certificateFile,
          pki.wrongHost.keyFile, pki.wrongHost.certificateFile)
        local peer <close> = ends.lua(source, nil, ends.leaking()) -- their libraries keep memory
        local output, how, code = peer:finish()
        assert.are.same({ "4 done\n", "exit", 0 }, { output, how, code })
      end)
    end
  end)
end

if not luasec.real then pending "LuaSec is not installed: the loops have not been run with it" end
