--- The network that an address belongs to, for limits: one host usually has many addresses of IPv6.
-- @module scissl.base.network

--- Returns the first 64 bits of an IPv6 address; of an IPv4 address all, or the first 24 bits.
-- @function scissl.base.network
-- @tparam ?string address as `SciSocket:getPeerName` returns it
-- @tparam[opt] boolean wide true: 24 bits of IPv4
-- @treturn ?string nil: it is no address of IP
return function(address, wide)
  if not address or address == "" or address:find "^/" then return nil end -- a Unix-domain socket
  address = address:match "^[^%%]*" -- without the interface of a link-local address
  if address:find(".", 1, true) then return address:match(wide and "(%d+%.%d+%.%d+)%.%d+$" or "[%d.]+$") end
  local head, tail = address:match "^(.-)::(.*)$"
  if not head then return address:match "^%x+:%x+:%x+:%x+" end
  local groups = {}
  for group in head:gmatch "%x+" do groups[#groups + 1] = group end
  local _, behind = tail:gsub("%x+", "")
  for _ = 1, 8 - #groups - behind do groups[#groups + 1] = "0" end
  for group in tail:gmatch "%x+" do groups[#groups + 1] = group end
  return table.concat(groups, ":", 1, 4)
end
