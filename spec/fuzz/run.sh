#!/bin/sh
# Fuzzes a build with sanitizers. From any folder:
#   sh spec/fuzz/run.sh [api|middle|parsers|memory|datagrams|all] [SECONDS [SEED [ITERATION [COUNT]]]]
#   sh spec/fuzz/run.sh build       only builds; SCISSL_FUZZERS_BUILT=1 in front of the other runs says that this is done
# `all`, for 30 seconds each, and a random seed by default (SCISSL_SEED, where it is set). What fails is printed with the
# command that does it again: iteration n follows from the seed and n alone.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/spec/support/setup.sh"
chunk=20 # seconds a process: LeakSanitizer looks at its end
slack=120 # seconds that an iteration and the end of a process may take before that counts as a hang

# run_chunk FUZZER SECONDS SEED FIRST [COUNT]
run_chunk() {
    export SCISSL_FUZZ_LOG="$place/$1.calls"
    limit=$(($2 + slack))
    (
        cd "$place" || exit
        case $1 in
            memory) timeout -k 5 "$limit" "$build/memory" "$root/spec/fuzz/main.lua" "$@" ;;
            *) LD_PRELOAD=$preload timeout -k 5 "$limit" "$lua" "$root/spec/fuzz/main.lua" "$@" ;;
        esac
    ) >/dev/null 2>"$place/$1.log" </dev/null
}

replay() {
    iteration=$(sed -n '1s/.*iteration //p' "$SCISSL_FUZZ_LOG")
    say "the last calls:"
    tail -n 40 "$SCISSL_FUZZ_LOG"
    say "again: sh spec/fuzz/run.sh $1 1 $2 $iteration 1"
    say "or, where it needs what went before: sh spec/fuzz/run.sh $1 $chunk $2 $3 $((iteration - $3 + 1))"
}

# run_fuzzer NAME: until the time is over or something is found.
run_fuzzer() {
    end=$(($(date +%s) + seconds))
    next=$first
    while :; do
        now=$(date +%s)
        left=$((end - now))
        [ "$left" -gt 0 ] || [ "$next" -eq "$first" ] || break
        [ "$left" -lt "$chunk" ] || [ -n "$count" ] || left=$chunk
        run_chunk "$1" "$left" "$seed" "$next" $count
        status=$?
        if [ "$status" -ne 0 ] || grep -q ': runtime error: ' "$place/$1.log"; then
            cat "$place/$1.log"
            [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || say "HANGS: ended after $((left + slack)) seconds"
            replay "$1" "$seed" "$next"
            return 1
        fi
        next=$(sed -n 's/^next //p' "$place/$1.log" | tail -n 1)
        [ -z "$count" ] || break
    done
    say "fuzz $1: seed $seed, iterations $first to $((next - 1)), nothing found"
}

# The host of the memory fuzzer: Lua, embedded.
build_host() {
    flags=$(pkg-config --cflags --libs lua5.4 || pkg-config --cflags --libs lua) &&
        gcc -g -Wall -Wextra -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wl,-E \
            "$root/spec/fuzz/memory.c" -o "$build/memory" $flags -lssl -lcrypto
}

which=${1:-all}
seconds=${2:-30}
seed=${3:-${SCISSL_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}}
first=${4:-0}
count=${5:-}
case $which in
    all) which='api middle parsers memory datagrams' ;;
    build) which= ;;
    api | middle | parsers | memory | datagrams) ;;
    *) give_up "usage: sh spec/fuzz/run.sh [api|middle|parsers|memory|datagrams|all] [SECONDS [SEED [ITERATION [COUNT]]]]" ;;
esac

find_lua || give_up "needs Lua 5.4 or later"
build="$root/build/asan"
place="$root/build/fuzz"
mkdir -p "$place"
if [ -z "${SCISSL_FUZZERS_BUILT-}" ]; then
    build_scissl "$build" -DSCISSL_SANITIZE=ON -DCMAKE_C_COMPILER=gcc || exit
    build_host >"$place/build.log" 2>&1 || give_up "$(cat "$place/build.log")"
fi
preload=$(gcc -print-file-name=libasan.so)
unset SSL_CERT_FILE SSL_CERT_DIR SSLKEYLOGFILE OPENSSL_CONF
export LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;$root/?.lua;;" LUA_CPATH="$build/?.so;;"
export ASAN_OPTIONS=allocator_may_return_null=1:exitcode=98 UBSAN_OPTIONS=print_stacktrace=1

[ -z "$which" ] || say "fuzz: seed $seed"
failed=0
for fuzzer in $which; do
    run_fuzzer "$fuzzer" || failed=1
done
exit "$failed"
