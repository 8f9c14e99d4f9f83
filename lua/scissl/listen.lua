return require "scissl.server.listener"
