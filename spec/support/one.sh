#!/bin/sh
# one.sh RUN CORE SPEC COMMAND…: runs one file of specs, with the core that was built in CORE and the interpreter that
# COMMAND… starts. Below build/runs/RUN, NAME.log gets its output, NAME.reports what sanitizers report, and NAME.status
# how it ended; NAME is the path below spec/ with - for /. SCISSL_LEAVE_OUT is a tag (`#slow`): what has it is left out.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/spec/support/setup.sh"
cd "$root" || exit

run_limit=900 # seconds
run=$1
core=$2
spec=$3
shift 3
place="$root/build/runs/$run/$(spec_name "$spec")"
mkdir -p "$place.reports"
use_scissl "$core"
export SCISSL_RUN="$run" UBSAN_OPTIONS=print_stacktrace=1
export ASAN_OPTIONS="log_path='$place.reports/sanitizer':exitcode=98:allocator_may_return_null=1"
limited "$run_limit" "$@" spec/support/runner.lua --output=plainTerminal --lang=en --cpath="$core/?.so" \
    ${SCISSL_LEAVE_OUT:+"--exclude-tags=$SCISSL_LEAVE_OUT"} "$spec" >"$place.log" 2>&1
echo $? >"$place.status"
