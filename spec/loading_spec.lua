-- What `require` makes, and what is made when it is first asked for.
local core = require "scissl.core"
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"
local shell = require "spec.support.shell"

local CLASSES = {
  "SciSocket", "SciPoller", "SciLookUp", "SciSslSocket", "SciSslContext", "SciSslCipher", "SciSslError",
  "OSSslSession",
  "SciSslX509Certificate", "SciSslPrivateKey", "SciSslX509Crl", "SciSslX509Request", "SciSslOcsp", "SciSslPkcs12",
  "OSSslVersion",
}

local function runs(source, ...)
  local peer <close> = ends.lua(source:format(...))
  local output, how, code = peer:finish()
  assert.are.same({ "", "exit", 0 }, { output, how, code })
end

local listed -- by class: the names in its table, without those that are written in Lua

-- Asks a process of its own, where all classes have been made in turn: other specs may have changed those of this one.
local function members(class)
  if listed then return listed[class] end
  local peer <close> = ends.lua(([[
    local core = require "scissl.core"
    for class in ("%s"):gmatch "%%w+" do
      local names = {}
      for name in pairs(core[class]) do names[#names + 1] = name end
      table.sort(names)
      print(class .. ": " .. table.concat(names, " "))
    end
  ]]):format(table.concat(CLASSES, " ")))
  listed = {}
  for name, names in peer:finish():gmatch "(%w+): ([^\n]+)" do listed[name] = names end
  return assert(listed[class])
end

describe("require", function()
  -- ELF files name the version of a library that brought a function.
  it("needs no function of OpenSSL that a release behind 3.0.0 brought to 3.0", function()
    local file <close> = assert(io.open(package.searchpath("scissl.core", package.cpath), "rb"))
    assert.is_nil(file:read "a":match "OPENSSL_3%.0%.[1-9]%d*")
  end)

  it("says that the Lua files and core.so are of different builds", function()
    local source <close> = assert(io.open(package.searchpath("scissl.core", package.cpath), "rb"))
    local other, count = source:read "a":gsub("(scissl [%d.]+ )%x%x%x%x%x%x%x%x%z", "%100000000\0")
    assert.equal(1, count)
    runs([[
      package.cpath = "%s"
      local done, message = pcall(require, "scissl")
      assert(not done)
      local version, files, built, core = message:match("^scissl: the Lua files %%(scissl ([%%d.]+), (%%S+)%%) "
        .. "and core.so %%(scissl ([%%d.]+), (%%S+)%%) are of different builds: build and install scissl again$")
      assert(version and version == built, message)
      assert(files:find "scissl/init.lua$" and core == package.cpath, message)
    ]], pki.write(other))
  end)

  it("makes no class and no constant", function()
    runs [[
      local core = require "scissl.core"
      require "scissl"
      for name, value in next, core do assert(type(value) == "function" or type(value) == "boolean", name) end
      for name in pairs(debug.getregistry()) do
        local text = tostring(name)
        assert(not text:find "^SciS" and not text:find "^OSSsl", text)
      end
    ]]
  end)

  it("answers the classes that stand when it is done again", function()
    runs [[
      local first = require "scissl"
      local context = assert(first.SciSslContext.new())
      for name in pairs(package.loaded) do
        if name:find "^scissl" then package.loaded[name] = nil end
      end
      local again = require "scissl"
      assert(again ~= first and again.SciSslContext == first.SciSslContext)
      assert(getmetatable(context).__index == again.SciSslContext)
      assert(again.SciSslSocket.onMemory(context).clientHello)
    ]]
  end)
end)

describe("A class", function()
  for _, name in ipairs(CLASSES) do
    it("that is the first to be asked for is whole: " .. name, function()
      runs([[
        local class, names = require "scissl.core"[%q], {}
        for name in pairs(class) do names[#names + 1] = name end
        table.sort(names)
        names = table.concat(names, " ")
        assert(names == %q, names)
        assert(class == require "scissl"[%q])
      ]], name, members(name), name)
    end)
  end

  it("has the methods that are written in Lua, whether it was made before them or after", function()
    runs [[
      local core = require "scissl.core"
      local early = core.SciSslError.new { phase = "read", condition = "timeout" }
      require "scissl"
      assert(early:errorHint() == tostring(early) and #early:errorHint() > 0)
      assert(core.SciSslSocket.clientHello)
    ]]
  end)

  it("that nobody has asked for is there for the values that functions answer", function()
    runs [[
      local core = require "scissl.core"
      local scissl = require "scissl"
      local _, err = scissl.SciSslContext.new "TLSv9"
      assert(rawget(core, "SciSslError") == nil)
      assert(scissl.isSslError(err) and #err:errorHint() > 0 and err:errorHint() == tostring(err))
      assert(getmetatable(err).__index == scissl.SciSslError)
    ]]
  end)

  it("that nobody has asked for has no objects", function()
    runs [[
      local scissl = require "scissl"
      assert(scissl.isSslError(io.stdout) == false)
      local good, message = pcall(function() return scissl.SciPoller.new():arm(io.stdout, "r") end)
      assert(good or message:find "stdout" or message:find "bad argument", message)
      assert(not pcall(scissl.SciSocket.close, io.stdout))
      assert(not pcall(scissl.SciSslContext.setTimeout, io.stdout, 1))
    ]]
  end)

  it("that memory ran out for is made anew, and whole", function()
    if not ends.has "cc" then return pending("no memory: no C compiler here") end
    local program = pki.write([[
      #include <stdio.h>
      #include <stdlib.h>
      #include <lua.h>
      #include <lauxlib.h>
      #include <lualib.h>
      static long left = -1; /* allocations that still succeed; below 0: all do */
      static void *allocate(void *data, void *block, size_t before, size_t after) {
        (void)data;
        if (after == 0) { free(block); return NULL; }
        if (!block || after > before) {
          if (left == 0) return NULL;
          if (left > 0) left--;
        }
        return realloc(block, after);
      }
      static int calls(lua_State *L, const char *name) {
        lua_getglobal(L, name);
        int good = lua_pcall(L, 0, 0, 0) == LUA_OK;
        if (!good && left < 0) fprintf(stderr, "%s\n", lua_tostring(L, -1));
        if (!good) lua_pop(L, 1);
        return good;
      }
      static lua_State *start(const char *script) {
        left = -1;
        lua_State *L = lua_newstate(allocate, NULL);
        luaL_openlibs(L);
        if (luaL_dofile(L, script) == LUA_OK) return L;
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
      }
      int main(int count, char **arguments) {
        lua_State *keeps = start(arguments[1]); /* the module, loaded */
        (void)count;
        for (long most = 0, done = 0; !done; most++) {
          lua_State *L = start(arguments[1]);
          left = most;
          done = calls(L, "ask");
          left = -1;
          if (!calls(L, "check")) return 2;
          lua_close(L);
        }
        lua_close(keeps);
        return 0;
      }
    ]], "memory.c")
    local binary = pki.folder() .. "/memory"
    local built <close> = ends.start(shell.buildsWithLua(binary, program))
    local output, _, code = built:finish()
    if code ~= 0 then return pending("no memory: no liblua to link with: " .. output:match("[^\n]*")) end
    local script = pki.write(([[
      local core = require "scissl.core"
      local scissl = require "scissl"
      function ask() return core.SciSslSocket end
      function check()
        local names = {}
        for name, value in pairs(core.SciSslSocket) do
          if debug.getinfo(value, "S").what == "C" then names[#names + 1] = name end
        end
        table.sort(names)
        assert(table.concat(names, " ") == %q)
        local meta = getmetatable(core.SciSslSocket.onMemory(assert(core.SciSslContext.new())))
        assert(meta.__index == core.SciSslSocket and meta.__gc and meta.__close and meta.__tostring)
        assert(meta.__index.clientHello and core.SciSocket.pair())
      end
    ]]):format(members "SciSslSocket"), "memory.lua")
    local preload = os.getenv "SCISSL_RUN" == "sanitized" and "LD_PRELOAD=$(gcc -print-file-name=libasan.so) " or ""
    local peer <close> = ends.start(("sh -c '%sLUA_PATH=\"%s\" LUA_CPATH=\"%s\" %s %s'"):format(preload, package.path,
      package.cpath, binary, script))
    local text, how, status = peer:finish()
    assert.are.same({ "", "exit", 0 }, { text, how, status })
  end)
end)

describe("pairs(scissl.core)", function()
  it("shows every class and every constant, asked for or not", function()
    local names = {}
    for name in pairs(core) do names[#names + 1] = name end
    table.sort(names)
    runs([[
      local names = {}
      for name, value in pairs(require "scissl.core") do
        assert(value ~= nil)
        names[#names + 1] = name
      end
      table.sort(names)
      names = table.concat(names, " ")
      assert(names == %q, names)
      assert(names:find "SciSslX509Crl" and names:find "X509_V_ERR_EC_KEY_EXPLICIT_PARAMS")
    ]], table.concat(names, " "))
  end)
end)

describe("scissl.core", function()
  it("answers nil for what is no name of a class or a constant", function()
    for _, name in ipairs { "SciSslSockets", "SciSslSocket\0", "", 1, 0.5, true, core } do assert.is_nil(core[name]) end
  end)
end)
