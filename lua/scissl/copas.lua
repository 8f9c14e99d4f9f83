return require "scissl.loop.copas_sockets"
