--- spec/bench/luasec.lua: bytes, lines and trips a second through LuaSec's API, by scissl.luasec and LuaSec itself.
--
--    LUA_PATH="./?.lua;lua/?.lua;lua/?/init.lua;;" LUA_CPATH="build/?.so;;" lua5.4 spec/bench/luasec.lua [seconds]
--
-- Both ends are in one process and of the same implementation; the time is processor time for both together.

local luasec = require "spec.support.luasec"

local SECONDS = tonumber(arg[1]) or 1

local function connect(ssl)
  local run = luasec.connect { clientSsl = ssl, serverSsl = ssl }
  return run.client, run.server
end

local benches = {
  { "MB/s in blocks of 16 KiB", function(client, server)
    local block = ("x"):rep(16384)
    return function()
      client:send(block)
      server:receive(#block)
      return #block / 1e6
    end
  end },
  { "lines/s of 60 bytes, 200 a send", function(client, server)
    local lines = ("y"):rep(59) .. "\n"
    lines = lines:rep(200)
    return function()
      client:send(lines)
      for _ = 1, 200 do server:receive "*l" end
      return 200
    end
  end },
  { "round trips/s of 100 bytes", function(client, server)
    local text = ("z"):rep(100)
    return function()
      client:send(text)
      server:receive(100)
      server:send(text)
      client:receive(100)
      return 1
    end
  end },
  { "handshakes/s", function(_, _, ssl)
    local client_context = ssl.newcontext(luasec.client())
    local server_context = ssl.newcontext(luasec.server())
    return function()
      local run = luasec.connect { clientSsl = ssl, serverSsl = ssl, client = client_context, server = server_context }
      run.client:close()
      run.server:close()
      return 1
    end
  end },
}

local function measure(make, ssl)
  local client, server = connect(ssl)
  local step = make(client, server, ssl)
  local started, count = os.clock(), 0
  repeat count = count + step() until os.clock() - started >= SECONDS
  return count / (os.clock() - started)
end

for _, bench in ipairs(benches) do
  for name, ssl in luasec.implementations() do
    print(("%-34s %-14s %12.0f"):format(bench[1], name, measure(bench[2], ssl)))
  end
end
