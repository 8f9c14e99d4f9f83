-- An error about a wrong option names the line of the call in the program.
local scissl = require "scissl"

local function with_metatable(options) return setmetatable(options, {}) end

local function memory_socket() return scissl.SciSslSocket.onMemory(scissl.SciSslContext.new()) end

local calls = {
  ["scissl.connect"] = function(options) scissl.connect(options) end,
  ["scissl.listen"] = function(options) scissl.listen(options) end,
  ["scissl.plain.connect"] = function(options) scissl.plain.connect(options) end,
  ["SciSslSocketConfiguration.new"] = function(options) scissl.SciSslSocketConfiguration.new(options) end,
  ["scissl.stream"] = function(options) scissl.stream(memory_socket(), options) end,
  ["scissl.handshake"] = function(options) scissl.handshake(memory_socket(), "accept", options) end,
  ["scissl.scheduler.new"] = function(options) scissl.scheduler.new(options) end,
  ["scissl.sessions.memory.new"] = function(options) scissl.sessions.memory.new(options) end,
  ["scissl.sni.new"] = function(options) scissl.sni.new({}, options) end,
}

local kinds = {
  ["an unknown option"] = function() return { nosuch = 1 } end,
  ["an unknown option in a table with a metatable"] = function() return with_metatable { nosuch = 1 } end,
  ["no table"] = function() return 5 end,
}

for name, call in pairs(calls) do
  describe(name, function()
    for kind, make in pairs(kinds) do
      it("points at the caller: " .. kind, function()
        local _, message = pcall(call, make())
        local line = debug.getinfo(call, "S").linedefined
        assert.matches(("^%%S*spec/base/caller_spec%%.lua:%d: "):format(line), message)
      end)
    end
  end)
end

describe("scissl.connect", function()
  for _, make in ipairs { function() return { host = 5 } end, function() return with_metatable { host = 5 } end } do
    it("points at the caller where an option is of another kind", function()
      local call = calls["scissl.connect"]
      local _, message = pcall(call, make())
      assert.matches(("caller_spec%%.lua:%d: bad option 'host'"):format(debug.getinfo(call, "S").linedefined), message)
    end)
  end
end)

describe("The option sni", function()
  local pki = require "spec.support.pki"
  local listens = {
    ["scissl.listen"] = function(options) scissl.listen(options) end,
    ["scissl.datagram.listen"] = function(options) scissl.datagram.listen(options) end,
    ["scissl.sni.new"] = function(options) scissl.sni.new(options.sni) end,
  }
  local wrong = {
    ["a context with an unknown field"] = { localhost = { nosuch = 1 } },
    ["a context of another kind"] = { localhost = 5 },
    ["a malformed name"] = { ["local host"] = {} },
  }
  for name, call in pairs(listens) do
    for kind, map in pairs(wrong) do
      it("points at the caller of " .. name .. ": " .. kind, function()
        local _, message = pcall(call, { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
          privateKey = pki.server.key, sni = map })
        local line = debug.getinfo(call, "S").linedefined
        assert.matches(("^%%S*spec/base/caller_spec%%.lua:%d: "):format(line), message)
      end)
    end
  end
end)
