-- Memory that runs out while LuaSec's connections send and receive: no byte is lost without an error.

local luasec = require "spec.support.luasec"
local scarce, why = require "spec.support.scarce".load()
local each = require "spec.support.scarce".each

if not scarce then
  pending(why)
  return
end

local function pair()
  local run = luasec.connect { clientSsl = luasec.ours, serverSsl = luasec.ours }
  return run.client, run.server
end

local WHOLE = "first line\r\nsecond\n" .. ("x"):rep(40000) .. "the end"

-- Each way to receive all of WHOLE, by calls that follow each other.
local ways = {
  lines = { { "*l", "first line" }, { "*l", "second" }, { 40000, ("x"):rep(40000) }, { "*a", "the end" } },
  counts = { { 3, "fir" }, { 9, "st line\r\n" }, { 7, "second\n" }, { 40007, ("x"):rep(40000) .. "the end" } },
  ["all, behind a prefix"] = { { "*a", "prefix" .. WHOLE, "prefix" } },
}

describe("Where memory runs out,", function()
  for name, steps in pairs(ways) do
    for at = 1, #steps do
      it(("a connection of LuaSec's receives the same, or reports the loss: %s, call %d"):format(name, at), function()
        each(function(n)
          local client, server = pair()
          server:send(WHOLE)
          server:close()
          for i = 1, at - 1 do assert.are.equal(steps[i][2], (client:receive(steps[i][1], steps[i][3]))) end
          local step = steps[at]
          local failed, good, got = scarce.lua(n, true, client.receive, client, step[1], step[3])
          if good then assert.are.equal(step[2], got)
          else
            assert.is_truthy(tostring(got):find "not enough memory")
            local again, problem = client:receive(step[1], step[3])
            if again then assert.are.equal(step[2], again)
            else assert.are.equal("string", type(problem)) end
            if not again then
              client:close()
              return failed
            end
          end
          for i = at + 1, #steps do assert.are.equal(steps[i][2], (client:receive(steps[i][1], steps[i][3]))) end
          client:close()
          return failed
        end)
      end)
    end
  end

  it("a send is whole, or is reported", function()
    each(function(n)
      local client, server = pair()
      local failed, good, last = scarce.lua(n, true, client.send, client, WHOLE)
      if good then assert.are.equal(#WHOLE, last) end
      client:close()
      local got = server:receive "*a"
      if good then assert.are.equal(WHOLE, got) end
      server:close()
      return failed
    end)
  end)

  it("a connection is made, or is not", function()
    each(function(n)
      local near, far = luasec.sockets()
      local failed, good, made = scarce.lua(n, true, luasec.ours.wrap, near, luasec.client())
      if good then assert.are.equal("userdata", type(made)) end
      if good and made then made:close() end
      near:close()
      far:close()
      return failed
    end)
  end)
end)
