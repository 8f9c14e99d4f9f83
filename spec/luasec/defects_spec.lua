-- Where LuaSec crashes, stalls or forgets what it meant to say, ours does not.

local core = require "scissl.core"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

local ssl = luasec.ours

local function connect(options)
  options = options or {}
  options.clientSsl, options.serverSsl = ssl, ssl
  return luasec.connect(options)
end

local function collect()
  collectgarbage()
  collectgarbage()
end

describe("LuaSec's users", function()
  it("may drop our own certificate as often as they like", function()
    local context = assert(ssl.newcontext(luasec.server()))
    for _ = 1, 5 do
      local run = connect { server = context }
      for _ = 1, 10 do
        assert.are.equal("commonName", run.server:getlocalcertificate():subject()[1].name)
        assert.are.equal(1, #run.server:getlocalchain())
      end
      collect()
    end
  end)

  it("get an empty chain from a client that has shown none", function()
    local run = connect()
    assert.are.same({}, run.server:getpeerchain())
    assert.is_nil((run.server:getpeercertificate()))
    assert.is_nil((run.server:getpeercertificate(2)))
  end)

  it("may raise errors in functions that a handshake calls", function()
    local function bad() error("the reason", 0) end
    local rsa = pki.issue { subject = "CN=rsa", key = pki.rsaKey() }
    local cases = {
      { client = luasec.client { alpn = "x" }, server = luasec.server { alpn = bad } },
      { client = luasec.client { protocol = "tlsv1_2", psk = function() return "a", "b" end },
        server = luasec.server { key = false, certificate = false, psk = bad } },
      { server = luasec.server { dhparam = bad, key = rsa.keyFile, certificate = rsa.certificateFile },
        client = luasec.client { protocol = "tlsv1_2", ciphers = "DHE-RSA-AES128-GCM-SHA256", curveslist = "P-256" } },
    }
    for _, case in ipairs(cases) do
      local run = connect(case)
      assert.is_false(run.serverAnswer)
      assert.are.equal("the reason", run.serverProblem)
      assert.is_false(run.clientAnswer)
    end
    local run = connect { client = luasec.client { protocol = "tlsv1_2", psk = bad },
      server = luasec.server { key = false, certificate = false, psk = function() return "k" end } }
    assert.are.same({ false, "the reason" }, { run.clientAnswer, run.clientProblem })
    assert.is_false(run.serverAnswer)
    local file = pki.write(pki.server.key:toPem "secret")
    local context, problem = ssl.newcontext(luasec.server { key = file, password = bad })
    assert.is_nil(context)
    assert.are.equal("error loading private key (the reason)", problem)
  end)

  it("may make a context in a coroutine that is gone when its functions are called", function()
    local made = {}
    local thread = coroutine.create(function()
      made.context = assert(ssl.newcontext(luasec.server { alpn = function(offered) return offered[1] end,
        dhparam = function() return nil end }))
    end)
    assert(coroutine.resume(thread))
    thread = nil -- luacheck: ignore
    collect()
    local run = connect { client = luasec.client { alpn = { "a", "b" } }, server = made.context }
    assert.are.equal("a", run.server:getalpn())
  end)

  it("may handshake in coroutines, and yield in what it calls nowhere", function()
    local run
    local thread = coroutine.wrap(function() run = connect { client = luasec.client { alpn = "x" },
      server = luasec.server { alpn = function(offered) return offered[1] end } } end)
    thread()
    assert.are.equal("x", run.client:getalpn())
  end)

  it("are not held up by close where the peer reads nothing", function()
    local run = connect()
    run.client:settimeout(0)
    local block = ("x"):rep(1 << 20)
    repeat local last, problem = run.client:send(block) until not last and problem == "wantwrite"
    run.client:close() -- and the spec goes on
    assert.are.equal(-1, run.client:getfd())
    run = connect()
    run.client:settimeout(0)
    repeat local last, problem = run.client:send(block) until not last and problem == "wantwrite"
    run.client = nil
    collect()
  end)

  it("may close in mid-handshake, after a failed one, and twice", function()
    local near = luasec.sockets()
    local client = assert(ssl.wrap(near, luasec.client()))
    client:settimeout(0)
    assert.are.same({ false, "wantread" }, { client:dohandshake() })
    client:close()
    client:close()
    assert.are.same({ false, "closed" }, { client:dohandshake() })
    local run = connect { client = luasec.client { verify = "peer" } }
    assert.are.same({ false, "certificate verify failed" }, { run.client:dohandshake() })
    run.client:close()
    run.server:close()
    do
      local closing <close> = run.client
      assert.is_not_nil(closing)
    end
  end)

  it("hear that a connection is closed wherever they ask", function()
    local run = connect()
    run.client:close()
    for _, method in ipairs { "getpeerfinished", "getfinished", "getlocalchain", "getlocalcertificate" } do
      assert.are.same({ nil, "closed" }, { run.client[method](run.client) })
    end
    assert.are.same({ nil, "closed" }, { run.client:exportkeyingmaterial("x", 3) })
    assert.is_nil((run.client:getsniname()))
    assert.is_nil((run.client:getalpn()))
    run.client:sni "localhost"
    assert.is_false(run.client:setdane "localhost")
    assert.is_false(run.client:settlsa(3, 1, 1, ("x"):rep(32)))
  end)

  it("hear why a mode is none", function()
    assert.are.same({ nil, "invalid mode (x)" }, { ssl.newcontext { mode = "x", protocol = "any" } })
  end)

  it("hear why a secret cannot be exported", function()
    local run = connect { client = luasec.client { protocol = "tlsv1_2" } }
    assert.are.same({ nil, "error exporting keying material" },
      { run.client:exportkeyingmaterial("client finished", 20) })
  end)

  it("may ask for ssl.config first", function()
    local answer = os.execute(("%s >/dev/null 2>&1"):format(require "spec.support.ends".luaCommand [[
      assert(require "scissl.luasec.config".protocols.tlsv1_3)
      assert(require "scissl.luasec.context".create "any")
    ]]))
    assert.is_true(answer)
  end)

  it("get what was noted, once lsec_ignore_purpose alone asks for it", function()
    local run = connect { client = luasec.client { verify = "none", verifyext = "lsec_ignore_purpose" } }
    assert.are.same({ false, { { "unable to get local issuer certificate" } } },
      { run.client:getpeerverification() })
  end)

  it("lose nothing by a failed operation of another connection", function()
    local good = connect()
    connect { client = luasec.client { verify = "peer" } }
    assert.is_nil((core.SciSslX509Certificate.fromPem "rubbish"))
    good.server:send "fine\n"
    assert.are.equal("fine", (good.client:receive()))
  end)

  it("keep a context alive by its connection alone", function()
    local run
    do run = connect { client = assert(ssl.newcontext(luasec.client())) } end
    collect()
    run.server:send "still here\n"
    assert.are.equal("still here", (run.client:receive()))
  end)

  it("may call a finalizer for anything: it takes objects of its own class alone", function()
    local run = connect()
    local context, certificate = assert(ssl.newcontext(luasec.client())), ssl.loadcertificate(pki.server.certificatePem)
    for _, object in ipairs { run.client, context, certificate } do
      local finalize = getmetatable(object).__gc
      for _, other in ipairs { io.stdout, core.SciSslX509Certificate, run.server, context, certificate, "x", 5 } do
        if getmetatable(other) ~= getmetatable(object) then
          local good, message = pcall(finalize, other)
          assert.is_false(good)
          assert.matches(getmetatable(object).__name .. " expected", message)
        end
      end
      assert.is_false((pcall(finalize)))
    end
    run.server:send "still here\n"
    getmetatable(run.client).__gc(run.client)
    assert.is_nil((run.client:receive()))
  end)

  it("may use a connection in a finalizer that runs after the connection's own", function()
    local results = {}
    local holder = setmetatable({}, { __gc = function(self)
      for _, method in ipairs { "receive", "dirty", "want", "getfd", "dohandshake" } do
        results[method] = { self.connection[method](self.connection) }
      end
      results.send = { self.connection:send "x" }
    end })
    holder.connection = connect().client
    holder = nil -- luacheck: ignore 311
    collect()
    assert.are.same({ nil, "closed", "" }, results.receive)
    assert.are.same({ nil, "closed", 0 }, results.send)
    assert.are.same({ { false }, { -1 } }, { results.dirty, results.getfd })
    assert.is_truthy(results.want[1])
    assert.is_truthy(results.dohandshake)
  end)
end)
