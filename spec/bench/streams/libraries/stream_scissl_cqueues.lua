-- scissl: streams under cqueues; see trip.lua.
local cqueues = require "cqueues"
local loop = cqueues.new()

return require "scissl_streams"("cqueues",
  function(f) loop:wrap(f) end,
  function() cqueues.sleep(0) end,
  function() assert(loop:loop()) end)
