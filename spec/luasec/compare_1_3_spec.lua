-- What LuaSec has since 1.3 alone, asked of it and of scissl.luasec side by side: as in compare_spec.

local asking = require "spec.support.luasec_compare"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

local has_core, real_core = pcall(require, "ssl.core")
if not luasec.real or not has_core or not luasec.real._VERSION:match "^1%.[3-9]" then
  pending "LuaSec 1.3 is not installed: nothing has been compared with it"
  return
end

local field, method, same, shown = asking.field, asking.method, asking.same, asking.shown
local connected = asking.connected

local function compare(make, questions) asking.all(it, make, questions) end

local function module_of(ssl, name)
  if name == "core" and ssl == luasec.real then return real_core end
  return require((ssl == luasec.real and "ssl." or "scissl.luasec.") .. name)
end

-- A server that shows two certificates.
local function with_chain(given)
  local middle = pki.issue { subject = "CN=middle", ca = true }
  local leaf = pki.issue { subject = "CN=leaf", names = { "localhost" }, issuer = middle }
  given.key, given.certificate = leaf.keyFile, pki.write(leaf.certificatePem .. middle.certificatePem)
  return given
end

describe("scissl.luasec says the same as LuaSec 1.3:", function()
  local two_certificates
  setup(function() two_certificates = with_chain {} end)

  local function over_chain(ssl)
    return connected { server = luasec.server(two_certificates) }(ssl)
  end

  compare(connected(), {
    { "its version", function(_, _, ssl) return type(ssl._COPYRIGHT), ssl._VERSION:match "^%d+%.%d+" end },
    { "core.copyright", function(_, _, ssl) return type(module_of(ssl, "core").copyright()) end },
    { "the metamethods", function(client, _, ssl)
      local all = {}
      for i, object in ipairs { client, ssl.newcontext(luasec.client()), client:getpeercertificate() } do
        all[i] = {}
        for name, value in pairs(getmetatable(object)) do all[i][name] = type(value) end
      end
      return all[1], all[2], all[3]
    end },
    { "variables that close", function(client, server, ssl)
      do
        local one <close> = client
        local two <close> = ssl.newcontext(luasec.client())
        local three <close> = client:getpeercertificate()
        one:send "last"
        assert(two and three)
      end
      server:settimeout(5)
      return client:getfd(), shown { client:send "x" }, server:receive(4), shown { server:receive(1) }
    end },
    { "core.setmethod", function(client, _, ssl)
      local core = module_of(ssl, "core")
      local count = select("#", core.setmethod("one_more", function(self, ...) return self == client, ... end))
      return count, client:one_more(1, 2)
    end },
    { "the certificate of a client that has none", function(client)
      return shown { client:getlocalcertificate() }, client:getlocalchain()
    end },
    { "indices of own certificates", function(client, server)
      return shown { server:getlocalcertificate(0) }, shown { server:getlocalcertificate(-1) },
        shown { server:getlocalcertificate(2) }, shown { client:getlocalcertificate(2) },
        method(server, "getlocalcertificate", "x"), method(server, "getlocalcertificate", {})
    end },
    { "own certificates of a closed connection", function(client)
      client:close()
      return shown { client:getlocalcertificate() }, shown { client:getlocalchain() }
    end },
  })

  -- LuaSec frees its first certificate too often.
  compare(over_chain, {
    { "the other certificates of a chain", function(_, server)
      return server:getlocalcertificate(2):pem(), shown { server:getlocalcertificate(3) }
    end },
  })

  compare(function(ssl) return ssl end, {
    { "configurations of keys that are no functions", function(ssl)
      local results = {}
      for i, psk in ipairs { 3, "x", {}, { hint = "h" }, { hint = 3, callback = print }, { callback = 3 } } do
        for _, mode in ipairs { "server", "client" } do
          results[#results + 1] = i .. mode .. field(ssl, "newcontext", { mode = mode, protocol = "any", psk = psk })
        end
      end
      return results
    end },
    { "setpskhint, setserverpskcb, setclientpskcb", function(ssl)
      local context = module_of(ssl, "context")
      local made = context.create "any"
      return context.setpskhint(made, "hint"), field(context, "setpskhint", made, ("x"):rep(1000)),
        field(context, "setpskhint", made), context.setserverpskcb(made, print),
        context.setclientpskcb(made, print), field(context, "setpskhint", {}, "x"),
        field(context, "setserverpskcb", {}, print), field(context, "setclientpskcb", {}, print)
    end },
  })

  -- ---- keys instead of certificates

  -- The lengths that are allowed differ.
  local function note(heard, text, ...)
    local kinds = { text or "nothing" }
    for i = 1, select("#", ...) do kinds[#kinds + 1] = asking.kind_of((select(i, ...))) end
    heard[#heard + 1] = kinds
  end

  local CIPHER = "ECDHE-PSK-CHACHA20-POLY1305" -- ours has DHE, too

  local function over_keys(client_psk, server_psk, protocol, heard)
    return function(ssl)
      return luasec.connect { clientSsl = ssl, serverSsl = ssl,
        client = { mode = "client", protocol = protocol, ciphers = CIPHER, psk = function(...)
          note(heard, ...)
          return client_psk(...)
        end },
        server = { mode = "server", protocol = protocol, ciphers = CIPHER, psk = { hint = "a hint",
          callback = function(...)
            note(heard, ...)
            return server_psk(...)
          end } } }
    end
  end

  local function outcome(run)
    return shown { run.clientAnswer, run.clientProblem }, shown { run.serverAnswer, run.serverProblem },
      run.clientAnswer and run.client:info "cipher", run.clientAnswer and shown(run.client:getpeerchain())
  end

  local cases = {
    ["that fit"] = { function() return "me", "the key" end, function() return "the key" end },
    ["that do not fit"] = { function() return "me", "the key" end, function() return "another" end },
    ["that the server does not have"] = { function() return "me", "the key" end, function() return nil end },
    ["that the client does not have"] = { function() return nil end, function() return "the key" end },
    ["that are empty"] = { function() return "me", "" end, function() return "" end },
    ["that are as long as possible"] = { function(_, most, most_key)
      return ("n"):rep(most), ("k"):rep(most_key)
    end, function(_, most_key) return ("k"):rep(most_key) end },
    ["that are too long"] = { function() return "me", ("k"):rep(600) end, function() return ("k"):rep(600) end },
    ["with a name that is too long"] = { function() return ("n"):rep(300), "key" end, function() return "key" end },
  }
  for name, case in pairs(cases) do
    for _, protocol in ipairs { "tlsv1_2", "tlsv1_3" } do
      it(("keys %s, %s"):format(name, protocol), function()
        local heard = {}
        same(over_keys(case[1], case[2], protocol, heard), outcome)
        local half = #heard // 2
        assert.are.equal(0, #heard % 2)
        for i = 1, half do assert.are.same(heard[i], heard[half + i]) end
      end)
    end
  end
end)
