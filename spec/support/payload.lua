--- spec/support/payload.lua: bytes that connections carry.
--
--    local payload = require "spec.support.payload"
--
--    text = payload.pattern(size[, seed])     bytes that tell where they stand
--    text, waited = payload.pump(socket, peer, size, write[, sent])
--        repeats `write(sent)`, which returns a count, until `size` bytes are taken, while `peer` reads; `sent` bytes
--        (0) are taken already. Returns what has arrived, and whether the transport ever took less than all
--    text, arrived, waited = payload.pumpStrings(socket, peer)
--        the same for sslWritev with short and long strings, which joined are `text`
--    lengths, kinds = payload.records(wire)   of the TLS records in a string

local core = require "scissl.core"
local ends = require "spec.support.ends"

local RECORD = 16384 -- bytes of a full record

local payload = {}

function payload.pattern(size, seed)
  local parts = {}
  for i = 1, size // 8 + 1 do parts[i] = ("%08x"):format(i * 2654435761 + (seed or 0) & 0xffffffff) end
  return table.concat(parts):sub(1, size)
end

function payload.pump(socket, peer, size, write, sent)
  local parts, got, waited = {}, 0, false
  sent = sent or 0
  while got < size do
    if sent < size then
      local count = write(sent)
      assert(not core.isSslError(count), count)
      waited = waited or count < size - sent
      sent = sent + math.max(count, 0)
    end
    local some = sent < size and peer:sslRead() or ends.read(peer, socket)
    if type(some) == "string" then
      parts[#parts + 1] = some
      got = got + #some
    end
  end
  return table.concat(parts), waited
end

function payload.pumpStrings(socket, peer)
  local strings = {}
  for i = 1, 400 do strings[i] = payload.pattern(i % 7 == 0 and 3 * RECORD or i * 31, i) end
  local text = table.concat(strings)
  return text, payload.pump(socket, peer, #text, function(sent) return socket:sslWritev(strings, sent) end)
end

function payload.records(wire)
  local lengths, kinds, at = {}, {}, 1
  while at + 4 <= #wire do
    kinds[#kinds + 1], lengths[#lengths + 1] = wire:byte(at), string.unpack(">I2", wire, at + 3)
    at = at + 5 + lengths[#lengths]
  end
  return lengths, kinds
end

return payload
