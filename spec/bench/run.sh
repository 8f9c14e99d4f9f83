#!/bin/sh
# Compares scissl's sockets with plain C, tuned C, LuaSec, cqueues, Python and Node, where they are installed. From any folder:
#   sh spec/bench/run.sh [ROUNDS] [WORK…]     5 rounds of everything by default; `datagrams`: DTLS
# Prints a table, and writes build/bench.json, and build/bench/sockets.md for README. For streams in event loops:
# spec/bench/streams/run.sh.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/spec/bench/prepare.sh"
prepare_benchmark
for program in peer server load datagram_server; do compile "$program" "$program.c"; done
"$lua" "$root/spec/bench/run.lua" "$lua" "$root" "$place" "$@"
