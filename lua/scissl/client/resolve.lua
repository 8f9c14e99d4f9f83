--- The addresses of a host: by the system's resolver, in a thread, or by the program's own.
-- @module scissl.client.resolve

local core = require "scissl.core"
local text_of = require "scissl.base.safe_text"
local wait = require "scissl.loop.wait"

local SciLookUp, SciSocket, SciSslError = core.SciLookUp, core.SciSocket, core.SciSslError

local address_family = SciSocket.addressFamily
local find_hole = getmetatable(core).findHole

local resolve = {}

local function fail(run, condition, message, cause)
  return nil, SciSslError.new {
    phase = "resolve", condition = condition, subject = run.host, message = message, cause = cause,
  }
end

-- ---- by the system

-- A wait knows no host.
local function name_host(failure, run)
  if failure:subject() then return failure end
  return SciSslError.new {
    phase = failure:phase(), condition = failure:condition(), subject = run.host, message = failure:message(),
    cause = failure:cause(), traceback = failure:traceback(),
  }
end

-- Waits until the look-up is finished. Returns what it found; or nil and a SciSslError.
local function await(run, look_up)
  while true do
    local found, failure = look_up:result()
    if found or failure:condition() ~= "not_ready" then return found, failure end
    local ready
    ready, failure = wait.ready(run.waiter, look_up, "r", run.deadline, "resolve", run.timeout,
      "the look-up of the host")
    if not ready then return nil, name_host(failure, run) end
  end
end

local function ask_system(run, family)
  local look_up <close>, failure = SciLookUp.new(run.host, run.port, family)
  if not look_up then return nil, failure end
  return await(run, look_up)
end

-- ---- by a function of the program

local function bad(run, message)
  return fail(run, "bad_resolver", message)
end

-- The number of a port that may be the name of a service.
local function port_number(port)
  if math.type(port) == "integer" then return port end
  local found, failure = SciSocket.resolve("127.0.0.1", port, "inet")
  if found then return found[1].port end
  return nil, failure
end

local function check_entry(run, entry, port, family)
  if type(entry) ~= "table" or type(entry.address) ~= "string" then
    return bad(run, "the resolver returned a list in which an entry has no address")
  end
  local address, own_port = entry.address, entry.port
  local own = address_family(address)
  if not own then return bad(run, "the resolver returned an entry whose address is no IP address") end
  if own_port == nil then own_port = port end
  if math.type(own_port) ~= "integer" or own_port < 0 or own_port > 65535 then
    return bad(run, "the resolver returned an entry whose port is no integer from 0 to 65535")
  end
  if family and own ~= family then return false end
  return { address = address, port = own_port, family = own }
end

-- Copies the list, since the program may change it.
local function check_list(run, list, family)
  if type(list) ~= "table" then
    return bad(run, ("the resolver returned a value of type %s (list of addresses expected)"):format(type(list)))
  end
  if find_hole(list) then
    return bad(run, ("the resolver returned a list whose entry %d is missing"):format(find_hole(list)))
  end
  local port, failure = port_number(run.port)
  if not port then return nil, failure end
  local found = {}
  for _, entry in ipairs(list) do
    local checked
    checked, failure = check_entry(run, entry, port, family)
    if checked == nil then return nil, failure end
    if checked then found[#found + 1] = checked end
  end
  if found[1] then return found end
  return fail(run, "host_not_found", "the resolver returned no address")
end

local function fail_raised(run, what, raised)
  return fail(run, "resolver_failed", ("%s raised an error: %s"):format(what, text_of(raised)), raised)
end

local function ask_program(run, family)
  local good, list, reason = pcall(run.resolver, run.host, run.port, family, run.deadline)
  if not good then return fail_raised(run, "the resolver", list) end
  if run.deadline and SciSocket.now() >= run.deadline then
    return fail(run, "timeout", "the look-up of the host did not finish in time")
  end
  if list then
    local read, found, failure = pcall(check_list, run, list, family)
    if read then return found, failure end
    return fail_raised(run, "the list of the resolver", found)
  end
  if core.isSslError(reason) then return nil, reason end
  return fail(run, "host_not_found", reason ~= nil and text_of(reason) or nil, reason)
end

-- ---- addresses

-- A host that is an address needs no look-up. Nil: the system's resolver explains what does not fit.
local function take_address(run, own, family)
  local port = run.port
  if family and family ~= own or math.type(port) ~= "integer" then return nil end
  return { { address = run.host, port = port, family = own } }
end

-- ---- all

--- Finds the addresses of a host.
-- @tparam table run `host`, `port`, `waiter`, `deadline`, `timeout`, `resolver`
-- @tparam ?string family `"inet"` or `"inet6"`: addresses of that family only
-- @treturn[1] {table,...} each with `address`, `port` and `family`; one or more
-- @treturn[2] nil
-- @treturn[2] SciSslError phase `resolve`
function resolve.find(run, family)
  local own = address_family(run.host)
  local found = own and take_address(run, own, family)
  if found then return found end
  if run.resolver and not own then return ask_program(run, family) end
  return ask_system(run, family)
end

return resolve
