-- What a handler raises may be any value: one that cannot be made a text harms no hint, and no report.
local scissl = require "scissl"

local UNSPEAKABLE = { setmetatable({}, { __tostring = function() error "deep" end }),
  setmetatable({}, { __tostring = function() return 1 end }), setmetatable({}, { __name = 5, __tostring = error }) }

local function failure(cause)
  return scissl.SciSslError.new { condition = "handler_failed", phase = "accept", cause = cause }
end

describe("A cause that cannot be made a text", function()
  it("leaves errorHint and tostring as they are: one line, never an error", function()
    for _, cause in ipairs(UNSPEAKABLE) do
      local hint = failure(cause):errorHint()
      assert.is_true(#hint > 20 and not hint:find "\n", hint)
      assert.are.equal(hint, tostring(failure(cause)))
    end
  end)

  it("is named by its type", function()
    assert.truthy(failure(UNSPEAKABLE[1]):errorHint():find("a table whose __tostring fails", 1, true))
  end)

  it("is explained", function()
    for _, cause in ipairs(UNSPEAKABLE) do assert.truthy(tostring(scissl.explain(failure(cause)))) end
  end)

  it("is what LuaSec's callers get as text", function()
    local words = require "scissl.luasec.failure"
    for _, cause in ipairs(UNSPEAKABLE) do assert.are.equal("string", type(words(failure(cause)))) end
  end)

  it("does not end a scheduler whose coroutine raises it", function()
    local loop = assert(scissl.scheduler.new())
    local reports, stderr = {}, io.stderr
    io.stderr = { write = function(_, ...) reports[#reports + 1] = table.concat { ... } end } -- luacheck: ignore 122
    local ok, err = pcall(function()
      loop:spawn(function() error(UNSPEAKABLE[1]) end)
      return loop:run()
    end)
    io.stderr = stderr -- luacheck: ignore 122
    loop:close()
    assert.is_true(ok, tostring(err))
    assert.are.equal(1, #reports)
  end)
end)
