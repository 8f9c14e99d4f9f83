local scissl = require "scissl"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

describe("OSSslVersion", function()
  local version = scissl.OSSslVersion.current()

  it("answers the loaded library's version as text and number", function()
    assert.truthy(version:text():find "^OpenSSL %d+%.%d+%.%d+")
    local major, minor = version:text():match "(%d+)%.(%d+)"
    assert.equal(tonumber(major), version:number() >> 28)
    assert.equal(tonumber(minor), version:number() >> 20 & 0xff)
  end)

  it("answers the headers' version", function()
    assert.truthy(version:headersText():find "^OpenSSL %d+%.%d+%.%d+")
    assert.is_true(version:headersNumber() <= version:number())
    assert.equal(version:number() >> 28, version:headersNumber() >> 28)
  end)

  it("is equal to another of the same library, and to nothing else", function()
    assert.is_true(version == scissl.OSSslVersion.current())
    assert.is_false(version == scissl.SciSslContext.new())
  end)

  it("prints both versions", function()
    assert.truthy(tostring(version):find(version:text(), 1, true))
    assert.truthy(tostring(version):find(version:headersText(), 1, true))
  end)
end)

describe("require 'scissl' with another OpenSSL than it was compiled for", function()
  local SHIM = [[
    unsigned long OpenSSL_version_num(void) { return %dUL; }
    const char *OpenSSL_version(int what) { (void)what; return "OpenSSL somewhere else"; }
  ]]

  -- Loads scissl in a child whose library claims to be of `number`.
  local function load_with(number)
    local shim = pki.write(SHIM:format(number), ("shim%x.c"):format(number))
    assert.is_true(os.execute(("cc -shared -fPIC -o '%s.so' '%s' 2>&1"):format(shim, shim)))
    local command = ends.luaCommand [[
      local loaded, failure = pcall(require, "scissl")
      print(loaded, failure)
    ]]
    local pipe = assert(io.popen(("LD_PRELOAD='%s.so' %s 2>&1"):format(shim, command)))
    local output = pipe:read "a"
    pipe:close()
    return output
  end

  local headers = scissl.OSSslVersion.current():headersNumber()
  local refused = {
    { "of the next major version", headers + (1 << 28) },
    { "of the major version before", headers - (1 << 28) },
    { "that is older than the headers", headers - (1 << 20) + (headers & 0xff00000 == 0 and 1 << 20 or 0) - (1 << 4) },
  }
  for _, case in ipairs(refused) do
    it("refuses one " .. case[1] .. ", naming both", function()
      if not ends.has "cc" then return pending "needs a C compiler" end
      if os.getenv "SCISSL_RUN" == "sanitized" then return pending "the sanitizer takes LD_PRELOAD" end
      local output = load_with(case[2])
      assert.truthy(output:find("^false"), output)
      assert.truthy(output:find("compiled with the headers of OpenSSL", 1, true), output)
      assert.truthy(output:find("OpenSSL somewhere else", 1, true), output)
      assert.truthy(output:find("rebuild", 1, true), output)
    end)
  end

  it("takes a later one of the same major version", function()
    if not ends.has "cc" then return pending "needs a C compiler" end
    if os.getenv "SCISSL_RUN" == "sanitized" then return pending "the sanitizer takes LD_PRELOAD" end
    assert.truthy(load_with(headers + (1 << 20)):find "^true")
  end)
end)
