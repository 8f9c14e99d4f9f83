-- The page: one connection, drawn. Everything is inline, and everything that comes from outside is escaped.
local page = {}

-- ---- text

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function in_hexadecimal(byte) return ("\\x%02x"):format(byte:byte()) end

-- Any bytes as text that is safe between tags and in attributes.
local function h(text)
  text = tostring(text):gsub("[%c\127]", in_hexadecimal)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", in_hexadecimal) end
  return (text:gsub("[&<>\"']", entities))
end

local version_words = { ["TLSv1.3"] = "TLS 1.3", ["TLSv1.2"] = "TLS 1.2", ["TLSv1.1"] = "TLS 1.1", TLSv1 = "TLS 1.0" }

local function version_word(name) return version_words[name] or name end

-- On systems of 32 bits, os.date raises for times after 2038.
local function date(seconds)
  local known, text = pcall(os.date, "!%Y-%m-%d", seconds)
  return known and text or "after 2038"
end

-- ---- the handshake as a ladder

local LADDER = { width = 720, left = 100, right = 620, row = 26, gap = 18, longest = 240 }

local EMPTY = 8 -- a Certificate message without a certificate has at most so many bytes

local function bar_length(message)
  return math.min(LADDER.longest, 10 + 6 * math.sqrt(message.length))
end

local function message_name(message)
  if message.name == "Certificate" and message.length <= EMPTY then return "empty Certificate" end
  return message.count > 1 and ("%s × %d"):format(message.name, message.count) or message.name
end

local function ladder_message(message, y, received)
  local length = bar_length(message)
  local x = received and LADDER.left or LADDER.right - length
  local text_x = received and x + length + 8 or x - 8
  local name = message_name(message)
  return ('<rect class="%s" x="%.0f" y="%d" width="%.0f" height="14" rx="3"/>'
    .. '<text x="%.0f" y="%d" text-anchor="%s">%s <tspan class="soft">%d bytes</tspan></text>'):format(
    message.encrypted and "hidden-bar" or "open-bar", x, y, length, text_x, y + 11,
    received and "start" or "end", h(name), message.length)
end

local function ladder_ghost(y)
  return ('<rect class="ghost" x="%d" y="%d" width="190" height="14" rx="3"/>'
    .. '<text class="soft" x="%d" y="%d" text-anchor="end">no certificate: your ticket vouches</text>'):format(
    LADDER.right - 190, y, LADDER.right - 198, y + 11)
end

local function ladder_arrow(y, received)
  local from, to, head = LADDER.left + 2, LADDER.right - 3, -8
  if not received then from, to, head = LADDER.right - 2, LADDER.left + 3, 8 end
  return ('<path class="arrow" d="M%d %dH%d m%d -5 l%d 5 l%d 5"/>'):format(from, y, to, head, -head, head)
end

local function ladder(seen)
  local parts, y = {}, 52
  for _, flight in ipairs(seen.flights) do
    local received = flight.direction == "received"
    for _, message in ipairs(flight) do
      parts[#parts + 1] = ladder_message(message, y, received)
      y = y + LADDER.row
    end
    if seen.resumed and flight == seen.flights[2] then
      parts[#parts + 1] = ladder_ghost(y)
      y = y + LADDER.row
    end
    parts[#parts + 1] = ladder_arrow(y + 2, received)
    y = y + LADDER.gap + 6
  end
  local height = y + 6
  return ([[
<svg class="ladder" viewBox="0 0 %d %d" role="img" aria-labelledby="ladder-title ladder-text">
<title id="ladder-title">The handshake, message by message</title>
<desc id="ladder-text">%s</desc>
<g class="side"><path d="M%d 36V%d"/><path d="M%d 36V%d"/></g>
<text class="lane" x="%d" y="22" text-anchor="middle">You</text>
<text class="lane" x="%d" y="22" text-anchor="middle">This server</text>
%s
</svg>]]):format(LADDER.width, height, h(page.ladder_words(seen)), LADDER.left, height, LADDER.right, height,
    LADDER.left, LADDER.right, table.concat(parts, "\n"))
end

--- The ladder as text, for screen readers.
function page.ladder_words(seen)
  local sentences = {}
  for i, flight in ipairs(seen.flights) do
    local names = {}
    for j, message in ipairs(flight) do names[j] = message.name end
    sentences[i] = ("%s: %s."):format(flight.direction == "received" and "You" or "The server",
      table.concat(names, ", "))
  end
  return table.concat(sentences, " ")
end

-- ---- offers as chips

local state_words = {
  chosen = "taken", offered = "offered", strange = "not known to this server", grease = "random, without meaning",
}

local function chip(mark)
  local name = version_word(mark.name):gsub("^TLS_", "")
  return ('<li class="chip %s" title="%s">%s%s</li>'):format(mark.state, state_words[mark.state],
    mark.state == "chosen" and '<span aria-hidden="true">✓ </span><span class="unseen">taken: </span>' or "", h(name))
end

local function offer(one)
  local chips = {}
  for i, mark in ipairs(one[1]) do chips[i] = chip(mark) end
  local list = chips[1] and "<ol>" .. table.concat(chips) .. "</ol>" or '<p class="soft">none</p>'
  return ('<div class="offer"><h3>%s <span class="soft">%d</span></h3>%s</div>'):format(h(one.name), #chips, list)
end

local function offers(seen)
  local parts = {}
  for i, one in ipairs(seen.offers) do parts[i] = offer(one) end
  return table.concat(parts, "\n")
end

-- ---- the fingerprint as a figure: equal programs have equal figures

local CELLS = 9

-- Squares in a mirrored grid, chosen by hexadecimal digits; `size` is the length of one side.
local function squares(digits, x, y, size)
  digits = digits:gsub("%X", ""):rep(3)
  local cell, parts = size / CELLS, {}
  local half = (CELLS + 1) // 2
  for row = 0, CELLS - 1 do
    for column = 0, half - 1 do
      local at = row * half + column + 1
      local digit = tonumber(digits:sub(at, at), 16) or 0
      if digit > 6 then
        local class = digit > 10 and "hidden-bar" or "figure-soft"
        for _, place in ipairs(column == half - 1 and { column } or { column, CELLS - 1 - column }) do
          parts[#parts + 1] = ('<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>'):format(class,
            x + place * cell, y + row * cell, cell + 0.3, cell + 0.3)
        end
      end
    end
  end
  return table.concat(parts)
end

local function figure(seen)
  return '<svg class="figure" viewBox="-8 -8 160 160" role="img" aria-label="A figure made of your fingerprint">'
    .. squares(seen.trait, 0, 0, 144) .. "</svg>"
end

-- Both sides, with the lock between them, and the ticket where there was one.
local function meeting(seen)
  local own = seen.chain[1]
  local ticket = seen.resumed and [[<path class="ticket" d="M70 36C120 -6 240 -6 290 36"/>
<g class="stub"><rect x="150" y="-6" width="60" height="22" rx="4"/>
<text x="180" y="10" text-anchor="middle">ticket</text></g>]] or ""
  return ([[<svg class="meeting" viewBox="0 -12 360 172" role="img" aria-label="You and this server, %s">%s
<path class="wire" d="M112 84H248"/>
<g class="lock"><rect class="plate" x="150" y="52" width="60" height="64" rx="30"/>
<path d="M171 82v-8a9 9 0 0 1 18 0v8"/>
<rect class="hidden-bar" x="165" y="81" width="30" height="21" rx="4"/></g>
<g><rect class="frame" x="16" y="36" width="96" height="96" rx="10"/>%s</g>
<g><rect class="frame" x="248" y="36" width="96" height="96" rx="10"/>%s</g>
<text x="64" y="152" text-anchor="middle">you</text><text x="296" y="152" text-anchor="middle">this server</text>
</svg>]]):format(seen.resumed and "who meet again" or "who have just met", ticket,
    squares(seen.trait, 26, 46, 76), squares(own and own.fingerprint or "0", 258, 46, 76))
end

-- ---- certificates, with the time for which they are valid

local DAY = 24 * 60 * 60

local function time_bar(certificate, now, first, last)
  local function x(time) return 4 + 592 * (time - first) / math.max(1, last - first) end
  local from, to, here = x(certificate.notBefore), x(certificate.notAfter), x(now)
  return ([[<svg class="time" viewBox="0 0 600 30" role="img" aria-label="valid from %s until %s">
<rect class="track" x="4" y="11" width="592" height="8" rx="4"/>
<rect class="hidden-bar" x="%.1f" y="11" width="%.1f" height="8" rx="4"/>
<path class="now" d="M%.1f 3v24"/></svg>]]):format(date(certificate.notBefore), date(certificate.notAfter),
    from, math.max(6, to - from), here)
end

local function certificate_card(certificate, role, now, first, last)
  local left = (certificate.notAfter - now) // DAY
  local names = #certificate.names > 0
    and ('<p class="names">for %s</p>'):format(h(table.concat(certificate.names, ", "))) or ""
  return ([[<li class="certificate"><p class="role">%s</p><h3>%s</h3>%s%s
<p class="soft">%s to %s, %s · %s key · signed with %s</p>
<p class="soft print" title="SHA-256 fingerprint">%s</p></li>]]):format(role, h(certificate.subject), names,
    time_bar(certificate, now, first, last), date(certificate.notBefore), date(certificate.notAfter),
    left >= 0 and ("%d days left"):format(left) or "expired", h(certificate.key), h(certificate.signature),
    h(certificate.fingerprint:gsub("%x%x%x%x", "%0 ")))
end

local function span_of(chain, now)
  local first, last = now, now
  for _, certificate in ipairs(chain) do
    first, last = math.min(first, certificate.notBefore), math.max(last, certificate.notAfter)
  end
  return first, last
end

local function chain_cards(chain, now, roles)
  local first, last = span_of(chain, now)
  local parts = {}
  for i, certificate in ipairs(chain) do
    parts[i] = certificate_card(certificate, roles[i] or roles.more, now, first, last)
  end
  local top = chain[#chain]
  if top and top.issuer ~= top.subject and roles.above then
    parts[#parts + 1] = ('<li class="certificate above"><p class="role">%s</p><h3>%s</h3></li>'):format(roles.above,
      h(top.issuer))
  end
  return '<ol class="chain">' .. table.concat(parts, "\n") .. "</ol>"
end

local function client(seen)
  if not seen.client then
    return '<p data-fact="client">You have shown no certificate. Servers seldom ask for one, and this one does not '
      .. "insist.</p>"
  end
  return ('<p>You have shown a certificate, and it was checked: <strong data-fact="client">%s</strong> (%s).</p>%s')
    :format(h(seen.client.subject), h(seen.clientVerdict),
      chain_cards({ seen.client }, seen.time, { "Your certificate", above = "signed by" }))
end

-- ---- what was negotiated

local function fact(title, name, value, reason)
  return ('<div class="fact"><dt>%s</dt><dd><strong data-fact="%s">%s</strong><span class="why">%s</span></dd></div>')
    :format(title, name, h(value), h(reason))
end

local function agreement(seen)
  local why = seen.why
  return table.concat({
    fact("Version", "version", version_word(seen.version), why.version),
    fact("Cipher suite", "suite", seen.suite, why.suite),
    fact("Key exchange", "group", seen.group or "none", why.group),
    fact("Signature", "signature", seen.signature or "none", why.signature),
    fact("Protocol", "alpn", seen.alpn or "none", why.alpn),
    fact("Session", "resumed", seen.resumed and "resumed" or "full handshake", why.resumed),
  }, "\n")
end

local function headline(seen)
  if not seen.resumed then return "We have just met." end
  return "We have met before."
end

local function age_words(seconds)
  if seconds < 2 then return "a moment" end
  if seconds < 120 then return seconds .. " seconds" end
  return seconds // 60 .. " minutes"
end

local function lead(seen)
  local name = seen.serverName and ('You asked for <strong data-fact="name">%s</strong>.'):format(h(seen.serverName))
    or "You asked for no host name."
  local how = seen.resumed
    and ("You kept a ticket of %s ago, so no certificate was sent again."):format(age_words(seen.age or 0))
    or "This server has sent its certificate, and a ticket for your next visit."
  return ("%s %s"):format(name, how)
end

-- The number of round trips before the browser could request the page.
local function round_trips(seen)
  local received = 0
  for _, flight in ipairs(seen.flights) do
    if flight.direction == "received" then received = received + 1 end
  end
  local trips = math.max(1, received - 1)
  if seen.version ~= "TLSv1.3" and not seen.resumed then trips = received end
  return trips == 1 and "one round trip" or trips .. " round trips"
end

local function bytes_sent(seen)
  local sum = 0
  for _, flight in ipairs(seen.flights) do
    for _, message in ipairs(flight) do sum = sum + message.length end
  end
  return sum
end

-- ---- the whole

local style = [[
:root{color-scheme:light dark;--bg:#f6f5f1;--card:#fff;--ink:#1c2430;--soft:#566070;--line:#d8dbe0;--main:#0a6b68;
--tint:#d9ecea;--open:#9a5a00;--open-tint:#f8e6c8}
@media(prefers-color-scheme:dark){:root{--bg:#10151b;--card:#181f28;--ink:#e9edf2;--soft:#a4afbd;--line:#2e3845;
--main:#62d2c6;--tint:#1d3f40;--open:#f2b866;--open-tint:#4a3818}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
"DejaVu Sans",sans-serif}
main{max-width:68rem;margin:0 auto;padding:3rem 1.25rem 4rem;display:grid;gap:1.25rem;
grid-template-columns:minmax(0,1fr)}
header{padding:0 .25rem 1rem;display:grid;grid-template-columns:1fr minmax(15rem,23rem);gap:2rem;align-items:center}
.meeting .frame{fill:var(--card);stroke:var(--line);stroke-width:1.5}
.meeting text{fill:var(--soft);font-size:14px}
.wire{stroke:var(--main);stroke-width:5}
.lock .plate{fill:var(--bg)}
.lock path{fill:none;stroke:var(--main);stroke-width:5}
.ticket{fill:none;stroke:var(--main);stroke-width:1.6;stroke-dasharray:3 5}
.stub rect{fill:var(--tint);stroke:var(--main)}
.meeting .stub text{fill:var(--ink);font-size:13px}
.ghost{fill:none;stroke:var(--soft);stroke-dasharray:3 4}
h1{font-size:clamp(2.2rem,6vw,3.6rem);line-height:1.1;margin:.2rem 0 .8rem;letter-spacing:-.02em}
h2{font-size:1.25rem;margin:0 0 .35rem}
h3{font-size:1rem;margin:0;overflow-wrap:anywhere}
p{margin:.3rem 0}
a{color:var(--main)}
.soft,.why,.role{color:var(--soft);font-weight:400}
.badge{display:inline-block;border:1.5px solid var(--main);color:var(--main);border-radius:99px;padding:.1rem .8rem;
font-weight:600}
.lead{font-size:1.1rem;max-width:44rem}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.5rem}
.note{max-width:46rem;color:var(--soft);margin-bottom:1.1rem}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1.2rem 2rem;margin:0}
.fact{border-top:3px solid var(--main);padding-top:.5rem}
dt{color:var(--soft);font-size:.9rem}
dd{margin:0}
dd strong{display:block;font-size:1.15rem;overflow-wrap:anywhere}
.why{font-size:.92rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--ink);font-size:13px}
svg .soft{fill:var(--soft)}
svg .lane{font-weight:600;font-size:15px}
.side path{stroke:var(--line);stroke-width:3;fill:none}
.arrow{stroke:var(--soft);stroke-width:1.4;fill:none}
.hidden-bar{fill:var(--main)}
.open-bar{fill:var(--open-tint);stroke:var(--open);stroke-width:1.2}
.track{fill:var(--line)}
.now{stroke:var(--ink);stroke-width:2.5}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;color:var(--soft);font-size:.92rem;padding:0;margin:.9rem 0 0;
list-style:none}
.swatch{display:inline-block;width:1.6em;height:.8em;border-radius:3px;margin-right:.45em;
border:1.2px solid var(--main);background:var(--main)}
.swatch.open{border-color:var(--open);background:var(--open-tint)}
.swatch.none{background:none;border-color:var(--soft)}
.swatch.strange{background:none;border:1.2px dashed var(--soft)}
.offer{border-top:1px solid var(--line);padding:.8rem 0;display:grid;grid-template-columns:9rem 1fr;gap:.5rem}
.offer ol{list-style:none;display:flex;flex-wrap:wrap;gap:.35rem;margin:0;padding:0}
.chip{border:1.2px solid var(--soft);border-radius:6px;padding:.02rem .5rem;font-size:.84rem;overflow-wrap:anywhere}
.chip.chosen{background:var(--main);border-color:var(--main);color:var(--card);font-weight:600}
.chip.strange,.chip.grease{border:1.2px dashed var(--soft);color:var(--soft)}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.print-row{display:grid;grid-template-columns:10rem 1fr;gap:1.5rem;align-items:center}
.figure{border:1px solid var(--line);border-radius:10px}
.figure-soft{fill:var(--tint)}
code,.print{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.88rem;overflow-wrap:anywhere}
.chain{list-style:none;margin:0;padding:0}
.certificate{border-left:3px solid var(--main);padding:0 0 1.4rem 1.3rem;position:relative}
.certificate::before{content:"";position:absolute;left:-9px;top:.15rem;width:15px;height:15px;border-radius:50%;
background:var(--main);border:3px solid var(--card)}
.certificate.above{border-left-style:dashed;border-color:var(--line);padding-bottom:0}
.certificate.above::before{background:var(--card);border:2px solid var(--soft);left:-8px}
.certificate:last-child{padding-bottom:.2rem}
.certificate .time{max-width:34rem;margin:.2rem 0}
.role{font-size:.88rem;margin:0}
.names{margin:.1rem 0}
@media(max-width:46rem){header{grid-template-columns:1fr}.meeting{max-width:22rem}}
@media(max-width:40rem){.offer,.print-row{grid-template-columns:1fr}.figure{max-width:10rem}.ladder{min-width:34rem}
.scroll{overflow-x:auto}}
@media print{body{background:none}section{break-inside:avoid}}
]]

local icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
  .. "%3Crect x='3' y='7' width='10' height='7' rx='1.5' fill='%230a6b68'/%3E"
  .. "%3Cpath d='M5 7V5a3 3 0 0 1 6 0v2' fill='none' stroke='%230a6b68' stroke-width='1.6'/%3E%3C/svg%3E"

local layout = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your connection: {version}, {state}</title>
<link rel="icon" href="{icon}">
<style>{style}</style>
</head>
<body>
<main>
<header>
<div><p><span class="badge">{version} · {state}</span></p>
<h1>{headline}</h1>
<p class="lead">{lead}</p>
<p><a href="/">Look again</a> <span class="soft">makes a new connection.</span></p></div>
{meeting}
</header>
<section aria-labelledby="wire">
<h2 id="wire">The messages</h2>
<p class="note">Each bar is a message; the more bytes, the longer. It took {trips}, {bytes} bytes, and {time} ms at
this end.</p>
<div class="scroll" role="region" tabindex="0" aria-labelledby="wire">{ladder}</div>
<ul class="legend"><li><span class="swatch open"></span>not encrypted: everyone on the way can read it</li>
<li><span class="swatch"></span>encrypted</li></ul>
</section>
<section aria-labelledby="agreed">
<h2 id="agreed">What was negotiated, and why</h2>
<p class="note">You offer, in your order of preference; this server chooses.</p>
<dl>
{agreement}
</dl>
</section>
<section aria-labelledby="offered">
<h2 id="offered">What you offered</h2>
<ul class="legend note"><li><span class="swatch"></span>taken</li><li><span class="swatch none"></span>offered</li>
<li><span class="swatch strange"></span>not known here, or random (GREASE)</li></ul>
{offers}
</section>
<section aria-labelledby="print">
<h2 id="print">How you are recognised</h2>
<div class="print-row">{figure}<div>
<p>The order of your offers is a fingerprint of your program: all users of the same program have the same figure.
The values below change a little with a ticket, or from visit to visit.</p>
<p>JA4 <code data-fact="ja4">{ja4}</code></p>
<p>JA3 <code data-fact="ja3">{ja3}</code></p>
<p class="soft"><span data-fact="extensions">{extensions}</span> extensions in your ClientHello</p>
</div></div>
</section>
<section aria-labelledby="chain">
<h2 id="chain">Who this server is</h2>
<p class="note">{chain_note} The line through each bar is now.</p>
{chain}
</section>
<section aria-labelledby="client">
<h2 id="client">Who you are</h2>
{client}
</section>
</main>
</body>
</html>
]]

--- Returns the page as HTML.
function page.render(seen)
  local values = {
    version = h(version_word(seen.version)),
    state = seen.resumed and "resumed" or "full handshake",
    icon = icon,
    style = style,
    headline = headline(seen),
    lead = lead(seen),
    ladder = ladder(seen),
    meeting = meeting(seen),
    trips = round_trips(seen),
    bytes = bytes_sent(seen),
    time = ("%.1f"):format(seen.milliseconds),
    agreement = agreement(seen),
    offers = offers(seen),
    figure = figure(seen),
    ja4 = h(seen.ja4),
    ja3 = h(seen.ja3 or "not in this OpenSSL"),
    extensions = seen.extensions,
    chain = chain_cards(seen.chain, seen.time, { "This server", more = "which is vouched for by",
      above = "which you know yourself, or do not" }),
    chain_note = seen.resumed and "Not sent this time: you know it from your first visit."
      or "Sent to you in the handshake, but for the last one.",
    client = client(seen),
  }
  return (layout:gsub("{([%l_%d]+)}", values))
end

return page
