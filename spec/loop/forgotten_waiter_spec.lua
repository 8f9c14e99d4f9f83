-- The default waiter stops a whole event loop: a program that forgets the option `waiter` inside one is warned, once.
local ends = require "spec.support.ends"
local loops = require "spec.support.loops"

-- What a program writes that runs `body` in a coroutine of a loop, with warnings on; `near` and `far` are connected.
local function output_of(prologue, start, body)
  local program = ([[
    warn "@on"
    local scissl = require "scissl"
    local near, far = assert(scissl.SciSocket.pair())
    %s
    local function body() %s end
    %s
    print "done"
  ]]):format(prologue, body, start)
  local pipe <close> = assert(io.popen(ends.luaCommand(program) .. " 2>&1"))
  return pipe:read "a"
end

local programs = {
  coroutine = { "local loop = assert(scissl.scheduler.new())", "loop:spawn(body) assert(loop:run())" },
  cqueues = { 'local loop = require "cqueues".new()', "loop:wrap(body) assert(loop:loop())" },
  luv = { 'local luv = require "luv"', [[
    local timer = luv.new_timer()
    timer:start(1, 0, function() timer:close() coroutine.wrap(body)() end)
    luv.run()
  ]] },
  -- The releases that can be asked say so by this field, while their loop runs.
  copas = { 'package.loaded.copas = { running = true }', "coroutine.wrap(body)()" },
}

local waits = "local stream = assert(scissl.plain.on(near, { timeout = 0.02 })) stream:read() stream:read()"
local ready = 'far:send "one\\n" local stream = assert(scissl.plain.on(near)) assert(stream:read())'
local polls = "near:setBlocking(false) scissl.wait.on(near, 'r', { timeout = 0 })"

local function count(text, words)
  return select(2, text:gsub(words, ""))
end

for name, program in pairs(programs) do
  local loop
  for _, one in ipairs(loops.all) do
    if one.waiter == name then loop = one end
  end
  local it = name == "copas" and require "busted".it or loops.it(loop)

  describe("A stream without a waiter inside " .. name, function()
    it("is warned of, once, with the option to give", function()
      local output = output_of(program[1], program[2], waits)
      assert.equal(1, count(output, "Lua warning: scissl"), output)
      assert.truthy(output:find(('waiter = "%s"'):format(name), 1, true), output)
      assert.truthy(output:find("done", 1, true), output)
    end)

    it("is not warned of where it need not wait", function()
      for _, body in ipairs { ready, polls } do
        assert.equal("done\n", output_of(program[1], program[2], body))
      end
    end)
  end)
end

describe("A stream without a waiter", function()
  it("is not warned of outside of loops, in a coroutine or not", function()
    assert.equal("done\n", output_of("", "body() coroutine.wrap(body)()", waits))
    assert.equal("done\n", output_of('require "scissl.scheduler"', "coroutine.wrap(body)()", waits))
  end)
end)
