--- spec/support/refusals.lua: what a refused call must have answered.
--
--    local refusals = require "spec.support.refusals"
--
-- Each answers the SciSslError, and fails where it is not what was expected; `subject` may be missing:
--    refusals.refused(condition, phase, subject, value, err)   given all that a call answered: nil, SciSslError
--    refusals.failed(condition, phase, answer)                 given the one answer of sslConnect, sslRead …
--    refusals.condition(condition, value, err)                 refused, whatever the phase
--    refusals.answer(condition, answer)                        failed, whatever the phase
--
--    refusals.check(err)    that it is a SciSslError with one line of hint, which is what tostring answers

local assert = require "luassert"
local core = require "scissl.core"

local refusals = {}

function refusals.check(err)
  assert.is_true(core.isSslError(err), "a SciSslError was expected: " .. tostring(err))
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

return refusals
