-- OSSslVersion, and what require does where the loaded OpenSSL is not the one that scissl was compiled for.
local scissl = require "scissl"
local ends = require "spec.support.ends"
local judge = require "spec.support.judge"
local pki = require "spec.support.pki"

local OSSslVersion = scissl.OSSslVersion

-- The number that belongs to "OpenSSL 3.0.19 …".
local function number_in(text)
  local major, minor, patch = text:match("(%d+)%.(%d+)%.(%d+)")
  return tonumber(major) << 28 | tonumber(minor) << 20 | tonumber(patch) << 4
end

describe("OSSslVersion.current", function()
  local current = OSSslVersion.current()

  it("answers the loaded library's version, as text and number", function()
    assert.truthy(current:text():find("^OpenSSL %d+%.%d+%.%d+"), current:text())
    assert.are.equal(number_in(current:text()), current:number() & ~0xf)
  end)

  it("answers the headers' version, which the library is not older than", function()
    assert.truthy(current:headersText():find("^OpenSSL %d+%.%d+%.%d+"), current:headersText())
    assert.are.equal(number_in(current:headersText()), current:headersNumber() & ~0xf)
    assert.is_true(current:number() >> 4 >= current:headersNumber() >> 4)
    assert.are.equal(current:headersNumber() >> 28, current:number() >> 28)
  end)

  it("is what the openssl command of the same library says", function()
    local output = judge.openssl("version")
    local loaded = output:match("Library: (OpenSSL [^)]*)") or output:match("^OpenSSL [^\n]*")
    if loaded ~= current:text() then return pending("the openssl command uses another library: " .. loaded) end
    assert.are.equal(loaded, current:text())
  end)

  it("equals another of the same library", function()
    assert.are.equal(current, OSSslVersion.current())
    assert.are_not.equal(current, current:text())
  end)

  it("shows both in the REPL", function()
    assert.are.equal(("OSSslVersion: %s (headers: %s)"):format(current:text(), current:headersText()),
      tostring(current))
  end)

  it("has methods for its receivers alone", function()
    for _, name in ipairs { "text", "number", "headersText", "headersNumber" } do
      assert.error_matches(function() OSSslVersion[name]({}) end, "bad argument #1 to")
      assert.error_matches(function() OSSslVersion[name]() end, "bad argument #1 to")
    end
  end)
end)

describe("require 'scissl'", function()
  -- Runs require with a library that says it is of the version `number`; answers what came of it.
  local function load_with(number)
    local source = pki.write(("unsigned long OpenSSL_version_num(void) { return 0x%xUL; }\n"):format(number), "shim.c")
    local shim = ("%s/shim%x.so"):format(pki.folder(), number)
    assert(os.execute(("cc -shared -fPIC -o %s %s"):format(shim, source)))
    local peer <close> = ends.lua([[
      local done, result = pcall(require, "scissl")
      print(done and "loaded" or result)
    ]], nil, { LD_PRELOAD = shim })
    return (peer:finish())
  end

  local function unless_possible()
    if not ends.has "cc" then return "no C compiler here" end
    if os.getenv "SCISSL_RUN" == "sanitized" then return "the sanitizer needs LD_PRELOAD for itself" end
    local maps = io.open("/proc/self/maps")
    if not maps then return "LD_PRELOAD is another thing here" end
    maps:close()
    return nil
  end

  local headers = OSSslVersion.current():headersNumber()

  for name, number in pairs {
    ["of the next major version"] = headers + (1 << 28),
    ["of the major version before"] = headers - (1 << 28),
    ["of an older minor version"] = (headers >> 28 << 28) - 1 & ~0xf | 0x10,
    ["of an older patch"] = headers - 0x10,
  } do
    it("refuses a library " .. name .. ", and says so", function()
      local why = unless_possible()
      if why then return pending("versions: " .. why) end
      local output = load_with(number)
      assert.truthy(output:find("scissl was compiled with the headers of OpenSSL ", 1, true), output)
      assert.truthy(output:find("but the library that was loaded is ", 1, true), output)
      assert.truthy(output:find("rebuild scissl", 1, true), output)
      assert.is_nil(output:find("loaded\n$"), output)
    end)
  end

  for name, number in pairs {
    ["as old as the headers"] = headers,
    ["of a newer patch"] = headers + 0x10,
    ["of a newer minor version"] = headers + (1 << 20),
  } do
    it("takes a library " .. name, function()
      local why = unless_possible()
      if why then return pending("versions: " .. why) end
      assert.are.equal("loaded\n", load_with(number))
    end)
  end
end)
