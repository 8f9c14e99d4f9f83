--- LuaSec's `ssl` on scissl: the same functions, parameters, methods, results and error strings as LuaSec 1.3.
--
--    package.loaded["ssl"] = require "scissl.luasec"     -- or, for `ssl.https` and the other modules as well:
--    require "scissl.luasec".install()
--
-- LuaSec's unsafe defaults hold here as well: clients verify nothing unless a parameter says so, and never the name.
-- `scissl.luasec.strict(true)` changes that for the whole program.
-- @module scissl.luasec

local config = require "scissl.luasec.config"
local connection = require "scissl.luasec.connection"
local core = require "scissl.luasec.core"
local parameters = require "scissl.luasec.parameters"
local strictness = require "scissl.luasec.strictness"
local x509 = require "scissl.luasec.x509"

local luasec = {
  _VERSION = "1.3.2",
  _COPYRIGHT = core.copyright(),
  config = config,
}

--- Reads a certificate from PEM text.
-- @function scissl.luasec.loadcertificate
-- @tparam string pem
-- @return a certificate with LuaSec's methods (`scissl.luasec.x509`); nil where the text contains none
luasec.loadcertificate = x509.load

--- Makes a context.
-- @function scissl.luasec.newcontext
-- @tparam table given `mode` and `protocol`, needed; `key`, `certificate`, `password`, or several of these as
--  `certificates`; `cafile`, `capath`, `ciphers`, `ciphersuites`, `verify`, `verifyext`, `options`, `depth`, `dhparam`,
--  `curve`, `curveslist`, `alpn`, `psk`, `dane`; and, not in LuaSec, `verifyhost`: the name that a server's certificate
--  must name
-- @return[1] the context
-- @treturn[2] nil
-- @treturn[2] string why not
-- @raise where `mode` or `protocol` is missing
luasec.newcontext = parameters

--- Puts TLS over a connected socket. Call `dohandshake` next.
-- @function scissl.luasec.wrap
-- @param socket LuaSocket's, which gives up its descriptor; or any that scissl adopts, which is closed with the
--  connection
-- @param context or the parameters of one
-- @return[1] a connection with LuaSec's methods (`scissl.luasec.connection`)
-- @treturn[2] nil
-- @treturn[2] string why not
function luasec.wrap(socket, context)
  if type(context) == "table" and getmetatable(context) == nil then
    local problem
    context, problem = parameters(context)
    if not context then return nil, problem end
  end
  return connection.wrap(socket, context)
end

--- Turns verification on or off for all clients of this program, those of `wrap` and of `ssl.https`, also for contexts
-- that exist already. Then the chain must lead to a CA that the context trusts, or, where it names none, the system;
-- the certificate must name the host of `conn:sni(name)` or of the parameter `verifyhost`, and without either the
-- handshake fails; `"lsec_continue"` has no effect; the protocol is at least TLS 1.2. A server rejects a client with
-- which it has no application protocol (ALPN) in common.
-- @function scissl.luasec.strict
-- @tparam ?boolean on nil: no change
-- @treturn boolean whether it is on now
luasec.strict = strictness.set

-- LuaSec's modules, and those that replace them.
local places = {
  ["ssl"] = "scissl.luasec",
  ["ssl.core"] = "scissl.luasec.core",
  ["ssl.context"] = "scissl.luasec.context",
  ["ssl.x509"] = "scissl.luasec.x509",
  ["ssl.config"] = "scissl.luasec.config",
}

--- Makes `require "ssl"`, `"ssl.core"`, `"ssl.context"`, `"ssl.x509"`, `"ssl.config"` and `"ssl.https"` return scissl's
-- replacements in this program, from now on. As in LuaSec, `ssl.https` needs LuaSocket.
-- @treturn table this module
function luasec.install()
  for theirs, ours in pairs(places) do package.loaded[theirs] = require(ours) end
  package.loaded["ssl.https"] = nil
  package.preload["ssl.https"] = function() return require "scissl.luasec.https" end
  return luasec
end

return luasec
