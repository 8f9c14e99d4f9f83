-- LuaSec and scissl.luasec are asked the same, side by side. What is asked stands in tables: a name, and a function
-- that gets an end of a connection (or whatever its table says) and asks it.
local asking = require "spec.support.luasec_compare"
local luasec = require "spec.support.luasec"
local SciSocket = require "scissl.core".SciSocket
local socket = require "socket"

if not luasec.real then
  pending "LuaSec is not installed: nothing has been compared with it"
  return
end

local field, method, said, shown = asking.field, asking.method, asking.said, asking.shown
local connected, kind_of, same = asking.connected, asking.kind_of, asking.same

local function compare(make, questions) asking.all(it, make, questions) end

local v12 = { client = luasec.client { protocol = "tlsv1_2" } }
local v13 = { client = luasec.client { protocol = "tlsv1_3" } }

describe("scissl.luasec says the same as LuaSec: types of", function()
  compare(connected(), {
    { "connections", function(client) return type(client), tostring(client):gsub("0x%x+", "") end },
    { "contexts", function(_, _, ssl)
      local context = ssl.newcontext(luasec.client())
      return type(context), context
    end },
    { "certificates", function(client) return type(client:getpeercertificate()), client:getpeercertificate() end },
    { "their metatables' names", function(client, _, ssl)
      return getmetatable(client).__name, getmetatable(ssl.newcontext(luasec.client())).__name,
        getmetatable(client:getpeercertificate()).__name
    end },
    { "what __index is", function(client) return type(getmetatable(client).__index) end },
    { "the fields of the module", function(_, _, ssl)
      local kinds = {}
      for name, value in pairs(ssl) do
        if name ~= "strict" and name ~= "install" then kinds[name] = type(value) end
      end
      return kinds
    end },
    { "getfd", function(client) return kind_of(client:getfd()) end },
    { "settimeout", function(client) return client:settimeout(1), client:settimeout(), client:settimeout(1, "t") end },
    { "setstats, getstats", function(client)
      client:send "abc"
      local received, sent, age = client:getstats()
      return received, sent, kind_of(age), client:setstats(1, 2, 3), (client:getstats())
    end },
  })
end)

for version, given in pairs { ["TLS 1.2"] = v12, ["TLS 1.3"] = v13 } do
  describe("scissl.luasec says the same as LuaSec #slow, " .. version .. ":", function()
    compare(connected(given), {
      { "info()", function(client) return client:info() end },
      { "info of a server", function(_, server) return server:info() end },
      { "info by field", function(client)
        return client:info "bits", client:info "algbits", client:info "protocol", client:info "cipher",
          client:info "compression", client:info "export", client:info "nothing"
      end },
      { "core.info, core.compression", function(client, _, ssl)
        local core = ssl == luasec.real and require "ssl.core" or require "scissl.luasec.core"
        local text, bits, algorithm_bits, protocol = core.info(client)
        return text, bits, algorithm_bits, protocol, core.compression(client)
      end },
      { "send", function(client)
        return shown { client:send "abc" }, shown { client:send("abc", 2) }, shown { client:send("abc", 3, 2) },
          shown { client:send("abc", -2, -1) }, shown { client:send "" }, client:send(12.5)
      end },
      { "how many values send returns", function(client) return select("#", client:send "x") end },
      { "send with wrong arguments", function(client)
        return method(client, "send"), method(client, "send", nil), method(client, "send", {}),
          method(client, "send", "x", "y"), method(client, "send", "x", 1, {})
      end },
      { "receive with wrong arguments", function(client)
        return method(client, "receive", {}), method(client, "receive", "l"), method(client, "receive", "*x"),
          method(client, "receive", -1), method(client, "receive", 1, {}), method(client, "receive", "a"),
          method(client, "receive", 0 / 0)
      end },
      { "receive of numbers", function(client, server)
        server:send "abcdefghij"
        return client:receive(1), client:receive "2", client:receive(1.9), client:receive(3, "gh"),
          client:receive(0), (client:receive(2, "abc"))
      end },
      { "receive of lines", function(client, server)
        server:send "a\rb\r\n\r\n\nrest\r"
        client:settimeout(0.05)
        return client:receive(), client:receive "*l", client:receive "*line", shown { client:receive() },
          client:receive(1)
      end },
      { "how many values receive returns", function(client, server)
        server:send "a\n"
        client:settimeout(0.05)
        return select("#", client:receive()), (select("#", client:receive(1)))
      end },
      { "receive without waiting", function(client)
        client:settimeout(0)
        client:receive() -- tickets
        return client:receive(10, "prefix")
      end },
      { "receive with a whole time-out of nothing", function(client)
        client:settimeout(nil)
        client:settimeout(0, "t")
        client:receive()
        return client:receive(10, "prefix")
      end },
      { "settimeout with wrong arguments", function(client)
        return method(client, "settimeout", "soon"), method(client, "settimeout", 1, "x"),
          method(client, "settimeout", {}), method(client, "settimeout", 1, {})
      end },
      { "want", function(client)
        local first = client:want()
        client:settimeout(0)
        client:receive()
        client:receive()
        local second = client:want()
        client:send "x"
        return first, second, client:want()
      end },
      { "dirty with a line that is left", function(client, server)
        server:send "a\nb\n"
        local before = client:dirty()
        client:receive()
        local between = client:dirty()
        client:receive()
        return before, between, client:dirty()
      end },
      { "dirty with a record of which a part is left", function(client, server)
        server:send(("x"):rep(8192))
        client:receive(1000)
        return client:dirty(), (#client:receive(7192)), client:dirty()
      end },
      { "what the descriptor shows of two records of which one was received", function(client, server)
        server:send "first"
        server:send "other"
        client:receive(5)
        local readable = SciSocket.poll({ [math.tointeger(client:getfd())] = "r" }, 1)
        return next(readable) ~= nil, client:dirty(), client:receive(5)
      end },
      { "certificates of the peer", function(client, server)
        return client:getpeercertificate(), client:getpeercertificate(1), client:getpeercertificate(2),
          client:getpeercertificate(0), #client:getpeerchain(), server:getpeercertificate()
      end },
      { "certificates with wrong arguments", function(client)
        return method(client, "getpeercertificate", {}), method(client, "getpeercertificate", "x")
      end },
      { "verification of the peer", function(client, server)
        return shown { client:getpeerverification() }, server:getpeerverification()
      end },
      { "getalpn, getsniname", function(client, server)
        return client:getalpn(), server:getalpn(), client:getsniname(), server:getsniname()
      end },
      { "getfinished, getpeerfinished", function(client, server)
        return client:getfinished() == server:getpeerfinished(), client:getpeerfinished() == server:getfinished(),
          #client:getfinished()
      end },
      { "exportkeyingmaterial", function(client, server)
        return client:exportkeyingmaterial("EXPORTER-a", 20) == server:exportkeyingmaterial("EXPORTER-a", 20),
          client:exportkeyingmaterial("EXPORTER-a", 20, "") == server:exportkeyingmaterial("EXPORTER-a", 20, ""),
          #client:exportkeyingmaterial("EXPORTER-a", 33, "c")
      end },
      { "what comes after the peer's close", function(client, server)
        server:send "last words"
        server:close()
        return shown { client:receive "*l" }, shown { client:receive "*l" }, shown { client:receive "*a" },
          shown { client:receive(3) }, client:dirty(), client:want()
      end },
      { "receive of all", function(client, server)
        server:send "all\r\nof it"
        server:close()
        return shown { client:receive "*a" }, client:receive "*a"
      end },
      { "receive of all that came before", function(client, server)
        server:send "line\nthe rest"
        server:close()
        client:receive()
        return client:receive "*a"
      end },
      { "what is left after one's own close", function(client, server)
        server:send "line\nmore"
        client:receive()
        client:close()
        return client:dirty(), shown { client:receive(4) }, shown { client:receive(4) }, client:receive "*a"
      end },
      { "a closed connection", function(client)
        client:close()
        return client:close(), client:getfd(), tostring(client):gsub("0x%x+", ""), shown { client:receive() },
          shown { client:receive(2, "abc") }, shown { client:receive(4, "abc") }, shown { client:receive(0) },
          shown { client:send "x" }, shown { client:send("abc", 3) }, shown { client:send "" }, client:want(),
          client:dirty(), shown { client:info() }, shown { client:getpeerchain() },
          shown { client:getpeerverification() }, kind_of((client:getstats())), client:settimeout(1)
      end },
      { "a second handshake", function(client) return client:dohandshake() end },
      { "sni after the handshake", function(client)
        return select("#", client:sni "later"), method(client, "sni", nil), method(client, "sni", {})
      end },
      { "sni of a server with wrong arguments", function(_, server)
        return method(server, "sni", "x"), method(server, "sni", nil), select("#", server:sni {})
      end },
      { "unsuitable receivers", function(client, _, ssl)
        local context = ssl.newcontext(luasec.client())
        return field(client, "send", nil, "x"), field(client, "receive", {}), field(client, "getfd", "x"),
          field(client, "close", context), field(client, "dohandshake"), field(client, "sni", io.stdout, "x"),
          said(getmetatable(client).__tostring, {})
      end },
    })
  end)
end

describe("scissl.luasec says the same as LuaSec of a handshake #slow", function()
  local function fresh(parameters)
    return function(ssl)
      local near, far = luasec.sockets()
      local made = assert(ssl.wrap(near, parameters or luasec.client()))
      made:settimeout(0)
      return made, far, ssl, near
    end
  end

  compare(fresh(), {
    { "before it", function(client)
      return client:getalpn(), client:getsniname(), client:want(), client:dirty(), shown { client:info() },
        shown { client:receive() }, shown { client:send "x" }, shown { client:getpeerchain() },
        shown { client:getpeerverification() }, shown { client:getfinished() }, tostring(client):gsub("0x%x+", "")
    end },
    { "that waits", function(client)
      return shown { client:dohandshake() }, client:want(), client:dirty(), shown { client:dohandshake() }
    end },
    { "whose peer goes away", function(client, far)
      client:dohandshake()
      far:receive(1)
      far:close()
      client:settimeout(5)
      return client:dohandshake()
    end },
    { "whose peer ends it", function(client, far)
      client:dohandshake()
      far:shutdown "send"
      client:settimeout(5)
      return client:dohandshake()
    end },
    { "whose peer speaks no TLS", function(client, far)
      far:send "HTTP/1.0 400 Bad Request\r\n\r\n"
      client:settimeout(5)
      local done, problem = client:dohandshake()
      return done, problem, client:getfd() >= 0, shown { client:receive() }, shown { client:send "x" }
    end },
    { "in mid-way, then closed", function(client)
      client:dohandshake()
      client:close() -- LuaSec crashes where a closed connection is to shake hands
      return client:receive(), client:getfd()
    end },
    { "of a socket that gave up its descriptor", function(_, _, _, near) return near:getfd() end },
  })

  local function as_server(ssl) return fresh(luasec.server())(ssl) end

  compare(as_server, {
    { "of a server whose peer speaks no TLS, and what that sees", function(server, far)
      far:send "GET / HTTP/1.0\r\n\r\n"
      server:settimeout(5)
      local done, problem = server:dohandshake()
      server:close()
      far:settimeout(5)
      return done, problem, far:receive "*a"
    end },
    { "of a server whose peer sends garbage, and what that sees", function(server, far)
      far:send(("\0"):rep(64))
      server:settimeout(5)
      local done, problem = server:dohandshake()
      server:close()
      far:settimeout(5)
      return done, problem, far:receive "*a"
    end },
    { "of a server whose peer says nothing and goes", function(server, far)
      far:close()
      server:settimeout(5)
      return server:dohandshake()
    end },
  })

  it("over a socket that was never connected", function()
    for _, make in ipairs { socket.tcp, socket.tcp4 } do
      for _, mode in ipairs { "client", "server" } do
        same(function(ssl)
          local parameters = mode == "client" and luasec.client() or luasec.server()
          return ssl.wrap(assert(make()), parameters)
        end, function(made, problem)
          if made then made:settimeout(0) end
          return type(made), problem, shown { made:dohandshake() }
        end)
      end
    end
  end)

  it("over a socket that is closed", function()
    same(function(ssl)
      local near = luasec.sockets()
      near:close()
      return ssl.wrap(near, luasec.client())
    end, function(made, problem) return type(made), problem, made:getfd(), made:dohandshake() end)
  end)

  -- What both ends say, and what they read afterwards.
  local function outcome(_, _, _, run)
    run.client:settimeout(5)
    run.server:settimeout(5)
    local client_says = shown { run.clientAnswer, run.clientProblem }
    local server_says = shown { run.serverAnswer, run.serverProblem }
    local client_reads = run.clientAnswer and shown { run.client:receive() }
    local server_reads = run.serverAnswer and shown { run.server:receive() }
    return client_says, server_says, client_reads, server_reads, run.client:want(), run.server:want(),
      run.client:getfd() >= 0, run.server:getfd() >= 0
  end

  local both = { "peer", "fail_if_no_peer_cert" }
  local outcomes = {
    ["that a client refuses"] = { client = luasec.client { verify = "peer" } },
    ["that a client of TLS 1.2 refuses"] = { client = luasec.client { verify = "peer", protocol = "tlsv1_2" } },
    ["that a server refuses"] = { client = luasec.client { protocol = "tlsv1_2" },
      server = luasec.server { verify = both } },
    ["that a server of TLS 1.3 refuses"] = { client = luasec.client { protocol = "tlsv1_3" },
      server = luasec.server { verify = both } },
    ["without a common version"] = { client = luasec.client { protocol = "tlsv1_2" },
      server = luasec.server { protocol = "tlsv1_3" } },
    ["without a common cipher"] = {
      client = luasec.client { protocol = "tlsv1_2", ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256" },
      server = luasec.server { ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384" } },
    ["without a common group"] = { client = luasec.client { curveslist = "P-521" },
      server = luasec.server { curveslist = "P-384" } },
    ["without a certificate"] = { server = { mode = "server", protocol = "tlsv1_2" } },
    ["with a name that a server does not know"] = { before = function(client, server)
      client:sni "unknown"
      server:sni({}, true)
    end },
    ["with application protocols of which none is common"] = { client = luasec.client { alpn = "a" },
      server = luasec.server { alpn = { "b" } } },
  }
  for name, given in pairs(outcomes) do
    it(name, function()
      given.before = given.before or function() end
      local function make(ssl) return connected(given)(ssl) end
      -- A refused client of TLS 1.3 and a server that reads may see each other's ends in either order.
      same(make, outcome)
    end)
  end
end)
