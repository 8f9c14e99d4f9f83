-- Alerts that came and went, and the trace of all messages.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("Alerts, " .. version, function()
    it("are told at both ends, in order", function()
      local client, server = ends.pair { version = version, transport = "memory", server = { identity = pki.expired } }
      ends.handshake(client, server)
      assert.are.same({ { name = "certificate_expired", level = "fatal", code = 45 } }, client:alertsSent())
      assert.are.same({ { name = "certificate_expired", level = "fatal", code = 45 } }, server:alertsReceived())
      assert.are.same({}, client:alertsReceived())
    end)

    it("are told where they are warnings, too", function()
      local client, server = ends.memory { version = version }
      client:sslShutdown()
      ends.shuttle(client, server)
      server:sslRead()
      assert.are.same({ { name = "close_notify", level = "warning", code = 0 } }, client:alertsSent())
      assert.are.same({ { name = "close_notify", level = "warning", code = 0 } }, server:alertsReceived())
    end)
  end)

  describe("A trace, " .. version, function()
    local function named(events, kind, direction)
      local names = {}
      for _, event in ipairs(events) do
        if event.kind == kind and event.direction == direction then names[#names + 1] = event.name end
      end
      return names
    end

    it("tells the messages of both directions, once", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      assert.are.equal(client, client:sslTrace(true))
      ends.handshake(client, server)
      local events, lost = client:traceEvents()
      assert.are.equal(0, lost)
      assert.are.equal("ClientHello", named(events, "handshake", "sent")[1])
      assert.are.equal("Finished", named(events, "handshake", "sent")[version == "TLSv1.3" and 2 or 3])
      local received = named(events, "handshake", "received")
      assert.are.equal("ServerHello", received[1])
      assert.are.equal(version == "TLSv1.3" and "EncryptedExtensions" or "Certificate", received[2])
      local hello
      for _, event in ipairs(events) do hello = hello or event.name == "ServerHello" and event end
      assert.is_true(hello.length > 40)
      assert.are.equal("number", type(hello.time))
      assert.truthy(hello.version:find "^TLSv1")
      assert.is_true(#named(events, "state") > 3)
      assert.are.same({}, (client:traceEvents()))
    end)

    it("tells alerts", function()
      local client, server = ends.pair { version = version, transport = "memory", server = { identity = pki.expired } }
      client:sslTrace(true)
      ends.handshake(client, server)
      assert.are.same({ "certificate_expired" }, named((client:traceEvents()), "alert", "sent"))
    end)

    it("keeps 256 events, and counts the others", function()
      local client, server = ends.memory { version = version }
      client:sslTrace(true)
      if version == "TLSv1.2" then return end
      for _ = 1, 300 do
        client:sslKeyUpdate()
        ends.shuttle(client, server)
        server:sslRead()
      end
      local events, lost = client:traceEvents()
      assert.are.equal(256, #events)
      assert.is_true(lost > 0)
    end)

    it("goes on when the context is changed in mid-handshake", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      server:sslTrace(true)
      server:sslSuspendAt "clientHello"
      ends.handshake(client, server)
      server:sslSetContext(ends.serverContext { method = version })
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      local sent = named((server:traceEvents()), "handshake", "sent")
      assert.are.equal("ServerHello", sent[1])
    end)

    it("is silent where nobody has asked, and after it was switched off", function()
      local client, server = ends.pair { version = version, transport = "memory" }
      server:sslTrace(true)
      server:sslTrace(false)
      ends.handshake(client, server)
      assert.are.same({}, (client:traceEvents()))
      assert.are.same({}, (server:traceEvents()))
    end)

    it("needs an initialised socket, and a boolean", function()
      local fresh = ends.pair { version = version, initialize = false }
      refusals.condition("not_initialized", fresh:sslTrace(true))
      assert.error_matches(function() fresh:sslTrace() end, "bad argument #1 to 'sslTrace'")
      fresh:close()
      refusals.condition("closed", fresh:sslTrace(true))
    end)
  end)
end
