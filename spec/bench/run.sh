#!/bin/sh
# Measures scissl beside plain C, tuned C, LuaSec, cqueues, Python and Node, as far as they are installed. From any folder:
#   sh spec/bench/run.sh [ROUNDS] [WORK…]     5 rounds of all works of works.lua by default
# Prints a table, and writes build/bench.json.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/spec/support/setup.sh"
set_up needs_of_the_build
find_lua

place="$root/build/bench"
build_scissl "$place" -DCMAKE_C_FLAGS=-g
use_scissl "$place"
for program in peer server load; do
    ${CC:-cc} -std=gnu11 -O2 -o "$place/$program" "$root/spec/bench/$program.c" -lssl -lcrypto
done

BENCH_FOLDER=$(mktemp -d)
trap 'rm -rf "$BENCH_FOLDER"' EXIT
export BENCH_FOLDER
"$lua" "$root/spec/bench/certificates.lua" "$BENCH_FOLDER"
ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)" # 10,000 connections want two descriptors each
"$lua" "$root/spec/bench/run.lua" "$lua" "$root" "$place" "$@"
