return require "scissl.server.sni_map"
