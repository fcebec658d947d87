#!/usr/bin/env bash
# `make test-systemd`: boots a small Debian 12 in systemd-nspawn and runs the service in it, as its users will.
# Needs root, debootstrap, systemd-container and, on the host, Debian 12's Python 3.11. Writes below $1 alone.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
root=${1:-${TMPDIR:-/tmp}/fitferry-boot}
python=$here/.venv/bin/python

"$here/tests/install/debian.sh" "$root" systemd,systemd-sysv,dbus,python3,python3-venv,ca-certificates,tzdata
rm -rf "$root/wheels" "$root/opt/fitferry" "$root/var/lib/fitferry" "$root/result" "$root/etc/fitferry" "$root/srv/rides"
"$python" -m pip wheel --quiet --no-deps --require-hashes -r "$here/requirements.lock" -w "$root/wheels"
"$python" -m pip wheel --quiet --no-deps "$here" -w "$root/wheels"
chroot "$root" python3 -m venv /opt/fitferry
chroot "$root" /opt/fitferry/bin/pip install --quiet --no-index --find-links /wheels fitferry

install -m 644 "$here/systemd/fitferry.service" "$root/etc/systemd/system/fitferry.service"
install -D -m 644 "$here/systemd/credentials.conf" "$root/etc/systemd/system/fitferry.service.d/credentials.conf"
install -D -m 644 "$here/systemd/fitferry.sysusers" "$root/usr/lib/sysusers.d/fitferry.conf"
install -D -m 644 "$here/systemd/fitferry.tmpfiles" "$root/usr/lib/tmpfiles.d/fitferry.conf"
"$here/tests/install/run_check.sh" "$root" boot_check.py 300
