--- spec/support/chromium.lua: a headless Chromium that specs drive over its debugging pipe (DevTools protocol).
--
--    local chromium = require "spec.support.chromium"
--
--    chromium.isThere()                     whether chromium is installed, and certutil to add a trusted CA
--    browser = chromium.start{ trust = certificateFile, arguments = "…" }   with an empty home; `trust` may be missing
--        browser:load(url)                  loads a page; nil and Chromium's error when that fails
--        browser:begin(url), browser:finish()   the same in two steps, for a server in the same thread
--        browser:html()                     the current page, as text
--        browser:evaluate(javascript)       the string value of the expression
--        browser:call(method, json)         any command for the page; returns the JSON text of its result
--        browser:close()                    also what <close> does

local ends = require "spec.support.ends"
local pki = require "spec.support.pki"

local chromium = {}

function chromium.isThere()
  return ends.has "chromium" and ends.has "certutil"
end

-- ---- the part of JSON that is needed

local escapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function unescape(text)
  text = text:gsub("\\u([dD][89abAB]%x%x)\\u([dD][c-fC-F]%x%x)", function(high, low)
    return utf8.char(0x10000 + (tonumber(high, 16) - 0xd800) * 0x400 + tonumber(low, 16) - 0xdc00)
  end)
  text = text:gsub("\\u(%x%x%x%x)", function(digits) return utf8.char(tonumber(digits, 16)) end)
  return (text:gsub("\\(.)", function(letter) return escapes[letter] or letter end))
end

-- The string value of the first `key` in a JSON text.
local function string_of(json, key)
  local _, position = json:find(('"%s":"'):format(key), 1, true)
  if not position then return nil end
  local from = position + 1
  position = from
  while true do
    local at = json:find('[\\"]', position)
    if json:sub(at, at) == '"' then return unescape(json:sub(from, at - 1)) end
    position = at + 2
  end
end

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(letter) return ("\\u%04x"):format(letter:byte()) end) .. '"'
end

-- ---- the pipe: messages end with a NUL

local Browser = {}
Browser.__index = Browser

local function receive(browser)
  local parts = {}
  while true do
    local byte = browser.output:read(1)
    if not byte then error("Chromium has ended:\n" .. browser.peer:finish(), 2) end
    if byte == "\0" then return table.concat(parts) end
    parts[#parts + 1] = byte
  end
end

-- Reads until a message contains the text.
local function await(browser, text)
  while true do
    local message = receive(browser)
    if message:find(text, 1, true) then return message end
  end
end

-- Returns the number that the result will have.
local function send(browser, method, json)
  browser.last = browser.last + 1
  local session = browser.session and (',"sessionId":%s'):format(quoted(browser.session)) or ""
  browser.input:write(('{"id":%d,"method":"%s","params":%s%s}\0'):format(browser.last, method, json or "{}", session))
  browser.input:flush()
  return browser.last
end

local function result(browser, number)
  return await(browser, ('{"id":%d,'):format(number))
end

function Browser:call(method, json)
  return result(self, send(self, method, json))
end

function Browser:begin(url)
  self.loading = send(self, "Page.navigate", ('{"url":%s}'):format(quoted(url)))
end

function Browser:finish()
  local failure = string_of(result(self, self.loading), "errorText")
  if failure then return nil, failure end
  await(self, '"method":"Page.loadEventFired"')
  return true
end

function Browser:load(url)
  self:begin(url)
  return self:finish()
end

function Browser:evaluate(javascript)
  local json = ('{"expression":%s,"returnByValue":true}'):format(quoted(javascript))
  return string_of(self:call("Runtime.evaluate", json), "value")
end

function Browser:html()
  return self:evaluate "document.documentElement.outerHTML"
end

function Browser:close()
  if not self.output then return end
  self.peer:stop()
  self.input:close()
  self.output:close()
  self.output = nil
end

Browser.__close = Browser.close
Browser.__gc = Browser.close

-- ---- starting one

local function run(command)
  assert(os.execute(command .. " >/dev/null 2>&1"), command)
end

local function make_home(trust)
  local home = pki.write("") .. ".home"
  run("mkdir -p " .. home .. "/.pki/nssdb")
  run(("certutil -d sql:%s/.pki/nssdb -N --empty-password"):format(home))
  if trust then run(("certutil -d sql:%s/.pki/nssdb -A -t C,, -n ours -i %s"):format(home, trust)) end
  return home
end

local flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
  .. "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-pipe"

local PATIENCE = 300 -- seconds until a browser that hangs is killed

function chromium.start(options)
  local home = make_home(options.trust)
  local input, output = home .. "/in", home .. "/out"
  run(("mkfifo %s %s"):format(input, output))
  local command = "HOME=%s timeout -k 5 %d chromium %s --user-data-dir=%s/data %s about:blank 3<>%s 4<>%s"
  local peer = ends.start(command:format(home, PATIENCE, flags, home, options.arguments or "", input, output))
  local browser = setmetatable({ peer = peer, last = 0, input = assert(io.open(input, "w")),
    output = assert(io.open(output, "r")) }, Browser)
  local target = string_of(browser:call("Target.createTarget", '{"url":"about:blank"}'), "targetId")
  local attached = browser:call("Target.attachToTarget", ('{"targetId":"%s","flatten":true}'):format(target))
  browser.session = string_of(attached, "sessionId")
  browser:call "Page.enable"
  return browser
end

return chromium
