--- SciSslSni:set, SciSslSni:find
local hosts = assert(scissl.sni.new { ["www.example.org"] = serverContext })
assert(hosts:set("*.example.net", { certificate = "server.pem", privateKey = "server.key" }))
print(hosts:find "WWW.example.org" == serverContext) --> true
print(hosts:find "a.example.net" ~= nil, hosts:find "elsewhere.example") --> true nil

--- SciSslSni:reload
local hosts = assert(scissl.sni.new { ["www.example.org"] = { certificate = "server.pem", privateKey = "server.key" } })
assert(hosts:reload()) -- reads the files again
