-- Memory that runs out in the middle of a call: what was refused stays refused, and no byte is lost silently.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scarce_support = require "spec.support.scarce"

local VERSIONS = { "TLSv1.2", "TLSv1.3" }
local scarce, why = scarce_support.load()

local function promise(name, test)
  it(name, function()
    if not scarce then return pending(name .. ": " .. why) end
    test()
  end)
end

local function is_error(value, condition)
  assert.is_true(scissl.isSslError(value), tostring(value))
  if condition then assert.are.equal(condition, value:condition()) end
end

-- Calls `call(a, b)` with the two that `make()` answers, while allocation n + 1 and those behind it fail: for each
-- n that is reached. When the call has raised, `check(a, b)` looks at what stays. Answers what the last call answers.
local function run_out(make, call, check)
  local answer
  scarce_support.each(function(n)
    local a, b = make()
    local results = table.pack(scarce.lua(n, false, call, a, b))
    local failed, returned = results[1], results[2]
    if not returned then
      assert.are.equal("not enough memory", results[3])
      check(a, b)
    end
    answer = results[3]
    a:close()
    b:close()
    return returned and 0 or failed
  end)
  return answer
end

describe("A connection that has been refused stays so when memory runs out,", function()
  for _, version in ipairs(VERSIONS) do
    for name, cause in pairs { ["without a cause"] = false, ["for a cause"] = { "because" } } do
      promise(("by a server at \"verify\", %s, %s"):format(name, version), function()
        local function make()
          local client, server = ends.pair { transport = "memory", version = version,
            client = { identity = pki.client }, server = { verify = scissl.SSL_VERIFY_PEER } }
          assert(server:sslSuspendAt "verify")
          ends.handshake(client, server)
          assert(server:sslRefuse("access_denied", "not you", cause or nil))
          return server, client
        end
        local answer = run_out(make, function(server) return server:sslAccept() end, function(server)
          is_error(server:sslAccept(), "memory_full")
          is_error(server:sslRead(), "memory_full")
          is_error(server:sslWrite "secret")
          assert.is_false(server:isSecure())
        end)
        is_error(answer, cause and "handler_failed" or "refused")
      end)
    end

    promise("where sslRefuse itself has no memory for its words, " .. version, function()
      local function make()
        local client, server = ends.pair { transport = "memory", version = version,
          client = { identity = pki.client }, server = { verify = scissl.SSL_VERIFY_PEER } }
        assert(server:sslSuspendAt "verify")
        ends.handshake(client, server)
        return server, client
      end
      local function refuse(server) return server:sslRefuse("access_denied", "not you") end
      run_out(make, refuse, function(server) is_error(server:sslAccept(), "refused") end)
    end)

    promise("by a client at \"verify\", " .. version, function()
      local function make()
        local client, server = ends.pair { transport = "memory", version = version }
        assert(client:sslSuspendAt "verify")
        ends.handshake(client, server)
        assert(client:sslRefuse())
        return client, server
      end
      is_error(run_out(make, function(client) return client:sslConnect() end, function(client)
        is_error(client:sslConnect(), "memory_full")
      end))
    end)

    promise("by OpenSSL, for the peer's certificate, " .. version, function()
      local function make()
        local client, server = ends.pair { transport = "memory", version = version, verifyHost = "elsewhere.example" }
        client:sslConnect()
        ends.shuttle(client, server)
        server:sslAccept()
        ends.shuttle(client, server)
        return client, server
      end
      is_error(run_out(make, function(client) return client:sslConnect() end, function(client)
        is_error(client:sslConnect(), "memory_full")
      end), "certificate_wrong_host")
    end)

    promise("by damaged bytes in what it reads, " .. version, function()
      local function make()
        local client, server = ends.connected { transport = "memory", version = version }
        client:sslWrite "good"
        local good = client:sslDrain()
        client:sslWrite "bad"
        local bad = client:sslDrain()
        server:sslFeed(good .. bad:sub(1, -2) .. string.char(bad:byte(-1) ~ 1))
        return server, client
      end
      assert.are.equal("good", run_out(make, function(server) return server:sslRead() end, function(server)
        is_error(server:sslRead())
        is_error(server:sslRead())
      end))
    end)

    promise("by a transport that is gone while it writes, " .. version, function()
      local function make()
        local client, server = ends.connected { transport = "pair", version = version }
        server:shutdown "rw"
        return client, server
      end
      is_error(run_out(make, function(client) return client:sslWrite "lost" end, function(client)
        is_error(client:sslWrite "other")
      end))
    end)
  end
end)

describe("Bytes that Lua has no memory for", function()
  local reads = {
    sslRead = function(socket) return socket:sslRead() end,
    sslReadSized = function(socket) return socket:sslReadSized(5) end,
    ["sslReadSized of many"] = function(socket) return socket:sslReadSized(100000) end,
  }
  for _, version in ipairs(VERSIONS) do
    for name, read in pairs(reads) do
      promise(("end the connection that %s took them from, %s"):format(name, version), function()
        local function make()
          local client, server = ends.connected { transport = "memory", version = version }
          client:sslWrite(("first"):rep(3000))
          ends.shuttle(client, server)
          return server, client
        end
        local answer = run_out(make, read, function(server, client)
          client:sslWrite "second"
          ends.shuttle(client, server)
          local again = server:sslRead() -- all of them, or none of what came behind them
          if type(again) ~= "string" then return is_error(again, "memory_full") end
          assert.are.equal("first", again:sub(1, 5))
        end)
        assert.are.equal("first", answer:sub(1, 5))
      end)
    end

    promise("stay where sslPeek has looked at them, " .. version, function()
      local function make()
        local client, server = ends.connected { transport = "memory", version = version }
        client:sslWrite(("first"):rep(3000))
        ends.shuttle(client, server)
        return server, client
      end
      run_out(make, function(server) return server:sslPeek() end, function(server)
        assert.are.equal(("first"):rep(3000), server:sslRead())
      end)
    end)

    promise("stay where sslDrain and sslUnread have not handed them out, " .. version, function()
      local function make()
        local client, server = ends.pair { transport = "memory", version = version }
        client:sslConnect()
        return client, server
      end
      local hello = make():sslDrain()
      local answer = run_out(make, function(client) return client:sslDrain() end, function(client)
        assert.are.equal(#hello, #client:sslDrain())
        assert.are.equal("", client:sslDrain())
      end)
      assert.are.equal(#hello, #answer)
      run_out(make, function(_, server)
        server:sslFeed(hello)
        return server:sslUnread()
      end, function(_, server)
        assert.are.equal(hello, server:sslUnread())
        assert.are.equal("", server:sslUnread())
      end)
    end)

    promise("and must be written again end the connection, " .. version, function()
      local strings = { ("x"):rep(400000) }
      local function make() return ends.connected { transport = "memory", version = version } end
      local answer = run_out(make, function(client) return client:sslWritev(strings) end, function(client)
        is_error(client:sslWritev { ("y"):rep(400000) }, "memory_full")
      end)
      assert.is_true(answer > 200000 and answer < 400000)
    end)
  end

  promise("end the connection of a plain socket", function()
    local function make()
      local near, far = scissl.SciSocket.pair()
      far:send(("first"):rep(3000))
      return near, far
    end
    local answer = run_out(make, function(near) return near:recv(65536) end, function(near, far)
      far:send "second"
      local again, err = near:recv(65536)
      if again then assert.are.equal("first", again:sub(1, 5)) else is_error(err, "memory_full") end
    end)
    assert.are.equal(15000, #answer)
  end)

  promise("end a server's reading of early data", function()
    local client_context, server_context = ends.clientContext(), ends.serverContext { setup = function(context)
      context:setMaxReplayableData(16384)
    end }
    local function make()
      local client, server = ends.connected { transport = "memory", client = client_context, server = server_context }
      ends.shuttle(client, server)
      client:sslRead()
      local session = client:getSession()
      client:close()
      server:close()
      client, server = ends.pair { transport = "memory", client = client_context, server = server_context }
      client:setSession(session)
      assert.are.equal(3000, client:sslWriteReplayable(("first"):rep(600)))
      ends.shuttle(client, server)
      return server, client
    end
    local answer = run_out(make, function(server) return server:sslReadReplayable() end, function(server)
      local again = server:sslReadReplayable()
      if type(again) == "string" then assert.are.equal("first", again:sub(1, 5)) else is_error(again, "memory_full") end
    end)
    assert.are.equal(3000, #answer)
  end)
end)

-- Runs the body in a process whose OpenSSL can be starved: `starve(name, make, call)` calls `call(make())` for each
-- allocation, with one that fails, and with all that follow.
local function starving(source)
  local prelude = [[
    local scarce = require "scarce"
    if not scarce.hasOpenssl then os.exit(77) end
    local scissl, ends, pki = require "scissl", require "spec.support.ends", require "spec.support.pki"
    local function starve(name, make, call, check)
      call(make()) -- what OpenSSL makes once for all is there
      for _, once in ipairs { true, false } do
        for n = 0, 100000 do
          local object, more = make()
          local failed, returned, value, err = scarce.openssl(n, once, call, object, more)
          if failed == 0 then break end
          if check then check(name, object, more, returned, value, err)
          elseif not returned then
            assert(tostring(value):find("not enough memory", 1, true), name .. ": " .. tostring(value))
          elseif value == nil then
            assert(err:condition() == "memory_full", name .. ": " .. err:condition() .. " " .. tostring(err))
          end
        end
      end
    end
  ]]
  local folder = scarce_support.path()
  local child <close> = ends.lua(prelude .. source, nil, { LUA_CPATH = folder .. "/?.so;" .. package.cpath })
  local output, _, code = child:finish()
  if code == 77 then return pending "OpenSSL's allocations cannot be replaced here" end
  assert.are.same({ "", 0 }, { output, code })
end

describe("A failing allocation of OpenSSL's", function()
  promise("is what the SciSslError names, whatever it led to #slow", function()
    starving [[
      local function nothing() end
      starve("fromPem", nothing, function() return scissl.SciSslX509Certificate.fromPem(pki.server.certificatePem) end)
      starve("toPem", nothing, function() return pki.server.certificate:toPem() end)
      starve("fingerprint", nothing, function() return pki.server.certificate:fingerprint() end)
      starve("digest", nothing, function() return scissl.digest("SHA256", "x") end)
      starve("generate", nothing, function() return scissl.SciSslPrivateKey.generate "EC" end)
      starve("context", nothing, function() return scissl.SciSslContext.new() end)
      starve("crl", nothing, function()
        return scissl.SciSslX509Crl.issue { issuer = pki.ca.certificate, issuerKey = pki.ca.key,
          revoked = { { serial = "1" } } }
      end)
      starve("describe", ends.serverContext, function(context) return context:describe() end)
      starve("setCipherList", ends.serverContext, function(context)
        return context:setCipherList "ECDHE-ECDSA-AES128-GCM-SHA256"
      end)
      starve("setGroups", ends.serverContext, function(context) return context:setGroups "P-256" end)
      starve("addTrusted", ends.serverContext, function(context)
        return context:addTrusted(pki.otherCa.certificatePem)
      end)
    ]]
  end)

  promise("loses no bytes of a stream silently", function()
    starving [[
      local sent = "one\n" .. ("x"):rep(20000) .. "\ntwo\n"
      local function make()
        local client, server = ends.connected()
        local stream = scissl.stream(client, { timeout = 0.2 })
        assert(server:sslWrite "warm\n" == 5 and stream:read() == "warm")
        assert(server:sslWrite(sent) == #sent)
        return stream, server
      end
      local function read(stream) return stream:read "L" end
      starve("read", make, read, function(name, stream, _, returned, value)
        local lines, failure = { returned and value or nil }, nil
        while not failure and #table.concat(lines) < #sent do
          local line, why = stream:read "L"
          lines[#lines + 1], failure = line, why
        end
        local whole = table.concat(lines) == sent
        assert(whole or failure:condition() ~= "timeout", name .. ": " .. #table.concat(lines) .. " bytes")
      end)
    ]]
  end)

  promise("leaves no context that verifies fewer hosts than it was told to", function()
    starving [[
      starve("setVerifyHosts", ends.clientContext, function(context)
        return context:setVerifyHosts { "a.example", "b.example" }
      end, function(name, context, _, returned, value)
        if returned and value then return end
        local good, set = pcall(context.describe, context)
        assert(not good or #set.verifyHosts == 0, name) -- closed, or as it was
      end)
      starve("sslSetVerifyHost", function()
        return ends.pair { transport = "memory", verifyHost = "other.example" }
      end, function(client) return client:sslSetVerifyHost "elsewhere.example" end, function(name, client, server)
        local answer = ends.handshake(client, server)
        assert(scissl.isSslError(answer), name)
      end)
    ]]
  end)

  promise("leaves the trust store as it was: all of several certificates or CRLs, or none #slow", function()
    starving [[
      local crl = require "spec.support.crl"
      local lists = crl.make {} .. crl.make { issuer = pki.otherCa }
      local bundle = pki.write(pki.otherCa.certificatePem .. pki.ca.certificatePem)
      local calls = {
        loadVerifyLocations = function(context) return context:loadVerifyLocations(bundle, pki.folder()) end,
        addCrl = function(context) return context:addCrl(lists) end,
      }
      local function state(context)
        local set = context:describe()
        return ("%d %d %d"):format(set.trustedCertificates, set.crls, #set.trustedPaths)
      end
      for name, call in pairs(calls) do
        local context = scissl.SciSslContext.new()
        local before = state(context)
        assert(call(context))
        local after = state(context)
        assert(before ~= after, name)
        starve(name, scissl.SciSslContext.new, call, function(_, changed, _, returned, value)
          local now = state(changed)
          if not returned then assert(now == before or now == after, name .. ": " .. now)
          else assert(now == (value and after or before), name .. ": " .. now) end
        end)
      end
    ]]
  end)

  promise("that stops sslSetContext leaves the handshake as it was", function()
    starving [[
      local other = ends.serverContext { identity = pki.selfSigned }
      starve("sslSetContext", function()
        local client, server = ends.pair { transport = "memory" }
        assert(server:sslSuspendAt "clientHello")
        ends.handshake(client, server)
        return server, client
      end, function(server) return server:sslSetContext(other) end, function(name, server, client, returned, value)
        assert(returned)
        if value then return end
        local a, b = ends.handshake(client, server)
        assert(a == 1 and b == 1, name .. ": " .. tostring(a) .. " " .. tostring(b))
      end)
    ]]
  end)

  promise("while a client verifies the chain of its session again resumes nothing, or what it may #slow", function()
    starving [[
      for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        local client_context, server_context = ends.clientContext { method = version },
          ends.serverContext { method = version }
        local first, far = ends.connected { transport = "memory", client = client_context, server = server_context }
        far:sslWrite "x"
        ends.read(first, far)
        local pem = assert(assert(first:getSession()):toPem())
        starve("resume " .. version, function()
          local client, server = ends.pair { transport = "memory", client = client_context, server = server_context }
          assert(client:setSession(assert(scissl.OSSslSession.fromPem(pem))))
          return client, server
        end, function(client) return client:sslConnect() end, function(name, client, server)
          local a = ends.handshake(client, server)
          assert(a ~= 1 or client:sslVerifyCertificate() == scissl.X509_V_OK, name)
          for _, look in ipairs { "dirty", "sslPending", "events", "timeout", "sslSetReadAhead", "version", "cipher",
            "verifyErrors", "peerChain", "getSession", "ktls", "sslShutdown" } do
            client[look](client, look == "sslSetReadAhead" or nil)
          end
        end)
      end
    ]]
  end)

  promise("that stops addTrustedUri frees no loader of OpenSSL's that is still in use", function()
    starving [[
      local OPENING = 40 -- allocations, at the most, before the file is read
      local path = pki.folder() .. "/a:colon.pem" -- "…/a" could be a scheme
      local file <close> = assert(io.open(path, "w"))
      file:write(pki.ca.certificatePem)
      file:close()
      for _, uri in ipairs { "file:" .. pki.ca.certificateFile, path } do
        assert(scissl.SciSslContext.new():addTrustedUri(uri))
        for n = 0, OPENING do
          for _ = 1, 3 do
            local context = scissl.SciSslContext.new()
            local failed, returned, value, err = scarce.openssl(n, true, context.addTrustedUri, context, uri)
            assert(failed == 1 and returned, value)
            assert(value or scissl.isSslError(err))
          end
          -- The next look-up may find no loader in OpenSSL 3.6, once.
          assert(scissl.SciSslContext.new():addTrustedUri(uri) or scissl.SciSslContext.new():addTrustedUri(uri), n)
        end
      end
    ]]
  end)

  promise("leaves in OpenSSL's own cache no session that has been freed #slow", function()
    starving [[
      for _, version in ipairs { "TLSv1.2", "TLSv1.3" } do
        local client_context, kept = ends.clientContext { method = version }, {}
        local server_context = ends.serverContext { method = version, setup = function(context)
          context:setOptions "no_ticket"
          context:setSessionStore(function(id) return kept[id] end)
        end }
        local function meet(session)
          return ends.meet { transport = "memory", client = client_context, server = server_context, session = session }
        end
        local first, far = meet()
        for _, session in ipairs(far:newSessions()) do kept[session:id()] = session end
        local session = assert(first:getSession())
        server_context:flushSessions(os.time() + 1000000)
        assert(meet(session):isSessionReused(), "not found in the store")

        -- A server that has what the client sends, after some exchanges.
        local function server_of(brought, exchanges)
          return function()
            local client, server = ends.pair { transport = "memory", client = client_context, server = server_context,
              session = brought and scissl.OSSslSession.fromPem(brought) }
            for i = 0, exchanges do
              if i > 0 then server:sslAccept() end
              ends.shuttle(client, server)
              client:sslConnect()
              ends.shuttle(client, server)
            end
            return server, client
          end
        end
        local function accept(server) return server:sslAccept() end

        local function check(name, server, client, returned, value)
          assert(returned, value)
          client:close()
          server:close()
          server_context:flushSessions(os.time() + 1000000) -- walks the list of the cache, and frees what is in it
          assert(server_context:sessionStatistics().number == 0, name)
        end
        starve("accept " .. version, server_of(nil, 1), accept, check)
        starve("look up " .. version, server_of(session:toPem(), 0), accept, check)
        starve("addSession " .. version, server_of(nil, 0), function()
          return server_context:addSession(session)
        end, check)
        local again = assert(meet():getSession(), "the cache keeps nothing any more")
        assert(meet(again):isSessionReused())
        starve("inheritSessions " .. version, ends.serverContext, function(context)
          return context:inheritSessions(server_context)
        end, function(_, context, _, returned)
          assert(returned)
          context:flushSessions(os.time() + 1000000)
        end)
      end
    ]]
  end)
end)
