--- scissl.wait.find
local wait = require "scissl.wait"
local waiter = wait.find "poll"
local near, far = scissl.SciSocket.pair()
print(waiter(near, "w", scissl.SciSocket.now() + 1) ~= nil) --> true

--- scissl.wait.deadline, scissl.wait.ready
local wait = require "scissl.wait"
local near, far = scissl.SciSocket.pair()
local deadline = wait.deadline(0.01)
local ready, err = wait.ready(wait.find "poll", near, "r", deadline, "read", 0.01)
print(ready, err:condition()) --> nil timeout

--- scissl.wait.wanted
local wait = require "scissl.wait"
print(wait.wanted(server, server:sslRead())) --> r 2

--- scissl.wait.on
local near, far = scissl.SciSocket.pair()
print(scissl.wait.on(near, "w", { timeout = 1 })) --> true

--- scissl.wait.cancel
local loop = assert(scissl.scheduler.new())
local near, far = scissl.SciSocket.pair()
loop:spawn(function()
  local ready, err = scissl.wait.on(near, "r", { waiter = "coroutine" })
  print(err:condition()) --> cancelled
end)
loop:spawn(function() scissl.wait.cancel(near) end)
assert(loop:run())

--- scissl.wait.turn
local wait = require "scissl.wait"
local near, far = scissl.SciSocket.pair()
print(wait.turn(wait.find "poll", near, wait.deadline(10), "read", 10)) --> true
