return require "scissl.loop.scheduler"
