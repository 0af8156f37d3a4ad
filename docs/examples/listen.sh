#!/bin/sh
# Prints the events of the user "demo" with curl: server-sent events, one frame in each "data:".
set -eu
connect='{"type":"connect","user":"demo"}'
[ -z "${HOLDFAST_TOKEN:-}" ] || connect="{\"type\":\"connect\",\"token\":\"$HOLDFAST_TOKEN\"}"
exec curl --fail-with-body --no-buffer --silent --show-error --header 'Content-Type: application/json' \
  --data "$connect" "${HOLDFAST_CLIENTS:-http://127.0.0.1:8080}/v1/sse"
