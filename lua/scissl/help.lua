return require "scissl.repl.help"
