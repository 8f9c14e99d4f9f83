-- busted gives each file modules of its own, which luv does not survive: its loop is the lua_State's.
pcall(require, "luv")
require "busted.runner"({ standalone = false })
