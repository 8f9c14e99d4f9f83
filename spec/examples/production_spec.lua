-- examples/production_server.lua as a service manager runs it: loaded, reloaded, watched, stopped.
local scissl = require "scissl"
local examples = require "spec.support.examples"
local files = require "spec.support.files"
local foreign = require "spec.support.foreign"
local pki = require "spec.support.pki"
local texts = require "spec.support.texts"

local LONG, CLIENTS = 60, 200

local function identity(subject)
  return pki.issue { subject = subject, names = { "localhost", "127.0.0.1" } }
end

local old, new = identity "CN=old", identity "CN=new"

local Service = {}
Service.__index = Service

local function start()
  local made = { certificate = pki.write(old.certificatePem), key = pki.write(old.keyPem) }
  local peer = examples.start("production_server.lua", "ports (%d+) and (%d+)", 0, made.certificate, made.key, 0)
  return setmetatable({ peer = peer, files = made, metricsPort = tonumber(peer.captures[2]) }, Service)
end

function Service:renew(one)
  files.replace(self.files.key, one.keyPem)
  files.replace(self.files.certificate, one.certificatePem)
end

function Service:signal(name)
  assert(os.execute(("kill -%s %d"):format(name, self.peer.pid)))
end

function Service:connect(options)
  local given = {
    host = "localhost", port = self.peer.port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  return scissl.connect(given)
end

Service.__close = function(self) self.peer:stop() end

-- Returns the text of the answer, and whether the server closes after it.
local function ask(stream, target)
  assert(stream:write(("GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"):format(target)))
  local head, found = stream:readUntil("\r\n\r\n", 4096, true)
  assert(head and found, "no answer: " .. tostring(found))
  assert(head:find "^HTTP/1.1 200 OK", head)
  local length = tonumber(head:match "Content%-Length: (%d+)")
  local text = stream:read(length)
  assert(text and #text == length)
  return text, head:find "Connection: close" ~= nil
end

-- Runs functions in coroutines; raises the error of the first one that fails.
local function run(functions)
  local loop = assert(scissl.scheduler.new { onError = function(raised) error(raised, 0) end })
  for _, f in ipairs(functions) do loop:spawn(f, loop) end
  assert(loop:run())
end

local function ended_well(service)
  local output, how, code = service.peer:finish()
  assert.same({ "exit", 0 }, { how, code }, output)
  texts.has(output, "connections that were cut: 0")
  assert.is_nil(output:find("handler: ", 1, true), output)
  return output
end

describe("examples/production_server.lua", function()
  it("is a program of less than 80 lines, to be copied", function()
    local count = 0
    for _ in io.lines "examples/production_server.lua" do count = count + 1 end
    assert.is_true(count < 80, tostring(count))
  end)

  it("loses nothing: 200 connections, a new certificate under load, counters, SIGTERM #slow", function()
    local service <close> = start()
    local answered, subjects, connected, refused, counters = 0, {}, 0, nil, nil
    local clients = {}
    for i = 1, CLIENTS do
      clients[i] = function(loop)
        local stream <close> = assert(service:connect())
        subjects[stream:peerCertificate():subject()] = true
        connected = connected + 1
        repeat
          local text, last = ask(stream, "/")
          assert(text == "hello\n")
          answered = answered + 1
          loop:sleep(0)
        until last
      end
    end
    clients[#clients + 1] = function(loop)
      while connected < CLIENTS do loop:sleep(0) end
      service:renew(new)
      service:signal "HUP"
      repeat -- each of these connections must be served, with one certificate or the other
        local stream <close> = assert(service:connect())
        local subject = stream:peerCertificate():subject()
        subjects[subject] = true
        ask(stream, "/")
      until subject == "CN=new"
      local monitor <close> = assert(service:connect { port = service.metricsPort })
      counters = ask(monitor, "/metrics")
      monitor:close()
      service:signal "TERM"
      repeat
        local stream, err = service:connect()
        refused = err and err:condition()
        if stream then stream:close() end
      until not stream
    end
    run(clients)
    assert.same({ ["CN=old"] = true, ["CN=new"] = true }, subjects)
    assert.is_true(answered >= 2 * CLIENTS)
    texts.has(ended_well(service), "certificate: read again")
    texts.has(counters, "# TYPE tls_open gauge\ntls_open 200\n", "tls_handshaking 0\n", "tls_refused_total 0\n")
    assert.is_true(tonumber(counters:match "\ntls_accepted_total (%d+)\n") > CLIENTS)
    assert.is_true(tonumber(counters:match "\ntls_bytes_sent_total (%d+)\n") > CLIENTS * 1000)
    assert.is_nil(counters:match "tls_failed_total{")
    assert.truthy(refused == "connection_refused" or refused == "connection_reset", refused)
  end)

  it("serves a client that is in its handshake at SIGTERM #slow", function()
    local service <close> = start()
    local plain = assert(scissl.SciSocket.newStreamSocket())
    assert(plain:connect("127.0.0.1", service.peer.port))
    service:signal "TERM"
    run {
      function()
        local stream <close> = assert(scissl.plain.on(plain, { waiter = "coroutine", timeout = LONG }))
        assert(stream:startTls { host = "localhost", ca = pki.ca.certificate })
        repeat -- a request may arrive before the signal
          local text, last = ask(stream, "/")
          assert.equal("hello\n", text)
        until last
      end,
    }
    ended_well(service)
  end)

  it("ends a client that stays without a request before the deadline, with close_notify #slow", function()
    local service <close> = start()
    run {
      function()
        local stream <close> = assert(service:connect())
        ask(stream, "/")
        service:signal "TERM"
        assert.is_nil(stream:read "l") -- a connection that is cut is an error
        assert.same({ n = 1 }, table.pack(stream:read "l"))
      end,
    }
    ended_well(service)
  end)

  it("keeps its certificate where the new one is bad, and says so #slow", function()
    local service <close> = start()
    service:renew { keyPem = new.keyPem, certificatePem = new.certificatePem:sub(1, 200) }
    service:signal "HUP"
    local line = foreign.expect(service.peer, "certificate: ")
    texts.has(line, "certificate: not changed: ", service.files.certificate)
    run {
      function()
        local stream <close> = assert(service:connect())
        assert.equal("CN=old", stream:peerCertificate():subject())
        ask(stream, "/")
      end,
    }
    service:signal "INT"
    ended_well(service)
  end)

  it("serves what is there, and counters to this machine alone", function()
    local service <close> = start()
    run {
      function()
        local stream <close> = assert(service:connect())
        stream:write "GET /metrics HTTP/1.1\r\n\r\n"
        texts.has(stream:read "l", "HTTP/1.1 404 Not Found")
      end,
    }
    service:signal "TERM"
    ended_well(service)
  end)
end)
