#!/bin/sh
# Compares programs that use scissl's streams under event loops with the same programs in cqueues, copas (with LuaSec and with
# scissl.luasec), Node, Python's asyncio and C, where they are installed. From any folder:
#   sh spec/bench/streams/run.sh [ROUNDS] [ROW…]    5 rounds of all rows by default, and then spec/bench/run.sh
#   sh spec/bench/streams/run.sh quick [ROW…]       one round with small counts: shows that all programs work
# Prints a table in Markdown, and writes build/bench/streams.json, streams.md for the chapter Performance, and
# streams-readme.md for README. Set LUA_PATH where a copas of version 2 or later is not found otherwise.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
. "$root/spec/bench/prepare.sh"
prepare_benchmark
compile peer peer.c
compile bulk streams/bulk.c
compile_module bench_strings streams/bulk.c -DBENCH_STRINGS -lssl -lcrypto || :
compile_module bench_peer peer.c -DBENCH_STRINGS -lssl -lcrypto || :
compile system_call streams/system_call.c
"$lua" "$root/spec/bench/streams/run.lua" "$lua" "$root" "$place" "$@"
case "$*" in
'' | [0-9] | [0-9][0-9])
    remove_bench_folder
    exec sh "$root/spec/bench/run.sh" "$@"
    ;;
esac
