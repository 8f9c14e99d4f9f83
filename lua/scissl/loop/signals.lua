--- Waiting for signals, such as SIGTERM and SIGHUP, as for a socket: in every loop, beside connections. Nothing is
-- caught unless the program asks for it, and `close` restores what was set before.
--
-- A signal that was ignored is caught as well, since the program names it: `nohup` ignores SIGHUP, and a shell script
-- ignores SIGINT of what it starts with `&`. Leave out the signals that are to stay ignored.
--
-- Several objects may wait for the same signal: each gets it. In a child that `fork` made, signals do what they did
-- before `new`, until the child makes an object of its own. The same is true for a program that `exec` starts.
-- @module scissl.signals

local core = require "scissl.core"
local options = require "scissl.base.option_table"
local signal_wait = require "scissl.loop.signal_wait"
local wait = require "scissl.loop.wait"

local SciSignals = core.SciSignals

local signals = {}

local known_options = { waiter = "string|callable" }

--- Catches signals from now on, in place of what was set for them.
-- @function scissl.signals.new
-- @tparam string ... names: `"SIGHUP"`, `"SIGINT"`, `"SIGQUIT"`, `"SIGTERM"`, `"SIGUSR1"`, `"SIGUSR2"`, `"SIGALRM"`,
--  `"SIGCHLD"`, `"SIGCONT"`, `"SIGWINCH"`; and, behind them, perhaps a table of options:
--
-- * `waiter`: how to wait (see `scissl.wait`)
--
-- @treturn[1] SciSignals
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `open`: too many open files
-- @raise for no name, names of other signals, and unknown options
function signals.new(...)
  local given = table.pack(...)
  local waiter
  if type(given[given.n]) == "table" then
    waiter = options.read("signals.new", given[given.n], known_options, 2).waiter
    given.n = given.n - 1
  end
  waiter = wait.find(waiter, 2)
  for i = 1, math.max(1, given.n) do options.checkArgument(i, "signals.new", given[i], "string", 2) end
  local good, made, failure = pcall(SciSignals.new, table.unpack(given, 1, given.n))
  if not good then error((tostring(made):gsub("'%?'", "'signals.new'", 1)), 2) end
  if not made then return nil, failure end
  signal_wait.use(made, waiter)
  return made
end

return signals
