-- The benchmark of DTLS: it runs, with a few peers, against our server and against the one in C. Its figures are not
-- checked, but for what forged ClientHellos leave behind.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function run(environment, ...)
  local words = {}
  for i, word in ipairs { ... } do words[i] = ("%q"):format(word) end
  local source = "local lua = arg[-1]\narg = { [-1] = lua, [0] = 'spec/bench/datagrams.lua', %s }\ndofile(arg[0])\n"
  local peer <close> = ends.lua(source:format(table.concat(words, ", ")), nil, environment)
  local output, _, code = peer:finish()
  assert.equal(0, code, output)
  return output
end

local on_linux = io.open "/proc/self/stat" and os.getenv "SCISSL_RUN" ~= "sanitized"

describe("spec/bench/datagrams.lua", function()
  (on_linux and it or pending)("measures a server, and finds nothing left of forged ClientHellos #slow", function()
    local output = run({}, "5", "40", "50")
    assert.matches("spoofed hellos +40 answered, 0 peers more", output)
    assert.matches("memory +%-?%d+ bytes resident a peer, %-?%d+ of them Lua's %(5 peers%)", output)
    assert.matches("time +%d+ µs a handshake, %d+ µs a round trip", output)
    assert.matches("^%-?%d+%s*$", run({}, "memory", "3"))
    assert.matches("^%d+%s*$", run({}, "message", "3", "0", "20"))
  end);

  (on_linux and ends.has "cc" and it or pending)("measures the server in C #slow", function()
    local program = pki.folder() .. "/datagram_server"
    local command = "cc -std=gnu11 -O2 -o %s spec/bench/datagram_server.c -lssl -lcrypto"
    local built <close> = ends.start(command:format(program))
    local output, _, code = built:finish()
    assert.same({ "", 0 }, { output, code })
    assert.matches("^%d+%s*$", run({ BENCH_DATAGRAM_SERVER = program }, "message", "3", "0", "20"))
  end)
end)
