#!/bin/sh
# Started as root, become PUID:PGID (1000:1000) for good; started as anybody else, stay that.
set -eu
if [ "$(id -u)" != 0 ]; then
	if [ -n "${PUID:-}" ] && [ "$PUID" != "$(id -u)" ]; then
		echo "PUID is $PUID, but the container was started as user $(id -u): start it as root (user: root), or drop PUID" >&2
	fi
	exec fitferry "$@"
fi
uid=${PUID:-1000} gid=${PGID:-1000}
if [ "$(stat -c %u:%g /config)" != "$uid:$gid" ]; then
	chown -R "$uid:$gid" /config
fi
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --bounding-set=-all --no-new-privs -- fitferry "$@"
