#!/bin/sh
# The home stays, whatever is asked for: it has the recorder's keys, and recordings that the
# store may not have yet.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
