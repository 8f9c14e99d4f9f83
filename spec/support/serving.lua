--- spec/support/serving.lua: a listener in a loop of spec/support/loops, and its clients.
--
--    local serving = require "spec.support.serving"
--
--    listener, port = serving.listen(loop, options)      stream, err = serving.connect(loop, port, options)
--    socket = serving.silent(port)                        connects and says nothing
--    serving.echo(stream)                                 a handler
--    line = serving.ask(stream, line)                     what an echo has returned
--    serving.await(loop, is_true)                         lets the others run until `is_true()`
--    names = serving.conditions(failures)
--    serving.LONG                                         seconds that nothing takes

local scissl = require "scissl"
local pki = require "spec.support.pki"

local SciSocket, wait = scissl.SciSocket, scissl.wait

local serving = { LONG = 30 }

function serving.listen(loop, options)
  local given = {
    host = "127.0.0.1", port = 0, certificate = pki.server.certificate, privateKey = pki.server.key,
    waiter = loop.waiter, timeout = serving.LONG,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  local listener = assert(scissl.listen(given))
  return listener, select(2, listener:getSockName())
end

function serving.connect(loop, port, options)
  local given = {
    host = "127.0.0.1", port = port, ca = pki.ca.certificate, waiter = loop.waiter, timeout = serving.LONG,
  }
  for name, value in pairs(options or {}) do given[name] = value end
  return scissl.connect(given)
end

-- A client that connects and says nothing.
function serving.silent(port)
  local socket = assert(SciSocket.newStreamSocket())
  assert(socket:connect("127.0.0.1", port))
  return socket
end

function serving.echo(stream)
  for line in stream:lines "L" do stream:write(line) end
end

function serving.ask(stream, line)
  assert(stream:write(line, "\n"))
  return stream:read()
end

-- Lets the others run until `is_true()`.
function serving.await(loop, is_true)
  local near = SciSocket.pair()
  while not is_true() do wait.on(near, "r", { waiter = loop.waiter, timeout = 0.005 }) end
  near:close()
end

function serving.conditions(noted)
  local names = {}
  for i, failure in ipairs(noted) do names[i] = failure:condition() end
  return names
end

return serving
