# prepare.sh: what the two benchmarks share. It is sourced, with $root set to the project's directory.
. "$root/spec/support/setup.sh"

# compile NAME SOURCE: a program of the benchmark, in $place.
compile() { ${CC:-cc} -std=gnu11 -O2 -o "$place/$1" "$root/spec/bench/$2" -lssl -lcrypto; }

# compile_module NAME SOURCE [OPTION…]: a module of Lua, in $place.
compile_module() {
    module="$1"
    source="$root/spec/bench/$2"
    shift 2
    for headers in "${LUA_INCDIR:-/usr/include}" /usr/include/lua5.4 /usr/local/include /usr/local/include/lua54; do
        ${CC:-cc} -std=gnu11 -O2 -shared -fPIC -I"$headers" -o "$place/$module.so" "$source" "$@" 2>/dev/null && return
    done
    return 1
}

# Lua's module bench_count: see many.lua.
build_counter() {
    compile_module bench_count count.c || say "Without valgrind and its headers, no instructions are counted."
}

remove_bench_folder() { rm -rf "$BENCH_FOLDER"; }

# Builds scissl in $place for $lua, and makes certificates in BENCH_FOLDER, which is removed at the end.
prepare_benchmark() {
    set_up needs_of_the_build
    find_lua
    place="$root/build/bench"
    build_scissl "$place" -DCMAKE_C_FLAGS=-g
    use_scissl "$place"
    build_counter
    BENCH_FOLDER=$(mktemp -d)
    trap remove_bench_folder EXIT
    export BENCH_FOLDER
    "$lua" "$root/spec/bench/certificates.lua" "$BENCH_FOLDER"
    ulimit -n "$(ulimit -Hn)" # ten thousand connections want two descriptors each
}
