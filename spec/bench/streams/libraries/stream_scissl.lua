-- scissl: streams under scissl.scheduler; see trip.lua.
local loop = assert(require "scissl".scheduler.new {
  onError = function(raised, traceback)
    io.stderr:write(tostring(raised), "\n", traceback, "\n")
    os.exit(false)
  end,
})

return require "scissl_streams"("coroutine",
  function(f) loop:spawn(f) end,
  function() loop:sleep(0) end,
  function() assert(loop:run()) end)
