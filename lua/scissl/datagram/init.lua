--- DTLS: messages over UDP, encrypted and authenticated as TLS does it for streams.
--
--    local server = assert(scissl.datagram.connect { host = "example.com", port = 5684 })
--    assert(server:send "a message")
--    print(server:receive(5))
--
-- What is sent arrives once and unchanged, or not at all: messages may be lost, and may come in another order. What has
-- to arrive must be sent again by the protocol above, as CoAP does.
--
-- OpenSSL has DTLS 1.2 and no connection ids (RFC 9146): a client whose address changes makes a new handshake.
-- @module scissl.datagram

return {
  connect = require "scissl.datagram.connect",
  listen = require "scissl.datagram.listen",
}
