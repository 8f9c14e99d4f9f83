--- SciLookUp.new, SciLookUp:result, SciLookUp:getfd, SciLookUp:close
local look_up <close> = assert(scissl.SciLookUp.new("localhost", 443, "inet"))
scissl.wait.on(look_up, "r", { timeout = 20 })
local found = assert(look_up:result())[1] -- the first of a list
print(found.address, found.port, found.family) --> 127.0.0.1 443 inet
local address = assert(scissl.SciLookUp.new("127.0.0.1", 443))
print(address:getfd(), #address:result()) --> -1 1
address:close()
