#!/bin/sh
# Makes a release of what is committed. From any folder:
#   sh spec/support/release.sh VERSION     such as 1.0.0
# Sets the version in lua/scissl/init.lua, its one place; dates the unreleased part of the CHANGELOG; writes the rockspec of
# the release beside scissl-scm-1.rockspec, and removes the rockspec of the release before; commits and tags this.
# It pushes nothing. When it refuses, it has changed nothing.
set -u
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
. "$root/spec/support/setup.sh"
cd "$root" || exit

[ $# -eq 1 ] || give_up "usage: sh spec/support/release.sh VERSION"
version=$1
tag="v$version"
rockspec="scissl-$version-1.rockspec"
module=lua/scissl/init.lua

# later OLD NEW: whether NEW is OLD or a later version.
later() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1)" = "$2" ]; }

unreleased() { awk '/^## / { inside = $0 == "## Unreleased"; next } inside && NF' CHANGELOG.md; }

# ---- Refusing ----------------------------------------------------------------------------------------------------

number='\(0\|[1-9][0-9]*\)'
expr "$version" : "$number\.$number\.$number\$" >/dev/null || give_up "A version is three numbers, such as 1.0.0; got $version"
[ -z "$(git status --porcelain)" ] || give_up "There are changes that are not committed; see git status"
! git rev-parse -q --verify "refs/tags/$tag" >/dev/null || give_up "The tag $tag exists"
! grep -q "^## $version " CHANGELOG.md || give_up "CHANGELOG.md has a version $version"
[ ! -e "$rockspec" ] || give_up "$rockspec exists"
[ -n "$(unreleased)" ] || give_up "CHANGELOG.md has nothing below '## Unreleased'"
current=$(sed -n 's/.*_VERSION = "scissl \([0-9.]*\)".*/\1/p' "$module")
[ -n "$current" ] || give_up "$module has no _VERSION = \"scissl …\""
later "$current" "$version" || give_up "$version is earlier than $current, the version in $module"

# ---- Changing ----------------------------------------------------------------------------------------------------

# rewrite FILE COMMAND…: the file becomes what the command makes of it.
rewrite() {
    file=$1
    shift
    text=$("$@" <"$file") && printf '%s\n' "$text" >"$file"
}

changes() {
    rewrite "$module" sed "s/_VERSION = \"scissl [0-9.]*\"/_VERSION = \"scissl $version\"/" &&
        rewrite CHANGELOG.md sed "s/^## Unreleased\$/&\\
\\
## $version ($(date -u +%Y-%m-%d))/" &&
        git rm -q --ignore-unmatch 'scissl-[0-9]*.rockspec' &&
        sed "s/^version = .*/version = \"$version-1\"/
s/^   url = .*/&\\
   tag = \"$tag\",/" scissl-scm-1.rockspec >"$rockspec" &&
        git add "$module" CHANGELOG.md "$rockspec"
}

# The tree was clean, so nothing else is lost.
undo() {
    git reset -q --hard
    rm -f "$rockspec"
    give_up "$1"
}

changes || undo "Could not write the files of the release"
! has_command luarocks || luarocks lint "$rockspec" || undo "luarocks lint refuses $rockspec"
git commit -q -m "Release $version" && git tag -a "$tag" -m "scissl $version" || undo "Could not commit and tag"
say "Released $version here. To publish it:
  git push origin HEAD $tag
  luarocks upload $rockspec"
