-- A web server that shows each visitor the TLS connection of that visitor, as the server sees it:
-- lua5.4 examples/https_server.lua [--port 8443] [--host 127.0.0.1] [--ca FILE]
--     [--certificate FILE --key FILE] [--client-ca FILE] [--version TLSv1.2] [--groups P-384]
-- Without a certificate it makes a CA for this run; --ca writes its certificate to a file, for your browser to trust.
local folder = arg[0]:match "^(.*)/" or "."
package.path = folder .. "/?.lua;" .. package.path

local scissl = require "scissl"
local facts = require "https_server.facts"
local page = require "https_server.page"

local PATIENCE = 10 -- seconds that a visitor may take for the handshake, and for each line
local MAX_LINE, MAX_HEADERS = 8192, 100

-- ---- arguments

local given = { port = "8443", host = "127.0.0.1" }
local known = { port = true, host = true, ca = true, certificate = true, key = true, ["client-ca"] = true,
  version = true, groups = true }

for i = 1, #arg, 2 do
  local name, value = arg[i]:match "^%-%-(.+)$", arg[i + 1]
  if not known[name] or not value then
    io.stderr:write("usage: https_server.lua [--port N] [--host ADDRESS] [--ca FILE] [--certificate FILE --key FILE] ",
      "[--client-ca FILE] [--version TLSv1.2] [--groups P-384]\n")
    os.exit(2)
  end
  given[name] = value
end

-- ---- a scheduler in a few lines: a coroutine yields `socket, events, deadline` until the socket is ready

local waiting = {}

local function step(thread, ...)
  local ok, socket, events, deadline = coroutine.resume(thread, ...)
  waiting[thread] = nil
  if not ok then
    io.stderr:write(debug.traceback(thread, tostring(socket)), "\n")
  elseif coroutine.status(thread) == "suspended" then
    waiting[thread] = { socket = socket, events = events, deadline = deadline }
  end
end

local function start(task) step(coroutine.create(task)) end

local function pause()
  local interests, first = {}, nil
  for _, wait in pairs(waiting) do
    interests[wait.socket] = wait.events
    if wait.deadline then first = math.min(first or wait.deadline, wait.deadline) end
  end
  return assert(scissl.SciSocket.poll(interests, first and math.max(0, first - scissl.SciSocket.now())))
end

local function run()
  while next(waiting) do
    local ready, now, due = pause(), scissl.SciSocket.now(), {}
    for thread, wait in pairs(waiting) do
      if ready[wait.socket] or wait.deadline and wait.deadline <= now then due[thread] = wait end
    end
    for thread, wait in pairs(due) do step(thread, ready[wait.socket] ~= nil) end
  end
end

-- ---- our certificate and key

local function issue(fields)
  fields.key = assert(scissl.SciSslPrivateKey.generate "EC")
  return assert(scissl.SciSslX509Certificate.issue(fields)), fields.key
end

local function throw_away()
  local root, rootKey = issue { subject = "CN=Throw-away root,O=scissl example", ca = true, days = 365 }
  local middle, middleKey = issue { subject = "CN=Throw-away issuer,O=scissl example", ca = true, days = 180,
    issuer = root, issuerKey = rootKey }
  local own, key = issue { subject = "CN=localhost", names = { "localhost", "127.0.0.1", "::1" }, days = 30,
    issuer = middle, issuerKey = middleKey }
  if given.ca then assert(io.open(given.ca, "w")):write(root:toPem()):close() end
  return { certificate = own:toPem() .. middle:toPem(), privateKey = key, ca = root:toPem() }
end

local settings = { host = given.host, port = tonumber(given.port), waiter = "coroutine", verify = "optional",
  alpn = { "http/1.1" }, version = given.version, groups = given.groups }

if given.certificate then
  settings.certificate, settings.privateKey = given.certificate, given.key
  if not given["client-ca"] then settings.verify = nil end
else
  for name, value in pairs(throw_away()) do settings[name] = value end
end
if given["client-ca"] then settings.ca, settings.caFile = nil, given["client-ca"] end

-- ---- one visitor

local function read_request(stream)
  local line = stream:read "l"
  local method, path = (line or ""):match "^(%u+) (%S+) HTTP/1%.[01]\r?$"
  for _ = 1, MAX_HEADERS do
    local header = stream:read "l"
    if not header or header == "" or header == "\r" then return method, path end
  end
end

local function respond(stream, status, kind, body, method)
  stream:write(table.concat({
    "HTTP/1.1 " .. status,
    "Content-Type: " .. kind .. "; charset=utf-8",
    "Content-Length: " .. #body,
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
      .. "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    "Cache-Control: no-store",
    "Connection: close", -- so that a reload makes a new connection, and shows whether it is resumed
    "", "",
  }, "\r\n"), method == "HEAD" and "" or body)
end

local function serve(socket, context)
  socket:sslTrace(true)
  local hello
  local began = scissl.SciSocket.now()
  local done, failure = scissl.handshake(socket, "accept", {
    waiter = "coroutine", timeout = PATIENCE,
    onClientHello = function(_, offered) hello = offered end,
  })
  if not done then
    print(failure)
    socket:close()
    return
  end
  local seen = facts.gather(socket, hello, context, scissl.SciSocket.now() - began)
  local stream <close> = scissl.stream(socket, { waiter = "coroutine", timeout = PATIENCE, maxLine = MAX_LINE })
  local method, path = read_request(stream)
  if method ~= "GET" and method ~= "HEAD" then
    respond(stream, "400 Bad Request", "text/plain", "This server knows GET and HEAD only.\n")
  elseif path:match "^/[^%?]*" ~= "/" then
    respond(stream, "404 Not Found", "text/plain", "There is one page: /\n", method)
  else
    respond(stream, "200 OK", "text/html", page.render(seen), method)
  end
  print(facts.summary(seen))
end

local listener = assert(scissl.listen(settings))
io.stdout:setvbuf "line"
print(("listening on %s port %d"):format(listener:getSockName()))
print(("open https://localhost:%d/%s"):format(select(2, listener:getSockName()),
  given.ca and ", after your browser trusts " .. given.ca or ""))

start(function()
  while true do
    local socket, failure = listener:acceptSocket()
    if socket then start(function() serve(socket, listener:getContext()) end) else print(failure) end
  end
end)
run()
