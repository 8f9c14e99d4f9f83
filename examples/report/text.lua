-- The report for a person at a terminal of 80 columns.
local WIDTH, LABEL = 80, 18

local function wrap(words, width)
  local lines, line = {}, ""
  for word in words:gmatch "%S+" do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width then lines[#lines + 1], line = line, "" end
    line = line == "" and word or line .. " " .. word
  end
  lines[#lines + 1] = line
  return lines
end

-- The server chooses much of what is shown. It must not send control characters to the terminal.
local function harmless(text)
  text = tostring(text):gsub("[%c\127]", "?")
  return utf8.len(text) and text or (text:gsub("[\128-\255]", "?"))
end

local Page = {}
Page.__index = Page

function Page:line(text) self[#self + 1] = text or "" end

function Page:heading(text)
  self:line()
  self:line(text)
end

-- A label on the left, and its text beside it, on as many lines as needed.
function Page:field(label, text, indent)
  indent = indent or 2
  local lead = (" "):rep(indent) .. label .. (" "):rep(LABEL - indent - utf8.len(label))
  for _, part in ipairs(wrap(harmless(text), WIDTH - LABEL)) do
    self:line(lead .. part)
    lead = (" "):rep(LABEL)
  end
end

function Page:paragraph(text, mark)
  local lead = mark and "  " .. mark .. " " or "  "
  for _, part in ipairs(wrap(harmless(text), WIDTH - #lead)) do
    self:line(lead .. part)
    lead = (" "):rep(#lead)
  end
end

-- ---- words

local version_words = { TLSv1 = "TLS 1.0", ["TLSv1.1"] = "TLS 1.1", ["TLSv1.2"] = "TLS 1.2", ["TLSv1.3"] = "TLS 1.3" }

local function seconds_in_words(seconds)
  if seconds >= 172800 then return ("%d days"):format(seconds // 86400) end
  if seconds >= 7200 then return ("%d hours"):format(seconds // 3600) end
  return ("%d seconds"):format(seconds)
end

local function days_in_words(days)
  if days == -1 then return "expired within a day" end
  if days < 0 then return ("expired %d days ago"):format(-days - 1) end
  return days == 1 and "1 day left" or days .. " days left"
end

local function listed(list, none)
  return list[1] and table.concat(list, ", ") or none
end

local function spaced(digits)
  return digits and digits:gsub("%x%x%x%x", "%0 ") or "unknown"
end

-- ---- parts

local function title(page, report)
  local verdict = report.failure and "NO CONNECTION" or report.trusted and "TRUSTED" or "NOT TRUSTED"
  local name = harmless(report.host):sub(1, 50) .. " port " .. harmless(report.port)
  page:line(name .. (" "):rep(math.max(2, WIDTH - utf8.len(name) - #verdict)) .. verdict)
  page:line(("─"):rep(WIDTH))
end

local function verdict(page, report)
  page:line()
  if report.trusted then
    local text = "A trusted CA has signed this server's certificate, and the certificate is for %s."
    page:paragraph(text:format(report.host))
  else
    page:paragraph((report.why or "it has sent no certificate"):gsub("^%l", string.upper) .. ".")
  end
end

local function client_certificate(page, report)
  local asks = report.clientCertificate
  page:field("client's cert.", not asks and "not requested"
    or asks.issuers[1] and "requested, signed by " .. table.concat(asks.issuers, "; ") or "requested, by any CA")
end

local function connection(page, report)
  page:heading "Connection"
  page:field("reached at", ("%s, in %.0f ms"):format(report.address, report.milliseconds))
  page:field("negotiated", ("%s, %s"):format(version_words[report.version] or report.version, report.cipher))
  local groups = listed(report.groups, "no other")
  page:field("key exchange", report.group and ("%s (it accepts %s)"):format(report.group, groups)
    or "without a group: RSA, or none")
  page:field("signed with", report.signature or "nothing, or a scheme that scissl has no name for")
  page:field("ALPN", listed(report.alpn, "neither h2 nor http/1.1"))
  client_certificate(page, report)
  if report.ech then
    page:field("hidden names", report.ech.accepted and "accepts Encrypted Client Hello" or "no Encrypted Client Hello")
  end
  if report.echKeys == "outdated" then page:field("given ECH keys", "outdated: the server has named others")
  elseif report.echKeys then page:field("given ECH keys", "rejected: this connection shows the name in plain text") end
  if report.hidden then
    local facts = report.hidden
    page:field("this connection", ("ECH %s: hidden %s, in plain text %s")
      :format(facts.status, facts.innerName or "no name", facts.outerName or "no name"))
  end
end

local function ocsp(page, report)
  local facts = report.ocsp
  local text = "no response is stapled"
  if facts.problem then text = "the stapled response is not valid: " .. facts.problem
  elseif facts.stapled then
    text = ("stapled: %s%s"):format(facts.status, facts.nextUpdate and ", valid until " .. facts.nextUpdate or "")
  end
  page:field("OCSP", text)
end

local function resumption(page, report)
  for _, one in ipairs(report.resumption) do
    local text = one.resumed and "yes" or "no"
    if one.resumed and one.lifetime and one.lifetime > 0 then
      text = text .. ", within " .. seconds_in_words(one.lifetime)
    end
    if one.earlyData > 0 then text = ("%s; early data up to %d bytes"):format(text, one.earlyData) end
    page:field("resumes " .. version_words[one.version], text)
  end
end

local function chain(page, report)
  page:heading "Certificate chain, as the server sent it"
  if not report.chain[1] then page:paragraph "none" end
  for i, certificate in ipairs(report.chain) do
    if i > 1 then page:line() end
    page:paragraph(certificate.subject == "" and "(no subject)" or certificate.subject, tostring(i))
    if certificate.names[1] then page:field("for", table.concat(certificate.names, ", "), 4) end
    page:field("signed by", certificate.selfSigned and "itself" or certificate.issuer, 4)
    page:field("valid", ("%s to %s, %s"):format(certificate.notBefore, certificate.notAfter,
      days_in_words(certificate.daysLeft)), 4)
    page:field("key", ("%s, %s bits"):format(certificate.keyType or "unknown", certificate.keyBits or "?"), 4)
    page:field("signature", certificate.signatureAlgorithm, 4)
    page:field("serial", certificate.serial, 4)
    page:field("SHA-256", spaced(certificate.sha256), 4)
  end
end

local order_words = { server = ", in the server's order", client = ", in the client's order" }

local function protocols(page, report)
  page:heading "Protocols and ciphers that it accepts"
  for _, protocol in ipairs(report.protocols) do
    local word = version_words[protocol.version]
    if not protocol.accepted then page:field(word, "no")
    else
      local count = #protocol.ciphers
      page:field(word, ("%d cipher%s%s"):format(count, count == 1 and "" or "s", order_words[protocol.order] or ""))
      for _, name in ipairs(protocol.ciphers) do page:field("", name) end
    end
  end
end

local function attention(page, report)
  if not report.attention[1] then return end
  page:heading "Warnings"
  for _, text in ipairs(report.attention) do page:paragraph(text, "-") end
end

return function(report)
  local page = setmetatable({}, Page)
  title(page, report)
  if report.failure then
    page:line()
    page:paragraph(report.failure.hint:gsub("^%l", string.upper) .. ".")
    if report.clientCertificate then
      page:line()
      client_certificate(page, report)
    end
    if report.chain and report.chain[1] then chain(page, report) end
  else
    verdict(page, report)
    connection(page, report)
    ocsp(page, report)
    resumption(page, report)
    chain(page, report)
    protocols(page, report)
    attention(page, report)
  end
  return table.concat(page, "\n")
end
