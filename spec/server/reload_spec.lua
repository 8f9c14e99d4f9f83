-- A listener's context anew: reload, setContext with options, SNI maps; and accept beside slow handshakes.
local scissl = require "scissl"
local crl = require "spec.support.crl"
local ends = require "spec.support.ends"
local write = require "spec.support.files".replace
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local LONG = 30

local function identity(subject)
  return pki.issue { subject = subject, names = { "localhost", "a.example", "127.0.0.1" } }
end

local old, new = identity "CN=old", identity "CN=new"

local function files_of(one)
  return { certificate = pki.write(one.certificatePem), privateKey = pki.write(one.keyPem) }
end

local function replace(files, one)
  write(files.certificate, one.certificatePem)
  write(files.privateKey, one.keyPem)
end

local function listen(options)
  local given = { host = "127.0.0.1", port = 0, waiter = "coroutine", timeout = LONG }
  for name, value in pairs(options) do given[name] = value end
  local listener = assert(scissl.listen(given))
  return listener, select(2, listener:getSockName())
end

-- One connection: the subject of the server's certificate, whether a session was resumed, and the newest session.
local function visit(listener, port, options)
  local given = { host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG }
  for name, value in pairs(options or {}) do given[name] = value end
  local session
  given.sessions = { get = function() end, put = function(_, _, made) session = made end }
  local results = ends.run(function()
    local stream <close> = assert(scissl.connect(given))
    stream:read()
    return stream:peerCertificate():subject(), stream:isSessionReused()
  end, function()
    local stream <close> = assert(listener:accept(LONG))
    assert(stream:write "hello\n")
  end)
  return results[1][1], results[1][2], session
end

describe("listener:reload", function()
  it("uses new files for later connections", function()
    local files = files_of(old)
    local listener <close>, port = listen(files)
    assert.matches("old", (visit(listener, port)))
    replace(files, new)
    assert.matches("old", (visit(listener, port)))
    assert.equal(listener, listener:reload())
    assert.matches("new", (visit(listener, port)))
  end)

  it("changes nothing where no file has changed", function()
    local listener <close> = listen(files_of(old))
    local context = listener:getContext()
    assert(listener:reload())
    assert.equal(context, listener:getContext())
  end)

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("keeps sessions valid, " .. version, function()
      local files = files_of(old)
      files.maxProtocol = version
      local listener <close>, port = listen(files)
      local _, _, session = visit(listener, port)
      replace(files, new)
      assert(listener:reload())
      local _, reused = visit(listener, port, { session = session })
      assert.is_true(reused)
    end)
  end

  local bad = {
    ["a missing file"] = { function(files) os.remove(files.certificate) end, "file_missing" },
    ["an empty file"] = { function(files) write(files.certificate, "") end, "file_empty" },
    ["a half-written file"] = {
      function(files) write(files.certificate, old.certificatePem:sub(1, 200)) end, "no_pem_end",
    },
    ["a key of another certificate"] = { function(files) write(files.privateKey, new.keyPem) end, "key_mismatch" },
  }

  for what, case in pairs(bad) do
    it("keeps the old context and says why: " .. what, function()
      local files = files_of(old)
      local listener <close>, port = listen(files)
      local context = listener:getContext()
      case[1](files)
      local done, failure = listener:reload()
      assert.is_nil(done)
      assert.equal("load", failure:phase())
      refusals.check(failure)
      assert.equal(context, listener:getContext())
      assert.matches("old", (visit(listener, port)))
      replace(files, new)
      assert(listener:reload())
      assert.matches("new", (visit(listener, port)))
    end)
  end

  it("reads the files of the SNI map again, all or none", function()
    local files, others = files_of(old), files_of(old)
    local listener <close>, port = listen {
      certificate = files.certificate, privateKey = files.privateKey, sni = { ["a.example"] = others },
    }
    local function subject(name)
      return (visit(listener, port, { serverName = name, verifyHost = false }))
    end
    assert.matches("old", subject "a.example")
    replace(files, new)
    write(others.certificate, "")
    assert.is_nil((listener:reload()))
    assert.matches("old", subject "localhost")
    replace(others, new)
    assert(listener:reload())
    assert.matches("new", subject "a.example")
    assert.matches("new", subject "localhost")
  end)

  for _, how in ipairs { "scissl.listen", "setContext" } do
    it("does not see what the program does to its configuration after " .. how, function()
      local files = files_of(old)
      local configuration = scissl.SciSslSocketConfiguration.new(files)
      local listener <close>, port = listen(how == "setContext" and files_of(new) or { configuration = configuration })
      if how == "setContext" then assert(listener:setContext { configuration = configuration }) end
      local others = files_of(new)
      configuration:certificate(others.certificate):privateKey(others.privateKey)
      assert(listener:reload())
      assert.matches("old", (visit(listener, port)))
    end)
  end

  it("says so where the program made the context", function()
    local context = ends.serverContext {}
    local listener <close> = listen { context = context }
    refusals.refused("not_reloadable", "load", nil, listener:reload())
  end)

  it("loses no connection under load #slow", function()
    local files = files_of(old)
    local listener, port = listen(files)
    local loop = assert(scissl.scheduler.new())
    local failures, lines, subjects, running = {}, 0, {}, 8
    loop:spawn(function()
      listener:serve(function(stream) stream:write(stream:read "L") end, {
        onError = function(failure) failures[#failures + 1] = tostring(failure) end,
      })
    end)
    local function client()
      for _ = 1, 25 do
        local stream <close> = assert(scissl.connect {
          host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG,
        })
        subjects[stream:peerCertificate():subject()] = true
        stream:write "x\n"
        local line = stream:read()
        lines = lines + (line == "x" and 1 or 0)
      end
      running = running - 1
      if running == 0 then listener:close() end
    end
    for _ = 1, 8 do loop:spawn(client) end
    loop:spawn(function()
      local turn = 0
      while running > 0 do
        turn = turn + 1
        replace(files, turn % 2 == 0 and old or new)
        assert(listener:reload())
        loop:sleep(0.01)
      end
    end)
    assert(loop:run())
    assert.same({}, failures)
    assert.equal(200, lines)
    assert.is_truthy(subjects["CN=old"] and subjects["CN=new"])
  end)
end)

-- ---- files of other kinds: each is broken in every way, and then replaced by another good one

local function sealed(one)
  return assert(scissl.SciSslPkcs12.make { certificate = one.certificate, key = one.key, passphrase = "secret" })
end

-- What a client with a certificate gets: a word and the subject of the server's certificate; or why the server
-- rejected it.
local function meet(listener, port)
  local results = ends.run(function()
    local stream = scissl.connect {
      host = "localhost", port = port, ca = pki.ca.certificate, waiter = "coroutine", timeout = LONG,
      certificate = pki.client.certificate, privateKey = pki.client.key,
    }
    if not stream then return nil end
    local line = stream:read()
    local subject = stream:peerCertificate():subject()
    stream:close()
    return line, subject
  end, function()
    local stream <close>, failure = listener:accept(LONG)
    if not stream then return failure:condition() end
    assert(stream:write "welcome\n")
  end)
  return results[2][1] or results[1][1], results[1][2]
end

local other_ca = pki.otherCa

local kinds = {
  caFile = {
    first = pki.ca.certificatePem, second = other_ca.certificatePem,
    options = { certificate = old.certificatePem, privateKey = old.keyPem },
    before = { "welcome", "CN=old" }, after = "certificate_unknown_issuer",
  },
  crlFile = {
    first = crl.make {}, second = crl.make { revoked = { pki.client } },
    options = { certificate = old.certificatePem, privateKey = old.keyPem, caFile = pki.ca.certificateFile },
    before = { "welcome", "CN=old" }, after = "certificate_revoked",
  },
  pkcs12 = {
    first = sealed(old), second = sealed(new), options = { passphrase = "secret" },
    before = { "welcome", "CN=old" }, after = { "welcome", "CN=new" },
  },
}

local ways_to_break = {
  missing = os.remove,
  empty = function(path) write(path, "") end,
  ["half written"] = function(path, content) write(path, content:sub(1, #content // 2)) end,
  ["of another kind"] = function(path) write(path, old.keyPem) end,
}

for option, kind in pairs(kinds) do
  describe("listener:reload with " .. option, function()
    it("keeps what it has while the file is bad, and uses a good one", function()
      local path = pki.write(kind.first)
      local options = { [option] = path }
      for name, value in pairs(kind.options) do options[name] = value end
      local listener <close>, port = listen(options)
      assert.same(kind.before, { meet(listener, port) })
      local context = listener:getContext()
      for how, spoil in pairs(ways_to_break) do
        spoil(path, kind.first)
        local done, failure = listener:reload()
        assert.is_nil(done, how)
        assert.equal("load", refusals.check(failure):phase(), how)
        assert.equal(context, listener:getContext())
        assert.same(kind.before, { meet(listener, port) })
      end
      write(path, kind.second)
      assert(listener:reload())
      if type(kind.after) == "table" then assert.same(kind.after, { meet(listener, port) })
      else assert.equal(kind.after, (meet(listener, port))) end
    end)
  end)
end

describe("SciSslSni:reload", function()
  it("reads the files again", function()
    local files = files_of(old)
    local map = assert(scissl.sni.new { ["a.example"] = files, ["b.example"] = ends.serverContext {} })
    local before, ready = map:find "a.example", map:find "b.example"
    replace(files, new)
    assert.equal(map, map:reload())
    assert.are_not.equal(before, map:find "a.example")
    assert.equal(ready, map:find "b.example")
  end)

  it("stays as it was where a file is bad", function()
    local files = files_of(old)
    local map = assert(scissl.sni.new { ["a.example"] = files })
    local before = map:find "a.example"
    os.remove(files.certificate)
    refusals.refused("file_missing", "load", nil, map:reload())
    assert.equal(before, map:find "a.example")
  end)
end)

describe("listener:setContext", function()
  it("takes options", function()
    local listener <close>, port = listen(files_of(old))
    local files = files_of(new)
    files.profile = "modern"
    assert.equal(listener, listener:setContext(files))
    assert.matches("new", (visit(listener, port)))
    assert.equal("TLSv1.3", listener:getContext():describe().minProtocol)
    replace(files, old)
    assert(listener:reload())
    assert.matches("old", (visit(listener, port)))
    assert.equal("TLSv1.3", listener:getContext():describe().minProtocol)
  end)

  it("keeps its context where a file is bad", function()
    local listener <close> = listen(files_of(old))
    local context = listener:getContext()
    local files = files_of(new)
    os.remove(files.certificate)
    refusals.refused("file_missing", "load", nil, listener:setContext(files))
    assert.equal(context, listener:getContext())
  end)

  it("rejects other values and unknown options", function()
    local listener <close> = listen(files_of(old))
    assert.has_error(function() listener:setContext "context" end,
      "bad argument #1 to 'setContext' (SciSslContext or table expected, got string)")
    assert.has_error(function() listener:setContext { certificat = "x" } end,
      "unknown option 'certificat' to 'setContext' (did you mean 'certificate'?)")
    assert.has_error(function() listener:setContext {} end, "option 'certificate' to 'setContext' is missing")
  end)
end)

describe("accept with concurrentHandshakes", function()
  local function slow_listener(options)
    local given = { waiter = "poll", concurrentHandshakes = true, certificate = old.certificate, privateKey = old.key }
    for name, value in pairs(options or {}) do given[name] = value end
    return listen(given)
  end

  local function silent(port)
    local socket = assert(scissl.SciSocket.newStreamSocket())
    assert(socket:connect("127.0.0.1", port))
    return socket
  end

  it("does not wait for a silent client", function()
    local listener <close>, port = slow_listener()
    local _ <close> = silent(port)
    local peer <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -quiet"):format(port))
    local stream <close> = assert(listener:accept(LONG))
    peer:write "hello\n"
    assert.equal("hello", stream:read())
  end)

  it("returns the failures of handshakes, too", function()
    local listener <close>, port = slow_listener { handshakeTimeout = 0.02 }
    local _ <close> = silent(port)
    refusals.refused("timeout", "accept", nil, listener:accept(LONG))
  end)

  it("ends the wait after its time-out", function()
    local listener <close> = slow_listener()
    refusals.refused("timeout", "listen", nil, listener:accept(0.02))
    refusals.refused("timeout", "listen", nil, listener:accept(0))
  end)

  it("answers closed after close", function()
    local listener = slow_listener()
    listener:accept(0)
    listener:close()
    refusals.condition("closed", nil, select(2, listener:accept()))
  end)

  it("closes at close what it has not returned: handshakes under way, and streams that are ready", function()
    local listener, port = slow_listener()
    local mute <close> = silent(port)
    local command = ("openssl s_client -connect 127.0.0.1:%d -quiet"):format(port)
    local first <close> = ends.start(command)
    local second <close> = ends.start(command)
    local stream <close> = assert(listener:accept(LONG))
    while listener:statistics().handshakes < 2 do listener.concurrent.loop:step(0.1) end
    listener:close()
    assert.equal("", mute:recv(1))
    assert.same({ stream }, listener:streams())
    assert.equal(0, listener:statistics().handshaking)
    assert(stream:write "still open\n")
    for _, peer in ipairs { first, second } do peer:write "hello\n" end
    assert.equal("hello", stream:read())
  end)

  it("closes at close, called by a handler of a handshake, all handshakes", function()
    local listener, port
    listener, port = slow_listener { onClientHello = function() listener:close() end }
    local mute <close> = silent(port)
    local _ <close> = ends.start(("openssl s_client -connect 127.0.0.1:%d -quiet"):format(port))
    refusals.condition("closed", listener:accept(LONG))
    assert.equal("", mute:recv(1))
  end)

  it("is for programs without a loop", function()
    assert.has_error(function() slow_listener { waiter = "coroutine" } end,
      "option 'concurrentHandshakes' to 'scissl.listen' is for the waiters 'poll' and 'select'; with others, use "
        .. "acceptSocket and handshake, or serve")
  end)
end)
