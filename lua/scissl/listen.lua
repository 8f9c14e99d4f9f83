return require "scissl.server.listen"
