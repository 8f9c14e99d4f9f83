--- spec/support/suspending.lua: handshakes that stand still until their caller decides.
--
--    local suspending = require "spec.support.suspending"
--
--    suspending.CLIENT_HELLO, .CERTIFICATE, .VERIFY      codes of sslGetError
--    client, server = suspending.pair{ … }               as ends.pair, over memory by default
--    code, clientAnswer, serverAnswer = suspending.run(client, server, socket)
--        goes on with both ends until `socket` stands still for another reason than the network, whose code this
--        returns, or until both are done; with what both returned last

local core = require "scissl.core"
local ends = require "spec.support.ends"

local suspending = {
  CLIENT_HELLO = core.SSL_ERROR_WANT_CLIENT_HELLO_CB,
  CERTIFICATE = core.SSL_ERROR_WANT_X509_LOOKUP,
  VERIFY = core.SSL_ERROR_WANT_RETRY_VERIFY,
}

function suspending.pair(options)
  options = options or {}
  options.transport = options.transport or "memory"
  return ends.pair(options)
end

function suspending.run(client, server, socket)
  local client_answer, server_answer = ends.handshake(client, server)
  local answer = socket == client and client_answer or server_answer
  if math.type(answer) ~= "integer" or answer > 0 then return nil, client_answer, server_answer end
  return socket:sslGetError(answer), client_answer, server_answer
end

return suspending
