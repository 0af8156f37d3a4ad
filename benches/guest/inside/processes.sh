# The three processes and what they share. Sourced by init.
# shellcheck shell=busybox disable=SC2034 # the journey uses what is set here

OPERATORS=http://127.0.0.1:8082
API=http://127.0.0.1:8090
# The number of ports shares no factor with that of the sources: the load client takes both in
# turn, and so uses every pair of them.
PORTS=8100-8130
SOURCES=127.0.0.2-127.0.0.5
SECRETS=/run/secrets
GATEWAY='' PUSHER='' STRESS='' PROGRESS=''

make_secrets() {
  mkdir -p $SECRETS
  for name in token link api; do
    head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' > $SECRETS/$name
  done
}

# Becomes a command with room for every session in its descriptor table: for a subshell.
with_descriptors() {
  ulimit -n $((SESSIONS + 10000)) || return 1
  exec "$@"
}

start_gateway() {
  with_descriptors holdfast gateway \
    --listen 127.0.0.1:$PORTS --listen-operators 127.0.0.1:8082 \
    --jwt-secret-file $SECRETS/token --link-secret-file $SECRETS/link \
    --ping-interval "${PING_INTERVAL}s" --handshake-timeout "${PATIENCE}s" \
    --write-timeout "${PATIENCE}s" --measure-stalls 2> gateway.log &
  GATEWAY=$!
}

start_pusher() {
  with_descriptors holdfast pusher-api --listen 127.0.0.1:8090 --gateway $OPERATORS \
    --api-key-file $SECRETS/api --link-secret-file $SECRETS/link \
    --gateway-timeout "${PATIENCE}s" 2> pusher-api.log &
  PUSHER=$!
}

# Runs a scenario with all sessions; its reports bear the scenario's name.
start_stress() {
  scenario=$1 PROGRESS=$1.progress
  shift
  with_descriptors holdfast stress "$scenario" --processes 1 --sessions "$SESSIONS" \
    --target ws://127.0.0.1:$PORTS --sources $SOURCES --concurrency "$CONCURRENCY" \
    --connect-timeout "${PATIENCE}s" --token-secret-file $SECRETS/token \
    --api $API --api-key-file $SECRETS/api --push-rate "$PUSH_RATE" --operators $OPERATORS \
    --json "$scenario.json" --html "$scenario.html" "$@" > "$scenario.txt" 2> "$PROGRESS" &
  STRESS=$!
}
