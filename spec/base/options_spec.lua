-- Options of functions that are written in Lua: each is read once, so that what was checked is what is used.
local scissl = require "scissl"
local luasec = require "scissl.luasec"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function nothing() end

-- Returns a table that has `values` by its metamethods, each the first time that it is read; and how often each was.
local function shifty(values)
  local reads = {}
  local function read(_, name)
    reads[name] = (reads[name] or 0) + 1
    if reads[name] > 1 then return { "read again" } end
    return values[name]
  end
  return setmetatable({}, { __index = read, __pairs = function() return next, values end }), reads
end

local function with(more, others)
  for name, value in pairs(others) do more[name] = value end
  return more
end

local function of_stream(waiter)
  return { timeout = 5, maxLine = 100, maxBuffer = 100000, waiter = waiter }
end

local of_listener = { host = "127.0.0.1", port = 0, certificate = pki.server.certificateFile,
  privateKey = pki.server.keyFile }

-- Calls connect(port) while `listener` accepts a connection.
local function meet(connect)
  local listener = assert(scissl.listen(with({ waiter = "coroutine" }, of_listener)))
  local _, port = listener:getSockName()
  local results = ends.run(function() return connect(port) end, function() return listener:accept() end)
  listener:close()
  return table.unpack(results[1], 1, results[1].n)
end

-- Functions, the options that each gets, and a call that has to succeed.
local calls = {
  ["scissl.sessions.memory.new"] = { { max = 2, perKey = 1 }, scissl.sessions.memory.new },
  ["scissl.sessions.redis.new"] = { { secret = { ("s"):rep(32), ("t"):rep(32) }, host = "127.0.0.1", port = 1,
    timeout = 1, retry = 1, maxRetry = 2, rotation = 100, refresh = 5, sessionTimeout = 100, prefix = "x",
    onOutage = nothing, clock = os.time }, scissl.sessions.redis.new },
  ["scissl.scheduler.new"] = { { poller = "poll", onError = nothing }, scissl.scheduler.new },
  ["scissl.sni.new"] = { { others = true }, function(given) return scissl.sni.new({}, given) end },
  ["scissl.SciSslSocketConfiguration.new"] = { { alpn = { "h2" }, caFile = "x", verifyDepth = 3,
    certificates = { { certificate = "x", privateKey = "y" } }, pskServer = { name = "key" } },
    scissl.SciSslSocketConfiguration.new },
  ["scissl.wait.on"] = { { timeout = 1, waiter = "poll", deadline = math.huge }, function(given)
    return scissl.wait.on(scissl.SciSocket.pair(), "w", given)
  end },
  ["scissl.plain.on"] = { of_stream "poll", function(given)
    return scissl.plain.on(scissl.SciSocket.pair(), given)
  end },
  ["scissl.plain.connect"] = { with({ host = "127.0.0.1" }, of_stream "poll"), function(given, values)
    local listener <close>, port = ends.listener()
    values.port = port
    return listener and scissl.plain.connect(given)
  end },
  ["scissl.stream"] = { with({ onSession = nothing }, of_stream "poll"), function(given)
    return scissl.stream(ends.connected(), given)
  end },
  ["scissl.handshake"] = { { timeout = 5, deadline = math.huge, waiter = "coroutine", onVerify = nothing },
    function(given)
      local client, server = ends.pair { transport = "pair" }
      return ends.run(function() return scissl.handshake(client, "connect", given) end,
        function() return scissl.handshake(server, "accept", { waiter = "coroutine" }) end)[1][1]
    end },
  ["scissl.listen"] = { with(of_stream "poll", with({ backlog = 5, reusePort = true, alpn = { "h2" } }, of_listener)),
    scissl.listen },
  ["scissl.connect"] = { with({ host = "localhost", verifyHost = { "localhost" }, serverName = "localhost",
    ca = pki.ca.certificate, alpn = { "h2" }, commands = { { "MaxProtocol", "TLSv1.3" } }, verify = true,
    sessions = scissl.sessions.memory.new() }, of_stream "coroutine"), function(given, values)
    return meet(function(port)
      values.port = port
      return scissl.connect(given)
    end)
  end },
  ["SciSslStream:startTls"] = { { host = "localhost", ca = pki.ca.certificate, verify = true }, function(given)
    return meet(function(port)
      local stream = assert(scissl.plain.connect { host = "127.0.0.1", port = port, waiter = "coroutine" })
      return stream:startTls(given)
    end)
  end },
  ["scissl.luasec.newcontext"] = { { mode = "server", protocol = "any", key = pki.server.keyFile,
    certificate = pki.server.certificateFile, cafile = pki.ca.certificateFile, verify = { "peer" }, alpn = nothing,
    psk = nothing, dhparam = nothing, verifyhost = "x", curve = "P-256", depth = 3 }, luasec.newcontext },
  ["scissl.try"] = { { version = "TLSv1.2", alpn = { "h2" }, step = "message", certificate = "good" }, scissl.try },
}

describe("Each option is read once by", function()
  for name, call in pairs(calls) do
    it(name, function()
      local values, act = call[1], call[2]
      local given, reads = shifty(values)
      assert.truthy(act(given, values))
      for option in pairs(values) do assert.equal(1, reads[option], option) end
    end)
  end
end)

describe("A list among the options is the function's own:", function()
  it("it stays as it was when the caller changes theirs", function()
    local names = { "h2" }
    local configuration = scissl.SciSslSocketConfiguration.new { alpn = names }
    names[1] = 5
    assert.same({ "h2" }, configuration:alpn())
  end)

  it("what metamethods return the second time is not used", function()
    local looks = 0
    local names = setmetatable({}, { __pairs = function()
      looks = looks + 1
      return next, looks == 1 and { "h2" } or { {} }
    end })
    local configuration = scissl.SciSslSocketConfiguration.new():alpn(names)
    assert.same({ "h2" }, configuration:alpn())
    assert.truthy(configuration:getSciSslContext())
  end)
end)
