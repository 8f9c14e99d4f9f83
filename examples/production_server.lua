-- An HTTPS server as a service: limits, a log, counters for Prometheus, reload and stop by signals.
-- lua5.4 examples/production_server.lua PORT CERTIFICATE_FILE KEY_FILE METRICS_PORT
-- SIGHUP: reads the certificate files again. SIGTERM, SIGINT: accepts no new clients, completes requests, and ends.
-- https://127.0.0.1:METRICS_PORT/metrics has the counters.
local scissl = require "scissl"
local now = scissl.SciSocket.now
local IDLE, REQUEST = 60, 30 -- seconds until a request is there, and to answer it
local STOP, LAST = 10, 5 -- seconds for the last requests when the server stops, and for idle clients

if #arg ~= 4 then
  os.exit(not io.stderr:write "usage: production_server.lua PORT CERTIFICATE_FILE KEY_FILE METRICS_PORT\n")
end

local function log(...) io.stderr:write(os.date "!%FT%TZ ", table.concat { ... }, "\n") end

local function listen(host, port)
  return assert(scissl.listen { host = host, port = port, certificate = arg[2], privateKey = arg[3],
                                alpn = { "http/1.1" }, handshakeTimeout = 10, waiter = "coroutine" })
end

local signals = assert(scissl.signals.new("SIGHUP", "SIGTERM", "SIGINT", { waiter = "coroutine" }))
local server, monitor = listen("*", arg[1]), listen("127.0.0.1", arg[4])
local function metrics()
  local counts, lines = server:statistics(), { "# TYPE tls_failed_total counter\n" }
  for condition, count in pairs(counts.failed) do
    lines[#lines + 1] = ('tls_failed_total{condition="%s"} %d\n'):format(condition, count)
  end
  counts.failed = nil
  for name, value in pairs(counts) do
    local kind = (name == "open" or name == "handshaking") and "gauge" or "counter"
    local full = "tls_" .. name:gsub("%u", "_%0"):lower() .. (kind == "counter" and "_total" or "")
    lines[#lines + 1] = ("# TYPE %s %s\n%s %d\n"):format(full, kind, full, value)
  end
  return table.concat(lines)
end

local function answer(status, text, last)
  return ("HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n%s\r\n%s"):format(status, #text,
    last and "Connection: close\r\n" or "", text)
end

local function serve(listener, pages, most)
  return listener:serve(function(stream)
    repeat
      stream:setdeadline(now() + IDLE)
      local head, found = stream:readUntil("\r\n\r\n", 16384)
      if not (head and found) then return end -- the client has closed, or was silent for too long
      stream:setdeadline(now() + REQUEST)
      local page, fields = pages[head:match "^GET (%S+) HTTP/1.1"], head:lower()
      local last = server:isStopping() or not page or fields:find "\nconnection: *close"
      stream:write(page and answer("200 OK", page(), last) or answer("404 Not Found", "", last))
    until last
  end, {
    maxConnections = most, endIdle = LAST,
    -- Failed handshakes are counted: strangers do not fill the log.
    onError = function(err, phase) return phase == "handshake" or log(phase, ": ", tostring(err)) end,
  })
end

local loop, done, cut = assert(scissl.scheduler.new()), nil, nil
loop:spawn(function()
  for name in function() return signals:wait() end do
    if name == "SIGHUP" then
      local read, err = server:reload()
      if read then read, err = monitor:reload() end
      log("certificate: ", read and "read again" or "not changed: " .. tostring(err))
    else server:stop(STOP) end
  end
end)
loop:spawn(function() serve(monitor, { ["/metrics"] = metrics }, 10) end)
loop:spawn(function()
  log("ports ", select(2, server:getSockName()), " and ", select(2, monitor:getSockName()))
  done, cut = serve(server, { ["/"] = function() return "hello\n" end }, 1000)
  log("stopped; connections that were cut: ", tostring(cut))
  signals:close()
  monitor:stop(0)
end)
assert(loop:run())
os.exit(done and 0 or 1)
