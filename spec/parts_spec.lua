-- The struct of a connection is made of parts; sslsocket.h names beside each part the one file that writes it.

require "scissl.core" -- where it is built with sanitizers, the programs that are started here are kept out of them

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  return lines
end

-- part -> its file
local function read_owners()
  local struct = read "csrc/connection/sslsocket.h":match "typedef struct sci_sslsocket {(.-)\n} sci_sslsocket;"
  local owners = {}
  for file, part in struct:gmatch "\n    struct { */%* ([%w_]+%.c).-\n    } ([%w_]+);" do owners[part] = file end
  return owners
end

-- The writes to a field of a part in `text`: an assignment, ++, --, or memset of the whole part.
local function each_write(text)
  return coroutine.wrap(function()
    for part, field, behind in text:gmatch "socket%->([%w_]+)%.([%w_]+)()" do
      local rest = text:sub(behind, behind + 80):gsub("^[%w_.]*%b[]", ""):gsub("^%.[%w_.]+", "")
      if rest:find "^%s*[|+-]?=[^=]" or rest:find "^%+%+" or rest:find "^%-%-" then coroutine.yield(part, field) end
    end
    for part in text:gmatch "memset%(&socket%->([%w_]+)," do coroutine.yield(part, "all") end
    for part, field in text:gmatch "[-+][-+]socket%->([%w_]+)%.([%w_]+)" do coroutine.yield(part, field) end
  end)
end

describe("the parts of a connection", function()
  local owners = read_owners()

  it("name the files that write them", function()
    local count = 0
    for part, file in pairs(owners) do
      count = count + 1
      assert.is_truthy(io.open("csrc/connection/" .. file), part .. ": " .. file)
    end
    assert.is_true(count > 15, count .. " parts were found")
  end)

  it("are written by no other file", function()
    local found = {}
    for _, path in ipairs(lines_of "ls csrc/connection/*.c") do
      local file = path:match "[^/]+$"
      for part, field in each_write(read(path)) do
        local foreign = owners[part] and owners[part] ~= file
        if foreign then found[#found + 1] = ("%s writes %s.%s"):format(file, part, field) end
      end
    end
    assert.are.same({}, found)
  end)
end)
