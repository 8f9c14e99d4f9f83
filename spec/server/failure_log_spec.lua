-- scissl.server.failure_log: what a server without onError writes to standard error.
local scissl = require "scissl"
local report = require "scissl.server.failure_log"

describe("A server without onError", function()
  it("writes ten lines about failed handshakes, and counts the others", function()
    local lines, stderr = {}, io.stderr
    io.stderr = { write = function(_, ...) lines[#lines + 1] = table.concat { ... } end } -- luacheck: ignore 122
    local failure = scissl.SciSslError.new { phase = "accept", condition = "timeout" }
    for _ = 1, 25 do report(failure, "handshake") end
    report("a defect of the program", "handler")
    io.stderr = stderr -- luacheck: ignore 122
    assert.equal(11, #lines)
    assert.equal("scissl: " .. tostring(failure) .. "\n", lines[1])
    assert.equal("scissl: a defect of the program\n", lines[11])
  end)
end)
