--- What a code, a name or an error means, in plain sentences.
-- @module scissl.repl.explain

local alert_words = require "scissl.base.alert_words"
local core = require "scissl.core"
local options = require "scissl.base.option_table"
local text_of = require "scissl.base.safe_text"
local wrap = require "scissl.repl.narrate".wrap

local explain = {}

-- ---- SSL_ERROR_ codes: what to do before the call is repeated

local ssl_errors = {
  SSL_ERROR_NONE = "The call has done its work. Nothing is left to do.",
  SSL_ERROR_SSL = "TLS has failed, and this connection is over. The call has returned a SciSslError that says why: "
    .. "print it, or give it to scissl.explain.",
  SSL_ERROR_WANT_READ = "Not ready: the call needs bytes from the peer. Wait until the socket is readable, then repeat "
    .. "the same call. (sslWrite, too, can need to read.)",
  SSL_ERROR_WANT_WRITE = "Not ready: the network does not accept the call's bytes now. Wait until the socket is "
    .. "writable, then repeat the same call.",
  SSL_ERROR_WANT_X509_LOOKUP = "The handshake is suspended because it needs a certificate. Give one with "
    .. "sslUseCertificate, or none, then repeat the same call.",
  SSL_ERROR_SYSCALL = "The operating system has reported a failure, often that the peer has cut the connection. The "
    .. "call has returned a SciSslError that has the errno.",
  SSL_ERROR_ZERO_RETURN = "The peer has closed the TLS session in the regular way (close_notify). There is nothing "
    .. "more to read; close the socket.",
  SSL_ERROR_WANT_CONNECT = "Not ready: the TCP connection is not made yet. Wait until the socket is writable, then "
    .. "repeat the same call.",
  SSL_ERROR_WANT_ACCEPT = "Not ready: no connection has arrived. Wait until the socket is readable, then repeat the "
    .. "same call.",
  SSL_ERROR_WANT_ASYNC = "Not ready: an engine works in the background. Repeat the same call a little later.",
  SSL_ERROR_WANT_ASYNC_JOB = "Not ready: all workers of an engine are busy. Repeat the same call a little later.",
  SSL_ERROR_WANT_CLIENT_HELLO_CB = "The handshake is suspended so that the server can look at clientHello() and choose "
    .. "a context, a certificate or a protocol. Do that, then repeat the same call.",
  SSL_ERROR_WANT_RETRY_VERIFY = "The handshake is suspended so that the program can verify the peer: look at "
    .. "sslVerdict(), call sslApprove or sslRefuse, or leave it to OpenSSL, then repeat the same call.",
}

-- ---- the numbers of the names

-- The names of constants that begin with `prefix`, by their values.
local function names_of(prefix)
  local names = {}
  for name, value in pairs(core) do
    if type(name) == "string" and name:find(prefix, 1, true) == 1 and math.type(value) == "integer" then
      local known = names[value]
      if not known or name < known then names[value] = name end
    end
  end
  return names
end

local NAME_OF_RESULT = "^X509_V_ERR_"

local function result_names()
  local names = names_of "X509_V_ERR_"
  names[core.X509_V_OK] = "X509_V_OK"
  return names
end

local function alert_of_number(number)
  local constant = names_of "SSL_AD_" [number]
  if not constant then return nil end
  local name = constant:sub(#"SSL_AD_" + 1):lower()
  return name == "user_cancelled" and "user_canceled" or name
end

local function number_of_alert(name)
  return core["SSL_AD_" .. (name == "user_canceled" and "USER_CANCELLED" or name:upper())]
end

-- ---- sentences for each kind

-- The part of a hint after "connecting: ", as a sentence; nil where there is no such condition.
local UNSAID = "TLS: it failed without a reason; memory may be full"

local function advice(fields)
  local hint = core.SciSslError.new(fields):errorHint()
  if hint == UNSAID then return nil end
  return (hint:gsub("^[^:]*: ", "", 1):gsub(" %[[^%]]*%]$", ""):gsub("^%l", string.upper)) .. "."
end

local function about_ssl_error(name)
  return ("%s (%d). %s"):format(name, core[name], ssl_errors[name])
end

local function about_result(code, name)
  if code == core.X509_V_OK then
    return ("%s (0), a verification result. The certificate chain is good: signed by a trusted CA, valid now, and "
      .. "for the expected host. OpenSSL has the same result for a peer without a certificate; sslVerifyCertificate() "
      .. "returns nil there."):format(name)
  end
  local err = core.SciSslError.new { phase = "verify", verifyResult = code }
  local _, text = err:verifyResult()
  return ("%s (%d), a verification result: %s. %s"):format(name, code, text, advice { verifyResult = code })
end

local function about_alert(name)
  local number = number_of_alert(name)
  return ("The alert %s%s. It means: %s."):format(name, number and (" (%d)"):format(number) or "",
    alert_words.meaning(name))
end

local function about_condition(name)
  local text = advice { condition = name }
  return text and ("The condition %s of a SciSslError. %s"):format(name, text)
end

-- ---- errors

local function add(paragraphs, text, ...)
  if text then paragraphs[#paragraphs + 1] = text:format(...) end
end

local function about_cause(paragraphs, cause, depth)
  if cause == nil then return end
  if not core.isSslError(cause) then
    add(paragraphs, "The cause is an error that a function of this program raised: %s", text_of(cause):match "^[^\n]*")
    return
  end
  add(paragraphs, "The cause is another error (condition %s): %s", cause:condition(), cause:errorHint())
  if depth < 8 then about_cause(paragraphs, cause:cause(), depth + 1) end
end

local function about_queue(paragraphs, queue)
  for i, entry in ipairs(queue) do
    add(paragraphs, "OpenSSL's report %d of %d: %s, in %s%s", i, #queue, entry.reason or "without a reason",
      entry["function"] ~= "" and entry["function"] or entry.library or "an unnamed place",
      entry.data and (" (%s)"):format(entry.data) or "")
  end
end

local function about_error(err)
  local paragraphs = { err:errorHint() }
  add(paragraphs, "Its condition is \"%s\", its phase \"%s\".", err:condition(), err:phase())
  local alert, direction, number = err:alert()
  if alert then
    add(paragraphs, "%s the alert %s (%d): %s.", direction == "sent" and "This end has sent" or "The peer has sent",
      alert, number, alert_words.meaning(alert))
  end
  local code, words = err:verifyResult()
  if code then
    local name = result_names()[code] or "one without a name"
    add(paragraphs, "The verification result is %s (%d): %s.", name, code, words)
  end
  local errno, text = err:errno()
  if errno then add(paragraphs, "The operating system says: %s (errno %d).", text, errno) end
  about_queue(paragraphs, err:queue())
  about_cause(paragraphs, err:cause(), 1)
  if err:traceback() then add(paragraphs, "%s", "err:traceback() says where the handler raised it.") end
  return paragraphs
end

-- ---- what the caller gave

local function about_number(number)
  local paragraphs = {}
  if number < 0 then
    local name = names_of "SSL_ERROR_" [-number]
    if not (name and ssl_errors[name]) then return paragraphs end
    add(paragraphs, "sslConnect, sslAccept, sslRead and others return it when they are not ready. "
      .. "sslGetError then returns: %s",
      about_ssl_error(name))
    return paragraphs
  end
  local name = names_of "SSL_ERROR_" [number]
  if name and ssl_errors[name] then add(paragraphs, "As a result of sslGetError: %s", about_ssl_error(name)) end
  local result = result_names()[number]
  if result then add(paragraphs, "As a result of sslVerifyCertificate: %s", about_result(number, result)) end
  local alert = alert_of_number(number)
  if alert and alert_words.known[alert] then add(paragraphs, "As an alert: %s", about_alert(alert)) end
  return paragraphs
end

local function about_name(name)
  local paragraphs, code = {}, core[name]
  if ssl_errors[name] and code then add(paragraphs, "%s", about_ssl_error(name)) end
  if math.type(code) == "integer" and (name == "X509_V_OK" or name:find(NAME_OF_RESULT)) then
    add(paragraphs, "%s", about_result(code, name))
  end
  local alert = name:find "^SSL_AD_" and math.type(code) == "integer" and alert_of_number(code) or name
  if alert_words.known[alert] then add(paragraphs, "%s", about_alert(alert)) end
  add(paragraphs, about_condition(name) and "%s", about_condition(name))
  return paragraphs
end

--- Tells whether there is an explanation of that name of an alert, a constant or a condition.
function explain.knows(name)
  return about_name(name)[1] ~= nil
end

local function nearest(name)
  local known = {}
  for alert in pairs(alert_words.known) do known[alert] = true end
  for constant in pairs(ssl_errors) do known[constant] = true end
  for _, constant in pairs(result_names()) do known[constant] = true end
  return options.nearest(name, known)
end

local function nothing_about(value)
  local near = type(value) == "string" and nearest(value)
  return ("scissl knows no SSL_ERROR_ or X509_V_ code, alert or condition %s.%s"):format(tostring(value),
    near and (" Did you mean %s?"):format(near) or "")
end

local WIDTH = 80

local function laid_out(paragraphs)
  local texts = {}
  for i, paragraph in ipairs(paragraphs) do
    texts[i] = table.concat(wrap(paragraph:gsub("[%c\127]+", " "), WIDTH), "\n")
  end
  return table.concat(texts, "\n\n")
end

--- Explains an error or a code in plain sentences.
-- @function scissl.explain
-- @param value a SciSslError; an integer: what `sslConnect` and its like, `sslGetError` or `sslVerifyCertificate`
--  returned, or an alert's number, in each meaning that it can have; or a name: of a constant
--  (`"SSL_ERROR_WANT_READ"`, `"X509_V_ERR_CERT_HAS_EXPIRED"`, `"SSL_AD_UNKNOWN_CA"`), an alert (`"unknown_ca"`) or a
--  condition (`"certificate_expired"`)
-- @treturn string lines of 80 columns, paragraphs with an empty line between
-- @raise for a value of another type
-- @usage print(scissl.explain(10))
return setmetatable(explain, { __call = function(_, value)
  local paragraphs
  if core.isSslError(value) then paragraphs = about_error(value)
  elseif math.type(value) == "integer" then paragraphs = about_number(value)
  elseif type(value) == "string" then paragraphs = about_name(value)
  else
    error(("bad argument #1 to 'explain' (SciSslError, integer or name expected, got %s)"):format(
      math.type(value) or type(value)), 2)
  end
  return laid_out(paragraphs[1] and paragraphs or { nothing_about(value) })
end })
