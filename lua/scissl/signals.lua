return require "scissl.loop.signals"
