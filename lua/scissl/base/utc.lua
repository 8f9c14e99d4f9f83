--- Times in UTC for every year of a certificate. Where C's `time_t` has 32 bits, `os.date` raises for times after 2038.
-- @module scissl.base.utc

local DAY = 86400
local DAYS_OF_400_YEARS, DAYS_OF_A_YEAR = 146097, 365
local FROM_MARCH_OF_YEAR_0 = 719468 -- days to the epoch

-- Years that begin in March have the leap day at their end.
local function date_of(days)
  days = days + FROM_MARCH_OF_YEAR_0
  local rest = days % DAYS_OF_400_YEARS
  local year = (rest - rest // 1460 + rest // 36524 - rest // 146096) // DAYS_OF_A_YEAR
  local day = rest - (DAYS_OF_A_YEAR * year + year // 4 - year // 100)
  local month = (5 * day + 2) // 153 -- 0: March
  year = year + days // DAYS_OF_400_YEARS * 400 + (month >= 10 and 1 or 0)
  return year, month < 10 and month + 3 or month - 9, day - (153 * month + 2) // 5 + 1
end

local utc = {}

--- Returns the parts of a time, as `os.date("!*t", seconds)` names them.
-- @tparam integer seconds since the epoch
-- @treturn table `year`, `month`, `day`, `hour`, `min`, `sec`
function utc.parts(seconds)
  local year, month, day = date_of(seconds // DAY)
  local rest = seconds % DAY
  return { year = year, month = month, day = day, hour = rest // 3600, min = rest // 60 % 60, sec = rest % 60 }
end

--- Returns a day, such as "2026-11-30".
-- @tparam integer seconds since the epoch
-- @treturn string
function utc.day(seconds)
  return ("%04d-%02d-%02d"):format(date_of(seconds // DAY))
end

return utc
