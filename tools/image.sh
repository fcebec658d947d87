#!/usr/bin/env bash
# `make image`: build the image with buildah, for one or several architectures, and name them all in one manifest.
#   tools/image.sh amd64 arm64
# BASE, the image that it builds on, is the Dockerfile's own unless given. VOLUMES: further options of `buildah build`.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' daemon/fitferry/__init__.py)
source=$(sed -n 's/^Source = "\(.*\)"$/\1/p' pyproject.toml)
name=localhost/fitferry:$version
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

buildah manifest rm "$name" >/dev/null 2>&1 || buildah rmi "$name" >/dev/null 2>&1 || true
buildah manifest create "$name" >/dev/null
for arch; do
	# shellcheck disable=SC2086  # several options
	buildah build --quiet --format docker --platform "linux/$arch" --timestamp "$epoch" \
		${BASE:+--build-arg "BASE=$BASE"} ${VOLUMES:-} \
		--label "org.opencontainers.image.version=$version" \
		--label "org.opencontainers.image.revision=$revision" \
		--label "org.opencontainers.image.created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ)" \
		--label "org.opencontainers.image.source=$source" \
		--label "org.opencontainers.image.url=$source" \
		--tag "localhost/fitferry:$version-$arch" . >/dev/null
	buildah manifest add "$name" "localhost/fitferry:$version-$arch" >/dev/null
	echo "built $name for $arch"
done
