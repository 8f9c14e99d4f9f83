-- LuaSec and scissl.luasec are asked the same, side by side, of modules, contexts and certificates.

local asking = require "spec.support.luasec_compare"
local luasec = require "spec.support.luasec"
local pki = require "spec.support.pki"

if not luasec.real then
  pending "LuaSec is not installed: nothing has been compared with it"
  return
end

local field, method, shown = asking.field, asking.method, asking.shown

local function compare(make, questions) asking.all(it, make, questions) end

describe("scissl.luasec says the same as LuaSec #slow of", function()
  local function module_of(ssl, name)
    return require((ssl == luasec.real and "ssl." or "scissl.luasec.") .. name)
  end

  compare(function(ssl) return ssl end, {
    { "ssl.config", function(ssl)
      local config = ssl.config
      return config.protocols, config.algorithms, config.capabilities.alpn, config.capabilities.dane,
        config.capabilities.curves_list, config.capabilities.ecdh_auto
    end },
    { "create and setmode", function(ssl)
      local context = module_of(ssl, "context")
      local made = context.create "any"
      return made, context.setmode(made, "server"), context.setmode(made, "client"), field(context, "create"),
        field(context, "create", {}), shown { context.create "x" }, field(context, "setmode", made),
        field(context, "setmode", nil)
    end },
    { "the functions of ssl.context with wrong arguments", function(ssl)
      local context = module_of(ssl, "context")
      local made = context.create "any"
      local answers = {}
      for _, name in ipairs { "loadcert", "loadkey", "setcipher", "setciphersuites", "setcurve", "setcurveslist",
        "setalpn", "setdepth" } do
        answers[#answers + 1] = field(context, name, made)
        answers[#answers + 1] = field(context, name, made, {})
        answers[#answers + 1] = field(context, name, {}, "x")
      end
      return table.concat(answers, "\n")
    end },
    { "the functions of ssl.context", function(ssl)
      local context = module_of(ssl, "context")
      local made = context.create "any"
      return context.checkkey(made), context.locations(made, pki.ca.certificateFile), context.setdepth(made, 3),
        context.setdepth(made, "4"), context.setdepth(made, 4.0), context.setverify(made),
        context.setverify(made, "peer"), context.setoptions(made),
        context.setoptions(made, "all", "no_ticket"), context.setalpn(made, "\1a"),
        context.setalpncb(made, print), select("#", context.setdhparam(made, print)), context.setdane(made),
        context.loadcert(made, pki.server.certificateFile), context.loadkey(made, pki.server.keyFile, nil),
        context.checkkey(made), made:setverifyext(), made:setverifyext "lsec_continue"
    end },
    { "curve with a list", function(ssl)
      return shown { ssl.newcontext(luasec.server { curve = "P-256:P-384" }) },
        shown { ssl.newcontext(luasec.server { curve = "" }) },
        type(ssl.newcontext(luasec.server { curve = "P-384" })),
        type(ssl.newcontext(luasec.server { curveslist = "P-256:P-384" }))
    end },
    { "wrap without a context", function(ssl)
      return field(ssl, "wrap", (luasec.sockets())), field(ssl, "wrap", luasec.sockets(), 3),
        field(ssl, "wrap", (luasec.sockets()), "x")
    end },
    { "ssl.core", function(ssl) -- without getfd before setfd, where LuaSec returns what its memory held
      local low, context = module_of(ssl, "core"), module_of(ssl, "context")
      local made = context.create "any"
      local without_mode = shown { low.create(made) }
      context.setmode(made, "client")
      local conn = low.create(made)
      local near = luasec.sockets()
      local set = select("#", low.setfd(conn, near:getfd()))
      low.setfd(conn, near:getfd())
      near:setfd(low.SOCKET_INVALID)
      return without_mode, set, low.SOCKET_INVALID, field(low, "create"), field(low, "create", 3),
        field(low, "setfd", conn), field(low, "setfd", conn, "x"), field(low, "setfd", 3), conn
    end },
    { "setdane, settlsa", function(ssl)
      local near = luasec.sockets()
      local client = ssl.wrap(near, luasec.client { dane = true })
      return client:setdane "localhost", client:settlsa(3, 1, 1, ("x"):rep(32)), client:settlsa(3, 1, 1, "x"),
        client:settlsa(9, 9, 9, "x"), client:settlsa(300, 1, 1, ("x"):rep(32)), client:settlsa(-1, 1, 1, "x"),
        client:settlsa(1 << 40, 1, 1, "x"), client:settlsa(3, 1, 0, 12345), client:settlsa("3", 1.0, 1, ("y"):rep(32))
    end },
    { "setdane where the context has none", function(ssl)
      local client = ssl.wrap(luasec.sockets(), luasec.client())
      return client:setdane "localhost"
    end },
  })

  local certificates = {}
  setup(function()
    certificates.text = pki.issue { subject = "CN=names,O=Jos\u{e9},C=DE", names = { "a.example", "192.0.2.1" } }
      .certificatePem
  end)

  compare(function(ssl) return ssl.loadcertificate(certificates.text), ssl end, {
    { "names", function(certificate) return certificate:subject(), certificate:issuer(), certificate:extensions() end },
    { "dates", function(certificate)
      return certificate:notbefore(), certificate:notafter(), certificate:validat(os.time()), certificate:validat(0)
    end },
    { "digests", function(certificate)
      return certificate:digest(), certificate:digest "sha256", shown { certificate:digest "md5" },
        certificate:digest "sha512"
    end },
    { "the key", function(certificate) return certificate:pubkey() end },
    { "the rest", function(certificate)
      return certificate:serial(), certificate:pem(), certificate:getsignaturename(), certificate:setencode "utf8",
        certificate:setencode "x", certificate:setencode "ai5"
    end },
    { "wrong arguments to certificates", function(certificate, ssl)
      return method(certificate, "setencode"), method(certificate, "validat"),
        method(certificate, "issued"), method(certificate, "issued", "x"), field(certificate, "pem", 3),
        shown { ssl.loadcertificate "x" } -- LuaSec leaks memory where the argument is no text
    end },
  })
end)
