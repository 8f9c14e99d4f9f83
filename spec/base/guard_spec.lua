-- What OpenSSL allocates for one call of a method is freed when the method returns. The collector would be too late:
-- it frees nothing that finalizers make while a lua_State closes.
local ends = require "spec.support.ends"

-- A finalizer that runs while the state closes calls a method 500 times. Each call encodes a certificate of 40 kB.
local SOURCE = [[
  local scissl = require "scissl"
  local function resident()
    for line in io.lines("/proc/self/status") do
      local kilobytes = line:match("^VmRSS:%s*(%d+)")
      if kilobytes then return tonumber(kilobytes) end
    end
  end
  local names = {}
  for i = 1, 2000 do names[i] = ("host%d.example"):format(i) end
  local certificate = assert(scissl.SciSslX509Certificate.issue {
    subject = "CN=many", key = assert(scissl.SciSslPrivateKey.generate "EC"), names = names, days = 1 })
  last = setmetatable({}, { __gc = function()
    for _ = 1, 50 do assert(certificate:tlsa()) end
    local before = resident()
    for _ = 1, 500 do assert(certificate:tlsa("Cert", "SHA2-256")) end
    print(resident() - before)
  end })
  os.exit(true, true)
]]

describe("What OpenSSL allocates for a method", function()
  it("is freed when the method returns, even in a finalizer while the state closes", function()
    local status = io.open "/proc/self/status"
    if not status then return pending "memory: no /proc here" end
    status:close()
    if os.getenv "SCISSL_RUN" == "sanitized" or os.getenv "SCISSL_RUN" == "valgrind" then
      return pending "memory: the tools of this run keep what is freed"
    end
    local pipe <close> = assert(io.popen(ends.luaCommand(SOURCE)))
    local printed = pipe:read "a"
    local grown = tonumber(printed)
    assert.is_truthy(grown, printed)
    assert.is_true(grown < 4096, grown .. " KiB more")
  end)
end)
