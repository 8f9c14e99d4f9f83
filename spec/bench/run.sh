#!/bin/sh
# Compares scissl with plain C, tuned C, LuaSec, cqueues, Python and Node, where they are installed. From any folder:
#   sh spec/bench/run.sh [ROUNDS] [WORK…]     5 rounds of everything by default
# Prints a table, and writes build/bench.json.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/spec/support/setup.sh"
set_up needs_of_the_build
find_lua

# Lua's module bench_count: see many.lua.
build_counter() {
    for headers in "${LUA_INCDIR:-/usr/include}" /usr/include/lua5.4 /usr/local/include /usr/local/include/lua54; do
        ${CC:-cc} -std=gnu11 -O2 -shared -fPIC -I"$headers" -o "$1/bench_count.so" "$root/spec/bench/count.c" 2>/dev/null && return
    done
    return 1
}

place="$root/build/bench"
build_scissl "$place" -DCMAKE_C_FLAGS=-g
use_scissl "$place"
for program in peer server load; do
    ${CC:-cc} -std=gnu11 -O2 -o "$place/$program" "$root/spec/bench/$program.c" -lssl -lcrypto
done
build_counter "$place" || say "Without valgrind and its headers, no instructions are counted beside many connections."

BENCH_FOLDER=$(mktemp -d)
trap 'rm -rf "$BENCH_FOLDER"' EXIT
export BENCH_FOLDER
"$lua" "$root/spec/bench/certificates.lua" "$BENCH_FOLDER"
ulimit -n "$(ulimit -Hn)" # ten thousand connections want two descriptors each
"$lua" "$root/spec/bench/run.lua" "$lua" "$root" "$place" "$@"
