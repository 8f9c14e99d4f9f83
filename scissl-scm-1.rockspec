rockspec_format = "3.0"
package = "scissl"
version = "scm-1"

source = {
   url = "git+https://github.com/scissl/scissl.git",
}

description = {
   summary = "Secure sockets for Lua, on OpenSSL 3",
   detailed = [[
      TLS clients and servers for Lua 5.4 and 5.5 on OpenSSL 3 and 4: verified connections in one call,
      and SciSslSocket with its companions below it, for blocking programs, coroutines and every event loop.
   ]],
   homepage = "https://github.com/scissl/scissl",
   license = "MIT",
   labels = { "tls", "ssl", "openssl", "network", "security" },
}

supported_platforms = { "unix" }

dependencies = {
   "lua >= 5.4",
}

-- The header alone: CMake knows more places where a system may keep the libraries than LuaRocks does.
external_dependencies = {
   OPENSSL = { header = "openssl/ssl.h" },
}

build = {
   type = "cmake",
   variables = {
      CMAKE_BUILD_TYPE = "Release",
      CMAKE_INSTALL_PREFIX = "$(PREFIX)",
      INSTALL_LMOD = "$(LUADIR)",
      INSTALL_CMOD = "$(LIBDIR)",
      LUA_INCDIR = "$(LUA_INCDIR)",
      OPENSSL_DIR = "$(OPENSSL_DIR)",
      OPENSSL_INCDIR = "$(OPENSSL_INCDIR)",
      OPENSSL_LIBDIR = "$(OPENSSL_LIBDIR)",
   },
}

test_dependencies = {
   "busted >= 2.1",
   "luasocket",
}

test = {
   type = "busted",
}
