-- The docstrings, the stubs for editors, LDoc's pages and the objects themselves name the same things.
local build_stamp = require "spec.support.reference.build_stamp"
local core = require "scissl.core"
local judge = require "spec.support.judge"
local model = require "spec.support.reference.model"
local pki = require "spec.support.pki"
local scissl = require "scissl"
local stubs = require "spec.support.reference.stubs"

local reference = model.read()

-- The tables whose functions are public, by the reference's names of them.
local function real_classes()
  local socket = assert(scissl.SciSslSocket.onMemory(assert(scissl.SciSslContext.new())))
  local classes = {
    SciSslStream = getmetatable(scissl.stream(socket)),
    SciSslSessionMemory = getmetatable(scissl.sessions.memory.new()),
    SciSslSessionFile = getmetatable(scissl.sessions.file.new { path = "sessions" }),
    SciSslSessionRedis = getmetatable(scissl.sessions.redis.new { secret = ("s"):rep(32) }),
    SciScheduler = getmetatable(assert(scissl.scheduler.new())),
    ["scissl.scheduler"] = scissl.scheduler,
    ["scissl.signals"] = scissl.signals,
    ["scissl.plain"] = scissl.plain,
    ["scissl.sessions.redis"] = scissl.sessions.redis,
    SciSslListener = getmetatable(assert(scissl.listen { host = "127.0.0.1", port = 0,
                                                         certificate = pki.server.certificate,
                                                         privateKey = pki.server.key })),
    SciSslSni = getmetatable(assert(scissl.sni.new {})),
    SciSslClientHello = scissl.SciSslClientHello,
    SciSslSocketConfiguration = scissl.SciSslSocketConfiguration,
    ["scissl.wait"] = require "scissl.wait",
    ["scissl.sessions.memory"] = scissl.sessions.memory,
    ["scissl.sessions.file"] = scissl.sessions.file,
    ["scissl.help"] = scissl.help,
  }
  for name, value in pairs(core) do
    if type(value) == "table" then classes[name] = value end
  end
  return classes
end

-- Made by `scissl.sni.new`, whose module is the class itself.
local elsewhere = { ["SciSslSni.new"] = true, ["SciSslStream.make"] = true } -- the latter for our own modules

local function is_inherited(class, name)
  return class.parent and core[class.parent][name] ~= nil
end

describe("the reference", function()
  local real = real_classes()

  for name in pairs(real) do
    it("knows every function of " .. name .. ", and no other", function()
      local class = assert(reference.byName[name], "nobody has described the class")
      local described = {}
      for _, entry in ipairs(class.functions) do
        described[entry.member] = true
        assert.is_function(real[name][entry.member], entry.name .. " is described, and does not exist")
      end
      for member, value in pairs(real[name]) do
        local public = type(value) == "function" and not member:find "^__" and not is_inherited(class, member)
        if public and not elsewhere[name .. "." .. member] then
          assert.is_true(described[member], name .. " has " .. member .. ", which nobody has described")
        end
      end
    end)
  end

  it("knows every function of the module, and no other", function()
    for _, entry in ipairs(reference.byName.scissl.functions) do
      local value = scissl[entry.member]
      assert.is_true(type(value) == "function" or getmetatable(value).__call ~= nil, entry.name)
    end
    for name, value in pairs(core) do
      if type(value) == "function" then
        local found = false
        for _, entry in ipairs(reference.byName.scissl.functions) do found = found or entry.member == name end
        assert.is_true(found, "nobody has described scissl." .. name)
      end
    end
  end)

  it("describes each function and each of its arguments and answers", function()
    for _, class in ipairs(reference.classes) do
      for _, entry in ipairs(class.functions) do
        assert.truthy(entry.text:find "%S", entry.name .. " has no description")
        for _, param in ipairs(entry.params) do assert.truthy(param.name, entry.name) end
      end
    end
  end)

  it("names the source of what OpenSSL does", function()
    local without = {}
    for _, class in ipairs(reference.classes) do
      for _, entry in ipairs(class.functions) do
        local row = entry.text:find "%(Rows? S%d" or entry.sees[1]
        if class.name == "SciSslContext" and not row then without[#without + 1] = entry.name end
      end
    end
    table.sort(without)
    assert.same({}, without)
  end)

  it("has an example of each function", function()
    local without = {}
    for _, class in ipairs(reference.classes) do
      for _, entry in ipairs(class.functions) do
        if not (entry.example or entry.passedOn or entry.overload) then without[#without + 1] = entry.name end
      end
    end
    assert.same({}, without)
  end)

  it("has no example of what does not exist", function()
    local known = {}
    for _, class in ipairs(reference.classes) do
      for _, entry in ipairs(class.functions) do known[entry.name] = true end
    end
    for name in pairs(require "spec.support.reference.examples".read()) do assert.is_true(known[name], name) end
  end)

  it("knows every option and every field, and no other", function()
    assert.same({}, reference.byName.SciSslSocketConfiguration.undocumented)
    for _, class in ipairs(reference.classes) do
      for _, options in ipairs(class.tables) do
        assert.same({}, options.undocumented, options.name)
        for _, field in ipairs(options.fields) do assert.falsy(field.unknown, options.name .. " " .. field.name) end
      end
    end
  end)

  it("gives each option and each field a type that editors know", function()
    local known = {}
    for _, name in ipairs { "string", "integer", "number", "boolean", "function", "table", "userdata", "any", "false",
      "SciSslTryPieces" } do -- this class has no functions
      known[name] = true
    end
    local function check(name, text)
      for word in text:gmatch "[%w_%.]+" do
        assert.truthy(known[word] or reference.byName[word], name .. " " .. word)
      end
    end
    for _, class in ipairs(reference.classes) do
      for _, options in ipairs(class.tables) do
        for _, field in ipairs(options.fields) do check(options.name .. " " .. field.name, field.type) end
      end
    end
    for _, entry in ipairs(reference.byName.SciSslSocketConfiguration.functions) do
      if entry.overload then check(entry.name, entry.overload:match ":([^:]*)$":gsub("|nil", "")) end
    end
  end)

  it("knows every constant", function()
    local known = {}
    for _, group in ipairs(reference.constants) do
      for _, name in ipairs(group.names) do known[name] = true end
    end
    for name, value in pairs(core) do
      if type(value) == "number" then assert.is_true(known[name], name) end
    end
  end)
end)

describe("the stubs", function()
  for path, text in pairs(stubs.files(reference)) do
    it("are those that the docstrings make: " .. path, function()
      assert.is_true(text == judge.read(path), "run spec/support/reference/generate.lua")
      assert(load(text, "=" .. path))
    end)
  end

  it("are no others", function()
    local files = stubs.files(reference)
    local pipe <close> = assert(io.popen "ls lua/scissl/meta/*")
    for path in pipe:lines() do assert.truthy(files[path], path) end
  end)
end)

describe("the stamp by which the Lua files know their core.so", function()
  it("is that of the names in C", function()
    assert.is_true(#build_stamp.names() > 400)
    for path, text in pairs(build_stamp.files()) do
      assert.is_true(text == judge.read(path), "run spec/support/reference/generate.lua, and build again")
    end
  end)
end)

describe("LDoc", function()
  local folder, output, good
  local has_ldoc = os.execute "command -v ldoc >/dev/null 2>&1"

  setup(function()
    if not has_ldoc then return end
    folder = pki.folder() .. "/reference"
    local pipe = assert(io.popen(("env -u LUA_PATH -u LUA_CPATH -u LD_PRELOAD ldoc --fatalwarnings -d '%s' . 2>&1")
      :format(folder)))
    output = pipe:read "a"
    good = pipe:close()
  end)

  it("has nothing to warn of", function()
    if not has_ldoc then return pending "ldoc is not installed" end
    assert.is_true(good, output)
    assert.falsy(output:find "%.lua:%d+:", output)
  end)

  for _, class in ipairs(reference.classes) do
    it("has a place for each function of " .. class.name, function()
      if not has_ldoc then return pending "ldoc is not installed" end
      local kind = class.name:find "^scissl" and "modules" or "classes"
      local file = kind == "modules" and class.name ~= "scissl.wait" and "scissl" or class.name
      local page = judge.read(("%s/%s/%s.html"):format(folder, kind, file))
      for _, entry in ipairs(class.functions) do
        local short = class.name:match "[^%.]+$" .. entry.separator .. entry.member
        local found = page:find(('<a name = "%s">'):format(entry.name), 1, true)
          or page:find(('<a name = "%s">'):format(short), 1, true)
        assert.truthy(found, entry.name)
      end
    end)
  end
end)
