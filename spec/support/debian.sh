#!/bin/sh
# Makes a minimal Debian and runs the README's two commands in it, without sanitizers and valgrind. From any folder:
#   sh spec/support/debian.sh [SYSTEM]
#     bookworm, trixie, sid …    Debian 12, 13, unstable …, by the name of the suite
#     experimental               unstable with the OpenSSL of experimental
#     bookworm-i386              Debian 12 on a processor of 32 bits
#     sid-lua5.5                 unstable with Lua 5.5, and the specs that need no foreign module
# Each run starts from the system as debootstrap has made it, so that the commands have to install all that they need.
# The project is there as in a fresh clone: without the files that git does not know.
# ${XDG_CACHE_HOME:-$HOME/.cache}/scissl/SYSTEM keeps that system and the packages between runs; remove it to begin anew.
# SCISSL_ALL=1 in front: LuaSec's programs as well, in that system's versions.
# Root (or sudo), chroot and mounts are needed. All mounts are in a namespace of their own and end with the run.
# The last line is `N passed, N failed`. A system that cannot be made has failed.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
system_name=${1:-trixie}
cache="${XDG_CACHE_HOME:-$HOME/.cache}/scissl/$system_name"
minimal="$cache/minimal"
system="$cache/running"
project='/home/a user/scissl' # in there: a path with a space
passed=0
failed=0

say() { printf '%s\n' "$*"; }

finish() {
    say "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

cannot() {
    failed=$((failed + 1))
    say "FAILED: $*"
    finish
}

# ---- Which system ----------------------------------------------------------------------------------------------------

# architecture, extra_suite (whose OpenSSL is taken) and chosen_lua are empty where Debian's own choice holds.
architecture=
extra_suite=
chosen_lua=
case $system_name in
    experimental) suite=sid extra_suite=experimental ;;
    *-i386) suite=${system_name%-i386} architecture=i386 ;;
    *-lua*) suite=${system_name%-lua*} chosen_lua="lua${system_name##*-lua}" ;;
    *) suite=$system_name ;;
esac

# ---- The system that is kept ---------------------------------------------------------------------------------------

# Where this machine has its own Debian from; elsewhere Debian's own address.
find_mirror() {
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' |
        head -n 1)
    [ -n "$mirror" ] || mirror=http://deb.debian.org/debian
} 2>/dev/null

# Only a complete one gets its name.
make_minimal() {
    say "Making a minimal Debian $system_name in $minimal, from $mirror"
    rm -rf --one-file-system "$minimal.new"
    debootstrap ${architecture:+"--arch=$architecture"} --variant=minbase --include=ca-certificates \
        "$suite" "$minimal.new" "$mirror" &&
        rm -f "$minimal.new/var/cache/apt/archives"/*.deb && mv "$minimal.new" "$minimal"
}

remove_copy() { rm -rf --one-file-system "$system"; }

# What this machine needs to reach the network holds in there as well; and nothing there has to survive a power failure.
settle_in() {
    remove_copy && cp -a "$minimal" "$system" || return
    cp -L /etc/resolv.conf "$system/etc/resolv.conf"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$system/etc/hosts"
    apt-config dump | grep -E '^Acquire::(Check-|ForceIPv|Languages|Proxy|Retries|ftp|https?)' \
        >"$system/etc/apt/apt.conf.d/90machine"
    echo force-unsafe-io >"$system/etc/dpkg/dpkg.cfg.d/90unsafe"
    [ -z "$extra_suite" ] || take_openssl_from_extra
    mkdir -p "$system$project" "$cache/archives/partial" && copy_project
}

# From the other suite nothing but OpenSSL, so that it alone differs.
take_openssl_from_extra() {
    echo "deb $mirror $extra_suite main" >"$system/etc/apt/sources.list.d/extra.list"
    printf 'Package: openssl libssl* openssl-provider-*\nPin: release a=%s\nPin-Priority: 900\n' "$extra_suite" \
        >"$system/etc/apt/preferences.d/extra"
}

# Files that git knows, as they are in this folder; all of them where this is no clone.
copy_project() {
    if git -c "safe.directory=$root" -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
        list="$cache/files"
        (cd "$root" && git -c "safe.directory=$root" ls-files -z | while_there) >"$list" &&
            tar -C "$root" --null -T "$list" -cf - | tar -C "$system$project" --no-same-owner -xf -
    else
        tar -C "$root" --exclude=./.git --exclude=./build -cf - . | tar -C "$system$project" -xf -
    fi
}

# A file that was removed and not committed is still in git's list.
while_there() { xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' sh; }

# ---- What runs in it -------------------------------------------------------------------------------------------------

mount_system() {
    mount -t proc proc "$system/proc" && mount --rbind /dev "$system/dev" &&
        mount --bind "$cache/archives" "$system/var/cache/apt/archives"
}

# in_debian COMMAND…: in the project's folder, with an environment as after a login. Programs of 32 bits see a processor
# of 32 bits.
in_debian() {
    ${architecture:+setarch "$architecture"} chroot "$system" env -i HOME=/root \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SCISSL_PLAIN=1 \
        ${chosen_lua:+"SCISSL_LUA=$chosen_lua"} \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        ${no_proxy:+"no_proxy=$no_proxy"} ${SCISSL_ALL:+SCISSL_PROGRAMS=1} \
        sh -c 'cd "$1" && shift && exec "$@"' sh "$project" "$@" </dev/null
}

run_quick_start() {
    say "== quick start"
    if in_debian sh examples/quickstart.sh; then
        passed=$((passed + 1))
        say "ok"
    else
        failed=$((failed + 1))
        say "FAILED: quick start"
    fi
}

run_specs() {
    in_debian sh spec/run.sh 2>&1 | tee "$cache/specs.log" | sed -u '/^[0-9]* passed, [0-9]* failed$/d'
    set -- $(sed -n '$s/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$cache/specs.log")
    [ $# -eq 2 ] || cannot "spec/run.sh: it ended before it had counted"
    passed=$((passed + $1))
    failed=$((failed + $2))
    in_debian apt-get autoclean -q >/dev/null
}

case "${2-}" in
    '')
        if [ "$(id -u)" -ne 0 ]; then
            exec sudo env "HOME=$HOME" ${SCISSL_ALL:+SCISSL_ALL=1} "XDG_CACHE_HOME=${XDG_CACHE_HOME-}" \
                sh "$0" "$system_name"
        fi
        mkdir -p "$cache" || cannot "cannot make $cache"
        exec 9>"$cache/lock"
        flock -n 9 || say "Another run uses $cache: waiting for its end" && flock 9
        find_mirror
        [ -d "$minimal" ] || make_minimal || cannot "debootstrap cannot make a minimal Debian $system_name here"
        settle_in || cannot "cannot copy $minimal"
        # A process namespace as well: when its first process ends, or is ended, all others end and all mounts go.
        unshare --mount --pid --fork --kill-child sh "$0" "$system_name" inside &
        trap 'kill -KILL "$!"; remove_copy; exit 130' HUP INT TERM
        wait "$!"
        status=$?
        remove_copy
        exit "$status"
        ;;
    inside)
        mount_system || cannot "cannot mount /proc and /dev for Debian $system_name here"
        run_quick_start
        run_specs
        finish
        ;;
    *) say "usage: sh spec/support/debian.sh [SYSTEM]" ;;
esac
