-- scissl.stream: a TLS connection with the manners of Lua's own files.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local streams = require "spec.support.streams".pair

-- The answer of `format` after the peer has written `text` and closed.
local function read_of(text, ...)
  local client, server = streams()
  assert(client:write(text))
  assert(client:close())
  return server:read(...)
end

-- Ends the connection the rough way: TCP's end without close_notify.
local function cut(stream)
  assert(stream:socket():shutdown("w"))
end

describe("A stream reads", function()
  it("a line without its end by default", function()
    assert.are.same({ "one" }, { read_of "one\ntwo\n" })
  end)

  it("a line with its end for 'L'", function()
    assert.are.same({ "one\n" }, { read_of("one\ntwo\n", "L") })
  end)

  it("empty lines as empty strings", function()
    assert.are.same({ "", "", "x" }, { read_of("\n\nx\n", "l", "l", "l") })
  end)

  it("a last line that has no end", function()
    assert.are.same({ "one", "two" }, { read_of("one\ntwo", "l", "L") })
  end)

  it("nil at the end, for lines, counts and numbers", function()
    assert.are.same({ n = 1 }, table.pack(read_of("", "l")))
    assert.are.same({ n = 1 }, table.pack(read_of("", "L")))
    assert.are.same({ n = 1 }, table.pack(read_of("", 1)))
    assert.are.same({ n = 1 }, table.pack(read_of("", "n")))
  end)

  it("an empty string at the end for 'a'", function()
    assert.are.same({ "" }, { read_of("", "a") })
  end)

  it("everything for 'a'", function()
    local text = ("0123456789\n"):rep(1000)
    assert.are.same({ text }, { read_of(text, "a") })
  end)

  it("so many bytes for a number", function()
    assert.are.same({ "abc", "de" }, { read_of("abcdefg", 3, 2) })
  end)

  it("fewer bytes than asked for at the end", function()
    assert.are.same({ "abc" }, { read_of("abc", 100) })
  end)

  it("an empty string for 0 while there is more, and nil at the end", function()
    assert.are.same({ "", "x" }, { read_of("x", 0, "a") })
    assert.are.same({ n = 1 }, table.pack(read_of("", 0)))
  end)

  it("numerals for 'n', as io.read does", function()
    local text = " 12 -3.5e2 0x1F .5 0x.8p1 77z"
    local file = assert(io.tmpfile())
    file:write(text)
    file:seek("set")
    local formats = { "n", "n", "n", "n", "n", "n", "a" }
    assert.are.same({ file:read(table.unpack(formats)) }, { read_of(text, table.unpack(formats)) })
  end)

  it("nil for 'n' where no numeral stands, and leaves the rest", function()
    assert.are.same({ n = 1 }, table.pack(read_of("abc", "n")))
  end)

  it("formats with Lua 5.1's star too", function()
    assert.are.same({ "one", "two\n", "three" }, { read_of("one\ntwo\nthree", "*l", "*L", "*a") })
    assert.are.same({ "", n = 1 }, table.pack(read_of("", "*a")))
  end)

  it("bytes of every value", function()
    local bytes = {}
    for i = 0, 255 do bytes[i + 1] = string.char(i) end
    local text = table.concat(bytes)
    assert.are.same({ text }, { read_of(text, 256) })
  end)

  it("none of the later formats once one has met the end", function()
    assert.are.same({ n = 2, "one" }, table.pack(read_of("one\n", "l", "l", "a")))
  end)

  it("lines that arrive in pieces", function()
    local client, server = streams()
    for _, piece in ipairs { "o", "ne\ntw", "o", "\n" } do assert(client:write(piece)) end
    assert.are.equal("one", server:read())
    assert.are.equal("two", server:read())
  end)

  it("refuses formats that do not exist", function()
    local client = streams()
    assert.error_matches(function() client:read("x") end, "bad argument #1 to 'read' %(invalid format%)")
    assert.error_matches(function() client:read("l", -1) end, "bad argument #2 to 'read' %(invalid format%)")
    assert.error_matches(function() client:read(1.5) end, "bad argument #1 to 'read' %(invalid format%)")
    assert.error_matches(function() client:read(nil) end, "bad argument #1 to 'read' %(invalid format%)")
    assert.error_matches(function() client:read({}) end, "bad argument #1 to 'read' %(invalid format%)")
  end)
end)

describe("A stream's lines", function()
  it("are read one after the other", function()
    local client, server = streams()
    assert(client:write("one\ntwo\n\nfour"))
    assert(client:close())
    local got = {}
    for line in server:lines() do got[#got + 1] = line end
    assert.are.same({ "one", "two", "", "four" }, got)
  end)

  it("take formats", function()
    local client, server = streams()
    assert(client:write("a1b2"))
    assert(client:close())
    local got = {}
    for letter, digit in server:lines(1, "n") do got[letter] = digit end
    assert.are.same({ a = 1, b = 2 }, got)
  end)

  it("raise the error where the stream was cut", function()
    local client, server = streams()
    assert(client:write("one\ntw"))
    cut(client)
    local next_line = server:lines()
    assert.are.equal("one", next_line())
    local good, failure = pcall(next_line)
    assert.is_false(good)
    assert.are.equal("truncated", failure:condition())
  end)
end)

-- No two lines alike, so that one that is lost, doubled or moved shows.
local function numbered_lines(count)
  local lines = {}
  for i = 1, count do lines[i] = ("line %d\n"):format(i) end
  return table.concat(lines)
end

describe("A stream writes", function()
  it("strings and numbers, and answers itself", function()
    local client, server = streams()
    assert.are.equal(client, client:write("a", 1, "b", 2.5, "\n"))
    assert.are.equal("a1b2.5", server:read())
  end)

  it("nothing where there is nothing to write", function()
    local client, server = streams()
    assert.are.equal(client, client:write())
    assert.are.equal(client, client:write(""))
    assert(client:close())
    assert.are.equal("", server:read("a"))
  end)

  it("refuses other values and sends nothing of them", function()
    local client, server = streams()
    assert.error_matches(function() client:write("x", {}) end,
      "bad argument #2 to 'write' %(string expected, got table%)")
    assert.error_matches(function() client:write(nil) end, "bad argument #1 to 'write' %(string expected, got nil%)")
    assert(client:close())
    assert.are.equal("", server:read("a"))
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("whole strings however the transport splits them #slow, " .. version, function()
      local client, server = streams({ waiter = "coroutine" }, { waiter = "coroutine" },
        { version = version, transport = "tcp" })
      local text = numbered_lines(800000)
      local results = ends.run(
        function()
          assert(client:write(text, "end"))
          return client:close()
        end,
        function() return server:read("a") end)
      assert.are.equal(true, results[1][1])
      assert.is_true(results[2][1] == text .. "end")
    end)
  end

  it("strings of several coroutines without tearing them", function()
    local client, server = streams({ waiter = "coroutine" }, { waiter = "coroutine" }, { transport = "tcp" })
    local function writer(letter)
      return function() assert(client:write(letter:rep(3000000), "\n")) end
    end
    local results = ends.run(writer "a", writer "b", writer "c", function()
      local lines = {}
      for i = 1, 3 do
        local line = server:read(3000001)
        lines[i] = line == line:sub(1, 1):rep(3000000) .. "\n" and line:sub(1, 1) or "torn"
      end
      table.sort(lines)
      return table.concat(lines)
    end)
    assert.are.equal("abc", results[4][1])
  end)
end)

describe("The end of a stream", function()
  it("is clean after the peer's close", function()
    local client, server = streams()
    assert(client:close())
    assert.are.same({ n = 1 }, table.pack(server:read()))
    assert.are.same({ n = 1 }, table.pack(server:read())) -- and stays so
  end)

  it("is an error where the connection was cut, and nothing that came is lost", function()
    local client, server = streams()
    assert(client:write("half a li"))
    cut(client)
    local line, failure, partial = server:read()
    assert.is_nil(line)
    assert.are.equal("truncated", failure:condition())
    assert.are.equal("read", failure:phase())
    assert.are.equal("half a li", partial)
  end)

  it("is an error for 'a' and counts too", function()
    for _, format in ipairs { "a", 100 } do
      local client, server = streams()
      assert(client:write("abc"))
      cut(client)
      local data, failure, partial = server:read(format)
      assert.is_nil(data)
      assert.are.equal("truncated", failure:condition())
      assert.are.equal("abc", partial)
    end
  end)

  it("stays an error when read again", function()
    local client, server = streams()
    cut(client)
    for _ = 1, 2 do
      local data, failure = server:read("a")
      assert.is_nil(data)
      assert.are.equal("truncated", failure:condition())
    end
  end)

  it("leaves whole lines before a cut to be read", function()
    local client, server = streams()
    assert(client:write("one\ntwo\nth"))
    cut(client)
    assert.are.equal("one", server:read())
    assert.are.equal("two", server:read())
    assert.is_nil((server:read()))
  end)

  it("answers the values before the failed one", function()
    local client, server = streams()
    assert(client:write("one\ntw"))
    cut(client)
    local first, second, failure, partial = server:read("l", "l")
    assert.are.equal("one", first)
    assert.is_nil(second)
    assert.are.equal("truncated", failure:condition())
    assert.are.equal("tw", partial)
  end)

  it("answers a SciSslError to a write after the peer has gone", function()
    local client, server = streams(nil, nil, { transport = "tcp" })
    server:socket():close()
    local failure
    for _ = 1, 1000 do
      local done
      done, failure = client:write(("x"):rep(65536))
      if not done then break end
    end
    assert.is_true(scissl.isSslError(failure))
    assert.are.equal("write", failure:phase())
  end)
end)

describe("A stream's close", function()
  it("tells the peer and closes the socket", function()
    local client, server = streams()
    assert.is_true(client:close())
    assert.is_false(client:socket():isSecure())
    assert.is_nil((server:read(0)))
  end)

  it("is harmless twice", function()
    local client = streams()
    assert.is_true(client:close())
    assert.is_true(client:close())
  end)

  it("happens at the end of a block for <close>", function()
    local client, server = streams()
    do
      local closing <close> = client
      assert(closing:write("last"))
    end
    assert.are.equal("last", server:read("a"))
  end)

  it("is no failure where the peer has gone before", function()
    local client, server = streams(nil, nil, { transport = "tcp" })
    assert(server:close())
    assert.is_nil((client:read()))
    assert.is_true(client:close())
  end)

  it("makes reading and writing fail as closed", function()
    local client, server = streams()
    assert(server:write("unread"))
    assert(client:read(1))
    client:close()
    local data, failure = client:read(1)
    assert.is_nil(data)
    assert.are.equal("closed", failure:condition())
    data, failure = client:write("x")
    assert.is_nil(data)
    assert.are.equal("closed", failure:condition())
  end)

  it("ends though the peer has sent what nobody reads", function()
    local client, server = streams(nil, { timeout = 0.05 }, { transport = "tcp" })
    assert.is_nil((server:write(("x"):rep(16 * 1024 * 1024))))
    assert.is_true(client:close())
  end)

  it("loses nothing that was written, though session tickets were never read", function()
    local client, server = streams(nil, nil, { transport = "tcp", version = "TLSv1.3" })
    local text = ("x"):rep(100000)
    assert(client:write(text))
    assert(client:close())
    assert.are.equal(text, server:read("a"))
  end)
end)

describe("A line's length", function()
  it("is limited, so that no peer can fill our memory", function()
    local client, server = streams(nil, { maxLine = 10, timeout = 30 })
    assert(client:write("12345678901\n"))
    local line, failure = server:read()
    assert.is_nil(line)
    assert.are.equal("line_too_long", failure:condition())
  end)

  it("is limited before the line has ended", function()
    local client, server = streams(nil, { maxLine = 10, timeout = 30 })
    assert(client:write("12345678901"))
    local _, failure = server:read("L")
    assert.are.equal("line_too_long", failure:condition())
  end)

  it("may be as long as the limit", function()
    local client, server = streams(nil, { maxLine = 10, timeout = 30 })
    assert(client:write("1234567890\n"))
    assert.are.equal("1234567890", server:read())
  end)

  it("does not limit counts, which read what was too long", function()
    local client, server = streams(nil, { maxLine = 10, timeout = 30 })
    assert(client:write("12345678901\nok\n"))
    assert.is_nil((server:read()))
    assert.are.equal("12345678901\n", server:read(12))
    assert.are.equal("ok", server:read())
  end)
end)

describe("A stream", function()
  it("answers what its socket answers", function()
    local client = streams()
    local socket = client:socket()
    assert.are.equal(socket:version(), client:version())
    assert.are.equal(socket:cipher(), client:cipher())
    assert.are.equal(socket:peerCertificate(), client:peerCertificate())
    assert.are.equal((socket:sslVerifyCertificate()), (client:sslVerifyCertificate()))
    assert.are.equal(socket:getfd(), client:getfd())
    assert.is_true(client:isSecure())
  end)

  it("is dirty while something has been read ahead", function()
    local client, server = streams()
    assert.is_false(server:dirty())
    assert(client:write("one\ntwo\n"))
    assert.are.equal("one", server:read())
    assert.is_true(server:dirty())
    assert.are.equal("two", server:read())
    assert.is_false(server:dirty())
  end)

  it("says in a line what it is", function()
    local client = streams()
    assert.truthy(tostring(client):find("^SciSslStream: client, TLSv1.3, "), tostring(client))
    client:close()
    assert.are.equal("SciSslStream: closed", tostring(client))
  end)

  it("is made of a SciSslSocket only", function()
    assert.error_matches(function() scissl.stream({}) end, "SciSslSocket expected, got table")
    assert.error_matches(function() scissl.stream(scissl.SciSocket.pair()) end, "SciSslSocket expected")
  end)

  it("refuses unknown options", function()
    local client = ends.connected()
    assert.error_matches(function() scissl.stream(client, { maxline = 1 }) end, "did you mean 'maxLine'")
  end)

  it("before the handshake answers what is missing", function()
    local client = ends.pair()
    local data, failure = scissl.stream(client):read()
    assert.is_nil(data)
    assert.are.equal("handshake_needed", failure:condition())
  end)
end)
