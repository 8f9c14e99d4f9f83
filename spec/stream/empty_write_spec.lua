-- Writes of nothing: they keep no memory. In a process of its own, whose OpenSSL has its bytes counted.
require "scissl"
local ends = require "spec.support.ends"
local scarce_support = require "spec.support.scarce"

local folder, why = scarce_support.path()

describe("A stream that writes nothing #slow", function()
  (folder and it or pending)("keeps no memory for output: " .. (why or ""), function()
    local child <close> = ends.lua([[
      local scarce = require "scarce"
      if not scarce.hasOpenssl then os.exit(77) end
      local scissl, ends = require "scissl", require "spec.support.ends"
      local client, server = ends.pair {}
      ends.handshake(client, server)
      local stream, other = scissl.stream(client), scissl.stream(server)
      for _, write in ipairs {
        function() return stream:writev {} end, function() return stream:writev { "", "" } end,
        function() return stream:write "" end, function() return stream:write("", "") end,
        function() return stream:write() end,
      } do
        local before = scarce.held()
        assert(write() == stream)
        assert(scarce.held() == before, scarce.held() - before)
      end
      assert(stream:writev { "a line", "", "\n" } and other:read "l" == "a line")
    ]], nil, { LUA_CPATH = folder .. "/?.so;" .. package.cpath })
    local output, _, code = child:finish()
    if code ~= 77 then assert.same({ "", 0 }, { output, code }) end
  end)
end)
