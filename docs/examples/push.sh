#!/bin/sh
# Pushes to the user "demo" with curl; prints {"id":"…"}.
set -eu
curl --fail-with-body --silent --show-error "${HOLDFAST_API:-http://127.0.0.1:8090}/v1/push" \
  --header "Authorization: Bearer ${HOLDFAST_KEY:-}" \
  --header 'Content-Type: application/json' \
  --data '{"to":{"user":"demo"},"data":{"text":"hello from curl"}}'
