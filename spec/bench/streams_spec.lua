-- The benchmark of streams: all its programs run, each with a few connections and lines. Their figures are not checked.
local ends = require "spec.support.ends"
local shell = require "spec.support.shell"

local instrumented = os.getenv "SCISSL_RUN" == "sanitized" or os.getenv "SCISSL_RUN" == "valgrind"

local function output_of(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1"))
  return (pipe:read "a":gsub("%s+$", ""))
end

-- Runs a program of spec/bench with arguments, and returns its output.
local function run(folder, name, ...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = ("%q"):format(word) end
  local source = "local lua = arg[-1]\narg = { [-1] = lua, [0] = %q, %s }\ndofile(arg[0])\n"
  local peer <close> = ends.lua(source:format("spec/bench/" .. name, table.concat(words, ", ")), nil,
    { BENCH_FOLDER = folder })
  local output, _, code = peer:finish()
  assert.are.equal(0, code, output)
  return output
end

describe("spec/bench/streams", function()
  local folder

  before_each(function() folder = output_of "mktemp -d" end)
  after_each(function() os.execute("rm -rf " .. folder) end)

  local function compile(program)
    local command = "cc -std=gnu11 -O2 -o %s/%s spec/bench/%s.c -lssl -lcrypto"
    assert.are.equal("", output_of(command:format(folder, program:match "[^/]*$", program)))
  end

  it("runs every program that it has for what is installed #slow", function()
    if instrumented then return pending "the programs are not run with sanitizers or valgrind" end
    if not ends.has "cc" then return pending "there is no C compiler" end
    for _, program in ipairs { "peer", "streams/bulk", "streams/system_call" } do compile(program) end
    run(folder, "certificates.lua", folder)
    local output = run(folder, "streams/run.lua", shell.luaName, output_of "pwd", folder, "quick")
    local _, rows = output:gsub("\n| %a[^|]* |", "")
    assert.truthy(rows > 10, output)
    for line in output:gmatch "left out of ([^\n]*)" do
      assert.truthy(line:find ": %a+ is not installed" or
        line:find ": copas is installed, but" or line:find ": Lua's headers are not installed", line)
    end
  end)
end)
