#!/bin/sh
# /usr/bin/fitferry: the commands of the service in /opt/fitferry, called as root or through sudo.
# - `init` writes the settings of the service, readable for it alone, and starts it.
# - What opens the database is done as the service's user: a file of root's in the state folder would stop the service.
# - Anybody else, and whoever names other settings (-c, $FITFERRY_CONFIG), gets the plain program.
set -eu
program=/opt/fitferry/bin/fitferry
settings=/etc/fitferry/config.toml
if [ "$(id -u)" != 0 ] || [ -n "${FITFERRY_CONFIG:-}" ]; then
	exec "$program" "$@"
fi
case ${1:-} in
"" | -* | demo | sandbox | inspect | repair | upload)
	exec "$program" "$@"
	;;
init)
	for word; do
		case $word in
		--config | --config=* | -h | --help) exec "$program" "$@" ;;
		esac
	done
	FITFERRY_CONFIG=$settings "$program" "$@"
	chgrp fitferry "$settings"
	chmod 640 "$settings"
	if [ -d /run/systemd/system ]; then
		systemctl reset-failed fitferry.service 2>/dev/null || true
		systemctl restart fitferry.service
		echo "The service fitferry has been started. sudo fitferry login prints the link into its page."
	fi
	;;
*)
	# From a folder that this user can enter.
	cd /
	exec runuser -u fitferry -- "$program" "$@"
	;;
esac
