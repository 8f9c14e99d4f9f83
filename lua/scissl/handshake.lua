return require "scissl.tls.handshake"
