-- send and receive of LuaSec's connections, as LuaSocket has them: ours, and the real ones, over the same exchanges.

local ends = require "spec.support.ends"
local luasec = require "spec.support.luasec"
local socket = require "socket"

local function peers(ssl)
  local run = luasec.connect { clientSsl = ssl, serverSsl = luasec.ours }
  return run.client, run.server
end

-- What both ends have said is there before the next question: nothing depends on who is faster.
local function said(ssl, text)
  local client, server = peers(ssl)
  server:send(text)
  server:close()
  return client
end

for name, ssl in luasec.implementations() do
  describe("receive of LuaSec, " .. name .. ",", function()
    it("answers lines, without their ends, and every carriage return left out", function()
      local client = said(ssl, "one\ntwo\r\n\r\nthr\ree\nrest\r")
      local lines = {}
      repeat
        local line, problem, partial = client:receive()
        lines[#lines + 1] = line or problem .. ":" .. partial
      until not line
      assert.are.same({ "one", "two", "", "three", "closed:rest" }, lines)
    end)

    it("answers that many bytes", function()
      local client = said(ssl, "abcdefgh")
      assert.are.equal("abc", (client:receive(3)))
      assert.are.equal("d", (client:receive "1"))
      assert.are.equal("", (client:receive(0)))
      assert.are.equal("ef", (client:receive(2.9)))
      assert.are.same({ nil, "closed", "gh" }, { client:receive(3) })
      assert.are.same({ nil, "closed", "" }, { client:receive(3) })
    end)

    it("answers all there is", function()
      local client = said(ssl, "ab\r\ncd")
      assert.are.equal("ab\r\ncd", (client:receive "*a"))
      assert.are.same({ nil, "closed", "" }, { client:receive "*a" })
    end)

    it("begins with the prefix", function()
      local client = said(ssl, "abc\ndefghi")
      assert.are.equal("xyabc", (client:receive("*l", "xy")))
      assert.are.equal("xyd", (client:receive(3, "xy")))
      assert.are.equal("xyz", (client:receive(2, "xyz")))
      assert.are.equal("xefghi", (client:receive("*a", "x")))
      assert.are.same({ nil, "closed", "x" }, { client:receive("*a", "x") })
      assert.are.same({ nil, "closed", "x" }, { client:receive("*l", "x") })
    end)

    it("answers three values, whatever comes", function()
      local client = said(ssl, "abc\nde")
      assert.are.equal(3, math.min(3, (select("#", client:receive()))))
      assert.are.same({ "de", nil, nil }, { client:receive(2) })
      assert.are.equal(3, math.min(3, (select("#", client:receive()))))
    end)

    it("refuses other patterns", function()
      local client = said(ssl, "x")
      for _, pattern in ipairs { "x", "*x", "", -1 } do
        assert.error_matches(function() client:receive(pattern) end, "bad argument #1 to 'receive'")
      end
    end)

    it("hands over what has come when the time is over, and goes on from there", function()
      local client, server = peers(ssl)
      local got, rounds = "", 0
      for _, piece in ipairs { "he", "l", "lo\r", "\nworld" } do
        server:send(piece)
        luasec.wait(client)
        client:settimeout(0.01)
        local line, problem
        line, problem, got = client:receive("*l", got)
        rounds = rounds + 1
        if line then
          assert.are.equal("hello", line)
          break
        end
        assert.are.equal("wantread", problem)
      end
      assert.are.equal(4, rounds)
      client:settimeout(10)
      assert.are.equal("world", (client:receive(5)))
    end)

    it("takes what is long in one piece", function()
      local client, server = peers(ssl)
      local long = ("0123456789abcdef"):rep(1 << 14)
      local sent, got = 0, ""
      client:settimeout(0)
      server:settimeout(0)
      repeat
        local last, _, partial = server:send(long, sent + 1)
        sent = last or partial
        local all, _, so_far = client:receive(#long, got)
        got = all or so_far
      until #got == #long
      assert.are.equal(long, got)
    end)
  end)

  describe("send of LuaSec, " .. name .. ",", function()
    it("answers the last byte of what it was given", function()
      local client, server = peers(ssl)
      server:send "go\n"
      assert.are.equal("go", (client:receive())) -- with unread bytes, closing would reset the connection
      assert.are.equal(6, (client:send "abcdef"))
      assert.are.equal(6, (client:send("abcdef", 3)))
      assert.are.equal(4, (client:send("abcdef", 3, 4)))
      assert.are.equal(5, (client:send("abcdef", -3, -2)))
      assert.are.equal(6, (client:send("abcdef", -100, 100)))
      assert.are.equal(4, (client:send("abcdef", 5, 4)))
      assert.are.equal(0, (client:send ""))
      assert.are.equal(2, (client:send(12)))
      client:close()
      assert.are.equal("abcdef" .. "cdef" .. "cd" .. "de" .. "abcdef" .. "12", (server:receive "*a"))
    end)

    it("wants text", function()
      local client = peers(ssl)
      assert.error_matches(function() client:send(nil) end, "bad argument #1 to 'send'")
      assert.error_matches(function() client:send {} end, "bad argument #1 to 'send'")
    end)

    it("says how far it has come when the time is over", function()
      local client, server = peers(ssl)
      local block = ("x"):rep(1 << 22)
      client:settimeout(0.05)
      local last, problem, partial = client:send(block)
      for _ = 1, 20 do
        if not last then break end
        last, problem, partial = client:send(block)
      end
      assert.is_nil(last)
      assert.are.equal("wantwrite", problem)
      assert.is_true(partial >= 0 and partial < #block)
      local sent = partial
      client:settimeout(0)
      server:settimeout(0)
      repeat
        server:receive(1 << 16)
        last, problem, partial = client:send(block, sent + 1)
        sent = last or partial
      until last or problem ~= "wantwrite"
      assert.are.equal(#block, last)
    end)
  end)
end

describe("receive of LuaSec", function()
  it("ends after the time-out, though something has come", function()
    local client, server = peers(luasec.ours)
    local now = socket.gettime
    local started = now()
    client:settimeout(0.2)
    server:send "x"
    local line, problem, partial = client:receive()
    assert.are.same({ nil, "wantread", "x" }, { line, problem, partial })
    assert.is_true(now() - started >= 0.2)
  end)

  it("takes a reset for no end", function()
    local listener, port = ends.listener()
    local client = assert(luasec.ours.wrap(socket.connect("127.0.0.1", port), luasec.client()))
    local transport = assert(listener:accept())
    local server = assert(luasec.ours.wrap(transport, luasec.server()))
    client:settimeout(0)
    client:dohandshake()
    luasec.wait(server)
    server:settimeout(0)
    server:dohandshake()
    client:settimeout(10)
    assert.is_true((client:dohandshake()))
    server:settimeout(10)
    assert.is_true((server:dohandshake()))
    server:send "part"
    assert.are.equal("p", (client:receive(1)))
    transport:setSockOpt("SO_LINGER", 0)
    transport:close()
    assert.are.same({ nil, "closed", "art" }, { client:receive "*a" })
  end)

  it("is announced by dirty where the descriptor has nothing to announce", function()
    local client, server = peers(luasec.ours)
    server:send "abc\ndef\n"
    assert.are.equal("abc", (client:receive()))
    assert.is_true(client:dirty())
    local ready = socket.select({ client }, nil, 0)
    assert.are.equal(client, ready[1])
    assert.are.equal("def", (client:receive()))
    assert.is_false(client:dirty())
  end)
end)

if not luasec.real then pending "LuaSec is not installed: send and receive have not been compared with it" end
