-- The table of the results: see rows.lua and run.lua. report.print(rows, results, complaints, judged) prints it in
-- Markdown, where `judged` with what is required; report.write(path, facts, rows, results, complaints) writes PATH.md,
-- for the chapter Performance, PATH-readme.md, and PATH.json.
local report = {}

local ORDER = {
  "scissl", "scissl.luasec", "LuaSec", "cqueues", "Node", "asyncio", "plain C", "C with strings", "bare sockets",
}

local function median(values)
  if not values then return nil end
  local list = table.move(values, 1, #values, 1, {})
  table.sort(list)
  return list[(#list + 1) // 2]
end

-- ---- what is required

local function name_of(metric)
  return metric == "instructions" and "instructions: " or ""
end

-- What is compared with the limit, its text and the limit's.
local function compare(requirement, value, base)
  if requirement.above then
    return value - base <= requirement.above, ("%+.0f to %s"):format(value - base, requirement.column),
      ("≤ +%s"):format(requirement.above)
  end
  local ratio = value / base
  local text = requirement.column and ("%.2f of %s"):format(ratio, requirement.column) or ("%.0f"):format(ratio)
  if requirement.most then return ratio <= requirement.most, text, ("≤ %s"):format(requirement.most) end
  return ratio >= requirement.least, text, ("≥ %s"):format(requirement.least)
end

-- Returns the sentence, and whether it is met; nil: there is no such figure.
local function judge(requirement, row)
  local function figure(column)
    local cell = row[column]
    return cell and median(cell[requirement.metric])
  end
  local ours = requirement.ours or row.scissl and "scissl" or "scissl.luasec"
  local value, base = figure(ours), 1
  if requirement.column then base = figure(requirement.column) end
  if not value or not base then return nil, false end
  local met, text, limit = compare(requirement, value, base)
  local verdict = met and "met" or "**not met**"
  return ("%s%s (%s): %s"):format(requirement.ours and ours .. " " or "", text, limit, verdict), met
end

local function judgements(row, metric, results)
  local list = {}
  for _, requirement in ipairs(row.required or {}) do
    if requirement.metric == metric then
      local text = judge(requirement, results[row.name])
      list[#list + 1] = text or ("%s is not there"):format(requirement.column)
    end
  end
  return table.concat(list, "; ")
end

-- ---- the table

local function shown(number)
  if not number then return "" end
  if number < 10 then return ("%.2f"):format(number) end
  if number < 100 then return ("%.1f"):format(number) end
  local digits = ("%.0f"):format(number)
  local grouped = digits:reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (grouped:gsub("^,", ""))
end

local function metrics_of(row, results)
  local list = {}
  for i, metric in ipairs(row.metrics) do list[i] = { key = i, unit = metric.unit } end
  for _, cell in pairs(results[row.name]) do
    if cell.instructions and not row.first_alone and list[#list].key ~= "instructions" then
      list[#list + 1] = { key = "instructions", unit = "instructions" }
    end
  end
  return list
end

local function used_columns(rows, results)
  local columns = {}
  for _, column in ipairs(ORDER) do
    for _, row in ipairs(rows) do
      if results[row.name][column] and columns[#columns] ~= column then columns[#columns + 1] = column end
    end
  end
  return columns
end

local function lines_of(rows, results, with_required)
  local columns = used_columns(rows, results)
  local lines = {
    "| | " .. table.concat(columns, " | ") .. (with_required and " | required |" or " |"),
    "|---|" .. ("---|"):rep(#columns + (with_required and 1 or 0)),
  }
  for _, row in ipairs(rows) do
    for _, metric in ipairs(metrics_of(row, results)) do
      local cells = { ("%s, %s"):format(row.title, metric.unit) }
      for _, column in ipairs(columns) do
        local cell = results[row.name][column]
        cells[#cells + 1] = shown(cell and median(cell[metric.key]))
      end
      if with_required then cells[#cells + 1] = judgements(row, metric.key, results) end
      lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |"
    end
  end
  return lines
end

local function print_left_out(rows, complaints)
  for _, row in ipairs(rows) do
    local list = {}
    for column, reason in pairs(complaints[row.name]) do
      list[#list + 1] = ("left out of %s: %s: %s"):format(row.name, column, reason)
    end
    table.sort(list)
    for _, line in ipairs(list) do print(line) end
  end
end

local function print_tally(rows, results)
  local met, not_met, unknown = 0, {}, {}
  for _, row in ipairs(rows) do
    for _, requirement in ipairs(row.required or {}) do
      local text, good = judge(requirement, results[row.name])
      if good then met = met + 1
      elseif text then not_met[#not_met + 1] = ("  %s: %s%s"):format(row.name, name_of(requirement.metric), text)
      else unknown[#unknown + 1] = ("  %s: %s is not there"):format(row.name, requirement.column or "scissl") end
    end
  end
  print(("%d met, %d not met"):format(met, #not_met))
  for _, line in ipairs(not_met) do print(line) end
  if #unknown > 0 then print "not judged:" end
  for _, line in ipairs(unknown) do print(line) end
end

function report.print(rows, results, complaints, judged)
  for _, line in ipairs(lines_of(rows, results, judged)) do print(line) end
  print_left_out(rows, complaints)
  if judged then print_tally(rows, results) end
end

-- ---- files

local function json(value)
  if type(value) == "number" then return ("%.6g"):format(value) end
  if type(value) == "string" then return '"' .. value:gsub('[%c"\\]', " ") .. '"' end
  local parts = {}
  if #value > 0 and type(value[1]) == "number" then
    for i, item in ipairs(value) do parts[i] = json(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  for name, item in pairs(value) do parts[#parts + 1] = json(tostring(name)) .. ": " .. json(item) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",\n") .. "}"
end

local function write_file(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text, "\n")
end

-- The first figures of the rows for README.
local function for_readme(rows)
  local list = {}
  for _, row in ipairs(rows) do
    if row.readme then
      list[#list + 1] = setmetatable({ metrics = { row.metrics[1] }, first_alone = true }, { __index = row })
    end
  end
  return list
end

function report.write(path, facts, rows, results, complaints)
  write_file(path .. ".md", table.concat(lines_of(rows, results, false), "\n"))
  write_file(path .. "-readme.md", table.concat(lines_of(for_readme(rows), results, false), "\n"))
  write_file(path .. ".json", json { facts = facts, results = results, complaints = complaints })
end

return report
