-- The secrets of connections, in the NSS key log format: handed out between calls, and appended to a file.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local files = require "spec.support.files"
local pki = require "spec.support.pki"
local refusals = require "spec.support.refusals"

local refused = refusals.refused
local VERSIONS = { "TLSv1.2", "TLSv1.3" }

local labels = {
  ["TLSv1.2"] = { "CLIENT_RANDOM" },
  ["TLSv1.3"] = { "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET", "SERVER_TRAFFIC_SECRET_0" },
}

local function keylog(context) assert(context:setKeylog(true)) end

local function sorted(list)
  table.sort(list)
  return list
end

local function labels_of(lines)
  local found = {}
  for i, line in ipairs(lines) do
    local label, random, secret = line:match("^([%u%d_]+) (%x+) (%x+)$")
    assert.truthy(label, line)
    assert.are.equal(64, #random)
    assert.is_true(#secret >= 64)
    found[i] = label
  end
  return sorted(found)
end

local function connect_with(setup, version)
  local client, server = ends.connected { version = version, client = { setup = setup } }
  server:close()
  return client
end

local paths = 0
local function fresh()
  paths = paths + 1
  return ("%s/keys%d.log"):format(pki.folder(), paths)
end

for _, version in ipairs(VERSIONS) do
  describe("keylogLines, " .. version, function()
    it("hands out the secrets, the same on both ends, once", function()
      local client, server = ends.connected { version = version, client = { setup = keylog },
        server = { setup = keylog } }
      local client_lines, lost = client:keylogLines()
      assert.are.same(labels[version], labels_of(client_lines))
      assert.are.equal(0, lost)
      assert.are.same(sorted(client_lines), sorted(server:keylogLines()))
      assert.are.same({}, client:keylogLines())
      server:close()
    end)

    it("hands out nothing where nobody asked for it", function()
      local client, server = ends.connected { version = version, server = { setup = keylog } }
      assert.are.same({}, client:keylogLines())
      assert.is_true(#server:keylogLines() > 0)
    end)

    it("hands them out after close, too", function()
      local client = connect_with(keylog, version)
      client:close()
      assert.are.same(labels[version], labels_of(client:keylogLines()))
    end)

    it("keeps what the context said at sslInitialize (S9)", function()
      local context = ends.clientContext { method = version, setup = keylog }
      local client, server = ends.pair { client = context, version = version }
      context:setKeylog(false)
      local second, second_server = ends.pair { client = context, version = version }
      assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
      assert.are.same({ 1, 1 }, { ends.handshake(second, second_server) })
      assert.are.same(labels[version], labels_of(client:keylogLines()))
      assert.are.same({}, second:keylogLines())
    end)

    it("never holds more than 16 KiB, and counts what it loses #slow", function()
      local context = ends.clientContext { method = version, setup = keylog }
      local server_context = ends.serverContext { method = version }
      local near, far = ends.connected { client = context, server = server_context, transport = "memory" }
      local size = 0
      for _, line in ipairs(near:keylogLines()) do size = size + #line + 1 end
      far:close()
      local rounds = 16384 // size + 2
      local client = assert(scissl.SciSslSocket.onMemory(context))
      for _ = 1, rounds do
        local server = assert(scissl.SciSslSocket.onMemory(server_context))
        assert(client:sslInitialize())
        assert(server:sslInitialize())
        assert(client:sslSetVerifyHost("localhost"))
        assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
        assert(client:sslShutdown())
        ends.shuttle(client, server)
        assert(server:sslShutdown())
        ends.shuttle(client, server)
        assert.are.equal(1, client:sslShutdown())
      end
      local lines, lost = client:keylogLines()
      assert.is_true(lost > 0)
      assert.are.equal(rounds * #labels[version], #lines + lost)
      assert.is_true(#table.concat(lines, "\n") < 16384)
      assert.are.equal(0, select(2, client:keylogLines()))
    end)

    it("appends them to a file, which is made for its owner alone", function()
      local path = fresh()
      local client, server = ends.connected { version = version, client = { setup = function(context)
        assert.are.equal(context, context:setKeylogFile(path))
      end }, server = { setup = keylog } }
      assert.are.same(sorted(server:keylogLines()), sorted(files.lines(path)))
      assert.are.same({}, client:keylogLines())
      local listing <close> = assert(io.popen("ls -l " .. path))
      assert.truthy(listing:read("a"):find("^%-rw%-%-%-%-%-%-%-"))
    end)
  end)
end

describe("setKeylogFile", function()
  it("appends to what is there", function()
    local path = pki.write("# mine\n")
    local function setup(context) assert(context:setKeylogFile(path)) end
    connect_with(setup, "TLSv1.2")
    connect_with(setup, "TLSv1.2")
    local lines = files.lines(path)
    assert.are.same({ "# mine", 3 }, { lines[1], #lines })
  end)

  it("takes whole lines from several processes and contexts at once", function()
    local path = fresh()
    local source = ([[
      local ends = require "spec.support.ends"
      for _ = 1, 20 do
        local client, server = ends.connected { version = "TLSv1.3", client = { setup = function(context)
          assert(context:setKeylogFile(%q))
        end } }
        client:close()
        server:close()
      end
    ]]):format(path)
    local first, second = ends.lua(source), ends.lua(source)
    for _, peer in ipairs { first, second } do
      assert.are.same({ "", "exit", 0 }, { peer:finish() })
    end
    local lines = files.lines(path)
    assert.are.equal(2 * 20 * 5, #lines)
    labels_of(lines)
  end)

  it("does not look at the environment unless it is told to", function()
    local path = fresh()
    local source = [[
      local ends = require "spec.support.ends"
      local function run(value)
        local client, server = ends.connected { version = "TLSv1.2", client = { setup = function(context)
          assert(context:setKeylogFile(value))
        end } }
        client:close()
        server:close()
      end
      run(nil)
      run(false)
      assert(not io.open(os.getenv "SSLKEYLOGFILE"))
      run(true)
    ]]
    assert.are.same({ "", "exit", 0 }, { ends.lua(source, nil, { SSLKEYLOGFILE = path }):finish() })
    assert.are.same({ "CLIENT_RANDOM" }, labels_of(files.lines(path)))
  end)

  it("writes nothing where the environment names no file", function()
    local source = [[
      local scissl = require "scissl"
      assert(scissl.SciSslContext.new():setKeylogFile(true))
    ]]
    assert.are.same({ "", "exit", 0 }, { ends.lua(source, nil, { SSLKEYLOGFILE = "" }):finish() })
  end)

  it("is switched off again", function()
    local path = fresh()
    connect_with(function(context)
      assert(context:setKeylogFile(path))
      assert(context:setKeylogFile(nil))
    end)
    assert.are.same({}, files.lines(path))
  end)

  it("goes on for connections that were made before, without the context (S9)", function()
    local path = fresh()
    local context = ends.clientContext { method = "TLSv1.2" }
    assert(context:setKeylogFile(path))
    local client, server = ends.pair { client = context }
    assert(context:setKeylogFile(false))
    context = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.are.same({ 1, 1 }, { ends.handshake(client, server) })
    assert.are.equal(1, #files.lines(path))
  end)

  it("refuses files that it cannot open, and stays as it was", function()
    local path = fresh()
    local context = ends.clientContext { method = "TLSv1.2" }
    assert(context:setKeylogFile(path))
    refused("not_found", "option", "/nowhere/keys.log", context:setKeylogFile("/nowhere/keys.log"))
    refused("system", "option", pki.folder(), context:setKeylogFile(pki.folder()))
    refused("not_found", "option", nil, context:setKeylogFile(""))
    assert.error_matches(function() context:setKeylogFile("a\0b") end, "bad argument #1 to 'setKeylogFile'")
    assert.error_matches(function() context:setKeylogFile({}) end, "bad argument #1 to 'setKeylogFile'")
    assert.error_matches(function() context:setKeylog("yes") end, "bad argument #1 to 'setKeylog'")
    assert.error_matches(function() context:setKeylog() end, "bad argument #1 to 'setKeylog'")
    local client, server = ends.connected { client = context }
    assert.are.equal(1, #files.lines(path))
    client:close()
    server:close()
  end)

  it("fails no handshake where the file takes nothing more", function()
    if not io.open("/dev/full", "w") then pending("there is no /dev/full") return end
    assert.is_true(connect_with(function(context) assert(context:setKeylogFile("/dev/full")) end):isSecure())
  end)
end)
