# The limits of this machine. Sourced by init.
# shellcheck shell=busybox

# Lets the doctor look, set what it can, and look again; the descriptors are with_descriptors's.
set_limits() {
  examine > doctor.before
  examine --fix > doctor.fix
  (with_descriptors holdfast doctor --with-client --sessions "$SESSIONS") > doctor.after 2>&1
}

examine() { holdfast doctor --with-client --sessions "$SESSIONS" "$@" 2>&1; }
