return require "scissl.client.connect"
