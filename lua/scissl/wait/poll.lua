return require "scissl.loop.poll_waiter"
