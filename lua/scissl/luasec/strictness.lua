--- Whether clients of `scissl.luasec` have to verify their servers.
-- @module scissl.luasec.strictness

local core = require "scissl.core"
local describe = require "scissl.luasec.failure"

local strictness = {}

local strict = false

--- Sets it, for all contexts and connections of this state, those that were made before, too.
-- @tparam ?boolean on nil: leaves it as it is
-- @treturn boolean what holds now
function strictness.set(on)
  if on ~= nil then strict = on and true or false end
  return strict
end

--- Tells whether it is on.
-- @treturn boolean
function strictness.isOn()
  return strict
end

--- Makes the context of a client trust whom the system trusts, where it names nobody: before the socket is initialized,
-- which later trust does not reach.
-- @param context of `scissl.luasec.context`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] SciSslError
function strictness.trust(context)
  if not strict or context.trusts or context.mode ~= "client" then return true end
  local done, failure = context.tls:useDefaultTrust()
  context.trusts = done and true
  return context.trusts, failure
end

--- Makes a client verify its server, before the handshake: the chain, and the name.
-- @param connection of `scissl.luasec.connection`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why there can be no handshake
function strictness.prepare(connection)
  local tls, host = connection.tls, connection.host
  if not host and not connection.context.psk then
    return nil, "strict: no host name to verify (use conn:sni(name) or the parameter verifyhost)"
  end
  local done, failure = tls:sslSetVerify(core.SSL_VERIFY_PEER)
  if done then done, failure = tls:sslRequireCertificate() end
  if done and host and not connection.dane then done, failure = tls:sslSetVerifyHost(host) end
  if done then return true end
  return nil, describe(failure)
end

--- Looks at what a handshake has come to.
-- @param connection of `scissl.luasec.connection`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why it may not go on
function strictness.conclude(connection)
  local version = connection.tls:version()
  if version == "TLSv1" or version == "TLSv1.1" then return nil, "strict: unsupported protocol" end
  if not connection.host and connection.tls:peerCertificate() then
    return nil, "strict: no host name to verify (use conn:sni(name) or the parameter verifyhost)"
  end
  return true
end

return strictness
