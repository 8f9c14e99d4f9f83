-- Nothing depends on the order in which things go: collected, closed, or at the end of the lua_State.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local function permutations(list)
  if #list == 0 then return { {} } end
  local all = {}
  for i, first in ipairs(list) do
    local rest = table.move(list, 1, #list, 1, {})
    table.remove(rest, i)
    for _, tail in ipairs(permutations(rest)) do
      table.insert(tail, 1, first)
      all[#all + 1] = tail
    end
  end
  return all
end

local function collect()
  collectgarbage()
  collectgarbage()
end

-- A connection and everything that hangs on it, by name.
local function make_objects(version)
  local near, far = assert(scissl.SciSocket.pair())
  near:setBlocking(false)
  far:setBlocking(false)
  local objects = { transport = near, context = ends.clientContext { method = version } }
  objects.server = assert(scissl.SciSslSocket.on(far, ends.serverContext { method = version }))
  objects.client = assert(scissl.SciSslSocket.on(near, objects.context))
  assert(objects.client:sslInitialize())
  assert(objects.server:sslInitialize())
  assert.same({ 1, 1 }, { ends.handshake(objects.client, objects.server) })
  assert.equal(2, objects.server:sslWrite "hi")
  assert.equal("hi", ends.read(objects.client, objects.server))
  objects.session = assert(objects.client:getSession())
  objects.certificate = assert(objects.client:peerCertificate())
  return objects
end

local NAMES = { "transport", "context", "client", "session", "certificate" }

for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
  describe("the objects of a connection, " .. version, function()
    it("are collected in every order, and what is left works", function()
      for _, order in ipairs(permutations(NAMES)) do
        local objects = make_objects(version)
        for _, name in ipairs(order) do
          objects[name] = nil
          collect()
          if objects.certificate then assert.equal("CN=localhost", objects.certificate:subject()) end
          if objects.session then assert.equal(version, objects.session:protocol()) end
          if objects.client then assert.is_true(objects.client:isSecure()) end
        end
      end
    end)

    it("are closed in every order, and what is left works", function()
      for _, order in ipairs(permutations(NAMES)) do
        local objects = make_objects(version)
        for _, name in ipairs(order) do
          local object = objects[name]
          getmetatable(object).__close(object)
          objects.server:sslRead()
          if name ~= "client" then objects.client:sslRead() end
          assert.is_string(tostring(object))
        end
      end
    end)
  end)
end

-- A child that runs `source` and must end well, whatever it leaves open.
local function assert_ends_well(source)
  local peer <close> = ends.lua(source)
  local output, how, code = peer:finish()
  assert.same({ "exit", 0 }, { how, code }, output)
  return output
end

describe("the end of the lua_State", function()
  for _, transport in ipairs { "pair", "tcp", "memory" } do
    it("in mid-handshake is harmless, over " .. transport, function()
      assert.equal("begun\n", assert_ends_well(([[
        local scissl, ends = require "scissl", require "spec.support.ends"
        local client, server = ends.pair { transport = %q }
        client:sslConnect()
        if client:getfd() < 0 then ends.shuttle(client, server) end
        server:sslAccept()
        kept = { server, client, scissl.SciSslContext.new() } -- globals, until the end
        print "begun"
      ]]):format(transport)))
    end)
  end

  it("with connections, sessions, certificates and a pending write open is harmless", function()
    assert_ends_well [[
      local scissl, ends = require "scissl", require "spec.support.ends"
      for i = 1, 20 do
        local client, server = ends.connected()
        server:sslWrite "hi"
        ends.read(client, server)
        local answer = 1
        while answer > 0 do answer = client:sslWrite(("x"):rep(1 << 20)) end
        _G["kept" .. i] = { client:getSession(), client, server:peerChain(), client:peerChain(), server }
      end
    ]]
  end)

  it("after an error in a coroutine that is making a handshake is harmless", function()
    assert_ends_well [[
      local scissl, ends = require "scissl", require "spec.support.ends"
      local client, server = ends.pair()
      kept = coroutine.wrap(function()
        local closing <close> = client
        scissl.handshake(client, "connect", { waiter = "coroutine" })
      end)
      kept()
    ]]
  end)

  it("after the module was loaded twice is harmless, and both go on working", function()
    assert_ends_well [[
      local ends = require "spec.support.ends"
      local client, server = ends.connected()
      package.loaded["scissl.core"], package.loaded["scissl"] = nil, nil
      local again = require "scissl"
      collectgarbage()
      assert(client:sslWrite "hi" == 2)
      assert(ends.read(server, client) == "hi")
      local other = assert(again.SciSslSocket.onMemory(again.SciSslContext.new()))
      assert(other:sslInitialize())
      assert(other:sslConnect() < 0)
    ]]
  end)
end)

describe("the process", function()
  local has_proc = io.open "/proc/self/status" ~= nil

  local function signal_masks()
    local masks = {}
    for line in io.lines "/proc/self/status" do
      local name, mask = line:match "^(Sig%a+):%s*(%x+)"
      if name == "SigIgn" or name == "SigCgt" or name == "SigBlk" then masks[name] = mask end
    end
    return masks
  end

  for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
    it("outlives a write to a peer that has gone, its signal dispositions untouched, " .. version, function()
      local before = has_proc and signal_masks()
      local client
      do
        local server
        client, server = ends.connected { version = version, transport = "tcp" }
        assert.is_true(server:isSecure())
      end
      client:getSession()
      collect() -- the server goes, without a word
      local answer, tries = 1, 0
      while math.type(answer) == "integer" and tries < 1000 do
        answer = client:sslWrite(("x"):rep(1000))
        if math.type(answer) == "integer" and answer < 0 then client:wait("w", 30) end
        tries = tries + 1
      end
      assert.is_true(scissl.isSslError(answer), tostring(answer))
      assert.is_true(answer:condition() == "broken_pipe" or answer:condition() == "connection_reset")
      assert.is_true(client:close())
      if has_proc then assert.same(before, signal_masks()) end
    end)
  end

  it("gives none of our descriptors to its children", function()
    if not has_proc then return pending "needs /proc" end
    local function descriptors()
      local pipe = assert(io.popen "ls /proc/self/fd")
      local count = select(2, pipe:read("a"):gsub("\n", "\n"))
      pipe:close()
      return count
    end
    collect()
    local before = descriptors()
    local client, server = ends.connected { transport = "tcp" }
    local listener = ends.listener()
    local near, far = scissl.SciSocket.pair()
    local copy = assert(scissl.SciSocket.on(near, true))
    assert.equal(before, descriptors())
    for _, socket in ipairs { client, server, listener, near, far, copy } do socket:close() end
  end)

  it("can have many lua_States, each loading and closing", function()
    for _ = 1, 3 do
      assert_ends_well [[
        local ends = require "spec.support.ends"
        local client, server = ends.connected { transport = "memory" }
        client:close()
      ]]
    end
  end)
end)

describe("collected sockets", function()
  it("of a pool that nobody closes give their descriptors back", function()
    local function lowest()
      local socket = assert(scissl.SciSocket.newStreamSocket())
      local fd = socket:getfd()
      socket:close()
      return fd
    end
    collect()
    local before = lowest()
    for _ = 1, 50 do ends.pair() end
    collect()
    assert.equal(before, lowest())
    assert.is_string(pki.folder())
  end)
end)
