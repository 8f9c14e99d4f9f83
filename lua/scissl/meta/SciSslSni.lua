---Contexts by server name: exact names, wildcards and a default, for servers of several hosts.
---
---An SNI map serves as the handler `onClientHello` of `scissl.handshake`; `scissl.listen { sni = … }` makes one from a
---table. It may be changed while the server runs: later connections use the change.
---
---@meta SciSslSni
---@class SciSslSni
local SciSslSni = {}

---Sets or removes the context of a name.
---
---@param name string as for `scissl.sni.new`
---@param context any as there; nil removes it
---@return SciSslSni? # the receiver
---@return SciSslError? # the context could not be made; the map stays as it was
---@usage
---```lua
---local hosts = assert(scissl.sni.new { ["www.example.org"] = serverContext })
---assert(hosts:set("*.example.net", { certificate = "server.pem", privateKey = "server.key" }))
---print(hosts:find "WWW.example.org" == serverContext) --> true
---print(hosts:find "a.example.net" ~= nil, hosts:find "elsewhere.example") --> true nil
---```
function SciSslSni:set(name, context) end

---Reads the files of its configurations again, as `SciSslListener:reload` does. Contexts stay as they are.
---
---@return SciSslSni? # the receiver
---@return SciSslError? # the first context that could not be made; the map stays as it was
---@usage
---```lua
---local hosts = assert(scissl.sni.new { ["www.example.org"] = { certificate = "server.pem", privateKey = "server.key" } })
---assert(hosts:reload()) -- reads the files again
---```
function SciSslSni:reload() end

---Finds the context for a host.
---
---@param name string? nil: the client sends none
---@return SciSslContext?
---@usage
---```lua
---local hosts = assert(scissl.sni.new { ["www.example.org"] = serverContext })
---assert(hosts:set("*.example.net", { certificate = "server.pem", privateKey = "server.key" }))
---print(hosts:find "WWW.example.org" == serverContext) --> true
---print(hosts:find "a.example.net" ~= nil, hosts:find "elsewhere.example") --> true nil
---```
function SciSslSni:find(name) end

return SciSslSni
