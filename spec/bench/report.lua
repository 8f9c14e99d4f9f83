-- The results: a table for people, and a file for programs. A result is a work (see works.lua) and its row: for each
-- peer a list of numbers, or a text that tells why there is none.
--
-- A work may have requirements for scissl:
--
--    target, base    the ratio to the peer `base` (default: plain C): at least where `more`, otherwise at most
--    allowance       how much above tuned C, in the work's unit; used in place of the ratio
--    like            a work with fewer connections: the figure must differ from that one's by `within` at most
local report = {}

local BEHIND_TUNED = 0.08 -- in any row

function report.summary(values)
  local list = table.move(values, 1, #values, 1, {})
  table.sort(list)
  return { min = list[1], median = list[(#list + 1) // 2], max = list[#list] }
end

local function median(row, peer)
  local values = row and row[peer]
  return type(values) == "table" and report.summary(values).median or nil
end

-- ---- verdicts

local function verdict(good, text, ...)
  return (good and "met: " or "not met: ") .. text:format(...)
end

local function judge_ratio(work, ours, base, name, target)
  local ratio = ours / base
  if work.more then return verdict(ratio >= target, "%.2f of %s, at least %.2f", ratio, name, target) end
  return verdict(ratio <= target, "%.2f of %s, at most %.2f", ratio, name, target)
end

local function judge_tuned(work, ours, tuned)
  if work.allowance then
    return verdict(ours - tuned <= work.allowance, "%+.0f to tuned C, at most %+d", ours - tuned, work.allowance)
  end
  return judge_ratio(work, ours, tuned, "tuned C", work.more and 1 - BEHIND_TUNED or 1 + BEHIND_TUNED)
end

local function judge_growth(work, row, before)
  local said = {}
  for peer in pairs(row) do
    local few, many = median(before, peer), median(row, peer)
    if few and many then
      local growth = 100 * (many / few - 1)
      said[#said + 1] = verdict(growth <= 100 * work.within, "%s %+.1f %% to %s, at most %+.0f %%", peer, growth,
        work.like, 100 * work.within)
    end
  end
  table.sort(said)
  return said
end

-- A list of sentences: each requirement of the row, and whether it is met.
function report.verdicts(work, results)
  local row = results[work.name]
  if work.like then return judge_growth(work, row, results[work.like]) end
  local ours, tuned, said = median(row, "scissl"), median(row, "tuned C"), {}
  local base_name = work.base or "plain C"
  local base = median(row, base_name)
  if ours and base and work.target then said[#said + 1] = judge_ratio(work, ours, base, base_name, work.target) end
  if ours and tuned and (work.target or work.allowance) then said[#said + 1] = judge_tuned(work, ours, tuned) end
  return said
end

-- ---- the table

local function ratio_text(number, base)
  return number and base and ("%.2f"):format(number / base) or ""
end

local function tuned_text(work, number, tuned)
  if work.allowance and tuned then return ("%+.0f"):format(number - tuned) end
  return ratio_text(number, tuned)
end

local function print_line(format, ...)
  print((format:format(...):gsub("%s+$", "")))
end

local function print_peer(work, row, peer, base, tuned)
  local values = row[peer]
  if type(values) == "string" then return print(("  %-14s %s"):format(peer, values:sub(1, 90))) end
  local s = report.summary(values)
  print_line("  %-14s %12.1f   %12.1f … %-12.1f %10s %10s  %s", peer, s.median, s.min, s.max,
    ratio_text(s.median, base), tuned_text(work, s.median, tuned), work.remarks and work.remarks[peer] or "")
end

function report.print(work, results, peers)
  local row = results[work.name]
  local base_name = work.base or "plain C"
  local base, tuned = median(row, base_name), median(row, "tuned C")
  print(("\n%s: %s%s"):format(work.name, work.title, work.unit == "" and "" or ", " .. work.unit))
  print_line("  %-14s %12s   %12s … %-12s %10s %10s", "", "median", "min", "max",
    base and "/ " .. base_name or "", tuned and (work.allowance and "- tuned C" or "/ tuned C") or "")
  for _, peer in ipairs(peers) do
    if row[peer] then print_peer(work, row, peer, base, tuned) end
  end
  for _, said in ipairs(report.verdicts(work, results)) do print("  " .. said) end
end

-- The rows that meet their requirements and those that do not, in two lines.
function report.printTally(order, results)
  local met, not_met = 0, {}
  for _, work in ipairs(order) do
    for _, said in ipairs(report.verdicts(work, results)) do
      if said:find "^met" then met = met + 1 else not_met[#not_met + 1] = work.name .. ": " .. said:match ": (.*)" end
    end
  end
  print(("\n%d met, %d not met%s"):format(met, #not_met, not_met[1] and ":" or ""))
  for _, line in ipairs(not_met) do print("  " .. line) end
end

-- ---- the table for README and the chapter Performance: ratios to plain C

local COLUMNS = { "scissl", "tuned C", "LuaSec", "cqueues", "Python ssl", "Node tls" }

local function markdown_cell(row, peer, base)
  local values = row[peer]
  if type(values) == "string" then return values:match "^cannot" or "" end
  return ratio_text(median(row, peer), base)
end

function report.writeMarkdown(path, order, results)
  local file <close> = assert(io.open(path, "w"))
  file:write("| | ", table.concat(COLUMNS, " | "), " |\n|---|", ("---|"):rep(#COLUMNS), "\n")
  for _, work in ipairs(order) do
    local row = results[work.name]
    local base = median(row, "plain C")
    if base then
      local cells = { work.unit == "" and work.title or work.title .. ", " .. work.unit }
      for _, peer in ipairs(COLUMNS) do cells[#cells + 1] = markdown_cell(row, peer, base) end
      file:write("| ", table.concat(cells, " | "), " |\n")
    end
  end
end

-- ---- the file

local function json(value)
  if type(value) == "number" then return ("%.6g"):format(value) end
  if type(value) == "string" then return '"' .. value:gsub('[%c"\\]', " ") .. '"' end
  local parts = {}
  if #value > 0 then
    for i, item in ipairs(value) do parts[i] = json(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for name, item in pairs(value) do parts[#parts + 1] = json(name) .. ": " .. json(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",\n") .. "}"
end

function report.write(path, head, order, results)
  local file <close> = assert(io.open(path, "w"))
  head.works = {}
  for _, work in ipairs(order) do
    local said = report.verdicts(work, results)
    head.works[work.name] = {
      title = work.title,
      unit = work.unit,
      target = work.target,
      verdicts = said[1] and said,
      peers = results[work.name],
    }
  end
  file:write(json(head), "\n")
end

return report
