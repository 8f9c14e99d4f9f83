-- pgmoon, whole, at PostgreSQL: with ours and with the real LuaSec it prints the same.
local ends = require "spec.support.ends"
local others = require "spec.support.others_programs"
local pki = require "spec.support.pki"
local postgres = require "spec.support.postgres"

local program_it, installed = others.it(it, pending, "pgmoon")

-- pgmoon looks up the digest of a certificate's signature by the signature's name, which OpenSSL has for RSA alone.
local authority, identity

local function make_identity()
  authority = pki.issue { subject = "CN=RSA", ca = true, issuer = false, key = pki.rsaKey() }
  identity = pki.issue { subject = "CN=localhost", names = { "localhost" }, issuer = authority }
end

local prologue = [[
local pgmoon, ca = require "pgmoon", AUTHORITY
local function connect(given)
  local options = { port = PORT, database = "postgres", user = "scram", password = "secret", ssl = true,
    ssl_required = true, ssl_verify = true, cafile = ca }
  for name, value in pairs(given or {}) do options[name] = value end
  local connection = pgmoon.new(options)
  connection:settimeout(options.timeout or 30000)
  return connection, connection:connect()
end
]]

local function same(program, values)
  values.AUTHORITY = authority.certificateFile
  return others.same(prologue .. program, values)
end

describe("pgmoon", function()
  if postgres.missing() then return pending(postgres.missing()) end
  local server
  setup(function()
    if not installed then return end
    make_identity()
    server = postgres.start { identity = identity }
  end)
  teardown(function() return server and server.stop() end)

  for version, name in pairs { tlsv1_2 = "TLSv1.2", tlsv1_3 = "TLSv1.3" } do
    program_it("authenticates by SCRAM with the channel's binding, " .. name .. " #slow", function()
      local output = same([[
        local connection, done, problem = connect { ssl_version = VERSION }
        say(done, problem)
        local rows = assert(connection:query "select version, cipher from pg_stat_ssl where pid = pg_backend_pid()")
        say(rows[1].version, rows[1].cipher)
        say(connection:disconnect())
      ]], { PORT = server.port, VERSION = version })
      assert.matches("^true nil\n" .. name .. " ", output)
    end)
  end

  program_it("authenticates by other methods #slow", function()
    local output = same([[
      for _, user in ipairs { "md5", "plain", "scram" } do
        for _, password in ipairs { "secret", "wrong" } do
          local connection, done, problem = connect { user = user, password = password }
          say(user, password, done, problem)
          if done then say(connection:query("select current_user")[1].current_user) end
          say(pcall(connection.disconnect, connection))
        end
      end
      local _, done, problem = connect { user = "client", cert = client_certificate, key = client_key }
      say("client", done, problem)
      _, done, problem = connect { user = "client" }
      say("client without a certificate", done, problem)
    ]], { PORT = server.port })
    for _, user in ipairs { "md5", "plain", "scram" } do
      assert.matches(user .. " secret true nil\n" .. user, output)
      assert.is_nil(output:find(user .. " wrong true", 1, true))
    end
    assert.matches("client true nil\nclient without a certificate nil ", output)
  end)

  program_it("moves rows and queries that are longer than a record #slow", function()
    local output = same([[
      local connection = connect()
      for _, size in ipairs { 0, 1, 16383, 16384, 16385, 100000, 3000000 } do
        local row = assert(connection:query(("select repeat('x', %d) as text"):format(size)))[1]
        say(size, row.text == ("x"):rep(size))
        local text = ("y"):rep(size)
        row = assert(connection:query("select length($1) as length, $1 = repeat('y', $2::int) as same", text, size))[1]
        say(row.length, row.same)
        say(assert(connection:query("select length('" .. text .. "') as length"))[1].length)
      end
      local rows = connection:query "select i, repeat(i::text, 20) as text from generate_series(1, 20000) as i"
      local good = #rows == 20000
      for i, row in ipairs(rows) do good = good and row.i == i and row.text == tostring(i):rep(20) end
      say(good)
      say(connection:disconnect())
    ]], { PORT = server.port })
    assert.matches("\n3000000 true\n3000000 true\n3000000\ntrue\n", output)
  end)

  program_it("reports errors and notices, and goes on #slow", function()
    local output = same([[
      local connection = connect()
      say(connection:query "select 1 / 0")
      say(connection:query "nonsense")
      say(connection:query "select 1 as one; select 2 as two")
      local _, _, _, notices = connection:query "do $$ begin raise notice 'noticed'; end $$"
      say(notices and notices[1])
      say(connection:query "listen channel")
      say(connection:query "notify channel, 'payload'")
      say(connection:query("select 3 as three")[1].three)
      say(connection:query "select pg_terminate_backend(pg_backend_pid())")
      say(connection:query "select 4")
      say(pcall(connection.disconnect, connection))
    ]], { PORT = server.port })
    assert.matches("division by zero", output)
    assert.matches("noticed", output)
    assert.matches("\n3\n", output)
  end)

  program_it("ends a wait by its time-out #slow", function()
    local output = same([[
      local connection = connect()
      connection:settimeout(50)
      say(connection:query "select pg_sleep(600)")
      say(connection:query "select pg_sleep(600)")
      say(pcall(connection.disconnect, connection))
    ]], { PORT = server.port })
    assert.equal(("nil receive_message: failed to get type: wantread\n"):rep(2) .. "true\n", output)
  end)

  program_it("rejects a server of another authority, or takes it where it does not verify #slow", function()
    local output = same([[
      local _, done, problem = connect { cafile = other_ca }
      say(done, problem)
      _, done, problem = connect { cafile = "/nowhere" }
      say(done, (problem:gsub("%(.*%)", "")))
      _, done, problem = connect { ssl_version = "nonsense" }
      say(done, problem)
      _, done, problem = connect { cafile = false, ssl_verify = false }
      say(done, problem)
      _, done, problem = connect { luasec_opts = { verify = "peer", cafile = ca, protocol = "tlsv1_3" } }
      say(done, problem)
    ]], { PORT = server.port })
    assert.matches("certificate verify failed", output)
    assert.matches("true nil\ntrue nil\n$", output)
  end)

  program_it("is told by a server that has no TLS #slow", function()
    local plain <close> = postgres.start { identity = identity, settings = { ssl = "off" } }
    local output = same([[
      local _, done, problem = connect()
      say(done, problem)
      local connection
      connection, done, problem = connect { ssl_required = false }
      say(done, problem)
      say(connection:query("select 5 as five")[1].five)
    ]], { PORT = plain.port })
    assert.equal("nil the server does not support SSL connections\ntrue nil\n5\n", output)
  end)

  -- Servers that say yes to TLS, and then something else.
  for what, act in pairs {
    ["ends its side"] = "client:shutdown 'send'",
    ["says nonsense"] = "client:send(('nonsense '):rep(100))",
    ["answers in plain text"] = "client:send 'R\\0\\0\\0\\8\\0\\0\\0\\0'",
  } do
    program_it("fails at a server that " .. what .. " after it agreed to TLS #slow", function()
      local peer <close> = ends.lua(([[
        local socket = require "socket"
        local listener = assert(socket.bind("127.0.0.1", 0))
        io.write(select(2, listener:getsockname()), "\n"):flush()
        while true do
          local client = listener:accept()
          client:receive(8)
          client:send "S"
          client:receive(1)
          %s
          client:receive "*a"
          client:close()
        end
      ]]):format(act), "^(%d+)")
      local output = same("local _, done, problem = connect() say(done, problem)", { PORT = peer.port })
      assert.matches("^nil [%l ]+\n$", output)
    end)
  end

  program_it("takes another name, as LuaSec does, and fails by itself at ECDSA's signatures #slow", function()
    local elsewhere <close> = postgres.start { identity = pki.wrongHost }
    local output = same([[
      say(pcall(connect, { user = "plain", cafile = ANOTHER }))
      say(pcall(connect, { cafile = ANOTHER }))
    ]], { PORT = elsewhere.port, ANOTHER = pki.ca.certificateFile })
    assert.matches("^true .* true\n", output)
    assert.matches("invalid digest type", output)
  end)
end)
