--- scissl.signals.new, SciSignals:wait, SciSignals:close
local signals = assert(scissl.signals.new("SIGUSR1", "SIGTERM"))
os.execute "kill -USR1 $PPID" -- in a program: another process sends it
print(signals:wait()) --> SIGUSR1
print(select(2, signals:wait(0)):condition()) --> timeout
signals:close()

--- SciSignals.new, SciSignals:take, SciSignals:getfd
local signals = assert(scissl.SciSignals.new "SIGUSR1")
print(signals:getfd() >= 0) --> true
print(select(2, signals:take()):condition()) --> not_ready
signals:close()
