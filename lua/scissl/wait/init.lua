return require "scissl.loop.wait"
