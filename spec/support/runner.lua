-- runner.lua: busted under the interpreter that runs this file, whichever one the `busted` command would choose.
require "busted.runner" { standalone = false }
