-- The example of a server of several processes, with clients that meet one worker and another.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local foreign = require "spec.support.foreign"
local pki = require "spec.support.pki"

local function start(workers)
  local command = ends.luaCommand(""):gsub("%S+$", "examples/prefork_server.lua")
  return ends.start(("%s 0 %s %s %d"):format(command, pki.server.certificateFile, pki.server.keyFile, workers),
    "^listening on (%d+)")
end

local function worker_pids(peer, count)
  local pids, ready, number = {}, 0, 0
  while number < count or ready < count do
    local line = foreign.expect(peer, "^worker ")
    for pid in line:gmatch "%d+" do
      pids[pid], number = true, number + 1
    end
    if line:find "ready" then ready = ready + 1 end
  end
  return pids
end

-- Answers what the page says, and the session to go on with.
local function visit(peer, version, session)
  local stream, failure = scissl.connect {
    host = "127.0.0.1", port = peer.port, ca = pki.ca.certificate, version = version, session = session, timeout = 30,
  }
  if not stream then return nil, failure end
  stream:write "GET / HTTP/1.0\r\n\r\n"
  local text = stream:read "a"
  local reused, next_session = stream:isSessionReused(), stream:getSession()
  stream:close()
  local pid, how = text:match "worker (%d+), ([%w ]+)\n$"
  assert.are.equal(reused and "resumed" or "full handshake", how)
  return { pid = pid, reused = reused }, next_session
end

describe("examples/prefork_server.lua", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("lets a client resume at another worker, " .. version, function()
      local peer <close> = start(3)
      worker_pids(peer, 3)
      local seen, session = visit(peer, version)
      assert.is_false(seen.reused)
      local first, other = seen.pid, nil
      for _ = 1, 200 do
        seen, session = visit(peer, version, session)
        assert.is_true(seen.reused)
        if seen.pid ~= first then other = seen.pid end
        if other then break end
      end
      assert.is_string(other)
    end)
  end

  it("starts a worker again that has died, with which clients resume", function()
    local peer <close> = start(1)
    local pid = next(worker_pids(peer, 1))
    local seen, session = visit(peer, "TLSv1.3")
    assert.are.equal(pid, seen.pid)
    assert(os.execute("kill -KILL " .. pid))
    local pids = worker_pids(peer, 1)
    seen = visit(peer, "TLSv1.3", session)
    assert.is_true(seen.reused)
    assert.is_true(pids[seen.pid])
    assert.are_not.equal(pid, seen.pid)
  end)

  it("finishes the client that it has when it is told to end", function()
    local peer <close> = start(1)
    worker_pids(peer, 1)
    local stream = assert(scissl.connect {
      host = "127.0.0.1", port = peer.port, ca = pki.ca.certificate, timeout = 30,
    })
    assert(stream:write "GET / HTTP/1.0\r\n")
    assert(stream:flush())
    assert(os.execute("kill -TERM " .. peer.pid))
    assert(stream:write "\r\n")
    assert.truthy(stream:read "a":find "worker %d+, full handshake\n$")
    stream:close()
    local _, how = peer:finish() -- the workers hold its output: all of them are gone, too
    assert.are.equal("signal", how)
    assert.is_nil((visit(peer, "TLSv1.3")))
  end)
end)
