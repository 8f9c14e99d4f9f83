-- Fetches a page over verified TLS, and writes it to standard output:
-- lua5.4 examples/https_client.lua https://HOST[:PORT]/PATH [TRUSTED_CERTIFICATE_FILE]
local scissl = require "scissl"

local function fail(problem)
  io.stderr:write(tostring(problem), "\n")
  os.exit(1, true)
end

local authority, path = (arg[1] or ""):match "^https://([^/]+)(.*)$"
if not authority then fail "usage: https_client.lua https://HOST[:PORT]/PATH [TRUSTED_CERTIFICATE_FILE]" end
local host, port = authority:match "^(.-):(%d+)$" -- connect accepts the brackets of "[::1]"
host, port = host or authority, tonumber(port or "443")
if path == "" then path = "/" end
if path:find "[%c ]" then fail "a path has no spaces and no control characters: write %20" end

-- Chain and host name are verified: against the given file, or by default against the system's trust store.
local stream, failure = scissl.connect { host = host, port = port, caFile = arg[2], timeout = 10 }
if not stream then fail(failure) end

-- HTTP/1.0: the body ends where the connection ends. TLS distinguishes that end from a cut connection.
stream:write("GET ", path, " HTTP/1.0\r\nHost: ", authority, "\r\nConnection: close\r\n\r\n")
local status = stream:read "l"
local header
repeat header = stream:read "l" until not header or header:find "^\r?$"

local body, problem, partial = stream:read "a"
io.stdout:write(body or partial or "")
stream:close()
if not body then fail(problem) end
io.stderr:write(("%s, %s, %s\n"):format((status or "no response"):gsub("%c", ""), stream:version() or "closed", host))
os.exit(status and status:find " 200 " and 0 or 1, true)
