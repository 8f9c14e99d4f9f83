--- spec/support/refusals.lua: what a failed call must return.
--
--    local refusals = require "spec.support.refusals"
--
-- Each returns the SciSslError, and fails where it is not the expected one; `subject` may be missing:
--    refusals.refused(condition, phase, subject, value, err)   given all results of a call: nil, SciSslError
--    refusals.inPhase(condition, phase, value, err)            the same without a subject
--    refusals.failed(condition, phase, answer)                 given the one result of sslConnect, sslRead …
--    refusals.condition(condition, value, err)                 as refused, in any phase
--    refusals.answer(condition, answer)                        as failed, in any phase
--
--    refusals.alert(name, "sent" | "received", err)    checks the alert of a SciSslError
--    refusals.check(err)    checks that it is a SciSslError with a hint of one line, which tostring returns

local assert = require "luassert"
local scissl = require "scissl"

local refusals = {}

function refusals.check(err)
  assert.is_true(scissl.isSslError(err), "a SciSslError was expected: " .. tostring(err))
  local hint = err:errorHint()
  assert.is_true(#hint > 20, hint)
  assert.is_nil(hint:find("[%c]"), hint)
  assert.are.equal(hint, tostring(err))
  return err
end

local function is(condition, phase, err)
  refusals.check(err)
  assert.are.same({ condition, phase }, { err:condition(), err:phase() }, tostring(err))
  return err
end

function refusals.refused(condition, phase, subject, ...)
  local value, err = ...
  assert.is_nil(value)
  assert.are.equal(2, select("#", ...))
  is(condition, phase, err)
  if subject then
    assert.are.equal(subject, err:subject())
    assert.truthy(err:errorHint():find(subject, 1, true), err:errorHint())
  end
  return err
end

function refusals.inPhase(condition, phase, ...)
  return refusals.refused(condition, phase, nil, ...)
end

function refusals.failed(condition, phase, ...)
  assert.are.equal(1, select("#", ...))
  return is(condition, phase, (...))
end

function refusals.condition(condition, value, err)
  assert.is_nil(value)
  refusals.check(err)
  assert.are.equal(condition, err:condition(), tostring(err))
  return err
end

function refusals.answer(condition, answer)
  return refusals.condition(condition, nil, answer)
end

function refusals.alert(name, direction, err)
  assert.are.same({ name, direction }, { (err:alert()), (select(2, err:alert())) })
end

return refusals
