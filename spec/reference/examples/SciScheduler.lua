--- SciScheduler:spawn, SciScheduler:run, SciScheduler:sleep, SciScheduler:size
local loop = assert(scissl.scheduler.new())
for _, word in ipairs { "one", "two" } do
  loop:spawn(function()
    loop:sleep(0)
    print(word)
  end)
end
print(loop:size()) --> 2
assert(loop:run())
--> one
--> two

--- SciScheduler:step, SciScheduler:getfd
local loop = assert(scissl.scheduler.new())
loop:spawn(function() print "in a coroutine" end) --> in a coroutine
print(loop:step(0)) --> false -- no coroutine is left
print(loop:getfd()) --> … -- another loop can wait for this descriptor, then call step(0)

--- SciScheduler:stop, SciScheduler:close
local loop = assert(scissl.scheduler.new())
loop:spawn(function()
  loop:stop()
  loop:sleep(3600)
end)
assert(loop:run()) -- returns, although one coroutine sleeps
loop:close()

--- SciScheduler:cancel
local loop = assert(scissl.scheduler.new())
local sleeper = loop:spawn(function() print(loop:sleep(3600)) end)
loop:spawn(function() print(loop:cancel(sleeper, "no longer wanted")) end)
assert(loop:run())
--> true
--> nil no longer wanted
