-- Clients that use LuaSec, at servers that know nothing of Lua, with ours and with the real LuaSec: lua-redis at Redis,
-- an MQTT client (with LuaSec's calls as luamqtt makes them) at Mosquitto, luarocks, LuaSocket's SMTP client, and an
-- IMAP client that begins in plain text.

local ends = require "spec.support.ends"
local files = require "spec.support.files"
local luasec = require "spec.support.luasec"
local mosquitto = require "spec.support.mosquitto"
local old_modules = require "spec.support.old_modules"
local pki = require "spec.support.pki"
local redis = require "spec.support.redis"
local socket = require "socket"

local TIMEOUT = 30
local LUA = _VERSION:match "%d.%d"

local verified = { mode = "client", protocol = "any", options = "all", verify = "peer",
  cafile = pki.ca.certificateFile, key = pki.client.keyFile, certificate = pki.client.certificateFile }

local function dial(ssl, port)
  local connection = assert(ssl.wrap(assert(socket.connect("127.0.0.1", port)), verified))
  connection:sni "localhost"
  connection:settimeout(TIMEOUT)
  assert(connection:dohandshake())
  return connection
end

-- ---- MQTT 3.1.1

local function length_of(body)
  local bytes, left = "", #body
  repeat
    local low = left & 0x7f
    left = left >> 7
    bytes = bytes .. string.char(left > 0 and low | 0x80 or low)
  until left == 0
  return bytes
end

local function packet(kind, ...)
  local body = table.concat { ... }
  return string.char(kind) .. length_of(body) .. body
end

local function text(value) return (">s2"):pack(value) end

-- All of it, as luamqtt sends.
local function send(connection, data)
  local sent = 0
  while sent < #data do sent = assert(connection:send(data, sent + 1)) end
end

-- Its head byte by byte, then its body: a packet's first byte and its body.
local function receive(connection)
  local kind = assert(connection:receive(1)):byte()
  local length, shift = 0, 0
  repeat
    local byte = assert(connection:receive(1)):byte()
    length, shift = length | (byte & 0x7f) << shift, shift + 7
  until byte < 0x80
  return kind, length > 0 and assert(connection:receive(length)) or ""
end

local function use_mqtt(ssl, port)
  local seen = {}
  local function note(...) seen[#seen + 1] = table.pack(...) end
  local connection = dial(ssl, port)
  send(connection, packet(0x10, text "MQTT", "\4\2", (">I2"):pack(60), text "one client"))
  note(receive(connection))
  send(connection, packet(0x82, (">I2"):pack(1), text "a/topic", "\1"))
  note(receive(connection))
  local long = ("0123456789"):rep(20000)
  send(connection, packet(0x30, text "a/topic", "short") .. packet(0x30, text "a/topic", long))
  note(receive(connection))
  local kind, body = receive(connection)
  note(kind, body == text "a/topic" .. long)
  connection:settimeout(0.05, "t") -- luamqtt's loop waits so for the next packet
  note(connection:receive(1))
  note(connection:receive(1))
  connection:settimeout(TIMEOUT, "t")
  send(connection, "\xc0\0")
  note(receive(connection))
  send(connection, "\xe0\0")
  note(connection:receive(1))
  connection:close()
  return seen
end

describe("An MQTT client over LuaSec", function()
  if not mosquitto.isThere() then return pending "only sh spec/run.sh all asks Mosquitto" end
  local broker
  setup(function() broker = mosquitto.start() end)
  teardown(function() broker:stop() end)

  for name, ssl in luasec.implementations() do
    it("connects, subscribes, publishes and receives, " .. name .. " #slow", function()
      assert.are.same({
        { 0x20, "\0\0", n = 2 }, { 0x90, "\0\1\1", n = 2 },
        { 0x30, "\0\7a/topicshort", n = 2 }, { 0x30, true, n = 2 },
        { nil, "wantread", "", n = 3 }, { nil, "wantread", "", n = 3 },
        { 0xd0, "", n = 2 }, { nil, "closed", "", n = 3 },
      }, use_mqtt(ssl, broker.port))
    end)
  end
end)

-- ---- lua-redis

describe("lua-redis over LuaSec", function()
  local file = old_modules.find "redis"
  if not file then return pending "lua-redis is not installed" end
  if not redis.present() then return pending "only sh spec/run.sh all asks Redis" end
  local server
  setup(function() server = redis.start { tls = true } end)
  teardown(function() server:stop() end)

  for name, ssl in luasec.implementations() do
    it("asks a Redis that speaks TLS, " .. name .. " #slow", function()
      local client = dofile(file).connect { socket = dial(ssl, server.port) }
      assert.is_true(client:ping())
      assert.is_true(client:set("key", ("value\r\n"):rep(50000)))
      assert.are.equal(("value\r\n"):rep(50000), client:get "key")
      client:del "list"
      for i = 1, 100 do assert.are.equal(i, client:rpush("list", "item " .. i)) end
      assert.are.same({ "item 1", "item 2" }, client:lrange("list", 0, 1))
      assert.is_false(pcall(client.hget, client, "key", "field")) -- an error reply
      assert.is_false(pcall(client.quit, client)) -- it calls shutdown, which LuaSec's connections do not have
      client.network.socket:close()
    end)
  end
end)

-- ---- LuaSocket's SMTP client

local mail_server = [[
local scissl = require "scissl"
local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q, timeout = 30 })
print("port " .. select(2, listener:getSockName()))
io.stdout:flush()
local stream = assert(listener:accept())
local function say(line) assert(stream:write(line .. "\r\n")) end
say "220 ready"
for line in stream:lines() do
  local word = line:match "^%%a+"
  print(word or "?")
  if word == "EHLO" then say "250-here" say "250 SIZE 1000000"
  elseif word == "DATA" then
    say "354 go on"
    local mail = stream:readUntil("\r\n.\r\n", 1 << 20, true)
    print(#mail, select(2, mail:gsub("\r\n%%.%%.", "")))
    say "250 taken"
  elseif word == "QUIT" then
    say "221 bye"
    stream:close()
    break
  else say "250 good" end
end
]]

-- What LuaSocket's protocols take for a socket: LuaSec's connection has no connect.
local function secured_socket(ssl)
  local plain, connection = assert(socket.tcp()), nil
  local wrapped = {}
  function wrapped.connect(_, host, port)
    local done, problem = plain:connect(host, port)
    if not done then return nil, problem end
    connection = assert(ssl.wrap(plain, verified))
    connection:settimeout(TIMEOUT)
    connection:sni "localhost"
    return connection:dohandshake()
  end
  return setmetatable(wrapped, { __index = function(_, name)
    return function(_, ...)
      local holder = connection or plain
      return holder[name](holder, ...)
    end
  end })
end

describe("LuaSocket's SMTP client over LuaSec", function()
  for name, ssl in luasec.implementations() do
    it("sends a mail, " .. name, function()
      local server <close> = ends.lua(mail_server:format(pki.server.certificateFile, pki.server.keyFile),
        "port (%d+)")
      local smtp = require "socket.smtp"
      local done, problem = smtp.send {
        from = "<a@here.example>", rcpt = { "<b@there.example>", "<c@there.example>" },
        source = smtp.message { headers = { subject = "a subject" }, body = ("a line\r\n.with a dot\r\n"):rep(1000) },
        server = "127.0.0.1", port = tonumber(server.captures[1]), create = function() return secured_socket(ssl) end,
      }
      assert.are.equal(1, done, problem)
      local output = server:finish()
      assert.is_truthy(output:find "EHLO\nMAIL\nRCPT\nRCPT\nDATA\n%d+\t1000\nQUIT\n", output)
    end)
  end
end)

-- ---- IMAP, from plain text on

local mailbox = [[
local scissl = require "scissl"
local listener = assert(scissl.plain.listen { host = "127.0.0.1", port = 0, timeout = 30 })
print("port " .. select(2, listener:getSockName()))
io.stdout:flush()
local stream = assert(listener:accept())
local function say(line) assert(stream:write(line .. "\r\n")) end
say "* OK ready"
for line in stream:lines() do
  local tag, word = line:match "^(%%S+) (%%a+)"
  if word == "STARTTLS" then
    say(tag .. " OK begin")
    assert(stream:startTls { role = "server", certificate = %q, privateKey = %q, caFile = %q, verify = "require" })
  elseif word == "FETCH" then
    say "* 1 FETCH (BODY[] {300000}"
    say(("a line of a mail\r\n"):rep(17000):sub(1, 300000) .. ")")
    say(tag .. " OK fetched")
  else
    say "* BYE"
    say(tag .. " OK logged out")
    stream:close()
    break
  end
end
]]

describe("An IMAP client over LuaSec", function()
  for name, ssl in luasec.implementations() do
    it("goes from plain text to TLS, and fetches a mail, " .. name, function()
      local server <close> = ends.lua(mailbox:format(pki.server.certificateFile, pki.server.keyFile,
        pki.ca.certificateFile), "port (%d+)")
      local plain = assert(socket.connect("127.0.0.1", tonumber(server.captures[1])))
      plain:settimeout(TIMEOUT)
      assert.are.equal("* OK ready", (plain:receive "*l"))
      plain:send "a STARTTLS\r\n"
      assert.are.equal("a OK begin", (plain:receive "*l"))
      local connection = assert(ssl.wrap(plain, verified))
      connection:settimeout(TIMEOUT)
      assert(connection:dohandshake())
      connection:send "b FETCH 1 BODY[]\r\n"
      local length = tonumber(connection:receive "*l":match "{(%d+)}$")
      assert.are.equal(("a line of a mail\r\n"):rep(17000):sub(1, length), (connection:receive(length)))
      assert.are.equal(")", (connection:receive "*l"))
      assert.are.equal("b OK fetched", (connection:receive "*l"))
      connection:send "c LOGOUT\r\n"
      assert.are.equal("* BYE\r\nc OK logged out\r\n", (connection:receive "*a"))
      connection:close()
    end)
  end
end)

-- ---- luarocks

local rock_server = [[
local scissl = require "scissl"
local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = %q, privateKey = %q, timeout = 30 })
local port = select(2, listener:getSockName())
print("port " .. port)
io.stdout:flush()
local rockspec = ('package = "hello"\nversion = "1.0-1"\nsource = { url = "https://localhost:%%d/hello.lua" }\n' ..
  'build = { type = "builtin", modules = { hello = "hello.lua" } }\n'):format(port)
local manifest = 'commands = {}\nmodules = {}\nrepository = { hello = { ["1.0-1"] = { { arch = "rockspec" } } } }\n'
local pages = { ["/manifest-%s"] = manifest, ["/hello-1.0-1.rockspec"] = rockspec, ["/hello.lua"] = "return 'hello'\n" }
listener:serve(function(stream)
  local head = stream:readUntil("\r\n\r\n", 65536, true)
  local page = head and pages[head:match "^GET (%%S+)"]
  local body = page or "not here"
  stream:write(("HTTP/1.1 %%s\r\nContent-Length: %%d\r\nConnection: close\r\n\r\n%%s"):format(
    page and "200 OK" or "404 Not Found", #body, body))
end)
]]

local function rocks_program()
  local pipe <close> = assert(io.popen "command -v luarocks")
  local path = pipe:read "l"
  local file = path and io.open(path)
  if not file then return nil end
  local first = file:read "l"
  file:close()
  return first:find("lua", 1, true) and path or nil
end

describe("luarocks over LuaSec", function()
  local program = rocks_program()
  if not program or not package.searchpath("luarocks.core.cfg", package.path) then
    return pending "luarocks for this Lua is not installed"
  elseif os.getenv "SCISSL_RUN" == "sanitized" then
    return pending "luarocks looks for Lua's headers beside the interpreter, which is a script in this run"
  end

  for name, ssl in luasec.implementations() do
    it("downloads and installs from an https server, " .. name .. " #slow", function()
      local server <close> = ends.lua(rock_server:format(pki.server.certificateFile, pki.server.keyFile, LUA),
        "port (%d+)")
      local tree = ("%s/rocks %s"):format(pki.folder(), name)
      local launcher = ([[
        %s
        local https = require "ssl.https"
        local request = https.request
        function https.request(...)
          print "a download"
          return request(...)
        end
        os.getenv = (function(getenv) -- with a proxy it asks another program to download
          return function(name) return name ~= "https_proxy" and getenv(name) or nil end
        end)(os.getenv)
        arg = { [0] = %q, "--lua-version", %q, "--only-server", %q, "--tree", %q, "install", "hello" }
        assert(loadfile(%q))(table.unpack(arg))
      ]]):format(ssl == luasec.ours and 'require "scissl.luasec".install()' or "", program, LUA,
        "https://localhost:" .. server.captures[1], tree, program)
      local client <close> = ends.lua(launcher, nil, { HOME = pki.folder() })
      local output, how, code = client:finish()
      assert.are.same({ "exit", 0 }, { how, code }, output)
      assert.is_truthy(output:find("a download", 1, true), output)
      assert.are.equal("return 'hello'\n",
        files.read(("%s/share/lua/%s/hello.lua"):format(tree, LUA)))
    end)
  end
end)

if not luasec.real then pending "LuaSec is not installed: the programs have not been run with it" end
