# checks.sh: counts what spec/run.sh checks, and runs specs. It is sourced behind setup.sh, with $build set to the folder
# that everything is built and logged in.

passed=0
failed=0
failures=
skipped=
begun=0

# ---- Counting ----------------------------------------------------------------------------------------------------

pass() {
    passed=$((passed + 1))
    say "ok: $1"
}

fail() {
    failed=$((failed + 1))
    failures="$failures
FAILED: $1"
    say "FAILED: $1"
}

skip() {
    skipped="$skipped
SKIPPED: $1"
    say "SKIPPED: $1"
}

# Ends the program with the counts as its last line.
finish() {
    say "$skipped$failures"
    say "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

# check NAME COMMAND…: counts the command as one; its output is shown where it fails.
check() {
    begin "$@"
    collect
}

# begin NAME COMMAND…: the same, beside others; as many at a time as there are processors. `collect` waits for them.
begin() {
    [ "$begun" -lt "$processors" ] || collect
    begun=$((begun + 1))
    place="$build/checks/$begun"
    mkdir -p "$build/checks"
    rm -f "$place".*
    say "== $1"
    printf '%s\n' "$1" >"$place.name"
    shift
    {
        ("$@") >"$place.log" 2>&1 </dev/null # in a shell of its own, since COMMAND may set $place
        echo $? >"$place.status"
    } &
}

collect() {
    wait
    collected=0
    while [ "$collected" -lt "$begun" ]; do
        collected=$((collected + 1))
        place="$build/checks/$collected"
        if [ "$(cat "$place.status" 2>/dev/null)" = 0 ]; then
            pass "$(cat "$place.name")"
        else
            cat "$place.log"
            fail "$(cat "$place.name")"
        fi
    done
    begun=0
}

# begin_with PROGRAM NAME COMMAND…: skips the check where the program is not there.
begin_with() {
    program=$1
    shift
    if has_command "$program"; then begin "$@"; else skip "$1 ($program is not installed)"; fi
}

# ---- Specs -------------------------------------------------------------------------------------------------------

# find_specs PLACE…: the spec files below these places, slow and large ones first, so that none of them is left alone at
# the end.
find_specs() {
    found=$(find "$@" -name '*_spec.lua' -exec ls -S {} +)
    [ -n "$found" ] || return
    { grep -l '#slow' $found /dev/null; printf '%s\n' $found; } | awk '!seen[$0]++'
}

# run_specs RUN CORE FILES COMMAND…: every `it` of the files, each file in a process of its own and one more at a time than
# there are processors, since some wait; with the core that was built in CORE and the interpreter that COMMAND… starts.
run_specs() {
    run=$1
    core=$2
    specs=$3
    shift 3
    say "== specs, $run (progress: ls $build/runs/$run)"
    rm -rf "${build:?}/runs/$run"
    printf '%s\n' $specs | xargs -P "$((processors + 1))" -I '{}' sh spec/support/one.sh "$run" "$core" '{}' "$@"
    for spec in $specs; do
        count_run "$run: $spec" "$build/runs/$run/$(spec_name "$spec")"
    done
    say "$passed passed, $failed failed so far"
}

# count_run NAME PLACE: adds up what busted counted. A run that ended in another way than these counts explain has failed
# once more. The output is shown of those that failed.
count_run() {
    status=$(cat "$2.status" 2>/dev/null || echo none)
    counts=$(sed -n 's|^\([0-9]*\) success.* / \([0-9]*\) failure.* / \([0-9]*\) error.* / \([0-9]*\) pending.*|\1 \2 \3 \4|p' \
        "$2.log" | tail -n 1)
    set -- "$1" "$2" ${counts:-0 0 0 0}
    passed=$((passed + $3))
    failed=$((failed + $4 + $5))
    [ "$status" = 0 ] || cat "$2.log"
    [ $(($4 + $5)) -eq 0 ] || failures="$failures
FAILED: $(($4 + $5)) specs, $1 (see $2.log)"
    if cat "$2.reports"/* 2>/dev/null || grep ': runtime error: ' "$2.log"; then
        fail "specs, $1: the sanitizers found faults"
    elif [ $(($3 + $4 + $5 + $6)) -eq 0 ] && ! leaves_out_all "$counts"; then
        fail "specs, $1: ended with status $status before anything was counted"
    elif [ "$status" != $(($4 + $5 > 0)) ]; then
        fail "specs, $1: ended with status $status"
    fi
    note_pending "$1" "$2.log"
}

# leaves_out_all COUNTS: busted has counted, and nothing of the file was to be run.
leaves_out_all() { [ -n "$1" ] && [ -n "${SCISSL_LEAVE_OUT-}" ]; }

# The quick run leaves out more than it would help to name.
note_pending() {
    [ -z "${SCISSL_LEAVE_OUT-}" ] || return 0
    pending=$(sed -n '/^Pending -> /{n;p;}' "$2")
    [ -z "$pending" ] || skip "specs, $1:
$pending"
}
