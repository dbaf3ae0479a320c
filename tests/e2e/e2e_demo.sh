#!/bin/sh
# labels: interop
# timeout: 240
# The demo of ./dev run, unattended: nginx as streamers, curl and dig as clients, a streamer that dies.
set -eu
if ! { command -v nginx || [ -x /usr/sbin/nginx ]; } >/dev/null || ! command -v dig >/dev/null; then
    echo 'SKIPPED: nginx and dig are needed (./dev test installs them)'
    exit 77
fi
exec python3 "$WAYMARK_SRC/tools/demo.py" --check --build "$WAYMARK_BIN"
