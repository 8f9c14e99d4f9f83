--- Protocols and cipher suites under a name: the field `profile` of a SciSslSocketConfiguration.
--
-- `modern` and `intermediate` are Mozilla's recommendations for servers, version 6.0, and `old` is that of version 5.8,
-- the last one that has it: https://ssl-config.mozilla.org/guidelines/6.0.json and
-- https://ssl-config.mozilla.org/guidelines/5.8.json. `server` is the default of `scissl.listen`.
-- @module scissl.tls.profiles

local SciSslContext = require "scissl.core".SciSslContext

local CIPHERSUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

-- Authenticated encryption and forward secrecy.
local FORWARD_SECRET = table.concat({
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
}, ":")

local OLDER = table.concat({
  "DHE-RSA-AES128-GCM-SHA256",
  "DHE-RSA-AES256-GCM-SHA384",
  "DHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-SHA256",
  "ECDHE-RSA-AES128-SHA256",
  "ECDHE-ECDSA-AES128-SHA",
  "ECDHE-RSA-AES128-SHA",
  "ECDHE-ECDSA-AES256-SHA384",
  "ECDHE-RSA-AES256-SHA384",
  "ECDHE-ECDSA-AES256-SHA",
  "ECDHE-RSA-AES256-SHA",
  "DHE-RSA-AES128-SHA256",
  "DHE-RSA-AES256-SHA256",
  "AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-SHA256",
  "AES256-SHA256",
  "AES128-SHA",
  "AES256-SHA",
  "DES-CBC3-SHA",
}, ":")

-- For pre-shared keys in TLS 1.2: first those with forward secrecy, and DHE last of these. OpenSSL's own list begins
-- with DHE-PSK in a group of 3,072 bits, which costs a server many times what ECDHE does.
local PRE_SHARED = table.concat({
  "ECDHE-PSK-CHACHA20-POLY1305",
  "ECDHE-PSK-AES128-CBC-SHA256",
  "ECDHE-PSK-AES256-CBC-SHA384",
  "DHE-PSK-AES128-GCM-SHA256",
  "DHE-PSK-CHACHA20-POLY1305",
  "DHE-PSK-AES256-GCM-SHA384",
  "DHE-PSK-AES128-CCM",
  "PSK-AES128-GCM-SHA256",
  "PSK-CHACHA20-POLY1305",
  "PSK-AES256-GCM-SHA384",
  "PSK-AES128-CCM",
  "PSK-AES128-CCM8",
  "PSK-AES128-CBC-SHA256",
  "PSK-AES128-CBC-SHA",
}, ":")

local GROUPS = "X25519:P-256:P-384"

-- Each is a table of fields, which a configuration's own fields override; `options` add to the configuration's.
local profiles = {
  modern = { minProtocol = "TLSv1.3", ciphersuites = CIPHERSUITES, groups = "X25519MLKEM768:" .. GROUPS },
  intermediate = {
    minProtocol = "TLSv1.2", cipherList = FORWARD_SECRET, ciphersuites = CIPHERSUITES,
    groups = "X25519MLKEM768:" .. GROUPS,
  },
  -- OpenSSL allows TLS 1.0 and 1.1 at security level 0 only.
  old = {
    minProtocol = "TLSv1", cipherList = FORWARD_SECRET .. ":" .. OLDER, ciphersuites = CIPHERSUITES,
    groups = GROUPS, securityLevel = 0, options = "cipher_server_preference",
  },
  -- The server's order, but ChaCha20 for clients that put it first: they have no hardware for AES.
  server = { options = { "cipher_server_preference", "prioritize_chacha" } },
}

local older_than_tls12 = { TLSv1 = true, ["TLSv1.1"] = true }

-- The suites of `server` do not serve TLS 1.0 and 1.1.
local function is_old(values)
  return older_than_tls12[values.version] or older_than_tls12[values.minProtocol]
    or older_than_tls12[values.maxProtocol]
end

local function suites_of_server(values)
  if is_old(values) then return nil end
  return values.pskServer and FORWARD_SECRET .. ":" .. PRE_SHARED or FORWARD_SECRET
end

-- OpenSSL has ML-KEM since 3.5.
local function groups_of_this_openssl(groups)
  local context = SciSslContext.new()
  return context and context:setGroups(groups) and groups or GROUPS
end

--- Returns a configuration's fields, with those of its profile where it has none of its own.
-- @function scissl.tls.profiles
-- @tparam table values fields of a SciSslSocketConfiguration
-- @treturn table a copy; `profileOptions`: the options that the profile adds
return function(values)
  local merged = {}
  for field, value in pairs(profiles[values.profile]) do merged[field] = value end
  merged.profileOptions, merged.options = merged.options, nil
  if values.profile == "server" then merged.cipherList = suites_of_server(values) end
  for field, value in pairs(values) do merged[field] = value end
  if values.groups == nil and merged.groups then merged.groups = groups_of_this_openssl(merged.groups) end
  return merged
end
