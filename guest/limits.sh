# The limits of this machine. Sourced by init.

# Lets the doctor look, set what it can, and look again; the descriptors are with_descriptors's.
set_limits() {
  examine > doctor.before
  examine --fix > doctor.fix
  # Here every packet passes a processor's queue, and a broadcast or everybody leaving at once are a
  # packet for each session: what finds the queue full is lost and sent again much later.
  sysctl -q -w net.core.netdev_max_backlog=$((SESSIONS + 16384))
  (with_descriptors holdfast doctor --with-client --sessions "$SESSIONS") > doctor.after 2>&1
}

examine() { holdfast doctor --with-client --sessions "$SESSIONS" "$@" 2>&1; }
