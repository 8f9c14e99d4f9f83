--- Whether clients of `scissl.luasec` must verify their servers.
-- @module scissl.luasec.strictness

local core = require "scissl.core"
local describe = require "scissl.luasec.failure"

local strictness = {}

local strict = false

--- Turns it on or off, for all contexts and connections of this Lua state, also existing ones.
-- @tparam ?boolean on nil: no change
-- @treturn boolean whether it is on now
function strictness.set(on)
  if on ~= nil then strict = on and true or false end
  return strict
end

--- Tells whether it is on.
-- @treturn boolean
function strictness.isOn()
  return strict
end

--- Makes a client's context that names no CA trust the system's. This must come before the socket is initialized, which
-- copies the trust store.
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

--- Makes a client verify its server, before the handshake: chain and name.
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

--- Checks the result of a handshake.
-- @param connection of `scissl.luasec.connection`
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string why the connection must not be used
function strictness.conclude(connection)
  local version = connection.tls:version()
  if version == "TLSv1" or version == "TLSv1.1" then return nil, "strict: unsupported protocol" end
  if not connection.host and connection.tls:peerCertificate() then
    return nil, "strict: no host name to verify (use conn:sni(name) or the parameter verifyhost)"
  end
  return true
end

return strictness
