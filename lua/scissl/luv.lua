return require "scissl.loop.luv_streams"
