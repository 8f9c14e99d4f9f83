return require "scissl.loop.coroutine_waiter"
