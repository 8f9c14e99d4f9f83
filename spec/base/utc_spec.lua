-- scissl.base.utc: the calendar that os.date has where time_t is long enough.
local utc = require "scissl.base.utc"

describe("Times in UTC", function()
  it("are those of os.date, wherever it can", function()
    local seconds = -2208988800 -- the year 1900
    local compared = 0
    while seconds <= 4102444800 do -- 2100, whose February has no 29th day
      local can, parts = pcall(os.date, "!*t", seconds)
      if can then
        local own = utc.parts(seconds)
        for name, value in pairs(own) do assert.equal(parts[name], value, name) end
        assert.equal(os.date("!%Y-%m-%d", seconds), utc.day(seconds))
        compared = compared + 1
      end
      seconds = seconds + 86400 * 13 + 3661
    end
    assert.is_true(compared > 2000)
  end)

  it("reach from the first to the last year of a certificate", function()
    local days = {
      [-62135596800] = "0001-01-01", [0] = "1970-01-01", [-1] = "1969-12-31", [951782400] = "2000-02-29",
      [2147483647] = "2038-01-19", [4107542399] = "2100-02-28", [4107542400] = "2100-03-01",
      [253402300799] = "9999-12-31",
    }
    for seconds, day in pairs(days) do assert.equal(day, utc.day(seconds)) end
    assert.same({ year = 9999, month = 12, day = 31, hour = 23, min = 59, sec = 59 }, utc.parts(253402300799))
  end)
end)
