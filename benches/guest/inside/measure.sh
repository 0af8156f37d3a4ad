# What is looked at, and what the host gets to read. Sourced by init.
# shellcheck shell=busybox disable=SC2034 # the journey uses what is set here

# A counter of the gateway: pushes that sockets took, at once or later.
WRITTEN='holdfast_push_latency_seconds_count'

# A line for the host; everything else on the console is the kernel's.
say() { echo "@million $*"; }

now() { cut -d' ' -f1 /proc/uptime; }

seconds_since() { awk -v from="$1" '{ printf "%.1f", $1 - from }' /proc/uptime; }

has_passed() { awk -v from="$1" -v period="$2" '{ exit !($1 - from >= period) }' /proc/uptime; }

# Debian 12's static wget crashes when it is given -T.
fetch() { timeout 120 wget -q -O - "$@"; }

# The sum over all labels of a metric; fails without an answer.
metric() {
  fetch "$OPERATORS/metrics" | awk -v name="$1" '
    { split($1, label, "{") }
    label[1] == name { sum += $NF; seen = 1 }
    END { if (!seen) exit 1; printf "%d", sum }'
}

# Where the load client stands: "HELD FAILED LOST MESSAGES DOING", from its last line of progress.
standing() {
  tail -n 1 "$PROGRESS" | awk '{ sub("/.*", "", $1); print $1 + 0, $3 + 0, $5 + 0, $7 + 0, $9 }'
}

kib() { awk -v field="$1:" '$1 == field { print $2 }' "$2"; }

progress() {
  # shellcheck disable=SC2046 # one word each
  set -- $(standing)
  [ -n "$5" ] || return 0
  say progress "doing=$5 held=$1 failed=$2 lost=$3 messages=$4" \
    "gateway=$(kib VmRSS "/proc/$GATEWAY/status") client=$(kib VmRSS "/proc/$STRESS/status")" \
    "slab=$(kib Slab /proc/meminfo) free=$(kib MemAvailable /proc/meminfo)"
}

# Copies what the kernel and the processes say about themselves, for the host to compare.
snapshot() {
  folder=$1
  mkdir -p "$folder"
  for file in uptime meminfo slabinfo net/sockstat net/netstat net/snmp net/softnet_stat sys/fs/file-nr; do
    cat /proc/$file > "$folder/${file##*/}"
  done
  snapshot_process gateway "$GATEWAY"
  snapshot_process pusher-api "$PUSHER"
  snapshot_process stress "$STRESS"
  fetch "$OPERATORS/metrics" > "$folder/gateway.metrics"
  fetch "$API/metrics" > "$folder/pusher-api.metrics"
}

snapshot_process() {
  [ -n "$2" ] && [ -d "/proc/$2" ] || return 0
  for file in status stat limits; do cat "/proc/$2/$file" > "$folder/$1.$file"; done
}
