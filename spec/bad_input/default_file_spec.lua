-- OpenSSL's default file of certificates, where it is missing, empty or damaged. The path is compiled into OpenSSL;
-- here a library that is loaded first returns another one.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

describe("OpenSSL's default file #slow", function()
  local program = [[
    local scissl = require "scissl"
    local context = assert(scissl.SciSslContext.new())
    local answer, err = context:useDefaultTrust()
    print(answer == context, err and err:condition(), err and err:phase(), err and err:subject())
  ]]
  local source = [[
    #include <stdlib.h>
    const char *X509_get_default_cert_file(void) { return getenv("DEFAULT_FILE"); }
  ]]
  local library

  local function run(path)
    if not library then
      library = pki.folder() .. "/default_file.so"
      assert(os.execute(("cc -shared -fPIC -o '%s' '%s'"):format(library, pki.write(source, "default_file.c"))))
    end
    local peer <close> = ends.lua(program, nil, {
      LD_PRELOAD = library, DEFAULT_FILE = path, SSL_CERT_FILE = "", SSL_CERT_DIR = "",
    })
    return (peer:finish())
  end

  local function it_says(name, what, write)
    it(what .. " where it " .. name, function()
      if not ends.has "cc" or os.getenv "SCISSL_RUN" == "sanitized" then
        return pending "needs a C compiler, and LD_PRELOAD for itself"
      end
      local path, condition = write()
      local told = condition and ("false\t%s\tload\t%s\n"):format(condition, path) or "true\tnil\tnil\tnil\n"
      assert.equal(told, run(path))
    end)
  end

  local all = pki.ca.certificate:toPem() .. pki.otherCa.certificate:toPem()
  it_says("has certificates", "is loaded", function() return pki.write(all) end)
  it_says("is missing", "is not needed", function() return pki.folder() .. "/missing.pem" end)
  it_says("is empty", "is not needed", function() return pki.write "" end)
  it_says("is no PEM", "is an error", function() return pki.write(("\200\1\0"):rep(1000)), "not_pem" end)
  it_says("is a directory", "is an error", function() return pki.folder(), "file_directory" end)
  it_says("ends in mid-certificate", "is an error", function()
    return pki.write(all:sub(1, -200)), "malformed_certificate"
  end)
  it_says("has a certificate with a defect", "is an error", function()
    return pki.write((all:gsub("MII", "MIJ"))), "malformed_certificate"
  end)
end)
