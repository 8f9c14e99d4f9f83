-- How long the cookies of a server of DTLS are good: here a library that is loaded first moves the monotonic clock.
local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

describe("A cookie of sslListen #slow", function()
  local source = [[
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <time.h>

    int clock_gettime(clockid_t clock, struct timespec *now) {
        int (*own)(clockid_t, struct timespec *);
        *(void **)&own = dlsym(RTLD_NEXT, "clock_gettime");
        int result = own(clock, now);
        FILE *file = clock == CLOCK_MONOTONIC ? fopen(getenv("MOVED_BY"), "r") : NULL;
        long seconds = 0;
        if (file && fscanf(file, "%ld", &seconds) == 1) now->tv_sec += seconds;
        if (file) fclose(file);
        return result;
    }
  ]]
  local program = [[
    local scissl = require "scissl"
    local ends = require "spec.support.ends"
    local context = ends.serverContext { method = "DTLS" }
    local server = assert(scissl.SciSslSocket.onMemory(context)):sslInitialize()

    local function move(seconds)
      local file <close> = assert(io.open(os.getenv "MOVED_BY", "w"))
      file:write(seconds)
    end

    local function pass(from, to)
      repeat
        local datagram = from:sslDrain()
        if datagram ~= "" then to:sslFeed(datagram) end
      until datagram == ""
    end

    local function ask()
      local client = ends.pair { transport = "memory", version = "DTLS" }
      client:sslConnect()
      pass(client, server)
      server:sslListen "192.0.2.1:1"
      pass(server, client)
      client:sslConnect()
      return client
    end

    -- A cookie of the second 0; other clients ask at the seconds `asked`; it comes back at the second `back`.
    local function accepts(asked, back)
      move(0)
      context = ends.serverContext { method = "DTLS" }
      server = assert(scissl.SciSslSocket.onMemory(context)):sslInitialize()
      local client = ask()
      for _, second in ipairs(asked) do
        if second < back then
          move(second)
          ask()
        end
      end
      move(back)
      pass(client, server)
      return server:sslListen "192.0.2.1:1" == 1
    end

    for _, asked in ipairs { {}, { 50 }, { 70 }, { 110 }, { 70, 110 } } do
      print(accepts(asked, 50), accepts(asked, 115), accepts(asked, 125), accepts(asked, 175))
    end
  ]]

  it("is good for one minute, and for two at most, whenever others ask", function()
    if not ends.has "cc" or os.getenv "SCISSL_RUN" == "sanitized" then
      return pending "needs a C compiler, and LD_PRELOAD for itself"
    end
    local library = pki.folder() .. "/moved_clock.so"
    assert(os.execute(("cc -shared -fPIC -o '%s' '%s'"):format(library, pki.write(source, "moved_clock.c"))))
    local peer <close> = ends.lua(program, nil, { LD_PRELOAD = library, MOVED_BY = pki.write "0" })
    assert.equal(("true\ttrue\tfalse\tfalse\n"):rep(5), (peer:finish()))
  end)
end)
