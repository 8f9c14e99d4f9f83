--- Gives a configuration the profile `server` where it names none: what all servers of `scissl.listen` have.
-- @function scissl.server.server_profile
-- @tparam SciSslSocketConfiguration configuration is changed
-- @treturn SciSslSocketConfiguration the same
return function(configuration)
  if configuration:profile() then return configuration end
  return configuration:profile "server"
end
