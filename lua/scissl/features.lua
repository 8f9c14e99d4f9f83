--- What the loaded OpenSSL can do, by name, for what differs from one to another: protocols and key exchange groups.
-- @module scissl.features
-- @usage if scissl.features.X25519MLKEM768 then context:setGroups "X25519MLKEM768:X25519" end

local SciSslContext = require "scissl.core".SciSslContext

local protocols = { "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3" }
local groups = {
  "P-256", "P-384", "P-521", "X25519", "X448", "ffdhe2048", "ffdhe3072", "ffdhe4096",
  "MLKEM768", "MLKEM1024", "X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024",
}

local features = {}
for _, name in ipairs(protocols) do features[name] = SciSslContext.new(name) ~= nil end
for _, name in ipairs(groups) do features[name] = assert(SciSslContext.new()):setGroups(name) ~= nil end
return features
