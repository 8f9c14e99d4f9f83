return require "scissl.stream.plain"
