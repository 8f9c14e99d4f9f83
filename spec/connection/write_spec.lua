local scissl = require "scissl"
local ends = require "spec.support.ends"
local payload = require "spec.support.payload"
local pki = require "spec.support.pki"

local pattern, pump = payload.pattern, payload.pump

local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local RECORD = 16384

-- The lengths of the records in what a memory transport has for its peer, and the bytes.
local function record_lengths(socket)
  local drained = socket:sslDrain()
  return (payload.records(drained)), drained
end

for _, version in ipairs(VERSIONS) do
  local function connected(transport)
    local client, server = ends.connected { version = version, transport = transport }
    if transport == "memory" then client:sslRead() end -- the tickets
    return client, server
  end

  describe("sslWritev, " .. version, function()
    it("writes strings one behind the other, empty ones too", function()
      local client, server = connected()
      assert.equal(10, client:sslWritev { "head", "", ": ", "body" })
      assert.equal("head: body", ends.read(server, client))
    end)

    it("fills records from short strings, and lets long ones be", function()
      local client, server = connected "memory"
      local strings = {}
      for i = 1, 1000 do strings[i] = pattern(50, i) end
      strings[1001] = pattern(2 * RECORD + 5, 7)
      strings[1002] = "end"
      local all = table.concat(strings)
      assert.equal(#all, client:sslWritev(strings))
      local lengths, bytes = record_lengths(client)
      assert.equal((#all + RECORD - 1) // RECORD, #lengths)
      server:sslFeed(bytes)
      local read = {}
      repeat read[#read + 1] = server:sslRead() until #table.concat(read) == #all
      assert.equal(all, table.concat(read))
    end)

    it("goes on behind what earlier calls have taken, however the transport splits it #slow", function()
      local client, server = connected()
      local all, arrived, waited = payload.pumpStrings(client, server)
      assert.is_true(waited)
      assert.is_true(all == arrived)
    end)

    it("answers 0 for nothing", function()
      local client = connected()
      local answer = client:sslWritev {}
      assert.equal(0, answer)
      assert.equal(scissl.SSL_ERROR_NONE, client:sslGetError(answer))
      assert.equal(0, client:sslWritev({ "abc" }, 3))
    end)

    it("may be repeated by sslWrite with the same bytes, and by nothing else", function()
      local client, server = connected()
      local chunk = pattern(RECORD, 1)
      local answer
      repeat answer = client:sslWritev { chunk } until answer < RECORD
      assert.is_true(ends.notYet(client, answer))
      local other = client:sslWritev { pattern(RECORD, 2) }
      assert.equal("write_pending", other:condition())
      assert.equal("write_pending", client:sslWritev({ "short" }):condition())
      while type(server:sslRead()) == "string" do end -- luacheck: ignore 542
      assert.equal(RECORD, client:sslWrite(chunk))
    end)

    it("refuses what is no table of strings, before it writes any of it", function()
      local client, server = connected()
      assert.error_matches(function() client:sslWritev "text" end, "bad argument #1 to 'sslWritev'")
      assert.error_matches(function() client:sslWritev { "a", 1 } end, "string expected at index 2, got number")
      assert.error_matches(function() client:sslWritev({ "abc" }, 4) end, "bad argument #2 to 'sslWritev'")
      assert.error_matches(function() client:sslWritev({ "abc" }, -1) end, "bad argument #2 to 'sslWritev'")
      assert.equal(3, client:sslWrite "abc")
      assert.equal("abc", ends.read(server, client))
    end)

    it("needs a connection as sslWrite does", function()
      local client = ends.pair { version = version }
      assert.equal("handshake_needed", client:sslWritev({ "a" }):condition())
      client:close()
      assert.equal("closed", client:sslWritev({ "a" }):condition())
    end)
  end)

  describe("sendfile, " .. version, function()
    local text = pattern(300000, 3)

    it("sends a file whole, a part of it, and no more than there is", function()
      local client, server = connected()
      local file <close> = assert(io.open(pki.write(text)))
      local arrived = pump(client, server, #text, function(sent) return client:sendfile(file, sent) end)
      assert.is_true(text == arrived)
      assert.equal(10, client:sendfile(file, 5, 10))
      assert.equal(text:sub(6, 15), ends.read(server, client))
      assert.equal(7, client:sendfile(file, #text - 7, 1000))
      assert.equal(text:sub(-7), ends.read(server, client))
      assert.equal(0, client:sendfile(file, #text))
      assert.equal(0, client:sendfile(file, 0, 0))
    end)

    it("leaves the file where it was", function()
      local client, server = connected()
      local file <close> = assert(io.open(pki.write(text)))
      assert.equal(100, client:sendfile(file, 50, 100))
      assert.equal(0, file:seek())
      server:close() -- not before: a socket that is collected is closed
    end)

    it("goes on where the transport took no more", function()
      local client, server = connected()
      local long = pattern(1000000, 4)
      local file <close> = assert(io.open(pki.write(long)))
      local arrived, waited = pump(client, server, #long, function(sent) return client:sendfile(file, sent) end)
      assert.is_true(waited)
      assert.is_true(long == arrived)
    end)

    it("answers what is wrong with the file, and the connection goes on", function()
      local client, server = connected()
      local folder <close> = assert(io.open(pki.folder()))
      local failure = client:sendfile(folder)
      assert.is_true(scissl.isSslError(failure))
      assert.equal("write", failure:phase())
      assert.equal(2, client:sslWrite "go")
      assert.equal("go", ends.read(server, client))
    end)

    it("refuses what is no open file", function()
      local client = connected()
      local file = assert(io.open(pki.write "x"))
      file:close()
      assert.error_matches(function() client:sendfile(file) end, "open file expected")
      assert.error_matches(function() client:sendfile "path" end, "bad argument #1 to 'sendfile'")
      assert.error_matches(function() client:sendfile(io.stdin, -1) end, "bad argument #2 to 'sendfile'")
      assert.error_matches(function() client:sendfile(io.stdin, 0, -1) end, "bad argument #3 to 'sendfile'")
    end)
  end)

  describe("sslSetRecordSizing, " .. version, function()
    local OVERHEAD = 64

    it("begins with short records and goes on with long ones", function()
      local client = connected "memory"
      assert.equal(client, client:sslSetRecordSizing(1300, 3900))
      assert.equal(40000, client:sslWrite(pattern(40000, 1)))
      local lengths = record_lengths(client)
      for i = 1, 3 do assert.is_true(lengths[i] <= 1300 + OVERHEAD) end
      assert.is_true(lengths[4] > RECORD)
    end)

    it("begins anew after a pause", function()
      local client = connected "memory"
      client:sslSetRecordSizing(1300, 1300, 0)
      client:sslWrite(pattern(4000, 1))
      record_lengths(client)
      client:sslWrite(pattern(4000, 1))
      assert.is_true(record_lengths(client)[1] <= 1300 + OVERHEAD)
    end)

    it("loses nothing where the transport takes no more", function()
      local client, server = connected()
      client:sslSetRecordSizing(512, 1 << 40)
      local text = pattern(600000, 9)
      local arrived, waited = pump(client, server, #text, function(sent) return client:sslWrite(text, sent + 1) end)
      assert.is_true(waited)
      assert.is_true(text == arrived)
    end)

    it("is off at first, and again with nil", function()
      local client = connected "memory"
      client:sslWrite(pattern(RECORD, 1))
      assert.equal(1, #record_lengths(client))
      client:sslSetRecordSizing(1300):sslSetRecordSizing(nil)
      client:sslWrite(pattern(RECORD, 1))
      assert.equal(1, #record_lengths(client))
      assert.error_matches(function() client:sslSetRecordSizing(100) end, "bad argument #1 to 'sslSetRecordSizing'")
      assert.error_matches(function() client:sslSetRecordSizing(1300, -1) end,
        "bad argument #2 to 'sslSetRecordSizing'")
      assert.error_matches(function() client:sslSetRecordSizing(1300, 1, -1) end,
        "bad argument #3 to 'sslSetRecordSizing'")
    end)
  end)

  describe("sslReadSized, " .. version, function()
    it("answers in one string what is there, up to the size", function()
      local client, server = connected()
      local text = pattern(200000, 5)
      local sent = 0
      repeat sent = sent + server:sslWrite(text, sent + 1) until sent == #text
      assert.is_true(text:sub(1, 150000) == client:sslReadSized(150000))
      assert.is_true(text:sub(150001) == client:sslReadSized(150000))
      assert.is_true(ends.notYet(client, client:sslReadSized(10)))
    end)

    it("waits for all of it on a blocking socket", function()
      local client, server = connected()
      for _ = 1, 3 do server:sslWrite "abcd" end
      client:setBlocking(true)
      assert.equal("abcdabcda", client:sslReadSized(9))
    end)

    it("answers the bytes first, and then the end or the failure", function()
      local client, server = connected "memory"
      server:sslWrite "last"
      server:close()
      client:sslFeed(server:sslDrain())
      assert.equal("last", client:sslReadSized(100))
      local answer = client:sslReadSized(100)
      assert.equal(0, answer)
      assert.equal(scissl.SSL_ERROR_ZERO_RETURN, client:sslGetError(answer))
    end)

    it("refuses sizes that make no sense", function()
      local client = connected()
      assert.error_matches(function() client:sslReadSized() end, "bad argument #1 to 'sslReadSized'")
      assert.error_matches(function() client:sslReadSized(0) end, "bad argument #1 to 'sslReadSized'")
      assert.error_matches(function() client:sslReadSized(1 << 40) end, "bad argument #1 to 'sslReadSized'")
    end)
  end)

  describe("the buffers of many sockets #slow, " .. version, function()
    it("lose nothing that is on its way when others are used in between", function()
      local pairs_ = {}
      for i = 1, 40 do
        local client, server = connected "memory"
        server:sslWrite(pattern(1000, i))
        pairs_[i] = { client, server, server:sslDrain() }
      end
      -- A header alone, a half, all but the last byte; and reads that take a part.
      local from = 1
      for _, to in ipairs { 3, 5, 6, 500, -2, -1 } do
        for _, one in ipairs(pairs_) do
          local client, bytes = one[1], one[3]
          client:sslFeed(bytes:sub(from, to))
          if to ~= -1 then assert.is_true(ends.notYet(client, client:sslRead())) end
        end
        from = to > 0 and to + 1 or -1
      end
      for i, one in ipairs(pairs_) do assert.equal(pattern(1000, i):sub(1, 100), one[1]:sslRead(100)) end
      for i, one in ipairs(pairs_) do assert.equal(pattern(1000, i):sub(101), one[1]:sslRead()) end
    end)

    it("lose nothing that waits to be written", function()
      local text, all = pattern(RECORD, 1), {}
      for i = 1, 40 do
        local client, server = connected "memory"
        local taken, answer = 0, 0
        repeat
          taken = taken + answer
          answer = client:sslWrite(text)
        until answer <= 0
        all[i] = { client, server, taken }
      end
      for _, one in ipairs(all) do
        local client, server, taken = table.unpack(one)
        server:sslFeed(client:sslDrain())
        assert.equal(RECORD, client:sslWrite(text))
        server:sslFeed(client:sslDrain())
        local read = {}
        local size = 0
        repeat
          read[#read + 1] = server:sslRead()
          size = size + #read[#read]
        until size == taken + RECORD
        assert.is_true(text:rep(size // RECORD) == table.concat(read))
      end
    end)
  end)
end

describe("ktls", function()
  it("says that OpenSSL does the work", function()
    local client = ends.connected()
    local sends, receives = client:ktls()
    assert.is_false(sends)
    assert.is_false(receives)
    local fresh = ends.pair { initialize = false }
    assert.is_false((fresh:ktls()))
  end)
end)
