--- LuaSec's `ssl` on scissl: the same functions, parameters, methods, returns and words as LuaSec 1.3.
--
--    package.loaded["ssl"] = require "scissl.luasec"     -- or, for `ssl.https` and the rest, too:
--    require "scissl.luasec".install()
--
-- What is unsafe in LuaSec unless a program does it by hand is unsafe here: clients verify nothing unless told to, and
-- never the name. `scissl.luasec.strict(true)` changes that for the whole program.
-- @module scissl.luasec

local config = require "scissl.luasec.config"
local connection = require "scissl.luasec.connection"
local core = require "scissl.luasec.core"
local parameters = require "scissl.luasec.parameters"
local strictness = require "scissl.luasec.strictness"
local x509 = require "scissl.luasec.x509"

local luasec = {
  _VERSION = "1.3.0",
  _COPYRIGHT = core.copyright(),
  config = config,
}

--- Reads a certificate from PEM text.
-- @function scissl.luasec.loadcertificate
-- @tparam string pem
-- @return a certificate with LuaSec's methods (`scissl.luasec.x509`); nil where the text has none
luasec.loadcertificate = x509.load

--- Makes a context.
-- @function scissl.luasec.newcontext
-- @tparam table given `mode` and `protocol`, needed; `key`, `certificate`, `password`, or several of these as
--  `certificates`; `cafile`, `capath`, `ciphers`, `ciphersuites`, `verify`, `verifyext`, `options`, `depth`, `dhparam`,
--  `curve`, `curveslist`, `alpn`, `psk`, `dane`; and `verifyhost`, of ours: the name that a server's certificate must
--  be for
-- @return[1] the context
-- @treturn[2] nil
-- @treturn[2] string why not
-- @raise where `mode` or `protocol` is missing
luasec.newcontext = parameters

--- Puts TLS over a connected socket. `dohandshake` is still to come.
-- @function scissl.luasec.wrap
-- @param socket LuaSocket's, which hands over its descriptor; or any that scissl adopts, which is closed with the
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

--- Turns verification on, or off again, for all clients of this program: those of `wrap` and of `ssl.https`, with
-- contexts that exist already, too. The chain must lead to whom the context trusts, or to whom the system trusts
-- where it names nobody; the certificate must be for the name given by `conn:sni(name)` or the parameter
-- `verifyhost`, and there is no handshake without one; `"lsec_continue"` goes on no more; the protocol is TLS 1.2 at
-- the least. A server whose protocols (ALPN) are none of the client's refuses it.
-- @function scissl.luasec.strict
-- @tparam ?boolean on nil: leaves it as it is
-- @treturn boolean what holds now
luasec.strict = strictness.set

-- Names of LuaSec's modules, and ours.
local places = {
  ["ssl"] = "scissl.luasec",
  ["ssl.core"] = "scissl.luasec.core",
  ["ssl.context"] = "scissl.luasec.context",
  ["ssl.x509"] = "scissl.luasec.x509",
  ["ssl.config"] = "scissl.luasec.config",
}

--- Makes `require "ssl"`, `"ssl.core"`, `"ssl.context"`, `"ssl.x509"`, `"ssl.config"` and `"ssl.https"` answer ours, in
-- this program, from now on. `ssl.https` needs LuaSocket, as it does in LuaSec, when it is first used.
-- @treturn table this module
function luasec.install()
  for theirs, ours in pairs(places) do package.loaded[theirs] = require(ours) end
  package.loaded["ssl.https"] = nil
  package.preload["ssl.https"] = function() return require "scissl.luasec.https" end
  return luasec
end

return luasec
