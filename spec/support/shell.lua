--- spec/support/shell.lua: runs shell commands, without the runtime of sanitizers and without input.
--
--    local shell = require "spec.support.shell"
--
--    output, good = shell.run(command)    its standard output, and whether it succeeded
--    output = shell.must(command)         the same with its standard error; raises where it fails
--    lines = shell.lines(command)         the lines of its standard output
--    shell.luaName                        the interpreter of this version, as Debian calls it
--    shell.luaHeaders                     in a shell: the compiler's arguments for what uses this version of Lua
--    shell.buildsWithLua(binary, source)  the command that builds a program with this version of Lua in it

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

local name = "lua" .. _VERSION:match "%d+%.%d+"

shell.luaName = name
shell.luaHeaders = ("$(pkg-config --cflags %s 2>/dev/null || echo -I/usr/include/%s)"):format(name, name)

function shell.buildsWithLua(binary, source)
  local flags = ("$(pkg-config --cflags --libs %s 2>/dev/null || echo -I/usr/include/%s -l%s)"):format(name, name, name)
  return ("sh -c 'cc -o %s %s %s -Wl,-E -ldl -lm'"):format(binary, source, flags)
end

return shell
