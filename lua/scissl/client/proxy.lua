--- Connections through an HTTP proxy (CONNECT), which may itself be reached over TLS.
--
-- The option `proxy` of `scissl.connect` is a URL, `"http://host:port"` or `"https://user:password@host:port"`, or a
-- table: `host`, `port`; `user` and `password`; `tls`: true, or a table of options of `scissl.connect` with which the
-- proxy's own certificate is verified (`caFile` …).
-- @module scissl.client.proxy

local core = require "scissl.core"
local client = require "scissl.client.client_options"
local environment = require "scissl.client.proxy_environment"
local options = require "scissl.base.option_table"

local SciSslError, SciSocket = core.SciSslError, core.SciSocket
local base64 = getmetatable(core).base64

local proxy = {}

local MAX_HEAD = 16384 -- bytes of the proxy's response

-- ---- what the option says

local known_options = {
  host = "string",
  port = "port",
  user = "string",
  password = "string",
  tls = "boolean|table",
}

local function decoded(text)
  return text and (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function read_url(url)
  local scheme, rest = url:match("^(%a+)://([^/?#]+)/?$")
  if scheme ~= "http" and scheme ~= "https" then return nil end
  local account, place = rest:match("^(.*)@([^@]*)$")
  local host, port = (place or rest):match("^(.+):(%d+)$")
  if not host or tonumber(port) > 65535 then return nil end
  local user, password = (account or ""):match("^([^:]*):?(.*)$")
  return {
    host = host,
    port = math.tointeger(tonumber(port)),
    user = account and decoded(user),
    password = account and decoded(password),
    tls = scheme == "https",
  }
end

--- Returns the option as a table.
-- @raise where it is malformed
function proxy.read(given, level)
  level = level + 1
  if type(given) == "string" then
    local read = read_url(given)
    if read then return read end
    error("bad option 'proxy' to 'scissl.connect' (\"http://host:port\" or \"https://host:port\" expected)", level)
  end
  given = options.read("proxy", given, known_options, level)
  if not (given.host and given.port) then error("option 'proxy' to 'scissl.connect' needs host and port", level) end
  if given.password and not given.user then
    error("option 'proxy' to 'scissl.connect' has a password but no user", level)
  end
  return given
end

local DEFAULT_PORT = "1080" -- curl's, where a variable names none

--- Returns the proxy that environment variables name for a host.
-- @tparam string host
-- @treturn[1] table as `read`; false: there is none
-- @treturn[2] nil
-- @treturn[2] SciSslError `bad_proxy`: a variable is malformed, or names a kind of proxy that is not known
function proxy.fromEnvironment(host)
  local url, variable = environment.find(host)
  if not url then return false end
  if not url:find ":%d+/?$" then url = url:gsub("/?$", ":" .. DEFAULT_PORT, 1) end
  local read = read_url(url)
  if read then return read end
  return nil, SciSslError.new {
    phase = "proxy", condition = "bad_proxy", subject = variable,
    message = "the variable names no proxy of the form http://host:port or https://host:port",
  }
end

-- ---- asking for the connection

local function refuse(condition, subject, message)
  return nil, SciSslError.new { phase = "proxy", condition = condition, subject = subject, message = message }
end

-- The proxy does not know the service names of this system, so it gets the port's number.
local function number_of(port)
  if math.type(port) or port:find "^%d+$" then return port end
  local addresses, failure = SciSocket.resolve("127.0.0.1", port, "inet")
  if not addresses then return nil, failure end
  return addresses[1].port
end

local function request(settings, target)
  local lines = { ("CONNECT %s HTTP/1.1"):format(target), "Host: " .. target }
  if settings.user then
    lines[3] = "Proxy-Authorization: Basic " .. base64(settings.user .. ":" .. (settings.password or ""))
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function read_answer(carrier, subject)
  local head, found = carrier:readUntil("\r\n\r\n", MAX_HEAD, true)
  if not head and found then return nil, found end
  if not head then return refuse("proxy_malformed", subject, "it closed the connection without a reply") end
  local status, words = head:match("^HTTP/%d%.%d (%d%d%d)([^\r\n]*)")
  if not status or not found then return refuse("proxy_malformed", subject, "its reply is not a complete HTTP head") end
  if status:find "^2" then return true end
  return refuse("proxy_refused", subject, ("it replied %s%s"):format(status, words:sub(1, 200)))
end

local function ask(carrier, settings, run)
  local subject = client.withPort(settings.host, settings.port)
  local port, failure = number_of(run.port)
  if not port then return nil, failure end
  local done
  done, failure = carrier:write(request(settings, client.withPort(run.host, port)))
  if done then done, failure = read_answer(carrier, subject) end
  return done, failure
end

local function reach(settings, run)
  local given = { host = settings.host, port = settings.port, waiter = run.waiter, resolver = run.resolver }
  for _, name in ipairs { "family", "localAddress", "localPort", "keepAlive" } do given[name] = run[name] end
  if run.deadline then given.timeout = math.max(0, run.deadline - SciSocket.now()) end
  if not settings.tls then return require "scissl.stream.plain".connect(given) end
  for name, value in pairs(settings.tls ~= true and settings.tls or {}) do given[name] = value end
  return require "scissl.client.connect"(given)
end

--- Connects to a proxy and asks it to connect to the host of `run`.
-- @tparam table settings what `read` returned
-- @tparam table run of `scissl.client.client_options`, with `waiter` and `deadline`
-- @treturn[1] SciSslStream that leads to that host
-- @treturn[2] nil
-- @treturn[2] SciSslError as `scissl.connect` for the proxy; phase `proxy`: `proxy_refused`, `proxy_malformed`
function proxy.open(settings, run)
  if run.host:find "[%s%c/?#@]" then
    return refuse("bad_host_name", run.host:sub(1, 60):gsub("%c", "?"), "the host name cannot be sent to a proxy")
  end
  local carrier, failure = reach(settings, run)
  if not carrier then return nil, failure end
  carrier:setdeadline(run.deadline)
  local done
  done, failure = ask(carrier, settings, run)
  if done then return carrier end
  carrier:close()
  return nil, failure
end

return proxy
