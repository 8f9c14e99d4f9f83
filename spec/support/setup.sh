# setup.sh: what the two commands share: installing what is missing, building scissl, putting it on Lua's paths.
# It is sourced, with $root set to the project's directory.

say() { printf '%s\n' "$*"; }

give_up() {
    say "$*" >&2
    exit 1
}

# Servers are not in every user's PATH, and what install_packages only unpacks is in nobody's.
unpacked="$root/build/unpacked"
PATH="$PATH:/usr/local/sbin:/usr/sbin:$unpacked/usr/sbin"
export PATH

# limited SECONDS COMMAND…: runs it, and ends it and its children when it hangs or when the user interrupts. SIGINT raises
# "interrupted!" in Lua, so that busted names the spec that hung and goes on with the next.
limited() {
    timeout -s INT -k 60 "$@" </dev/null &
    runner=$!
    trap 'kill "$runner"; exit 130' INT TERM
    wait "$runner"
    status=$?
    trap - INT TERM
    return "$status"
}

# spec_name FILE: "spec/document/close_spec.lua" -> "document-close"
spec_name() { printf '%s\n' "$1" | sed 's|^spec/||; s|_spec\.lua$||; s|/|-|g'; }

# ---- What is there -------------------------------------------------------------------------------------------

has_command() { command -v "$1" >/dev/null; }

has_one_of() {
    for candidate in "$@"; do
        has_command "$candidate" && return
    done
    return 1
}

# Sets $lua to an interpreter of Lua 5.4 or later, whatever this system calls it. SCISSL_LUA names another
# one than the first of these: lua5.5.
find_lua() {
    for lua in ${SCISSL_LUA:-lua5.4 lua54 lua-5.4 lua}; do
        has_command "$lua" && "$lua" -e 'os.exit(_VERSION >= "Lua 5.4")' && return
    done
    return 1
}

# Where Debian has the headers of the interpreter that SCISSL_LUA names.
lua_headers="/usr/include/${SCISSL_LUA-}"

has_lua_module() { "$lua" -e "require '$1'"; }

# has_provider NAME: whether OpenSSL has a module of this provider.
has_provider() { test -f "$(openssl version -m | sed 's/.*"\(.*\)"/\1/')/$1.so"; }

# A module that is pure Lua may be in the folder of another version of Lua alone.
has_lua_file() (cd "$root" && "$lua" -e "assert(dofile('spec/support/old_modules.lua').find '$1')")

# has_header DIRECTORY LINE…: whether the compiler can make sense of the lines.
has_header() {
    include=$1
    shift
    printf '%s\n' "$@" | ${CC:-cc} -I"$include" -E -
}

has_openssl_headers() {
    has_header "${OPENSSL_ROOT_DIR:-/usr}/include" '#include <openssl/ssl.h>' \
        '#if OPENSSL_VERSION_MAJOR < 3' '#error' '#endif'
}

has_lua_headers() {
    set -- "${LUA_INCDIR:-/usr/include}" /usr/include/lua5.4 /usr/local/include /usr/local/include/lua54 \
        /opt/homebrew/include/lua
    [ -z "${SCISSL_LUA-}" ] || set -- "$lua_headers"
    for directory in "$@"; do
        has_header "$directory" '#include <lua.h>' '#if LUA_VERSION_NUM < 504' '#error' '#endif' && return
    done
    return 1
}

# ---- What is needed, by the names of Debian's packages ---------------------------------------------------------

# need PACKAGE COMMAND…: the package is missing where the command fails.
need() {
    package=$1
    shift
    case " $missing " in *" $package "*) return ;; esac
    "$@" >/dev/null 2>&1 </dev/null || missing="$missing $package"
}

# want PACKAGE COMMAND…: as need; but where the package cannot be had, what needs it is skipped, by name.
want() {
    needed=$missing
    missing=$wanted
    need "$@"
    wanted=$missing
    missing=$needed
}

needs_of_the_build() {
    need gcc has_one_of "${CC:-cc}" gcc clang
    need libc6-dev has_header /usr/include '#include <stdlib.h>'
    need make has_one_of make ninja
    need cmake has_command cmake
    lua_package=${SCISSL_LUA:-lua5.4}
    need "$lua_package" find_lua
    need "lib$lua_package-dev" has_lua_headers
    need libssl-dev has_openssl_headers
}

# What the specs need that say themselves what else is missing.
needs_of_quick_specs() {
    needs_of_the_build
    need coreutils has_command timeout
    need lua-busted has_lua_module busted.runner
    need lua-socket has_lua_module socket.core
    need openssl has_command openssl
    need curl has_command curl
}

needs_of_the_specs() {
    needs_of_quick_specs
    need gcc has_command gcc
    want clang has_command clang
    [ -n "${SCISSL_PLAIN-}" ] || want valgrind has_command valgrind
    want lua-cqueues has_lua_module cqueues
    want lua-luv has_lua_module luv
    want lua-sec has_lua_module ssl
    want lua-copas has_lua_file copas
    want lua-redis has_lua_file redis
    want lua-check has_command luacheck
    want lua-ldoc has_command ldoc
    want luarocks has_command luarocks
    [ -z "${SCISSL_PROGRAMS-}" ] || needs_of_programs
}

# LuaSec's programs. Only `sh spec/run.sh all` runs them, here and in its Debian 13 (SCISSL_PROGRAMS=1).
needs_of_programs() {
    want prosody has_prosody
    want procps has_command ps
    want softhsm2 has_command softhsm2-util
    want pkcs11-provider has_provider pkcs11
    want openssl-provider-fips has_provider fips
    want lua-expat has_lua_module lxp
    want lua-filesystem has_lua_module lfs
    want lua-bitop has_lua_module bit
    want lua-event has_lua_module luaevent.core
    want mosquitto has_command mosquitto
    want postgresql has_postgresql
    want tzdata test -d /usr/share/zoneinfo
    want redis-tools has_one_of redis-server redis-check-rdb
}

# The peers that only `sh spec/run.sh all` asks for. Specs that use one skip by name where SCISSL_ALL is not set.
needs_of_all_specs() {
    needs_of_the_specs
    needs_of_programs
    want gnutls-bin has_command gnutls-cli
    want nginx nginx -v
    want chromium has_command chromium
    want firefox-esr has_command firefox-esr
    want libnss3-tools has_command certutil
    needs_of_debians
    want testssl.sh has_command testssl
    want sslscan has_command sslscan
}

# What support/debian.sh needs.
needs_of_debians() {
    want debootstrap has_command debootstrap
    want debian-archive-keyring test -f /usr/share/keyrings/debian-archive-keyring.gpg
    want util-linux has_command unshare
}

# ---- Installing ------------------------------------------------------------------------------------------------

# set_up NEEDS: makes sure that everything the function NEEDS asks for is there, but for what is only wanted.
set_up() {
    look_for "$1"
    drop_unknown
    [ -z "$unknown" ] || say "Not in this release, and what needs it is skipped:$unknown"
    [ -n "$missing$wanted" ] || return 0
    install_packages $missing $wanted
    look_for "$1"
    drop_unknown
    [ -z "$missing" ] || give_up "Installed, and still not usable here:$missing"
    [ -z "$wanted" ] || say "Not to be had here, and what needs it is skipped:$wanted"
}

# Takes what this release does not have out of the packages that are only wanted: no network helps. Where no list of
# packages is here yet, nothing is known.
drop_unknown() {
    unknown=
    set -- /var/lib/apt/lists/*Packages*
    [ -e "$1" ] || return 0
    set -- $wanted
    wanted=
    for package in "$@"; do
        if apt-cache show "$package"; then wanted="$wanted $package"; else unknown="$unknown $package"; fi
    done
} >/dev/null 2>&1

look_for() {
    missing=
    wanted=
    "$1"
}

# Debian starts nginx, Prosody, Mosquitto and PostgreSQL as soon as they are installed, and from then on with the system. The specs
# need no more than the programs, so these are taken out of their packages, and the system stays as it is.
unpack() {
    say "Unpacking $1 below $unpacked; it is not installed"
    mkdir -p "$unpacked" || return
    for package in "$@"; do
        (cd "$unpacked" && rm -f "$package"_*.deb && apt-get download -q -o APT::Sandbox::User=root "$package" &&
            dpkg-deb -x "$package"_*.deb .) </dev/null
    done
}

unpack_nginx() {
    unpack nginx nginx-core # which of the two has the program is another matter in each release
    nginx -v
}

has_prosody() { [ -f /usr/bin/prosody ] || [ -f "$unpacked/usr/bin/prosody" ]; }

# libraries_of PACKAGE PATTERN: the packages that it needs; in each release their names are others.
libraries_of() { apt-cache depends "$1" | sed -n "s/^ *Depends: \($2\)\$/\1/p"; }

# One of its modules in C needs ICU.
unpack_prosody() {
    unpack prosody
    apt_install --no-upgrade $(libraries_of prosody 'libicu[0-9]*')
    has_prosody
}

unpack_mosquitto() {
    unpack mosquitto
    apt_install --no-upgrade $(libraries_of mosquitto 'lib[^ ]*')
    has_command mosquitto
}

has_postgresql() {
    ls "$unpacked"/usr/lib/postgresql/*/bin/initdb || ls /usr/lib/postgresql/*/bin/initdb || has_command initdb
} >/dev/null 2>&1

# Its package is that of the release's version. Only its compiler of queries needs LLVM.
unpack_postgresql() {
    server=$(libraries_of postgresql 'postgresql-[0-9]*')
    unpack "$server"
    apt_install --no-upgrade $(libraries_of "$server" 'lib[^ ]*' | grep -v '^libllvm')
    has_postgresql
}

# What is missing and not only wanted must be there afterwards.
install_packages() {
    if ! has_command apt-get; then
        [ -z "$missing" ] || give_up "Missing here (by the names of Debian's packages): $*
This system has no apt-get: install them by the names that they have here, and run this again."
        return
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        as_root=sudo
        if ! has_command sudo; then
            [ -z "$missing" ] || give_up "Missing here: $*
Neither root nor sudo is at hand. As root: apt-get install $*"
            return
        fi
    fi
    $as_root apt-get update -q </dev/null || say "apt-get update failed; going on with the package lists that are here."
    for server in nginx prosody mosquitto postgresql; do
        case " $* " in *" $server "*)
            "unpack_$server" || say "apt-get could not supply: $server"
            set -- $(printf '%s\n' "$@" | grep -vx "$server")
            [ $# -gt 0 ] || return 0
            ;;
        esac
    done
    say "Installing with apt-get: $*"
    apt_install "$@" && return
    [ -z "$missing" ] || apt_install $missing || give_up "apt-get could not install:$missing"
    for package in $wanted; do
        case $package in nginx | prosody | mosquitto | postgresql) ;; *) apt_install "$package" ;; esac
    done
}

apt_install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends \
        -o DPkg::Lock::Timeout=120 "$@" </dev/null
}

# ---- Building and using ------------------------------------------------------------------------------------------

# build_scissl DIRECTORY [CMAKE-OPTION…]: DIRECTORY/build.log has the details.
build_scissl() {
    directory=$1
    shift
    mkdir -p "$directory" || return
    has_command make || export CMAKE_GENERATOR="${CMAKE_GENERATOR:-Ninja}"
    # A number, since make without one starts every compiler at once.
    [ -z "${SCISSL_LUA-}" ] || set -- "-DLUA_INCLUDE_DIR=$lua_headers" "$@"
    if ! (cmake -S "$root" -B "$directory" "$@" &&
        cmake --build "$directory" --parallel "$(getconf _NPROCESSORS_ONLN)") \
        >"$directory/build.log" 2>&1 </dev/null; then
        cat "$directory/build.log"
        return 1
    fi
}

# use_scissl DIRECTORY: Lua finds the module that was built there, from any folder.
use_scissl() {
    LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;${LUA_PATH_5_4:-${LUA_PATH:-;}}"
    LUA_CPATH="$1/?.so;${LUA_CPATH_5_4:-${LUA_CPATH:-;}}"
    unset LUA_PATH_5_4 LUA_CPATH_5_4
    export LUA_PATH LUA_CPATH
}
