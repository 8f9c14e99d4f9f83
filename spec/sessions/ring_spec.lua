-- The ring of ticket keys: that no ticket fails for a rotation, whoever's clock is ahead and whatever the store does.
local scissl = require "scissl"

local ring = require "scissl.sessions.redis.key_ring"

local PERIOD, SESSIONS, REFRESH = 1000, 2000, 100

-- A store on a machine of its own, with an expiry that its own clock keeps.
local function new_store(world)
  local store = { values = {}, away = false }
  local function alive(name)
    local entry = store.values[name]
    return entry and entry.dies > world.time and entry.record
  end
  function store:fetch(name)
    if self.away then return false end
    return true, alive(name) or nil
  end
  function store:announce(name, record, seconds)
    if self.away then return false end
    if alive(name) then return true, false end
    self.values[name] = { record = record, dies = world.time + seconds }
    return true, true
  end
  function store:isAway() return self.away end
  return store
end

local function new_server(world, store, skew)
  local server = { skew = skew or 0, looked = -math.huge }
  server.ring = ring.new {
    store = store, period = PERIOD, sessions = SESSIONS, refresh = REFRESH,
    clock = function() return world.time + server.skew end,
  }
  -- The ring asks the monotonic clock when to look; here the world's time says so.
  function server:keys()
    if world.time - self.looked >= REFRESH or store.away then
      self.ring.due = 0
      self.looked = world.time
    else
      self.ring.due = math.huge
    end
    return self.ring:update()
  end
  return server
end

local function opens(server, ticket)
  for _, key in ipairs((server:keys())) do
    if key == ticket.key then return true end
  end
  return false
end

local function fleet(skews)
  local world = { time = 5000000 }
  local store, servers = new_store(world), {}
  for i, skew in ipairs(skews) do servers[i] = new_server(world, store, skew) end
  return world, store, servers
end

-- Lets time pass in steps; at each, all servers seal a ticket, and all open every ticket that is still good.
local function live(world, servers, seconds, each)
  local tickets, sealing = {}, {}
  for _ = 1, seconds // 50 do
    world.time = world.time + 50
    if each then each(world.time) end
    for _, server in ipairs(servers) do server:keys() end
    for _, server in ipairs(servers) do
      local key = server:keys()[1]
      sealing[key] = true
      tickets[#tickets + 1] = { key = key, made = world.time }
    end
    for i = #tickets, 1, -1 do
      if tickets[i].made + SESSIONS < world.time then table.remove(tickets, i) end
    end
    for _, ticket in ipairs(tickets) do
      for number, server in ipairs(servers) do
        if not opens(server, ticket) then
          return nil, ("server %d at %d cannot open a ticket of %d"):format(number, world.time, ticket.made)
        end
      end
    end
  end
  local count = 0
  for _ in pairs(sealing) do count = count + 1 end
  return count
end

describe("A ring of ticket keys", function()
  it("is the same on all servers that start together", function()
    local _, _, servers = fleet { 0, 0, 0 }
    assert.are.same((servers[1]:keys()), (servers[2]:keys()))
    assert.are.same((servers[1]:keys()), (servers[3]:keys()))
    for _, key in ipairs((servers[1]:keys())) do assert.are.equal(80, #key) end
  end)

  it("rotates without a ticket that fails #slow", function()
    local world, _, servers = fleet { 0, 0, 0 }
    local count = assert(live(world, servers, 10 * PERIOD))
    assert.is_true(count >= 10, "keys that sealed: " .. count)
  end)

  it("does so with clocks that differ by most of a rotation #slow", function()
    local world, _, servers = fleet { 0, 400, -400 }
    assert.is_true(assert(live(world, servers, 10 * PERIOD)) >= 10)
  end)

  it("does so when a server comes later", function()
    local world, store, servers = fleet { 0, 0 }
    assert(live(world, servers, 3 * PERIOD))
    servers[3] = new_server(world, store)
    assert(live(world, servers, 3 * PERIOD))
  end)

  it("outlives a store that is away for a rotation", function()
    local world, store, servers = fleet { 0, 0, 0 }
    servers[1]:keys()
    local began = world.time
    assert(live(world, servers, 6 * PERIOD, function(time)
      store.away = time > began + PERIOD and time < began + 2 * PERIOD
    end))
  end)

  it("is told to a store that has forgotten everything", function()
    local world, store, servers = fleet { 0, 0 }
    local began = world.time
    assert(live(world, servers, 6 * PERIOD, function(time)
      if time == began + 1500 or time == began + 3000 then store.values = {} end
    end))
    local late = new_server(world, store)
    assert.are.equal((servers[1]:keys())[1], (late:keys())[1])
  end)

  it("goes on with keys of each server's own where there never was a store", function()
    local world, store, servers = fleet { 0, 0 }
    store.away = true
    assert(live(world, { servers[1] }, 5 * PERIOD))
    assert.are_not.equal((servers[1]:keys())[1], (servers[2]:keys())[1])
    store.away = false
    for _, server in ipairs(servers) do server.looked = -math.huge end
    servers[1]:keys()
    servers[2]:keys()
    assert.are.equal((servers[1]:keys())[1], (servers[2]:keys())[1])
  end)

  it("keeps its own keys where those in the store are rubbish", function()
    for _, rubbish in ipairs { "", "x", ("x"):rep(500), string.pack(">s1 i8", "short", 0) } do
      local world, store, servers = fleet { 0 }
      function store.fetch() return true, rubbish end
      function store.announce() return true, false end
      assert(live(world, servers, 3 * PERIOD))
      assert.are.equal(80, #(servers[1]:keys())[1])
    end
  end)

  it("never has more keys than a context takes", function()
    local world, store, servers = fleet { 0 }
    local context = assert(scissl.SciSslContext.new())
    local most = 0
    assert(live(world, servers, 12 * PERIOD, function()
      for name, entry in pairs(store.values) do -- another server wins every time
        local changed = string.pack(">s1 i8", scissl.SciSslContext.newTicketKey(), 0)
        if math.random(4) == 1 then store.values[name] = { record = changed, dies = entry.dies } end
      end
      servers[1].looked = -math.huge
      local keys = servers[1]:keys()
      context:setTicketKeys(keys)
      most = math.max(most, #keys)
    end) or 1)
    assert.is_true(most <= 16)
  end)
end)
