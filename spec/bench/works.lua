-- The works that are measured, one a row. `run`: the arguments WORK VERSION COUNT [EXTRA] of the peers' programs;
-- `more`: whether more is better; `target`: the required ratio to plain C; `remarks`: by peer, how its work differs.
local KIB, MIB = 1024, 1024 * 1024

local function row(name, title, unit, run, more, target, remarks)
  return { name = name, title = title, unit = unit, run = run, more = more, target = target, remarks = remarks }
end

local node_resumes = { ["Node tls"] = "with the first session each time" }
local node_joins = { ["Node tls"] = "joins 63 of 64 into one record" }

return {
  row("handshake13", "full handshakes, TLS 1.3", "/s", { "handshake", "TLSv1.3", 300 }, true, 0.97),
  row("handshake12", "full handshakes, TLS 1.2", "/s", { "handshake", "TLSv1.2", 300 }, true, 0.97),
  row("resume13", "resumed handshakes, TLS 1.3", "/s", { "resume", "TLSv1.3", 400 }, true, 0.95, node_resumes),
  row("resume12", "resumed handshakes, TLS 1.2", "/s", { "resume", "TLSv1.2", 800 }, true, 0.95, node_resumes),
  row("bulk16k", "bulk, 16 KiB writes", "MiB/s", { "bulk", "TLSv1.3", 300, 16 * KIB }, true, 1.00),
  row("bulk1m", "bulk, 1 MiB writes", "MiB/s", { "bulk", "TLSv1.3", 300, MIB }, true, 1.00),
  row("trip64", "64-byte round trip", "ns", { "trip", "TLSv1.3", 20000, 64 }, false, 0.95),
  row("oneway64", "64-byte one-way message", "ns", { "oneway", "TLSv1.3", 64000, 64 }, false, 0.60, node_joins),
  row("idle", "idle connected pair", "bytes", { "idle", "TLSv1.3", 300 }, false, 0.55),
}
