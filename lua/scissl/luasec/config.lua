--- LuaSec's `ssl.config`: what there is to choose from.
--
-- `protocols`, `options`, `curves`, `algorithms`, `capabilities`: tables, true by name. `curves` has those that OpenSSL
-- takes for the key exchange.
-- @module scissl.luasec.config

local options = require "scissl.luasec.names"

local config = {
  protocols = { tlsv1 = true, tlsv1_1 = true, tlsv1_2 = true, tlsv1_3 = true },
  algorithms = { ec = true },
  capabilities = {
    alpn = true,
    dane = { no_ee_namechecks = true },
    curves_list = true,
    ecdh_auto = true,
    psk = true,
  },
  curves = options.curves(),
  options = {},
}

for name in pairs(options.bits) do config.options[name] = true end

return config
