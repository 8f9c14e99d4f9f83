-- A server and its clients in one scheduler, over TLS 1.3, for idle.lua and many.lua. Calls visit(connect, loop) in a
-- coroutine beside listener:serve(options.serve), and ends the process when it returns. connect([session]) returns a
-- stream. folder: where the certificates are; options.timeout: of all streams.
local scissl = require "scissl"

local function give_up(raised, traceback)
  io.stderr:write(tostring(raised), "\n", traceback, "\n")
  os.exit(false)
end

return function(folder, options, visit)
  local loop = assert(scissl.scheduler.new { onError = give_up })
  local context = assert(scissl.SciSslContext.new "TLSv1.3")
  assert(context:loadVerifyLocations(folder .. "/ca.pem"))
  local listener = assert(scissl.listen {
    host = "127.0.0.1", port = 0, timeout = options.timeout, waiter = "coroutine", backlog = 1024,
    certificate = folder .. "/server.pem", privateKey = folder .. "/server.key", version = "TLSv1.3",
  })
  local port = select(2, listener:getSockName())
  local function connect(session)
    return assert(scissl.connect {
      host = "127.0.0.1", port = port, timeout = options.timeout, waiter = "coroutine", context = context,
      session = session,
    })
  end
  loop:spawn(function() assert(listener:serve(options.serve)) end)
  loop:spawn(function()
    visit(connect, loop)
    os.exit(true)
  end)
  assert(loop:run())
end
