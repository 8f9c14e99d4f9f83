return require "scissl.loop.luv_waiter"
