local ends = require "spec.support.ends"

describe("ALPN", function()
  local function names(list) return { setup = function(context) assert(context:setAlpn(list)) end } end

  it("is the server's first choice among what the client offers", function()
    local client, server = ends.connected { client = names { "http/1.1", "h2" }, server = names { "h2", "http/1.1" } }
    assert.equal("h2", client:alpnProtocol())
    assert.equal("h2", server:alpnProtocol())
  end)

  it("matches whole names, not parts of them", function()
    local client, server = ends.pair { client = names { "h2" }, server = names { "h2c", "xh2" } }
    local _, answer = ends.handshake(client, server)
    assert.equal("no_shared_alpn", answer:condition())
  end)

  it("ends the handshake with no_application_protocol where nothing is in common", function()
    local client, server = ends.pair { client = names { "h2" }, server = names { "spdy" } }
    local client_answer, server_answer = ends.handshake(client, server)
    assert.equal("no_application_protocol", (server_answer:alert()))
    assert.equal("no_application_protocol", (client_answer:alert()))
  end)

  it("is nil where either side does not ask for it", function()
    local client = ends.connected { client = names { "h2" } }
    assert.is_nil(client:alpnProtocol())
    local other = ends.connected { server = names { "h2" } }
    assert.is_nil(other:alpnProtocol())
  end)
end)
