#!/usr/bin/env bash
# `debian.sh FOLDER PACKAGE,…`: a small Debian 12 in FOLDER, from where this machine has its own packages; once.
set -euo pipefail
root=$1 packages=$2
if [ ! -e "$root/made" ]; then
	mirror=${MIRROR:-$(apt-cache policy debianutils | awk '/bookworm\/main/ {print $2; exit}')}
	debootstrap --variant=minbase --include="$packages" bookworm "$root" "$mirror"
	touch "$root/made"
fi
