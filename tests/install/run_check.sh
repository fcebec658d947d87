#!/usr/bin/env bash
# Boots the Debian below $1 in systemd-nspawn and runs the check $2 in it, which may take $3 seconds. Needs root.
set -euo pipefail
root=$1 check=$2 seconds=$3
here=$(cd "$(dirname "$0")" && pwd)

install -m 644 "$here/$check" "$here/../support/booted.py" "$here"/../samples/{edge_820_ride,indoor_ride}.fit "$root/opt/"
cat >"$root/etc/systemd/system/check.service" <<UNIT
[Unit]
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=file:/result
StandardError=file:/result
ExecStart=/usr/bin/python3 /opt/$check
ExecStopPost=/bin/systemctl poweroff --force
[Install]
WantedBy=multi-user.target
UNIT
echo '127.0.0.1 localhost' >"$root/etc/hosts"
chroot "$root" systemctl --quiet enable check.service
timeout "$seconds" systemd-nspawn --quiet --directory "$root" --register=no --keep-unit --boot >"$root/console" 2>&1 || true
cat "$root/result"
grep -q '^all is well$' "$root/result"
