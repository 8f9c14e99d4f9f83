local core = require "scissl.core"
local pki = require "spec.support.pki"
local sockets = require "spec.support.sockets"

local SciSocket = core.SciSocket
local new, tcp, listening, refusing = sockets.new, sockets.tcp, sockets.listening, sockets.refusing
local refusal, fails_with, wants = sockets.refusal, sockets.fails_with, sockets.wants

describe("SciSocket.resolve", function()
  it("answers an address as it is", function()
    assert.same({ { address = "127.0.0.1", port = 443, family = "inet" } }, SciSocket.resolve("127.0.0.1", 443))
  end)

  it("answers IPv6 addresses as IPv6", function()
    assert.same({ { address = "::1", port = 1, family = "inet6" } }, SciSocket.resolve("::1", 1))
  end)

  it("finds a name", function()
    local found = assert(SciSocket.resolve("localhost", 80, "inet"))
    assert.equal("127.0.0.1", found[1].address)
    assert.equal("integer", math.type(found[1].port))
  end)

  it("answers only the family that was asked for", function()
    fails_with("host_not_found", "resolve", SciSocket.resolve("::1", 80, "inet"))
  end)

  it("refuses a name that does not exist, and says which", function()
    local condition, phase, subject = refusal(SciSocket.resolve("", 80))
    assert.equal("host_not_found", condition)
    assert.equal("resolve", phase)
    assert.equal("", subject)
  end)

  it("refuses a service that does not exist", function()
    fails_with("service_unknown", "resolve", SciSocket.resolve("127.0.0.1", "no-such-service"))
  end)

  it("takes a port in digits", function()
    assert.equal(8443, assert(SciSocket.resolve("127.0.0.1", "8443"))[1].port)
  end)

  it("raises for a port out of range", function()
    for _, port in ipairs { -1, 65536, math.maxinteger, "65536" } do
      assert.error_matches(function() SciSocket.resolve("127.0.0.1", port) end, "port from 0 to 65535 expected")
    end
  end)

  it("raises for a port that is no integer, and for none", function()
    assert.error_matches(function() SciSocket.resolve("127.0.0.1", 1.5) end, "integer")
    assert.error_matches(function() SciSocket.resolve("127.0.0.1") end, "number expected")
  end)

  it("raises for a host that holds a NUL byte", function()
    assert.error_matches(function() SciSocket.resolve("127.0.0.1\0.example", 1) end, "NUL")
  end)

  it("raises for a family that it does not know", function()
    assert.error_matches(function() SciSocket.resolve("127.0.0.1", 1, "unix") end, "invalid option")
  end)
end)

describe("connect", function()
  it("answers the receiver once a blocking socket is connected", function()
    local _, port, _ <close> = listening()
    local socket <close> = new()
    assert.equal(socket, socket:connect("127.0.0.1", port))
    assert.equal("SciSocket: connected 127.0.0.1:" .. port, tostring(socket))
  end)

  it("finds a host by name", function()
    local _, port, _ <close> = listening()
    local socket <close> = assert(new():connect("localhost", port))
    assert.same({ "127.0.0.1", port }, { socket:getPeerName() })
  end)

  it("answers the SciSslError of a refused connection, and says by whom", function()
    local port, _, _ <close> = refusing()
    local socket <close> = new()
    local condition, phase, subject = refusal(socket:connect("127.0.0.1", port))
    assert.equal("connection_refused", condition)
    assert.equal("connect", phase)
    assert.equal("127.0.0.1:" .. port, subject)
  end)

  it("gives a refused connection the system's error and SSL_ERROR_SYSCALL", function()
    local port, _, _ <close> = refusing()
    local socket <close> = new()
    local _, failure = socket:connect("127.0.0.1", port)
    assert.equal("integer", math.type((failure:errno())))
    assert.equal(core.SSL_ERROR_SYSCALL, failure:sslError())
  end)

  it("answers the receiver of a non-blocking socket at once, even where the peer will refuse", function()
    local port, _, _ <close> = refusing()
    local socket <close> = new():setBlocking(false)
    assert.equal(socket, socket:connect("127.0.0.1", port))
    assert.is_truthy(socket:wait("w", 10))
    assert.equal("SciSocket: not connected 127.0.0.1:" .. port, tostring(socket))
  end)

  it("tells why a non-blocking connection failed, however often it is asked", function()
    local port, _, _ <close> = refusing()
    local socket <close> = assert(new():setBlocking(false):connect("127.0.0.1", port))
    assert.is_truthy(socket:wait("w", 10))
    for _ = 1, 3 do
      local condition, _, subject = refusal(socket:send("x"))
      assert.equal("connection_refused", condition)
      assert.equal("127.0.0.1:" .. port, subject)
    end
  end)

  it("lets SO_ERROR be read without forgetting it", function()
    local port, _, _ <close> = refusing()
    local socket <close> = assert(new():setBlocking(false):connect("127.0.0.1", port))
    assert.is_truthy(socket:wait("w", 10))
    assert.is_true(socket:getSockOpt("SO_ERROR") > 0)
    assert.equal(0, socket:getSockOpt("SO_ERROR"))
    assert.equal("connection_refused", (refusal(socket:send("x"))))
  end)

  it("finishes a non-blocking connection", function()
    local _, port, _ <close> = listening()
    local socket <close> = assert(new():setBlocking(false):connect("127.0.0.1", port))
    assert.equal("w", socket:wait("w", 10))
    assert.equal("r", socket:events())
    assert.equal("SciSocket: connected 127.0.0.1:" .. port, tostring(socket))
    assert.equal(4, socket:send("ping"))
  end)

  it("refuses a host that cannot be found", function()
    local socket <close> = new()
    fails_with("host_not_found", "resolve", socket:connect("", 443))
  end)

  it("refuses an address of another family", function()
    local socket <close> = new("inet")
    fails_with("host_not_found", "resolve", socket:connect("::1", 443))
  end)

  it("refuses to connect twice, and the connection goes on", function()
    local client, server, _ <close> = tcp()
    local host, port = client:getPeerName()
    local _, phase = refusal(client:connect(host, port))
    assert.equal("connect", phase)
    client:send("still here")
    assert.equal("still here", server:recv(100))
  end)

  it("can be tried again after a refusal", function()
    local port, holder, _ <close> = refusing()
    local socket <close> = new():setBlocking(false)
    assert(socket:connect("127.0.0.1", port))
    assert.is_truthy(socket:wait("w", 10))
    assert.equal("r", socket:events())
    assert(holder:listen())
    assert(socket:connect("127.0.0.1", port))
    assert.is_truthy(socket:wait("w", 10))
    assert.matches("^SciSocket: connected", tostring(socket))
  end)

  it("raises for a host that holds a NUL byte", function()
    local socket <close> = new()
    assert.error_matches(function() socket:connect("127.0.0.1\0x", 443) end, "NUL")
  end)

  it("raises for a missing or impossible port", function()
    local socket <close> = new()
    assert.error_matches(function() socket:connect("127.0.0.1") end, "number expected")
    assert.error_matches(function() socket:connect("127.0.0.1", 70000) end, "port from 0 to 65535")
  end)

  -- Only the system's resolver knows the last two forms.
  it("takes an address in each of its forms, and a port in each of its own", function()
    local _, port, _ <close> = listening()
    local forms = { ["127.0.0.1"] = port, ["127.1"] = tostring(port), ["0x7f000001"] = ("0x%x"):format(port) }
    for address, number in pairs(forms) do
      local socket <close> = assert(new():connect(address, number))
      assert.same({ "127.0.0.1", port }, { socket:getPeerName() })
    end
  end)

  it("takes addresses of IPv6 in their short and long form, and refuses those of IPv4", function()
    if not sockets.has_ipv6() then return pending("no IPv6 here") end
    local listener <close> = assert(assert(new("inet6"):bind("::1", 0)):listen())
    local _, port = listener:getSockName()
    for _, address in ipairs { "::1", "0:0:0:0:0:0:0:1", "::0.0.0.1" } do
      local client <close> = assert(new("inet6"):connect(address, port))
      assert.same({ "::1", port }, { client:getPeerName() })
    end
    local socket <close> = new "inet6"
    fails_with("host_not_found", "resolve", socket:connect("127.0.0.1", port))
  end)

  it("connects over IPv6", function()
    if not sockets.has_ipv6() then return pending("no IPv6 here") end
    local listener <close> = assert(assert(new("inet6"):bind("::1", 0)):listen())
    local _, port = listener:getSockName()
    local client <close> = assert(new("inet6"):connect("::1", port))
    local server <close> = assert(listener:accept())
    assert.same({ "::1", port }, { client:getPeerName() })
    assert.equal(("SciSocket: connected [::1]:%d"):format(port), tostring(client))
    assert.equal("::1", (server:getPeerName()))
  end)
end)

describe("a Unix-domain socket", function()
  local function listening_at_path()
    local place = sockets.path()
    local listener = assert(assert(new("unix"):bind(place)):listen())
    return listener, place, listener
  end

  it("connects by its path", function()
    local listener, place, _ <close> = listening_at_path()
    local client <close> = assert(new("unix"):connect(place))
    local server <close> = assert(listener:accept())
    client:send("by path")
    assert.equal("by path", server:recv(100))
    assert.same({ place, 0 }, { client:getPeerName() })
    assert.same({ "", 0 }, { server:getPeerName() })
  end)

  it("says its path", function()
    local listener, place, _ <close> = listening_at_path()
    assert.same({ place, 0 }, { listener:getSockName() })
    assert.equal("SciSocket: listening " .. place, tostring(listener))
  end)

  it("answers the SciSslError of a path that is not there", function()
    local socket <close> = new("unix")
    local _, phase, subject = refusal(socket:connect(pki.folder() .. "/nobody"))
    assert.equal("connect", phase)
    assert.equal(pki.folder() .. "/nobody", subject)
  end)

  it("refuses a path that nobody listens at any more", function()
    local listener, place = listening_at_path()
    listener:close()
    local socket <close> = new("unix")
    fails_with("connection_refused", "connect", socket:connect(place))
  end)

  it("refuses a path that is too long, and an empty one", function()
    local socket <close> = new("unix")
    local long = ("x"):rep(200)
    local _, phase, subject = refusal(socket:connect(long))
    assert.equal("connect", phase)
    assert.equal(long, subject)
    assert.equal("connect", select(2, refusal(socket:connect(""))))
    assert.equal("bind", select(2, refusal(socket:bind(""))))
  end)

  it("says not_ready where a non-blocking one would have to wait for its turn", function()
    local place = sockets.path()
    local _ <close> = assert(assert(new("unix"):bind(place)):listen(0))
    local waiting, answers = {}, nil
    for i = 1, 64 do
      waiting[i] = new("unix"):setBlocking(false)
      answers = { waiting[i]:connect(place) }
      if not answers[1] then break end
    end
    for _, socket in ipairs(waiting) do socket:close() end
    if answers[1] then return pending("this system's queue of Unix-domain connections never fills") end
    wants(core.SSL_ERROR_WANT_WRITE, table.unpack(answers, 1, 2))
  end)

  it("raises for a path that holds a NUL byte", function()
    local socket <close> = new("unix")
    assert.error_matches(function() socket:connect("\0abstract") end, "NUL")
  end)
end)

describe("bind", function()
  it("lets the kernel choose the port 0", function()
    local socket <close> = new()
    assert.equal(socket, socket:bind("127.0.0.1", 0))
    local host, port = socket:getSockName()
    assert.equal("127.0.0.1", host)
    assert.is_true(port > 0)
  end)

  it("takes * for every address", function()
    local socket <close> = assert(new():bind("*", 0))
    assert.equal("0.0.0.0", (socket:getSockName()))
  end)

  it("sets SO_REUSEADDR", function()
    local socket <close> = assert(new():bind("127.0.0.1", 0))
    assert.is_true(socket:getSockOpt("SO_REUSEADDR"))
  end)

  it("refuses an address that is in use, and says which", function()
    local _, port, _ <close> = listening()
    local socket <close> = new()
    local condition, phase, subject = refusal(socket:bind("127.0.0.1", port))
    assert.equal("address_in_use", condition)
    assert.equal("bind", phase)
    assert.equal("127.0.0.1:" .. port, subject)
  end)

  it("refuses an address that is not this machine's", function()
    local socket <close> = new()
    local _, phase, subject = refusal(socket:bind("192.0.2.1", 1234))
    assert.equal("bind", phase)
    assert.equal("192.0.2.1:1234", subject)
  end)
end)

describe("listen", function()
  it("answers the receiver", function()
    local socket <close> = assert(new():bind("127.0.0.1", 0))
    assert.equal(socket, socket:listen())
    local _, port = socket:getSockName()
    assert.equal("SciSocket: listening 127.0.0.1:" .. port, tostring(socket))
  end)

  it("refuses a connected socket", function()
    local client, _, _ <close> = tcp()
    assert.equal("listen", select(2, refusal(client:listen())))
  end)

  it("raises for an impossible backlog", function()
    local socket <close> = new()
    assert.error_matches(function() socket:listen(-1) end, "out of range")
    assert.error_matches(function() socket:listen(math.maxinteger) end, "out of range")
  end)
end)

describe("accept", function()
  it("answers a blocking socket, also from a non-blocking one", function()
    local listener, port, _ <close> = listening()
    listener:setBlocking(false)
    local client <close> = assert(new():connect("127.0.0.1", port))
    assert.equal("r", listener:wait("r", 10))
    local server <close> = assert(listener:accept())
    assert.is_true(server:isBlocking())
    assert.is_false(listener:isBlocking())
    assert.same({ client:getSockName() }, { server:getPeerName() })
    assert.same({ client:getPeerName() }, { server:getSockName() })
  end)

  it("says not_ready where nobody has come to a non-blocking one", function()
    local listener, _, _ <close> = listening()
    listener:setBlocking(false)
    wants(core.SSL_ERROR_WANT_READ, listener:accept())
  end)

  it("refuses a socket that does not listen", function()
    local socket <close> = new()
    fails_with("not_listening", "accept", socket:accept())
    local client, _, _ <close> = tcp()
    fails_with("not_listening", "accept", client:accept())
  end)

  it("leaves no descriptor behind where it fails", function()
    local listener, _, _ <close> = listening()
    listener:setBlocking(false)
    local before = sockets.lowest_free()
    for _ = 1, 100 do listener:accept() end
    sockets.collect()
    assert.equal(before, sockets.lowest_free())
  end)
end)

describe("getPeerName and getSockName", function()
  it("answer host and port", function()
    local client, server, _ <close> = tcp()
    assert.same({ client:getPeerName() }, { server:getSockName() })
    assert.same({ client:getSockName() }, { server:getPeerName() })
    assert.equal("integer", math.type((select(2, client:getPeerName()))))
  end)

  it("refuse a peer that is not there", function()
    local socket <close> = new()
    fails_with("not_connected", "address", socket:getPeerName())
  end)
end)
