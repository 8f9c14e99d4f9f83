#!/bin/sh
# Installs what is missing, builds scissl with gcc and clang, and checks all of it. From any folder:
#   sh spec/run.sh        everything but what is large to install
#   sh spec/run.sh all    everything: with large peers, and once more in a minimal Debian 13 (see support/debian.sh)
# SCISSL_PLAIN=1 in front leaves out the runs with sanitizers and valgrind.
# The last line is `N passed, N failed`, with every `it` of every run and every other check counted once.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/spec/support/setup.sh"
cd "$root" || exit

build="$root/build"
all_specs=$(find spec -name '*_spec.lua' | sort)
valgrind_specs='spec/tls/handshake_spec.lua spec/connection/suspend_spec.lua spec/connection/psk_spec.lua'
fuzzers='api middle parsers memory'
fuzz_seconds=25 # each
debian_limit=3600
passed=0
failed=0
failures=
skipped=

# ---- Counting ----------------------------------------------------------------------------------------------------

pass() {
    passed=$((passed + 1))
    say "ok"
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

# check NAME COMMAND…: counts the command as one; its output is shown where it fails.
check() {
    name=$1
    shift
    say "== $name"
    if "$@" >"$build/check.log" 2>&1 </dev/null; then
        pass
    else
        cat "$build/check.log"
        fail "$name"
    fi
}

# check_with PROGRAM NAME COMMAND…: skips the check where the program is not there.
check_with() {
    program=$1
    shift
    if has_command "$program"; then check "$@"; else skip "$1 ($program is not installed)"; fi
}

# ---- Checks of the build -------------------------------------------------------------------------------------------

# build_with NAME OPTION…: builds afresh, so that no warning hides in an object file of an earlier run.
build_with() {
    kind=$1
    shift
    rm -rf "${build:?}/$kind"
    build_scissl "$build/$kind" -DSCISSL_WERROR=ON -DCMAKE_C_FLAGS=-g "$@"
}

exports_only_its_entry() {
    symbols=$(nm -D --defined-only "$1" | awk '{ print $NF }') && say "$symbols" && [ "$symbols" = luaopen_scissl_core ]
}

# loads_from PREFIX: the tree alone serves `require "scissl"`, from a folder that has nothing to do with it.
loads_from() (
    cd / || exit
    unset LUA_PATH_5_4 LUA_CPATH_5_4
    export LUA_PATH="$1/share/lua/$lua_version/?.lua;$1/share/lua/$lua_version/?/init.lua"
    export LUA_CPATH="$1/lib/lua/$lua_version/?.so"
    "$lua" -e 'local scissl = require "scissl"
        print(assert(scissl.SciSslContext.new()), assert(scissl.help.text "sslAccept"), assert(scissl.help.text "safe clients"))'
)

installs_with_cmake() {
    rm -rf "$build/prefix"
    cmake --install "$build/gcc" --prefix "$build/prefix" && loads_from "$build/prefix"
}

# The only server named is an empty folder: nothing may have to be fetched.
installs_with_luarocks() {
    place="$build/luarocks"
    rm -rf "$place"
    mkdir -p "$place/source" "$place/server" &&
        cp -R CMakeLists.txt scissl-scm-1.rockspec LICENSE csrc lua "$place/source" &&
        (cd "$place/source" && luarocks --lua-version "$lua_version" --only-server "$place/server" \
            --tree "$place/tree" make scissl-scm-1.rockspec) &&
        loads_from "$place/tree"
}

# Other versions of clang-format lay out some lines in another way.
check_format() {
    for formatter in clang-format-14 clang-format; do
        if "$formatter" --version 2>/dev/null | grep -q 'version 14\.'; then
            check "clang-format" "$formatter" --dry-run -Werror $(find csrc -name '*.[ch]')
            return
        fi
    done
    skip "clang-format (version 14 is not installed)"
}

# LDoc's warnings are failures here.
builds_the_reference() {
    rm -rf "$build/reference"
    ldoc --fatalwarnings . && [ -f "$build/reference/index.html" ]
}

# ---- Runs of the specs ---------------------------------------------------------------------------------------------

# run_specs RUN CORE FILES COMMAND…: every `it` of the files, each file in a process of its own and as many at a time as
# there are processors, with the core that was built in CORE and the interpreter that COMMAND… starts.
run_specs() {
    run=$1
    core=$2
    specs=$3
    shift 3
    say "== specs, $run (progress: ls $build/runs/$run)"
    rm -rf "${build:?}/runs/$run"
    printf '%s\n' $specs | xargs -P "$(getconf _NPROCESSORS_ONLN)" -I '{}' sh spec/support/one.sh "$run" "$core" '{}' "$@"
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
    elif [ $(($3 + $4 + $5 + $6)) -eq 0 ]; then
        fail "specs, $1: ended with status $status before anything was counted"
    elif [ "$status" != $(($4 + $5 > 0)) ]; then
        fail "specs, $1: ended with status $status"
    fi
    note_pending "$1" "$2.log"
}

note_pending() {
    pending=$(sed -n '/^Pending -> /{n;p;}' "$2")
    [ -z "$pending" ] || skip "specs, $1:
$pending"
}

# The interpreter has no sanitizer's runtime of its own: a script of its name, first in PATH, preloads it. Programs in
# Lua that specs start find the same script; every other program is left alone (see support/unpreload.c).
wrap_interpreter() {
    mkdir -p "$build/asan/bin"
    cat >"$build/asan/bin/$lua" <<END
#!/usr/bin/env bash
LD_PRELOAD='$(gcc -print-file-name=libasan.so)' exec -a "\$0" '$(command -v "$lua")' "\$@"
END
    chmod +x "$build/asan/bin/$lua"
}

# gcc's UndefinedBehaviorSanitizer reports to stderr alone, which count_run knows.
run_sanitized() {
    wrap_interpreter
    run_specs sanitized "$build/asan" "$all_specs" env "PATH=$build/asan/bin:$PATH" "$lua"
}

run_under_valgrind() {
    run_specs valgrind "$build/gcc" "$valgrind_specs" valgrind --quiet --error-exitcode=98 --keep-debuginfo=yes \
        --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "$lua"
}

# Each fuzzer is one check, by the seed that is printed.
run_fuzzers() {
    seed=${SCISSL_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
    say "== fuzzers: SCISSL_SEED=$seed"
    for fuzzer in $fuzzers; do
        check "fuzz $fuzzer, seed $seed" sh spec/fuzz/run.sh "$fuzzer" "$fuzz_seconds" "$seed"
    done
}

# run_in_debian SUITE: what that run counts is added.
run_in_debian() {
    log="$build/debian-$1.log"
    say "== Debian $1 (progress: tail -f $log)"
    limited "$debian_limit" sh spec/support/debian.sh "$1" >"$log" 2>&1
    status=$?
    sed '$ { /^[0-9]* passed, [0-9]* failed$/d }' "$log"
    counts=$(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log")
    failures="$failures$(sed -n "s/^FAILED: /FAILED: Debian $1: /p" "$log" | sort -u | sed '1s/^/\n/')"
    skipped="$skipped$(sed -n "s/^SKIPPED: /SKIPPED: Debian $1: /p" "$log" | sort -u | sed '1s/^/\n/')"
    set -- "$1" ${counts:-0 0}
    passed=$((passed + $2))
    failed=$((failed + $3))
    [ -n "$counts" ] && [ "$status" -eq $(($3 > 0)) ] || fail "Debian $1: ended with status $status"
}

# ---- All of it, in order -----------------------------------------------------------------------------------------

case "${1-}" in
    '') needs=needs_of_the_specs ;;
    all) needs=needs_of_all_specs && export SCISSL_ALL=1 ;;
    *) give_up "usage: sh spec/run.sh [all]" ;;
esac
set_up "$needs"
unset SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_CONF
lua_version=$("$lua" -e 'print(_VERSION:match "%d+%.%d+")')
mkdir -p "$build"

check "build with gcc" build_with gcc -DCMAKE_C_COMPILER=gcc
check_with clang "build with clang" build_with clang -DCMAKE_C_COMPILER=clang
check "exported symbols, gcc" exports_only_its_entry "$build/gcc/scissl/core.so"
check_with clang "exported symbols, clang" exports_only_its_entry "$build/clang/scissl/core.so"
check_with luacheck "luacheck" luacheck --no-color lua spec examples
check_format
check_with ldoc "ldoc ." builds_the_reference
run_specs plain "$build/gcc" "$all_specs" "$lua"
if [ -z "${SCISSL_PLAIN-}" ]; then
    check "build with sanitizers" build_with asan -DCMAKE_C_COMPILER=gcc -DSCISSL_SANITIZE=ON
    run_sanitized
    [ -z "${SCISSL_ALL-}" ] || run_fuzzers
    if has_command valgrind; then run_under_valgrind; else skip "specs, valgrind (it is not installed)"; fi
fi
check_with luarocks "luarocks make" installs_with_luarocks
check "cmake --install" installs_with_cmake
check "quick start" sh examples/quickstart.sh
[ -z "${SCISSL_ALL-}" ] || run_in_debian trixie

say "$skipped$failures"
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
