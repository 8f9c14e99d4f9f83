-- Peers that die: at each byte of the exchange, in every way that TCP knows, they lose their own connection only.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local SciSocket = scissl.SciSocket
local waiter = require "scissl.wait.coroutine"

local server_context, client_context = {}, {}
for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  server_context[version] = ends.serverContext { method = version }
  client_context[version] = ends.clientContext { method = version }
end

-- A relay between a client and a server of ours that carries `most` bytes from `dies` to the other and then dies, as
-- `how` says: "reset" (TCP's RST to both) or "cut" (TCP's end to both). Answers the number of bytes it has carried so.
local function carry(near, far, dies, most, how)
  local carried = 0
  local function move(from, to, counts)
    local bytes = from:recv(counts and math.min(4096, most - carried + 1) or 4096)
    if not bytes then return true end
    if bytes == "" then return false end
    if counts then
      bytes = bytes:sub(1, most - carried)
      carried = carried + #bytes
    end
    to:send(bytes)
    return not (counts and carried >= most)
  end
  near:setBlocking(false)
  far:setBlocking(false)
  repeat
    local going = move(near, far, dies == "client") and move(far, near, dies == "server")
    local near_side = going and assert(SciSocket.poll({ [near] = "r", [far] = "r" }, 0))
    if going and not next(near_side) then waiter(near, "r", SciSocket.now() + 0.001) end
  until not going
  if how == "reset" then
    near:setSockOpt("SO_LINGER", 0)
    far:setSockOpt("SO_LINGER", 0)
  end
  near:close()
  far:close()
  return carried
end

local function tcp_pair()
  local listener, port = ends.listener()
  local near = assert(SciSocket.newStreamSocket())
  assert(near:connect("127.0.0.1", port))
  local far = assert(listener:accept())
  listener:close()
  near:setBlocking(false)
  far:setBlocking(false)
  return near, far
end

local TEXT = ("0123456789"):rep(100)

local conditions = {
  truncated = true, handshake_eof = true, connection_reset = true, broken_pipe = true, closed = true,
}

local function check_failure(failure, what)
  assert(scissl.isSslError(failure), what .. " answered " .. tostring(failure))
  assert(conditions[failure:condition()], what .. ": " .. failure:condition() .. ", " .. tostring(failure))
end

-- What one end does with its stream: an exchange in which each side reads and writes. True: it came to its end.
local function converse(stream, first, what)
  local steps = first and { "write", "read" } or { "read", "write" }
  for _, step in ipairs(steps) do
    local done, failure
    if step == "write" then done, failure = stream:write(TEXT, "\n") else done, failure = stream:read() end
    if not done then
      if failure then check_failure(failure, what) end
      stream:close()
      return false
    end
    if step == "read" then assert(done == TEXT or TEXT:sub(1, #done) == done, what .. ": strange bytes") end
  end
  stream:close()
  return true
end

local function run_end(socket, role, context, first)
  return function()
    local secure = assert(scissl.SciSslSocket.on(socket, context))
    assert(secure:sslInitialize())
    local done, failure = scissl.handshake(secure, role, { waiter = "coroutine" })
    if not done then
      check_failure(failure, role)
      secure:close()
      return false
    end
    return converse(scissl.stream(secure, { waiter = "coroutine" }), first, role)
  end
end

-- One exchange whose relay dies after `most` bytes of `dies`. Answers how many bytes it came to carry.
local function exchange(version, dies, most, how)
  local client, near = tcp_pair()
  local far, server = tcp_pair()
  local results = ends.run(
    run_end(client, "connect", client_context[version], true),
    run_end(server, "accept", server_context[version], false),
    function() return carry(near, far, dies, most, how) end)
  return results[3][1], results[1][1] and results[2][1]
end

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  for _, dies in ipairs { "client", "server" } do
    for _, how in ipairs { "reset", "cut" } do
      it(("A %s that dies at any byte of the exchange (%s, %s) is an error at the other end, and no more #slow"):format(
        dies, version, how), function()
        local whole, well = exchange(version, dies, 1 << 30, "cut")
        assert.is_true(well)
        -- Every byte of the first records' headers, then steps that share no factor with records' sizes.
        local at = 0
        while at < whole - 30 do -- behind that both sides have said all
          local carried, both = exchange(version, dies, at, how)
          assert.is_true(carried <= at)
          assert.is_true(not both or at > whole // 2)
          at = at + (at < 12 and 1 or 37)
        end
      end)
    end
  end
end

describe("A server's other connections", function()
  it("go on while peers die around them", function()
    local listener <close> = assert(scissl.listen {
      port = 0, host = "127.0.0.1", certificate = pki.server.certificate, privateKey = pki.server.key,
      waiter = "coroutine", timeout = 30,
    })
    local _, port = listener:getSockName()
    local over = false
    local function serve_one()
      local stream = listener:accept(1)
      if not stream then return false end
      for line in function() return (stream:read()) end do
        if not stream:write(line:upper(), "\n") then break end
      end
      stream:close()
      return true
    end
    local function serve()
      while not over do serve_one() end
    end
    local function vandal()
      for i = 1, 30 do
        local socket = assert(SciSocket.newStreamSocket())
        assert(socket:connect("127.0.0.1", port))
        socket:send(("\22\3\1\2\0\1\0\1\252\3\3"):sub(1, i % 12))
        if i % 2 == 0 then socket:setSockOpt("SO_LINGER", 0) end
        socket:close()
        coroutine.yield(listener:socket(), "w", SciSocket.now())
      end
    end
    local function friend()
      local stream = assert(scissl.connect {
        host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile, waiter = "coroutine", timeout = 30,
      })
      for i = 1, 50 do
        assert(stream:write("word ", i, "\n"))
        assert(stream:read() == "WORD " .. i)
      end
      stream:close()
      over = true
      return true
    end
    local results = ends.run(serve, serve, serve, vandal, friend)
    assert.is_true(results[5][1])
  end)
end)
