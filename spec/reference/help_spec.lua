-- scissl.help: the reference at the prompt.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local scissl = require "scissl"

local text = scissl.help.text

describe("scissl.help", function()
  it("tells what there is", function()
    local overview = text()
    assert.truthy(overview:find("SciSslSocket: ", 1, true))
    assert.truthy(overview:find("Getting started", 1, true))
  end)

  it("tells of a class, with a line for each of its methods", function()
    local found = text "SciSslSocket"
    assert.truthy(found:find("SciSslSocket:sslAccept()", 1, true))
    assert.truthy(found:find("methods of SciSocket", 1, true))
  end)

  it("tells of a method by its name alone: arguments, results, source, example", function()
    local found = text "sslWrite"
    local words = { "SciSslSocket:sslWrite(data, [i], [j])", "Arguments", "Returns", "SSL_write_ex(3)", "Example" }
    for _, word in ipairs(words) do
      assert.truthy(found:find(word, 1, true), word)
    end
  end)

  it("tells of every method that has the name", function()
    local found = text "toPem"
    assert.truthy(found:find("SciSslPrivateKey:toPem", 1, true))
    assert.truthy(found:find("OSSslSession:toPem", 1, true))
  end)

  it("takes a dot for a colon", function()
    assert.equal(text "SciSslSocket:sslAccept", text "SciSslSocket.sslAccept")
  end)

  it("tells of a function with its options", function()
    local found = text "scissl.connect"
    assert.truthy(found:find("verifyHost? (string|string[]|false)", 1, true))
  end)

  it("tells of a module with its functions, by its whole name and by its last", function()
    local found = assert(text "scissl.plain")
    local all = { "Streams in plain text", "scissl.plain.connect(given)", "scissl.plain.on(socket, [given])" }
    for _, words in ipairs(all) do
      assert.truthy(found:find(words, 1, true), words)
    end
    assert.equal(found, text "plain")
    for _, name in ipairs { "copas", "luasec", "sessions.memory", "scissl.scheduler", "scissl.sni", "scissl.wait" } do
      assert(text(name))
    end
  end)

  it("names scissl.explain for a condition and for an alert", function()
    for _, name in ipairs { "certificate_expired", "unknown_ca" } do
      local found, problem = text(name)
      assert.is_nil(found)
      assert.truthy(problem:find(('scissl.explain "%s"'):format(name), 1, true), problem)
    end
  end)

  it("tells of an option, with each function that takes it", function()
    local found = assert(text "onError")
    assert.truthy(found:find("onError, an option of SciSslListener:serve", 1, true))
    assert.truthy(found:find("onError, an option of scissl.scheduler.new", 1, true))
    assert.truthy(text "maxLine":find("maxLine, an option of scissl.stream", 1, true))
    assert.truthy(text "reusePort":find("an option of scissl.listen", 1, true))
  end)

  it("tells of a name that is both a method and an option", function()
    local found = assert(text "caFile")
    assert.truthy(found:find("SciSslSocketConfiguration:caFile", 1, true))
    assert.truthy(found:find("caFile, an option of scissl.connect", 1, true))
  end)

  it("tells of constants", function()
    assert.truthy(text "SSL_VERIFY_PEER":find("scissl.SSL_VERIFY_PEER = 1", 1, true))
    assert.equal(text "SSL_VERIFY_PEER", text "scissl.SSL_VERIFY_PEER")
  end)

  it("tells of an object's class", function()
    assert.equal(text "SciSslContext", text(assert(scissl.SciSslContext.new())))
  end)

  it("prints every chapter by its title and by its file's name, without what is for the specs", function()
    for _, chapter in ipairs(require "scissl.doc.index".chapters) do
      local found = assert(text(chapter.title:lower()))
      assert.truthy(found:find("# " .. chapter.title, 1, true))
      assert.falsy(found:find("<!--", 1, true))
      assert.equal(found, text((chapter.file:gsub("^%d+%-", ""):gsub("%.md$", ""))))
    end
  end)

  it("offers the nearest name", function()
    local found, words = text "sslAcept"
    assert.is_nil(found)
    assert.truthy(words:find("did you mean 'sslAccept'?", 1, true))
    assert.truthy(select(2, text "getting startd"):find "Getting started")
    assert.truthy(select(2, text "SciSslSokcet"):find "SciSslSocket")
  end)

  it("offers the nearest option and module, and what other libraries call an option", function()
    for given, near in pairs { onEror = "onError", ["scissl.plian"] = "scissl.plain", cert = "certificate" } do
      assert.truthy(select(2, text(given)):find(("did you mean '%s'?"):format(near), 1, true), given)
    end
  end)

  it("lists the names that contain what was asked for", function()
    local _, words = text "TicketKey"
    assert.truthy(words:find("SciSslContext.newTicketKey", 1, true) or words:find("newTicketKey", 1, true), words)
    assert.truthy(words:find("setTicketKeys", 1, true), words)
  end)

  it("lists each of them once, and methods of objects that a program calls by names of its own", function()
    local _, words = text "sslreadsiz"
    local _, count = words:gsub("sslReadSized", "")
    assert.equal(2, count, words) -- as what was meant, and with its class
    assert.truthy(select(2, text "listener:serv"):find("SciSslListener:serve", 1, true))
  end)

  it("says where to look where nothing is near", function()
    local found, words = text "gibberish"
    assert.is_nil(found)
    assert.truthy(words:find("scissl.help()", 1, true))
  end)

  it("prints from wherever scissl is installed", function()
    local root = pki.folder() .. "/elsewhere"
    assert(os.execute(("mkdir '%s' && cp -R lua '%s'"):format(root, root)))
    local program = ends.luaCommand('require "scissl".help "sslAccept"', {
      LUA_PATH = root .. "/lua/?.lua;" .. root .. "/lua/?/init.lua",
    })
    local pipe <close> = assert(io.popen(program .. " 2>&1"))
    assert.truthy(pipe:read "a":find("SciSslSocket:sslAccept()", 1, true))
  end)
end)
