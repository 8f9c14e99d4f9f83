-- Loops that have a resolver of their own: the option `resolver` makes it scissl's, as chapter 6 shows.
local loops = require "spec.support.loops"
local resolver = require "spec.support.resolver"

local RESOLVERS = {
  luv = [[
    local luv = require "luv"
    local function resolve(host, port, family)
      local thread = coroutine.running()
      local function done(problem, found) assert(coroutine.resume(thread, found, problem)) end
      assert(luv.getaddrinfo(host, nil, { socktype = "stream", family = family }, done))
      local found, problem = coroutine.yield()
      if not found then return nil, problem end
      local list = {}
      for i, entry in ipairs(found) do list[i] = { address = entry.addr, port = port } end
      return list
    end
  ]],
  cqueues = [[
    local dns = require "cqueues.dns"
    local function resolve(host, port, family, deadline)
      local kind = family == "inet6" and "AAAA" or "A"
      local found, problem = dns.query(host, kind, "IN", deadline and deadline - scissl.SciSocket.now())
      if not found then return nil, problem end
      local list = {}
      for record in found:grep { section = "answer", type = kind } do
        list[#list + 1] = { address = record:addr(), port = port }
      end
      return list
    end
  ]],
}

local PROGRAM = [[
  local loops = require "spec.support.loops"
  local pki = require "spec.support.pki"
  local scissl = require "scissl"
  local loop
  for _, one in ipairs(loops.all) do loop = one.name == %q and one or loop end
  %s
  local listener = assert(scissl.listen { host = "127.0.0.1", port = 0, certificate = pki.server.certificate,
    privateKey = pki.server.key, waiter = loop.waiter, timeout = 30 })
  local _, port = listener:getSockName()
  loop.run(function()
    listener:serve(function(stream) stream:write(stream:read(), "\n") end)
  end, function()
    for _, host in ipairs { %s } do
      local stream, failure = scissl.connect { host = host, verifyHost = "localhost", port = port, timeout = 30,
        ca = pki.ca.certificate, waiter = loop.waiter, resolver = resolve }
      if stream then
        stream:write(host, "\n")
        print(stream:read(), (stream:getPeerName()))
        stream:close()
      else print(failure:condition(), failure:phase(), failure:subject()) end
    end
    listener:close()
  end)
]]

describe("The option resolver with a loop's own:", function()
  local missing = resolver.missing()

  for _, loop in ipairs(loops.all) do
    local source = RESOLVERS[loop.name]
    if source then
      local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or loops.it(loop)

      it(loop.name .. " finds a host, and connects", function()
        assert.equal("localhost\t127.0.0.1\n", resolver.run(PROGRAM:format(loop.name, source, '"localhost"')))
      end)
    end

    if loop.name == "luv" then
      local it = missing and function(name) pending(name .. " (" .. missing .. ")") end or loops.it(loop)

      it("luv says which host is not known, and goes on", function()
        assert.equal("host_not_found\tresolve\tnothing.test\nany.test\t127.0.0.1\n",
          resolver.run(PROGRAM:format(loop.name, source, '"nothing.test", "any.test"')))
      end)
    end
  end
end)
