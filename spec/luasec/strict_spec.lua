-- scissl.luasec.strict: what is unsafe in LuaSec unless a program takes care.

local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

local ssl = luasec.ours

local function connect(options)
  options.clientSsl, options.serverSsl = ssl, ssl
  options.before = options.before or function(client) client:sni "localhost" end
  return luasec.connect(options)
end

local function verdict(options)
  local run = connect(options)
  return run.clientAnswer, run.clientProblem, run
end

local trusting = { cafile = pki.ca.certificateFile }

local function as(identity)
  return luasec.server { key = identity.keyFile, certificate = identity.certificateFile }
end

describe("Without strictness a client of LuaSec's", function()
  it("goes on with whomever it meets", function()
    assert.is_false(ssl.strict())
    for _, identity in ipairs { pki.server, pki.wrongHost, pki.selfSigned, pki.expired } do
      assert.is_true((verdict { client = luasec.client(), server = as(identity) }))
    end
  end)

  it("takes any name where it verifies", function()
    assert.is_true((verdict { client = luasec.client { verify = "peer", cafile = trusting.cafile },
      server = as(pki.wrongHost) }))
  end)

  it("verifies the name where it says whose", function()
    local parameters = luasec.client { verify = "peer", cafile = trusting.cafile, verifyhost = "localhost" }
    assert.is_true((verdict { client = parameters }))
    assert.are.same({ false, "certificate verify failed" },
      { table.unpack({ verdict { client = parameters, server = as(pki.wrongHost) } }, 1, 2) })
    assert.are.same({ nil, "invalid verifyhost parameter" }, { ssl.newcontext(luasec.client { verifyhost = 3 }) })
  end)
end)

describe("With scissl.luasec.strict(true) a client of LuaSec's", function()
  before_each(function() ssl.strict(true) end)
  after_each(function() ssl.strict(false) end)

  local function refused(problem, options)
    local answer, why = verdict(options)
    assert.is_false(answer)
    assert.are.equal(problem, why)
  end

  it("takes whom it trusts, by the right name", function()
    assert.is_true(ssl.strict())
    local answer, problem, run = verdict { client = luasec.client(trusting) }
    assert(answer, problem)
    assert.is_true((run.client:getpeerverification()))
    run.server:send "hello\n"
    assert.are.equal("hello", (run.client:receive()))
  end)

  it("refuses strangers, other hosts, and those whose time is over", function()
    for _, identity in ipairs { pki.selfSigned, pki.strangeServer, pki.wrongHost, pki.expired, pki.notYetValid } do
      refused("certificate verify failed", { client = luasec.client(trusting), server = as(identity) })
    end
  end)

  it("trusts whom the system trusts where it names nobody", function()
    refused("certificate verify failed", { client = luasec.client() })
  end)

  it("is not talked out of it by its parameters", function()
    for _, parameters in ipairs { { verify = "none" }, { verifyext = "lsec_continue" },
      { verify = "peer", verifyext = { "lsec_continue", "lsec_ignore_purpose" } } } do
      parameters.cafile = trusting.cafile
      refused("certificate verify failed", { client = luasec.client(parameters), server = as(pki.wrongHost) })
    end
  end)

  it("does so with contexts that are older", function()
    ssl.strict(false)
    local context = assert(ssl.newcontext(luasec.client { verify = "none", cafile = trusting.cafile }))
    assert.is_true((verdict { client = context, server = as(pki.wrongHost) }))
    ssl.strict(true)
    refused("certificate verify failed", { client = context, server = as(pki.wrongHost) })
  end)

  it("wants to know the host", function()
    local problem = "strict: no host name to verify (use conn:sni(name) or the parameter verifyhost)"
    refused(problem, { client = luasec.client(trusting), before = function() end })
    assert.is_true((verdict { client = luasec.client { cafile = trusting.cafile, verifyhost = "localhost" },
      before = function() end }))
    local run = connect { client = luasec.client(trusting), before = function() end }
    assert.are.same({ false, problem }, { run.client:dohandshake() })
    assert.are.same({ nil, "closed", "" }, { run.client:receive() })
  end)

  it("prefers the name of verifyhost to the one that it asks for", function()
    local parameters = luasec.client { cafile = trusting.cafile, verifyhost = "elsewhere.example" }
    assert.is_true((verdict { client = parameters, server = as(pki.wrongHost) }))
    refused("certificate verify failed", { client = parameters, server = as(pki.server) })
  end)

  it("may know the server by a key instead of a certificate", function()
    assert.is_true((verdict {
      client = luasec.client { psk = function() return "a", "b" end },
      server = luasec.server { key = false, certificate = false, psk = function() return "b" end },
      before = function() end,
    }))
  end)

  it("may know the server by DANE", function()
    local function ask(identity)
      return { client = luasec.client { dane = true }, server = as(identity), before = function(client)
        client:setdane "localhost"
        client:settlsa(3, 1, 1, pki.selfSigned.certificate:tlsa(1, 1))
      end }
    end
    assert.is_true((verdict(ask(pki.selfSigned))))
    refused("certificate verify failed", ask(pki.server))
  end)

  it("gets no less than TLS 1.2", function()
    local weak = "ALL:@SECLEVEL=0"
    local old = { client = luasec.client { protocol = "tlsv1_1", ciphers = weak, cafile = trusting.cafile },
      server = luasec.server { ciphers = weak } }
    ssl.strict(false)
    assert.is_true((verdict(old)))
    ssl.strict(true)
    refused("strict: unsupported protocol", old)
  end)

  it("is refused by servers that share no protocol with it", function()
    refused("tlsv1 alert no application protocol", {
      client = luasec.client { alpn = "x", cafile = trusting.cafile }, server = luasec.server { alpn = { "y" } },
    })
  end)

  it("leaves servers to whom they ask", function()
    local answer, _, run = verdict { client = luasec.client(trusting) }
    assert.is_true(answer)
    assert.is_true(run.serverAnswer)
    assert.is_false((run.server:getpeerverification()))
  end)
end)
