--- LuaSec's `ssl.https`: LuaSocket's `socket.http` over TLS.
-- @module scissl.luasec.https

local connection = require "scissl.luasec.connection"
local http = require "socket.http"
local ltn12 = require "ltn12"
local luasec = require "scissl.luasec"
local socket = require "socket"
local url = require "socket.url"

local try = socket.try

local https = {
  _VERSION = luasec._VERSION,
  _COPYRIGHT = luasec._COPYRIGHT,

  --- The port for URLs without one.
  PORT = 443,

  --- Seconds that each operation may take.
  TIMEOUT = 60,
}

local defaults = {
  protocol = "any",
  options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" },
  verify = "none",
}

-- ---- the socket for LuaSocket's HTTP

-- A connected socket has all methods of a TLS connection.
local Secured = {}
Secured.__index = {}

for name in pairs(connection.methods) do
  -- Looked up at each call: programs may change methods.
  Secured.__index[name] = function(self, ...)
    return self.sock[name](self.sock, ...)
  end
end

local Plain = {}
Plain.__index = {}

-- LuaSocket's HTTP sets its own time-out here; LuaSec uses its own.
function Plain.__index:settimeout()
  return self.sock:settimeout(https.TIMEOUT)
end

function Plain.__index:close()
  return self.sock:close()
end

-- "[::1]", as in URLs.
local function bare(host)
  return host:match "^%[(.*)%]$" or host
end

-- Where this returns nil, LuaSocket's HTTP closes the socket.
function Plain.__index:connect(host, port)
  host = bare(host)
  local done, problem = self.sock:connect(host, port)
  if not done then return nil, problem end
  local secured
  secured, problem = luasec.wrap(self.sock, self.parameters)
  if not secured then return nil, problem end
  self.sock = secured
  secured:sni(host)
  secured:settimeout(https.TIMEOUT)
  done, problem = secured:dohandshake()
  if not done then return nil, problem end
  setmetatable(self, Secured)
  return 1
end

--- Makes a function that makes sockets, for the field `create` of LuaSocket's `http.request`.
-- @tparam[opt] table parameters as for `newcontext`; LuaSec's defaults are `protocol = "any"`, `verify = "none"`, and
--  options that turn the oldest protocols off
-- @treturn function
function https.tcp(parameters)
  local given = {}
  for name, value in pairs(parameters or {}) do given[name] = value end
  for name, value in pairs(defaults) do given[name] = given[name] or value end
  given.mode = "client"
  return function()
    return setmetatable({ sock = try(socket.tcp()), parameters = given }, Plain)
  end
end

-- ---- requests

local function with_port(address)
  return url.build(url.parse(address, { port = https.PORT }))
end

local function request_of(address, body, pieces)
  local request = { url = with_port(address), method = body and "POST" or "GET", sink = ltn12.sink.table(pieces) }
  if body then
    request.source = ltn12.source.string(body)
    request.headers = {
      ["content-length"] = #body,
      ["content-type"] = "application/x-www-form-urlencoded",
    }
  end
  return request
end

local function copy_of(given)
  local request = {}
  for name, value in pairs(given) do request[name] = value end
  request.url = with_port(given.url)
  return request
end

local function refusal(request)
  if http.PROXY or request.proxy then return "proxy not supported" end
  if request.redirect then return "redirect not supported" end
  if request.create then return "create function not permitted" end
  return nil
end

--- Makes a request, as LuaSocket's `http.request` does.
-- @tparam string|table address or a table with `url`, the fields of LuaSocket (not `proxy`, `redirect` and `create`),
--  and parameters of `newcontext`
-- @tparam[opt] string body makes it a POST
-- @treturn[1] string|integer the body of the response; 1 where a table was given
-- @treturn[1] integer the status
-- @treturn[1] table its headers
-- @treturn[1] string its line
-- @treturn[2] nil
-- @treturn[2] string why not
function https.request(address, body)
  local pieces, is_text = {}, type(address) == "string"
  local request = is_text and request_of(address, body, pieces) or copy_of(address)
  local problem = refusal(request)
  if problem then return nil, problem end
  request.create = https.tcp(request)
  local result, status, headers, line = http.request(request)
  if result and is_text then result = table.concat(pieces) end
  return result, status, headers, line
end

return https
