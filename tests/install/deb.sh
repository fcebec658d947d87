#!/usr/bin/env bash
# `make test-deb`: installs the Debian package in a small Debian that is booted in systemd-nspawn, beginning with the
# version before, and does what its users do: deb_check.py. Needs root, debootstrap and systemd-container.
# $1: the release of Debian, bookworm or trixie. Writes below $TMPDIR/fitferry-deb-* alone.
set -euo pipefail
release=${1:?bookworm or trixie}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
root=${TMPDIR:-/tmp}/fitferry-deb-$release
python=$top/.venv/bin/python

"$here/debian.sh" "$root" systemd,systemd-sysv,dbus,python3,ca-certificates,tzdata,man-db "$release"
# What an earlier run has left.
chroot "$root" dpkg --purge fitferry >/dev/null 2>&1 || true
rm -rf "$root/debs" "$root/opt/sandbox" "$root/result" "$root/srv/rides" "$root/etc/systemd/system/fitferry.service.d"
mkdir -p "$root/debs/old" "$root/debs/new"

# The version before: the commit before the one that changed the version last.
changed=$(git -C "$top" log -1 --format=%H -G'^__version__' -- daemon/fitferry/__init__.py)
before=$(mktemp -d)
trap 'git -C "$top" worktree remove --force "$before" 2>/dev/null || rm -rf "$before"' EXIT
git -C "$top" worktree add --quiet --detach --force "$before" "$changed~1"
"$python" "$top/tools/debian_package.py" --fast --source "$before" --release "$release" --out "$root/debs/old"
"$python" "$top/tools/debian_package.py" --fast --release "$release" --out "$root/debs/new"

"$here/run_check.sh" "$root" deb_check.py 600
echo "$release: the package does what it should"
