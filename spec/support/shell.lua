--- spec/support/shell.lua: runs shell commands, without the runtime of sanitizers and without input.
--
--    local shell = require "spec.support.shell"
--
--    output, good = shell.run(command)    its standard output, and whether it succeeded
--    output = shell.must(command)         the same with its standard error; raises where it fails
--    lines = shell.lines(command)         the lines of its standard output

local shell = {}

function shell.run(command)
  local pipe = assert(io.popen("unset LD_PRELOAD; exec </dev/null; " .. command))
  local output = pipe:read "a"
  return output, pipe:close() == true
end

function shell.must(command)
  local output, good = shell.run(command .. " 2>&1")
  return (assert(good and output, output))
end

function shell.lines(command)
  local lines = {}
  for line in shell.run(command):gmatch "[^\n]+" do lines[#lines + 1] = line end
  return lines
end

return shell
