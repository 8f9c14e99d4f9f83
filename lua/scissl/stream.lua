return require "scissl.stream.stream"
