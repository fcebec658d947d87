#!/usr/bin/env bash
# `debian.sh FOLDER PACKAGE,… [RELEASE [ARCHITECTURE]]`: a small Debian (bookworm of this machine's architecture) in
# FOLDER, from where this machine has its own packages; once. Another architecture needs qemu.sh before.
set -euo pipefail
root=$1 packages=$2 release=${3:-bookworm} arch=${4:-$(dpkg --print-architecture)}
if [ ! -e "$root/made" ]; then
	mirror=${MIRROR:-$(apt-cache policy debianutils | awk '$3 ~ /^[a-z]+\/main$/ {print $2; exit}')}
	debootstrap --arch="$arch" --variant=minbase --include="$packages" "$release" "$root" "$mirror"
	touch "$root/made"
fi
