#!/usr/bin/env bash
# `make test-dist`: what `make dist` built is built again from the unpacked sdist, elsewhere and with other times and
# modes, and has to come out the same; then the sdist's quick tests run against the installed wheel. $1: where to.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD environment=$PWD/${1:?a folder for the environment}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sdist=$(ls dist/*.tar.gz) wheel=$(ls dist/*.whl)

(umask 077 && tar -xzf "$sdist" -C "$work" --no-same-permissions)
tree=$work/$(basename "$sdist" .tar.gz)
find "$tree" -exec touch -d 2001-02-03 {} +
(cd "$tree" && umask 077 && "$top/.venv/bin/python" -m hatchling build -d "$work/again")
for name in "$sdist" "$wheel"; do
	if ! cmp "$name" "$work/again/$(basename "$name")"; then
		echo "$(basename "$name") is not the same when it is built again" >&2
		exit 1
	fi
done
sha256sum "$sdist" "$wheel"

rm -rf "$environment"
"${PYTHON:-python3}" -m venv "$environment"
pip() { "$environment/bin/python" -m pip --quiet --disable-pip-version-check "$@"; }
pip install --require-hashes -r "$tree/requirements-dev.lock"
pip install --no-deps "$wheel"
cd "$tree"
"$environment/bin/pytest" -p no:cacheprovider -n 3 --dist worksteal -m "not slow"
