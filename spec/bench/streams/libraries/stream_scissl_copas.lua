-- scissl: streams under copas 2 or later; see trip.lua.
local copas = require "copas"
local pause = assert(copas.pause or copas.sleep, "this copas is too old: it has no timers")

copas.setErrorHandler(function(raised, thread)
  io.stderr:write(debug.traceback(thread, tostring(raised)), "\n")
  os.exit(false)
end, true)

return require "scissl_streams"("copas", copas.addthread, function() pause(0) end, copas.loop)
