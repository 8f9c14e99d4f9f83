-- The rows of the table: dofile "rows.lua"(commands, quick) returns a list. Each row has
--
--    name, title    a word for the command line, and what is done
--    metrics        what a cell's command prints, number by number: { unit =, more = true where more is better }
--    cells          commands by column: "scissl", "cqueues" … The first column that has one is ours
--    counted        commands by column, of which callgrind counts the instructions, for so many things (`things`);
--                   without `things` the commands print the instructions of one
--    required       a list of { metric = number of the metric or "instructions", column =, most = or least = }: the
--                   ratio of our figure to that column's; without `column`, our figure itself; with `above` in place
--                   of most and least, how much our figure is above that column's, at most
--    readme         true: README has the first figure
--
-- A command is a list of words. `commands` makes those of programs: lua(file, word, …), node(file, word, …),
-- python(file, word, …), compiled(name, word, …). `quick`: with small counts.

local MIB = 1024 * 1024

return function(commands, quick)
  local lua, node, python, compiled = commands.lua, commands.node, commands.python, commands.compiled
  local rows = {}

  local function add(row) rows[#rows + 1] = row end
  local function size(full, small) return quick and small or full end

  local TIME = { { unit = "µs" } }

  -- Commands by column: make(library) for each column's library.
  local function by_library(libraries, make)
    local cells = {}
    for column, library in pairs(libraries) do cells[column] = make(library) end
    return cells
  end

  -- ---- lines there and back, with many clients

  local TRIPS = size(20000, 5)

  -- Makes the cells and what is counted of a row of line trips.
  local function trips_of(libraries, clients, row)
    local counted = math.max(2000, 2 * clients)
    row.metrics = TIME
    row.cells = by_library(libraries, function(library) return lua("trip.lua", library, clients, TRIPS) end)
    row.counted = by_library(libraries, function(library) return lua("trip.lua", library, clients, counted) end)
    row.things = counted
    add(row)
    return row
  end

  local function trip_row(clients)
    local row = trips_of({
      scissl = "scissl", cqueues = "cqueues", LuaSec = "luasec_copas", ["scissl.luasec"] = "face_copas",
    }, clients, {
      name = "trip" .. clients,
      title = ("a line of 60 bytes there and back, %d clients"):format(clients),
      readme = clients == 100,
      required = {
        { metric = "instructions", column = "cqueues", most = 0.75 },
        { metric = "instructions", column = "LuaSec", most = 0.5 },
        { metric = 1, column = "cqueues", most = 0.85 },
      },
    })
    row.cells.Node = node("peer.js", "trip", clients, TRIPS)
    row.cells.asyncio = python("peer.py", "trip", clients, TRIPS)
  end

  for _, clients in ipairs(quick and { 5 } or { 20, 100, 1000 }) do trip_row(clients) end

  local function loop_row(loop, column, other)
    local libraries = { scissl = "scissl_" .. loop }
    if column then libraries[column] = other end
    trips_of(libraries, size(100, 5), {
      name = "trip_" .. loop,
      title = ("the same with streams of scissl under %s, %d clients"):format(loop, size(100, 5)),
      required = column and {
        { metric = "instructions", column = column, most = 1 }, { metric = 1, column = column, most = 1 },
      },
    })
  end

  loop_row("cqueues", "cqueues", "cqueues")
  loop_row("copas", "LuaSec", "luasec_copas")
  loop_row("luv", "LuaSec", "luasec_luv")

  -- ---- LuaSec's API

  local function luasec_row(way, title, clients)
    trips_of({ ["scissl.luasec"] = "face_" .. way, LuaSec = "luasec_" .. way }, clients, {
      name = "luasec_" .. way,
      title = ("LuaSec's API, %s: a line there and back, %s"):format(title,
        clients == 1 and "1 client" or clients .. " clients"),
      required = {
        { metric = "instructions", column = "LuaSec", most = 1 }, { metric = 1, column = "LuaSec", most = 1 },
      },
    })
  end

  luasec_row("blocking", "blocking", 1)
  luasec_row("select", "a loop with select", size(100, 5))
  luasec_row("copas", "copas", size(100, 5))

  -- ---- one call

  local CALLS = 1000

  local function call_row(work, title, garbage)
    local row = {
      name = "call_" .. work,
      title = title .. ", beside sslWrite and sslRead",
      metrics = { { unit = "bytes allocated" } },
      cells = {}, counted = {}, things = CALLS,
      required = { { metric = "instructions", column = "bare sockets", above = 2500 }, garbage },
    }
    for column, one in pairs { scissl = work, ["bare sockets"] = "sockets" } do
      row.cells[column] = lua("calls.lua", one, size(CALLS, 5))
      row.counted[column] = lua("calls.lua", one, CALLS)
    end
    add(row)
  end

  local no_more = { metric = 1, column = "bare sockets", above = 1 } -- the collector itself allocates now and then
  call_row("write", "stream:write of one string", no_more)
  call_row("line", 'stream:read "l" of what has arrived', no_more)
  call_row("count", "stream:read(60) of what has arrived", no_more)

  -- ---- long transfers

  local function bulk_row(work, title, bytes)
    add {
      name = work,
      title = title,
      readme = work == "lines",
      metrics = { { unit = "ms", factor = 1e-3 } },
      cells = {
        scissl = lua("bulk.lua", "scissl", work, bytes), ["plain C"] = lua("bulk.lua", "plain", work, bytes),
        -- the same in C, with each string made in Lua: no library for Lua can take less
        ["C with strings"] = work ~= "write_all" and lua("bulk.lua", "strings", work, bytes) or nil,
      },
      required = { { metric = 1, column = "plain C", most = 1.1 } },
    }
  end

  bulk_row("lines", "1 GB in lines of 80 bytes, by lines()", size(1000000000 // 80 * 80, 8000))
  bulk_row("read_all", '64 MiB, by read "a"', size(64 * MIB, MIB))
  bulk_row("write_all", "64 MiB, by one write", size(64 * MIB, MIB))

  -- ---- HTTPS

  local servers = {
    scissl = lua "https/https_scissl.lua",
    cqueues = lua "https/https_cqueues.lua",
    LuaSec = lua("https/https_copas.lua", "luasec"),
    ["scissl.luasec"] = lua("https/https_copas.lua", "scissl"),
    Node = node "https/https_node.js",
    asyncio = python "https/https_asyncio.py",
  }
  local loaded, counted = {}, {}
  for column, server in pairs(servers) do
    local how = quick and { "try" } or { "load", 5 }
    table.move(server, 1, #server, #how + 1, how)
    loaded[column] = lua("https/https.lua", table.unpack(how))
    if column ~= "Node" and column ~= "asyncio" then
      counted[column] = lua("https/https.lua", "count", 50, 100, table.unpack(server))
    end
  end
  add {
    name = "https",
    readme = true,
    title = "an HTTPS server of a dozen lines, wrk with 100 connections",
    metrics = {
      { unit = "requests/s", more = true },
      { unit = "µs of the server's processor time for a request" },
      { unit = "part of the time that the server was busy" },
    },
    cells = loaded,
    counted = counted,
    required = {
      { metric = 1, column = "LuaSec", least = 1.3 },
      { metric = 1, column = "cqueues", least = 1.2 },
      { metric = 1, column = "Node", least = 1.8 },
      { metric = 1, ours = "scissl.luasec", column = "LuaSec", least = 1 },
    },
  }

  -- ---- whole connections

  local CONNECTIONS, COUNTED, AT_A_TIME = size(600, 5), 60, size(20, 5)
  local connecting = { scissl = "scissl", cqueues = "cqueues", LuaSec = "luasec" }
  local function connections(count)
    return function(library) return lua("connections.lua", library, AT_A_TIME, count) end
  end
  add {
    name = "connections",
    readme = true,
    title = "connect, a line there and back, close, 20 at a time",
    metrics = TIME,
    cells = by_library(connecting, connections(CONNECTIONS)),
    counted = by_library(connecting, connections(COUNTED)),
    things = COUNTED,
    required = { { metric = "instructions", column = "cqueues", most = 1 } },
  }
  rows[#rows].cells.Node = node("peer.js", "connections", AT_A_TIME, CONNECTIONS)
  rows[#rows].cells.asyncio = python("peer.py", "connections", AT_A_TIME, CONNECTIONS)

  -- ---- memory

  add {
    name = "idle",
    title = "an idle pair of connected ends, with coroutines",
    metrics = { { unit = "bytes" } },
    cells = {
      scissl = lua("idle.lua", "streams", size(500, 5)), ["bare sockets"] = lua("idle.lua", "sockets", size(500, 5)),
    },
    required = { { metric = 1, column = "bare sockets", most = 1.1 } },
  }
  add {
    name = "gone",
    title = "what stays of each of 10,000 pairs that have come and gone",
    metrics = { { unit = "bytes of the process" }, { unit = "bytes of Lua" } },
    cells = { scissl = lua("idle.lua", "gone", size(10000, 20)) },
    rounds = 1,
    required = { { metric = 1, most = 1024 }, { metric = 2, most = 16 } },
  }

  -- ---- sockets, by the programs of the other benchmark

  local function timed(words)
    return { "env", "BENCH_PROCESSOR_TIME=1", table.unpack(words) }
  end

  local function socket_row(name, title, unit, least, ...)
    add {
      name = name,
      title = title,
      metrics = { { unit = unit .. " of processor time", more = true } },
      cells = {
        scissl = timed(lua("../driver.lua", "scissl", ...)), ["plain C"] = timed(compiled("peer", "plain", ...)),
        ["C with strings"] = timed(lua("../driver.lua", "strings", ...)),
      },
      required = { { metric = 1, column = "plain C", least = least } },
    }
  end

  socket_row("write1m", "writes of 1 MiB, sockets alone", "MiB a second", 1, "bulk", "TLSv1.3", size(300, 2), MIB)
  socket_row("resume12", "resumed handshakes of TLS 1.2, sockets alone", "in a second", 0.95, "resume", "TLSv1.2",
    size(800, 5))

  return rows
end
