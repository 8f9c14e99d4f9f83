--- Calls to a server that may not respond, such as Redis: after a failure the next try comes later and later, and costs
-- nothing in between. A connection serves one call at a time, since a call may yield, and is dropped after a failure: a
-- late reply must not be taken for that of the next call.
-- @module scissl.sessions.redis.redis_link

local now = require "scissl.core".SciSocket.now
local text_of = require "scissl.base.safe_text"

local Link = {}
Link.__index = Link

local IDLE = 8 -- connections that are kept for the next calls

local function tell(self, reason)
  if not self.onOutage then return end
  local good, raised = pcall(self.onOutage, reason)
  if not good then warn("scissl: onOutage raised: ", text_of(raised)) end
end

-- ---- failures

-- After the pause one call tries. Calls that come while it does are refused for as long as the next pause would last.
local function may_try(self)
  if not self.retryAt then return true end
  if now() < self.retryAt then return false end
  self.retryAt = now() + self.pause
  return true
end

-- The random part keeps servers from retrying at the same moment.
local function note_failure(self, reason)
  local first = not self.retryAt
  self.pause = math.min(self.maxRetry, self.pause and 2 * self.pause or self.retry)
  self.retryAt = now() + self.pause * (0.5 + math.random() / 2)
  if first then tell(self, reason) end
end

local function note_success(self)
  local was_away = self.retryAt ~= nil
  self.retryAt, self.pause = nil, nil
  if was_away then tell(self, nil) end
end

--- Tells whether the last call failed.
function Link:isAway()
  return self.retryAt ~= nil
end

-- ---- connections

local function drop(self, client)
  if self.client then return end
  pcall(function() (client.close or client.quit)(client) end)
end

local function drop_idle(self)
  for _, client in ipairs(self.idle) do drop(self, client) end
  self.idle = {}
end

local function take(self)
  if self.client then return self.client, false end
  local client = table.remove(self.idle)
  if client then return client, true end
  local good, made, reason = pcall(self.connect, self.timeout)
  if good and made then return made, false end
  return nil, false, (good and reason or made) or "connect returned no client"
end

local function give_back(self, client)
  if self.client then return end
  if #self.idle < IDLE then self.idle[#self.idle + 1] = client else drop(self, client) end
end

-- ---- calls

-- Clients raise, or return nil or false and why.
local function attempt(client, method, ...)
  local good, value, reason = pcall(function(...) return client[method](client, ...) end, ...)
  if not good then return false, value or "nil was raised" end
  if not value and reason ~= nil then return false, reason end
  return true, value
end

--- Calls a method of the client.
-- @tparam string method
-- @param ... its arguments
-- @treturn boolean false: the server does not respond, or the call failed
-- @return what the method returned
function Link:call(method, ...)
  if not may_try(self) then return false end
  local began = now()
  local client, used, reason = take(self)
  while client do
    local good, value = attempt(client, method, ...)
    if good then
      give_back(self, client)
      note_success(self)
      return true, value
    end
    reason = value
    drop(self, client)
    if not used or now() - began > self.timeout / 2 then break end
    drop_idle(self) -- the server may have been restarted, and these connections with it
    client, used, reason = take(self)
  end
  note_failure(self, reason)
  return false
end

--- Closes the idle connections.
function Link:close()
  drop_idle(self)
end

local link = {}

--- Makes one.
-- @tparam table given `connect(timeout)`: returns a client, or nil and why; or `client`, which all calls share;
--  `timeout`, `retry`, `maxRetry`: seconds; `onOutage(reason)`: called with the reason when the server stops
--  responding, and with nil when it responds again
function link.new(given)
  return setmetatable({
    connect = given.connect,
    client = given.client,
    timeout = given.timeout,
    retry = given.retry,
    maxRetry = given.maxRetry,
    onOutage = given.onOutage,
    idle = {},
  }, Link)
end

return link
