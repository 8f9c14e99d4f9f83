return require "scissl.loop.wait_api"
