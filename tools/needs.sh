#!/usr/bin/env bash
# `make needs`: install from Debian what some tests use and this machine lacks. They are skipped without it. Root.
set -euo pipefail
needed=()
for pair in chromium:chromium smbd:samba smbclient:smbclient systemd-analyze:systemd mandoc:mandoc; do
	command -v "${pair%%:*}" >/dev/null || needed+=("${pair##*:}")
done
if [ ${#needed[@]} -gt 0 ]; then
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${needed[@]}"; } >/dev/null
fi
