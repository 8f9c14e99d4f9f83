#!/bin/sh
# Installs what is missing, builds scissl into build/, and runs a server and a client. From any folder:
# sh examples/quickstart.sh
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/spec/support/setup.sh"

set_up needs_of_the_build
say "Building scissl into $root/build"
build_scissl "$root/build"
use_scissl "$root/build"
"$lua" "$root/examples/quickstart.lua"
say "
To try scissl at the prompt:
LUA_PATH='$root/lua/?.lua;$root/lua/?/init.lua;;' LUA_CPATH='$root/build/?.so;;' $lua -l scissl"
