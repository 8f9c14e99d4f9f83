return require "scissl.loop.select_waiter"
