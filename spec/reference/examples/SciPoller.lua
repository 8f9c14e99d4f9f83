--- SciPoller.new, SciPoller:arm, SciPoller:disarm, SciPoller:wait
local poller = assert(scissl.SciPoller.new())
local near, far = assert(scissl.SciSocket.pair())
local descriptor = assert(poller:arm(near, "r"))
far:send "hello"
local count, ready = poller:wait(1)
print(count, ready[1] == descriptor, ready[2]) --> 1 true r
poller:arm(near, "r") -- once each time
poller:disarm(descriptor)
print(poller:wait(0)) --> 0 …

--- SciPoller:way, SciPoller:getfd, SciPoller:close
local poller = assert(scissl.SciPoller.new "poll")
print(poller:way(), poller:getfd()) --> poll -1
poller:close()
