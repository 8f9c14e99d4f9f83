--- spec/support/ocsp.lua: OCSP responses.
--
--    local ocsp = require "spec.support.ocsp"
--
--    der = ocsp.response{ … }   fields of SciSslOcsp.response; by default pki.ca says that pki.server is good, from an
--                               hour ago until an hour from now
--    ocsp.delegate              an identity that may sign responses for pki.ca

local core = require "scissl.core"
local pki = require "spec.support.pki"

local ocsp = {}

local HOUR = 3600

ocsp.delegate = pki.issue { subject = "CN=responder", extendedUsage = { "OCSPSigning" } }

function ocsp.response(fields)
  local all = {
    certificate = pki.server.certificate, issuer = pki.ca.certificate, key = pki.ca.key,
    thisUpdate = os.time() - HOUR, nextUpdate = os.time() + HOUR,
  }
  for name, value in pairs(fields or {}) do all[name] = value end
  return assert(core.SciSslOcsp.response(all))
end

return ocsp
