return require "scissl.loop.copas_waiter"
