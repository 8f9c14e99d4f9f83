--- The examples of the reference: spec/reference/examples/*.lua, one for each public function. A line
-- `--- SciSslSocket:sslRead, SciSslSocket:sslPeek` begins the example of these names; the lines below it are a program.
--
--    examples.read() -> programs by names
--    examples.list([root]) -> list of { names, code, file }

local examples = {}

local FOLDER = "spec/reference/examples"

local function read_file(path, list)
  local current
  for line in io.lines(path) do
    local names = line:match "^%-%-%- (.+)$"
    if names then
      current = { names = {}, lines = {}, file = path }
      for name in names:gmatch "[^,%s]+" do table.insert(current.names, name) end
      list[#list + 1] = current
    elseif current then
      table.insert(current.lines, line)
    end
  end
end

function examples.list(root)
  local list = {}
  local pipe <close> = assert(io.popen(("LC_ALL=C ls '%s/%s'/*.lua"):format(root or ".", FOLDER)))
  for path in pipe:lines() do read_file(path, list) end
  assert(list[1], "no examples were found")
  for _, example in ipairs(list) do
    example.code = table.concat(example.lines, "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  end
  return list
end

function examples.read()
  local programs = {}
  for _, example in ipairs(examples.list()) do
    for _, name in ipairs(example.names) do programs[name] = example.code end
  end
  return programs
end

return examples
