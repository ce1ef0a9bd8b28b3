#!/bin/sh
# Makes the user and the home. It starts nothing, and restarts nothing: a recorder is in a
# meeting, and its own old program goes on until it is told otherwise.
set -e

if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers sealtape.conf
elif ! getent passwd sealtape >/dev/null 2>&1; then
	useradd --system --home-dir /var/lib/sealtape --shell /usr/sbin/nologin sealtape
fi
# systemd-tmpfiles needs /proc, which an image that is being built may not have.
systemd-tmpfiles --create sealtape.conf 2>/dev/null || install -d -o sealtape -g sealtape -m 0700 /var/lib/sealtape
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
