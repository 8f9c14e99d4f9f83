--- scissl.copas.socket, scissl.copas.server
if pcall(require, "copas") then
  local faces = require "scissl.copas"
  local listener = assert(scissl.listen {
    host = "127.0.0.1", port = 0, certificate = "server.pem", privateKey = "server.key", waiter = "copas",
  })
  local forCopas = faces.server(listener) -- for copas.addserver(forCopas, handler)
  local alike = faces.socket(stream) -- for copas.wrap(alike)
end
