#!/bin/sh
# Installs what is missing, builds scissl and checks it. From any folder:
#   sh spec/run.sh FILE…   the spec files of these names, or below these folders, with a build of its own (build/quick)
#   sh spec/run.sh quick   the same with every spec that is not slow (`#slow` in its name), and the linters; luacheck on
#                          the files that differ from the branch that was cloned
#   sh spec/run.sh         everything but what is large to install, with gcc, clang, sanitizers and valgrind
#   sh spec/run.sh all     everything: with large peers, and once more in a minimal Debian 13 (see support/debian.sh)
#   sh spec/run.sh everywhere [SYSTEM…]
#                          both commands of the README in a minimal Debian of each kind, one after the other
# SCISSL_PLAIN=1 in front leaves out the runs with sanitizers and valgrind; SCISSL_SANITIZE=1 runs FILE… with sanitizers.
# The last line is `N passed, N failed`, with every `it` of every run and every other check counted once.
set -u
called_in=$PWD
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/spec/support/setup.sh"
cd "$root" || exit

build="$root/build"
processors=$(getconf _NPROCESSORS_ONLN)
. "$root/spec/support/checks.sh"
all_specs=$(find_specs spec)
valgrind_specs='spec/tls/handshake_spec.lua spec/connection/suspend_spec.lua spec/connection/psk_spec.lua'
fuzzers='api middle parsers memory datagrams'
fuzz_seconds=25 # each
debian_limit=5400
debians='bookworm trixie sid experimental bookworm-i386 sid-lua5.5' # see support/debian.sh
usage='usage: sh spec/run.sh [all | everywhere [SYSTEM…] | quick | FILE…]'

# ---- Checks of the build -------------------------------------------------------------------------------------------

# build_with NAME OPTION…: builds afresh, so that no warning hides in an object file of an earlier run.
build_with() {
    kind=$1
    shift
    rm -rf "${build:?}/$kind"
    build_scissl "$build/$kind" -DSCISSL_WERROR=ON -DCMAKE_C_FLAGS=-g "$@"
}

# macOS's nm knows no -D, and puts _ in front of C's names.
exports_only_its_entry() {
    symbols=$({ nm -D --defined-only "$1" 2>/dev/null || nm -gU "$1"; } | awk '{ sub(/^_/, "", $NF); print $NF }') && say "$symbols" && [ "$symbols" = luaopen_scissl_core ]
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
begin_format() {
    for formatter in clang-format-14 clang-format; do
        if "$formatter" --version 2>/dev/null | grep -q 'version 14\.'; then
            begin "clang-format" "$formatter" --dry-run -Werror $(find csrc -name '*.[ch]')
            return
        fi
    done
    skip "clang-format (version 14 is not installed)"
}

lints_rockspecs() {
    for rockspec in *.rockspec; do
        luarocks --lua-version "$lua_version" lint "$rockspec" || return
    done
}

run_luacheck() { luacheck --no-color --cache "$build/luacheck" "$@"; }

# Of a clone, the Lua files that differ from the branch it was made of; all where git knows none, or luacheck's options
# have changed.
run_luacheck_on_changes() {
    base=$(git merge-base HEAD origin/HEAD 2>/dev/null) || { run_luacheck lua spec examples; return; }
    changed=$(git diff --name-only --diff-filter=d "$base" && git ls-files --others --exclude-standard) || return
    if printf '%s\n' "$changed" | grep -qx '\.luacheckrc'; then run_luacheck lua spec examples; return; fi
    changed=$(printf '%s\n' "$changed" | grep -E '^(lua|spec|examples)/.*\.lua$') || return 0
    run_luacheck $changed
}

# begin_linters LUACHECK…: the command that runs luacheck.
begin_linters() {
    begin_format
    begin_with luarocks "luarocks lint" lints_rockspecs
    begin_with luacheck "luacheck" "$@"
}

# LDoc's warnings are failures here.
builds_the_reference() {
    rm -rf "$build/reference"
    ldoc --fatalwarnings . && [ -f "$build/reference/index.html" ]
}

# ---- Runs of the specs ---------------------------------------------------------------------------------------------

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
    run_specs sanitized "$build/asan" "$1" env "PATH=$build/asan/bin:$PATH" "$lua"
}

run_under_valgrind() {
    run_specs valgrind "$build/gcc" "$valgrind_specs" valgrind --quiet --error-exitcode=98 --keep-debuginfo=yes \
        --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite "$lua"
}

# Each fuzzer is one check, by the seed that is printed.
run_fuzzers() {
    seed=${SCISSL_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
    say "== fuzzers: SCISSL_SEED=$seed"
    check "build the fuzzers" sh spec/fuzz/run.sh build
    export SCISSL_FUZZERS_BUILT=1
    for fuzzer in $fuzzers; do
        begin "fuzz $fuzzer, seed $seed" sh spec/fuzz/run.sh "$fuzzer" "$fuzz_seconds" "$seed"
    done
    collect
}

# run_in_debian SYSTEM: what that run counts is added.
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

# ---- What can be asked for -----------------------------------------------------------------------------------------

# set_up_for NEEDS: what every run begins with.
set_up_for() {
    set_up "$1"
    unset SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_CONF
    lua_version=$("$lua" -e 'print(_VERSION:match "%d+%.%d+")')
    mkdir -p "$build"
}

# build_or_finish NAME OPTION…: compiles what has changed since the last time.
build_or_finish() {
    kind=$1
    shift
    check "build" build_scissl "$build/$kind" -DSCISSL_WERROR=ON "$@"
    [ "$failed" -eq 0 ] || finish
}

# Without optimisation: that is quick, and a debugger finds its way. The other builds find a missing #include.
build_quick() { build_or_finish quick -DCMAKE_BUILD_TYPE=Debug -DSCISSL_PRECOMPILE=ON -DCMAKE_RULE_MESSAGES=OFF; }

run_quick() {
    set_up_for needs_of_quick_specs
    build_quick
    begin_linters run_luacheck_on_changes
    export SCISSL_LEAVE_OUT=slow
    run_specs quick "$build/quick" "$all_specs" "$lua"
    collect
}

# below_root PLACE: the path from the project's folder of a place that the caller names from another folder.
below_root() (
    cd "$called_in" || exit
    name=
    if [ -d "$1" ]; then cd -- "$1"; else name=/$(basename -- "$1") && cd -- "$(dirname -- "$1")"; fi || exit
    printf '%s\n' "$(pwd)$name" | sed "s|^$root/||"
)

# run_files PLACE…: the spec files of these names, and all below folders.
run_files() {
    chosen=
    for place in "$@"; do
        found=$(find_specs "$(below_root "$place")") && [ -n "$found" ] || give_up "No spec file here: $place
$usage"
        chosen="$chosen $found"
    done
    chosen=$(printf '%s\n' $chosen | awk '!seen[$0]++')
    set_up_for needs_of_quick_specs
    if [ -n "${SCISSL_SANITIZE-}" ]; then
        build_or_finish asan -DCMAKE_C_COMPILER=gcc -DSCISSL_SANITIZE=ON -DCMAKE_C_FLAGS=-g
        run_sanitized "$chosen"
    else
        build_quick
        run_specs files "$build/quick" "$chosen" "$lua"
    fi
}

# run_everything NEEDS
run_everything() {
    set_up_for "$1"
    check "build with gcc" build_with gcc -DCMAKE_C_COMPILER=gcc
    begin_with clang "build with clang" build_with clang -DCMAKE_C_COMPILER=clang
    collect
    begin "exported symbols, gcc" exports_only_its_entry "$build/gcc/scissl/core.so"
    begin_with clang "exported symbols, clang" exports_only_its_entry "$build/clang/scissl/core.so"
    begin_linters run_luacheck lua spec examples
    begin_with ldoc "ldoc ." builds_the_reference
    begin_with luarocks "luarocks make" installs_with_luarocks
    begin "cmake --install" installs_with_cmake
    begin "quick start" sh examples/quickstart.sh
    collect
    run_specs plain "$build/gcc" "$all_specs" "$lua"
    [ -n "${SCISSL_PLAIN-}" ] || run_with_instruments
    [ -z "${SCISSL_ALL-}" ] || run_in_debian trixie
}

# run_everywhere [SYSTEM…]: the Debians of these names. Processors of another kind run no programs for i386.
run_everywhere() {
    look_for needs_of_debians
    [ -z "$wanted" ] || install_packages $wanted
    machine=$(uname -m)
    for system in ${*:-$debians}; do
        case $system/$machine in
            *-i386/x86_64 | *-i386/i?86) run_in_debian "$system" ;;
            *-i386/*) skip "Debian $system (this processor is $machine)" ;;
            *) run_in_debian "$system" ;;
        esac
    done
}

run_with_instruments() {
    check "build with sanitizers" build_with asan -DCMAKE_C_COMPILER=gcc -DSCISSL_SANITIZE=ON
    run_sanitized "$all_specs"
    [ -z "${SCISSL_ALL-}" ] || run_fuzzers
    if has_command valgrind; then run_under_valgrind; else skip "specs, valgrind (it is not installed)"; fi
}

case "${1-}" in
    '') run_everything needs_of_the_specs ;;
    all) export SCISSL_ALL=1 && run_everything needs_of_all_specs ;;
    everywhere) shift && mkdir -p "$build" && run_everywhere "$@" ;;
    quick) run_quick ;;
    -*) give_up "$usage" ;;
    *) run_files "$@" ;;
esac
finish
