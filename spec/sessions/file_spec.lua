-- scissl.sessions.file: sessions of clients that run again and again.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local shell = require "spec.support.shell"
local sockets = require "spec.support.sockets"
local streams = require "spec.support.streams"

local file = scissl.sessions.file

local function read(path)
  local opened <close> = assert(io.open(path, "rb"))
  return opened:read "a"
end

local function write(path, text)
  local opened <close> = assert(io.open(path, "wb"))
  opened:write(text)
end

-- A session that a handshake made.
local function session_of(version)
  local client, server = ends.meet { version = version }
  local session = client:getSession()
  client:close()
  server:close()
  return session
end

local function new(options)
  options = options or {}
  options.path = options.path or sockets.path()
  return file.new(options), options.path
end

describe("scissl.sessions.file", function()
  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("lets another run of the client resume, " .. version, function()
      local path, reused = sockets.path(), {}
      local listener <close>, port = streams.listen { version = version }
      for run = 1, 3 do
        ends.run(function()
          local stream = assert(scissl.connect { host = "127.0.0.1", port = port, caFile = pki.ca.certificateFile,
            sessions = file.new { path = path }, waiter = "coroutine", timeout = 30 })
          assert(stream:read(1)) -- TLS 1.3 sends its tickets after the handshake
          reused[run] = stream:isSessionReused()
          stream:close()
        end, function()
          local stream = assert(listener:accept())
          stream:write "x"
          stream:close()
        end)
      end
      assert.same({ false, true, true }, reused)
    end)
  end

  it("lets another process resume, unless it trusts something else", function()
    local listener <close>, port = streams.listen { version = "TLSv1.2" }
    local path = sockets.path()
    local function run(options)
      local peer = ends.lua(([[
        local scissl = require "scissl"
        for i = 1, %d do scissl.SciSslContext.new() end
        local stream = assert(scissl.connect { host = "127.0.0.1", port = %d, caFile = %q, timeout = 30, %s
          sessions = scissl.sessions.file.new { path = %q } })
        assert(stream:read(1))
        print(stream:isSessionReused())
        stream:close()
      ]]):format(#options, port, pki.ca.certificateFile, options, path))
      ends.run(function()
        local stream = assert(listener:accept(30))
        stream:write "x"
        stream:close()
      end)
      return (peer:finish())
    end
    assert.equal("false\n", run "")
    assert.equal("true\n", run "")
    assert.equal("false\n", run "verify = false,")
    assert.equal("false\n", run "verifyDepth = 3,")
    assert.equal("true\n", run "")
  end)

  it("hands out a session of TLS 1.3 once, and one of TLS 1.2 again and again", function()
    for version, again in pairs { ["TLSv1.2"] = true, ["TLSv1.3"] = false } do
      local store, path = new()
      store:put("key\n\0\255", session_of(version))
      assert.equal(1, #store)
      assert.is_truthy(file.new { path = path }:get "key\n\0\255")
      assert.equal(again, file.new { path = path }:get "key\n\0\255" ~= nil)
      store:remove "key\n\0\255"
      assert.is_nil(store:get "key\n\0\255")
      assert.equal(0, #store)
    end
  end)

  it("keeps so many servers, those used last", function()
    local store = new { max = 3 }
    for i = 1, 5 do store:put("server " .. i, session_of "TLSv1.2") end
    assert.is_nil(store:get "server 2")
    assert.is_truthy(store:get "server 3")
    store:put("server 6", session_of "TLSv1.2")
    assert.is_truthy(store:get "server 3")
    assert.is_nil(store:get "server 4")
    assert.equal(3, #store)
  end)

  it("writes a file that only its owner may read, and leaves no other behind", function()
    local folder = pki.folder() .. "/private"
    assert(os.execute("mkdir " .. folder))
    local store, path = new { path = folder .. "/sessions" }
    write(path, "")
    assert(os.execute("chmod 644 " .. path))
    store:put("key", session_of "TLSv1.2")
    assert.matches("^%-rw%-%-%-%-%-%-%-", shell.lines("ls -l " .. path)[1])
    assert.same({ "sessions", "sessions.lock" }, shell.lines("ls " .. folder))
    assert.is_nil(store:lastFailure())
  end)

  it("takes a damaged file for empty, says so, and replaces it", function()
    local store, path = new()
    store:put("one", session_of "TLSv1.2")
    local whole = read(path)
    for _, text in ipairs {
      whole:sub(1, -30), whole .. "rest", whole:gsub("MI", "!!", 1), whole:gsub("key %x", "key ", 1),
      whole:gsub("key", "kex", 1), whole .. whole:sub(27, 60),
    } do
      write(path, text)
      assert.is_nil(store:get "one")
      assert.equal("malformed_session_file", store:lastFailure():condition())
      assert.is_true(#tostring(store:lastFailure()) > 0)
      store:put("one", session_of "TLSv1.2")
      assert.is_truthy(store:get "one")
      assert.is_nil(store:lastFailure())
    end
  end)

  it("leaves a file of another kind alone", function()
    local store, path = new()
    write(path, "my letters\n")
    store:put("one", session_of "TLSv1.2")
    assert.equal("not_session_file", store:lastFailure():condition())
    assert.is_nil(store:get "one")
    assert.equal("my letters\n", read(path))
  end)

  it("that cannot be written stores nothing, and says why", function()
    local store = new { path = pki.folder() .. "/no/such/folder/sessions" }
    store:put("one", session_of "TLSv1.2")
    assert.same({ "not_found", "save" }, { store:lastFailure():condition(), store:lastFailure():phase() })
    assert.is_nil(store:get "one")
  end)

  it("loses nothing where several processes use it at a time #slow", function()
    local store, path = new()
    local source = ([[
      local scissl = require "scissl"
      local store = scissl.sessions.file.new { path = %q }
      local session = assert(scissl.OSSslSession.fromPem(%q))
      for i = 1, 10 do store:put("server %%d " .. i, session) end
      print(store:lastFailure())
    ]]):format(path, session_of "TLSv1.2":toPem())
    local peers = {}
    for number = 1, 3 do peers[number] = ends.lua(source:format(number)) end
    for _, peer in ipairs(peers) do assert.equal("nil\n", (peer:finish())) end
    assert.equal(30, #store)
  end)

  it("refuses, as the caller's mistake, what is no path, no number, and misspelt", function()
    assert.error_matches(function() file.new {} end, "option 'path' to 'scissl.sessions.file.new' is missing")
    assert.error_matches(function() file.new { path = "" } end, "path expected")
    assert.error_matches(function() file.new { path = "a\0b" } end, "path expected")
    assert.error_matches(function() file.new { path = 5 } end, "string expected, got 5")
    assert.error_matches(function() file.new { path = "x", max = 0 } end, "integer of 1 or more expected, got 0")
    assert.error_matches(function() file.new { path = "x", perkey = 1 } end, "did you mean 'perKey'")
    local store = new()
    assert.error_matches(function() store:put("key", "session") end, "OSSslSession expected")
    assert.error_matches(function() store:get() end, "string expected")
  end)
end)

describe("A finalizer that uses a session file while a call on the file is under way", function()
  it("does not wait for the lock, and says so", function()
    local store, path = new()
    local session = session_of "TLSv1.2"
    local lock_file = getmetatable(require "scissl.core").lockFile
    local found, count, failure
    local locked = lock_file(path .. ".lock", function()
      setmetatable({}, { __gc = function()
        store:put("late", session)
        failure = store:lastFailure()
        found, count = store:get "late", #store
      end })
      collectgarbage()
      collectgarbage()
    end)
    assert.is_true(locked)
    assert.equal("in_finalizer", failure:condition())
    assert.same({ nil, 0 }, { found, count })
    assert.equal(0, #store)
    store:put("key", session)
    assert.is_nil(store:lastFailure())
    assert.equal(1, #store)
  end)

  it("works as ever where nothing is under way", function()
    local store = new()
    local session = session_of "TLSv1.2"
    setmetatable({}, { __gc = function() store:put("key", session) end })
    collectgarbage()
    collectgarbage()
    assert.equal(1, #store)
  end)
end)
