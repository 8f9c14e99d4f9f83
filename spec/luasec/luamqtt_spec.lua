-- luamqtt, whole, at Mosquitto: with ours and with the real LuaSec it prints the same.
local mosquitto = require "spec.support.mosquitto"
local others = require "spec.support.others_programs"

local program_it, installed = others.it(it, pending, "mqtt")

-- Its loop waits for each client in turn. It loses what it has of a packet when a wait ends: TIMEOUT is long where the
-- packets are.
local prologue = [[
local mqtt = require "mqtt"
local loop = require "mqtt.ioloop".create { timeout = TIMEOUT }
local function make(name, given)
  local secure = { mode = "client", protocol = "any", verify = "peer", cafile = ca, options = "all", key = client_key,
    certificate = client_certificate }
  for key, value in pairs(given or {}) do secure[key] = value or nil end
  local client = mqtt.client { uri = "127.0.0.1:" .. PORT, clean = true, id = name, secure = secure,
    will = name == "mortal" and { topic = "wills", payload = "farewell" } or nil }
  -- The alert of a broker that has closed may not be read any more: the system tells of what was sent to it first.
  local function shown(problem)
    return (problem:find "alert" or problem:find "closed$") and "an alert, or closed" or problem
  end
  client:on { error = function(problem) say(name, "error", shown(problem)) end,
    close = function(connection) say(name, "close", connection.close_reason) end,
    connect = function(packet) say(name, "connect", packet.rc) end }
  loop:add(client)
  return client
end
]]

local function values(broker, timeout) return { PORT = broker.port, TIMEOUT = timeout or 30 } end

describe("luamqtt", function()
  if not mosquitto.isThere() then return pending "only sh spec/run.sh all asks Mosquitto" end
  local broker
  setup(function() broker = installed and mosquitto.start() end)
  teardown(function() return broker and broker:stop() end)

  local function same(program, timeout) return others.same(prologue .. program, values(broker, timeout)) end

  for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
    program_it("publishes and receives messages of all lengths, " .. protocol .. " #slow", function()
      local output = same(([[
        local client = make("one", { protocol = %q })
        local sent, total = 0, 0
        local function publish()
          sent = sent + 1
          local size = ({ 0, 1, 1000, 16384, 16385, 100000, 2000000 })[sent]
          if not size then
            client:unsubscribe { topic = "topic/#", callback = function(packet)
              say("unsubscribed", packet.packet_id)
              say(client:disconnect())
            end }
            return
          end
          for qos = 0, 2 do
            assert(client:publish { topic = "topic/" .. qos, payload = ("x"):rep(size), qos = qos })
          end
        end
        client:on("message", function(message)
          say(message.topic, message.qos, #(message.payload or ""), (message.payload or ""):find "^x*$")
          assert(client:acknowledge(message))
          total = total + 1
          if total == 3 * sent then publish() end
        end)
        client:on("connect", function()
          client:subscribe { topic = "topic/#", qos = 0, callback = function(packet)
            say("subscribed", packet.packet_id, packet.rc[1])
            publish()
          end }
        end)
        loop:run_until_clients()
      ]]):format(protocol))
      assert.matches("^one connect 0\nsubscribed 1 0\n", output)
      assert.matches("topic/2 0 2000000 1 2000000\n", output)
      assert.matches("true\n$", output)
    end)
  end

  program_it("serves several clients in turn, with waits that end, and a will #slow", function()
    local output = same([[
      local watching, mortal = make "watching"
      watching:on("message", function(message)
        say(message.topic, message.payload, message.qos)
        if message.payload == "farewell" then
          say(watching:acknowledge(message))
          watching:disconnect()
        end
      end)
      watching:on("connect", function()
        watching:subscribe { topic = "wills", qos = 2, callback = function()
          mortal = make "mortal"
          mortal:on("connect", function()
            mortal:publish { topic = "wills", payload = "alive", qos = 2, callback = function()
              mortal:close_connection "died"
            end }
          end)
        end }
      end)
      loop:run_until_clients()
    ]], 0.02)
    assert.matches("mortal close died\n", output)
    assert.matches("wills farewell 0\n", output)
  end)

  program_it("reports handshakes that fail, and a server that closes #slow", function()
    local output = same([[
      make("another authority", { cafile = other_ca })
      loop:run_until_clients()
      make("no certificate, TLS 1.2", { protocol = "tlsv1_2", key = false, certificate = false })
      loop:run_until_clients()
      make("no certificate, TLS 1.3", { protocol = "tlsv1_3", key = false, certificate = false })
      loop:run_until_clients()
      make("bad parameters", { protocol = "nonsense" })
      loop:run_until_clients()
      local plain = mqtt.client { uri = "127.0.0.1:" .. PORT, clean = true, id = "plain" }
      plain:on { error = function(problem) say("plain", "error", problem) end,
        close = function(connection) say("plain", "close", connection.close_reason) end }
      loop:add(plain)
      loop:run_until_clients()
    ]])
    assert.matches("another authority error failed to open network connection: ssl dohandshake failed\n", output)
    assert.matches("TLS 1.3 error an alert, or closed\n", output)
    assert.matches("invalid protocol", output)
    assert.matches("plain close", output)
  end)

  program_it("notices that the broker ends, and does not find it again #slow", function()
    local printed
    for _, implementation in pairs(others.implementations) do
      local mine <close> = mosquitto.start()
      local given = values(mine)
      given.PID = mine.pid
      local client <close> = others.start(implementation, prologue .. [[
        local client = make "one"
        client:on("connect", function() os.execute("kill " .. PID) end)
        loop:run_until_clients()
        client.first_connect = true
        loop:add(client)
        loop:run_until_clients()
      ]], given)
      local output, how, code = client:finish()
      assert.same({ "exit", 0 }, { how, code }, output)
      assert.matches("^one connect 0\none close connection closed by broker\n.*connection refused\n$", output)
      assert.equal(printed or output, output)
      printed = output
    end
  end)
end)
