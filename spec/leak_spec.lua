-- Connections that come and go leave nothing behind.
local scissl = require "scissl"
local ends = require "spec.support.ends"

local function resident()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s+(%d+)"
    if kilobytes then return tonumber(kilobytes) end
  end
end

describe("10,000 sequential connections", function()
  it("leave the process's memory where it was after the first 1,000", function()
    if not io.open "/proc/self/status" then return pending "needs /proc" end
    if os.getenv "SCISSL_RUN" ~= nil and os.getenv "SCISSL_RUN" ~= "plain" then
      return pending "a sanitizer's own memory grows; leaks are what it looks for by itself"
    end
    local client_context, server_context = ends.clientContext(), ends.serverContext()
    local listener, port = ends.listener()
    local after_first
    for i = 1, 10000 do
      local client = assert(scissl.SciSslSocket.new(client_context))
      assert(client:connect("127.0.0.1", port))
      local server = assert(scissl.SciSslSocket.on(assert(listener:accept()):setBlocking(false), server_context))
      assert(client:sslInitialize())
      assert(server:sslInitialize())
      local client_answer, server_answer = ends.handshake(client, server)
      if client_answer ~= 1 or server_answer ~= 1 then error(tostring(client_answer) .. tostring(server_answer)) end
      assert(server:sslWrite "hello" == 5)
      assert(ends.read(client, server) == "hello")
      client:close()
      server:close()
      if i == 1000 or i == 10000 then
        collectgarbage()
        collectgarbage()
        after_first = after_first or resident()
      end
    end
    listener:close()
    local growth = resident() - after_first
    -- One leaked structure of OpenSSL a connection would be tens of megabytes; the allocator's own wander is not.
    assert.is_true(growth < 2048, ("grew by %d KiB over 9,000 connections"):format(growth))
  end)
end)
