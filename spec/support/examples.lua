--- spec/support/examples.lua: the programs in examples/, run as a user runs them.
--
--    local examples = require "spec.support.examples"
--
--    peer = examples.start(name, ready, …)        starts examples/NAME with these arguments; see ends.start
--    output, code = examples.run(name, …)         runs it to its end; its output with stderr, and its exit code

local ends = require "spec.support.ends"

local examples = {}

local function source(name, ...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = ("%q"):format(tostring(word)) end
  -- As in a terminal: each line is written at once.
  local program = "io.stdout:setvbuf 'line'\narg = { [0] = %q, %s }\ndofile(arg[0])\n"
  return program:format("examples/" .. name, table.concat(words, ", "))
end

function examples.start(name, ready, ...)
  return ends.lua(source(name, ...), ready)
end

function examples.run(name, ...)
  local peer <close> = ends.lua(source(name, ...))
  local output, _, code = peer:finish()
  return output, code
end

return examples
